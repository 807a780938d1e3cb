#include "dispatch/inspector.hpp"

#include "dispatch/refill.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace statefund::dispatch {

namespace asio = boost::asio;
using mailbox::phase;

namespace {

constexpr std::array<std::pair<standing, std::string_view>, 7> standing_names{{{standing::idle, "idle"},
                                                                               {standing::ready, "ready"},
                                                                               {standing::in_flight, "in_flight"},
                                                                               {standing::backing_off, "backing_off"},
                                                                               {standing::held, "held"},
                                                                               {standing::paused, "paused"},
                                                                               {standing::unbound, "unbound"}}};

// So many are looked at before the shard does something else: some hundred microseconds.
constexpr std::size_t slice_count = 1'000;
constexpr std::uint64_t slice_bytes_max = 1U << 20U;

standing standing_of(mailbox::mailbox const& box, lane const& type) {
  if (box.stands == phase::idle)
    return standing::idle;
  if (box.stands == phase::in_flight)
    return standing::in_flight;
  if (box.paused || type.paused)
    return standing::paused;
  if (!type.callee)
    return standing::unbound;
  if (box.stands == phase::backing_off)
    return standing::backing_off;
  return box.stands == phase::held ? standing::held : standing::ready;
}

std::optional<clock::steady::time_point> oldest_of(mailbox::mailbox const& box) {
  if (box.out)
    return box.taken_since();
  return box.waiting_count() > 0 ? std::optional(box.oldest_since) : std::nullopt;
}

address_summary summary_of(mailbox::mailbox const& box, lane const& type) {
  address_summary seen;
  seen.self = box.self();
  seen.stands = standing_of(box, type);
  seen.messages_count = box.waiting_count();
  seen.bytes = box.waiting_bytes();
  if (box.out) {
    seen.messages_count += box.out->size();
    for (auto const& one : *box.out)
      seen.bytes += message::buffered_bytes(one);
  }
  seen.oldest_since = oldest_of(box);
  seen.failures_count = box.failures_count;
  seen.last_error = box.last_error;
  if (seen.stands == standing::backing_off)
    seen.next_attempt = box.next_attempt;
  return seen;
}

message_summary summary_of(message::invocation const& one) {
  return {one.key, one.value.type_name, one.value.bytes.size(), one.caller};
}

// A paused address for which nothing waits comes last.
using since = std::optional<clock::steady::time_point>;

bool is_longer(since const& of, message::address const& self, address_summary const& than) {
  if (of == than.oldest_since)
    return self < than.self;
  return of && (!than.oldest_since || *of < *than.oldest_since);
}

bool has_waited_longer(address_summary const& one, address_summary const& other) {
  return is_longer(one.oldest_since, one.self, other);
}

// Of the mailboxes that are shown, those that have waited longest: a heap, whose first has waited least of them.
void see(shard_data& data, mailbox::mailbox const& box, address_filter const& wanted, address_list& into) {
  if (box.stands == phase::idle || (wanted.type && !(*wanted.type == box.self().type)))
    return;
  lane const& type = data.types.open(box.self().type);
  if (wanted.stands && *wanted.stands != standing_of(box, type))
    return;
  ++into.total_count;
  auto& kept = into.addresses;
  if (kept.size() == wanted.addresses_max) {
    if (kept.empty() || !is_longer(oldest_of(box), box.self(), kept.front()))
      return;
    std::pop_heap(kept.begin(), kept.end(), has_waited_longer);
    kept.pop_back();
  }
  kept.push_back(summary_of(box, type));
  std::push_heap(kept.begin(), kept.end(), has_waited_longer);
}

std::string why_held(mailbox::held_for const& what) {
  if (auto const* const full = std::get_if<mailbox::egress_room>(&what))
    return "the egress " + to_text(full->egress) + " is full; it goes on once records are acknowledged";
  if (std::holds_alternative<mailbox::another_egress>(what))
    return "it writes to an egress that is not there and that no module declares, and limits.egress_queues_max are; it "
           "goes on once a module declares it";
  if (auto const* const unbound = std::get_if<mailbox::unbound_room>(&what))
    return "enough waits for " + to_text(unbound->type) +
           ", which no module declares; it goes on once that is declared";
  if (std::holds_alternative<mailbox::disk_room>(what))
    return "it adds more than it consumes, and the disk is almost full; it goes on once there is room again";
  return "it sends more than it consumes, and memory is full; it goes on once others have consumed";
}

std::string why_of(mailbox::mailbox const& box, standing stands) {
  switch (stands) {
  case standing::in_flight:
    return box.out ? "its call is out, with " + std::to_string(box.out->size()) +
                         (box.out->size() == 1 ? " message" : " messages")
                   : "its turn begins";
  case standing::backing_off:
    return "its last call failed; it is called again after a back-off";
  case standing::held:
    return why_held(*box.waits_for);
  case standing::unbound:
    return "no module declares " + to_text(box.self().type);
  case standing::idle:
  case standing::paused:
  case standing::ready:
    break;
  }
  return {};
}

// Those that only the store has.
template <class See>
asio::awaitable<result<void>> look_at_far(shard_data& data, std::uint32_t partition, See const& see) {
  auto& pending = data.delayed;
  auto after = pending.loaded_through();
  message::delayed_key const last{INT64_MAX, {UINT64_MAX, UINT32_MAX}};
  for (bool all_seen = false; !all_seen;) {
    removed_rows::read const looked_at(pending.removed());
    auto const rows = co_await data.store.read_delayed(partition, after, last, slice_count, slice_bytes_max);
    if (!rows)
      co_return rows.error();
    for (auto const& row : *rows) {
      after = row.row();
      if (!pending.contains(row.key) && !pending.removed().contains(row.key))
        see(row.owner, row.set.due_ms);
    }
    all_seen = rows->empty();
    auto others = asio::post(data.executor, asio::deferred);
    co_await std::move(others);
  }
  co_return result<void>{};
}

} // namespace

