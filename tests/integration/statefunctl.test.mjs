// The operator's program against a running daemon.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import {binary, bounded, ctl_binary, daemon_test, echo, eventually, out, request, run} from './support.mjs';

const sockets_of = (daemon) => ({STATEFUN_ADMIN_SOCKET: daemon.admin, STATEFUN_INGRESS_SOCKET: daemon.ingress});

daemon_test('send puts a message in, egress tail shows what comes out, status says how it is', async (stage) => {
  const daemon = await stage.start_with([echo()]);
  const env = sockets_of(daemon);
  const sent = await run(ctl_binary, ['send', 'test/echo/x', '--text', 'hello'], {env});
  assert.equal(sent.code, 0, sent.text);
  await eventually('the egress is there, which it is from its first record on', 20_000, async () =>
    (await request(daemon.ingress, 'GET', `/-/egress/${out}`)).status === 200);

  const tail = spawn(ctl_binary, ['egress', 'tail', out], {env: {...process.env, ...env}, stdio: ['ignore', 'pipe', 'inherit']});
  try {
    let text = '';
    await bounded('the record is shown', 20_000, new Promise((resolve) => tail.stdout.on('data', (part) => {
      text += part;
      if (text.includes('test/echo/x')) resolve();
    })));
  } finally {
    tail.kill('SIGKILL');
  }

  const status = await run(ctl_binary, ['status', '--json'], {env});
  assert.equal(status.code, 0, status.text);
  assert.equal(typeof JSON.parse(status.text), 'object');
});

daemon_test('a refused message is an error that says why', async (stage) => {
  const daemon = await stage.start_with([echo()]);
  const {code, text} = await run(ctl_binary, ['send', 'nobody/knows/x', '--text', 'hello'], {env: sockets_of(daemon)});
  assert.equal(code, 1);
  assert.match(text, /SF0102/);
});

daemon_test('without a daemon it says so', async (stage) => {
  const env = {STATEFUN_ADMIN_SOCKET: stage.directory.file('nobody.sock')};
  const {code, text} = await run(ctl_binary, ['status'], {env});
  assert.equal(code, 1);
  assert.match(text, /nobody\.sock/);
});

daemon_test('validate says what --check says, and needs no daemon', async (stage) => {
  const modules = stage.directory.file('modules');
  fs.mkdirSync(modules, {recursive: true});
  const file = path.join(modules, 'a.yaml');
  fs.writeFileSync(file, 'kind: io.statefun.endpoints.v2/http\nspec:\n\tfunctions: a/*\n');
  for (const flags of [[], ['--json']]) {
    const validated = await run(ctl_binary, ['validate', modules, ...flags]);
    assert.equal(validated.code, 78, validated.text);
    assert.match(validated.text, /a tab stands in the line's indentation; YAML is indented with spaces/);
    assert.deepEqual(validated, await run(binary, ['--check', '--modules', modules, ...flags]));
  }
  fs.writeFileSync(file, `kind: io.statefun.endpoints.v2/http\nspec:\n  functions: a/*\n  urlPathTemplate: http+unix://${stage.directory.file('f.sock')}/f\n`);
  assert.equal((await run(ctl_binary, ['validate', modules])).code, 0);
  const tried = await run(ctl_binary, ['--json', 'validate', modules, '--connect']);
  assert.equal(tried.code, 1);
  assert.deepEqual(JSON.parse(tried.text).connections.map(({functions, state, reason}) => [functions, state, reason]),
      [['a/*', 'unreachable', 'no such socket']]);
});

daemon_test('a verb that there is not is refused with 78', async () => {
  const {code, text} = await run(ctl_binary, ['statuss']);
  assert.equal(code, 78);
  assert.match(text, /status/);
});
