// A proxy that misbehaves as it is told. It stands between statefund and a server of functions, over TCP or a unix
// socket, and does to connections, requests and answers what a fault says, until it is healed.
//
// Connections are accepted by a process of its own, so that stopping that one leaves them in the kernel's backlog.
import {fork} from 'node:child_process';
import {once} from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import {setImmediate as next_turn, setTimeout as elapsed} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';

const this_file = fileURLToPath(import.meta.url);

// The faults. `how` is what becomes of the connection: 'close', or 'reset' (RST; a unix socket knows only close).

// What comes is left in the kernel, on connections old and new.
export const not_reading = () => ({name: 'not_reading', of: 'connections'});

// A pause after each piece of a request that is read.
export const slow_reading = (pause_ms) => ({name: 'slow_reading', pause_ms});

// Ends once so many bytes of a request have come; the functions never see it.
export const cut_request = (after_bytes, how = 'close') => ({name: 'cut_request', request_bytes_max: after_bytes, how});

// A request that the functions cannot read: part 'head' is no HTTP, part 'body' is no protobuf.
export const corrupt_request = (part) => ({name: 'corrupt_request', request: (bytes) => flipped(bytes, part)});

// The functions are called, and their answer is lost.
export const not_answering = () => ({name: 'not_answering', async answer() {}});

// The answer comes when the proxy is healed.
export const late_answer = () => ({
  name: 'late_answer',
  async answer(to, bytes) {
    await to.proxy.healed;
    await to.send(bytes);
  },
});

// Ends after so many bytes of the answer; 0: before it, Infinity: after it.
export const cut_answer = (after_bytes, how = 'close') => ({
  name: 'cut_answer',
  async answer(to, bytes) {
    await to.send(bytes.subarray(0, after_bytes));
    to.end(how);
  },
});

// Ends in the middle of the answer's body.
export const cut_answer_body = (how = 'close') => ({
  name: 'cut_answer_body',
  async answer(to, bytes) {
    const head_bytes = head_length(bytes);
    await to.send(bytes.subarray(0, head_bytes + Math.floor((bytes.length - head_bytes) / 2)));
    to.end(how);
  },
});

// Half of the answer's head, and then nothing more.
export const half_head = () => ({
  name: 'half_head',
  answer: (to, bytes) => to.send(bytes.subarray(0, head_length(bytes) / 2)),
});

// The answer in pieces of so many bytes, each after a pause.
export const slice_answer = (piece_bytes, pause_ms = 0) => ({
  name: 'slice_answer',
  async answer(to, bytes) {
    for (let at = 0; at < bytes.length && !to.is_gone(); at += piece_bytes) {
      await to.send(bytes.subarray(at, at + piece_bytes));
      await (pause_ms > 0 ? elapsed(pause_ms) : next_turn());
    }
  },
});

export const delay_answer = (delay_ms) => ({
  name: 'delay_answer',
  async answer(to, bytes) {
    await elapsed(delay_ms);
    await to.send(bytes);
  },
});

// part 'head' is no HTTP, part 'body' is no protobuf.
export const corrupt_answer = (part) => ({
  name: 'corrupt_answer',
  answer: (to, bytes) => to.send(flipped(bytes, part)),
});

// The functions are called, and these bytes are sent in the place of their answer.
export const answer_with = (bytes) => ({name: 'answer_with', answer: (to) => to.send(Buffer.from(bytes))});

// An answer that says nothing of its length and lasts until the connection ends, after so many bytes of its body.
export const unmeasured_answer = (body_bytes = Infinity) => ({
  name: 'unmeasured_answer',
  async answer(to, bytes) {
    const body = head_length(bytes);
    const head = bytes.toString('latin1', 0, body).replace(/content-length: *\d+\r\n/i, '');
    await to.send(Buffer.concat([Buffer.from(head), bytes.subarray(body, body + body_bytes)]));
    to.end('close');
  },
});

// The answer twice, at once.
export const duplicate_answer = () => ({
  name: 'duplicate_answer',
  answer: (to, bytes) => to.send(Buffer.concat([bytes, bytes])),
});

// The answer, and once more when the proxy is healed, which is counted.
export const late_duplicate = () => ({
  name: 'late_duplicate',
  async answer(to, bytes) {
    await to.send(bytes);
    to.proxy.healed.then(() => to.send(bytes)).then(() => to.proxy.count('late_duplicate_sent'));
  },
});

// The connection's previous answer as soon as a request begins, and later the right one.
export const previous_answer = () => ({name: 'previous_answer', begin: (to) => to.send(to.last_answer)});

