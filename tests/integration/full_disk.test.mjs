// A disk that is really full: a small tmpfs, mounted in a namespace of the tests' own (tests/integration/CMakeLists.txt).
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import fs from 'node:fs';

import {ctl_binary, daemon_test, eventually, messageBuilder, module_for, out, request, run, to_egress, value_of} from './support.mjs';

if (!process.env.STATEFUND_OWN_MOUNTS)
  throw new Error('this mounts; run it through ctest, or by STATEFUND_OWN_MOUNTS=1 unshare -Urm node --test');

const MiB = 1 << 20;
const message_bytes = 200_000;
const messages_max = 1000;
const addresses_count = 100;

// Tells what it was given without repeating it.
const taker = {
  typename: 'test/taker',
  fn(context, message) {
    const text = message.asString();
    context.send(to_egress({name: text.slice(0, text.indexOf(' ')), bytes: text.length}));
  },
};

// Passes a text on twice, until there are as many of it as an id of so many letters can tell.
const fork_letters = 10;
const fork = {
  typename: 'test/fork',
  fn(context, message) {
    const {id} = context.self;
    const text = message.asString();
    for (const next of [`${id}l`, `${id}r`])
      context.send(next.length < fork_letters
        ? messageBuilder({typename: 'test/fork', id: next, value: text})
        : messageBuilder({typename: 'test/taker', id: next, value: `${next} ${text}`}));
  },
};

const control = (daemon) => (...args) => run(ctl_binary, args, {env: {STATEFUN_ADMIN_SOCKET: daemon.admin}});
async function done(asked) {
  const {code, text} = await asked;
  assert.equal(code, 0, text);
}

class Disk {
  constructor(stage, name, bytes) {
    this.path = stage.directory.file(name);
    fs.mkdirSync(this.path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'statefund', this.path]);
  }

  // So that `bytes` are left; 0: not one block.
  fill_but(bytes) {
    const {bavail, bsize} = fs.statfsSync(this.path);
    fs.writeFileSync(`${this.path}/ballast-${randomBytes(4).toString('hex')}`, Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
  }

  make_room() {
    for (const name of fs.readdirSync(this.path)) if (name.startsWith('ballast')) fs.rmSync(`${this.path}/${name}`);
  }

  unmount() {
    execFileSync('umount', [this.path]);
  }
}

// A daemon whose data directory lies on a disk of its own, and a test that ends before the disk does.
function disk_test(name, bytes, body) {
  daemon_test(name, async (stage) => {
    const disk = new Disk(stage, 'disk', bytes);
    try {
      fs.mkdirSync(`${disk.path}/state`);
      fs.symlinkSync(`${disk.path}/state`, stage.directory.file('state'));
      await body(stage, disk);
    } finally {
      for (const daemon of stage.daemons) await daemon.kill();
      disk.unmount();
    }
  }, 120_000);
}

async function start(stage, free_bytes_min) {
  const url = await stage.serve([taker, fork], {over: 'unix'});
  const daemon = stage.launch({'test.yaml': module_for('test/*', url)}, {
    store: 'rocksdb', settings: `log: {level: info}\nstore: {free_bytes_min: ${free_bytes_min}}\n`,
  });
  return daemon;
}

// Sends messages, one after the other, until one is not accepted. Gives the names of those that were, and that answer;
// none where the daemon ended instead.
async function fill(daemon) {
  const accepted = [];
  for (let i = 0; i < messages_max; ++i) {
    const name = `m${i}`;
    const text = `${name} ${randomBytes(message_bytes / 2).toString('hex')}`;
    let answer;
    try {
      answer = await daemon.put(['test', 'taker', `x${i % addresses_count}`], text);
    } catch (failure) {
      assert.ok(['ECONNRESET', 'ECONNREFUSED', 'ENOENT', 'EPIPE'].includes(failure.code), failure);
      return {accepted, last: name};
    }
    if (answer.status !== 202) return {accepted, answer};
    accepted.push(name);
  }
  throw new Error(`${messages_max} messages fit on this disk`);
}

const in_order = (names) => [...names].sort((one, other) => one.slice(1) - other.slice(1));

disk_test('below the mark of free space messages are refused, calls and reads go on, and room opens the doors again', 192 * MiB, async (stage, disk) => {
  const daemon = await (await start(stage, '128MiB')).ready();
  await done(control(daemon)('pause', 'test/taker'));
  disk.fill_but(160 * MiB);
  const {accepted, answer} = await fill(daemon);
  assert.ok(accepted.length > 10, `${accepted.length} messages were accepted`);
  assert.equal(answer.status, 503, answer.text);
  assert.match(answer.text, /SF0307/);
  assert.ok(answer.headers['retry-after']);
  await daemon.logged(/SF0307/);
  const not_ready = await daemon.ask_admin('GET', '/-/ready');
  assert.equal(not_ready.status, 503);
  assert.match(not_ready.text, /SF0307/);
  assert.match(not_ready.text, /bytes free, store\.free_bytes_min is 134217728/);
  assert.equal((await request(daemon.admin, 'GET', '/-/healthy')).status, 200);
  assert.match((await control(daemon)('status')).text, /bytes free, store\.free_bytes_min is 134217728: messages are refused \(SF0307\)/);

  await done(control(daemon)('resume', 'test/taker'));
  const taken = await daemon.take_from_egress(out, accepted.length);
  assert.deepEqual(in_order(taken.map((record) => value_of(record).name)), accepted);

  disk.make_room();
  await eventually('the doors are open', 20_000, async () =>
    (await daemon.put(['test', 'taker', 'x'], 'again and again')).status === 202);
  await daemon.logged(/SF0308/);
  assert.equal((await daemon.ask_admin('GET', '/-/ready')).status, 200);
  assert.deepEqual((await daemon.take_from_egress(out, 1)).map((record) => value_of(record).name), ['again']);
  assert.deepEqual(await daemon.stop(), {code: 0, signal: null});
});

