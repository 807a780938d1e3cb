#pragma once

#include "dispatch/entrance.hpp"
#include "error/result.hpp"
#include "http/server.hpp"
#include "ingress/options.hpp"
#include "ingress/receiver.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <deque>
#include <memory>
#include <vector>

namespace statefund::ingress {

// One shard, as the ingress sees it.
struct place {
  boost::asio::any_io_executor executor; // one thread
  dispatch::entrance* at;                // of that shard; outlives the door
};

// The ingress socket. Owned by the daemon; made before the loops run, destroyed after they have ended. All calls but
// answers_count on the first place's thread, or before the loops run.
class door {
 public:
  door(std::vector<place> places, options chosen);

  // Makes the socket, from which on clients are answered. errc of http/: the detail says what to do.
  result<void> open();

  // No new connections; waits until what is being answered is. Once, after open() or without it.
  boost::asio::awaitable<void> close();
  // Breaks off what close() waits for.
  void cancel() { server_.cancel(); }

  std::size_t connections_count() const noexcept { return server_.connections_count(); }
  // How often this status was answered at places[place_index]; on that place's thread.
  std::uint64_t answers_count(std::size_t place_index, unsigned status) const noexcept {
    return receivers_[place_index].answers_count(status);
  }

 private:
  std::vector<http::place> stations();

  options const options_;
  std::vector<place> places_;
  std::deque<receiver> receivers_; // one for each place
  http::server server_;
};

} // namespace statefund::ingress
