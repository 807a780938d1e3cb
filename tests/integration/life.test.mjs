// Starting, refusing to start, and stopping.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import {Gate, Records, binary, daemon_test, echo, eventually, module_for, out, run, value_of} from './support.mjs';

const nowhere = module_for('test/*', 'http+unix:///nowhere/functions.sock/statefun');

// Runs statefund on modules, for flags that end it at once; a flag of `args` stands in place of the usual one.
function run_with(stage, modules, ...args) {
  const settings = stage.directory.file('settings.yaml');
  fs.writeFileSync(settings, 'log: {level: info}\n');
  const usual = {
    '--config': settings, '--modules': stage.directory.write_modules(modules), '--store': 'memory',
    '--ingress-socket': stage.directory.file('ingress.sock'), '--admin-socket': stage.directory.file('admin.sock'),
  };
  return run(binary, [...Object.entries(usual).filter(([flag]) => !args.includes(flag)).flat(), ...args]);
}

daemon_test('SIGTERM drains: new messages are refused, calls in flight end, exit code 0', async (stage) => {
  const gate = new Gate();
  const seen = [];
  const daemon = await stage.start_with([{
    typename: 'test/quiet',
    async fn(_, message) {
      seen.push(message.asString());
      await gate.opened;
    },
  }]);
  for (const text of ['1', '2', '3']) assert.equal((await daemon.put(['test', 'quiet', 'x'], text)).status, 202);
  await eventually('the first call is out', 10_000, () => seen.length > 0);
  daemon.child.kill('SIGTERM');
  await daemon.logged(/SF0008/);
  const refused = await daemon.put(['test', 'quiet', 'x'], '4');
  assert.equal(refused.status, 503);
  assert.match(refused.text, /SF0109/);
  assert.ok(refused.headers['retry-after']);
  gate.open();
  assert.deepEqual(await daemon.stop(), {code: 0, signal: null});
  assert.deepEqual(seen, ['1', '2', '3']);
  assert.match(daemon.log, /SF0009/);
  assert.doesNotMatch(daemon.log, /SF0010/);
});

daemon_test('SIGTERM under load ends with exit code 0, and the next start goes on with what was answered', async (stage) => {
  const url = await stage.serve([echo()]);
  const durable = {store: 'rocksdb', settings: 'log: {level: info}\n'};
  const accepted = new Set();
  for (let round = 0; round < 5; ++round) {
    const daemon = await stage.start({'test.yaml': module_for('test/*', url)}, durable);
    const before = accepted.size;
    const send = async (producer) => {
      for (let i = 0; ; ++i) {
        const text = `${round}/${producer}/${i}`;
        const answer = await daemon.put(['test', 'echo', `p${producer}`], text).catch(() => undefined);
        if (answer?.status !== 202) return;
        accepted.add(text);
      }
    };
    const producers = Array.from({length: 16}, (_, producer) => send(producer));
    await eventually('messages are under way', 10_000, () => accepted.size > before + 200);
    assert.deepEqual(await daemon.stop(), {code: 0, signal: null});
    await Promise.all(producers);
    assert.doesNotMatch(daemon.log, /SF0301/);
  }
  const daemon = await stage.start({'test.yaml': module_for('test/*', url)}, durable);
  const records = new Records();
  await eventually('all records have come', 30_000, async () => {
    const after = records.last_sequence > 0 ? {after: records.last_sequence} : {};
    records.add((await daemon.read_egress(out, {...after, wait: '300ms', max: 1000})).records);
    return records.by_sequence.size >= accepted.size;
  });
  const texts = [...records.by_sequence.values()].map((record) => JSON.parse(record.slice(record.indexOf(' ') + 1)));
  assert.equal(new Set(texts).size, texts.length);
  assert.deepEqual([...accepted].filter((text) => !texts.includes(text)), []);
});

daemon_test('SIGINT stops as well, and sockets are gone afterwards', async (stage) => {
  const daemon = await stage.start({'test.yaml': nowhere});
  assert.deepEqual(await daemon.stop('SIGINT'), {code: 0, signal: null});
  assert.equal(fs.existsSync(daemon.ingress), false);
  assert.equal(fs.existsSync(daemon.admin), false);
});

daemon_test('the memory store says once that it keeps nothing, and says how many messages a stop lost', async (stage) => {
  const gate = new Gate();
  const seen = [];
  const daemon = await stage.start_with([echo({gate, seen})], {args: ['--set', 'drain_timeout=300ms']});
  assert.equal(daemon.log.match(/SF0005/g)?.length, 1);
  for (const text of ['1', '2', '3']) assert.equal((await daemon.put(['test', 'echo', 'x'], text)).status, 202);
  await eventually('the first call is out', 10_000, () => seen.length > 0);
  assert.deepEqual(await daemon.stop(), {code: 1, signal: null});
  assert.match(daemon.log, /SF0010.*\b3\b/);
});

daemon_test('a store that does not always sync says in the log and in its status what may be lost', async (stage) => {
  for (const [sync, lost] of [['interval', /within 100ms/], ['never', /by itself/], ['always', undefined]]) {
    const daemon = await stage.start({'test.yaml': nowhere}, {store: 'rocksdb', args: ['--set', `store.sync=${sync}`]});
    const told = JSON.parse((await daemon.ask_admin('GET', '/v1/status')).text).store_may_lose;
    if (lost) {
      assert.match(told, lost);
      await daemon.logged(/SF0306/);
    } else {
      assert.equal(told, '');
      assert.doesNotMatch(daemon.log, /SF0306/);
    }
    await daemon.stop();
  }
});

