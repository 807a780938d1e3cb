#include "simulation/model.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace statefund::simulation {

std::uint32_t message_of(message::typed_value const& value) {
  std::uint32_t number = 0;
  std::from_chars(value.bytes.data(), value.bytes.data() + value.bytes.size(), number);
  return number;
}

message::typed_value value_of(std::uint32_t message) {
  return {"m", true, std::to_string(message)};
}

std::string record_of(std::uint32_t message, std::size_t i) {
  return std::to_string(message) + "." + std::to_string(i);
}

std::string state_name(std::size_t state) {
  return "s" + std::to_string(state);
}

std::size_t egress_of(message::egress_id const& id) {
  return static_cast<std::size_t>(id.name.back() - '0');
}

message::egress_id egress_id_of(std::size_t egress) {
  return {"out", "e" + std::to_string(egress)};
}

namespace {

std::string named(std::uint32_t message) {
  return "m" + std::to_string(message);
}

} // namespace

std::string model::take(message::change const& whole, std::uint64_t number, std::int64_t now_ms, trials::room letters) {
  if (number <= now_.last_number)
    return "the number " + std::to_string(number) + " is not above the one before";
  auto const [wrong, how] = judge(whole, now_ms, letters);
  if (!wrong.empty())
    return wrong;
  log_.push_back({number, how, whole, was_at_ms_});
  follow(log_.back());
  apply(now_, log_.back());
  return {};
}

// What a crash may forget.
void model::follow(numbered const& next) {
  auto const& whole = next.whole;
  if (whole.self.id.empty())
    return; // of an egress, or a type
  auto const self = run_.number_of(whole.self);
  if (next.how == consumption::taken && !whole.consumed.empty()) {
    trials_.took_effect(self, whole.consumed);
    last_wrote_to_[self].fill(false);
    for (auto const& record : whole.egress_records)
      last_wrote_to_[self][egress_of(record.egress)] = true;
  } else if (!whole.consumed.empty()) {
    trials_.left(self, whole.consumed.front());
  }
  if (whole.pause && !whole.pause->paused)
    trials_.resumed(self);
}

void model::crash(std::uint64_t kept_through) {
  for (auto const& one : log_)
    if (one.number <= kept_through)
      apply(base_, one);
  log_.clear();
  now_ = base_;
  trials_ = trials(run_.addresses_count());
}

model::judgement model::judge(message::change const& whole, std::int64_t now_ms, trials::room letters) const {
  if (whole.departed)
    return {};
  if (!whole.consumed.empty())
    return judge_consumed(whole, now_ms, letters);
  if (whole.pause) {
    auto const& why = whole.pause->paused;
    if (!why || why->cause == message::pause_cause::by_operator)
      return {};
    auto const self = run_.number_of(whole.self);
    auto const* const culprit = trials_.alone(self);
    return {trials_.judge(self, culprit ? *culprit : message::entry_key{}, message::on_failure::pause, letters)};
  }
  if (!whole.dead_letters_gone.empty())
    return {judge_letter_gone(whole)};
  return {whole.delayed_gone.empty() ? judge_accepted(whole) : judge_due(whole, now_ms)};
}

model::judgement model::judge_consumed(message::change const& whole, std::int64_t now_ms, trials::room letters) const {
  using message::on_failure;
  auto const self = run_.number_of(whole.self);
  auto const& first = whole.consumed.front();
  bool const does_nothing = whole.consumed.size() == 1 && whole.messages.empty() && whole.delayed_set.empty() &&
                            whole.delayed_gone.empty() && whole.states.empty() && whole.egress_records.empty();
  if (!whole.dead_letters.empty()) {
    if (auto wrong = judge_letter(whole); !does_nothing || !wrong.empty())
      return {does_nothing ? wrong : "a message is set aside and does something"};
    return {trials_.judge(self, first, on_failure::dead_letter, letters), consumption::set_aside};
  }
  bool const waits = now_.mailboxes[self].contains(first);
  if (does_nothing && waits && may_skip_.contains({self, first}) && (whole.pause || trials_.alone(self)))
    return {{}, consumption::skipped};
  if (does_nothing && waits && trials_.alone(self))
    return {trials_.judge(self, first, on_failure::skip, letters), consumption::skipped};
  auto wrong = judge_turn(whole, now_ms);
  if (!wrong.empty() && does_nothing && waits && may_skip_.contains({self, first}))
    return {{}, consumption::skipped};
  return {wrong};
}

