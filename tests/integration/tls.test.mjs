// Functions behind TLS: Node's https server with the public SDK.
import assert from 'node:assert/strict';
import {once} from 'node:events';
import fs from 'node:fs';
import https from 'node:https';

import {Authority} from './certificates.mjs';
import {told} from './chaos.mjs';
import {StateFun, binary, bounded, daemon_test, echo, eventually, module_for, out, run, value_of} from './support.mjs';

const transport = (tls) => '  transport:\n    type: io.statefun.transports.v1/async\n' +
  Object.entries(tls).map(([name, value]) => `    ${name}: ${value}\n`).join('');

// What `stage` ends in its turn; `handshakes` holds, for each, whether it resumed a session.
async function serve_tls(stage, options, {socket, bindings = [echo()]} = {}) {
  const functions = new StateFun();
  for (const binding of bindings) functions.bind(binding);
  const server = https.createServer(options, functions.handler());
  const open = new Set(); // those within their handshakes too, which closeAllConnections() does not know
  server.on('connection', (connection) => {
    open.add(connection);
    connection.on('close', () => open.delete(connection));
  });
  const handshakes = [];
  const clients = [];
  server.on('secureConnection', (connection) => {
    handshakes.push(connection.isSessionReused());
    clients.push(connection.getPeerCertificate().subject?.CN);
  });
  if (socket) server.listen(socket);
  else server.listen(0, '127.0.0.1');
  await bounded('the functions listen', 5_000, once(server, 'listening'));
  const port = socket ? undefined : server.address().port;
  const served = {
    server, handshakes, clients,
    url: (host) => `https://${host}:${port}/statefun`,
    async close() {
      if (!server.listening) return;
      server.close();
      for (const connection of open) connection.destroy();
      await bounded('the functions stop', 5_000, once(server, 'close'));
    },
  };
  stage.functions.push(served);
  return served;
}

async function send(daemon, texts, id = 'x') {
  for (const text of texts) assert.equal((await daemon.put(['test', 'echo', id], text)).status, 202);
}

async function received(daemon, count) {
  return (await daemon.take_from_egress(out, count)).map(value_of);
}

daemon_test('functions are called over TLS by name and by address, and sessions are resumed', async (stage) => {
  const root = new Authority(stage.directory.path, 'root');
  for (const [host, names] of [['localhost', 'DNS:localhost'], ['127.0.0.1', 'IP:127.0.0.1']]) {
    const {server, handshakes, url} = await serve_tls(stage, root.issue('server', names));
    const daemon = await stage.start(
      {'test.yaml': module_for('test/*', url(host), transport({trust_cacerts: root.certificate}))},
      {args: ['--shards', '1']});
    await send(daemon, ['1']);
    assert.deepEqual(await received(daemon, 1), ['1']);
    server.closeAllConnections();
    await send(daemon, ['2']);
    assert.deepEqual(await received(daemon, 1), ['2']);
    assert.deepEqual(handshakes, [false, true]);
    assert.doesNotMatch(daemon.log, /SF0201|SF0207/);
    assert.deepEqual(await daemon.stop(), {code: 0, signal: null});
  }
});

daemon_test('a client certificate is shown, over TCP and over a unix socket, its key under a password', async (stage) => {
  const root = new Authority(stage.directory.path, 'root');
  const shown = root.issue('server', 'DNS:localhost');
  const client = root.issue('client', 'DNS:client.example');
  const password = root.encrypt(client.key_path, 'open sesame');
  const options = {...shown, ca: fs.readFileSync(root.certificate), requestCert: true, rejectUnauthorized: true};
  const socket = stage.directory.file('functions.sock');
  const over_tcp = await serve_tls(stage, options);
  const over_unix = await serve_tls(stage, options, {socket});
  const tls = {
    trust_cacerts: root.certificate, client_cert: client.certificate_path, client_key: client.key_path,
    client_key_password: password,
  };
  for (const [url, {clients}] of [[over_tcp.url('localhost'), over_tcp], [`https+unix://${socket}/statefun`, over_unix]]) {
    const daemon = await stage.start({'test.yaml': module_for('test/*', url, transport(tls))});
    await send(daemon, ['1', '2', '3']);
    assert.deepEqual(await received(daemon, 3), ['1', '2', '3']);
    assert.deepEqual(new Set(clients), new Set(['client']));
    assert.doesNotMatch(daemon.log, /SF0201|SF0207|open sesame/);
    assert.deepEqual(await daemon.stop(), {code: 0, signal: null});
  }
});

daemon_test('a server that cannot be trusted is told nothing; what waited arrives in order once it can', async (stage) => {
  const root = new Authority(stage.directory.path, 'root');
  const other = new Authority(stage.directory.path, 'other');
  const good = root.issue('server', 'DNS:localhost');
  const seen = [];
  const {server, url} = await serve_tls(stage, other.issue('server', 'DNS:localhost'), {bindings: [echo({seen})]});
  const daemon = await stage.start(
    {'test.yaml': module_for('test/*', url('localhost'), transport({trust_cacerts: root.certificate}))});
  const texts = Array.from({length: 20}, (_, i) => `${i}`);
  await send(daemon, texts);
  await daemon.logged(/SF0207.*the issuer of the certificate \(CN=server\), CN=other, is neither sent.*SF0210/);
  server.setSecureContext(root.issue('elsewhere', 'DNS:elsewhere.example'));
  await told(daemon, /the certificate is for elsewhere\.example; expected localhost \(SF0211\)/); // SF0207 is not logged each time
  assert.deepEqual(seen, []);
  server.setSecureContext(good);
  assert.deepEqual(await received(daemon, texts.length), texts);
  assert.deepEqual(seen, texts);
});

