#pragma once

#include "endpoint/remote_function.hpp"
#include "error/result.hpp"
#include "function/errc.hpp"
#include "message/reply.hpp"
#include "support/event_loop.hpp"
#include "support/scripted_server.hpp"
#include "task/gate.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::dialogue {

// A FromFunction of one egress message, by which the test knows it again.
std::string answer_body(std::string_view mark);
// "HTTP/1.1 200 OK" with that, as a server sends it.
std::string good_answer(std::string_view mark);
// The same with a status, a content type and further header lines ("Name: value\r\n") of one's own.
std::string answer_of(std::string_view status_line, std::string_view headers, std::string_view body);
// The mark of a good answer; else what the error says.
std::string mark_of(result<message::reply> const& got);

// Path of a unix socket that is not there yet.
std::string socket_path();

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

  support::event_loop loop;
  std::unique_ptr<support::scripted_server> server;
  std::unique_ptr<endpoint::remote_function> function;

 private:
  boost::asio::awaitable<void> one_call(std::shared_ptr<outgoing> out, std::string argument);
  void close_function();

  task::gate calls_;
};

} // namespace statefund::dialogue
