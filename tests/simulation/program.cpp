#include "simulation/program.hpp"

#include <charconv>
#include <random>
#include <set>

namespace statefund::simulation {

namespace {

class maker {
 public:
  explicit maker(std::uint64_t seed) : random_(static_cast<std::uint32_t>(seed * 2654435761U + 12345)) {}

  program make(std::uint64_t seed) {
    made_.seed = seed;
    made_.shards_count = 1 + below(3);
    made_.ids_count = one_in(4) ? 2 + below(4) : 30 + below(60);
    made_.calls_in_flight_max = one_in(3) ? 1 + below(4) : 64;
    made_.buffered_bytes_max = one_in(4) ? 8000 + below(30'000) : 1'000'000;
    made_.delayed_max = one_in(4) ? 5 + below(20) : 1'000'000;
    made_.egress_bytes_max = one_in(2) ? 100 + below(400) : 1'000'000;
    made_.dead_letters_max = one_in(6) ? 1 + below(3) : 1'000;
    if (one_in(2))
      add_expirations();
    made_.modules_chance = chance();
    made_.isolates = one_in(3);
    made_.broken_chance = chance();
    if (made_.isolates)
      made_.buffered_bytes_max = made_.delayed_max = 1'000'000;
    poison_in_ = one_in(2) ? 0 : 4 + below(40);
    hot_ = below(made_.ids_count - 1);
    hot_ += below(kinds.size()) * static_cast<std::uint32_t>(made_.ids_count);
    for (auto count = 20 + below(60); count > 0; --count)
      add_traffic();
    for (auto count = below(6); count > 0; --count)
      insert(action::reload);
    for (auto count = below(3); count > 0; --count)
      insert(action::outage);
    for (auto count = one_in(2) ? 0 : below(24); count > 0; --count)
      insert(action::operate);
    for (auto count = one_in(2) ? 0 : below(4); count > 0; --count)
      insert(action::jump);
    constexpr std::array faults{action::kill,       action::kill,      action::lose_power, action::lose_power,
                                action::fail_write, action::fail_sync, action::stop,       action::crash_early};
    for (auto count = below(5); count > 0; --count)
      insert(faults[below(faults.size())]);
    add_probes();
    made_.spill_bytes_max = one_in(4) ? UINT64_MAX : one_in(3) ? below(3000) : 0;
    made_.head_messages_max = 1 + below(4);
    made_.delayed_window = std::chrono::milliseconds(one_in(4) ? 300'000 : 1 + below(1000));
    made_.delayed_window_bytes_max = one_in(3) ? 1 + below(2000) : 1'000'000;
    for (auto count = one_in(2) ? 0 : below(4); count > 0; --count)
      insert(action::fill_disk);
    return std::move(made_);
  }

 private:
  std::uint32_t below(std::size_t bound) {
    return static_cast<std::uint32_t>(random_()) % static_cast<std::uint32_t>(bound);
  }
  std::uint32_t chance() { return static_cast<std::uint32_t>(random_()); }
  bool one_in(std::uint32_t bound) { return below(bound) == 0; }
  std::uint32_t any_address() {
    if (one_in(4))
      return hot_;
    auto const kind = below(kinds.size());
    return kind * static_cast<std::uint32_t>(made_.ids_count) + below(made_.ids_count - 1);
  }

  void insert(action what) {
    step one;
    one.what = what;
    one.chance = chance();
    made_.steps.insert(made_.steps.begin() + below(made_.steps.size() + 1), std::move(one));
  }

  void add_traffic() {
    step one;
    one.chance = chance();
    one.keyed = one_in(2);
    switch (below(8)) {
    case 0:
    case 1:
      one.what = action::read;
      break;
    case 2:
    case 3: {
      one.what = action::upload;
      auto const to_few = one_in(2);
      auto const first = any_address();
      for (auto count = 2 + below(6); count > 0; --count)
        one.messages.push_back(add_message(to_few && one_in(2) ? first : any_address(), 0));
      break;
    }
    default:
      one.messages.push_back(add_message(any_address(), 0));
      if (one_in(6))
        one.delay_ms = 1 + below(3000);
    }
    made_.steps.push_back(std::move(one));
  }

  std::uint32_t add_message(std::uint32_t target, std::uint32_t depth) {
    auto const number = static_cast<std::uint32_t>(made_.messages.size());
    made_.messages.emplace_back().target = target;
    errand own;
    own.target = target;
    if (one_in(25)) {
      own.failures_count = static_cast<std::uint8_t>(1 + below(2));
      own.failure = static_cast<trouble>(below(troubles_count));
    } else if (poison_in_ > 0 && one_in(poison_in_)) {
      own.failures_count = for_ever;
      own.failure = static_cast<trouble>(below(troubles_count));
      if (own.failure == trouble::out_of_reach)
        own.failure = trouble::refused; // that is an endpoint's, and no message's
    }
    for (auto count = 1 + below(4); count > 0; --count)
      own.does.push_back(add_command(depth));
    made_.messages[number] = std::move(own);
    return number;
  }

  void add_expirations() {
    using message::expiration_mode;
    constexpr std::array<std::int64_t, 4> durations_ms{50, 500, 5000, 1'800'000};
    auto const any = [&] { return std::chrono::milliseconds(durations_ms[below(durations_ms.size())]); };
    made_.expirations[2] = {expiration_mode::after_write, any()};
    made_.expirations[3] = {expiration_mode::after_invoke, any()};
  }

  void add_probes() {
    for (std::uint32_t kind = 0; kind < kinds.size(); ++kind)
      for (std::size_t i = 0; i < probes_count; ++i) {
        auto& own = made_.messages.emplace_back();
        own.target = (kind + 1) * static_cast<std::uint32_t>(made_.ids_count) - 1;
        own.does.push_back({verb::add, 0, 1, 0});
      }
  }

  command add_command(std::uint32_t depth) {
    command one;
    bool const sends = depth < 6 && made_.messages.size() < messages_max;
    switch (auto const what = below(20); what) {
    case 0:
      one.what = verb::remove;
      one.which = below(states_count);
      return one;
    case 1:
    case 2:
      one.what = verb::cancel;
      one.token = static_cast<std::uint8_t>(1 + below(tokens_count));
      return one;
    case 3:
    case 4:
    case 5:
      one.what = verb::record;
      one.which = below(egresses_count);
      return one;
    case 6:
    case 7:
    case 8:
      if (!sends)
        break;
      one.what = verb::send_later;
      one.amount = static_cast<std::int32_t>(one_in(5) ? 0 : below(3000));
      one.token = static_cast<std::uint8_t>(one_in(2) ? 1 + below(tokens_count) : 0);
      one.which = add_message(any_address(), depth + 1);
      return one;
    case 9:
    case 10:
    case 11:
    case 12:
      if (!sends)
        break;
      one.what = verb::send;
      one.which = add_message(any_address(), depth + 1);
      return one;
    default:
      break;
    }
    one.what = verb::add;
    one.which = below(states_count);
    one.amount = static_cast<std::int32_t>(1 + below(9));
    return one;
  }

  static constexpr std::size_t messages_max = 600;

  std::minstd_rand random_;
  program made_;
  std::uint32_t hot_ = 0;
  std::uint32_t poison_in_ = 0; // one in so many messages always fails; 0: none
};

constexpr std::array<std::string_view, 6> verb_words{"add", "remove", "send", "send_later", "cancel", "record"};
constexpr std::array<std::string_view, troubles_count> trouble_words{
    "cut",     "out of reach", "late",          "too large",     "thrown",        "misplaced",
    "refused", "unreadable",   "state unknown", "token missing", "delay negative"};
constexpr std::array<std::string_view, 14> action_words{
    "send",       "upload",    "read", "reload",      "outage", "kill",      "lose_power",
    "fail_write", "fail_sync", "stop", "crash_early", "jump",   "fill_disk", "operate"};

void add_text(program const& of, std::uint32_t number, std::set<std::uint32_t>& told, std::string& into) {
  if (!told.insert(number).second)
    return;
  auto const& own = of.messages[number];
  into += "  m" + std::to_string(number) + " to " + to_text(of.address(own.target)) + ":";
  if (own.failures_count > 0)
    into += " fails " + (own.failures_count == for_ever ? "always" : std::to_string(own.failures_count) + " times") +
            ", " + std::string(trouble_words[static_cast<std::size_t>(own.failure)]) + ";";
  for (auto const& one : own.does) {
    into += " " + std::string(verb_words[static_cast<std::size_t>(one.what)]);
    into += one.what == verb::send || one.what == verb::send_later ? " m" : " ";
    into += std::to_string(one.which);
    if (one.amount != 0)
      into += " (" + std::to_string(one.amount) + ")";
    if (one.token != 0)
      into += " token " + std::to_string(one.token);
    into += ";";
  }
  into += "\n";
  for (auto const& one : own.does)
    if (one.what == verb::send || one.what == verb::send_later)
      add_text(of, one.which, told, into);
}

} // namespace

message::address program::address(std::uint32_t number) const {
  return {{"sim", std::string(kinds[kind_of(number)].name)}, std::to_string(number % ids_count)};
}

std::uint32_t program::number_of(message::address const& self) const {
  std::uint32_t id = 0;
  std::from_chars(self.id.data(), self.id.data() + self.id.size(), id);
  std::uint32_t kind = 0;
  while (kinds[kind].name != self.type.name)
    ++kind;
  return kind * static_cast<std::uint32_t>(ids_count) + id;
}

program make_program(std::uint64_t seed) {
  return maker(seed).make(seed);
}

std::string to_text(program const& one) {
  std::string text =
      "shards " + std::to_string(one.shards_count) + ", calls " + std::to_string(one.calls_in_flight_max) + ", bytes " +
      std::to_string(one.buffered_bytes_max) + ", spilled from " + std::to_string(one.spill_bytes_max) + ", heads " +
      std::to_string(one.head_messages_max) + ", delayed " + std::to_string(one.delayed_max) + ", window " +
      std::to_string(one.delayed_window.count()) + " ms " + std::to_string(one.delayed_window_bytes_max) +
      ", egress bytes " + std::to_string(one.egress_bytes_max) + ", dead letters " +
      std::to_string(one.dead_letters_max) + (one.isolates ? ", isolates" : "") + "\n";
  for (std::size_t i = 0; i < states_count; ++i)
    if (one.expirations[i].mode != message::expiration_mode::none)
      text += "state " + std::to_string(i) + " expires " + std::to_string(one.expirations[i].after.count()) + " ms " +
              (one.expirations[i].mode == message::expiration_mode::after_write ? "after a write\n" : "after a call\n");
  std::set<std::uint32_t> told;
  for (auto const& next : one.steps) {
    text += std::string(action_words[static_cast<std::size_t>(next.what)]);
    if (next.keyed && !next.messages.empty())
      text += " with keys";
    if (next.delay_ms > 0)
      text += " in " + std::to_string(next.delay_ms) + " ms";
    for (auto const number : next.messages)
      text += " m" + std::to_string(number);
    text += "\n";
    for (auto const number : next.messages)
      add_text(one, number, told, text);
  }
  return text;
}

} // namespace statefund::simulation
