// The bytes that go over the sockets, written by hand so that the bench needs no packages: both sides of the 3.x
// function protocol (proto/function_protocol_v3.proto) and the ingress frames (docs/format/ingress.md).

export function varint(number) {
  const bytes = [];
  for (; number > 0x7f; number = Math.floor(number / 128)) bytes.push((number % 128) | 0x80);
  bytes.push(number);
  return Buffer.from(bytes);
}

// A length-delimited field: text, bytes, or a message's bytes.
function field(number, content) {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

const number_field = (number, value) => Buffer.concat([varint(number * 8), varint(value)]);
const message = (...fields) => Buffer.concat(fields);

const address = ({namespace, name, id}) => message(field(1, namespace), field(2, name), field(3, id));
const typed_value = ({type, bytes}) => message(field(1, type), number_field(2, 1), field(3, bytes));

// A call with one message to a function that has no states yet.
export function to_function(target, value) {
  const invocation = field(2, typed_value(value));
  return field(100, message(field(1, address(target)), field(3, invocation)));
}

// An answer that sets one state and sends one egress record.
export function from_function({state, egress}) {
  const mutation = message(number_field(1, 1), field(2, state.name), field(3, typed_value(state)));
  const record = message(field(1, egress.namespace), field(2, egress.name), field(3, typed_value(egress)));
  return field(100, message(field(1, mutation), field(4, record)));
}

// The answer that asks for a state.
export function incomplete_invocation_context(state) {
  return field(101, field(1, message(field(1, state.name), field(3, state.type))));
}

// One message of a POST /-/batch.
export function ingress_frame(target, value, delay_ms = 0) {
  const delay = delay_ms > 0 ? number_field(4, delay_ms) : Buffer.alloc(0);
  const bytes = message(field(1, address(target)), field(2, typed_value(value)), delay);
  return Buffer.concat([varint(bytes.length), bytes]);
}

function read_varint(bytes, at) {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error('a varint is cut off');
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at];
  }
}

// The fields of a message, by number; those of an answer of ours come once each.
function read_fields(bytes) {
  const fields = new Map();
  for (let at = 0; at < bytes.length;) {
    let key, value;
    [key, at] = read_varint(bytes, at);
    [value, at] = read_varint(bytes, at);
    if (key % 8 === 2) {
      fields.set(Math.floor(key / 8), bytes.subarray(at, at + value));
      at += value;
    } else {
      fields.set(Math.floor(key / 8), value);
    }
  }
  return fields;
}

// The extents of the records in an egress answer, cheap enough for a clock that runs.
export function split_frames(bytes) {
  const frames = [];
  for (let at = 0; at < bytes.length;) {
    let length;
    [length, at] = read_varint(bytes, at);
    if (at + length > bytes.length) throw new Error('an egress answer ends inside a record');
    frames.push(bytes.subarray(at, at + length));
    at += length;
  }
  return frames;
}

export function egress_record(frame) {
  const fields = read_fields(frame);
  return {seq: fields.get(1), id: read_fields(fields.get(2)).get(3).toString()};
}
