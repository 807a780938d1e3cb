// What a call costs whoever makes it, without the rest of the daemon: bench_calls beside wrk, in the clear and over TLS.
import fs from 'node:fs';

import {eventually} from '../../docs/demo/statefund.mjs';
import {Authority} from '../integration/certificates.mjs';
import {Nginx, sender, wrk} from './floor.mjs';
import {median} from './numbers.mjs';

const times_wrk_max = 1.5; // the client's own mark
const many = 1_000; // connections

// One nginx with a way of ending connections at each loopback address; all answer with nothing.
const addresses = {
  kept: '127.0.0.1', closed: '127.0.0.2', tls_kept: '127.0.0.3', tls_resumed: '127.0.0.4', tls_full: '127.0.0.5',
};

function server_of(sessions_path_of, shown) {
  const server = (port, key, tls, ...lines) => `  server {
    listen ${addresses[key]}:${port} ${tls ? 'ssl ' : ''}backlog=4096;
    ${lines.join('\n    ')}
    location / { return 200 ""; }
    location = /-/handled { stub_status; }
  }
`;
  const close = 'keepalive_timeout 0;';
  const log = (key) => `access_log ${sessions_path_of(key)} session buffer=64k flush=100ms;`;
  return (port) => `  log_format session $ssl_session_reused;
  ssl_certificate ${shown.certificate_path};
  ssl_certificate_key ${shown.key_path};
  ssl_protocols TLSv1.3;
${server(port, 'kept', false)}${server(port, 'closed', false, close)}${server(port, 'tls_kept', true)}\
${server(port, 'tls_resumed', true, close, log('tls_resumed'))}${server(port, 'tls_full', true, close, log('tls_full'), 'ssl_session_cache off;', 'ssl_session_tickets off;')}`;
}

// Gives the table's {rows} and what is {meant} by them.
export async function calling({directory, client, body_path, rounds, seconds}) {
  const sessions_path_of = (key) => directory.file(`${key}.log`);
  const root = new Authority(directory.path, 'root');
  const shown = root.issue('server', Object.values(addresses).map((it) => `IP:${it}`).join(','));
  const nginx = await Nginx.start(directory, 'calls', server_of(sessions_path_of, shown));

  async function measured(connection_count, send) {
    const handled_before = await nginx.handled();
    const spent_before = nginx.processor_us();
    const seen = await send();
    const function_us = nginx.processor_us() - spent_before;
    const handled = await nginx.handled() - handled_before;
    // wrk leaves what is still under way, at most one request a connection.
    if (handled < seen.requests || handled > seen.requests + connection_count) {
      throw new Error(`${seen.requests} answers, and nginx had ${handled} requests`);
    }
    return {
      per_second: seen.requests / seen.seconds,
      calling_us: seen.processor_us / seen.requests,
      function_us: function_us / seen.requests,
    };
  }
  const is_tls = (key) => key.startsWith('tls');
  const seconds_with = (connection_count) => (connection_count === many ? 2 * seconds : seconds); // to open them takes a while
  const through_wrk = (key, connection_count) => () => measured(connection_count, () => wrk({
    url: `${is_tls(key) ? 'https' : 'http'}://${addresses[key]}:${nginx.port}/empty`,
    body_path, connection_count, seconds: seconds_with(connection_count),
  }));
  const through_client = (key, connection_count) => () => measured(connection_count, () => sender(client,
    [addresses[key], nginx.port, connection_count, seconds_with(connection_count), ...(is_tls(key) ? [root.certificate] : [])],
    {seconds: seconds_with(connection_count)}));

  // Calls each on a connection of its own. Nginx has logged of each connection whether it resumed a session.
  const through_new = (key, expect_share) => async () => {
    const path = sessions_path_of(key);
    const already = expect_share && fs.statSync(path).size;
    const seen = await through_client(key, 64)();
    if (!expect_share) return seen;
    const sessions = await eventually('nginx writes its log', 5_000, () => fs.readFileSync(path, 'latin1').slice(already));
    const share = (sessions.split('r').length - 1) / (sessions.split('\n').length - 1);
    if (!expect_share(share)) throw new Error(`${share} of the connections to ${addresses[key]} resumed a session`);
    return seen;
  };

  const pair = (key, connection_count, how) => [
    {what: `wrk, ${how}`, run: through_wrk(key, connection_count)},
    {what: `statefund, ${how}`, run: through_client(key, connection_count), beside: `wrk, ${how}`},
  ];
  const subjects = [
    ...pair('kept', 64, '64 connections'),
    ...pair('tls_kept', 64, '64 connections, TLS'),
    ...pair('kept', many, `${many.toLocaleString('en-US')} connections`),
    ...pair('tls_kept', many, `${many.toLocaleString('en-US')} connections, TLS`),
    {what: 'statefund, each call on a new connection', run: through_new('closed')},
    {what: 'statefund, the same over TLS, sessions resumed', run: through_new('tls_resumed', (share) => share > 0.9)},
    {what: 'statefund, the same over TLS, full handshakes', run: through_new('tls_full', (share) => share === 0)},
  ];
  const seen = new Map(subjects.map(({what}) => [what, []]));
  try {
    for (let round = 0; round <= rounds; ++round) {
      for (const {what, run} of subjects) {
        const result = await run();
        if (round > 0) seen.get(what).push(result); // the first round warms everything up
        process.stderr.write(`bench: round ${round} of ${rounds}: ${what}: ${Math.round(result.per_second)} a second, ` +
          `${result.calling_us.toFixed(2)} us${round === 0 ? ' (not counted)' : ''}\n`);
      }
    }
  } finally {
    await nginx.stop();
  }

  const middle = (what, field) => median(seen.get(what).map((it) => it[field]));
  const times = ({what, beside}) => median(seen.get(what).map(({calling_us}, round) => calling_us / seen.get(beside)[round].calling_us));
  const rows = [['', 'calls/s', 'us calling', 'lowest-highest', 'times wrk', 'us function'], ...subjects.map((subject) => {
    const calling = seen.get(subject.what).map((it) => it.calling_us);
    return [
      subject.what, Math.round(middle(subject.what, 'per_second')).toLocaleString('en-US'), middle(subject.what, 'calling_us').toFixed(2),
      `${Math.min(...calling).toFixed(2)}-${Math.max(...calling).toFixed(2)}`, subject.beside ? times(subject).toFixed(2) : '-',
      middle(subject.what, 'function_us').toFixed(2),
    ];
  })];
  const plain = times(subjects[1]);
  return {
    rows,
    meant: [`A call in the clear costs ${plain.toFixed(2)} times what wrk spends on the same request: ` +
      `${plain <= times_wrk_max ? 'within' : 'not yet within'} ${times_wrk_max}, the client's mark.`],
  };
}
