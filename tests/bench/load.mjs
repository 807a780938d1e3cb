// What is asked of statefund: uploads prepared before the clock starts, their end as the daemon's own metrics tell it,
// egress records read while they come, and single messages for the latency.
import http from 'node:http';
import {setTimeout as pause} from 'node:timers/promises';

import {bounded} from '../../docs/demo/statefund.mjs';
import {request_over_tcp} from './floor.mjs';
import {egress_record, ingress_frame, split_frames} from './frames.mjs';
import {processor_us} from './processor.mjs';

const protobuf = 'application/vnd.statefund.v1+protobuf';
const records_max = 10_000; // of one egress answer, and the most that statefund gives
const patience_ms = 60_000; // for a whole round

function over_unix_socket(socket, agent, method, target, {headers = {}, body} = {}) {
  return bounded(`${method} ${target}`, patience_ms, new Promise((resolve, reject) => {
    const sent = http.request({socketPath: socket, method, path: target, headers, agent}, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({status: answer.statusCode, bytes: Buffer.concat(parts)}));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  }));
}

function expect_status(answer, status, what) {
  if (answer.status !== status) throw new Error(`${what} was answered ${answer.status}: ${answer.bytes.toString().slice(0, 500)}`);
  return answer;
}

// The bodies of batch uploads with `count` messages in all, each for the address that `id_of` gives its index.
export function uploads({namespace, name, id_of, value, count, messages_per_upload, delay_ms}) {
  const bodies = [];
  for (let first = 0; first < count; first += messages_per_upload) {
    const frames = [];
    for (let i = first; i < Math.min(count, first + messages_per_upload); ++i) {
      frames.push(ingress_frame({namespace, name, id: id_of(i)}, value, delay_ms));
    }
    bodies.push({bytes: Buffer.concat(frames), message_count: frames.length});
  }
  return bodies;
}

async function upload(daemon, agent, {bytes, message_count}) {
  const answer = await over_unix_socket(daemon.ingress, agent, 'POST', '/-/batch', {
    headers: {'content-type': protobuf, 'content-length': bytes.length},
    body: bytes,
  });
  const {accepted, rejected} = JSON.parse(expect_status(answer, 200, 'a batch upload').bytes);
  if (accepted !== message_count) {
    throw new Error(`an upload of ${message_count} messages: ${accepted} accepted, ${JSON.stringify(rejected?.[0])}`);
  }
}

// All of `bodies`, over so many connections.
export async function upload_all(daemon, bodies, connection_count) {
  const agent = new http.Agent({keepAlive: true, maxSockets: connection_count});
  let next = 0;
  async function send() {
    while (next < bodies.length) await upload(daemon, agent, bodies[next++]);
  }
  await Promise.all(Array.from({length: connection_count}, send));
  agent.destroy();
}

// `count` single messages from as many producers, each of which awaits the answer before its next one, while `egress` is
// read. Gives how many were answered in a second.
export async function produce({daemon, namespace, name, value, producers_count, count, egress}) {
  const agent = new http.Agent({keepAlive: true, maxSockets: producers_count});
  const reader = new Reader(daemon, egress);
  let next = 0, records_count = 0;
  async function send() {
    while (next < count) await put(daemon, agent, `/${namespace}/${name}/single-${next++}`, value);
  }
  async function read() {
    const end_at = performance.now() + patience_ms;
    while (records_count < count) {
      if (performance.now() > end_at) throw new Error(`${count} records expected, ${records_count} came`);
      const came = await reader.read({wait: '1s'});
      reader.take();
      records_count += came;
      if (came < 100) await pause(5); // records gather; one at a time would measure the reader
    }
    await reader.read({max: 1}); // acknowledges
  }
  const begun_at = performance.now();
  let answered_at;
  const sending = Promise.all(Array.from({length: producers_count}, send)).then(() => (answered_at = performance.now()));
  try {
    await Promise.all([sending, read()]);
  } finally {
    agent.destroy();
    reader.close();
  }
  return count * 1e3 / (answered_at - begun_at);
}

// One message, until it is answered.
export async function put(daemon, agent, target, {type, bytes}) {
  const headers = {'statefun-type': type, 'content-length': bytes.length};
  expect_status(await over_unix_socket(daemon.ingress, agent, 'PUT', target, {headers, body: bytes}), 202, `a message to ${target}`);
}

// Reads and acknowledges the records of an egress.
class Reader {
  constructor(daemon, egress) {
    this.daemon = daemon;
    this.egress = egress;
    this.agent = new http.Agent({keepAlive: true, maxSockets: 1});
    this.frames = [];
  }

