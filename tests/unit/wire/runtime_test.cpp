#include "unit/wire/runtime.hpp"

#include "wire/answer.hpp"
#include "wire/call.hpp"
#include "wire/errc.hpp"
#include "wire/frames.hpp"
#include "wire/utf8.hpp"

#include <google/protobuf/stubs/logging.h>

#include <catch2/catch.hpp>

#include <memory>
#include <random>

using namespace statefund;
using namespace statefund::wire;
using namespace statefund::wire::test;

namespace {

class dice {
 public:
  explicit dice(std::uint32_t seed) : engine_(seed) {}

  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(engine_); }
  bool once_in(std::size_t count) { return below(count) == 0; }
  std::int64_t number() {
    auto const bits = engine_();
    return static_cast<std::int64_t>(bits >> below(64));
  }
  std::string bytes() {
    std::size_t const length = once_in(50) ? 20000 : below(200);
    std::string made(once_in(3) ? 0 : length, '\0');
    for (char& byte : made)
      byte = static_cast<char>(below(256));
    return made;
  }
  std::string text() {
    std::string made = once_in(10) ? "Zürich \xF0\x9F\x9A\x80" : "t";
    made.append(below(once_in(10) ? 300 : 12), static_cast<char>('a' + below(26)));
    return made;
  }
  message::address address() { return {{text(), text()}, text()}; }
  message::typed_value value() {
    if (once_in(8))
      return {text(), false, {}};
    return {once_in(8) ? "" : text(), true, bytes()};
  }

 private:
  std::mt19937_64 engine_;
};

template <class Address>
void fill_address(message::address const& from, Address& into) {
  into.set_namespace_(from.type.name_space);
  into.set_type(from.type.name);
  into.set_id(from.id);
}
template <class Value>
void fill(message::typed_value const& from, Value& into) {
  into.set_typename_(from.type_name);
  into.set_has_value(from.has_value);
  into.set_value(from.bytes);
}
void fill(message::typed_value const& from, google::protobuf::Any& into) {
  into.set_type_url(from.type_name);
  into.set_value(from.bytes);
}
void fill_state(message::typed_value const& from, protocol::v2::ToFunction::PersistedValue& into) {
  into.set_state_value(from.bytes);
}
void fill_state(message::typed_value const& from, protocol::v3::ToFunction::PersistedValue& into) {
  fill(from, *into.mutable_state_value());
}
void fill_state(message::typed_value const& from, protocol::v2::FromFunction::PersistedValueMutation& into) {
  into.set_state_value(from.bytes);
}
void fill_state(message::typed_value const& from, protocol::v3::FromFunction::PersistedValueMutation& into) {
  fill(from, *into.mutable_state_value());
}

template <class Generation>
void check_call(dice& random, std::size_t count) {
  auto const self = random.address();
  auto specs = std::make_shared<message::state_specs>();
  message::state_values states;
  for (std::size_t i = random.below(5); i > 0; --i) {
    specs->push_back({random.text(), "t", {}});
    if (random.once_in(3))
      states.values.emplace_back();
    else
      states.values.push_back(message::stored_value{random.value(), 0});
  }
  states.specs = specs;
  message::batch taken(count);
  for (auto& one : taken) {
    if (!random.once_in(3))
      one.caller = random.address();
    one.value = random.value();
  }

  typename Generation::to_function expected;
  auto& request = *expected.mutable_invocation();
  fill_address(self, *request.mutable_target());
  for (std::size_t i = 0; i < specs->size(); ++i) {
    auto& state = *request.add_state();
    state.set_state_name((*specs)[i].name);
    if (states.values[i])
      fill_state(states.values[i]->value, state);
  }
  for (auto const& one : taken) {
    auto& invocation = *request.add_invocations();
    if (one.caller)
      fill_address(*one.caller, *invocation.mutable_caller());
    fill(one.value, *invocation.mutable_argument());
  }

  auto const bytes = encode_call(Generation::speaks, self, taken, states);
  REQUIRE(bytes.has_value());
  REQUIRE((*bytes == expected.SerializeAsString())); // not expanded: they can be long
}

template <class Generation>
typename Generation::from_function random_answer(dice& random) {
  typename Generation::from_function made;
  if constexpr (Generation::speaks == generation::v3)
    if (random.once_in(4)) {
      for (std::size_t i = random.below(5); i > 0; --i) {
        auto& spec = *made.mutable_incomplete_invocation_context()->add_missing_values();
        spec.set_state_name(random.text());
        if (random.once_in(2))
          spec.set_type_typename(random.text());
        if (random.once_in(2)) {
          spec.mutable_expiration_spec()->set_mode(
              static_cast<protocol::v3::FromFunction::ExpirationSpec::ExpireMode>(random.below(3)));
          spec.mutable_expiration_spec()->set_expire_after_millis(
              static_cast<std::int64_t>(1 + random.below(std::size_t{1} << 40U)));
        }
      }
      return made;
    }
  auto& result = *made.mutable_invocation_result();
  for (std::size_t i = random.below(4); i > 0; --i) {
    auto& mutation = *result.add_state_mutations();
    mutation.set_state_name(random.text());
    if (random.once_in(4))
      continue;
    mutation.set_mutation_type(Generation::from_function::PersistedValueMutation::MODIFY);
    if (!random.once_in(4))
      fill_state(random.value(), mutation);
  }
  for (std::size_t i = random.below(4); i > 0; --i) {
    auto& sent = *result.add_outgoing_messages();
    fill_address(random.address(), *sent.mutable_target());
    if (!random.once_in(8))
      fill(random.value(), *sent.mutable_argument());
  }
  for (std::size_t i = random.below(4); i > 0; --i) {
    auto& delayed = *result.add_delayed_invocations();
    fill_address(random.address(), *delayed.mutable_target());
    delayed.set_delay_in_ms(random.number());
    if (!random.once_in(8))
      fill(random.value(), *delayed.mutable_argument());
    if constexpr (Generation::speaks == generation::v3) {
      delayed.set_is_cancellation_request(random.once_in(3));
      if (random.once_in(2))
        delayed.set_cancellation_token(random.text());
    }
  }
  for (std::size_t i = random.below(4); i > 0; --i) {
    auto& record = *result.add_outgoing_egresses();
    record.set_egress_namespace(random.text());
    record.set_egress_type(random.text());
    if (!random.once_in(8))
      fill(random.value(), *record.mutable_argument());
  }
  return made;
}

