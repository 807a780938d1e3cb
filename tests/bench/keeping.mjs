// What keeping costs: the daemon with the memory store beside the durable one with each sync setting.
import {execFile} from 'node:child_process';
import fs from 'node:fs';
import {promisify} from 'node:util';

import {Daemon, Directory, eventually, module_for} from '../../docs/demo/statefund.mjs';
import {Nginx, canned_function} from './floor.mjs';
import {from_function, incomplete_invocation_context, to_function} from './frames.mjs';
import * as load from './load.mjs';
import {median, quantile} from './numbers.mjs';

const namespace = 'bench';
const egress = {namespace, name: 'out', type: 'bench/bytes', bytes: Buffer.alloc(200, 'r')};
const state = {name: 'last', type: 'bench/bytes', bytes: Buffer.alloc(16, 's')};
const value = {type: 'bench/bytes', bytes: Buffer.alloc(200, 'm')};
const first = {target: {namespace, name: 'full', id: 'first'}, value: {type: 'bench/bytes', bytes: Buffer.from('first')}};
const producers_count = 64;
const memory_share_min = 0.7; // aims
const written_bytes_max = 600;
const hot_per_second_min = 250_000;

export const kinds = {
  memory: {store: 'memory', args: []},
  always: {store: 'rocksdb', args: ['--set', 'store.sync=always']},
  interval: {store: 'rocksdb', args: ['--set', 'store.sync=interval']},
  never: {store: 'rocksdb', args: ['--set', 'store.sync=never']},
};

function module_of(nginx) {
  return module_for(`${namespace}/*`, `http://127.0.0.1:${nginx.port}/{function.name}`, `  transport:
    type: io.statefun.transports.v1/async
    pool_size: 64
---
kind: statefund.egress.v1/queue
spec:
  id: ${egress.namespace}/${egress.name}
`);
}

async function written_bytes(daemon) {
  const {text} = await daemon.ask_admin('GET', '/metrics');
  const parts = [...text.matchAll(/^statefun_store_written_bytes_total\{part="\w+"\} (\S+)/gm)];
  const of_process = /^write_bytes: (\d+)/m.exec(fs.readFileSync(`/proc/${daemon.child.pid}/io`, 'latin1'));
  return {parts: parts.reduce((sum, [, bytes]) => sum + Number(bytes), 0), process: Number(of_process[1])};
}

// One daemon on a directory of its own; `body` is given it.
async function with_daemon(binary, nginx, {store, args}, body) {
  const directory = new Directory();
  const settings = 'log: {level: warning}\n';
  const start = () => new Daemon(binary, directory, {'bench.yaml': module_of(nginx)}, {args, store, settings});
  let daemon = start();
  try {
    await daemon.ready();
    return await body(daemon, async () => {
      await daemon.kill();
      const begun_at = performance.now();
      daemon = start();
      await daemon.ready();
      return {daemon, ready_ms: performance.now() - begun_at};
    });
  } finally {
    await daemon.kill();
    directory.remove();
  }
}

// Single messages, one after the other, and syncs of the disk in between: the milliseconds that each took.
async function answers_one_at_a_time(daemon, client, directory, count) {
  const {stdout} = await promisify(execFile)(client, [daemon.ingress, `/${namespace}/empty/one`, String(count), directory.file('syncs')]);
  const taken = stdout.trim().split('\n').map((line) => line.split(' '));
  const of = (what) => taken.filter(([name]) => name === what).map(([, taken_us]) => Number(taken_us) / 1e3);
  return {answered_ms: of('answer'), syncs_ms: of('sync'), paused_syncs_ms: of('sync_after_pause')};
}

const distinct = (i) => `address-${String(i).padStart(7, '0')}`;
const of_producers = (name, count, id_of) =>
  load.uploads({namespace, name, id_of, value, count, messages_per_upload: 100});

