// Faults between calls, attempts and batches, and faults under load: what could take effect twice, never, or out of
// order.
import assert from 'node:assert/strict';
import http from 'node:http';
import {once} from 'node:events';

import {
  answer_with, close_after_answer, corrupt_answer, corrupt_request, cut_answer, cut_answer_body, cut_request,
  delay_answer, duplicate_answer, freeze, half_head, late_duplicate, not_answering, not_reading, previous_answer,
  slice_answer,
} from '../support/chaos_proxy.mjs';
import {
  Traffic, counter, failed, files_open, long, modules_for, recovered, start_behind_proxy, stays_open, told, transport,
} from './chaos.mjs';
import {
  StateFun, bounded, daemon_test, eventually, json, module_for, to_egress, to_function, value_of,
} from './support.mjs';

// Attempts, calls and batches.

daemon_test('a request whose connection broke without a word is sent again, and takes effect once', async (stage) => {
  const calls = [];
  const {daemon, proxy} = await start_behind_proxy(stage, [counter({calls})], {more: long});
  const traffic = new Traffic(daemon, {ids: ['a']});
  await traffic.send(1);
  await traffic.arrived();
  proxy.put(cut_answer(0), {times: 1});
  await traffic.send(1);
  await traffic.assert_exactly_once();
  assert.deepEqual(calls, [['1'], ['2'], ['2']]);
  assert.doesNotMatch(daemon.log, failed);
});

daemon_test('the answer that asks for states is lost: the states are asked for again', async (stage) => {
  const {daemon, proxy} = await start_behind_proxy(stage, [counter()], {more: long});
  proxy.put(cut_answer_body(), {times: 2});
  const traffic = new Traffic(daemon);
  await traffic.send(2);
  await traffic.assert_exactly_once();
  assert.equal(proxy.counts.cut_answer_body, 2);
});

daemon_test('all attempts of a call carry the same batch; what comes meanwhile is the next one', async (stage) => {
  const calls = [];
  let traffic;
  const also = async (context, text) => {
    if (text === '2' && traffic.sent.get('a') === 2) await traffic.send(2);
  };
  const {daemon, proxy} = await start_behind_proxy(stage, [counter({calls, also})], {more: long});
  traffic = new Traffic(daemon, {ids: ['a']});
  await traffic.send(1);
  await traffic.arrived();
  proxy.put(cut_answer_body(), {times: 3});
  await traffic.send(1);
  await eventually('two more were sent', 10_000, () => traffic.sent.get('a') === 4);
  await traffic.assert_exactly_once();
  assert.deepEqual(calls, [['1'], ['2'], ['2'], ['2'], ['2'], ['3', '4']]);
  assert.doesNotMatch(daemon.log, failed);
});

daemon_test('the call after a failed one carries its batch first, and behind it what came meanwhile', async (stage) => {
  const calls = [];
  const {daemon, proxy} = await start_behind_proxy(stage, [counter({calls})]);
  const traffic = new Traffic(daemon, {ids: ['a']});
  await traffic.send(1);
  await traffic.arrived();
  proxy.put(not_answering());
  await traffic.send(1);
  await eventually('the function is called', 10_000, () => calls.length > 1);
  await traffic.send(2);
  await told(daemon, /call timeout/);
  proxy.heal();
  await traffic.assert_exactly_once();
  assert.deepEqual(calls[1], ['2']);
  assert.deepEqual(calls.slice(-2), [['2'], ['3', '4']]);
});

for (const over of ['tcp', 'unix'])
  daemon_test(`an answer comes a second time while its connection is idle (${over}): it is nobody's`, async (stage) => {
    const {daemon, proxy} = await start_behind_proxy(stage, [counter()], {over, more: long});
    const traffic = new Traffic(daemon);
    for (let round = 1; round <= 5; ++round) {
      proxy.put(late_duplicate());
      await traffic.send(1);
      await traffic.arrived();
      proxy.heal();
      await eventually('all have come twice', 10_000,
        () => proxy.counts.late_duplicate_sent === proxy.counts.late_duplicate);
      await traffic.send(1);
    }
    await traffic.assert_exactly_once();
    assert.doesNotMatch(daemon.log, failed);
  });

daemon_test('an answer that comes before its large request is sent is not its answer', async (stage) => {
  const {daemon, proxy} = await start_behind_proxy(stage, [counter()], {over: 'unix', more: long});
  const traffic = new Traffic(daemon, {ids: ['a'], padding_bytes: 1 << 20});
  await traffic.send(2);
  await traffic.arrived();
  proxy.put(previous_answer());
  await traffic.send(1);
  await traffic.arrived();
  await traffic.send(1);
  await traffic.arrived();
  proxy.heal();
  await traffic.send(1);
  await traffic.assert_exactly_once();
});