std::string model::judge_letter(message::change const& whole) const {
  auto const& waits = now_.mailboxes[run_.number_of(whole.self)];
  auto const found = waits.find(whole.consumed.front());
  if (whole.dead_letters.size() != 1 || whole.dead_letters[0].message.key != whole.consumed[0] || found == waits.end())
    return to_text(whole.self) + " sets aside what does not wait for it";
  auto const& kept = whole.dead_letters[0].message;
  auto const caller = kept.caller ? std::optional(run_.number_of(*kept.caller)) : std::nullopt;
  if (message_of(kept.value) != found->second.message || caller != found->second.sender)
    return named(found->second.message) + " is set aside as something else";
  return {};
}

std::string model::judge_letter_gone(message::change const& whole) const {
  auto const& key = whole.dead_letters_gone.front();
  auto const found = now_.letters.find(key);
  if (whole.dead_letters_gone.size() != 1 || found == now_.letters.end() ||
      found->second.address != run_.number_of(whole.self))
    return "what is no dead letter of " + to_text(whole.self) + " is replayed or dropped";
  auto const& what = found->second.what;
  if (whole.messages.empty())
    return may_drop_.contains(key) ? std::string() : named(what.message) + " is dropped and nobody asked for it";
  auto const& again = whole.messages.front();
  auto const caller = again.caller ? std::optional(run_.number_of(*again.caller)) : std::nullopt;
  if (whole.messages.size() != 1 || again.target != whole.self || message_of(again.value) != what.message ||
      caller != what.sender)
    return named(what.message) + " is replayed as something else";
  return {};
}

std::string model::judge_accepted(message::change const& whole) const {
  if (whole.messages.size() + whole.delayed_set.size() != 1 || !whole.states.empty() || !whole.egress_records.empty())
    return "a message from outside is not accepted alone";
  auto const& envelope = whole.messages.empty() ? whole.delayed_set[0].message : whole.messages[0];
  auto const message = message_of(envelope.value);
  if (envelope.caller || envelope.target != whole.self || run_.number_of(whole.self) != run_.messages[message].target)
    return named(message) + " has another target or a caller";
  if (now_.ordered[message] != 0)
    return named(message) + " is accepted twice";
  return {};
}

std::string model::judge_due(message::change const& whole, std::int64_t now_ms) const {
  auto const found = now_.delayed.find(whole.delayed_gone[0].row.key);
  if (found == now_.delayed.end())
    return "a delayed message of " + to_text(whole.self) + " fires that is not pending";
  auto const& own = found->second;
  if (now_ms < own.due_ms && !own.was_due)
    return named(own.message) + " fires " + std::to_string(own.due_ms - now_ms) + " ms early";
  if (whole.delayed_gone.size() != 1 || whole.messages.size() != 1 ||
      message_of(whole.messages[0].value) != own.message || run_.number_of(whole.self) != own.owner)
    return named(own.message) + " fires as something else";
  auto const target = run_.messages[own.message].target;
  for (auto const& [key, other] : now_.delayed)
    if (!other.is_behind && other.due_ms < own.due_ms && run_.messages[other.message].target == target)
      return named(own.message) + " fires before " + named(other.message) +
             ", which is due before it at the same address";
  return {};
}

