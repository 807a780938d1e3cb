// The main job, end to end: node demo.mjs <path of statefund>, or ./dev demo, which builds it first.
import path from 'node:path';

import {Daemon, Directory, module_for, serve} from './statefund.mjs';

const visits = [
  ['Ada', 'library'], ['Grace', 'harbour'], ['Ada', 'bakery'], ['Edsger', 'library'], ['Ada', 'harbour'], ['Grace', 'bakery'],
  ['Barbara', 'library'], ['Edsger', 'harbour'], ['Ada', 'garden'], ['Grace', 'library'], ['Ada', 'library'], ['Barbara', 'garden'],
];
const names = [...new Set(visits.map(([name]) => name))];
const visits_of = (name) => visits.filter(([visitor]) => visitor === name).length;
const patience_ms = 30_000;

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const dim = (text) => (colour ? `\x1b[2m${text}\x1b[0m` : text);
const bold = (text) => (colour ? `\x1b[1m${text}\x1b[0m` : text);
const step = (title, text) => console.log(`\n${bold(title.padEnd(10))} ${text}`);
const line = (text = '') => console.log(text === '' ? '' : `${' '.repeat(11)}${text}`);

// What is wrong with the records, a sentence each.
function faults_in(records) {
  const faults = [];
  const of_kind = (kind, name) => records.map(({value}) => value).filter((it) => it.kind === kind && it.name === name);
  for (const name of names) {
    const counted = of_kind('greeting', name).map((it) => it.visits).join(' ');
    const expected = Array.from({length: visits_of(name)}, (_, i) => i + 1).join(' ');
    if (counted !== expected) faults.push(`${name}: visits counted "${counted}" instead of "${expected}"`);
    const reminders = of_kind('reminder', name).length;
    if (reminders !== 1) faults.push(`${name}: ${reminders} reminders instead of 1`);
  }
  const expected_count = visits.length + names.length;
  if (records.length !== expected_count) faults.push(`${records.length} records instead of ${expected_count}`);
  return faults;
}

async function show(binary, directory) {
  const {handler, reminder_delay_ms} = await import('./functions.mjs');
  const functions = await serve(handler());
  let daemon;
  try {
    daemon = await start(functions);
    const begun_at = performance.now();
    await put_in();
    return await read_out(begun_at);
  } finally {
    await daemon?.kill();
    await functions.close();
  }

  async function start({port}) {
    const url = `http://127.0.0.1:${port}/statefun`;
    step('functions', 'person and greeter, written with the public StateFun SDK (docs/demo/functions.mjs)');
    line(dim(`a plain HTTP server at ${url}`));

    const module = module_for('example/*', url);
    step('module', `one file in ${directory.path}/modules says where they are`);
    for (const text of module.trimEnd().split('\n')) line(dim(text));

    const started = performance.now();
    const made = new Daemon(binary, directory, {'example.yaml': module}, {store: 'rocksdb'});
    try {
      await made.ready();
    } catch (failure) {
      await made.kill();
      throw failure;
    }
    step('statefund', `ready after ${Math.round(performance.now() - started)} ms, one process, no cluster`);
    line(dim(`${path.basename(made.ingress)} takes messages, ${path.basename(made.admin)} tells how it is`));
    return made;
  }

  async function put_in() {
    step('in', `${visits.length} messages through the ingress socket`);
    for (const [name, place] of visits) {
      const answer = await daemon.put(['example', 'person', name], place);
      if (answer.status !== 202) throw new Error(`PUT /example/person/${name} was answered ${answer.status}: ${answer.text}`);
      line(`PUT /example/person/${name.padEnd(8)} ${place.padEnd(8)} ${dim(`202 ${answer.headers['statefun-message-id']}`)}`);
    }
  }

  async function read_out(begun_at) {
    const since = () => Math.round(performance.now() - begun_at);
    const early = [];
    const expected = visits.length + names.length;
    step('out', `GET /-/egress/example/greets: ${visits.length} greetings, and a reminder each ${reminder_delay_ms} ms after the first visit`);
    const records = [];
    while (records.length < expected) {
      const left_ms = patience_ms - since();
      if (left_ms <= 0) break;
      const after = records.length > 0 ? {after: records.at(-1).seq} : {};
      const answer = await daemon.read_egress('example/greets', {...after, wait: '1s', within_ms: left_ms + 5_000});
      if (answer.status !== 200 && answer.status !== 404)
        throw new Error(`the egress was answered ${answer.status}: ${answer.text}`);
      for (const record of answer.records) {
        const value = JSON.parse(record.value.toString());
        records.push({...record, value});
        const at = value.kind === 'reminder' ? `after ${since()} ms` : '';
        // The daemon's clock counts whole milliseconds, and ours is another one.
        if (value.kind === 'reminder' && since() < reminder_delay_ms - 5) early.push(`${value.name}: the reminder came early`);
        line(`${record.from.padEnd(24)} ${value.text.padEnd(32)} ${dim(at)}`.trimEnd());
      }
    }
    if (records.length > 0) // acknowledges the last ones, and shows whether more came than should
      records.push(...(await daemon.read_egress('example/greets', {after: records.at(-1).seq})).records
        .map((record) => ({...record, value: JSON.parse(record.value.toString())})));
    const faults = [...faults_in(records), ...early];

    const how = await daemon.stop();
    if (how.code !== 0) faults.push(`statefund ended with ${JSON.stringify(how)} instead of 0`);
    step('stopped', faults.length === 0 ? 'drained and left with exit code 0' : `exit code ${how.code}`);
    line();
    for (const name of names) line(`${name.padEnd(8)} ${'*'.repeat(visits_of(name)).padEnd(6)} ${visits_of(name)} visits, 1 reminder`);
    return faults;
  }
}

const binary = process.argv[2] ?? process.env.STATEFUND;
if (!binary) {
  console.error('usage: node demo.mjs <path of statefund>   (./dev demo builds it first)');
  process.exit(2);
}
const directory = new Directory();
console.log(`${bold('statefund')}: stateful functions, without the cluster`);
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    directory.remove();
    process.exit(130); // and the daemon with us
  });

let faults;
try {
  faults = await show(path.resolve(binary), directory);
} catch (failure) {
  faults = [failure.message];
}
if (faults.length === 0) {
  directory.remove();
  console.log(`\nAll of it arrived: ${visits.length} greetings, counted in order, and ${names.length} reminders.`);
} else {
  console.error('\nThe demo FAILED:');
  for (const fault of faults) console.error(`  ${fault}`);
  console.error(`The daemon's log is ${directory.file('statefund.log')}`);
}
process.exitCode = faults.length === 0 ? 0 : 1;
