// What the tests with a chaos proxy share: functions that count, and the traffic that proves the count.
import assert from 'node:assert/strict';
import fs from 'node:fs';

import {ChaosProxy} from '../support/chaos_proxy.mjs';
import {StateFun, eventually, module_for, out, request, to_egress, value_of} from './support.mjs';

// A module's `transport`; what is not named is as the format has it.
export const transport = (settings) => ['  transport:', '    type: io.statefun.transports.v1/async',
  ...Object.entries(settings).map(([key, value]) => `    ${key}: ${value}`), ''].join('\n');

export const short = transport({call: '600ms', connect: '200ms', read: '200ms', write: '200ms'});
export const long = transport({call: '20s', connect: '10s', read: '10s', write: '10s'});

// Counts its messages in its state, writes {id, message, count}, and does `also`; `calls` gets each call's messages.
export function counter({calls = [], also = async () => {}} = {}) {
  const by_context = new WeakMap(); // a call has a context of its own
  return {
    typename: 'test/counter',
    specs: [{name: 'count', type: StateFun.intType()}],
    async fn(context, message) {
      const text = message.asString();
      if (!by_context.has(context)) {
        by_context.set(context, []);
        calls.push(by_context.get(context));
      }
      by_context.get(context).push(text);
      context.storage.count = (context.storage.count ?? 0) + 1;
      const value = {id: context.self.id, message: text.slice(0, 20).trimEnd(), count: context.storage.count};
      context.send(to_egress(value));
      await also(context, text);
    },
  };
}

// All of test/* at one endpoint, and the egress, so that it can be read before anything is in it.
export const modules_for = (url, more) => ({
  'functions.yaml': module_for('test/*', url, more),
  'out.yaml': `kind: statefund.egress.v1/queue\nspec:\n  id: ${out}\n`,
});

// A server of functions with a proxy before it, and a daemon that calls them through it.
export async function start_behind_proxy(stage, bindings, options = {}) {
  const {over = 'tcp', more = short, others = {}, backlog, args} = options; // `others`: further modules
  const upstream = stage.directory.file('behind.sock');
  await stage.serve_at(upstream, bindings);
  const at = over === 'unix' ? {path: stage.directory.file('proxy.sock')} : {};
  const proxy = await ChaosProxy.start({at, to: {path: upstream}, backlog});
  stage.functions.push(proxy);
  const daemon = await stage.start({...modules_for(proxy.url(), more), ...others}, {args});
  return {daemon, proxy};
}

export async function status(daemon) {
  return JSON.parse((await request(daemon.admin, 'GET', '/v1/status')).text);
}

// How many files a daemon has open.
export const files_open = (daemon) => fs.readdirSync(`/proc/${daemon.child.pid}/fd`).length;

// Until nothing waits, is out, or comes later: whatever is to happen has happened.
export function quiet(daemon, look_after = async () => {}) {
  return eventually('nothing waits in the daemon', 20_000, async () => {
    await look_after();
    const {functions, delayed_pending_count} = await status(daemon);
    return delayed_pending_count === 0
      && functions.every((one) => one.backlog_count === 0 && one.calls_in_flight_count === 0);
  });
}

// What an operator does once what was refused for good was not the messages' fault.
export async function resume_paused(daemon) {
  const {addresses} = JSON.parse((await request(daemon.admin, 'GET', '/v1/addresses?state=paused')).text);
  for (const {address} of addresses)
    assert.equal((await request(daemon.admin, 'POST', `/v1/addresses/${address}/resume`)).status, 200);
}

// Until the status tells of a failure that `pattern` finds.
export function told(daemon, pattern, within_ms = 20_000) {
  let last;
  return eventually(`the status says ${pattern}`, within_ms, async () => {
    const failures = (await status(daemon)).functions.map((one) => one.last_failure?.error).filter(Boolean);
    last = failures[0] ?? last;
    return failures.find((error) => pattern.test(error));
  }).catch((failure) => {
    failure.message += `; it said: ${last}`;
    throw failure;
  });
}