std::string model::judge_turn(message::change const& whole, std::int64_t now_ms) const {
  auto const self = run_.number_of(whole.self);
  auto left = now_.mailboxes[self];
  auto states = carried_[self].seen;
  std::array<bool, states_count> touched{};
  std::vector<message::envelope> sends;
  std::vector<message::delayed_message> sets;
  std::set<message::delayed_key> gone;
  std::vector<std::pair<std::size_t, std::string>> records;

  for (auto const& key : whole.consumed) {
    auto const found = left.find(key);
    if (found == left.end())
      return to_text(whole.self) + " consumes what does not wait for it";
    auto const [message, sender, is_replayed, was_delayed] = found->second;
    for (auto before = left.begin(); before != found; ++before)
      if (before->second.is_replayed == is_replayed &&
          (before->second.sender == sender || (was_delayed && before->second.was_delayed)))
        return named(message) + " overtakes " + named(before->second.message) + " at " + to_text(whole.self);
    left.erase(found);
    std::size_t records_count = 0;
    for (auto const& one : run_.messages[message].does)
      switch (one.what) {
      case verb::add:
        states[one.which] = state{states[one.which].value_or(state{}).value + one.amount, 0};
        touched[one.which] = true;
        break;
      case verb::remove:
        states[one.which].reset();
        touched[one.which] = true;
        break;
      case verb::send:
        sends.push_back({run_.address(run_.messages[one.which].target), whole.self, value_of(one.which)});
        break;
      case verb::send_later:
        sets.push_back({now_ms + one.amount,
                        one.token == 0 ? std::string() : std::to_string(one.token),
                        {run_.address(run_.messages[one.which].target), whole.self, value_of(one.which)}});
        break;
      case verb::cancel: {
        auto const token = std::to_string(one.token);
        std::erase_if(sets, [&](auto const& set) { return set.cancellation_token == token; });
        for (auto const& [pending_key, own] : now_.delayed)
          if (own.owner == self && own.token == token)
            gone.insert({own.due_ms, pending_key});
        break;
      }
      case verb::record:
        records.emplace_back(one.which, record_of(message, records_count++));
        break;
      }
  }

  if (whole.messages != sends)
    return to_text(whole.self) + " sends something else";
  if (whole.delayed_set != sets)
    return to_text(whole.self) + " sets other delayed messages";
  std::set<message::delayed_key> has_gone;
  for (auto const& one : whole.delayed_gone)
    has_gone.insert(one.row);
  if (has_gone != gone || whole.delayed_gone.size() != gone.size())
    return to_text(whole.self) + " cancels other delayed messages";
  if (!std::equal(whole.egress_records.begin(), whole.egress_records.end(), records.begin(), records.end(),
                  [](auto const& has, auto const& wanted) {
                    return egress_of(has.egress) == wanted.first && has.value.bytes == wanted.second;
                  }))
    return to_text(whole.self) + " records something else";
  return judge_states(whole, touched, states, now_ms);
}

// What a turn has seen as expired is deleted; what it has written, and what it has carried and expires after calls,
// lasts from now on.
std::string model::judge_states(message::change const& whole, std::array<bool, states_count> const& touched,
                                state_values const& become, std::int64_t now_ms) const {
  using message::expiration_mode;
  auto const self = run_.number_of(whole.self);
  auto const& last_call = carried_[self];
  std::size_t written_count = 0;
  for (std::size_t i = 0; i < states_count; ++i) {
    auto const& expires = run_.expirations[i];
    auto const& stored = now_.states[self][i];
    auto const expires_at_ms = expires.mode == expiration_mode::none ? 0 : now_ms + expires.after.count();
    bool is_written = touched[i];
    auto wanted = become[i];
    if (wanted)
      wanted->expires_at_ms = expires_at_ms;
    if (!touched[i] && last_call.which[i] && stored) {
      bool const has_expired = !last_call.seen[i];
      auto const moves_by_ms = std::abs(expires_at_ms - stored->expires_at_ms);
      is_written =
          has_expired || (expires.mode == expiration_mode::after_invoke && moves_by_ms > expires.after.count() / 100);
      wanted = has_expired ? std::nullopt : std::optional(state{stored->value, expires_at_ms});
    }
    auto const found = std::find_if(whole.states.begin(), whole.states.end(),
                                    [&](auto const& change) { return change.name == state_name(i); });
    if ((found != whole.states.end()) != is_written)
      return state_name(i) + " of " + to_text(whole.self) + (is_written ? " is not written" : " is written");
    if (!is_written)
      continue;
    ++written_count;
    auto const has = found->value ? found->value->value.bytes : "nothing";
    auto const should = wanted ? std::to_string(wanted->value) : "nothing";
    if (has != should)
      return state_name(i) + " of " + to_text(whole.self) + " becomes " + has + ", not " + should;
    if (wanted && found->value->expires_at_ms != wanted->expires_at_ms)
      return state_name(i) + " of " + to_text(whole.self) + " expires at another time";
  }
  return written_count == whole.states.size() ? std::string() : to_text(whole.self) + " writes other states";
}