daemon_test('plain HTTP where TLS is expected, and no certificate where one is, are named', async (stage) => {
  const root = new Authority(stage.directory.path, 'root');
  const plain = await stage.serve([echo()]);
  const strict = await serve_tls(stage, {
    ...root.issue('server', 'DNS:localhost'), ca: fs.readFileSync(root.certificate), requestCert: true,
    rejectUnauthorized: true,
  });
  const tls = transport({trust_cacerts: root.certificate});
  const daemon = await stage.start({
    'a.yaml': module_for('test/plain', plain.replace('http:', 'https:'), tls),
    'b.yaml': module_for('test/strict', strict.url('localhost'), tls),
  });
  for (const name of ['plain', 'strict']) assert.equal((await daemon.put(['test', name, 'x'], 'hello')).status, 202);
  await daemon.logged(/SF0207.*the server does not speak TLS; is it http\? \(SF0212\)/);
  await daemon.logged(/SF0207.*the server requires a client certificate.*\(SF0213\)/);
});

daemon_test('TLS files that cannot be used are errors of a check, and a start goes on without them', async (stage) => {
  const root = new Authority(stage.directory.path, 'root');
  const other = root.issue('other', 'DNS:other.example');
  const client = root.issue('client', 'DNS:client.example');
  const bad = {trust_cacerts: root.certificate, client_cert: client.certificate_path, client_key: other.key_path};
  const plain = await stage.serve([echo()]);
  const modules = {
    'bad.yaml': module_for('test/*', 'https://localhost/statefun', transport(bad)),
    'good.yaml': module_for('test/echo', plain),
  };
  const {code, text} = await run(binary, ['--check', '--modules', stage.directory.write_modules(modules), '--store', 'memory']);
  assert.equal(code, 78, text);
  assert.match(text, /bad\.yaml:3:14: error: "client_key" is ".*other\.key", which does not belong to the first certificate/);
  assert.doesNotMatch(text, /good\.yaml/);

  const daemon = await stage.start(modules);
  assert.match(daemon.log, /SF0040.*bad\.yaml:3:14/);
  assert.equal((await daemon.put(['test', 'waits', 'x'], 'hello')).status, 202);
  await daemon.logged(/SF0207.*does not belong to the first certificate of .* \(SF0040\)/);
  await send(daemon, ['not held up']);
  assert.deepEqual(await received(daemon, 1), ['not held up']);
});

daemon_test('a client certificate that expires soon is a warning of a check and of a start', async (stage) => {
  const root = new Authority(stage.directory.path, 'root');
  const client = root.issue('client', 'DNS:client.example', 5);
  const tls = {trust_cacerts: root.certificate, client_cert: client.certificate_path, client_key: client.key_path};
  const modules = {'soon.yaml': module_for('test/*', 'https://localhost/statefun', transport(tls))};
  const {code, text} = await run(binary, ['--check', '--modules', stage.directory.write_modules(modules), '--store', 'memory']);
  assert.equal(code, 0, text);
  const expires = 'which holds a certificate \\(CN=client\\) that expires on 20..-..-.. ..:..:.. UTC, in [45] days';
  assert.match(text, new RegExp(`soon\\.yaml:3:14: warning: "client_cert" is ".*", ${expires} \\(SF0041\\)`));
  const daemon = await stage.start(modules);
  assert.match(daemon.log, new RegExp(`warning SF0041 .*soon\\.yaml:3:14.*${expires}`));
});

daemon_test('a server that is started again under load loses and doubles nothing', async (stage) => {
  const root = new Authority(stage.directory.path, 'root');
  const shown = root.issue('server', 'DNS:localhost');
  const socket = stage.directory.file('again.sock');
  const daemon = await stage.start({'test.yaml': module_for(
    'test/*', `https+unix://${socket}/statefun`, transport({trust_cacerts: root.certificate}))});
  const ids = ['a', 'b', 'c', 'd'];
  const rounds = 10;
  let calls_count = 0;
  for (let round = 0; round < rounds; ++round) {
    const bindings = [{
      typename: 'test/echo',
      fn(context, message) {
        ++calls_count;
        return echo().fn(context, message);
      },
    }];
    const served = await serve_tls(stage, shown, {socket, bindings});
    const before = calls_count;
    for (const id of ids) await send(daemon, [`${id} ${round}`], id);
    await eventually('a function is called', 20_000, () => calls_count > before);
    await served.close();
  }
  await serve_tls(stage, shown, {socket});
  const values = await received(daemon, ids.length * rounds);
  for (const id of ids)
    assert.deepEqual(values.filter((value) => value.startsWith(id)), Array.from({length: rounds}, (_, i) => `${id} ${i}`));
});
