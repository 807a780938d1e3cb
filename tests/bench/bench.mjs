// What a message costs, beside wrk and nginx on the same machine: node bench.mjs <path of statefund> [--write-docs],
// or ./dev bench, which builds it first. docs/benchmarks.md says what is measured and how.
import {spawnSync} from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';

import {Daemon, Directory, module_for} from '../../docs/demo/statefund.mjs';
import {calling} from './calls.mjs';
import {Nginx, canned_function, proxy_to, request_over_tcp, wrk} from './floor.mjs';
import {from_function, incomplete_invocation_context, to_function} from './frames.mjs';
import {keeping} from './keeping.mjs';
import * as load from './load.mjs';
import {loading} from './modules.mjs';
import {median, quantile} from './numbers.mjs';

const page = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../docs/benchmarks.md');
const longest_ms = 20 * 60_000; // the whole bench; then it is ended
const times_wrk_max = 2.5; // this stage's mark

const namespace = 'bench';
const egress = {namespace, name: 'out', type: 'bench/bytes', bytes: Buffer.alloc(200, 'r')};
const state = {name: 'last', type: 'bench/bytes', bytes: Buffer.alloc(16, 's')};
const value = {type: 'bench/bytes', bytes: Buffer.alloc(200, 'm')};
const first = {target: {namespace, name: 'full', id: 'first'}, value: {type: 'bench/bytes', bytes: Buffer.from('first')}};
const connection_count = 64; // of wrk, and of statefund's pool
const hot_address_count = 16;

function usage(text) {
  console.error(`bench: ${text}
usage: node tests/bench/bench.mjs <path of statefund> [--write-docs] [--rounds N] [--messages N] [--seconds N] [--shards N]`);
  process.exit(2);
}

function options() {
  let parsed;
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        'write-docs': {type: 'boolean', default: false},
        rounds: {type: 'string', default: '5'},
        messages: {type: 'string', default: '100000'},
        seconds: {type: 'string', default: '2'},
        shards: {type: 'string', default: 'auto'},
      },
    });
  } catch (failure) {
    usage(failure.message);
  }
  const {values, positionals: [binary]} = parsed;
  const whole = (name) => {
    if (!/^[1-9]\d{0,6}$/.test(values[name])) usage(`--${name} takes a whole number`);
    return Number(values[name]);
  };
  if (!binary || !fs.existsSync(binary)) usage('there is no statefund at the path given');
  return {
    binary: path.resolve(binary), write_docs: values['write-docs'], shards: values.shards,
    rounds: whole('rounds'), messages: whole('messages'), seconds: whole('seconds'),
  };
}

// Everything that is measured, in the order of a round. Each gives {per_second, dispatching_us, function_us, client_us}.
function subjects({daemon, nginx, proxy, bodies_path, chosen}) {
  async function with_wrk(answer, through) {
    const handled_before = await nginx.handled();
    const spent_before = {nginx: nginx.processor_us(), proxy: through?.processor_us()};
    const seen = await wrk({
      url: `http://127.0.0.1:${(through ?? nginx).port}/${answer}`, body_path: bodies_path[answer], connection_count, seconds: chosen.seconds,
    });
    const per_request = (us) => us / seen.requests;
    const function_us = per_request(nginx.processor_us() - spent_before.nginx);
    const handled = await nginx.handled() - handled_before;
    // When its time is over wrk leaves what is still under way, at most one request a connection.
    if (handled < seen.requests || handled > seen.requests + connection_count) {
      throw new Error(`wrk counted ${seen.requests} answers, nginx ${handled} requests`);
    }
    return {
      per_second: seen.requests / seen.seconds,
      messages_per_call: 1,
      dispatching_us: per_request(through ? through.processor_us() - spent_before.proxy : seen.processor_us),
      function_us,
      client_us: through ? per_request(seen.processor_us) : undefined,
    };
  }

  const prepared = (name, id_of) => load.uploads({namespace, name, id_of, value, count: chosen.messages, messages_per_upload: 2_000});
  const distinct = (i) => `address-${String(i).padStart(7, '0')}`;
  const hot = (i) => `hot-${i % hot_address_count}`;
  const through_statefund = (name, id_of, more) => {
    const bodies = prepared(name, id_of);
    const out = name === 'full' ? `${egress.namespace}/${egress.name}` : undefined;
    return () => load.run({daemon, nginx, name, bodies, connection_count: 4, egress: out, ...more});
  };

  return [
    {key: 'wrk_empty', answer: 'empty', what: 'wrk, straight to the function', run: () => with_wrk('empty')},
    {key: 'distinct_empty', answer: 'empty', what: 'statefund, distinct addresses', run: through_statefund('empty', distinct, {one_call_each: true})},
    {key: 'hot_empty', answer: 'empty', what: `statefund, ${hot_address_count} hot addresses`, run: through_statefund('empty', hot, {times: 4})},
    {key: 'proxy_empty', answer: 'empty', what: 'nginx as a proxy', run: () => with_wrk('empty', proxy)},
    {key: 'wrk_full', answer: 'full', what: 'wrk, straight to the function', run: () => with_wrk('full')},
    {key: 'distinct_full', answer: 'full', what: 'statefund, distinct addresses', run: through_statefund('full', distinct, {one_call_each: true})},
    {key: 'hot_full', answer: 'full', what: `statefund, ${hot_address_count} hot addresses`, run: through_statefund('full', hot, {times: 4})},
    {key: 'proxy_full', answer: 'full', what: 'nginx as a proxy', run: () => with_wrk('full', proxy)},
  ];
}

