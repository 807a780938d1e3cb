#pragma once

#include "dispatch/entrance.hpp"
#include "dispatch/shard_data.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <variant>

namespace statefund::dispatch {

// The fourth way: records leave through an egress, and are gone from the store once whoever took them has said so. For
// a queue that is its reader, by the next request. One shard, on its thread; a queue's readers wait on the shard of its
// partition.
class departures {
 public:
  struct links {
    // Records of this egress may be shown: tell the readers, who wait on that shard.
    std::function<void(std::size_t shard, message::egress_id const&)> records_came;
    // The egress is below its low mark: tell every shard.
    std::function<void(message::egress_id const&)> has_room;
  };

  departures(shard_data& data, links others) : data_(data), links_(std::move(others)), loops_(data.executor) {}

  void start() { loops_.start(announce_when_durable()); }
  boost::asio::awaitable<void> close();

  std::size_t shard_of(message::egress_id const& egress) const noexcept;

  // On the shard of the egress.
  boost::asio::awaitable<std::variant<store::egress_page, refusal>> read(egress_request request);
  void records_came(message::egress_id const& egress);
  // The daemon stops: readers get what is there.
  void look_again();

 private:
  struct waiting_readers {
    explicit waiting_readers(boost::asio::any_io_executor const& executor) : changed(executor) {}
    void look_again() {
      ++times;
      changed.notify_all();
    }
    task::event changed;
    std::uint64_t times = 0; // tells who was reading from the store meanwhile
  };

  boost::asio::awaitable<void> announce_when_durable();
  void acknowledge(message::egress_id const& egress, std::uint64_t through_sequence);

  shard_data& data_;
  links links_;
  task::gate loops_;
  std::unordered_map<message::egress_id, std::weak_ptr<waiting_readers>> readers_; // of queues that somebody waits at
};

} // namespace statefund::dispatch
