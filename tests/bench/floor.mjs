// The floor: nginx as the function, with fixed answers; nginx as a proxy before it; and wrk, which only sends and counts.
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

import {bounded, eventually} from '../../docs/demo/statefund.mjs';
import {processor_us, processor_us_in} from './processor.mjs';

const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'post.lua');

async function free_port() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await bounded('a free port', 5_000, once(server, 'listening'));
  const {port} = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export function request_over_tcp(port, method, target, {agent = false, headers = {}, body} = {}) {
  return bounded(`${method} ${target} at nginx`, 5_000, new Promise((resolve, reject) => {
    const sent = http.request({host: '127.0.0.1', port, method, path: target, agent, headers}, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({status: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(parts)}));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  }));
}

// An nginx of one process, for the length of the bench. `blocks` is what stands inside http {}, given its port.
export class Nginx {
  static async start(directory, name, blocks) {
    const nginx = new Nginx();
    nginx.home = directory.file(name);
    for (let attempt = 0; ; ++attempt) {
      nginx.port = await free_port(); // someone else may take it before nginx does
      try {
        await nginx.try_start(blocks(nginx.port));
        return nginx;
      } catch (failure) {
        if (attempt === 2) throw failure;
      }
    }
  }

  async try_start(blocks) {
    fs.mkdirSync(this.home, {recursive: true});
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((it) => `  ${it}_temp_path ${this.home}/${it};\n`);
    const text = `daemon off;
master_process off;
worker_processes 1;
pid ${this.home}/pid;
error_log ${this.home}/error.log error;
events { worker_connections 4096; }
http {
  access_log off;
  default_type application/octet-stream;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_max_body_size 0;
${paths.join('')}${blocks}}
`;
    fs.writeFileSync(`${this.home}/nginx.conf`, text, 'latin1'); // fixed answers are bytes
    this.child = spawn('nginx', ['-p', this.home, '-c', `${this.home}/nginx.conf`, '-e', `${this.home}/error.log`],
      {stdio: ['ignore', 'ignore', 'pipe']});
    this.kill_with_us = () => this.child.kill('SIGKILL');
    process.on('exit', this.kill_with_us);
    let said = '';
    this.child.stderr.on('data', (part) => (said += part));
    this.has_ended = false;
    this.ended = once(this.child, 'close').catch((failure) => (said += failure.message)).then(() => (this.has_ended = true));
    this.status_reads = 0;
    try {
      await eventually('nginx listens', 5_000, async () => {
        if (this.has_ended) throw new Error(`nginx ended: ${said}${this.errors()}`);
        return this.handled().then(() => true, () => false);
      });
    } catch (failure) {
      await this.stop();
      throw failure;
    }
  }

  get pid() {
    return this.child.pid;
  }

  processor_us() {
    return processor_us(this.pid);
  }

  errors() {
    try {
      return fs.readFileSync(`${this.home}/error.log`, 'utf8');
    } catch {
      return '';
    }
  }

  // Requests that it has been sent since its start, without those that ask for this number.
  async handled() {
    const answer = await request_over_tcp(this.port, 'GET', '/-/handled');
    const counts = /\n *\d+ +\d+ +(\d+)/.exec(answer.bytes.toString());
    if (!counts) throw new Error(`nginx told no counts: ${answer.status}`);
    return Number(counts[1]) - ++this.status_reads;
  }

  async stop() {
    process.off('exit', this.kill_with_us);
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

// Bytes in quotes as nginx.conf has them; it knows no escape for a dollar.
function quoted(bytes) {
  const text = bytes.toString('latin1');
  if (/[$\0]/.test(text)) throw new Error('a fixed answer has a byte that nginx.conf cannot hold; give it other names');
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

// Answers /empty with nothing and /full with `answer`, but a request of exactly `asking_bytes` with `question`.
export function canned_function({answer, question, asking_bytes}) {
  return (port) => `  map $content_length $answer {
    default ${quoted(answer)};
    ${asking_bytes} ${quoted(question)};
  }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location = /empty { return 200 ""; }
    location = /full { return 200 $answer; }
    location = /-/handled { stub_status; }
  }
`;
}

export function proxy_to(upstream_port, connection_count) {
  return (port) => `  upstream canned { server 127.0.0.1:${upstream_port}; keepalive ${connection_count}; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / { proxy_pass http://canned; proxy_http_version 1.1; proxy_set_header Connection ""; }
    location = /-/handled { stub_status; }
  }
`;
}

// One run of a program that sends requests and ends with a line as post.lua's: {requests, seconds, processor_us}.
export async function sender(program, args, {seconds, env = {}}) {
  const child = spawn(program, args, {env: {...process.env, ...env}, stdio: ['ignore', 'pipe', 'pipe']});
  const kill_with_us = () => child.kill('SIGKILL');
  process.on('exit', kill_with_us);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (text += part));
  try {
    await bounded(path.basename(program), seconds * 1_000 + 15_000, once(child, 'close'));
  } finally {
    child.kill('SIGKILL');
    process.off('exit', kill_with_us);
  }
  const told = /^BENCH (\d+) (\d+) (\d+) (.+)$/m.exec(text);
  if (!told) throw new Error(`${program} told nothing:\n${text}`);
  if (told[3] !== '0') throw new Error(`${program} counted ${told[3]} errors:\n${text}`);
  return {requests: Number(told[1]), seconds: Number(told[2]) / 1e6, processor_us: processor_us_in(told[4])};
}

export function wrk({url, body_path, connection_count, seconds}) {
  return sender('wrk', ['-t1', `-c${connection_count}`, `-d${seconds}s`, '-s', script, url], {seconds, env: {BENCH_BODY: body_path}});
}
