// How long it takes to read a directory of module files.
import fs from 'node:fs';
import path from 'node:path';

import {Daemon, Directory, request, run} from '../../docs/demo/statefund.mjs';

const many = 2_000;

// A file as people write them: an endpoint with everything, its name its own.
const module_text = (i, size = 1024) => `kind: io.statefun.endpoints.v2/http
spec:
  functions: com.example.team-${i}/*
  urlPathTemplate: http://functions-${i}.example.com:8000/statefun/{function.name}
  maxNumBatchRequests: 500
  transport:
    type: io.statefun.transports.v1/async
    call: 2min
    connect: 10s
    pool_ttl: 15s
    pool_size: ${size}
    payload_max_bytes: 33554432
---
kind: statefund.egress.v1/queue
spec:
  id: com.example.team-${i}/results
`;

function write_files(directory, count) {
  const modules = {};
  for (let i = 0; i < count; ++i) modules[`team-${String(i).padStart(4, '0')}.yaml`] = module_text(i);
  return directory.write_modules(modules);
}

async function check_ms(binary, modules, settings) {
  const began = process.hrtime.bigint();
  const {code, text} = await run(binary, ['--config', settings, '--modules', modules, '--check']);
  if (code !== 0) throw new Error(`--check: ${code} ${text.slice(0, 500)}`);
  return Number(process.hrtime.bigint() - began) / 1e6;
}

// Gives [what, [ms of each round]] a row.
export async function loading(binary, rounds) {
  const [one, all] = [new Directory(), new Directory()];
  let daemon;
  try {
    const settings = one.file('settings.yaml');
    fs.writeFileSync(settings, 'log: {level: warning}\n');
    const [modules_of_one, modules_of_all] = [write_files(one, 1), write_files(all, many)];
    daemon = new Daemon(binary, all, {}, {settings: 'log: {level: warning}\n'});
    await daemon.ready();
    const rows = [['statefund --check, one file', []], [`statefund --check, ${many.toLocaleString('en-US')} files`, []],
      [`reload of ${many.toLocaleString('en-US')} files, one of them changed`, []]];
    for (let round = 0; round < rounds; ++round) {
      rows[0][1].push(await check_ms(binary, modules_of_one, settings));
      rows[1][1].push(await check_ms(binary, modules_of_all, settings));
      fs.writeFileSync(path.join(modules_of_all, 'team-1000.yaml'), module_text(1000, 1 + round));
      const began = process.hrtime.bigint();
      const {status, text} = await request(daemon.admin, 'POST', '/-/reload');
      if (status !== 200) throw new Error(`reload: ${status} ${text.slice(0, 500)}`);
      rows[2][1].push(Number(process.hrtime.bigint() - began) / 1e6);
    }
    return rows;
  } finally {
    await daemon?.kill();
    one.remove();
    all.remove();
  }
}
