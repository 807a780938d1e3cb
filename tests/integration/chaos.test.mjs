// One fault at a time between the daemon and its functions: what is said of it, and that nothing is lost or doubled.
import assert from 'node:assert/strict';
import {describe} from 'node:test';

import {
  answer_with, close_after_answer, corrupt_answer, corrupt_request, cut_answer, cut_answer_body, cut_request,
  delay_answer, duplicate_answer, half_head, late_answer, not_answering, not_reading, slice_answer,
  slow_reading, unmeasured_answer,
} from '../support/chaos_proxy.mjs';
import {Traffic, counter, failed, goes_on, long, short, start_behind_proxy, told, transport} from './chaos.mjs';
import {daemon_test, to_egress} from './support.mjs';

// While `begin` is in force calls fail and say `says`; once `end` has put things right, and where messages were `refused`
// their addresses are resumed, all that was sent takes effect.
function failing_test(name, {begin, end = (proxy) => proxy.heal(), says, refused, ids, padding_bytes, ...options}) {
  daemon_test(name, async (stage) => {
    const {daemon, proxy} = await start_behind_proxy(stage, [counter()], options);
    const traffic = new Traffic(daemon, {ids, padding_bytes});
    await traffic.send(2);
    await traffic.arrived();

    await begin(proxy);
    await traffic.send(3);
    const error = await told(daemon, says);
    assert.match(error, /, attempt \d+, (127\.0\.0\.1:\d+|\/\S+\/proxy\.sock)/);
    await daemon.logged(failed);
    await traffic.send(2);

    await end(proxy);
    if (refused) await daemon.logged(/error +SF0222/);
    traffic.resumes = refused;
    await traffic.send(2);
    await traffic.assert_exactly_once();
    await daemon.logged(goes_on);
  });
}

// `fault` is in force, and nobody is told of a failure, for there is none.
function harmless_test(name, {fault, also, ...options}) {
  daemon_test(name, async (stage) => {
    const {daemon, proxy} = await start_behind_proxy(stage, [counter({also})], {more: long, ...options});
    proxy.put(fault); // from the first call on, which learns the state
    const traffic = new Traffic(daemon);
    await traffic.send(12, 1);
    await traffic.arrived();
    assert.ok(proxy.counts[fault.name] >= 12);
    proxy.heal();
    await traffic.send(2);
    await traffic.assert_exactly_once();
    assert.doesNotMatch(daemon.log, failed);
  });
}

const put = (fault) => (proxy) => proxy.put(fault);

const side_by_side = {concurrency: 4}; // they mostly wait

describe('connecting', side_by_side, () => {
  for (const [over, says] of [['tcp', /Connection refused/], ['unix', /No such file or directory/]])
    failing_test(`nobody listens (${over}): it is said, and what waited arrives once somebody does`, {
      over,
      says: new RegExp(`${says.source} while connecting`),
      async begin(proxy) {
        await proxy.stop_listening();
        proxy.end_connections();
      },
      end: (proxy) => proxy.listen(),
    });

  for (const over of ['tcp', 'unix'])
    failing_test(`nobody accepts (${over}): the connect timeout ends what the full backlog keeps waiting`, {
      over,
      backlog: 1,
      says: /connect timeout \(200 ms\) while connecting/,
      begin(proxy) {
        proxy.stop_accepting();
        proxy.end_connections();
      },
      end: (proxy) => proxy.start_accepting(),
    });
});

describe('the request', side_by_side, () => {
  failing_test('nobody reads: the read timeout ends the wait for an answer', {
    says: /read timeout \(200 ms\) while waiting for the answer/,
    begin: put(not_reading()),
  });

  failing_test('nobody reads a large request: the write timeout ends the sending', {
    over: 'unix',
    more: transport({call: '1s', write: '200ms'}),
    ids: ['a'],
    padding_bytes: 512 << 10,
    says: /write timeout \(200 ms\) while sending the request/,
    begin: put(not_reading()),
  });

  failing_test('a large request is read slowly, each piece in time: the call timeout ends it', {
    over: 'unix',
    more: transport({call: '1500ms', write: '800ms'}),
    ids: ['a'],
    padding_bytes: 1 << 20,
    says: /call timeout \(1500 ms\) while sending the request/,
    begin: put(slow_reading(200)),
  });

  failing_test('a request is cut short', {
    says: /the connection was closed while waiting for the answer/,
    begin: put(cut_request(10)),
  });

  failing_test('a large request is reset in its middle', {
    ids: ['a', 'b'],
    padding_bytes: 150 << 10,
    says: /(Connection reset by peer|Broken pipe) while (sending the request|waiting for the answer)/,
    begin: put(cut_request(100_000, 'reset')),
  });

  failing_test('a request\'s head arrives broken', {
    says: /answered 400 "Bad Request"/,
    refused: true,
    begin: put(corrupt_request('head')),
  });

  failing_test('a request\'s body arrives broken', {
    says: /answered 500 "Internal Server Error"/,
    begin: put(corrupt_request('body')),
  });
});

