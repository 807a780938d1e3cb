#include "wire/answer.hpp"

#include "wire/errc.hpp"
#include "wire/fields.hpp"
#include "wire/values.hpp"

#include <cstdint>
#include <utility>
#include <variant>

// answer   = { 100: effects | 101: missing (3.x) }; the last one counts
// effects  = { 1 state_mutations: mutation ... | 2 outgoing_messages: send ... | 3 delayed_invocations: delayed ...
//            | 4 outgoing_egresses: egress ... }
// mutation = { 1 mutation_type: 0 DELETE, 1 MODIFY | 2 state_name: text | 3 state_value: bytes (2.x) or value (3.x) }
// send     = { 1 target: address | 2 argument: value }
// delayed  = { 1 delay_in_ms: int64 | 2 target: address | 3 argument: value
//            | 10 is_cancellation_request: bool (3.x) | 11 cancellation_token: text (3.x) }
// egress   = { 1 egress_namespace: text | 2 egress_type: text | 3 argument: value }
// missing  = { 1 missing_values: spec ... }
// spec     = { 1 state_name: text | 2 expiration_spec: { 1 mode: 0, 1, 2 | 2 expire_after_millis: int64 }
//            | 3 type_typename: text }

namespace statefund::wire {
namespace {

using message::invocation_result;
using message::missing_states;
using message::typed_value;

bool check_target(message::address const& target, fault& why) {
  if (is_complete(target))
    return true;
  why.is(errc::target_incomplete);
  why.path = "target has an empty " + empty_parts(target);
  return false;
}

bool read_mutation(generation speaks, field_reader in, message::state_mutation& into, fault& why) {
  std::int32_t type = 0;
  typed_value value = no_value();
  for (field found; in.next(found);) {
    bool read = true;
    switch (found.tag) {
    case varint_tag(1):
      type = static_cast<std::int32_t>(found.varint);
      break;
    case length_tag(2):
      read = read_text(found, "state_name", into.name, why);
      break;
    case length_tag(3):
      if (speaks == generation::v2)
        value = {{}, true, std::string(found.bytes)};
      else
        read = read_value(speaks, in.within(found), value, why) || why.within("state_value");
      break;
    default:
      break;
    }
    if (!read)
      return false;
  }
  if (!in.complete())
    return why.is(errc::malformed);
  if (type != 0 && type != 1) {
    why.is(errc::mutation_unknown);
    return why.within("mutation_type is " + std::to_string(type));
  }
  if (type == 1) {
    if (!value.has_value)
      value = {std::move(value.type_name), true, {}};
    into.value = std::move(value);
  }
  return true;
}

bool read_send(generation speaks, field_reader in, message::outgoing_message& into, fault& why) {
  into.value = no_value();
  for (field found; in.next(found);) {
    bool read = true;
    switch (found.tag) {
    case length_tag(1):
      read = read_address(in.within(found), into.target, why) || why.within("target");
      break;
    case length_tag(2):
      read = read_value(speaks, in.within(found), into.value, why) || why.within("argument");
      break;
    default:
      break;
    }
    if (!read)
      return false;
  }
  return in.complete() ? check_target(into.target, why) : why.is(errc::malformed);
}

bool read_delayed(generation speaks, field_reader in,
                  std::variant<message::delayed_send, message::delayed_cancel>& into, fault& why) {
  message::delayed_send sent;
  sent.value = no_value();
  bool cancels = false;
  bool const v3 = speaks == generation::v3;
  for (field found; in.next(found);) {
    bool read = true;
    switch (found.tag) {
    case varint_tag(1):
      sent.delay_ms = static_cast<std::int64_t>(found.varint);
      break;
    case length_tag(2):
      read = read_address(in.within(found), sent.target, why) || why.within("target");
      break;
    case length_tag(3):
      read = read_value(speaks, in.within(found), sent.value, why) || why.within("argument");
      break;
    case varint_tag(10):
      cancels = v3 && found.varint != 0;
      break;
    case length_tag(11):
      if (v3)
        read = read_text(found, "cancellation_token", sent.cancellation_token, why);
      break;
    default:
      break;
    }
    if (!read)
      return false;
  }
  if (!in.complete())
    return why.is(errc::malformed);
  if (cancels) {
    into = message::delayed_cancel{std::move(sent.cancellation_token)};
    return true;
  }
  if (!check_target(sent.target, why))
    return false;
  into = std::move(sent);
  return true;
}

bool read_egress(generation speaks, field_reader in, message::egress_message& into, fault& why) {
  into.value = no_value();
  for (field found; in.next(found);) {
    bool read = true;
    switch (found.tag) {
    case length_tag(1):
      read = read_text(found, "egress_namespace", into.egress.name_space, why);
      break;
    case length_tag(2):
      read = read_text(found, "egress_type", into.egress.name, why);
      break;
    case length_tag(3):
      read = read_value(speaks, in.within(found), into.value, why) || why.within("argument");
      break;
    default:
      break;
    }
    if (!read)
      return false;
  }
  if (!in.complete())
    return why.is(errc::malformed);
  if (into.egress.name_space.empty() || into.egress.name.empty()) {
    why.is(errc::egress_incomplete);
    return why.within(into.egress.name_space.empty() ? "egress_namespace" : "egress_type");
  }
  return true;
}

bool read_effects(generation speaks, field_reader in, invocation_result& into, fault& why) {
  for (field found; in.next(found);) {
    bool read = true;
    switch (found.tag) {
    case length_tag(1):
      read = read_mutation(speaks, in.within(found), into.mutations.emplace_back(), why) ||
             why.within("state_mutations", into.mutations.size() - 1);
      break;
    case length_tag(2):
      read = read_send(speaks, in.within(found), into.messages.emplace_back(), why) ||
             why.within("outgoing_messages", into.messages.size() - 1);
      break;
    case length_tag(3):
      read = read_delayed(speaks, in.within(found), into.delayed.emplace_back(), why) ||
             why.within("delayed_invocations", into.delayed.size() - 1);
      break;
    case length_tag(4):
      read = read_egress(speaks, in.within(found), into.egresses.emplace_back(), why) ||
             why.within("outgoing_egresses", into.egresses.size() - 1);
      break;
    default:
      break;
    }
    if (!read)
      return false;
  }
  return in.complete() || why.is(errc::malformed);
}

struct sent_expiration {
  std::int32_t mode = 0;
  std::int64_t after_ms = 0;
};

bool read_expiration(field_reader in, sent_expiration& into, fault& why) {
  for (field found; in.next(found);) {
    if (found.tag == varint_tag(1))
      into.mode = static_cast<std::int32_t>(found.varint);
    else if (found.tag == varint_tag(2))
      into.after_ms = static_cast<std::int64_t>(found.varint);
  }
  return in.complete() || why.is(errc::malformed);
}

bool judge_expiration(sent_expiration const& sent, message::expiration& into, fault& why) {
  if (sent.mode == 0)
    return true;
  if (sent.mode < 0 || sent.mode > 2 || sent.after_ms < 1) {
    why.is(errc::expiration_unusable);
    return why.within("mode is " + std::to_string(sent.mode) + ", expire_after_millis is " +
                      std::to_string(sent.after_ms)) ||
           why.within("expiration_spec");
  }
  into.mode = sent.mode == 1 ? message::expiration_mode::after_write : message::expiration_mode::after_invoke;
  into.after = std::chrono::milliseconds(sent.after_ms);
  return true;
}

bool read_spec(field_reader in, message::state_spec& into, fault& why) {
  sent_expiration sent;
  for (field found; in.next(found);) {
    bool read = true;
    switch (found.tag) {
    case length_tag(1):
      read = read_text(found, "state_name", into.name, why);
      break;
    case length_tag(2):
      read = read_expiration(in.within(found), sent, why) || why.within("expiration_spec");
      break;
    case length_tag(3):
      read = read_text(found, "type_typename", into.type_name, why);
      break;
    default:
      break;
    }
    if (!read)
      return false;
  }
  if (!in.complete())
    return why.is(errc::malformed);
  if (into.name.empty()) {
    why.is(errc::state_unnamed);
    return false;
  }
  return judge_expiration(sent, into.expires, why);
}

bool read_missing(field_reader in, missing_states& into, fault& why) {
  for (field found; in.next(found);)
    if (found.tag == length_tag(1) && !read_spec(in.within(found), into.specs.emplace_back(), why))
      return why.within("missing_values", into.specs.size() - 1);
  return in.complete() || why.is(errc::malformed);
}

// The member that a `oneof` holds now: the one it held before if it was this, so that the two are merged.
template <class Member>
Member& member(message::reply& of) {
  auto* const held = std::get_if<Member>(&of);
  return held ? *held : of.emplace<Member>();
}

bool read_answer(generation speaks, field_reader in, message::reply& into, fault& why) {
  for (field found; in.next(found);) {
    bool read = true;
    if (found.tag == length_tag(100))
      read = read_effects(speaks, in.within(found), member<invocation_result>(into), why);
    else if (found.number() == 101 && speaks == generation::v2)
      read = why.is(errc::speaks_v3);
    else if (found.tag == length_tag(101))
      read = read_missing(in.within(found), member<missing_states>(into), why);
    if (!read)
      return false;
  }
  return in.complete() || why.is(errc::malformed);
}

} // namespace

result<message::reply> decode_answer(generation speaks, std::string_view bytes) {
  result<message::reply> answer{message::reply{}};
  if (fault why; !read_answer(speaks, field_reader(bytes), *answer, why))
    return why.to_error();
  return answer;
}

} // namespace statefund::wire
