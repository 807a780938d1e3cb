// What the integration tests share: a daemon and functions for one test, ended with it, whatever happens.
import assert from 'node:assert/strict';
import test from 'node:test';

import {StateFun, egressMessageBuilder, messageBuilder} from '../../docs/demo/sdk.mjs';
import {Daemon, Directory, module_for, serve} from '../../docs/demo/statefund.mjs';

export {StateFun, egressMessageBuilder, messageBuilder};
export {bounded, eventually, module_for, request, run} from '../../docs/demo/statefund.mjs';

export const binary = process.env.STATEFUND;
export const ctl_binary = process.env.STATEFUNCTL;
if (!binary) throw new Error('STATEFUND names no binary; run these tests through ctest or ./dev test');

// test(), with a limit on its time and a place to put what is to be ended.
export function daemon_test(name, body, limit_ms = 60_000) {
  test(name, {timeout: limit_ms}, async () => {
    const stage = new Stage();
    try {
      await body(stage);
    } catch (failure) {
      for (const daemon of stage.daemons) console.log(`--- statefund's log\n${daemon.log}---`);
      throw failure;
    } finally {
      await stage.clear();
    }
  });
}

class Stage {
  constructor() {
    this.directory = new Directory();
    this.daemons = [];
    this.functions = [];
  }

  // `bindings` are the arguments of StateFun.bind(); served on a unix socket, or on a free port without one.
  async serve_at(socket, bindings) {
    const functions = new StateFun();
    for (const binding of bindings) functions.bind(binding);
    const server = await serve(functions.handler(), socket);
    this.functions.push(server);
    return server;
  }

  // Gives the URL for a module.
  async serve(bindings, {over = 'tcp'} = {}) {
    const socket = over === 'unix' ? this.directory.file(`functions-${this.functions.length}.sock`) : undefined;
    const server = await this.serve_at(socket, bindings);
    return socket ? `http+unix://${socket}/statefun` : `http://127.0.0.1:${server.port}/statefun`;
  }

  // A daemon that has not said yet that it is ready.
  launch(modules, options) {
    const daemon = new Daemon(binary, this.directory, modules, options);
    this.daemons.push(daemon);
    return daemon;
  }

  async start(modules, options) {
    return this.launch(modules, options).ready();
  }

  // The usual case: all of test/* behind one endpoint.
  async start_with(bindings, options = {}) {
    const url = await this.serve(bindings, options);
    return this.start({'test.yaml': module_for('test/*', url, options.more)}, options);
  }

  async clear() {
    for (const daemon of this.daemons) await daemon.kill();
    for (const server of this.functions) await server.close();
    this.directory.remove();
  }
}

export const out = 'test/out'; // the egress that tests write to
export const json = StateFun.jsonType('test/json');
export const to_egress = (value, egress = out) => egressMessageBuilder({typename: egress, value, valueType: json});
export const to_function = (name, id, value) => messageBuilder({typename: `test/${name}`, id, value, valueType: json});
export const value_of = (record) => JSON.parse(record.value.toString());

// What a function awaits until the test lets it go on.
export class Gate {
  constructor() {
    this.opened = new Promise((resolve) => (this.open = resolve));
  }
}

// A function that writes each text it is given to the egress, once the gate is open.
export function echo({gate, seen = []} = {}) {
  return {
    typename: 'test/echo',
    async fn(context, message) {
      const text = message.asString();
      seen.push(text);
      if (gate) await gate.opened;
      context.send(to_egress(text));
    },
  };
}

// What was read from the egress, by sequence: one that comes again says the same.
export class Records {
  by_sequence = new Map();
  last_sequence = 0;

  add(records) {
    let previous = 0;
    for (const {seq, from, value} of records) {
      assert.ok(seq > previous, `sequence ${seq} comes after ${previous}`);
      previous = seq;
      const text = `${from} ${value}`;
      const before = this.by_sequence.get(seq);
      assert.ok(before === undefined || before === text, `sequence ${seq} was ${before} and is ${text}`);
      assert.ok(before !== undefined || seq > this.last_sequence, `sequence ${seq} was acknowledged unseen`);
      this.by_sequence.set(seq, text);
    }
    this.last_sequence = Math.max(this.last_sequence, previous);
  }

  // Of one kind, in their order.
  of(kind) {
    const in_order = [...this.by_sequence].sort(([one], [other]) => one - other);
    return in_order.map(([, text]) => JSON.parse(text.slice(text.indexOf(' ') + 1))).filter((value) => value.kind === kind);
  }
}
