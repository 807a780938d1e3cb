// Functions that fail, and endpoints that are not what the module says.
import assert from 'node:assert/strict';

import {
  Gate, StateFun, ctl_binary, daemon_test, echo, eventually, module_for, out, request, run, to_egress, value_of,
} from './support.mjs';

const short_call = '  transport:\n    type: io.statefun.transports.v1/async\n    call: 1s\n';

daemon_test('a function that throws is called again until it recovers, and everything arrives in order', async (stage) => {
  let broken = true;
  let thrown = 0;
  const daemon = await stage.start_with([{
    typename: 'test/echo',
    specs: [{name: 'seen', type: StateFun.intType()}],
    fn(context, message) {
      context.storage.seen = (context.storage.seen ?? 0) + 1;
      context.send(to_egress({text: message.asString(), seen: context.storage.seen}));
      if (broken && context.self.id === 'x') {
        ++thrown;
        throw new Error('not now');
      }
    },
  }], {more: short_call});
  const texts = ['1', '2', '3', '4', '5'];
  for (const text of texts) assert.equal((await daemon.put(['test', 'echo', 'x'], text)).status, 202);
  await daemon.logged(/SF0201/);
  assert.match((await request(daemon.admin, 'GET', '/v1/status')).text, /500/);

  assert.equal((await daemon.put(['test', 'echo', 'y'], 'not held up')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), [{text: 'not held up', seen: 1}]);

  broken = false;
  const values = (await daemon.take_from_egress(out, texts.length)).map(value_of);
  assert.deepEqual(values, texts.map((text, i) => ({text, seen: i + 1}))); // what a failed call did, left no trace
  assert.ok(thrown >= 2, `${thrown} calls failed`);
  await daemon.logged(/SF0202/);
});

daemon_test('what a function throws is told at its first attempt, while the call has minutes left, until it recovers', async (stage) => {
  let broken = true;
  const daemon = await stage.start_with([{
    typename: 'test/echo',
    fn(context, message) {
      if (broken) throw new Error('not now');
      context.send(to_egress(message.asString()));
    },
  }]);
  const failure = async () => JSON.parse((await request(daemon.admin, 'GET', '/v1/status')).text).functions[0].last_failure;
  assert.equal((await daemon.put(['test', 'echo', 'x'], 'patience')).status, 202);
  await daemon.logged(/SF0247.*address=test\/echo\/x.*answered 500/);
  const told = await failure();
  assert.match(told.error, /answered 500.*attempt \d+, /s);
  assert.ok(told.attempts_count >= 1);
  broken = false;
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['patience']);
  await eventually('the failure is no longer told', 10_000, async () => (await failure()) === null);
});

daemon_test('an endpoint that is down is called again, and what waited arrives once it is up', async (stage) => {
  const socket = stage.directory.file('late.sock');
  const daemon = await stage.start(
    {'test.yaml': module_for('test/*', `http+unix://${socket}/statefun`, short_call)});
  for (const text of ['1', '2', '3']) assert.equal((await daemon.put(['test', 'echo', 'x'], text)).status, 202);
  await daemon.logged(/SF0215/);
  await stage.serve_at(socket, [echo()]);
  assert.deepEqual((await daemon.take_from_egress(out, 3)).map(value_of), ['1', '2', '3']);
});

daemon_test('a message for which its function throws is set aside, what is behind it goes on, and replayed it arrives', async (stage) => {
  let mended = false;
  const policy = '  retry: {initial: 10ms, max: 50ms, maxAttempts: 1}\n  onFailure: dead-letter\n';
  const daemon = await stage.start_with([{
    typename: 'test/echo',
    fn(context, message) {
      if (message.asString() === 'bad' && !mended) throw new Error('no such price');
      context.send(to_egress(message.asString()));
    },
  }], {more: short_call + policy});
  const ctl = async (...args) => {
    const done = await run(ctl_binary, args, {env: {STATEFUN_ADMIN_SOCKET: daemon.admin}});
    assert.equal(done.code, 0, done.text);
    return done.text;
  };
  const letters = async () => JSON.parse(await ctl('dead-letters', 'list', '--json')).dead_letters;

  assert.equal((await daemon.put(['test', 'echo', 'x'], 'bad')).status, 202);
  assert.equal((await daemon.put(['test', 'echo', 'x'], 'behind')).status, 202);
  await daemon.logged(/SF0225/); // it may be the function that is broken
  assert.deepEqual(await letters(), []);
  assert.equal((await daemon.put(['test', 'echo', 'y'], 'works')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 2)).map(value_of).sort(), ['behind', 'works']);
  await daemon.logged(/SF0223/);

  const [letter] = await letters();
  assert.match(JSON.stringify(letter), /attempts are used up; the last one: .*answered 500/);
  mended = true;
  await ctl('dead-letters', 'replay', letter.id);
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['bad']);
  assert.deepEqual(await letters(), []);
});

daemon_test('connections that the functions closed are replaced without a failure', async (stage) => {
  const socket = stage.directory.file('again.sock');
  const daemon = await stage.start({'test.yaml': module_for('test/*', `http+unix://${socket}/statefun`)});
  for (const text of ['1', '2', '3']) {
    const server = await stage.serve_at(socket, [echo()]);
    assert.equal((await daemon.put(['test', 'echo', 'x'], text)).status, 202);
    assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), [text]);
    await server.close();
  }
  assert.doesNotMatch(daemon.log, /SF02(01|15)/);
});

daemon_test('a 2.x module in front of a 3.x function is named as what it is, and consumes nothing', async (stage) => {
  let calls = 0;
  const url = await stage.serve([{
    typename: 'test/counter',
    specs: [{name: 'seen', type: StateFun.intType()}],
    fn() {
      ++calls;
    },
  }]);
  const daemon = await stage.start({'test.yaml': `version: "2.0"
module:
  meta:
    type: remote
  spec:
    functions:
      - function:
          meta:
            kind: http
            type: test/counter
          spec:
            endpoint: ${url}
            timeout: 2s
`}, {args: ['--set', 'drain_timeout=200ms']});
  assert.equal((await daemon.put(['test', 'counter', 'x'], 'hello')).status, 202);
  await daemon.logged(/declare it as `kind: io.statefun.endpoints.v2\/http`/, 30_000);
  await eventually('the status names the kind to declare', 30_000, async () =>
    (await request(daemon.admin, 'GET', '/v1/status')).text.includes('io.statefun.endpoints.v2/http'));
  assert.equal(calls, 0);
  assert.equal((await daemon.stop()).code, 1);
  assert.match(daemon.log, /SF0010/);
}, 90_000);

daemon_test('a slow function holds up its own address alone', async (stage) => {
  const gate = new Gate();
  const daemon = await stage.start_with([
    {
      typename: 'test/mixed',
      async fn(context, message) {
        if (context.self.id === 'slow') await gate.opened;
        context.send(to_egress(message.asString()));
      },
    },
  ]);
  await daemon.put(['test', 'mixed', 'slow'], 'slow');
  for (let i = 0; i < 10; ++i) await daemon.put(['test', 'mixed', `fast-${i}`], 'fast');
  assert.deepEqual((await daemon.take_from_egress(out, 10)).map(value_of), Array(10).fill('fast'));
  gate.open();
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['slow']);
});
