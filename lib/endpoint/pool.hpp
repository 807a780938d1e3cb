#pragma once

#include "clock/deadline.hpp"
#include "endpoint/connection.hpp"
#include "endpoint/idle_list.hpp"
#include "endpoint/stream.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <random>
#include <string>

namespace statefund::endpoint {

// The connections of one function type on one shard, on the shard's thread. There is no queue: dispatch lets no more
// calls out than the pool has room for. While no connection is idle, nothing runs. Lives until its close has been
// awaited and its leases are gone.
class pool {
 private:
  struct open_connection {
    open_connection(stream&& over, std::string&& leads_to, clock::deadline ends_at)
        : link(std::move(over)),
          address(std::move(leads_to)),
          ends(ends_at) {}
    connection link;
    std::string address;
    clock::deadline ends;
  };
  using connections = std::list<open_connection>;

 public:
  // `ttl`: the age, counted from its opening and give or take a tenth (age_max), at which an idle connection ends;
  // absent: none.
  pool(boost::asio::any_io_executor executor, std::size_t size, std::optional<std::chrono::nanoseconds> ttl,
       unsigned random_seed);
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
    connection* operator->() const noexcept { return &(*held_)->link; }
    // As opened::address.
    std::string const& address() const noexcept { return (*held_)->address; }

    void put(stream opened, std::string address);
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
  clock::deadline end_of_new();
  boost::asio::awaitable<void> look_after_idle();
  void look();
  boost::asio::awaitable<void> watch(std::uint64_t stay);
  void idle_changed();

  boost::asio::any_io_executor executor_;
  std::size_t size_;
  std::optional<std::chrono::nanoseconds> ttl_;
  std::minstd_rand random_;
  std::size_t leases_count_ = 0;
  connections opened_;
  idle_list<connections::iterator> idle_;
  bool looking_after_ = false; // look_after_idle runs
  bool sees_change_ = false;   // and finds a change of idle_ by itself, within idle_look_interval
  bool closed_ = false;
  task::event changed_;
  task::gate tasks_;
};

} // namespace statefund::endpoint
