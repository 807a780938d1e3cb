// What the door answers, and what its answers promise.
import assert from 'node:assert/strict';

import {Gate, daemon_test, echo, eventually, out, request, value_of} from './support.mjs';

function assert_problem(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  assert.ok(answer.text.includes(code), answer.text);
}

daemon_test('what cannot be accepted is refused with a number', async (stage) => {
  const daemon = await stage.start_with([echo()]);
  assert_problem(await daemon.put(['nobody', 'knows', 'x'], 'hello'), 404, 'SF0102');
  assert_problem(await request(daemon.ingress, 'PUT', '/test/echo/x', {body: 'bytes'}), 415, 'SF0104');
  assert_problem(await request(daemon.ingress, 'PUT', '/test/echo/', {body: 'x', headers: {'content-type': 'text/plain'}}), 400, 'SF0101');
  assert_problem(await request(daemon.ingress, 'DELETE', '/test/echo/x'), 405, 'SF0111');
  assert.equal((await daemon.put(['test', 'echo', 'x'], 'well')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['well']);
});

daemon_test('a full mailbox answers 429, other addresses go on, and what was accepted arrives in order', async (stage) => {
  const gate = new Gate();
  const seen = [];
  const daemon = await stage.start_with([echo({gate, seen})], {more: '  maxNumBatchRequests: 2\n'});
  const put = (text) => daemon.put(['test', 'echo', 'slow'], text);

  assert.equal((await put('1')).status, 202);
  await eventually('the first message is out on a call', 10_000, () => seen.length === 1);
  assert.equal((await put('2')).status, 202);
  assert.equal((await put('3')).status, 202);
  const refused = await put('refused');
  assert_problem(refused, 429, 'SF0105');
  assert.ok(Number(refused.headers['retry-after']) >= 1, 'Retry-After');
  assert.equal((await daemon.put(['test', 'echo', 'other'], 'other')).status, 202);

  gate.open();
  const values = (await daemon.take_from_egress(out, 4)).map(value_of);
  assert.deepEqual(values.filter((value) => value !== 'other'), ['1', '2', '3']);
  assert.equal((await put('4')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['4']);
});

daemon_test('an idempotency key is accepted once, and is a conflict for other bytes', async (stage) => {
  const daemon = await stage.start_with([echo()]);
  const put = (text, id = 'x') => daemon.put(['test', 'echo', id], text, {'idempotency-key': 'k1'});
  const first = await put('hello');
  assert.equal(first.status, 202);
  assert.ok(first.headers['statefun-message-id']);
  const again = await put('hello');
  assert.equal(again.status, 200);
  assert.equal(again.headers['statefun-duplicate'], 'true');
  assert.equal(again.headers['statefun-message-id'], first.headers['statefun-message-id']);
  assert_problem(await put('something else'), 409, 'SF0113');
  assert.equal((await put('the key belongs to its address', 'y')).status, 202);
  const values = (await daemon.take_from_egress(out, 2)).map(value_of);
  assert.deepEqual(values.sort(), ['hello', 'the key belongs to its address']);
});

daemon_test('a batch takes its good lines and names its bad ones', async (stage) => {
  const daemon = await stage.start_with([echo()]);
  const lines = [
    '{"target": "test/echo/x", "text": "first"}',
    'this is no JSON',
    '{"target": "nobody/knows/x", "text": "lost"}',
    '{"target": "test/echo/x", "text": "second", "key": "k"}',
    '{"target": "test/echo/x", "text": "second", "key": "k"}',
    '{"target": "test/echo", "text": "two segments"}',
    JSON.stringify({target: 'test/echo/x', type: 'io.statefun.types/string', value: Buffer.from('\x0a\x05third').toString('base64')}),
  ];
  const answer = await request(daemon.ingress, 'POST', '/-/batch', {
    headers: {'content-type': 'application/x-ndjson'}, body: lines.join('\n') + '\n',
  });
  assert.equal(answer.status, 200, answer.text);
  const {accepted, duplicates, rejected} = JSON.parse(answer.text);
  assert.deepEqual([accepted, duplicates], [3, 1]);
  assert.deepEqual(rejected.map(({index, status, code}) => [index, status, code]),
    [[1, 400, 'SF0101'], [2, 404, 'SF0102'], [5, 400, 'SF0101']]);
  for (const {detail} of rejected) assert.ok(detail);
  assert.deepEqual((await daemon.take_from_egress(out, 3)).map(value_of), ['first', 'second', 'third']);
});

daemon_test('a batch that meets a full mailbox is rejected from there on for that address, in order', async (stage) => {
  const gate = new Gate();
  const seen = [];
  const daemon = await stage.start_with([echo({gate, seen})],
    {more: '  maxNumBatchRequests: 2\n', args: ['--set', 'ingress.wait_max=200ms']});
  assert.equal((await daemon.put(['test', 'echo', 'x'], '0')).status, 202);
  await eventually('the first message is out on a call', 10_000, () => seen.length === 1);
  const lines = ['1', '2', '3', '4'].map((text) => JSON.stringify({target: 'test/echo/x', text}));
  lines.push(JSON.stringify({target: 'test/echo/y', text: 'other'}));
  const answer = await request(daemon.ingress, 'POST', '/-/batch', {
    headers: {'content-type': 'application/x-ndjson'}, body: lines.join('\n'),
  });
  assert.equal(answer.status, 200, answer.text);
  const {accepted, rejected} = JSON.parse(answer.text);
  assert.equal(accepted, 3);
  assert.deepEqual(rejected.map(({index, status}) => [index, status]), [[2, 429], [3, 429]]);
  gate.open();
  const values = (await daemon.take_from_egress(out, 4)).map(value_of);
  assert.deepEqual(values.filter((value) => value !== 'other'), ['0', '1', '2']);
});