async function measure(subject_list, latency, rounds) {
  const seen = Object.fromEntries(subject_list.map(({key}) => [key, []]));
  const waits = {from_put: [], from_answer: [], request: []};
  for (let round = 0; round <= rounds; ++round) {
    for (const subject of subject_list) {
      const result = await subject.run();
      if (round > 0) seen[subject.key].push(result); // the first round warms everything up
      process.stderr.write(`bench: round ${round} of ${rounds}: ${subject.what}, ${subject.answer}: ${Math.round(result.per_second)} a second, ` +
        `${result.dispatching_us.toFixed(2)} us${round === 0 ? ' (not counted)' : ''}\n`);
    }
    const {from_put, from_answer, request} = await latency();
    if (round === 0) continue;
    waits.from_put.push(...from_put);
    waits.from_answer.push(...from_answer);
    waits.request.push(...request);
  }
  return {seen, waits};
}

function aligned(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('   ').trimEnd());
}

function markdown(rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(rows[0]), line(rows[0].map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.slice(1).map(line)];
}

const answers = {empty: 'the function answers nothing', full: 'the function answers a state and an egress record'};

function ratio_to_wrk(seen, {key, answer}) {
  return median(seen[key].map(({dispatching_us}, round) => dispatching_us / seen[`wrk_${answer}`][round].dispatching_us));
}

function cost_rows(subject_list, seen, answer) {
  const us = (results, field) => (results[0][field] === undefined ? '-' : median(results.map((it) => it[field])).toFixed(2));
  const rows = [['', 'messages/s', 'in a call', 'us dispatching', 'lowest-highest', 'times wrk', 'us function', 'us client']];
  for (const subject of subject_list.filter((it) => it.answer === answer)) {
    const results = seen[subject.key];
    const dispatching = results.map((it) => it.dispatching_us);
    rows.push([
      subject.what,
      Math.round(median(results.map((it) => it.per_second))).toLocaleString('en-US'),
      median(results.map((it) => it.messages_per_call)).toFixed(results[0].messages_per_call === 1 ? 0 : 1),
      us(results, 'dispatching_us'),
      `${Math.min(...dispatching).toFixed(2)}-${Math.max(...dispatching).toFixed(2)}`,
      ratio_to_wrk(seen, subject).toFixed(2),
      us(results, 'function_us'),
      us(results, 'client_us'),
    ]);
  }
  return rows;
}

function latency_rows(waits) {
  const row = (what, numbers) => [what, ...[0.5, 0.99].map((share) => Math.round(quantile(numbers, share) * 1e3).toLocaleString('en-US'))];
  return [
    ['', 'p50 us', 'p99 us'],
    row("the client's own request to the function", waits.request),
    row('from the PUT to the record', waits.from_put),
    row("from the PUT's answer to the record", waits.from_answer),
  ];
}