  // How many records came; the last ones are acknowledged by the next call.
  async read(query = {}) {
    const after = this.last_seq === undefined ? {} : {after: this.last_seq};
    const target = `/-/egress/${this.egress}?${new URLSearchParams({max: records_max, ...after, ...query})}`;
    const answer = await over_unix_socket(this.daemon.ingress, this.agent, 'GET', target, {headers: {accept: protobuf}});
    const frames = split_frames(expect_status(answer, 200, target).bytes);
    for (const frame of frames) this.frames.push(frame);
    if (frames.length > 0) this.last_seq = egress_record(frames.at(-1)).seq;
    return frames.length;
  }

  // Hands over what has come, in order.
  take() {
    const taken = this.frames;
    this.frames = [];
    return taken;
  }

  close() {
    this.agent.destroy();
  }
}

// Reads and acknowledges what is there, or will be in a moment: a record is shown once it is durable.
export async function drain(daemon, egress) {
  const reader = new Reader(daemon, egress);
  while (await reader.read({wait: '300ms'}) > 0);
  reader.close();
}

// The sum of a metric's samples whose labels have `type`.
function metric(text, name, type) {
  let sum = 0;
  let seen = false;
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${name}{`) || !line.includes(`type="${type}"`)) continue;
    sum += Number(line.slice(line.lastIndexOf('}') + 1).trim().split(' ')[0]);
    seen = true;
  }
  return seen ? sum : undefined;
}

async function counts(daemon, name) {
  const text = expect_status(await over_unix_socket(daemon.admin, false, 'GET', '/metrics'), 200, 'GET /metrics').bytes.toString();
  const of = (metric_name) => metric(text, `statefun_function_${metric_name}`, name) ?? 0;
  return {
    taken_in: of('in_total'),
    waiting: of('num_backlog'),
    in_flight: of('inflight_async_ops'),
    calls: of('batch_size_count'),
    called_with: of('batch_size_sum'),
    failures: of('remote_invocation_failures_total'),
  };
}

const settled = (seen) => seen.waiting === 0 && seen.in_flight === 0;

// One message, until its function has concluded it.
export async function settle_one(daemon, {namespace, name, id}, value) {
  const agent = new http.Agent({keepAlive: false});
  const before = await counts(daemon, name);
  await upload(daemon, agent, {bytes: ingress_frame({namespace, name, id}, value), message_count: 1});
  const end = Date.now() + 10_000;
  for (;;) {
    const now = await counts(daemon, name);
    if (now.failures > before.failures) throw new Error(`the first call of ${name} failed:\n${daemon.log}`);
    if (now.taken_in === before.taken_in + 1 && now.calls > before.calls && settled(now)) return;
    if (Date.now() > end) throw new Error(`the first message to ${name} is not through: ${JSON.stringify(now)}\n${daemon.log}`);
    await pause(20);
  }
}

// Sends `bodies` over `connection_count` connections, `times` times, and awaits that all of it went through `nginx` and,
// where `egress` is given, came out there. Throws if a message was lost.
export async function run({daemon, nginx, name, bodies, times = 1, connection_count, egress, one_call_each}) {
  const message_count = times * bodies.reduce((sum, body) => sum + body.message_count, 0);
  const agent = new http.Agent({keepAlive: true, maxSockets: connection_count});
  const reader = egress && new Reader(daemon, egress);
  const before = await counts(daemon, name);
  const handled_before = await nginx.handled();
  const processors = () => ({statefund: processor_us(daemon.child.pid), nginx: nginx.processor_us(), client: processor_us('self')});
  const spent_before = processors();
  const begun_at = performance.now();
  const end_at = begun_at + patience_ms;

  let all_sent_at;
  let records_expected = Infinity; // known once all is through: one for each call
  let next = 0;
  async function send() {
    while (next < times * bodies.length) await upload(daemon, agent, bodies[next++ % bodies.length]);
  }
  async function read() {
    // A pause when little has come lets records gather; one at a time would measure the reader.
    while (reader.frames.length < records_expected) {
      if (performance.now() > end_at) throw new Error(`${records_expected} records expected, ${reader.frames.length} came`);
      if (await reader.read() < records_max / 2) await pause(10);
    }
    await reader.read(); // acknowledges, and finds what is too many
  }
  async function watch() {
    for (;;) {
      const now = await counts(daemon, name);
      if (all_sent_at && now.taken_in - before.taken_in >= message_count && now.called_with - before.called_with >= message_count && settled(now)) {
        records_expected = now.calls - before.calls;
        return now;
      }
      if (performance.now() > end_at) {
        throw new Error(`${message_count} messages to ${name} are not through after ${patience_ms} ms: ${JSON.stringify({before, now})}`);
      }
      await pause(all_sent_at ? 20 : 200);
    }
  }

  try {
    const sending = Promise.all(Array.from({length: connection_count}, send)).then(() => (all_sent_at = performance.now()));
    const [now] = await Promise.all([watch(), sending, reader ? read() : undefined]);
    const seconds = (performance.now() - begun_at) / 1e3;
    const spent = processors();
    const calls = now.calls - before.calls;
    const records = reader ? reader.take().map(egress_record) : [];
    const addresses = new Set(records.map(({id}) => id)).size;
    const handled = await nginx.handled() - handled_before;

    const faults = [];
    const expect = (what, seen, expected) => seen === expected || faults.push(`${what}: ${seen} instead of ${expected}`);
    expect('messages taken in', now.taken_in - before.taken_in, message_count);
    expect('messages in calls', now.called_with - before.called_with, message_count);
    expect('failed attempts', now.failures - before.failures, 0);
    expect('requests that nginx had', handled, one_call_each ? message_count : calls);
    if (reader) expect('egress records', records.length, handled);
    if (reader && one_call_each) expect('addresses in egress records', addresses, message_count);
    if (faults.length > 0) throw new Error(`${message_count} messages to ${name}: ${faults.join('; ')}`);

    const per_message = (who) => (spent[who] - spent_before[who]) / message_count;
    return {
      messages: message_count,
      per_second: message_count / seconds,
      accepted_per_second: message_count * 1e3 / (all_sent_at - begun_at),
      messages_per_call: message_count / handled,
      dispatching_us: per_message('statefund'),
      function_us: per_message('nginx'),
      client_us: per_message('client'),
    };
  } finally {
    agent.destroy();
    reader?.close();
  }
}

// Starts `act(i)` for every i below `count`, `per_second` of them, whether or not the ones before have ended.
async function at_a_rate(count, per_second, act) {
  const begun_at = performance.now();
  const acts = [];
  for (let i = 0; i < count;) {
    const due = Math.min(count, Math.floor((performance.now() - begun_at) * per_second / 1e3) + 1);
    for (; i < due; ++i) {
      acts.push(act(i));
      acts.at(-1).catch(() => {}); // told below, once all have started
    }
    await pause(1);
  }
  await Promise.all(acts);
}

// Single messages, each to an address of its own, while the egress is polled: the milliseconds that each took from its
// PUT, and from the answer to that, to its record. The second is negative where the record was there first.
export async function latencies({daemon, namespace, name, value, egress, count, per_second}) {
  const agent = new http.Agent({keepAlive: true, maxSockets: 16});
  const reader = new Reader(daemon, egress);
  const sent_at = new Map(), answered_at = new Map(), seen_at = new Map();
  async function read() {
    const end_at = performance.now() + patience_ms;
    while (seen_at.size < count) {
      if (performance.now() > end_at) throw new Error(`${count} single messages: only ${seen_at.size} records`);
      await reader.read({wait: '1s'});
      const now = performance.now();
      for (const {id} of reader.take().map(egress_record)) {
        if (seen_at.has(id)) throw new Error(`two records of the one message to ${id}`);
        seen_at.set(id, now);
      }
    }
    await reader.read({max: 1}); // acknowledges
  }
  try {
    const reading = read();
    const sending = at_a_rate(count, per_second, async (i) => {
      const id = `single-${i}`;
      sent_at.set(id, performance.now());
      await put(daemon, agent, `/${namespace}/${name}/${id}`, value);
      answered_at.set(id, performance.now());
    });
    await Promise.all([sending, reading]);
  } finally {
    agent.destroy();
    reader.close();
  }
  const ids = [...sent_at.keys()];
  return {
    from_put: ids.map((id) => seen_at.get(id) - sent_at.get(id)),
    from_answer: ids.map((id) => seen_at.get(id) - answered_at.get(id)),
  };
}

// What the same client needs for one request straight to nginx.
export async function request_latencies({nginx, target, body, count, per_second}) {
  const agent = new http.Agent({keepAlive: true, maxSockets: 16});
  const taken_ms = [];
  try {
    await at_a_rate(count, per_second, async () => {
      const sent_at = performance.now();
      const answer = await request_over_tcp(nginx.port, 'POST', target, {agent, body, headers: {'content-length': body.length}});
      if (answer.status !== 200) throw new Error(`nginx answered ${answer.status}`);
      taken_ms.push(performance.now() - sent_at);
    });
  } finally {
    agent.destroy();
  }
  return taken_ms;
}