// Until no address's last call has failed.
export function recovered(daemon, within_ms = 20_000) {
  return eventually('the status tells of no failure', within_ms, async () =>
    (await status(daemon)).functions.every((one) => !one.last_failure));
}

// What the log says when a call has failed or had no connection, and when that is over; not of one that tries again.
export const failed = /(warning|error) +SF02(?!47)/;
export const goes_on = /info +SF02(0[28]|28)/;

// Node puts an empty write behind a large body, which fails if the server has answered and closed by then.
export const stays_open = {connection: 'keep-alive'};

// Numbered messages to some addresses of a counter, in order for each, and all records that come of them.
export class Traffic {
  constructor(daemon, {ids = ['a', 'b', 'c', 'd'], name = 'counter', padding_bytes = 0} = {}) {
    this.daemon = daemon;
    this.name = name;
    this.padding = ' '.repeat(padding_bytes);
    this.sent = new Map(ids.map((id) => [id, 0]));
    this.values = new Map();
    this.records_count = 0;
    this.resumes = false; // whoever is paused
    this.reading = this.read().catch((failure) => (this.failure = failure));
  }

  async read() {
    for (let after = {}, last = false; !last;) {
      const is_quiet = this.ended;
      const {status, records, text} = await this.daemon.read_egress(out, {...after, wait: '100ms', max: 1000});
      assert.equal(status, 200, text);
      for (const value of records.map(value_of)) this.values_of(value.id).push(value);
      this.records_count += records.length;
      if (records.length > 0) after = {after: records.at(-1).seq};
      last = is_quiet && records.length === 0;
    }
  }

  async look_after() {
    if (this.failure) throw this.failure;
    if (this.resumes) await resume_paused(this.daemon);
  }

  values_of(id) {
    if (!this.values.has(id)) this.values.set(id, []);
    return this.values.get(id);
  }

  // The test itself has sent the first message of these addresses.
  sent_first(ids) {
    for (const id of ids) this.sent.set(id, 1);
  }

  // The next message to one address, once all but `behind_max` have had their effect; again while its mailbox is full.
  async send_one(id, behind_max = Infinity) {
    const number = this.sent.get(id) + 1;
    await eventually(`${id} has room`, 30_000, async () => {
      await this.look_after();
      if (number - 1 - this.values_of(id).length > behind_max) return false;
      const answer = await this.daemon.put(['test', this.name, id], number + this.padding, stays_open);
      if (answer.status !== 429) assert.equal(answer.status, 202, answer.text);
      return answer.status === 202;
    });
    this.sent.set(id, number);
  }

  // So many more to each address, the addresses side by side.
  send(count, behind_max) {
    return this.send_while((so_far) => so_far < count, behind_max);
  }

  async send_while(goes_on, behind_max) {
    await Promise.all([...this.sent.keys()].map(async (id) => {
      for (let i = 0; goes_on(i); ++i) await this.send_one(id, behind_max);
    }));
  }

  // Until all that was sent has had its effect.
  async arrived(within_ms = 30_000) {
    const sent_count = [...this.sent.values()].reduce((sum, count) => sum + count, 0);
    await eventually(`${sent_count} records`, within_ms, async () => {
      await this.look_after();
      return this.records_count >= sent_count;
    }).catch((failure) => {
      failure.message += `, only ${this.records_count}`;
      throw failure;
    });
  }

  // All that was sent has had its effect once, and for each address in order; nothing else had one.
  async assert_exactly_once() {
    await this.arrived();
    await quiet(this.daemon, () => this.look_after());
    this.ended = true;
    await this.reading;
    assert.deepEqual([...this.values.keys()].sort(), [...this.sent.keys()].sort());
    for (const [id, count] of this.sent) {
      const expected = Array.from({length: count}, (_, i) => ({id, message: `${i + 1}`, count: i + 1}));
      assert.deepEqual(this.values_of(id), expected);
    }
  }
}