// A whole answer that promises keep-alive, and the end of the connection, at once or so long after it.
export const close_after_answer = (how = 'close', pause_ms = 0) => ({
  name: 'close_after_answer',
  async answer(to, bytes) {
    await to.send(bytes);
    if (pause_ms > 0) setTimeout(() => to.end(how), pause_ms);
    else to.end(how);
  },
});

// Stops a process of ours for so long; what it has to do meanwhile is late.
export async function freeze(child, for_ms) {
  child.kill('SIGSTOP');
  await elapsed(for_ms);
  child.kill('SIGCONT');
}

export class ChaosProxy {
  // `at` is {path} or {} for a free port of 127.0.0.1; `to` is what net.connect() takes.
  static async start({at = {}, to, backlog = 511}) {
    const proxy = new ChaosProxy(at, to, backlog);
    await proxy.listen();
    return proxy;
  }

  constructor(at, to, backlog) {
    this.at = at.path ? {path: at.path, backlog} : {host: '127.0.0.1', port: at.port ?? 0, backlog};
    this.to = to;
    this.connections = new Set();
    this.counts = {connections: 0, requests: 0}; // and each fault's name: how often it was dealt out
    this.heal();
    this.acceptor = fork(this_file, ['accept'], {stdio: ['ignore', 'inherit', 'inherit', 'ipc']});
    this.acceptor.on('message', (said, socket) => {
      if (socket) this.take(socket);
    });
    this.kill_with_us = () => this.acceptor.kill('SIGKILL');
    process.on('exit', this.kill_with_us);
  }

  url(target = '/statefun') {
    return this.at.path ? `http+unix://${this.at.path}${target}` : `http://127.0.0.1:${this.at.port}${target}`;
  }

  // `fault` befalls the next `times` requests that begin, on connections old and new, or connections if it is about
  // those. If it is a function, it is asked for each request's fault; without one that request goes through.
  put(fault, {times = Infinity} = {}) {
    this.heal();
    this.fault = fault;
    this.times_left = times;
    this.healed = new Promise((resolve) => (this.resolve_healed = resolve));
  }

  heal() {
    this.fault = undefined;
    this.times_left = 0;
    this.resolve_healed?.();
    this.healed = Promise.resolve();
  }

  // Whoever connects waits in the backlog.
  stop_accepting() {
    this.acceptor.kill('SIGSTOP');
  }

  start_accepting() {
    this.acceptor.kill('SIGCONT');
  }

  // Whoever connects is refused; a unix socket's file is gone.
  stop_listening() {
    return this.ask_acceptor({close: true});
  }

  // At the same place as before.
  async listen() {
    const {port, failure} = await this.ask_acceptor({listen: this.at});
    if (failure) throw new Error(`the proxy cannot listen: ${failure}`);
    if (!this.at.path) this.at.port = port;
  }

  end_connections(how = 'close') {
    for (const connection of this.connections) connection.end(how);
  }

  async close() {
    if (this.closed) return;
    this.closed = true;
    this.heal();
    this.end_connections();
    process.off('exit', this.kill_with_us);
    const gone = once(this.acceptor, 'exit');
    this.acceptor.kill('SIGKILL'); // ends a stopped one, too
    await gone;
    if (this.at.path) fs.rmSync(this.at.path, {force: true});
  }

  count(name) {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  // What befalls the request or the connection that begins, counted; undefined: nothing.
  deal(of) {
    if (this.times_left === 0 || (this.fault.of ?? 'requests') !== of) return undefined;
    const fault = typeof this.fault === 'function' ? this.fault() : this.fault;
    if (!fault) return undefined;
    --this.times_left;
    this.count(fault.name);
    return fault;
  }

  ask_acceptor(question) {
    const answer = new Promise((resolve) => {
      const listener = (said, socket) => {
        if (socket) return;
        this.acceptor.off('message', listener);
        resolve(said);
      };
      this.acceptor.on('message', listener);
    });
    this.acceptor.send(question);
    return answer;
  }

  take(socket) {
    if (this.closed) return socket.destroy();
    this.count('connections');
    const connection = new Connection(this, socket);
    this.connections.add(connection);
    connection.serve().finally(() => this.connections.delete(connection));
  }
}

// A client's connection, and the connection to the functions that belongs to it.
class Connection {
  constructor(proxy, socket) {
    this.proxy = proxy;
    this.requests = new Incoming(socket);
    this.socket = socket;
    this.socket.setNoDelay?.(true);
    this.last_answer = Buffer.alloc(0);
  }

  async serve() {
    try {
      while (await this.serve_one()) this.proxy.count('requests');
    } finally {
      this.socket.destroy();
      this.functions?.destroy();
    }
  }

