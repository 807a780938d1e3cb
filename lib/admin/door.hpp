#pragma once

#include "admin/desk.hpp"
#include "admin/options.hpp"
#include "error/result.hpp"
#include "http/server.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <string>

namespace statefund::admin {

// The admin socket, and the TCP one for scraping. Owned by the daemon, on one executor's thread; destroyed after its
// loop has ended.
class door {
 public:
  door(boost::asio::any_io_executor const& executor, sources& from, dispatch::operations& on, options chosen);

  // From which on clients are answered, "not ready" included. errc of http/: the detail says what to do.
  result<void> open();

  // Where the TCP socket listens, with the port that was chosen; empty without one.
  std::string const& listens_at() const noexcept { return listens_at_; }

  // Waits until what is being answered is. Once.
  boost::asio::awaitable<void> close() { co_await server_.stop(); }
  void cancel() { server_.cancel(); }

 private:
  options const options_;
  desk desk_;
  http::server server_;
  std::string listens_at_;
};

} // namespace statefund::admin
