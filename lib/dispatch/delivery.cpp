#include "dispatch/delivery.hpp"

#include "log/log.hpp"

#include <boost/asio/post.hpp>

namespace statefund::dispatch {

namespace asio = boost::asio;

namespace {
constexpr log::logger logger{"dispatch"};
} // namespace

delivery::delivery(place const& own, asio::any_io_executor executor, mailbox::mailboxes& mailboxes, lanes& types,
                   delayed_table& delayed, watermarks& marks, totals& counts, mailbox::memory_mark const& memory,
                   std::uint64_t unbound_bytes_max, links others)
    : own_(own),
      executor_(std::move(executor)),
      mailboxes_(mailboxes),
      types_(types),
      delayed_(delayed),
      watermarks_(marks),
      totals_(counts),
      memory_(memory),
      unbound_bytes_max_(unbound_bytes_max),
      links_(std::move(others)),
      alarm_changed_(executor_),
      departures_changed_(executor_),
      memory_grown_(executor_),
      outgoing_(own.shards_count) {}

std::size_t delivery::shard_of(message::address const& target) const noexcept {
  return message::partition_of(target, own_.partition_count) % own_.shards_count;
}

void delivery::release(message::change& whole, store::ticket ordered) noexcept {
  auto const number = ordered.number();
  std::int64_t bytes = 0;
  for (std::uint32_t i = 0; i < whole.messages.size(); ++i) {
    ordered_message next{{number, i}, std::move(whole.messages[i])};
    bytes += static_cast<std::int64_t>(message::buffered_bytes(next.envelope));
    if (auto const shard = shard_of(next.envelope.target); shard == own_.shard) {
      arrived(std::move(next));
    } else {
      outgoing_[shard].push_back(std::move(next));
      if (!std::exchange(flush_posted_, true))
        asio::post(executor_, [this] { flush(); });
    }
  }
  totals_.pending_messages_count.fetch_add(static_cast<std::int64_t>(whole.messages.size()), std::memory_order_relaxed);
  totals_.buffered_bytes.fetch_add(bytes, std::memory_order_relaxed);

  for (auto const& one : whole.delayed_gone)
    delayed_.remove(one.row.key, ordered);
  for (std::uint32_t i = 0; i < whole.delayed_set.size(); ++i)
    delayed_.add({{number, i}, whole.self, std::move(whole.delayed_set[i])});
  if (!whole.delayed_set.empty())
    watermarks_.lower(own_.shard, delayed_.none_due_before_ms());
  look_at_memory();
  if (!whole.delayed_set.empty() || !whole.delayed_gone.empty())
    alarm_changed_.notify_all();

  if (whole.egress_records.empty())
    return;
  bool const first_to_depart = !has_departures();
  departing_.ordered.merge(ordered);
  for (auto const* egress : message::egresses_of(whole.egress_records))
    departing_.egresses.insert(*egress);
  if (first_to_depart)
    departures_changed_.notify_all();
}

void delivery::consumed(message::batch const& gone) noexcept {
  std::int64_t bytes = 0;
  for (auto const& one : gone)
    bytes += static_cast<std::int64_t>(message::buffered_bytes(one));
  totals_.buffered_bytes.fetch_sub(bytes, std::memory_order_relaxed);
  totals_.pending_messages_count.fetch_sub(static_cast<std::int64_t>(gone.size()), std::memory_order_relaxed);
}

void delivery::push(mailbox::mailbox& box, lane& type, ordered_message one, kept_in where) {
  auto& [target, caller, value] = one.envelope;
  auto const bytes = message::buffered_bytes(caller, value);
  if (!type.callee && type.addresses_count == 0)
    logger.warning(
        {number::function_unbound, "a function has sent a message to a type that no module declares; it waits"},
        {{"address", to_text(target)}, {"caller", caller ? to_text(*caller) : std::string()}});
  ++type.waiting_messages_count;
  type.waiting_bytes += bytes;
  if (!type.callee && !type.unbound_is_full && type.waiting_bytes >= unbound_bytes_max_) {
    type.unbound_is_full = true;
    links_.tell_full(target.type);
  }
  bool const was_shut = box.is_shut();
  mailbox::marks const bounds{type.limits.waiting_max};
  if (where == kept_in::disk)
    box.push_on_disk(one.key, bytes, bounds);
  else
    box.push({one.key, std::move(caller), std::move(value)}, bounds);
  type.shut_count += box.is_shut() && !was_shut ? 1 : 0;
}

void delivery::becomes_ready(mailbox::mailbox& box, lane& type) {
  ++type.addresses_count;
  box.stands = mailbox::phase::ready;
  types_.ready(type, {own_.shard, &box});
}

void delivery::arrived(ordered_message one) {
  auto& box = mailboxes_.open(one.envelope.target);
  auto& type = types_.open(one.envelope.target.type);
  push(box, type, std::move(one), kept_in::memory);
  ++type.counters.in_total;
  if (box.stands == mailbox::phase::idle && !box.paused) // while it is loaded
    becomes_ready(box, type);
}

void delivery::loaded(ordered_message one) {
  auto& box = mailboxes_.open(one.envelope.target);
  if (auto const newest = box.newest_key(); newest && one.key <= *newest)
    return;
  totals_.pending_messages_count.fetch_add(1, std::memory_order_relaxed);
  auto const where = place_of_next(box);
  if (where == kept_in::memory)
    totals_.buffered_bytes.fetch_add(static_cast<std::int64_t>(message::buffered_bytes(one.envelope)),
                                     std::memory_order_relaxed);
  auto& type = types_.open(one.envelope.target.type);
  push(box, type, std::move(one), where);
}

delivery::kept_in delivery::place_of_next(mailbox::mailbox const& box) const {
  auto const held_bytes = totals_.buffered_bytes.load(std::memory_order_relaxed);
  if (box.waiting_count() == 0)
    return memory_.admits(held_bytes, 0) ? kept_in::memory : kept_in::disk;
  return box.on_disk() || memory_.excess_bytes(held_bytes) > 0 ? kept_in::disk : kept_in::memory;
}

void delivery::loaded(message::address const& self, message::pause why) {
  mailboxes_.open(self).paused = std::move(why);
}

void delivery::all_loaded() {
  for (auto& [self, box] : mailboxes_) {
    if (box.stands != mailbox::phase::idle)
      continue; // another shard's turns may have begun
    auto& type = types_.open(self.type);
    if (!box.paused) {
      becomes_ready(box, type);
      continue;
    }
    ++type.addresses_count;
    ++type.paused_count;
    box.stands = mailbox::phase::paused;
  }
}

void delivery::flush() {
  flush_posted_ = false;
  for (std::size_t shard = 0; shard < outgoing_.size(); ++shard)
    if (!outgoing_[shard].empty())
      links_.send(shard, std::exchange(outgoing_[shard], {}));
}

} // namespace statefund::dispatch
