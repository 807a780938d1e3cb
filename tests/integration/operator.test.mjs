// What an operator does when something stands still.
import assert from 'node:assert/strict';

import {ctl_binary, daemon_test, echo, eventually, module_for, out, request, run, to_egress, value_of} from './support.mjs';

// statefunctl against this daemon: {code, text}; `json` asks for it, and checks the exit code.
const ctl = (daemon) => (...words) =>
  run(ctl_binary, words, {env: {STATEFUN_ADMIN_SOCKET: daemon.admin, STATEFUN_INGRESS_SOCKET: daemon.ingress}});
const json_of = (daemon) => async (...words) => {
  const {code, text} = await ctl(daemon)(...words, '--json');
  assert.equal(code, 0, text);
  return JSON.parse(text);
};

const short_call = '  transport:\n    type: io.statefun.transports.v1/async\n    call: 300ms\n';

// Writes what it is given to the egress, and throws at poison.
const picky = {
  typename: 'test/picky',
  fn(context, message) {
    if (message.asString().startsWith('poison')) throw new Error(`I do not take ${message.asString()}`);
    context.send(to_egress(message.asString()));
  },
};

daemon_test('a poisonous message is found, described and skipped, and what stood behind it arrives in order', async (stage) => {
  const daemon = await stage.start_with([picky, echo()], {more: short_call});
  const operator = ctl(daemon);
  const json = json_of(daemon);
  const poison = await daemon.put(['test', 'picky', 'x'], 'poison');
  assert.equal(poison.status, 202);
  const id = poison.headers['statefun-message-id'];
  for (const text of ['1', '2']) assert.equal((await daemon.put(['test', 'picky', 'x'], text)).status, 202);

  const [stuck] = await eventually('the address backs off', 20_000, async () => {
    const {addresses} = await json('addresses', '--state', 'backing_off');
    return addresses.length > 0 && addresses[0].failures_count >= 2 && addresses;
  });
  assert.equal(stuck.address, 'test/picky/x');
  assert.match(stuck.last_error, /500/);

  assert.deepEqual(await json('pause', 'test/picky/x', '--reason', 'a look & more'), {changed: true});
  const seen = await json('describe', 'test/picky/x');
  assert.equal(seen.state, 'paused');
  assert.match(seen.paused.reason, /^uid \d+: a look & more$/);
  assert.equal(seen.head.message, id);
  assert.equal(seen.messages_count, 3);
  assert.equal(seen.durable, true);

  const shown = await operator('skip', 'test/picky/x');
  assert.equal(shown.code, 1);
  const [, ...words] = shown.text.match(/statefunctl (skip) (\S+) (--message) (\S+)/);
  const skipped = await operator(...words);
  assert.equal(skipped.code, 0, skipped.text);
  const late = await operator(...words);
  assert.equal(late.code, 1);
  assert.match(late.text, /SF0229 \(409\)/);
  assert.equal((await json('describe', 'test/picky/x')).messages_count, 2);

  assert.equal((await operator('resume', 'test/picky/x')).code, 0);
  assert.deepEqual((await daemon.take_from_egress(out, 2)).map(value_of), ['1', '2']);
  const gone = await operator('describe', 'test/picky/x');
  assert.equal(gone.code, 1);
  assert.match(gone.text, /SF0124 \(404\): nothing waits for test\/picky\/x/);
});

daemon_test('a paused type calls nobody, others go on, and its messages arrive once it is resumed', async (stage) => {
  const daemon = await stage.start_with([picky, echo()]);
  const operator = ctl(daemon);
  assert.equal((await daemon.put(['test', 'picky', 'x'], 'before')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['before']);
  assert.equal((await operator('pause', 'test/picky')).text, 'test/picky is paused\n');
  assert.equal((await daemon.put(['test', 'picky', 'x'], 'held up')).status, 202);
  assert.equal((await daemon.put(['test', 'echo', 'y'], 'not held up')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['not held up']);
  const {functions} = await json_of(daemon)('functions');
  assert.equal(functions.find((one) => one.type === 'test/picky').paused.by, 'operator');
  assert.equal((await operator('resume', 'test/picky')).text, 'test/picky is resumed\n');
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['held up']);
  const unknown = await operator('pause', 'test2/nobody');
  assert.equal(unknown.code, 1);
  assert.match(unknown.text, /SF0102/);
});

daemon_test('a daemon that is started paused accepts nothing until resume --all, and then serves', async (stage) => {
  const url = await stage.serve([echo()]);
  const daemon = stage.launch({'test.yaml': module_for('test/*', url)}, {args: ['--set', 'start_paused=true']});
  await daemon.logged(/SF0125/);
  assert.equal((await request(daemon.admin, 'GET', '/-/ready')).status, 503);
  const refused = await daemon.put(['test', 'echo', 'x'], 'early');
  assert.equal(refused.status, 503);
  assert.equal(refused.headers['retry-after'], '30');
  assert.match((await ctl(daemon)('status')).text, /, paused, up /);
  const resumed = await ctl(daemon)('resume', '--all');
  assert.equal(resumed.text, 'statefund is resumed; what was paused by itself stays so\n');
  await daemon.ready();
  await daemon.logged(/SF0126/);
  assert.equal((await daemon.put(['test', 'echo', 'x'], 'late')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['late']);
});