void model::time_is(std::int64_t now_ms) {
  if (now_ms < now_ms_)
    was_at_ms_ = std::max(was_at_ms_, now_ms_);
  now_ms_ = now_ms;
  for (auto& [key, own] : now_.delayed)
    own.was_due = own.was_due || own.due_ms <= now_ms;
}

model::state_values const& model::call_begins(std::uint32_t address, std::array<bool, states_count> const& carried) {
  auto& own = carried_[address];
  own.which = carried;
  own.seen = now_.states[address];
  for (auto& one : own.seen)
    if (one && one->has_expired(own.read_at_ms))
      one.reset();
  return own.seen;
}

void model::apply(facts& to, numbered const& next) const {
  auto const& [number, how, whole, clock_was_at_ms] = next;
  to.last_number = number + whole.egress_records.size();
  if (whole.departed)
    return;
  if (whole.pause && whole.self.id.empty()) {
    if (whole.pause->paused)
      to.paused_types.insert(whole.self.type.name);
    else
      to.paused_types.erase(whole.self.type.name);
    return;
  }
  auto const self = run_.number_of(whole.self);
  for (auto const& key : whole.consumed) {
    auto const found = to.mailboxes[self].find(key);
    if (found == to.mailboxes[self].end())
      continue; // the store has kept what does not follow
    if (how == consumption::set_aside)
      to.letters.emplace(key, letter{self, found->second});
    else
      (how == consumption::taken ? to.took_effect : to.let_go)[found->second.message] = true;
    to.mailboxes[self].erase(found);
    --to.waiting_count;
  }
  if (whole.pause && whole.pause->paused)
    to.paused.insert(self);
  else if (whole.pause)
    to.paused.erase(self);
  for (auto const& one : whole.delayed_gone)
    to.delayed.erase(one.row.key);
  for (auto const& key : whole.dead_letters_gone) {
    if (auto const found = to.letters.find(key); whole.messages.empty() && found != to.letters.end())
      to.let_go[found->second.what.message] = true;
    to.letters.erase(key);
  }
  for (auto const& change : whole.states) {
    auto& own = to.states[self][static_cast<std::size_t>(change.name[1] - '0')];
    own.reset();
    if (change.value) {
      std::int64_t value = 0;
      auto const& bytes = change.value->value.bytes;
      std::from_chars(bytes.data(), bytes.data() + bytes.size(), value);
      own = state{value, change.value->expires_at_ms};
    }
  }
  bool const was_delayed = whole.consumed.empty() && !whole.delayed_gone.empty();
  for (std::uint32_t i = 0; i < whole.messages.size(); ++i) {
    auto const& [target, caller, value] = whole.messages[i];
    auto const message = message_of(value);
    if (to.ordered[message] == 0) // a delayed one is sent when it is due
      to.ordered[message] = number;
    to.mailboxes[run_.number_of(target)].emplace(
        message::entry_key{number, i}, waiting{message, caller ? std::optional(run_.number_of(*caller)) : std::nullopt,
                                               !whole.dead_letters_gone.empty(), was_delayed});
    ++to.waiting_count;
  }
  for (std::uint32_t i = 0; i < whole.delayed_set.size(); ++i) {
    auto const& set = whole.delayed_set[i];
    auto const message = message_of(set.message.value);
    if (to.ordered[message] == 0) // a delayed one is sent when it is due
      to.ordered[message] = number;
    auto const sender = set.message.caller ? std::optional(run_.number_of(*set.message.caller)) : std::nullopt;
    to.delayed.emplace(message::entry_key{number, i}, pending{message, self, sender, set.due_ms, set.cancellation_token,
                                                              set.due_ms <= clock_was_at_ms});
  }
  for (auto const& record : whole.egress_records)
    to.records[egress_of(record.egress)].insert(record.value.bytes);
}

} // namespace statefund::simulation
