#pragma once

#include "clock/deadline.hpp"
#include "error/result.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace statefund::endpoint {

using addresses = std::vector<boost::asio::ip::address>;

// The process's look-up of host names: getaddrinfo in threads of its own, for it can neither be cancelled nor bounded
// in time. Whoever waits goes at once when it is cancelled or its deadline passes; the look-up goes on for the others
// and for the cache. One look-up a name at a time. Any thread may ask; destroying it never waits for a look-up.
class resolver {
 public:
  // Blocks; called on the resolver's threads. Throws nothing.
  using lookup = std::function<result<addresses>(std::string const& host)>;

  resolver(); // asks the system
  explicit resolver(lookup ask);
  ~resolver(); // requires that nobody waits
  resolver(resolver const&) = delete;
  resolver& operator=(resolver const&) = delete;

  // At least one address, in the order to try them. Runs on the calling coroutine's executor. Errors: what the look-up
  // gave (getaddrinfo's code; a good answer is kept for cache_time, an error is not), task::errc::deadline_reached,
  // asio::error::operation_aborted.
  boost::asio::awaitable<result<addresses>> resolve(std::string host, clock::deadline until);

  static constexpr std::size_t threads_max = 4;
  static constexpr std::chrono::seconds cache_time{5};
  static constexpr std::size_t cache_names_max = 1024;

 private:
  struct shared;
  std::shared_ptr<shared> shared_; // with the threads, which may outlive us
};

} // namespace statefund::endpoint