function meaning(subject_list, seen) {
  const cost = (key) => median(seen[key].map((it) => it.dispatching_us));
  const subject = (key) => subject_list.find((it) => it.key === key);
  const empty = ratio_to_wrk(seen, subject('distinct_empty'));
  const full = ratio_to_wrk(seen, subject('distinct_full'));
  const kept = empty <= times_wrk_max && full <= times_wrk_max ? 'within' : 'not yet within';
  return [
    `A message to an address of its own costs statefund ${empty.toFixed(2)} times what wrk spends on sending the request alone, ` +
      `${full.toFixed(2)} times with a state and an egress record: ${kept} ${times_wrk_max}, this stage's mark.`,
    `nginx proxies the same request for ${cost('proxy_empty').toFixed(2)} us, statefund dispatches it for ${cost('distinct_empty').toFixed(2)} us (${cost('distinct_full').toFixed(2)} us with ` +
      `state and record); a message to a hot address shares its call and costs ${cost('hot_empty').toFixed(2)} us.`,
  ];
}

function facts(chosen) {
  const first_line = (program, args) => {
    const {stdout, stderr} = spawnSync(program, args, {encoding: 'utf8', timeout: 5_000});
    return `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n')[0];
  };
  const version = (program, args, pattern) => pattern.exec(first_line(program, args))?.[1] ?? 'of unknown version';
  return [
    `${new Date().toISOString().slice(0, 10)}: ${os.cpus().length} x ${os.cpus()[0].model.trim()}, Linux ${os.release()}, ` +
      `nginx ${version('nginx', ['-v'], /nginx\/(\S+)/)}, wrk ${version('wrk', ['-v'], /wrk (\S+)/)}, Node ${process.versions.node}.`,
    `${chosen.rounds} rounds of ${chosen.messages.toLocaleString('en-US')} messages of ${value.bytes.length} bytes to distinct addresses, ` +
      `${(4 * chosen.messages).toLocaleString('en-US')} to hot ones, ${chosen.seconds} s of wrk; ` +
      `${connection_count} connections to the function; --shards ${chosen.shards}; --store memory. Medians.`,
  ];
}

// Puts `lines` between the marks of that name in the page.
function between_marks(text, name, lines) {
  const begin = `<!-- bench ${name} -->\n`, end = `<!-- end of bench ${name} -->`;
  const from = text.indexOf(begin), to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no marks "bench ${name}"`);
  return `${text.slice(0, from + begin.length)}\n${lines.join('\n')}\n\n${text.slice(to)}`;
}

async function expect_fixed_answers(nginx, asking, answer, question) {
  for (const [target, body, expected] of [['/empty', asking, ''], ['/full', asking, question], ['/full', Buffer.alloc(300), answer]]) {
    const seen = await request_over_tcp(nginx.port, 'POST', target, {body, headers: {'content-length': body.length}});
    if (seen.status !== 200 || seen.headers['content-type'] !== 'application/octet-stream' || !seen.bytes.equals(Buffer.from(expected))) {
      throw new Error(`nginx does not answer what it was told to at ${target}: ${seen.status} ${seen.bytes.toString('hex')}`);
    }
  }
}