async function measure_kind({binary, client, directory, messages}, nginx, kind) {
  const out = `${egress.namespace}/${egress.name}`;
  return with_daemon(binary, nginx, kind, async (daemon) => {
    for (let i = 100; i < 164; ++i) await load.settle_one(daemon, {...first.target, id: `no${i}`}, first.value);
    await load.drain(daemon, out);
    const common = {daemon, nginx, connection_count: producers_count};
    await load.run({...common, name: 'empty', bodies: of_producers('empty', messages / 4, distinct), one_call_each: true});
    // Before the uploads, whose rows are still to be flushed when they have ended.
    const singles = messages; // several times what the log holds before it is flushed
    const at_begin = await written_bytes(daemon);
    const single_per_second = await load.produce({daemon, namespace, name: 'full', value, producers_count, count: singles, egress: out});
    const before = await written_bytes(daemon);
    const full = await load.run(
      {...common, name: 'full', bodies: of_producers('full', messages, distinct), egress: out, one_call_each: true});
    const after = await written_bytes(daemon);
    const empty = await load.run({...common, name: 'empty', bodies: of_producers('empty', messages, distinct), one_call_each: true});
    const hot_bodies = load.uploads({namespace, name: 'empty', id_of: () => 'hot', value, count: 4 * messages, messages_per_upload: 2_000});
    const hot = await load.run({daemon, nginx, connection_count: 4, name: 'empty', bodies: hot_bodies});
    const answers = await answers_one_at_a_time(daemon, client, directory, 500);
    return {
      full, empty, hot, ...answers, single_per_second,
      single_store_bytes: (before.parts - at_begin.parts) / singles,
      store_bytes: (after.parts - before.parts) / messages,
      process_bytes: (after.process - before.process) / messages,
    };
  });
}

const starts = {
  'none': {count: 0},
  '10,000 waiting': {count: 10_000, addresses_count: 10_000},
  '1,000,000 waiting': {count: 1_000_000, addresses_count: 100_000},
  '1,000,000 delayed until tomorrow': {count: 1_000_000, addresses_count: 100_000, delay_ms: 24 * 3600 * 1000},
};

// Milliseconds until a daemon that was killed serves again, and, where messages wait, until it has called a function.
async function start_with(binary, nginx, {count, addresses_count, delay_ms}) {
  const name = 'empty';
  return with_daemon(binary, nginx, kinds.always, async (daemon, restart) => {
    if (count > 0) {
      await daemon.ask_admin('POST', `/v1/functions/${namespace}/${name}/pause`);
      const id_of = (i) => `address-${i % addresses_count}`;
      const bodies = load.uploads({namespace, name, id_of, value, count, messages_per_upload: 2_000, delay_ms});
      await load.upload_all(daemon, bodies, 4);
    }
    const {daemon: again, ready_ms} = await restart();
    if (count === 0 || delay_ms) {
      const delayed_count = Number(/^statefun_delayed_pending (\S+)/m.exec((await again.ask_admin('GET', '/metrics')).text)[1]);
      if (delayed_count !== count) throw new Error(`${delayed_count} messages are delayed instead of ${count}`);
      return {ready_ms};
    }
    const begun_at = performance.now();
    await again.ask_admin('POST', `/v1/functions/${namespace}/${name}/resume`);
    await eventually('a function is called', 60_000, async () =>
      /^statefun_function_calls_total\{[^}]*outcome="done"[^}]*\} [1-9]/m.test((await again.ask_admin('GET', '/metrics')).text));
    return {ready_ms, called_ms: ready_ms + performance.now() - begun_at};
  });
}

// Gives the tables' rows and what is meant by them.
export async function keeping({binary, client, directory, rounds, messages}) {
  const answer = from_function({state, egress});
  const question = incomplete_invocation_context(state);
  const asking = to_function(first.target, first.value);
  const nginx = await Nginx.start(directory, 'keeping', canned_function({answer, question, asking_bytes: asking.length}));
  try {
    const seen = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]));
    for (let round = 0; round < rounds; ++round) {
      for (const [kind, how] of Object.entries(kinds)) {
        seen[kind].push(await measure_kind({binary, client, directory, messages}, nginx, how));
        const {full, hot} = seen[kind].at(-1);
        process.stderr.write(`bench: round ${round + 1} of ${rounds}: store ${kind}: ${Math.round(full.per_second)} a second, ` +
          `${Math.round(hot.per_second)} hot\n`);
      }
    }
    const started = {};
    for (const [name, what] of Object.entries(starts)) {
      started[name] = [];
      for (let round = 0; round < rounds; ++round) started[name].push(await start_with(binary, nginx, what));
    }
    return told({seen, started});
  } finally {
    await nginx.stop();
  }
}

