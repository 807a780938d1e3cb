#include "dispatch/refill.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace statefund::dispatch {

namespace asio = boost::asio;

namespace {

// A read costs a look into the store, however small a type's batches are.
constexpr std::size_t rows_read_min = 100;

std::size_t head_messages_max(shard_data const& data, lane const& type) {
  return std::min(data.chosen.head_messages_max, std::max(type.limits.batch_messages_max, rows_read_min));
}

// One read at most: of the room that is left in memory a part, so that others find some, too; or one message.
std::uint64_t bytes_read_max(shard_data const& data, lane const& type) {
  auto const held_bytes = data.process.buffered_bytes.load(std::memory_order_relaxed);
  return std::min(type.limits.payload_bytes_max, data.chosen.memory.room_bytes(held_bytes) / 8);
}

message::batch to_batch(std::vector<store::kept_message> rows) {
  message::batch all;
  all.reserve(rows.size());
  for (auto& [key, envelope] : rows)
    all.push_back({key, std::move(envelope.caller), std::move(envelope.value)});
  return all;
}

error unmet(mailbox::mailbox const& own, std::size_t rows_count) {
  return {store::errc::lost, "of the mailbox of " + to_text(own.self()) + " " + std::to_string(own.on_disk()->count) +
                                 " messages were left to the store from " + to_text(own.on_disk()->after) + " to " +
                                 to_text(own.on_disk()->through) + ", and the next " + std::to_string(rows_count) +
                                 " rows that it has there are not these"};
}

} // namespace

mailbox::mailbox::extent head_of(shard_data const& data, mailbox::mailbox const& own, lane const& type) {
  return own.head_within(head_messages_max(data, type), type.limits.payload_bytes_max);
}

bool wants_refill(shard_data const& data, mailbox::mailbox const& own, lane const& type) {
  if (!own.on_disk())
    return false;
  auto const wanted_count = std::min(data.chosen.head_messages_max, type.limits.batch_messages_max);
  return own.head_count() == 0 || (own.head_count() < wanted_count && own.head_bytes() < type.limits.payload_bytes_max);
}

asio::awaitable<bool> refill(shard_data& data, message::address self) {
  for (;;) {
    auto* const own = data.mailboxes.find(self);
    if (!own)
      co_return true;
    lane const& type = data.types.open(self.type);
    if (!wants_refill(data, *own, type))
      co_return true;
    if (!own->is_read)
      break;
    auto const end = co_await data.refilled.wait(clock::deadline::never());
    if (end == task::wait_end::cancelled)
      co_return false;
  }
  auto& own = *data.mailboxes.find(self); // stays while it is read, for something waits
  lane const& type = data.types.open(self.type);
  auto const missing = *own.on_disk();
  auto const bytes_max = bytes_read_max(data, type);
  auto const head_max = head_messages_max(data, type);
  auto const count_max = std::clamp<std::size_t>(bytes_max / message::message_overhead_bytes, 1,
                                                 head_max - std::min(own.head_count(), head_max - 1));
  auto const reserved = static_cast<std::int64_t>(bytes_max);
  own.is_read = true;
  data.process.buffered_bytes.fetch_add(reserved, std::memory_order_relaxed);
  auto rows = co_await data.store.read_messages(self, missing.after, missing.through, count_max, bytes_max);
  data.process.buffered_bytes.fetch_sub(reserved, std::memory_order_relaxed);
  own.is_read = false;
  data.refilled.notify_all();
  if (!rows) {
    data.store_lost(rows.error());
    co_return false;
  }
  auto const rows_count = rows->size();
  auto const before = own.memory_bytes();
  if (!own.refill(to_batch(std::move(*rows)))) {
    data.store_lost(unmet(own, rows_count));
    co_return false;
  }
  data.process.buffered_bytes.fetch_add(static_cast<std::int64_t>(own.memory_bytes() - before),
                                        std::memory_order_relaxed);
  data.delivered.look_at_memory();
  co_return true;
}

} // namespace statefund::dispatch
