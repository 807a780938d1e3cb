#include "dispatch/departures.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace statefund::dispatch {

namespace asio = boost::asio;

namespace {
// Each client that does not take its answer holds as much, and what is written of it.
constexpr std::uint64_t page_bytes_max = 1U << 20U;
} // namespace

std::size_t departures::shard_of(message::egress_id const& egress) const noexcept {
  return message::partition_of(egress, data_.place.partition_count) % data_.place.shards_count;
}

asio::awaitable<void> departures::announce_when_durable() {
  for (;;) {
    if (!data_.delivered.has_departures()) {
      auto const never = clock::deadline::never();
      auto const end = co_await data_.delivered.departures_changed().wait(never);
      if (end == task::wait_end::cancelled)
        co_return;
    }
    // What is ready to run may have records too: one notice for all of them, not one for each.
    auto others = asio::post(data_.executor, asio::deferred);
    co_await std::move(others);
    auto const coming = data_.delivered.take_departures();
    auto const kept = co_await data_.store.durable(coming.ordered);
    if (!kept) {
      data_.store_lost(kept.error());
      co_return;
    }
    for (auto const& egress : coming.egresses)
      links_.records_came(shard_of(egress), egress);
  }
}

asio::awaitable<std::variant<store::egress_page, refusal>> departures::read(egress_request request) {
  auto const account = data_.store.find_account(request.egress);
  if (!account && !data_.declared->is_declared_egress(request.egress))
    co_return refusal{number::egress_unknown,
                      "the egress " + to_text(request.egress) + " is neither declared by a module nor ever written",
                      std::nullopt};
  auto const after = request.after.value_or(0);
  if (request.after) {
    auto const given = co_await data_.store.read_egress(request.egress, after, 1, 0);
    if (!given) {
      data_.store_lost(given.error());
      co_return refusal{number::not_accepting, "the store was lost", std::nullopt};
    }
    if (after > given->last_sequence)
      co_return refusal{number::sequence_ahead,
                        "after=" + std::to_string(after) + " is above the last sequence given out, " +
                            std::to_string(given->last_sequence) + "; nothing was removed",
                        std::nullopt};
    if (!request.peek)
      acknowledge(request.egress, after);
  }
  auto& known = readers_[request.egress];
  auto came = known.lock();
  if (!came)
    known = came = std::make_shared<waiting_readers>(data_.executor);
  for (;;) {
    auto const before = came->times;
    auto page = co_await data_.store.read_egress(request.egress, after, request.records_max, page_bytes_max);
    if (!page) {
      data_.store_lost(page.error());
      co_return refusal{number::not_accepting, "the store was lost", std::nullopt};
    }
    bool const stops = data_.process.state.load(std::memory_order_relaxed) >= serving_state::draining;
    bool const answers = !page->records.empty() || stops || request.wait_until.reached();
    if (!answers && came->times != before)
      continue;
    if (!answers) {
      auto const end = co_await came->changed.wait(request.wait_until);
      if (end != task::wait_end::cancelled)
        continue;
    }
    came.reset();
    if (auto const own = readers_.find(request.egress); own != readers_.end() && own->second.expired())
      readers_.erase(own);
    co_return std::move(*page);
  }
}

void departures::acknowledge(message::egress_id const& egress, std::uint64_t through_sequence) {
  auto const account = data_.store.find_account(egress);
  if (!account)
    return; // a look makes no egress
  message::change whole;
  whole.departed = message::departure{egress, through_sequence};
  data_.store.commit(whole); // its answer need not wait: losing it only repeats records
  if (data_.chosen.egress_queue.has_room_again(account->bytes.load()))
    links_.has_room(egress);
}

void departures::records_came(message::egress_id const& egress) {
  if (auto const found = readers_.find(egress); found != readers_.end())
    if (auto const waiting = found->second.lock())
      waiting->look_again();
}

void departures::look_again() {
  for (auto& [egress, readers] : readers_)
    if (auto const waiting = readers.lock())
      waiting->look_again();
}

asio::awaitable<void> departures::close() {
  loops_.cancel();
  co_await loops_.close();
}

} // namespace statefund::dispatch