function told({seen, started}) {
  const of = (kind, pick) => median(seen[kind].map(pick));
  const whole = (number) => Math.round(number).toLocaleString('en-US');
  const share = (kind, pick) => median(seen[kind].map((it, round) => pick(it) / pick(seen.memory[round])));
  const rows = [['', 'accepted/s', 'messages/s', 'of memory', 'us a message', 'with state and record/s', 'of memory', 'us a message',
    'bytes written', 'of the process', 'one at a time/s', 'of memory', 'bytes written', 'hot/s', 'answer p50 ms', 'p99 ms']];
  for (const kind of Object.keys(kinds)) {
    const answered = seen[kind].flatMap((it) => it.answered_ms);
    rows.push([kind === 'memory' ? kind : `rocksdb, ${kind}`,
      whole(of(kind, (it) => it.empty.accepted_per_second)),
      whole(of(kind, (it) => it.empty.per_second)), share(kind, (it) => it.empty.per_second).toFixed(2),
      of(kind, (it) => it.empty.dispatching_us).toFixed(1),
      whole(of(kind, (it) => it.full.per_second)), share(kind, (it) => it.full.per_second).toFixed(2),
      of(kind, (it) => it.full.dispatching_us).toFixed(1),
      kind === 'memory' ? '-' : whole(of(kind, (it) => it.store_bytes)),
      kind === 'memory' ? '-' : whole(of(kind, (it) => it.process_bytes)),
      whole(of(kind, (it) => it.single_per_second)), share(kind, (it) => it.single_per_second).toFixed(2),
      kind === 'memory' ? '-' : whole(of(kind, (it) => it.single_store_bytes)),
      whole(of(kind, (it) => it.hot.per_second)),
      quantile(answered, 0.5).toFixed(2), quantile(answered, 0.99).toFixed(2)]);
  }
  const of_answers = (pick, part) => quantile(seen.always.flatMap(pick), part);
  const sync_ms = [0.5, 0.99].map((part) => of_answers((it) => it.syncs_ms, part));
  const paused_sync_ms = of_answers((it) => it.paused_syncs_ms, 0.5);
  const answer_ms = of_answers((it) => it.answered_ms, 0.5);
  const start_rows = [['messages', 'ms until it serves', 'lowest-highest', 'ms until a function is called'],
    ...Object.entries(started).map(([name, taken]) => {
      const ready_ms = taken.map((it) => it.ready_ms);
      return [name, whole(median(ready_ms)), `${whole(Math.min(...ready_ms))}-${whole(Math.max(...ready_ms))}`,
        taken[0].called_ms ? whole(median(taken.map((it) => it.called_ms))) : '-'];
    })];
  const judged = (kept) => (kept ? 'within' : 'not within');
  const kept_share = share('always', (it) => it.full.per_second);
  const kept_single_share = share('always', (it) => it.single_per_second);
  const written = of('always', (it) => it.store_bytes);
  const written_single = of('always', (it) => it.single_store_bytes);
  const hot = of('always', (it) => it.hot.per_second);
  return {
    rows, start_rows,
    meant: [
      `A 512-byte append and its sync take this disk ${sync_ms[0].toFixed(2)} ms (p99 ${sync_ms[1].toFixed(2)} ms) one after the other, ` +
        `${paused_sync_ms.toFixed(2)} ms at the answers' pace; an answer, one at a time with \`sync: always\`, ` +
        `${(answer_ms / sync_ms[0]).toFixed(2)} and ${(answer_ms / paused_sync_ms).toFixed(2)} times that: ` +
        `${judged(answer_ms <= 2 * sync_ms[0])} and ${judged(answer_ms <= 2 * paused_sync_ms)} 2, the aim.`,
      `With \`sync: always\` and ${producers_count} producers ${(100 * kept_share).toFixed(0)} % of the memory store's throughput, ` +
        `${(100 * kept_single_share).toFixed(0)} % where each producer sends one at a time: ${judged(kept_share >= memory_share_min)} and ` +
        `${judged(kept_single_share >= memory_share_min)} ${100 * memory_share_min} %, the aim; ${whole(written)} bytes written for a message of ${value.bytes.length} with its state and a record of ${egress.bytes.length}, ` +
        `${whole(written_single)} one at a time: ${judged(written <= written_bytes_max)} and ` +
        `${judged(written_single <= written_bytes_max)} ${written_bytes_max}; ${whole(hot)} messages a second to one hot address: ${judged(hot >= hot_per_second_min)} ${whole(hot_per_second_min)}.`,
    ],
  };
}