disk_test('a backup goes below the place where another disk is mounted, and is refused at that place', 64 * MiB, async (stage) => {
  const daemon = await (await start(stage, 0)).ready();
  assert.equal((await daemon.put(['test', 'taker', 'x'], 'm0 text')).status, 202);
  const other = new Disk(stage, 'other', 64 * MiB);
  try {
    const refused = await control(daemon)('backup', other.path);
    assert.equal(refused.code, 1, refused.text);
    assert.match(refused.text, /SF0312.* is where a file system begins, .*; name a new directory in it/s);
    assert.deepEqual(fs.readdirSync(other.path), []);
    assert.equal(fs.existsSync(`${other.path}.partial`), false);
    await done(control(daemon)('backup', `${other.path}/copy`));
    await done(run(ctl_binary, ['store', 'check', `${other.path}/copy`]));
  } finally {
    other.unmount();
  }
});

disk_test('functions that send more than they get wait for room on the disk, over a restart, and end what they began', 256 * MiB, async (stage, disk) => {
  const held_for_disk = async (daemon) => {
    const {held} = JSON.parse((await daemon.ask_admin('GET', '/v1/status')).text);
    return held.length > 0 && held.every(({waits_for}) => waits_for === 'disk');
  };
  const daemon = await (await start(stage, '128MiB')).ready();
  await done(control(daemon)('pause', 'test/taker'));
  disk.fill_but(144 * MiB);
  assert.equal((await daemon.put(['test', 'fork', 'f'], randomBytes(message_bytes).toString('base64'))).status, 202);
  await eventually('addresses are held', 60_000, () => held_for_disk(daemon));
  await daemon.logged(/SF0245/);
  await eventually('a held address says why', 20_000, async () => {
    const {addresses} = JSON.parse((await control(daemon)('addresses', '--state', 'held', '--json')).text);
    const described = addresses.length > 0 && (await control(daemon)('describe', addresses[0].address)).text;
    return described && described.includes('it adds more than it consumes, and the disk is almost full; it goes on once there is room again');
  });
  await daemon.kill();

  const next = await start(stage, '128MiB');
  await next.logged(/SF0007/); // it serves, and may have no room for messages from outside
  await eventually('addresses are held again', 60_000, () => held_for_disk(next));
  assert.doesNotMatch(next.log, /SF0301|SF0201/);
  disk.make_room();
  await done(control(next)('resume', 'test/taker'));
  const leaves = 2 ** (fork_letters - 1);
  const taken = (await next.take_from_egress(out, leaves, 60_000)).map((record) => value_of(record).name);
  assert.equal(new Set(taken).size, leaves);
  assert.deepEqual((await next.read_egress(out, {wait: '300ms'})).records, []);
  assert.deepEqual(await next.stop(), {code: 0, signal: null});
});

disk_test('a full disk ends the daemon, nothing is started on it, and once there is room what was accepted is there once', 96 * MiB, async (stage, disk) => {
  const daemon = await (await start(stage, 0)).ready();
  await done(control(daemon)('pause', 'test/taker'));
  disk.fill_but(40 * MiB);
  const {accepted, answer, last} = await fill(daemon);
  assert.equal(answer, undefined, 'a message was refused while there was room');
  assert.ok(accepted.length > 10, `${accepted.length} messages were accepted`);
  assert.deepEqual(await daemon.ended, {code: 1, signal: null});
  assert.match(daemon.log, /SF0301.*No space left on device/);

  disk.fill_but(0);
  for (let i = 0; i < 2; ++i) {
    const still_full = await start(stage, 0);
    assert.deepEqual(await still_full.ended, {code: 1, signal: null});
    assert.match(still_full.log, /SF030\d.*No space left on device/);
  }

  disk.make_room();
  const next = await (await start(stage, 0)).ready();
  await done(control(next)('resume', 'test/taker'));
  assert.equal((await next.put(['test', 'taker', 'x'], 'goes on')).status, 202);
  const taken = (await next.take_from_egress(out, accepted.length + 1)).map((record) => value_of(record).name);
  // The one that was not answered may have been written or not.
  const more = (await next.read_egress(out, {wait: '300ms'})).records.map((record) => value_of(record).name);
  const names = [...taken, ...more].filter((name) => name !== last && name !== 'goes');
  assert.deepEqual(in_order(names), accepted);
  assert.deepEqual(await next.stop(), {code: 0, signal: null});
  await done(run(ctl_binary, ['store', 'check', stage.directory.file('state')]));
});

disk_test('a backup onto a full disk fails, leaves nothing there, and the daemon goes on', 64 * MiB, async (stage) => {
  const small = new Disk(stage, 'small', MiB);
  try {
    const daemon = await (await start(stage, 0)).ready();
    await done(control(daemon)('pause', 'test/taker'));
    for (let i = 0; i < 20; ++i)
      assert.equal((await daemon.put(['test', 'taker', 'x'], `m${i} ${randomBytes(message_bytes / 2).toString('hex')}`)).status, 202);
    const {code, text} = await control(daemon)('backup', `${small.path}/monday`);
    assert.equal(code, 1);
    assert.match(text, /SF0314 \(500\): a copy of the files: .*No space left on device/);
    assert.deepEqual(fs.readdirSync(small.path), []);
    await done(control(daemon)('resume', 'test/taker'));
    await daemon.take_from_egress(out, 20);

    // Another disk with room takes it, file by file.
    const copy = stage.directory.file('monday');
    await done(control(daemon)('backup', copy));
    await done(run(ctl_binary, ['store', 'check', copy]));
  } finally {
    small.unmount();
  }
});
