// A backup of the daemon under load, checked and restored as docs/operations.md says, and backups that are refused.
import assert from 'node:assert/strict';
import fs from 'node:fs';

import {
  Records, StateFun, ctl_binary, daemon_test, eventually, json, messageBuilder, module_for, out, run, to_egress,
} from './support.mjs';

const counters_count = 4;
const first_lot = 25; // of each counter, before the backup
const late_every = 10;
const rocksdb = {store: 'rocksdb', settings: 'log: {level: info}\n'};
const picky_policy = '  transport:\n    type: io.statefun.transports.v1/async\n    call: 1s\n  retry: {initial: 10ms, max: 50ms, maxAttempts: 1}\n  onFailure: dead-letter\n';

const counter = {
  typename: 'test/counter',
  specs: [{name: 'count', type: StateFun.intType()}],
  fn(context, message) {
    const text = message.asString();
    const count = (context.storage.count ?? 0) + 1;
    context.storage.count = count;
    const id = context.self.id;
    context.send(to_egress({kind: 'count', id, count, text}));
    if (count % late_every === 0)
      context.sendAfter(50, messageBuilder({typename: 'test/late', id, value: {id, count}, valueType: json}));
  },
};
const picky = {
  typename: 'picky/one',
  fn(context, message) {
    if (message.asString() === 'bad') throw new Error('no such price');
  },
};
const late = {
  typename: 'test/late',
  fn: (context, message) => context.send(to_egress({kind: 'late', ...message.as(json)})),
};
const patient = {
  typename: 'test/patient',
  fn: (context, message) => context.sendAfter(3_600_000, messageBuilder({
    typename: 'test/late', id: 'x', value: {text: message.asString()}, valueType: json,
  })),
};
const held = {
  typename: 'test/held',
  fn: (context, message) => context.send(to_egress({kind: 'held', text: message.asString()})),
};

const control = (daemon) => (...args) => run(ctl_binary, args, {env: {STATEFUN_ADMIN_SOCKET: daemon.admin}});
async function told(asked) {
  const {code, text} = await asked;
  assert.equal(code, 0, text);
  return text;
}