  // False: the connection has come to its end.
  async serve_one() {
    const unread = () => this.requests.unread;
    if (unread().length === 0 && !(await this.read_more())) return false;
    const fault = this.proxy.deal('requests') ?? {};
    await fault.begin?.(this);
    while (message_length(unread()) === undefined) {
      if (unread().length >= fault.request_bytes_max) return this.end(fault.how);
      if (fault.pause_ms) await elapsed(fault.pause_ms);
      if (!(await this.read_more())) return false;
    }
    if (unread().length >= fault.request_bytes_max) return this.end(fault.how);
    const request = this.requests.take(message_length(unread()));

    const {answer, whole} = await this.ask_functions(fault.request ? fault.request(request) : request);
    if (!whole) {
      await this.send(answer);
      return false;
    }
    await (fault.answer ? fault.answer(this, answer) : this.send(answer));
    this.last_answer = answer;
    return !this.is_gone();
  }

  async read_more() {
    if (this.proxy.deal('connections')) await this.proxy.healed;
    return this.requests.more();
  }

  // The bytes of the functions' answer; not whole: what had come of it when they went away.
  async ask_functions(request) {
    if (!this.functions) {
      this.functions = net.connect(this.proxy.to);
      this.answers = new Incoming(this.functions);
      this.functions.once('close', () => {
        if (!this.asking) this.end('close');
      });
    }
    this.asking = true;
    this.functions.write(request);
    let more = true;
    while (more && message_length(this.answers.unread) === undefined) more = await this.answers.more();
    this.asking = false;
    const length = message_length(this.answers.unread);
    return {answer: this.answers.take(length ?? this.answers.unread.length), whole: length !== undefined};
  }

  // Resolves when the kernel has them, or the connection is gone.
  send(bytes) {
    return new Promise((resolve) => {
      if (bytes.length === 0 || this.is_gone()) resolve();
      else this.socket.write(bytes, () => resolve());
    });
  }

  is_gone() {
    return this.socket.destroyed;
  }

  end(how) {
    if (how === 'reset' && !this.proxy.at.path) this.socket.resetAndDestroy();
    else this.socket.destroy();
    return false;
  }
}

// What comes on a socket.
class Incoming {
  constructor(socket) {
    socket.on('error', () => {}); // more() tells it as the end
    this.parts = socket.iterator({destroyOnReturn: false});
    this.socket = socket;
    this.unread = Buffer.alloc(0);
  }

  // Waits for more; false: it has come to its end, or broke.
  async more() {
    try {
      const {done, value} = await this.parts.next();
      if (done) return false;
      this.unread = Buffer.concat([this.unread, value]);
      return true;
    } catch (failure) {
      if (this.socket.destroyed) return false;
      throw failure;
    }
  }

  take(length) {
    const taken = this.unread.subarray(0, length);
    this.unread = this.unread.subarray(length);
    return taken;
  }
}

// Of a whole head, with the empty line behind it; undefined: it is not whole.
function head_length(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  return end < 0 ? undefined : end + 4;
}

// Of the first HTTP message in `bytes`; undefined: it is not whole.
function message_length(bytes) {
  const body = head_length(bytes);
  if (body === undefined) return undefined;
  const head = bytes.toString('latin1', 0, body);
  const announced = head.match(/\r\ncontent-length: *(\d+)/i);
  if (!announced && !/\r\ntransfer-encoding: *chunked/i.test(head)) return undefined; // it lasts until the end
  let end = body + Number(announced?.[1] ?? 0);
  for (let size = announced ? 0 : 1; size > 0;) {
    const line = bytes.indexOf('\r\n', end);
    if (line < 0) return undefined;
    size = parseInt(bytes.toString('latin1', end, line), 16);
    end = line + 2 + size + 2;
  }
  return end <= bytes.length ? end : undefined;
}

// A copy with flipped bits where they are noticed: a method and a version have capital letters, and protobuf has no
// wire type 7.
function flipped(bytes, part) {
  const copy = Buffer.from(bytes);
  if (part === 'head') copy[0] ^= 0x20;
  else copy[head_length(bytes)] |= 0x07;
  return copy;
}

// The process that accepts: listens and closes as it is asked, and hands over what connects.
function accept_for_parent() {
  let server;
  process.on('disconnect', () => process.exit());
  process.on('message', ({listen, close}) => {
    if (close) {
      server.close();
      process.send({});
      return;
    }
    server = net.createServer({pauseOnConnect: true}, (socket) => process.send('connection', socket));
    server.on('error', (failure) => process.send({failure: failure.message}));
    server.listen(listen, () => process.send({port: server.address().port}));
  });
}

if (process.argv[1] === this_file && process.argv[2] === 'accept') accept_for_parent();
