// kill -9 of the daemon under load, at random moments, and of the functions' server now and then. Clients send again,
// with idempotency keys, what was not answered; in the end every effect is there once. STATEFUND_KILLS says how often.
import assert from 'node:assert/strict';
import {fork} from 'node:child_process';
import {once} from 'node:events';
import path from 'node:path';

import {Records, bounded, daemon_test, eventually, module_for} from './support.mjs';
import {late_every, out} from './kill_values.mjs';

const kills_count = Number(process.env.STATEFUND_KILLS ?? 20);
const producers_count = 8;
const addresses_of_producer = 4;
const random = (from, to) => from + Math.floor(Math.random() * (to - from));

// The functions' server, which is killed and started again.
class Functions {
  constructor(socket) {
    this.socket = socket;
  }

  async start() {
    this.child = fork(new URL('kill_functions.mjs', import.meta.url).pathname, [this.socket]);
    await bounded('the functions listen', 10_000, once(this.child, 'message'));
  }

  async kill() {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

daemon_test(`${kills_count} kills lose nothing and double nothing`, async (stage) => {
  const functions = new Functions(stage.directory.file('functions.sock'));
  const modules = {'test.yaml': module_for('test/*', `http+unix://${functions.socket}/statefun`)};
  const options = {store: 'rocksdb', settings: 'log: {level: error}\n'};
  const starts_ms = [];
  let daemon;
  async function start() {
    const begun = performance.now();
    daemon = await stage.start(modules, options);
    starts_ms.push(performance.now() - begun);
  }

  await functions.start();
  await start();
  let ends = false;
  let failure;

  // What `ask` gives; undefined when there was no daemon to answer.
  async function unless_gone(ask) {
    try {
      return await ask();
    } catch (failed) {
      if (failed instanceof assert.AssertionError) throw failed;
      return undefined;
    }
  }

  // Sends until it is answered; gives how often the answer was that it had been there already.
  async function deliver(address, text, key) {
    const status = await eventually(`${key} is answered`, 60_000, async () => {
      const answer = await unless_gone(() => daemon.put(address, text, {'idempotency-key': key}));
      if (answer) assert.ok([200, 202, 429, 503].includes(answer.status), `PUT was answered ${answer.status}: ${answer.text}`);
      return answer?.status < 300 && answer.status;
    });
    return status === 200 ? 1 : 0;
  }

  const accepted = new Map(); // by id of the counter
  let duplicates_count = 0;
  let accepted_count = 0;
  async function produce(producer) {
    for (let i = 0; !ends; ++i) {
      const id = `${producer}-${i % addresses_of_producer}`;
      duplicates_count += await deliver(['test', 'counter', id], `${i}`, `${producer}/${i}`);
      accepted.set(id, [...(accepted.get(id) ?? []), `${i}`]);
      ++accepted_count;
    }
  }

  const records = new Records();
  async function read_once(wait) {
    const after = records.last_sequence > 0 ? {after: records.last_sequence} : {};
    const answer = await daemon.read_egress(out, {...after, wait, max: 1000});
    assert.ok([200, 404, 503].includes(answer.status), `reading was answered ${answer.status}: ${answer.text}`);
    records.add(answer.records);
    return answer.records.length;
  }
  async function read() {
    while (!ends) await eventually('the egress is read', 60_000, () => unless_gone(async () => (await read_once('200ms'), true)));
  }

  const fail = (why) => (failure ??= why);
  const at_work = [read().catch(fail), ...Array.from({length: producers_count}, (_, i) => produce(`p${i}`).catch(fail))];
  try {
    for (let i = 0; i < kills_count && !failure; ++i) {
      const more = accepted_count + random(1, 300);
      await eventually('messages are accepted', 60_000, () => accepted_count >= more || failure);
      if (i % 4 === 3) await functions.kill();
      await daemon.kill();
      stage.daemons.length = 0;
      if (i % 4 === 3) await functions.start();
      await start();
    }
    ends = true;
    await bounded('clients end', 30_000, Promise.all(at_work));
    if (failure) throw failure;

    const sent_count = [...accepted.values()].reduce((sum, texts) => sum + texts.length, 0);
    const late_count = [...accepted.values()].reduce((sum, texts) => sum + Math.floor(texts.length / late_every), 0);
    const end = Date.now() + 60_000;
    while (records.by_sequence.size < 2 * sent_count + late_count && Date.now() < end) await read_once('500ms');
    while ((await read_once('300ms')) > 0);

    const counts = records.of('count');
    for (const [id, texts] of accepted) {
      const own = counts.filter((value) => value.id === id);
      assert.deepEqual(own.map((value) => value.text), texts, `what ${id} was given`);
      assert.deepEqual(own.map((value) => value.count), texts.map((_, i) => i + 1), `what ${id} has counted`);
    }
    assert.equal(counts.length, sent_count);
    assert.deepEqual(records.of('sum').map((value) => value.total), Array.from({length: sent_count}, (_, i) => i + 1));
    const late = records.of('late').map((value) => `${value.id} ${value.count}`);
    assert.equal(new Set(late).size, late.length, 'delayed messages came once');
    assert.equal(late.length, late_count);
    starts_ms.sort((one, other) => one - other);
    console.log(`${sent_count} messages, ${duplicates_count} sent again, ${records.by_sequence.size} records; ` +
      `a start took ${Math.round(starts_ms[starts_ms.length >> 1])} ms (median), ${Math.round(starts_ms.at(-1))} ms at most`);
  } finally {
    ends = true;
    await Promise.all(at_work);
    await functions.kill();
  }
}, 60_000 + kills_count * 3_000);
