#pragma once

#include "error/result.hpp"
#include "http/handler.hpp"
#include "http/limits.hpp"
#include "http/listening_socket.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace statefund::http {

// Where connections run: an event loop of one thread, and what answers there.
struct place {
  boost::asio::any_io_executor executor;
  handler* answers; // outlives the server
};

// Accepts connections on the first place's thread and hands them to the places in turn, where they stay. Owned by a
// door, made and destroyed while no place's thread is inside of it: after stop() has returned, or before the first
// start().
class server {
 public:
  // `accept_failed` is told, on the first place's thread, when connections cannot be taken (no descriptors left); it is
  // told once for each time that it begins. The server goes on by itself.
  server(std::vector<place> places, limits const& bounds, std::function<void(error const&)> accept_failed);
  ~server();
  server(server const&) = delete;
  server& operator=(server const&) = delete;

  // May be called for several sockets. On the first place's thread, or before its loop runs.
  void start(listening_socket from);

  // Accepts no more, ends idle connections, waits for the requests that are being answered; their connections are
  // closed with the answer. Once; on the first place's thread.
  boost::asio::awaitable<void> stop();

  // Ends what is in progress too, without an answer: what stop() waits for is cancelled. Any time; on the first place's
  // thread. stop() must still be awaited.
  void cancel();

  // Any thread.
  std::size_t connections_count() const noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace statefund::http
