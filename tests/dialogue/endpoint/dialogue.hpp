#pragma once

#include "endpoint/remote_function.hpp"
#include "error/result.hpp"
#include "function/errc.hpp"
#include "message/reply.hpp"
#include "support/event_loop.hpp"
#include "support/scripted_server.hpp"
#include "task/gate.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <vector>

namespace statefund::dialogue {

// A FromFunction of one egress message, by which the test knows it again.
std::string answer_body(std::string_view mark);
// "HTTP/1.1 200 OK" with that, as a server sends it.
std::string good_answer(std::string_view mark);
// The same with a status, a content type and further header lines ("Name: value\r\n") of one's own.
std::string answer_of(std::string_view status_line, std::string_view headers, std::string_view body);
// Answers a request with its argument as the mark, by which a test knows whose answer it got. Arguments begin with '#'.
std::string echo(std::string const& request);
// The mark of a good answer; else what the error says.
std::string mark_of(result<message::reply> const& got);

// Path of a unix socket that is not there yet.
std::string socket_path();
// A port of 127.0.0.1 at which nobody listens.
std::uint16_t free_port(support::event_loop& loop);
// A resolver to which the host "functions.test" has these addresses, and no other host any.
std::shared_ptr<endpoint::resolver> resolver_of(std::vector<char const*> addresses);
// How many files this process has open.
std::size_t open_files_count();

// Listens and takes no connection: its backlog is full.
class deaf_listener {
 public:
  deaf_listener(support::event_loop& loop, char const* address, std::uint16_t port = 0);
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  boost::asio::ip::tcp::acceptor acceptor_;
  std::vector<boost::asio::ip::tcp::socket> filling_;
};

// While it lives, this process can open no file.
class no_descriptors_left {
 public:
  no_descriptors_left();
  ~no_descriptors_left();
  no_descriptors_left(no_descriptors_left const&) = delete;
  no_descriptors_left& operator=(no_descriptors_left const&) = delete;

 private:
  rlimit before_{};
};

// One call; `done` once it has ended.
struct outgoing {
  bool done = false;
  std::optional<result<message::reply>> got;
  std::string mark() const { return got ? mark_of(*got) : "no answer yet"; }
};

// A server that plays scripts, and a remote function that calls it.
class scene {
 public:
  using adjust = std::function<void(endpoint::options&)>;

  explicit scene(adjust const& change = {}); // over TCP
  static endpoint::options over_unix(std::string path);
  scene(std::string path, int backlog, adjust const& change = {}); // over a unix socket
  ~scene();

  void use(endpoint::options chosen, std::shared_ptr<endpoint::resolver> names = {}); // another function

  // Starts a call and lets it go as far as it goes without time passing.
  std::shared_ptr<outgoing> start(std::string argument = "argument");
  // Lets time pass in small steps until the call has ended.
  std::string finish(std::shared_ptr<outgoing> const& call);
  std::string call() { return finish(start()); }

  void cancel_calls() { calls_.cancel(); }
  // Closes the function; calls may be out.
  void close();

  support::event_loop loop;
  std::unique_ptr<support::scripted_server> server;
  std::unique_ptr<endpoint::remote_function> function;

 private:
  boost::asio::awaitable<void> one_call(std::shared_ptr<outgoing> out, std::string argument);
  void close_function();

  task::gate calls_;
  bool closed_ = false;
};

} // namespace statefund::dialogue
