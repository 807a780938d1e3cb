// What a function may do, with the public SDK: state, messages to functions, delayed messages, egress records.
import assert from 'node:assert/strict';

import {StateFun, daemon_test, json, out, to_egress, to_function, value_of} from './support.mjs';

const counter = {
  typename: 'test/counter',
  specs: [{name: 'seen', type: StateFun.intType()}, {name: 'last', type: StateFun.stringType()}],
  fn(context, message) {
    context.storage.seen = (context.storage.seen ?? 0) + 1;
    const before = context.storage.last;
    context.storage.last = message.asString();
    context.send(to_egress({id: context.self.id, seen: context.storage.seen, before}));
  },
};

for (const over of ['tcp', 'unix']) {
  daemon_test(`state is kept for each address, over ${over}`, async (stage) => {
    const daemon = await stage.start_with([counter], {over});
    for (const text of ['a', 'b', 'c', 'd'])
      for (const id of ['one', 'two']) assert.equal((await daemon.put(['test', 'counter', id], text)).status, 202);
    const values = (await daemon.take_from_egress(out, 8)).map(value_of);
    for (const id of ['one', 'two'])
      assert.deepEqual(values.filter((value) => value.id === id), [
        {id, seen: 1, before: null}, {id, seen: 2, before: 'a'}, {id, seen: 3, before: 'b'}, {id, seen: 4, before: 'c'},
      ]);
  });
}

daemon_test('a state that is set to null is gone', async (stage) => {
  const daemon = await stage.start_with([{
    typename: 'test/flag',
    specs: [{name: 'flag', type: StateFun.stringType()}],
    fn(context, message) {
      const before = context.storage.flag;
      context.storage.flag = message.asString() === 'clear' ? null : message.asString();
      context.send(to_egress({before}));
    },
  }]);
  for (const text of ['up', 'clear', 'down']) await daemon.put(['test', 'flag', 'x'], text);
  assert.deepEqual((await daemon.take_from_egress(out, 3)).map((record) => value_of(record).before), [null, 'up', null]);
});

daemon_test('messages between functions keep their order and name their caller', async (stage) => {
  const daemon = await stage.start_with([
    {
      typename: 'test/source',
      fn(context, message) {
        for (let i = 0; i < Number(message.asString()); ++i) context.send(to_function('sink', 'only', {i}));
      },
    },
    {
      typename: 'test/sink',
      fn(context, message) {
        context.send(to_egress({caller: `${context.caller.typename}/${context.caller.id}`, i: message.as(json).i}));
      },
    },
  ], {more: '  maxNumBatchRequests: 10\n'});
  assert.equal((await daemon.put(['test', 'source', 'a b/c'], '50')).status, 202);
  const values = (await daemon.take_from_egress(out, 50)).map(value_of);
  assert.deepEqual(values, Array.from({length: 50}, (_, i) => ({caller: 'test/source/a b/c', i})));
});

daemon_test('a delayed message comes after its delay, and a cancelled one never', async (stage) => {
  const daemon = await stage.start_with([{
    typename: 'test/timer',
    fn(context, message) {
      if (message.is(json)) {
        context.send(to_egress({...message.as(json), at: Date.now()}));
        return;
      }
      const set = (name, delay_ms, token) =>
        context.sendAfter(delay_ms, to_function('timer', context.self.id, {name, set_at: Date.now(), delay_ms}), token);
      if (message.asString() === 'set') {
        set('cancelled in a later call', 400, 'first');
        set('kept', 600, 'second');
        set('cancelled at once', 200, 'third');
        context.cancelDelayedMessage('third');
      } else {
        context.cancelDelayedMessage('first');
        context.cancelDelayedMessage('never set');
        set('the last', 900);
      }
    },
  }]);
  await daemon.put(['test', 'timer', 'x'], 'set');
  await daemon.put(['test', 'timer', 'x'], 'cancel');
  const values = (await daemon.take_from_egress(out, 2)).map(value_of);
  assert.deepEqual(values.map((value) => value.name), ['kept', 'the last']); // the last one lies behind all the others
  for (const value of values) assert.ok(value.at - value.set_at >= value.delay_ms - 5, JSON.stringify(value));
});

daemon_test('a delayed message from outside comes after its delay', async (stage) => {
  const seen = [];
  const daemon = await stage.start_with([{
    typename: 'test/echo',
    fn(context, message) {
      seen.push([message.asString(), Date.now()]);
      context.send(to_egress(message.asString()));
    },
  }]);
  const begun = Date.now();
  assert.equal((await daemon.put(['test', 'echo', 'x'], 'late', {'statefun-delay': '500ms'})).status, 202);
  assert.equal((await daemon.put(['test', 'echo', 'x'], 'soon')).status, 202);
  assert.deepEqual((await daemon.take_from_egress(out, 2)).map(value_of), ['soon', 'late']);
  assert.ok(seen[1][1] - begun >= 495, `${seen[1][1] - begun} ms`);
});

daemon_test('a state expires after its last write', async (stage) => {
  const expiring = {name: 'note', type: StateFun.stringType(), expireAfterWrite: 200};
  const daemon = await stage.start_with([{
    typename: 'test/note',
    specs: [expiring],
    fn(context, message) {
      if (message.is(json)) return context.send(to_egress({later: context.storage.note}));
      context.storage.note = message.asString();
      context.send(to_egress({now: context.storage.note}));
      context.sendAfter(600, to_function('note', context.self.id, {}));
    },
  }]);
  await daemon.put(['test', 'note', 'x'], 'hello');
  assert.deepEqual((await daemon.take_from_egress(out, 2)).map(value_of), [{now: 'hello'}, {later: null}]);
});

daemon_test('two shards and many addresses: every message arrives once', async (stage) => {
  const daemon = await stage.start_with([{
    typename: 'test/spread',
    specs: [{name: 'seen', type: StateFun.intType()}],
    fn(context, message) {
      if (message.is(json)) {
        context.storage.seen = (context.storage.seen ?? 0) + 1;
        context.send(to_egress({id: context.self.id, seen: context.storage.seen}));
      } else {
        for (let i = 0; i < 20; ++i) context.send(to_function('spread', `leaf-${i}`, {}));
      }
    },
  }], {args: ['--shards', '2']});
  for (let i = 0; i < 10; ++i) await daemon.put(['test', 'spread', `root-${i}`], 'go');
  const values = (await daemon.take_from_egress(out, 200)).map(value_of);
  for (let i = 0; i < 20; ++i)
    assert.deepEqual(values.filter(({id}) => id === `leaf-${i}`).map(({seen}) => seen), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});