std::string_view to_string(standing value) noexcept {
  return standing_names[static_cast<std::size_t>(value)].second;
}

std::optional<standing> parse_standing(std::string_view text) noexcept {
  for (auto const& [value, name] : standing_names)
    if (name == text)
      return value;
  return std::nullopt;
}

dead_letter_summary summary_of(store::dead_letter_row const& row) {
  return {summary_of(row.letter.message), row.self, row.letter.reason, row.letter.at_ms};
}

asio::awaitable<address_list> list_addresses(shard_data& data, address_filter const& wanted) {
  address_list found;
  auto const looks = [&](mailbox::mailbox const& box) { see(data, box, wanted, found); };
  mailbox::walk at;
  for (;;) {
    auto const end = data.mailboxes.step(at, slice_count, looks);
    if (end == mailbox::walk_end::all_seen)
      co_return found;
    if (end == mailbox::walk_end::over_again)
      found = {};
    auto others = asio::post(data.executor, asio::deferred);
    co_await std::move(others);
    auto const caller = co_await asio::this_coro::cancellation_state;
    if (caller.cancelled() != asio::cancellation_type::none)
      co_return found;
  }
}

asio::awaitable<result<address_detail>> describe(shard_data& data, message::address const& self) {
  address_detail seen;
  seen.summary.self = self;
  auto const counts = [&](message::address const& owner, std::int64_t due_ms) {
    if (!(owner == self))
      return;
    ++seen.delayed_count;
    seen.delayed_next_due_ms = std::min(seen.delayed_next_due_ms.value_or(due_ms), due_ms);
  };
  auto const looks = [&](delayed_table::entry const& one) { counts(one.owner, one.set.due_ms); };
  data.delayed.for_each_set_aside(looks); // first: what is set aside meanwhile was seen before it was
  std::optional<message::delayed_key> after;
  while (data.delayed.step(after, slice_count, looks)) {
    auto others = asio::post(data.executor, asio::deferred);
    co_await std::move(others);
  }
  data.delayed.for_each_beyond(looks);
  if (data.process.delayed_far_count > 0) {
    auto const done = co_await look_at_far(data, message::partition_of(self, data.place.partition_count), counts);
    if (!done)
      co_return done.error();
  }
  auto states = co_await data.store.list_states(self);
  if (!states)
    co_return states.error();
  seen.states = std::move(*states);
  if (auto const* const box = data.mailboxes.find(self); box && !box->out && box->head_is_on_disk()) {
    auto const filled = co_await refill(data, self);
    if (!filled) {
      error const lost{store::errc::lost, {}};
      co_return lost;
    }
  }
  if (auto const* const box = data.mailboxes.find(self); box) {
    lane const& type = data.types.open(self.type);
    seen.summary = summary_of(*box, type);
    if (box->out)
      seen.head = summary_of(box->out->front());
    else if (box->head_count() > 0)
      seen.head = summary_of(box->head());
    seen.why = why_of(*box, seen.summary.stands);
    if (box->paused)
      seen.paused = pause_summary{*box->paused, paused_with::itself};
    else if (type.paused)
      seen.paused = pause_summary{*type.paused, paused_with::its_type};
    seen.home = type.home;
  }
  co_return seen;
}

std::string why_not_called(shard_data& home, message::function_type const& type) {
  if (home.process.state.load(std::memory_order_relaxed) == serving_state::paused)
    return "the daemon is paused";
  lane const& own = home.types.open(type);
  if (own.not_reached_count > 0)
    return "its endpoint is not reached, and is tried by one call at a time: " + own.last_error;
  if (own.workers_count >= own.open_permits_count)
    return "all calls that its type may have out here are out: " + std::to_string(own.workers_count);
  return "all calls that the daemon may have out here are out (limits.calls_in_flight_max)";
}

address_list merge(std::vector<address_list> of_shards, std::size_t addresses_max) {
  address_list all;
  for (auto& one : of_shards) {
    all.total_count += one.total_count;
    std::move(one.addresses.begin(), one.addresses.end(), std::back_inserter(all.addresses));
  }
  std::sort(all.addresses.begin(), all.addresses.end(), has_waited_longer);
  if (all.addresses.size() > addresses_max)
    all.addresses.resize(addresses_max);
  return all;
}

} // namespace statefund::dispatch
