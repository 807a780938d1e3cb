// Reading an egress: pages, acknowledgement, waiting.
import assert from 'node:assert/strict';

import {daemon_test, echo, out, request, value_of} from './support.mjs';

const texts = (answer) => answer.records.map(value_of);

async function daemon_with(stage, values) {
  const daemon = await stage.start_with([echo()]);
  for (const text of values) assert.equal((await daemon.put(['test', 'echo', 'x'], text)).status, 202);
  return daemon;
}

// Without acknowledging anything.
async function all_of(daemon, count) {
  for (let tries = 0; tries < 50; ++tries) {
    const answer = await daemon.read_egress(out, {wait: '1s'});
    if (answer.records.length === count) return answer;
  }
  assert.fail(`${count} records never came`);
}

daemon_test('a record is there until it is acknowledged, and peeking acknowledges nothing', async (stage) => {
  const daemon = await daemon_with(stage, ['a', 'b', 'c']);
  const {records} = await all_of(daemon, 3);
  assert.deepEqual(records.map(value_of), ['a', 'b', 'c']);
  assert.ok(records[0].seq < records[1].seq && records[1].seq < records[2].seq);
  assert.equal(records[0].from, 'test/echo/x');
  assert.equal(records[0].type, 'test/json');

  assert.deepEqual(texts(await daemon.read_egress(out, {after: records[0].seq, peek: true})), ['b', 'c']);
  assert.deepEqual(texts(await daemon.read_egress(out, {max: 1})), ['a']);
  assert.deepEqual(texts(await daemon.read_egress(out, {after: records[0].seq, max: 1})), ['b']);
  assert.deepEqual(texts(await daemon.read_egress(out)), ['b', 'c']);
  assert.deepEqual(texts(await daemon.read_egress(out, {after: records[2].seq})), []);
  assert.deepEqual(texts(await daemon.read_egress(out)), []);
});

daemon_test('a number that was never given out removes nothing', async (stage) => {
  const daemon = await daemon_with(stage, ['a']);
  const {records} = await all_of(daemon, 1);
  const answer = await daemon.read_egress(out, {after: records[0].seq + 1_000_000});
  assert.equal(answer.status, 409);
  assert.match(answer.text, /SF0114/);
  assert.deepEqual(texts(await daemon.read_egress(out)), ['a']);
});

daemon_test('an egress that nobody declared or wrote to is not found', async (stage) => {
  const daemon = await daemon_with(stage, []);
  const answer = await daemon.read_egress('no/body');
  assert.equal(answer.status, 404);
  assert.match(answer.text, /SF0115/);
});

daemon_test('a reader that waits is woken by the record', async (stage) => {
  const daemon = await daemon_with(stage, ['first']);
  const {records} = await all_of(daemon, 1);
  const begun = Date.now();
  const waiting = daemon.read_egress(out, {after: records[0].seq, wait: '30s', within_ms: 20_000});
  await daemon.put(['test', 'echo', 'y'], 'second');
  assert.deepEqual(texts(await waiting), ['second']);
  assert.ok(Date.now() - begun < 15_000);
});

daemon_test('a wait that nothing ends is answered empty', async (stage) => {
  const daemon = await daemon_with(stage, ['first']);
  const {records} = await all_of(daemon, 1);
  const begun = Date.now();
  const answer = await daemon.read_egress(out, {after: records[0].seq, wait: '1s'});
  assert.equal(answer.status, 200);
  assert.equal(answer.text, '');
  assert.ok(Date.now() - begun >= 995);
});

daemon_test('metrics and status can be read while it works', async (stage) => {
  const daemon = await daemon_with(stage, ['a']);
  await all_of(daemon, 1);
  const metrics = await request(daemon.admin, 'GET', '/metrics');
  assert.equal(metrics.status, 200);
  assert.match(metrics.text, /^statefun_function_in_total\{.*\} 1$/m);
  const status = await request(daemon.admin, 'GET', '/v1/status');
  assert.equal(status.status, 200);
  assert.equal(typeof JSON.parse(status.text), 'object');
});
