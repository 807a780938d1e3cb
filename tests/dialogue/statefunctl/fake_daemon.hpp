#pragma once

#include "clock/clock.hpp"
#include "dialogue/door_client.hpp"
#include "http/server.hpp"
#include "statefunctl/verbs.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <catch2/catch.hpp>

#include <deque>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace statefund::dialogue {

// Writes down what it is asked, and answers by script.
class script final : public http::handler {
 public:
  boost::asio::awaitable<std::optional<http::response>> handle(http::request const& asked, http::body& sent) override {
    std::string line = std::string(asked.method_text()) + " " + std::string(asked.path());
    if (!asked.query().empty())
      line += "?" + std::string(asked.query());
    for (char const* name : {"Statefun-Type", "Content-Type", "Idempotency-Key", "Statefun-Delay"})
      if (auto const value = asked.header(name))
        line += std::string(" ") + name + "=" + std::string(*value);
    for (;;) {
      auto const piece = co_await sent.read_some();
      if (piece.has_error() || piece->empty())
        break;
      line += " [" + std::string(*piece) + "]";
    }
    requests.push_back(line);
    if (answers.empty())
      co_return std::nullopt;
    auto next = answers.front();
    answers.pop_front();
    co_return next;
  }

  std::vector<std::string> requests;
  std::deque<http::response> answers;
};

struct running_daemon {
  running_daemon() : work(boost::asio::make_work_guard(io)) {
    auto listens = http::listening_socket::at_path(directory.path("s"), 0600, "");
    REQUIRE(listens.has_value());
    server.start(std::move(*listens));
    thread = std::thread([this] { io.run(); });
  }
  ~running_daemon() {
    boost::asio::co_spawn(io, server.stop(), boost::asio::use_future).get();
    work.reset();
    thread.join();
  }

  statefunctl::exit_code run(std::vector<std::string> words) {
    std::string const socket = directory.path("s");
    std::vector<char const*> argv = {"statefunctl", "--admin-socket", socket.c_str(), "--ingress-socket",
                                     socket.c_str()};
    for (std::string const& word : words)
      argv.push_back(word.c_str());
    out.str("");
    err.str("");
    return statefunctl::run(static_cast<int>(argv.size()), argv.data(), in, out, err);
  }

  socket_directory directory;
  script said;
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  http::server server{{http::place{io.get_executor(), &said}}, {}, {}};
  std::thread thread;
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
};

inline http::response good(unsigned status, std::string body) {
  http::response one;
  one.status = status;
  one.body = std::move(body);
  return one;
}

// Half a second more, so that what is printed does not depend on how fast the test is.
inline std::string unix_ms_in(std::int64_t seconds) {
  return std::to_string(clock::unix_ms() + seconds * 1000 - 500);
}

} // namespace statefund::dialogue