daemon_test('a second daemon does not take over a socket that answers', async (stage) => {
  const first = await stage.start_with([echo()]);
  const second = await run_with(stage, {'test.yaml': nowhere});
  assert.equal(second.code, 1);
  assert.match(second.text, /SF0006/);
  assert.ok(second.text.includes('ingress.sock') || second.text.includes('admin.sock'), second.text);
  assert.equal((await first.put(['test', 'echo', 'x'], 'still there')).status, 202);
  assert.deepEqual((await first.take_from_egress(out, 1)).map(value_of), ['still there']);
});

daemon_test('a daemon that gets only one of its sockets gives it back and says which was taken', async (stage) => {
  await stage.start({'test.yaml': nowhere});
  const other = stage.directory.file('other.sock');
  const second = await run_with(stage, {'test.yaml': nowhere}, '--admin-socket', other);
  assert.equal(second.code, 1);
  assert.match(second.text, /SF0006.*ingress\.sock/);
  assert.equal(fs.existsSync(other), false);
});

daemon_test('a socket that a dead daemon left behind is replaced', async (stage) => {
  const first = await stage.start({'test.yaml': nowhere});
  await first.kill();
  assert.ok(fs.existsSync(first.ingress));
  const second = await stage.start({'test.yaml': nowhere});
  assert.equal((await second.put(['nobody', 'knows', 'x'], 'hello')).status, 404);
});

daemon_test('--check says 0 of what could start', async (stage) => {
  const {code, text} = await run_with(stage, {'test.yaml': nowhere}, '--check');
  assert.equal(code, 0, text);
  assert.equal(fs.existsSync(stage.directory.file('ingress.sock')), false);
});

daemon_test('--check says 78 and every error, with file, line and column', async (stage) => {
  const broken = nowhere + '  transport:\n    type: io.statefun.transports.v1/async\n    conectTimeout: 1s\n';
  const worse = 'kind: io.statefun.endpoints.v2/http\nspec:\n  functionz: a/*\n  urlPathTemplate: http://x/\n';
  const {code, text} = await run_with(stage, {'a.yaml': broken, 'b.yaml': worse, 'c.yaml': nowhere.replace('test/', 'fine/')}, '--check');
  assert.equal(code, 78);
  assert.match(text, /a\.yaml:7:5/);
  assert.match(text, /b\.yaml:3:3/);
  assert.match(text, /functions/); // the nearest known key
  assert.doesNotMatch(text, /c\.yaml/);
  assert.match(text, /^ {4}7 \|     conectTimeout: 1s\n {6}\|     \^~{12}$/m);
  assert.match(text, /\n3 errors in 2 of 3 files\n$/);
});

daemon_test('--check --json says the same as data', async (stage) => {
  const broken = nowhere + '  transport: {conect: 1s}\n';
  const {code, text} = await run_with(stage, {'a.yaml': broken, 'b.yaml': nowhere}, '--check', '--json');
  assert.equal(code, 78);
  const said = JSON.parse(text);
  assert.equal(said.ok, false);
  assert.deepEqual(said.files.map(({state, functions}) => [state, functions]), [['refused', 0], ['loaded', 1]]);
  assert.equal(said.diagnostics.length, 1);
  const {file, line, column, severity, hint, source} = said.diagnostics[0];
  assert.equal(path.basename(file), 'a.yaml');
  assert.deepEqual([line, column, severity, hint], [5, 15, 'error', 'did you mean "connect"?']);
  assert.equal(source, '  transport: {conect: 1s}');
  const settings = await run_with(stage, {'b.yaml': nowhere}, '--check', '--json', '--set', 'shrads=1');
  assert.equal(settings.code, 78);
  assert.equal(JSON.parse(settings.text).diagnostics[0].file, '--set shrads');
});

daemon_test('what is mistyped or missing is refused with 78 and a hint', async (stage) => {
  const modules = {'test.yaml': nowhere};
  for (const [args, hint] of [
    [['--modul', 'x'], /--modul/],
    [['--set', 'ingres.wait_max=1s'], /ingress/],
    [['--set', 'ingress.wait_max=soon'], /soon/],
    [['--shards', 'many'], /many/],
    [['--modules', stage.directory.file('no-such-directory')], /no-such-directory/],
    [['--config', stage.directory.file('no-such-file.yaml')], /no-such-file/],
  ]) {
    const {code, text} = await run_with(stage, modules, ...args);
    assert.equal(code, 78, `${args.join(' ')}: ${text}`);
    assert.match(text, hint);
  }
});

daemon_test('--version, --help and --print-config answer and leave', async (stage) => {
  assert.match((await run(binary, ['--version'])).text, /\d+\.\d+\.\d+/);
  const help = await run(binary, ['--help']);
  assert.equal(help.code, 0);
  for (const flag of ['--config', '--modules', '--ingress-socket', '--admin-socket', '--store', '--set', '--check'])
    assert.ok(help.text.includes(flag), flag);
  const printed = await run_with(stage, {'test.yaml': nowhere}, '--set', 'ingress.wait_max=3s', '--print-config');
  assert.equal(printed.code, 0, printed.text);
  assert.match(printed.text, /wait_max: "?3s/);
  assert.ok(printed.text.includes(path.basename(stage.directory.file('ingress.sock'))));
});
