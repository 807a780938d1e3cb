// A statefund for the length of a program: sockets and modules in a directory of its own, every wait bounded.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

// Awaits `promise` for at most `within_ms`.
export async function bounded(what, within_ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${within_ms} ms`)), within_ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Asks until `probe` gives something true, which is returned.
export async function eventually(what, within_ms, probe) {
  const end = Date.now() + within_ms;
  for (;;) {
    const seen = await probe();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`${what}: not within ${within_ms} ms`);
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

// One request over a unix socket; the answer is {status, headers, text}.
export function request(socket, method, target, {headers = {}, body, within_ms = 10_000} = {}) {
  return bounded(`${method} ${target}`, within_ms, new Promise((resolve, reject) => {
    const sent = http.request({socketPath: socket, method, path: target, headers, agent: false}, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({
        status: answer.statusCode,
        headers: answer.headers,
        text: Buffer.concat(parts).toString(),
      }));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  }));
}

// Serves functions on a free port of 127.0.0.1, or on a unix socket when a path is given.
export async function serve(handler, socket) {
  const server = http.createServer(handler);
  if (socket) server.listen(socket);
  else server.listen(0, '127.0.0.1');
  await bounded('the functions listen', 5_000, once(server, 'listening'));
  let open = true;
  return {
    port: socket ? undefined : server.address().port,
    async close() {
      if (!open) return;
      open = false;
      server.close();
      server.closeAllConnections();
      await bounded('the functions stop', 5_000, once(server, 'close'));
    },
  };
}

// One segment of an address as text.
export const segment = (text) => encodeURIComponent(text);

export class Directory {
  constructor() {
    this.path = fs.mkdtempSync(path.join(os.tmpdir(), 'statefund-'));
  }

  file(name) {
    return path.join(this.path, name);
  }

  // `modules` is {file name: text}; gives the directory they are in.
  write_modules(modules) {
    fs.mkdirSync(this.file('modules'), {recursive: true});
    for (const [name, text] of Object.entries(modules)) fs.writeFileSync(path.join(this.file('modules'), name), text);
    return this.file('modules');
  }

  remove() {
    fs.rmSync(this.path, {recursive: true, force: true});
  }
}

// What the machine's own settings and service manager say must not reach a daemon of ours.
function environment() {
  const {NOTIFY_SOCKET, LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES, JOURNAL_STREAM, ...rest} = process.env;
  return rest;
}

// Runs statefund to its end, for --check and the like; gives {code, text}, the text of both outputs.
export async function run(binary, args, {env = {}, within_ms = 20_000} = {}) {
  const child = spawn(binary, args, {env: {...environment(), ...env}, stdio: ['ignore', 'pipe', 'pipe']});
  let text = '';
  child.stdout.on('data', (part) => (text += part));
  child.stderr.on('data', (part) => (text += part));
  try {
    const [code] = await bounded(`${path.basename(binary)} ${args.join(' ')}`, within_ms, once(child, 'close'));
    return {code, text};
  } finally {
    child.kill('SIGKILL');
  }
}

export class Daemon {
  // Starts it; `directory` is the caller's and outlives the daemon.
  constructor(binary, directory, modules, {args = [], settings = '', store = 'memory'} = {}) {
    this.directory = directory;
    this.ingress = directory.file('ingress.sock');
    this.admin = directory.file('admin.sock');
    this.log_path = directory.file('statefund.log');
    this.log = '';
    const settings_path = directory.file('statefund.yaml'); // so that no file of the machine's is read
    fs.writeFileSync(settings_path, settings || 'log: {level: info}\n');
    const log_file = fs.createWriteStream(this.log_path, {flags: 'a'});
    this.child = spawn(binary, [
      '--config', settings_path, '--modules', directory.write_modules(modules), '--store', store, '--state-dir', directory.file('state'),
      '--ingress-socket', this.ingress, '--admin-socket', this.admin, ...args,
    ], {env: environment(), stdio: ['ignore', 'pipe', 'pipe']});
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (part) => (this.log += part));
      stream.pipe(log_file, {end: false});
    }
    this.kill_with_us = () => this.child.kill('SIGKILL');
    process.on('exit', this.kill_with_us);
    this.ended = once(this.child, 'close').then(
      ([code, signal]) => this.end(log_file, {code, signal}),
      (failure) => this.end(log_file, {failure}));
  }

  end(log_file, how) {
    process.off('exit', this.kill_with_us);
    log_file.end();
    this.how = how;
    return how;
  }

  // Until the admin socket says that the daemon serves.
  async ready(within_ms = 20_000) {
    await eventually('statefund is ready', within_ms, async () => {
      if (this.how) throw new Error(`statefund ended instead of getting ready: ${JSON.stringify(this.how)}\n${this.log}`);
      try {
        return (await request(this.admin, 'GET', '/-/ready')).status === 200;
      } catch (failure) {
        if (failure.code === 'ENOENT' || failure.code === 'ECONNREFUSED') return false;
        throw failure;
      }
    });
    return this;
  }

  // Until the log has a line that `pattern` finds; gives the match.
  logged(pattern, within_ms = 20_000) {
    return eventually(`the log says ${pattern}`, within_ms, () => this.log.match(pattern));
  }

  put(address, text, headers = {}) {
    const target = '/' + address.map(segment).join('/');
    return request(this.ingress, 'PUT', target, {headers: {'content-type': 'text/plain', ...headers}, body: text});
  }

  ask_admin(method, target, options = {}) {
    return request(this.admin, method, target, options);
  }

  // The records of an egress: {status, records, text}; an egress that nothing was written to yet has none.
  async read_egress(egress, {within_ms = 10_000, ...query} = {}) {
    const answer = await request(this.ingress, 'GET', `/-/egress/${egress}?${new URLSearchParams(query)}`, {within_ms});
    const records = answer.status !== 200 ? [] : answer.text.split('\n').filter(Boolean).map((line) => {
      const record = JSON.parse(line);
      return {...record, value: Buffer.from(record.value, 'base64')};
    });
    return {status: answer.status, records, text: answer.text};
  }

  // Reads and acknowledges until `count` records have come.
  async take_from_egress(egress, count, within_ms = 20_000) {
    const taken = [];
    const end = Date.now() + within_ms;
    await eventually(`${count} records in ${egress}`, within_ms, async () => {
      const after = taken.length > 0 ? {after: taken.at(-1).seq} : {};
      const {status, records, text} = await this.read_egress(egress, {...after, wait: '2s'});
      if (status !== 200 && status !== 404) throw new Error(`reading ${egress}: ${status} ${text}`);
      taken.push(...records);
      return taken.length >= count;
    }).catch((failure) => {
      failure.message += `, only ${taken.length}`;
      throw failure;
    });
    if (taken.length > 0) await this.read_egress(egress, {after: taken.at(-1).seq, max: 1});
    return taken;
  }

  // Asks it to stop and awaits that; gives {code, signal}.
  async stop(signal = 'SIGTERM', within_ms = 20_000) {
    if (!this.how) this.child.kill(signal);
    try {
      return await bounded('statefund stops', within_ms, this.ended);
    } catch (failure) {
      this.child.kill('SIGKILL');
      throw failure;
    }
  }

  // For cleaning up: it is gone afterwards, whatever it did.
  async kill() {
    if (!this.how) this.child.kill('SIGKILL');
    await this.ended;
  }
}

// A module that declares every function of a namespace behind one endpoint.
export function module_for(functions, url, more = '') {
  return `kind: io.statefun.endpoints.v2/http
spec:
  functions: ${functions}
  urlPathTemplate: ${url}
${more}`;
}
