#pragma once

#include "clock/clock.hpp"
#include "endpoint/connection.hpp"
#include "task/gate.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <vector>

namespace statefund::endpoint {

// The connections of one function type on one shard, on the shard's thread. There is no queue: dispatch lets no more
// calls out than the pool has room for. Lives until its close has been awaited and its leases are gone.
class pool {
 private:
  using connections = std::list<connection>;

 public:
  // `ttl`: an idle connection's age at most, counted from its opening; absent: any.
  pool(boost::asio::any_io_executor executor, std::size_t size, std::optional<std::chrono::nanoseconds> ttl);
  ~pool(); // requires that it was closed
  pool(pool const&) = delete;
  pool& operator=(pool const&) = delete;

  // A place in the pool, and the connection in it once one was put there. Its end closes both, unless the connection
  // was given back before.
  class lease {
   public:
    lease(lease&& other) noexcept;
    lease& operator=(lease&&) = delete;
    ~lease();

    bool has_connection() const noexcept { return held_.has_value(); }
    connection& operator*() const noexcept { return **held_; }
    connection* operator->() const noexcept { return &**held_; }

    void put(stream_socket connected);
    // It becomes idle if it may be used again, else it is closed.
    void give_back() &&;

   private:
    friend pool;
    lease(pool& of, std::optional<connections::iterator> held) noexcept : of_(&of), held_(held) {}
    pool* of_;
    std::optional<connections::iterator> held_;
  };

  // The idle connection that was used last, of those that are still open and young enough; else an empty place.
  // Requires fewer than `size` leases.
  lease take();
  // An empty place, though there may be idle connections.
  lease take_empty();

  std::size_t open_count() const noexcept { return opened_.size(); }
  std::size_t idle_count() const noexcept { return idle_.size(); }

  // Closes what is idle, and from now on whatever is given back.
  boost::asio::awaitable<void> close();

 private:
  bool is_too_old(connection const& which) const noexcept;
  boost::asio::awaitable<void> evict();
  void evict_now();
  clock::steady::time_point next_eviction() const noexcept;

  boost::asio::any_io_executor executor_;
  std::size_t size_;
  std::optional<std::chrono::nanoseconds> ttl_;
  std::size_t leases_count_ = 0;
  connections opened_;                      // the oldest first
  std::vector<connections::iterator> idle_; // used last stands last
  bool evicting_ = false;
  bool closed_ = false;
  task::gate evictions_;
};

} // namespace statefund::endpoint