daemon_test('a backup made under load is restored as a whole: what was accepted before it counts once, and what is sent again too', async (stage) => {
  const url = await stage.serve([counter, picky, late, patient, held], {over: 'unix'});
  const modules = {'test.yaml': module_for('test/*', url), 'picky.yaml': module_for('picky/*', url, picky_policy)};
  let daemon = await stage.start(modules, rocksdb);
  let ctl = control(daemon);
  const data = async (...args) => JSON.parse(await told(ctl(...args, '--json')));
  const ids = Array.from({length: counters_count}, (_, i) => `c${i}`);
  const sent = new Map(ids.map((id) => [id, []]));
  const accepted_count = new Map(ids.map((id) => [id, 0]));
  const put = (id, i) => daemon.put(['test', 'counter', id], `${i}`, {'idempotency-key': `${id}/${i}`});
  async function send_next(id) {
    const i = sent.get(id).push(`${sent.get(id).length}`) - 1;
    const {status, text} = await put(id, i);
    assert.equal(status, 202, text);
    accepted_count.set(id, accepted_count.get(id) + 1);
  }
  const records = new Records();
  async function read_all() {
    for (let count = 1; count > 0;) {
      const after = records.last_sequence > 0 ? {after: records.last_sequence} : {};
      const answer = await daemon.read_egress(out, {...after, wait: '300ms', max: 1000});
      assert.ok([200, 404].includes(answer.status), answer.text);
      records.add(answer.records);
      count = answer.records.length;
    }
  }

  // Of everything that is kept there is something.
  assert.equal((await daemon.put(['picky', 'one', 'x'], 'bad')).status, 202);
  await daemon.logged(/SF0225/); // it may be the function that is broken
  assert.equal((await daemon.put(['picky', 'one', 'y'], 'good')).status, 202);
  await Promise.all(ids.map(async (id) => {
    for (let i = 0; i < first_lot; ++i) await send_next(id);
  }));
  assert.equal((await daemon.put(['test', 'patient', 'x'], 'in an hour')).status, 202);
  await told(ctl('pause', 'test/held/x', '--reason', 'a look'));
  for (const text of ['1', '2', '3']) assert.equal((await daemon.put(['test', 'held', 'x'], text)).status, 202);
  const letters = await eventually('the message is set aside', 20_000, async () => {
    const {dead_letters} = await data('dead-letters', 'list');
    return dead_letters.length > 0 && dead_letters;
  });
  const delayed_of = async () => (await data('describe', 'test/patient/x')).delayed_count;
  await eventually('the delayed message is set', 20_000, async () => (await ctl('describe', 'test/patient/x')).code === 0);
  assert.equal(await delayed_of(), 1);
  await read_all();
  await daemon.read_egress(out, {after: records.last_sequence, max: 1});
  const acknowledged = records.last_sequence;

  let ends = false;
  const load = ids.map(async (id) => {
    while (!ends) await send_next(id);
  });
  const total = (of) => [...of.values()].reduce((sum, count) => sum + count, 0);
  const copy = stage.directory.file('monday');
  let accepted_before;
  try {
    const more = total(accepted_count) + 100;
    await eventually('the load is on', 20_000, () => total(accepted_count) >= more);
    accepted_before = new Map(accepted_count);
    const said = await told(ctl('backup', copy));
    assert.match(said, new RegExp(`^${copy}: changes up to \\d+, [\\d.]+ [KM]iB, in [\\d.]+ s\n$`));
    const behind = total(accepted_count) + 100;
    await eventually('the load goes on', 20_000, () => total(accepted_count) >= behind);
  } finally {
    ends = true;
    await Promise.all(load);
  }
  await daemon.logged(/SF0310/);
  await read_all();
  const shown_through = records.last_sequence;
  assert.deepEqual(await daemon.stop(), {code: 0, signal: null});
  assert.match(await told(run(ctl_binary, ['store', 'check', copy])), /\nAll of it can be read, and nothing is wrong\.\n$/);

  const state = stage.directory.file('state');
  fs.renameSync(state, `${state}.before`);
  fs.cpSync(copy, state, {recursive: true});
  await told(run(ctl_binary, ['store', 'check', state]));
  daemon = stage.launch(modules, {...rocksdb, args: ['--set', 'start_paused=true']}); // leaves time to look
  await daemon.logged(/SF0125/);
  ctl = control(daemon);

  // A reader that is ahead is told so; without a number it is shown what there is, under the old numbers.
  const ahead = await daemon.read_egress(out, {after: shown_through});
  assert.equal(ahead.status, 409, ahead.text);
  assert.match(ahead.text, /SF0114/);
  const {records: first} = await daemon.read_egress(out, {max: 1});
  assert.ok(first[0].seq > acknowledged, `${first[0].seq} was acknowledged before the backup`);

  assert.deepEqual((await data('dead-letters', 'list')).dead_letters, letters);
  assert.equal(await delayed_of(), 1);
  const standing = await data('describe', 'test/held/x');
  assert.equal(standing.state, 'paused');
  assert.match(standing.paused.reason, /a look/);
  assert.equal(standing.messages_count, 3);
  await told(ctl('resume', '--all'));
  await daemon.ready();
  await told(ctl('resume', 'test/held/x'));

  // Clients send everything again: the backup knows a beginning of it, with all that was accepted before it was asked for.
  for (const id of ids) {
    const answers = [];
    for (let i = 0; i < sent.get(id).length; ++i) answers.push((await put(id, i)).status);
    const known_count = answers.filter((status) => status === 200).length;
    assert.ok(known_count >= accepted_before.get(id), `of ${accepted_before.get(id)} messages ${known_count} are known`);
    assert.ok(known_count < sent.get(id).length, 'the load went on behind the backup');
    assert.deepEqual(answers, answers.map((_, i) => (i < known_count ? 200 : 202)));
  }

  // Behind the restore every number is a new one, and what it counts follows on what was shown of the backup.
  const again = new Records();
  const seen_last = () => ids.every((id) => again.of('count').some((value) => value.id === id && value.count === sent.get(id).length));
  await eventually('everything is counted again', 30_000, async () => {
    const after = again.last_sequence > 0 ? {after: again.last_sequence} : {};
    const answer = await daemon.read_egress(out, {...after, wait: '300ms', max: 1000});
    again.add(answer.records);
    return seen_last() && answer.records.length === 0;
  });
  for (const [sequence, text] of again.by_sequence) {
    const before = records.by_sequence.get(sequence);
    assert.ok(before === text || (before === undefined && sequence > shown_through), `${sequence} is ${text}, and was ${before}`);
  }
  const acknowledged_before = [...records.by_sequence].filter(([sequence]) => sequence <= acknowledged);
  const whole = new Records();
  whole.by_sequence = new Map([...acknowledged_before, ...again.by_sequence]);
  for (const id of ids) {
    const counts = whole.of('count').filter((value) => value.id === id);
    assert.deepEqual(counts.map((value) => value.text), sent.get(id), `what ${id} was given`);
    assert.deepEqual(counts.map((value) => value.count), sent.get(id).map((_, i) => i + 1), `what ${id} has counted`);
    const lates = whole.of('late').filter((value) => value.id === id).map((value) => value.count);
    assert.deepEqual(lates.sort((one, other) => one - other),
      sent.get(id).map((_, i) => i + 1).filter((count) => count % late_every === 0), `delayed messages of ${id}`);
  }
  assert.deepEqual(whole.of('held').map((value) => value.text), ['1', '2', '3']);
}, 120_000);

