#include "crash/contents.hpp"

#include <array>

namespace statefund::crash {

namespace asio = boost::asio;

namespace {

message::function_type const type{"ns", "fn"};
std::array<message::address, 6> const addresses{
    {{type, "a"}, {type, "b"}, {type, "c"}, {type, "d"}, {type, "e"}, {type, "f"}}};
std::array<message::egress_id, 2> const egresses{{{"out", "one"}, {"out", "two"}}};
std::array<std::string, 3> const state_names{"small", "large", "other"};
constexpr std::size_t keys_count = 40;
constexpr std::size_t messages_max = 60;
constexpr std::size_t page_max = 100'000;
constexpr std::uint64_t bytes_max = 1U << 30U;

std::size_t below(std::size_t end, std::mt19937_64& chance) {
  return static_cast<std::size_t>(chance() % end);
}

bool one_in(std::size_t count, std::mt19937_64& chance) {
  return below(count, chance) == 0;
}

template <class All>
auto const& any_of(All const& all, std::mt19937_64& chance) {
  return *std::next(all.begin(), static_cast<std::ptrdiff_t>(below(all.size(), chance)));
}

std::string bytes(std::size_t count, std::mt19937_64& chance) {
  std::string all(count, '\0');
  for (auto& one : all)
    one = static_cast<char>(chance());
  return all;
}

message::typed_value value(std::mt19937_64& chance) {
  return {"t", true, bytes(1 + below(300, chance), chance)};
}

std::string key_name(std::size_t i) {
  return "key " + std::to_string(i);
}

void consume(message::change& whole, contents const& now, std::size_t count_max) {
  auto const waiting = now.mailboxes.find(whole.self);
  if (waiting == now.mailboxes.end())
    return;
  for (auto const& [key, one] : waiting->second)
    if (whole.consumed.size() < count_max)
      whole.consumed.push_back(key);
}

std::size_t messages_count(contents const& now) {
  std::size_t count = 0;
  for (auto const& [target, waiting] : now.mailboxes)
    count += waiting.size();
  return count;
}

message::change a_turn(contents const& now, std::mt19937_64& chance) {
  message::change whole;
  whole.self = any_of(addresses, chance);
  consume(whole, now, 1 + below(4, chance));
  for (auto const& name : state_names) {
    if (one_in(2, chance))
      continue;
    auto const size = name == "large" ? 500 + below(2500, chance) : below(40, chance);
    whole.states.push_back({name, std::nullopt});
    if (!one_in(5, chance))
      whole.states.back().value = message::stored_value{{"t", true, bytes(size, chance)}, 0};
  }
  if (messages_count(now) < messages_max)
    for (auto left = below(3, chance); left > 0; --left)
      whole.messages.push_back({any_of(addresses, chance), whole.self, value(chance)});
  for (auto left = below(3, chance); left > 0; --left)
    whole.egress_records.push_back({any_of(egresses, chance), value(chance)});
  if (one_in(4, chance))
    whole.delayed_set.push_back({static_cast<std::int64_t>(1000 + below(5, chance)),
                                 one_in(2, chance) ? "token" : "",
                                 {any_of(addresses, chance), whole.self, value(chance)}});
  if (one_in(10, chance))
    whole.position = message::source_position{"source", static_cast<std::int64_t>(below(1000, chance))};
  return whole;
}

message::change an_acceptance(std::mt19937_64& chance) {
  message::change whole;
  whole.self = any_of(addresses, chance);
  whole.messages.push_back({whole.self, std::nullopt, value(chance)});
  if (one_in(2, chance))
    whole.key = message::accepted_key{key_name(below(keys_count, chance)), bytes(8, chance), INT64_MAX};
  return whole;
}

message::change a_delayed_end(contents const& now, std::mt19937_64& chance) {
  message::change whole;
  auto const& [key, set] = any_of(now.delayed, chance);
  whole.self = set.first;
  whole.delayed_gone = {{key, set.second.cancellation_token}};
  if (one_in(2, chance))
    whole.messages = {set.second.message};
  return whole;
}

message::change an_acknowledgement(contents const& now, std::mt19937_64& chance) {
  message::change whole;
  auto const& [egress, held] = any_of(now.queues, chance);
  auto const through = held.records.empty() ? held.last_sequence : any_of(held.records, chance).first;
  whole.departed = message::departure{egress, through};
  return whole;
}

message::change a_setting_aside(contents const& now, std::mt19937_64& chance) {
  message::change whole;
  whole.self = any_of(addresses, chance);
  consume(whole, now, 1);
  for (auto const& key : whole.consumed) {
    auto const& one = now.mailboxes.at(whole.self).at(key);
    whole.dead_letters.push_back({{key, one.caller, one.value}, "it is refused", 7});
  }
  return whole;
}

message::change a_replay(contents const& now, std::mt19937_64& chance) {
  message::change whole;
  auto const& [id, letter] = any_of(now.dead_letters, chance);
  whole.self = id.self;
  whole.dead_letters_gone = {id.key};
  if (one_in(2, chance))
    whole.messages = {{id.self, letter.message.caller, letter.message.value}};
  return whole;
}

message::change a_pause(contents const& now, std::mt19937_64& chance) {
  message::change whole;
  whole.self = any_of(addresses, chance);
  whole.pause = message::pause_row{};
  if (!now.pauses.contains(whole.self))
    whole.pause->paused = message::pause{message::pause_cause::by_operator, "for a while", 8};
  return whole;
}

template <class Member>
void compare(std::string& into, char const* name, Member const& found, Member const& expected) {
  if (found != expected)
    into += std::string(into.empty() ? "" : ", ") + name + " (" + std::to_string(found.size()) + " found, " +
            std::to_string(expected.size()) + " expected)";
}

} // namespace

void contents::apply(message::change const& next, std::uint64_t number) {
  if (auto const own = mailboxes.find(next.self); own != mailboxes.end()) {
    for (auto const& key : next.consumed)
      own->second.erase(key);
    if (own->second.empty())
      mailboxes.erase(own);
  }
  for (auto const& one : next.states)
    if (one.value)
      states[{next.self, one.name}] = *one.value;
    else
      states.erase({next.self, one.name});
  for (std::uint32_t i = 0; i < next.messages.size(); ++i)
    mailboxes[next.messages[i].target][{number, i}] = next.messages[i];
  for (std::uint32_t i = 0; i < next.delayed_set.size(); ++i)
    delayed[{next.delayed_set[i].due_ms, {number, i}}] = {next.self, next.delayed_set[i]};
  for (auto const& one : next.delayed_gone)
    delayed.erase(one.row);
  auto sequence = number;
  for (auto const& one : next.egress_records) {
    auto& to = queues[one.egress];
    to.records[++sequence] = {next.self, one.value};
    to.last_sequence = sequence;
  }
  if (next.key)
    keys[{next.self, next.key->idempotency_key}] = {*next.key, {number, 0}};
  if (next.pause && next.pause->paused)
    pauses[next.self] = *next.pause->paused;
  else if (next.pause)
    pauses.erase(next.self);
  for (auto const& one : next.dead_letters)
    dead_letters[{one.message.key, next.self}] = one;
  for (auto const& key : next.dead_letters_gone)
    dead_letters.erase({key, next.self});
  if (next.departed) {
    auto& records = queues[next.departed->egress].records;
    records.erase(records.begin(), records.upper_bound(next.departed->through_sequence));
  }
}

std::string difference(contents const& found, contents const& expected) {
  std::string all;
  compare(all, "mailboxes", found.mailboxes, expected.mailboxes);
  compare(all, "delayed messages", found.delayed, expected.delayed);
  compare(all, "pauses", found.pauses, expected.pauses);
  compare(all, "states", found.states, expected.states);
  compare(all, "keys", found.keys, expected.keys);
  compare(all, "egresses", found.queues, expected.queues);
  compare(all, "dead letters", found.dead_letters, expected.dead_letters);
  return all;
}

std::uint64_t order::last_number(std::size_t count) const {
  if (count == 0)
    return 0;
  auto const& [whole, number] = changes_[count - 1];
  return number + whole.egress_records.size();
}

std::optional<std::size_t> order::count_through(std::uint64_t last) const {
  for (std::size_t count = 0; count <= size(); ++count)
    if (last_number(count) == last)
      return count;
  return std::nullopt;
}

contents order::after(std::size_t count) const {
  contents all;
  for (std::size_t i = 0; i < count; ++i)
    all.apply(changes_[i].first, changes_[i].second);
  return all;
}

message::change next_change(contents const& now, std::mt19937_64& chance) {
  switch (below(12, chance)) {
  case 0:
  case 1:
    return an_acceptance(chance);
  case 2:
    return now.delayed.empty() ? an_acceptance(chance) : a_delayed_end(now, chance);
  case 3:
    return now.queues.empty() ? an_acceptance(chance) : an_acknowledgement(now, chance);
  case 4:
    return a_setting_aside(now, chance);
  case 5:
    return now.dead_letters.empty() ? a_setting_aside(now, chance) : a_replay(now, chance);
  case 6:
    return a_pause(now, chance);
  default:
    return a_turn(now, chance);
  }
}

asio::awaitable<result<std::map<contents::name_of_address, message::stored_value>>> read_states(store::store& from,
                                                                                                message::address self) {
  message::state_specs wanted;
  for (auto const& name : state_names)
    wanted.push_back({name, {}, {}});
  auto values = co_await from.read(self, wanted);
  if (!values)
    co_return values.error();
  std::map<contents::name_of_address, message::stored_value> all;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if ((*values)[i])
      all[{self, wanted[i].name}] = std::move(*(*values)[i]);
  co_return all;
}

asio::awaitable<result<contents>> read_all(store::store& from) {
  contents all;
  for (std::uint32_t partition = 0; partition < from.partition_count(); ++partition) {
    std::optional<std::string> next = "";
    while (next) {
      auto part = co_await from.recover(partition, *next);
      if (!part)
        co_return part.error();
      for (auto& one : part->messages)
        all.mailboxes[one.envelope.target][one.key] = std::move(one.envelope);
      for (auto& one : part->pauses)
        all.pauses[one.self] = std::move(one.why);
      next = std::move(part->next);
    }
    auto delayed = co_await from.read_delayed(partition, {INT64_MIN, {}}, {INT64_MAX, {}}, SIZE_MAX, UINT64_MAX);
    if (!delayed)
      co_return delayed.error();
    for (auto& one : *delayed)
      all.delayed[one.row()] = {one.owner, std::move(one.set)};
  }
  for (auto const& self : addresses) {
    auto states = co_await read_states(from, self);
    if (!states)
      co_return states.error();
    all.states.merge(*states);
    for (std::size_t i = 0; i < keys_count; ++i) {
      auto const name = key_name(i);
      auto row = co_await from.read_key(self, name);
      if (!row)
        co_return row.error();
      if (*row)
        all.keys[{self, name}] = {(*row)->key, (*row)->first};
    }
  }
  for (auto const& egress : egresses) {
    if (!from.find_account(egress))
      continue;
    auto page = co_await from.read_egress(egress, 0, page_max, bytes_max);
    if (!page)
      co_return page.error();
    auto& to = all.queues[egress];
    to.last_sequence = page->last_sequence;
    for (auto& one : page->records)
      to.records[one.sequence] = {std::move(one.from), std::move(one.value)};
  }
  store::dead_letter_filter const all_letters;
  std::optional<store::dead_letter_id> const from_the_first;
  auto letters = co_await from.read_dead_letters(all_letters, from_the_first, page_max, bytes_max);
  if (!letters)
    co_return letters.error();
  for (auto& one : *letters)
    all.dead_letters[one.id()] = std::move(one.letter);
  co_return all;
}

} // namespace statefund::crash