// One to three bytes of it are changed, taken out or put in.
std::string damaged(dice& random, std::string bytes) {
  for (std::size_t i = 1 + random.below(3); i > 0 && !bytes.empty(); --i) {
    std::size_t const at = random.below(bytes.size());
    auto const byte = static_cast<char>(random.once_in(2) ? random.below(256) : random.below(0x30));
    switch (random.below(3)) {
    case 0:
      bytes[at] = byte;
      break;
    case 1:
      bytes.erase(at, 1);
      break;
    default:
      bytes.insert(at, 1, byte);
      break;
    }
  }
  return bytes;
}

struct tally {
  std::size_t read = 0;
  std::size_t unreadable = 0;
};

// What we read protobuf's runtime reads, as the same; what we call unreadable it refuses.
template <class Generation>
void compare(std::string const& bytes, tally& seen) {
  auto const ours = decode_answer(Generation::speaks, bytes);
  typename Generation::from_function theirs;
  bool const parsed = theirs.ParseFromString(bytes);
  if (ours) {
    ++seen.read;
    REQUIRE(parsed);
    REQUIRE((*ours == plain_reply(theirs)));
  } else if (ours.error().code == errc::malformed || ours.error().code == errc::not_utf8) {
    ++seen.unreadable;
    REQUIRE_FALSE(parsed);
  }
}

template <class Generation>
void check_answers(std::uint32_t seed) {
  // Protobuf writes a line for each text that is not UTF-8.
  auto* const before = google::protobuf::SetLogHandler(nullptr);
  dice random(seed);
  tally seen;
  for (int i = 0; i < 300; ++i) {
    auto const expected = random_answer<Generation>(random);
    auto const bytes = expected.SerializeAsString();
    auto const read = decode_answer(Generation::speaks, bytes);
    REQUIRE(read.has_value());
    REQUIRE((*read == plain_reply(expected)));
    for (int j = 0; j < 30; ++j)
      compare<Generation>(damaged(random, bytes), seen);
  }
  google::protobuf::SetLogHandler(before);
  CHECK(seen.read > 500);
  CHECK(seen.unreadable > 500);
}

} // namespace

TEST_CASE("calls are the bytes that protobuf's runtime writes") {
  dice random(1);
  for (int i = 0; i < 200; ++i) {
    check_call<v2>(random, 1 + random.below(20));
    check_call<v3>(random, 1 + random.below(20));
  }
}

TEST_CASE("a batch of ten thousand is one call") {
  dice random(2);
  check_call<v2>(random, 10000);
  check_call<v3>(random, 10000);
}

TEST_CASE("answers are read as protobuf's runtime reads them, damaged ones too") {
  check_answers<v2>(3);
  check_answers<v3>(4);
}

TEST_CASE("frames are what protobuf's runtime writes and reads") {
  dice random(5);
  for (int i = 0; i < 300; ++i) {
    ingress_message const sent{random.address(), random.value(), random.once_in(2) ? "" : random.text(),
                               random.number()};
    ingress::v1::IngressMessage message;
    fill_address(sent.target, *message.mutable_target());
    fill(sent.value, *message.mutable_value());
    message.set_idempotency_key(sent.idempotency_key);
    message.set_delay_ms(sent.delay_ms);
    std::string out;
    append_frame(out, sent);
    auto const found = next_frame(out, out.size());
    REQUIRE(found.has_value());
    REQUIRE(*found);
    REQUIRE(((*found)->body == message.SerializeAsString()));
    REQUIRE((*found)->whole_bytes == out.size());
    auto const read = decode_ingress_message((*found)->body);
    REQUIRE(read.has_value());
    REQUIRE((*read == sent));

    egress_record const record{static_cast<std::uint64_t>(random.number()), random.address(), random.value()};
    ingress::v1::EgressRecord expected;
    expected.set_seq(record.sequence);
    fill_address(record.from, *expected.mutable_from());
    fill(record.value, *expected.mutable_value());
    out.clear();
    append_frame(out, record.sequence, record.from, record.value);
    auto const framed = next_frame(out, out.size());
    REQUIRE(framed.has_value());
    REQUIRE(*framed);
    REQUIRE(((*framed)->body == expected.SerializeAsString()));
    auto const back = decode_egress_record((*framed)->body);
    REQUIRE(back.has_value());
    REQUIRE((*back == record));
  }
}

TEST_CASE("texts of up to three bytes are UTF-8 exactly when protobuf says so") {
  std::string text;
  std::size_t differences = 0;
  auto const compare_text = [&] {
    bool const theirs = google::protobuf::internal::IsStructurallyValidUTF8(text.data(), static_cast<int>(text.size()));
    differences += is_utf8(text) == theirs ? 0 : 1;
  };
  for (unsigned i = 0; i < 1U << 24U; i += i < 1U << 16U ? 1 : 7) {
    text.assign({static_cast<char>(i), static_cast<char>(i >> 8U), static_cast<char>(i >> 16U)});
    compare_text();
    text.pop_back();
    compare_text();
  }
  CHECK(differences == 0);
}