daemon_test('a backup is refused where something is, and where nothing can be made, and the daemon goes on', async (stage) => {
  const daemon = await stage.start_with([held], {...rocksdb, over: 'unix'});
  const ctl = control(daemon);
  assert.equal((await daemon.put(['test', 'held', 'x'], '1')).status, 202);
  const refused = async (directory, why) => {
    const {code, text} = await ctl('backup', directory);
    assert.equal(code, 1, text);
    assert.equal(text, `statefunctl: SF0312 (409): ${why}\n`);
  };
  const taken = stage.directory.file('taken');
  fs.mkdirSync(taken);
  fs.writeFileSync(`${taken}/letter`, 'mine');
  await refused(taken, `${taken} is there already, and is no empty directory`);
  await refused(stage.directory.file('state'), `${stage.directory.file('state')} is there already, and is no empty directory`);
  assert.deepEqual(fs.readdirSync(taken), ['letter']);
  await refused('/proc/monday', '/proc/monday.partial cannot be made: No such file or directory'); // whoever asks
  await refused(`${taken}/letter/monday`, `${taken}/letter/monday.partial cannot be made: Not a directory`);
  const begun = stage.directory.file('begun');
  fs.mkdirSync(`${begun}.partial`);
  await refused(begun, `${begun}.partial is there, from a backup that did not end; remove it`);
  fs.rmdirSync(`${begun}.partial`);
  await told(ctl('backup', begun));
  assert.equal(fs.statSync(begun).mode & 0o777, 0o700);
  await refused(begun, `${begun} is there already, and is no empty directory`);
  await told(run(ctl_binary, ['store', 'check', begun]));
  const open = await run(ctl_binary, ['store', 'check', stage.directory.file('state')]);
  assert.equal(open.code, 1, open.text);
  assert.equal((await daemon.put(['test', 'held', 'x'], '2')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 2)).length, 2);
});

daemon_test('the memory store has nothing to back up', async (stage) => {
  const daemon = await stage.start_with([held]);
  const copy = stage.directory.file('monday');
  const {code, text} = await control(daemon)('backup', copy);
  assert.equal(code, 1);
  assert.equal(text, 'statefunctl: SF0311 (409): the memory store has no files that could be copied\n');
  assert.deepEqual(fs.readdirSync(stage.directory.path).filter((name) => name.startsWith('monday')), []);
});
