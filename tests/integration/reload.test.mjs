// Module files change while the daemon runs: what takes effect, what stays, and that no message notices.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import {
  Gate, StateFun, ctl_binary, daemon_test, echo, eventually, messageBuilder, module_for, out, request, run, to_egress, value_of,
} from './support.mjs';

const reload = (daemon) => request(daemon.admin, 'POST', '/-/reload');
const status = async (daemon) => JSON.parse((await request(daemon.admin, 'GET', '/v1/status')).text);
const generation = async (daemon) => (await status(daemon)).modules_generation;
const ctl = (daemon, ...args) => run(ctl_binary, ['--admin-socket', daemon.admin, '--ingress-socket', daemon.ingress, ...args]);
const tells = (name) => ({typename: 'test/echo', fn: (context, message) => context.send(to_egress(`${name}: ${message.asString()}`))});

// In one step, as a package manager or a careful editor does it.
function put_file(stage, name, text) {
  const made = stage.directory.file(`${name}.new`);
  fs.writeFileSync(made, text);
  fs.renameSync(made, path.join(stage.directory.file('modules'), name));
}
const remove_file = (stage, name) => fs.rmSync(path.join(stage.directory.file('modules'), name));

daemon_test('a changed file takes effect by itself, on SIGHUP, on POST and with statefunctl reload', async (stage) => {
  const [first, second] = [await stage.serve([tells('first')]), await stage.serve([tells('second')])];
  const daemon = await stage.start({'test.yaml': module_for('test/*', first)});
  const said = async (text) => {
    assert.equal((await daemon.put(['test', 'echo', 'x'], text)).status, 202);
    return value_of((await daemon.take_from_egress(out, 1))[0]);
  };
  assert.equal(await said('a'), 'first: a');
  const before = await generation(daemon);

  put_file(stage, 'test.yaml', module_for('test/*', second));
  await eventually('the watch has seen it', 10_000, async () => (await generation(daemon)) > before);
  assert.equal(await said('b'), 'second: b');

  const by_hand = await reload(daemon);
  assert.equal(by_hand.status, 200, by_hand.text);
  assert.equal(JSON.parse(by_hand.text).functions_count, 1);

  const now = JSON.parse(by_hand.text).generation;
  daemon.child.kill('SIGHUP');
  await eventually('SIGHUP reloads', 10_000, async () => (await generation(daemon)) > now);

  const {code, text} = await ctl(daemon, 'reload');
  assert.equal(code, 0, text);
  assert.match(text, /generation \d+ is in force: 1 function from 1 module file/);
  assert.equal(await said('c'), 'second: c');
});