describe('the answer', side_by_side, () => {
  failing_test('the functions are called and never answer', {
    says: /read timeout \(200 ms\) while waiting for the answer/,
    begin: put(not_answering()),
  });

  failing_test('answers come after the call that asked for them, and are nobody\'s', {
    says: /read timeout \(200 ms\) while waiting for the answer/,
    begin: put(late_answer()),
  });

  failing_test('half of an answer\'s head comes, and nothing more', {
    says: /read timeout \(200 ms\) while reading the answer/,
    begin: put(half_head()),
  });

  failing_test('an answer comes byte by byte, each in time: the call timeout ends it', {
    says: /call timeout \(600 ms\) while reading the answer/,
    begin: put(slice_answer(1, 100)),
  });

  for (const over of ['tcp', 'unix']) {
    failing_test(`the connection is closed before the answer (${over})`, {
      over,
      says: /the connection was closed while waiting for the answer/,
      begin: put(cut_answer(0)),
    });

    failing_test(`the connection is closed within the answer's head (${over})`, {
      over,
      says: /the connection was closed while reading the answer/,
      begin: put(cut_answer(20)),
    });

    failing_test(`the connection is closed within the answer's body (${over})`, {
      over,
      says: /the connection was closed while reading the answer/,
      begin: put(cut_answer_body()),
    });
  }

  for (const [body_bytes, part] of [[0, 'before its body'], [10, 'within its body']])
    failing_test(`an answer without a length is cut ${part}`, {
      says: /the connection was closed(, and what came cannot be read| while reading the answer)/,
      begin: put(unmeasured_answer(body_bytes)),
    });

  failing_test('the connection is reset before the answer', {
    says: /Connection reset by peer while waiting for the answer/,
    begin: put(cut_answer(0, 'reset')),
  });

  failing_test('the connection is reset within the answer', {
    says: /Connection reset by peer while reading the answer/,
    begin: put(cut_answer_body('reset')),
  });

  failing_test('the answer is no HTTP', {
    says: /the answer is not HTTP\/1.1/,
    begin: put(answer_with('* OK IMAP4rev1 ready\r\n\r\n')),
  });

  failing_test('the answer\'s head arrives broken', {
    says: /the answer is not HTTP\/1.1/,
    begin: put(corrupt_answer('head')),
  });

  failing_test('the answer\'s body arrives broken', {
    says: /the function's answer cannot be read: the bytes are not the protobuf message that is due here/,
    refused: true,
    begin: put(corrupt_answer('body')),
  });

  failing_test('the answer\'s head has 20 KiB', {
    says: /the answer's header is larger than 16384 bytes/,
    begin: put(answer_with(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20 << 10)}\r\n\r\n`)),
  });

  failing_test('somebody else answers, with a page', {
    says: /answered 200 "OK" of type "text\/html" instead of application\/octet-stream/,
    begin: put(answer_with('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi')),
  });

  failing_test('the answer is larger than payload_max_bytes', {
    more: short + '    payload_max_bytes: 64KiB\n',
    says: /answer larger than 65536 bytes/,
    begin: put(answer_with('HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n'
      + `Content-Length: ${100 << 10}\r\n\r\n${'x'.repeat(100 << 10)}`)),
  });
});

describe('what is odd, and no failure', side_by_side, () => {
  for (const over of ['tcp', 'unix'])
    harmless_test(`every connection is closed after one answer, without a word (${over})`, {
      over,
      fault: close_after_answer(),
    });
  harmless_test('every connection is reset after one answer', {fault: close_after_answer('reset')});
  harmless_test('answers have no length and last until the connection ends', {fault: unmeasured_answer()});
  harmless_test('answers come in pieces of one byte', {fault: slice_answer(1)});
  harmless_test('answers come late, within the timeouts', {fault: delay_answer(50)});

  // The second one may end with the same read as the first, lie behind it in the kernel, or be still to be read.
  for (const answer_bytes of [200, 5_000, 20_000, 70_000, 200_000])
    for (const over of ['tcp', 'unix'])
      harmless_test(`every answer of ${answer_bytes} bytes comes twice at once (${over}): the second is nobody's`, {
        over,
        fault: duplicate_answer(),
        also: (context) => context.send(to_egress('x'.repeat(answer_bytes - 200), 'test/ballast')),
      });
});