async function bench(chosen, directory) {
  const [busy] = os.loadavg();
  if (busy > 0.5) process.stderr.write(`bench: others are at work on this machine (load ${busy}); times will be worse than they are\n`);

  const answer = from_function({state, egress});
  const question = incomplete_invocation_context(state);
  const asking = to_function(first.target, first.value); // asks for its state once: the second try is longer, by the state
  const started = [];
  try {
    const nginx = await Nginx.start(directory, 'function', canned_function({answer, question, asking_bytes: asking.length}));
    started.push(() => nginx.stop());
    await expect_fixed_answers(nginx, asking, answer, question);
    const proxy = await Nginx.start(directory, 'proxy', proxy_to(nginx.port, connection_count));
    started.push(() => proxy.stop());

    const bodies_path = {};
    for (const name of ['empty', 'full']) {
      bodies_path[name] = directory.file(`${name}.bin`);
      fs.writeFileSync(bodies_path[name], to_function({namespace, name, id: 'address-0000000'}, value));
    }

    const module = module_for(`${namespace}/*`, `http://127.0.0.1:${nginx.port}/{function.name}`,
      `  transport:
    type: io.statefun.transports.v1/async
    pool_size: ${connection_count}
---
kind: statefund.egress.v1/queue
spec:
  id: ${egress.namespace}/${egress.name}
`);
    const daemon = new Daemon(chosen.binary, directory, {'bench.yaml': module}, {args: ['--shards', chosen.shards], settings: 'log: {level: warning}\n'});
    started.push(() => daemon.kill());
    await daemon.ready();
    // Every shard learns the state by itself: addresses enough for all of them, each asking in the same number of bytes.
    for (let i = 100; i < 164; ++i) await load.settle_one(daemon, {...first.target, id: `no${i}`}, first.value);
    await load.drain(daemon, `${egress.namespace}/${egress.name}`);

    const subject_list = subjects({daemon, nginx, proxy, bodies_path, chosen});
    const singles = {count: 500, per_second: 500};
    const latency = async () => ({
      ...await load.latencies({daemon, namespace, name: 'full', value, egress: `${egress.namespace}/${egress.name}`, ...singles}),
      request: await load.request_latencies({nginx, target: '/full', body: fs.readFileSync(bodies_path.full), ...singles}),
    });
    const {seen, waits} = await measure(subject_list, latency, chosen.rounds).catch((failure) => {
      process.stderr.write(daemon.log.slice(-4_000));
      throw failure;
    });

    const tables = Object.keys(answers).map((it) => [answers[it], cost_rows(subject_list, seen, it)]);
    const waiting = ['latency of single messages, 500 a second', latency_rows(waits)];
    const meant = meaning(subject_list, seen);
    const read = [['', 'ms', 'lowest-highest'], ...(await loading(chosen.binary, chosen.rounds)).map(([what, ms]) =>
      [what, median(ms).toFixed(0), `${Math.min(...ms).toFixed(0)}-${Math.max(...ms).toFixed(0)}`])];
    const called = await calling({directory, body_path: bodies_path.empty, client: path.join(path.dirname(chosen.binary), 'bench_calls'), ...chosen});
    for (const stop of started.reverse().splice(0)) await stop(); // the stores are measured by daemons of their own
    const kept = await keeping({binary: chosen.binary, client: path.join(path.dirname(chosen.binary), 'bench_answers'), directory, rounds: chosen.rounds, messages: chosen.messages});
    const told = facts(chosen);
    console.log(told.join('\n'));
    for (const [title, rows] of [...tables, ['a call and nothing besides', called.rows], waiting, ['reading module files', read], ['what keeping costs', kept.rows], ['a start after kill -9', kept.start_rows]]) console.log(`\n${title}\n${aligned(rows).join('\n')}`);
    console.log(`\n${[...meant, ...called.meant, ...kept.meant].join('\n')}`);

    if (chosen.write_docs) {
      let text = fs.readFileSync(page, 'utf8');
      text = between_marks(text, 'machine', told);
      text = between_marks(text, 'cost', [...tables.flatMap(([title, rows]) => [`${title[0].toUpperCase()}${title.slice(1)}:`, '', ...markdown(rows), '']), ...meant]);
      text = between_marks(text, 'calls', [...markdown(called.rows), '', ...called.meant]);
      text = between_marks(text, 'latency', markdown(waiting[1]));
      text = between_marks(text, 'modules', markdown(read));
      text = between_marks(text, 'stores', [...markdown(kept.rows), '', ...markdown(kept.start_rows), '', ...kept.meant]);
      fs.writeFileSync(page, text);
      process.stderr.write('bench: docs/benchmarks.md is written\n');
    }
  } finally {
    for (const stop of started.reverse()) await stop();
  }
}

const chosen = options();
const directory = new Directory();
process.on('exit', () => directory.remove());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));
setTimeout(() => {
  console.error(`bench: not done within ${longest_ms / 60_000} minutes`);
  process.exit(1);
}, longest_ms).unref();

try {
  await bench(chosen, directory);
  process.exit(0);
} catch (failure) {
  console.error(`bench: ${failure.stack ?? failure}`);
  process.exit(1);
}