// Races. Everything random comes from one number, which a failure tells.

function random_from(seed) {
  let state = seed >>> 0;
  const random = () => { // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (end) => Math.floor(random() * end),
    one_of: (list) => list[Math.floor(random() * list.length)],
  };
}

function random_test(name, body) {
  daemon_test(name, async (stage) => {
    const seed = Number(process.env.CHAOS_SEED ?? Date.now() % 2 ** 32);
    await body(stage, random_from(seed)).catch((failure) => {
      failure.message += `\nwith CHAOS_SEED=${seed}`;
      throw failure;
    });
  });
}

for (const how of ['close', 'reset'])
  random_test(`connections end (${how}) just when the next request may be on its way`, async (stage, random) => {
    const {daemon, proxy} = await start_behind_proxy(stage, [counter()], {more: long});
    proxy.put(() => close_after_answer(how, random.below(4)));
    const traffic = new Traffic(daemon);
    await traffic.send(100, 0);
    await traffic.assert_exactly_once();
    assert.ok(proxy.counts.close_after_answer >= 100);
    assert.doesNotMatch(daemon.log, failed);
  });

random_test('answers come just when the time for them is over', async (stage, random) => {
  const more = transport({call: '200ms', read: '60ms'});
  const {daemon, proxy} = await start_behind_proxy(stage, [counter()], {more});
  proxy.put(() => random.below(2) && delay_answer(57 + random.below(5)));
  const traffic = new Traffic(daemon, {ids: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']});
  await traffic.send(20, 0);
  proxy.heal();
  await traffic.assert_exactly_once();
});

random_test('every request meets another fault; functions send and delay messages, too', async (stage, random) => {
  // Tells the ledger of each message, at once and a little later.
  const also = (context, text) => {
    context.send(to_function('ledger', context.self.id, {sent: Number(text)}));
    context.sendAfter(20, to_function('ledger', context.self.id, {delayed: Number(text)}));
  };
  const ledger = {
    typename: 'test/ledger',
    specs: [{name: 'page', type: StateFun.jsonType('test/page')}],
    fn(context, message) {
      const page = context.storage.page ?? {sent: [], delayed: []};
      const entry = message.as(json);
      if (entry.show) context.send(to_egress({id: context.self.id, page}, 'test/pages'));
      if (entry.sent) page.sent.push(entry.sent);
      if (entry.delayed) page.delayed.push(entry.delayed);
      context.storage.page = page;
    },
  };
  const timeouts = {call: '300ms', connect: '100ms', read: '100ms', write: '100ms'};
  const more = transport({...timeouts, pool_size: 4, pool_ttl: '1s'});
  const {daemon, proxy} = await start_behind_proxy(stage, [counter({also}), ledger], {more});
  const how = () => random.one_of(['close', 'reset']);
  const faults = [
    () => cut_request(random.below(300), how()),
    () => corrupt_request(random.one_of(['head', 'body'])),
    () => not_answering(),
    () => cut_answer(random.below(300), how()),
    () => cut_answer_body(how()),
    () => half_head(),
    () => slice_answer(1 + random.below(50), random.below(3)),
    () => delay_answer(random.below(120)),
    () => corrupt_answer(random.one_of(['head', 'body'])),
    () => answer_with('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'),
    () => duplicate_answer(),
    () => close_after_answer(how(), random.below(3)),
  ];
  proxy.put(() => random.below(4) && random.one_of(faults)());
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const files_before = files_open(daemon);
  const traffic = new Traffic(daemon, {ids});
  traffic.resumes = true; // what is broken on the way is taken for the message's fault
  await traffic.send(25, 1);
  proxy.heal();
  await traffic.assert_exactly_once();
  await eventually('all connections are closed', 20_000, () => files_open(daemon) <= files_before);

  for (const id of ids)
    assert.equal((await daemon.put(['test', 'ledger', id], JSON.stringify({show: true}),
      {'content-type': 'application/vnd.test/json'})).status, 202);
  const numbers = Array.from({length: 25}, (_, i) => i + 1);
  for (const {id, page} of (await daemon.take_from_egress('test/pages', ids.length)).map(value_of)) {
    assert.deepEqual(page.sent, numbers, id);
    assert.deepEqual(page.delayed.sort((one, other) => one - other), numbers, id);
  }
});

// Load.

// A server of functions that can be stopped and started again at the same place, as often as one likes.
class RestartedFunctions {
  constructor(bindings, at) {
    this.bindings = bindings;
    this.at = at;
  }

  async start() {
    const functions = new StateFun();
    for (const binding of this.bindings) functions.bind(binding);
    this.server = http.createServer(functions.handler());
    this.server.listen(this.at);
    await bounded('the functions listen', 5_000, once(this.server, 'listening'));
    if (!this.at.path) this.at = {...this.at, port: this.server.address().port};
  }

  // Whatever is under way is cut off.
  async close() {
    if (!this.server) return;
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    this.server = undefined;
    await bounded('the functions stop', 5_000, closed);
  }
}

for (const over of ['tcp', 'unix'])
  daemon_test(`the functions are restarted 50 times under load (${over})`, async (stage) => {
    const calls = [];
    const also = () => new Promise((resume) => setImmediate(resume)); // so that some are under way when all ends
    const path = stage.directory.file('functions.sock');
    const at = over === 'unix' ? {path} : {host: '127.0.0.1', port: 0};
    const functions = new RestartedFunctions([counter({calls, also})], at);
    stage.functions.push(functions);
    await functions.start();
    const url = over === 'unix' ? `http+unix://${path}/statefun` : `http://127.0.0.1:${functions.at.port}/statefun`;
    const daemon = await stage.start(modules_for(url, long));
    const traffic = new Traffic(daemon, {ids: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']});

    let restarting = true;
    const load = traffic.send_while(() => restarting, 20);
    for (let restart = 1; restart <= 50; ++restart) {
      const before = calls.length;
      await eventually(`restart ${restart}: functions are called`, 10_000, () => calls.length > before + 5);
      await functions.close();
      await functions.start();
    }
    restarting = false;
    await load;
    await traffic.assert_exactly_once();
  });

daemon_test('a unix socket is removed and made again under load', async (stage) => {
  const {daemon, proxy} = await start_behind_proxy(stage, [counter()], {over: 'unix'});
  const traffic = new Traffic(daemon);
  let going_on = true;
  const load = traffic.send_while(() => going_on, 20);
  for (let round = 1; round <= 5; ++round) {
    await proxy.stop_listening();
    proxy.end_connections();
    await told(daemon, /No such file or directory while connecting/);
    await proxy.listen();
    await recovered(daemon);
  }
  going_on = false;
  await load;
  await traffic.assert_exactly_once();
});

daemon_test('the daemon is frozen under load, for longer than its timeouts', async (stage) => {
  const {daemon} = await start_behind_proxy(stage, [counter()], {more: transport({call: '200ms', read: '100ms'})});
  const traffic = new Traffic(daemon);
  let going_on = true;
  const load = traffic.send_while(() => going_on, 20);
  for (let round = 1; round <= 5; ++round) {
    const before = traffic.records_count;
    await eventually('the load goes on', 10_000, () => traffic.records_count > before + 20);
    await freeze(daemon.child, 250);
  }
  going_on = false;
  await load;
  await traffic.assert_exactly_once();
});

daemon_test('an endpoint that hangs holds up its own functions alone', async (stage) => {
  const {daemon, proxy} = await start_behind_proxy(stage, [counter()], {
    more: transport({call: '20s', pool_size: 4}),
    others: {'healthy.yaml': module_for('test/healthy', await stage.serve([{...counter(), typename: 'test/healthy'}]))},
  });
  proxy.put(not_answering());
  const ids = Array.from({length: 20}, (_, i) => `hung-${i}`);
  for (const id of ids) assert.equal((await daemon.put(['test', 'counter', id], '1')).status, 202);
  await eventually('calls hang', 10_000, () => proxy.counts.not_answering === 4);
  const traffic = new Traffic(daemon, {name: 'healthy'});
  await traffic.send(50, 5);
  await traffic.arrived();
  assert.equal(proxy.counts.not_answering, 4);
  traffic.sent_first(ids);
  proxy.heal();
  proxy.end_connections();
  await traffic.assert_exactly_once();
});

for (const [name, begin] of Object.entries({
  'nobody accepts': (proxy) => proxy.stop_accepting(),
  'nobody reads': (proxy) => proxy.put(not_reading()),
  'nobody answers': (proxy) => proxy.put(not_answering()),
  'half of an answer comes': (proxy) => proxy.put(half_head()),
  'nobody listens': (proxy) => proxy.stop_listening(),
}))
  daemon_test(`the daemon stops in time though ${name}`, async (stage) => {
    const {daemon, proxy} = await start_behind_proxy(stage, [counter()],
      {over: 'unix', backlog: 1, more: long, args: ['--set', 'drain_timeout=200ms']});
    await begin(proxy);
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f'])
      assert.equal((await daemon.put(['test', 'counter', id], '1'.padEnd(512 << 10), stays_open)).status, 202);
    assert.deepEqual(await daemon.stop('SIGTERM', 5_000), {code: 1, signal: null});
    assert.match(daemon.log, /SF0010/);
  });
