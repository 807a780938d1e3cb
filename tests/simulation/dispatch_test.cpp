#include "support/shards_in_process.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace statefund;
using namespace statefund::support;
using namespace std::chrono_literals;

namespace {

message::egress_id const way{"out", "way"};

// A message's bytes: "<generation> <sender's count> <d: delayed, c: delayed and may be cancelled, p: plain>", the count
// unique and growing over the whole program.
struct program {
  std::minstd_rand random;
  std::size_t addresses_count = 0;
  std::uint64_t next_count = 0;
  std::string fault;

  std::set<std::uint64_t> sent; // that took effect
  std::set<std::uint64_t> may_be_cancelled;
  std::set<std::uint64_t> consumed;
  std::size_t records_count = 0; // that went to the egress

  // What the last call of an address did, which took effect unless the same batch is sent again.
  struct attempt {
    message::entry_key first;
    std::vector<std::pair<std::string, std::uint64_t>> took; // sender, count; of plain ones
    std::vector<std::uint64_t> took_all;
    std::vector<std::uint64_t> sends;
    std::size_t records_count = 0;
  };
  std::map<message::address, attempt> last;
  std::map<message::address, std::size_t> states;
  std::map<std::pair<std::string, message::address>, std::uint64_t> newest;

  explicit program(unsigned seed) : random(seed), addresses_count(1 + random() % 8) {}

  bool one_in(unsigned n) { return random() % n == 0; }
  std::string any_type() { return one_in(3) ? "gn" : "fn"; }
  message::address any() {
    auto type = any_type();
    return address_of(std::move(type), std::to_string(random() % addresses_count));
  }
  message::typed_value value(unsigned generation, char kind, std::uint64_t& count) {
    count = next_count++;
    if (kind == 'c')
      may_be_cancelled.insert(count);
    return {"t", true, std::to_string(generation) + ' ' + std::to_string(count) + ' ' + kind};
  }

  void took_effect(message::address const& self, attempt const& done) {
    for (auto const count : done.took_all)
      if (!consumed.insert(count).second)
        fault = "consumed twice: " + std::to_string(count);
    for (auto const& [sender, count] : done.took) {
      auto& before = newest[{sender, self}];
      if (count + 1 <= before)
        fault = "out of order at " + to_text(self) + ": " + std::to_string(count);
      before = count + 1;
    }
    sent.insert(done.sends.begin(), done.sends.end());
    states[self] += done.took_all.size();
    records_count += done.records_count;
  }
  void all_took_effect() {
    for (auto const& [self, done] : last)
      took_effect(self, done);
    last.clear();
  }