daemon_test('a broken file keeps its last good version, and is told in the answer, the log, the status and the metrics', async (stage) => {
  const url = await stage.serve([tells('good')]);
  const daemon = await stage.start({'test.yaml': module_for('test/*', url)});
  put_file(stage, 'test.yaml', module_for('test/*', url).replace('urlPathTemplate', 'urlPathTemplat'));
  put_file(stage, 'more.yaml', module_for('more/*', url));
  const refused = await reload(daemon);
  assert.equal(refused.status, 422, refused.text);
  const problem = JSON.parse(refused.text);
  assert.equal(problem.code, 'SF0122');
  assert.ok(problem.diagnostics.some((it) => it.line === 4 && /urlPathTemplat/.test(it.message) && /urlPathTemplate/.test(it.hint)), refused.text);
  assert.equal(problem.generation, await generation(daemon));

  const seen = await status(daemon);
  assert.deepEqual(seen.modules.map(({file, state}) => [path.basename(file), state]), [['more.yaml', 'loaded'], ['test.yaml', 'kept']]);
  await daemon.logged(/SF0003.*last good version.*urlPathTemplat/);
  const metrics = (await request(daemon.admin, 'GET', '/metrics')).text;
  assert.match(metrics, /statefun_module_files\{state="kept"\} 1/);
  assert.match(metrics, /statefun_reloads_total\{result="refused"\} [1-9]/);
  const shown = await ctl(daemon, 'status');
  assert.match(shown.text, /test\.yaml: its last good version is in force/);
  const by_tool = await ctl(daemon, 'reload');
  assert.equal(by_tool.code, 1);
  assert.match(by_tool.text, /test\.yaml:4:3/);

  assert.equal((await daemon.put(['test', 'echo', 'x'], 'on')).status, 202);
  assert.equal((await daemon.put(['more', 'nobody', 'x'], 'taken')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['good: on']);

  put_file(stage, 'test.yaml', module_for('test/*', url));
  assert.equal((await reload(daemon)).status, 200);
  assert.equal((await status(daemon)).modules.filter(({state}) => state !== 'loaded').length, 0);
});

daemon_test('a file that is broken at the start is left out, and the daemon starts', async (stage) => {
  const url = await stage.serve([tells('good')]);
  const daemon = await stage.start({'a.yaml': 'kind: nothing\n', 'test.yaml': module_for('test/*', url)});
  await daemon.logged(/SF0003.*left out.*a\.yaml:1:7/);
  assert.equal((await daemon.put(['test', 'echo', 'x'], 'on')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['good: on']);
});

daemon_test('without its file a function keeps its messages: outside gets 404, and they go on when the file is back', async (stage) => {
  const gate = new Gate();
  const url = await stage.serve([
    echo(),
    {
      typename: 'ask/sender',
      async fn(context, message) {
        await gate.opened;
        const value = `sent for ${message.asString()}`;
        context.send(messageBuilder({typename: 'test/echo', id: 'x', value, valueType: StateFun.stringType()}));
      },
    },
  ]);
  const daemon = await stage.start({'ask.yaml': module_for('ask/*', url), 'test.yaml': module_for('test/*', url)});
  assert.equal((await daemon.put(['ask', 'sender', 's'], 'one')).status, 202);
  remove_file(stage, 'test.yaml');
  assert.equal((await reload(daemon)).status, 200);
  const refused = await daemon.put(['test', 'echo', 'x'], 'from outside');
  assert.equal(refused.status, 404);
  assert.match(refused.text, /SF0102/);
  gate.open();
  const waiting = await eventually('the message waits', 10_000, async () =>
    (await status(daemon)).functions.find(({type, backlog_count}) => type === 'test/echo' && backlog_count === 1));
  assert.equal(waiting.endpoint, '');
  put_file(stage, 'test.yaml', module_for('test/*', url));
  const [record] = await daemon.take_from_egress(out, 1);
  assert.equal(value_of(record), 'sent for one');
});

daemon_test('a call in flight ends at the old endpoint while the new one takes the next', async (stage) => {
  const gate = new Gate();
  const seen = [];
  const old_url = await stage.serve([echo({gate, seen})]);
  const new_url = await stage.serve([tells('new')]);
  const daemon = await stage.start({'test.yaml': module_for('test/*', old_url)});
  assert.equal((await daemon.put(['test', 'echo', 'slow'], 'old')).status, 202);
  await eventually('the call is out', 10_000, () => seen.length > 0);
  put_file(stage, 'test.yaml', module_for('test/*', new_url));
  assert.equal((await reload(daemon)).status, 200);
  assert.equal((await daemon.put(['test', 'echo', 'other'], 'now')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['new: now']);
  gate.open();
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['old']);
});

daemon_test('a directory that is gone leaves everything in force, and is read when it is back', async (stage) => {
  const url = await stage.serve([tells('good')]);
  const daemon = await stage.start({'test.yaml': module_for('test/*', url)});
  const modules = stage.directory.file('modules');
  fs.renameSync(modules, `${modules}.away`);
  const refused = await reload(daemon);
  assert.equal(refused.status, 422);
  assert.match(refused.text, /no such module directory/);
  await daemon.logged(/SF0030/);
  assert.equal((await daemon.put(['test', 'echo', 'x'], 'on')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map(value_of), ['good: on']);
  fs.renameSync(`${modules}.away`, modules);
  put_file(stage, 'more.yaml', module_for('more/*', url));
  await eventually('it is read again', 10_000, async () => (await status(daemon)).modules.length === 2);
});

daemon_test('reloading a hundred times a second under load loses, repeats and reorders nothing', async (stage) => {
  const addresses = 20, messages_each = 200;
  const count_to = (context, message) => {
    const count = (context.storage.count ?? 0) + 1;
    context.storage.count = count;
    context.send(to_egress({address: context.self.id, text: message.asString(), count}));
  };
  const specs = [{name: 'count', type: StateFun.intType()}];
  const bind = (typename) => ({typename, fn: count_to, specs});
  const urls = [await stage.serve([bind('test/counter')]), await stage.serve([bind('test/counter')])];
  const daemon = await stage.start({'test.yaml': module_for('test/*', urls[0])}, {settings: 'log: {level: warning}\n'});

  let sending = true;
  const send = async (address) => {
    for (let i = 0; i < messages_each;) {
      const {status: answered, text} = await daemon.put(['test', 'counter', `a${address}`], `${i}`);
      if (answered === 202) ++i;
      else assert.ok(answered === 429 || answered === 404, text); // full, or its file is gone for a moment
    }
  };
  let reloads = 0;
  const keep_reloading = async () => {
    for (; sending; ++reloads) {
      if (reloads % 11 === 10) remove_file(stage, 'test.yaml');
      else put_file(stage, 'test.yaml', module_for('test/*', urls[reloads % 2], `  maxNumBatchRequests: ${1 + reloads % 7}\n`));
      const {status: answered, text} = await reload(daemon);
      assert.equal(answered, 200, text);
    }
    put_file(stage, 'test.yaml', module_for('test/*', urls[0]));
    assert.equal((await reload(daemon)).status, 200);
  };
  const reloading = Promise.all([keep_reloading(), (async () => { while (sending) await reload(daemon); })()]);
  const began = Date.now();
  await Promise.all([...Array(addresses).keys()].map(send)).finally(() => (sending = false));
  await reloading;
  const per_second = Math.round(reloads / ((Date.now() - began) / 1000));
  console.log(`${reloads} changes of the directory, ${per_second} a second`);

  const records = (await daemon.take_from_egress(out, addresses * messages_each)).map(value_of);
  assert.equal(records.length, addresses * messages_each);
  for (let address = 0; address < addresses; ++address) {
    const own = records.filter((it) => it.address === `a${address}`);
    assert.deepEqual(own.map(({text}) => Number(text)), [...Array(messages_each).keys()], `order at a${address}`);
    assert.deepEqual(own.map(({count}) => count), own.map((_, i) => i + 1), `state of a${address}`);
  }
  assert.deepEqual(await daemon.stop(), {code: 0, signal: null});
}, 180_000);