  result<message::reply> answer(seen_call const& call) {
    auto const& specs = *call.states.specs;
    auto const spec = std::find_if(specs.begin(), specs.end(), [](auto const& one) { return one.name == "n"; });
    if (spec == specs.end())
      return message::reply{message::missing_states{{{"n", "int", {}}}}};
    auto const& self = call.self;
    if (auto const before = last.find(self); before != last.end() && before->second.first != call.taken.front().key)
      took_effect(self, before->second);
    auto const& held = call.states.values[static_cast<std::size_t>(spec - specs.begin())];
    if ((held ? std::stoul(held->value.bytes) : 0) != states[self])
      fault = "the state of " + to_text(self) + " is not what its messages made it";

    attempt now;
    now.first = call.taken.front().key;
    message::invocation_result done;
    done.mutations.push_back(
        {"n", message::typed_value{"int", true, std::to_string(states[self] + call.taken.size())}});
    for (auto const& one : call.taken) {
      std::size_t at = 0;
      auto const generation = static_cast<unsigned>(std::stoul(one.value.bytes, &at));
      auto const count = std::stoull(one.value.bytes.substr(at));
      now.took_all.push_back(count);
      if (one.value.bytes.back() == 'p')
        now.took.emplace_back(one.caller ? to_text(*one.caller) : std::string(), count);
      if (one_in(3))
        done.egresses.push_back({way, {"t", true, std::string(random() % 40, 'x')}});
      if (one_in(6))
        done.delayed.push_back(message::delayed_cancel{"token"});
      for (auto sends = generation < 4 ? random() % 3 : 0; sends > 0; --sends) {
        std::uint64_t next = 0;
        switch (random() % 4) {
        case 0: {
          bool const cancellable = one_in(2);
          auto bytes = value(generation + 1, cancellable ? 'c' : 'd', next);
          done.delayed.push_back(message::delayed_send{static_cast<std::int64_t>(random() % 3000), any(),
                                                       std::move(bytes), cancellable ? "token" : ""});
          break;
        }
        default:
          auto bytes = value(generation + 1, 'p', next);
          done.messages.push_back({any(), std::move(bytes)});
        }
        now.sends.push_back(next);
      }
    }
    now.records_count = done.egresses.size();
    last[self] = std::move(now);
    return message::reply{std::move(done)};
  }
};

// Declares the type as it has not been before: with or without a home, of either protocol.
void declare(program& own, shards_in_process& world, std::string const& type) {
  function::limits limits;
  limits.waiting_max = 1 + own.random() % 5;
  limits.batch_messages_max = 1 + own.random() % 5;
  limits.concurrent_calls_max = 1 + own.random() % 4;
  message::state_specs specs{{"n", "", {}}};
  if (own.one_in(2))
    specs.insert(specs.begin(), {"m", "", {}});
  world.functions.declare(
      type, [&](seen_call const& call) { return own.answer(call); }, limits,
      own.one_in(2) ? std::make_shared<message::state_specs const>(specs) : nullptr);
}

// Shards on loops of their own go on in an order that is random, too.
void run(unsigned seed, loops run_by) {
  program own(seed);
  dispatch::options chosen;
  chosen.egress_queue.bytes_max = 200;
  chosen.calls_in_flight_max = 1 + own.random() % 6;
  shards_in_process world(1 + own.random() % 3, chosen, {}, run_by);
  world.functions.keep_no_calls();
  declare(own, world, "fn");
  declare(own, world, "gn");
  world.apply();

  std::vector<std::pair<std::uint64_t, coming<dispatch::receipt>>> told; // by count
  std::size_t read_count = 0;
  auto const read_all = [&] {
    auto const page = world.read(way);
    read_count += page.records.size();
    world.read(way, page.last_sequence);
  };
  auto applied = std::make_shared<std::optional<bool>>(true);
  auto const apply = [&] {
    if (applied->has_value())
      applied = world.start_apply();
  };
  for (int step = 0; step < 100; ++step) {
    switch (own.random() % 12) {
    case 0:
      world.functions.fail_next(own.random() % 4);
      break;
    case 1:
      world.advance(std::chrono::milliseconds(own.random() % 1500));
      break;
    case 2:
      read_all();
      break;
    case 3:
      world.functions.hold();
      break;
    case 4:
      world.functions.release();
      break;
    case 5:
      declare(own, world, own.any_type());
      apply();
      break;
    case 6:
      world.functions.forget(own.any_type());
      apply();
      break;
    case 7:
      apply();
      break;
    default: {
      std::uint64_t count = 0;
      auto const target = own.any();
      auto bytes = own.value(0, 'p', count).bytes;
      auto const door = message::partition_of(target, 256) % world.all().shards_count(); // one for each, to keep order
      told.emplace_back(count, world.start_accept(message_to(target, std::move(bytes)), door));
    }
    }
    if (own.one_in(3))
      world.settle();
    else
      for (auto count = own.random() % 30; count > 0; --count)
        world.loop.step(own.random() % world.loop.loops_count());
  }
  world.functions.release();
  world.functions.fail_next(0);
  world.settle();
  declare(own, world, "fn");
  declare(own, world, "gn");
  world.apply();
  for (auto const& [count, receipt] : told)
    if (std::holds_alternative<dispatch::accepted>(receipt->value()))
      own.sent.insert(count);
  for (int i = 0; i < 500 && !(world.is_empty() && world.all().counts().delayed_count == 0); ++i) {
    read_all();
    world.advance(1s);
  }
  read_all();
  CHECK(world.is_empty());
  CHECK(world.all().counts().delayed_count == 0);
  own.all_took_effect();
  CHECK(own.fault.empty());
  if (!own.fault.empty())
    UNSCOPED_INFO(own.fault);
  CHECK(world.functions.fault().empty());
  CHECK(read_count == own.records_count);
  for (auto const count : own.consumed)
    CHECK(own.sent.contains(count));
  for (auto const count : own.sent)
    CHECK((own.consumed.contains(count) || own.may_be_cancelled.contains(count)));
}

} // namespace

TEST_CASE("random programs and reloads: every message is consumed once, in its sender's order, and nothing is left") {
  for (auto const run_by : {loops::one, loops::one_a_shard})
    for (unsigned seed = 1; seed <= 300; ++seed) {
      INFO("seed " << seed << (run_by == loops::one ? "" : ", a loop a shard"));
      run(seed, run_by);
    }
}
