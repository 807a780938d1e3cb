#include "dialogue/endpoint/dialogue.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <unistd.h>

namespace statefund::dialogue {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// A protobuf field of bytes; numbers up to 15 and lengths up to 127.
std::string field(int number, std::string_view bytes) {
  std::string out;
  out += static_cast<char>(number << 3 | 2);
  out += static_cast<char>(bytes.size());
  return out.append(bytes);
}

endpoint::options options_for_test() {
  endpoint::options chosen;
  chosen.target = "/statefun";
  chosen.authority = "example:8000";
  chosen.limits.call_timeout = 10min;
  chosen.pool_size = 4;
  return chosen;
}

asio::awaitable<void> close(endpoint::remote_function& function, bool& closed) {
  co_await function.close();
  closed = true;
}

} // namespace

std::string answer_body(std::string_view mark) {
  std::string value = field(1, "t/t");
  value += std::string_view("\x10\x01", 2);
  value += field(3, mark);
  std::string const egress = field(4, field(1, "ns") + field(2, "out") + field(3, value));
  return std::string("\xa2\x06", 2) + static_cast<char>(egress.size()) + egress;
}

std::string answer_of(std::string_view status_line, std::string_view headers, std::string_view body) {
  return std::string(status_line)
      .append("\r\n")
      .append(headers)
      .append("Content-Length: ")
      .append(std::to_string(body.size()))
      .append("\r\n\r\n")
      .append(body);
}

std::string good_answer(std::string_view mark) {
  return answer_of("HTTP/1.1 200 OK", "Content-Type: application/octet-stream\r\n", answer_body(mark));
}

std::string mark_of(result<message::reply> const& got) {
  if (got.has_error())
    return got.error().to_string();
  auto const* done = std::get_if<message::invocation_result>(&*got);
  if (done == nullptr)
    return "missing states";
  return done->egresses.empty() ? "" : done->egresses.front().value.bytes;
}

std::string socket_path() {
  static std::atomic<int> next{0};
  return "/tmp/statefund_test_" + std::to_string(::getpid()) + "_" + std::to_string(++next) + ".sock";
}

scene::scene(adjust const& change) : server(std::make_unique<support::scripted_server>(loop)), calls_(loop.executor()) {
  auto chosen = options_for_test();
  chosen.host = "127.0.0.1";
  chosen.port = server->port();
  if (change)
    change(chosen);
  use(std::move(chosen));
}

endpoint::options scene::over_unix(std::string path) {
  auto chosen = options_for_test();
  chosen.over = endpoint::transport::unix_socket;
  chosen.socket_path = std::move(path);
  return chosen;
}

scene::scene(std::string path, int backlog, adjust const& change)
    : server(std::make_unique<support::scripted_server>(loop, path, backlog)),
      calls_(loop.executor()) {
  auto chosen = over_unix(path);
  if (change)
    change(chosen);
  use(std::move(chosen));
}

scene::~scene() {
  calls_.cancel();
  CHECK(loop.run_until([&] { return calls_.running_count() == 0; }));
  close_function();
}

void scene::close_function() {
  if (!function)
    return;
  task::gate closing(loop.executor());
  bool closed = false;
  closing.start(close(*function, closed));
  CHECK(loop.run_until([&] { return closed && closing.running_count() == 0; }));
  function.reset();
}

void scene::use(endpoint::options chosen, std::shared_ptr<endpoint::resolver> names) {
  close_function();
  if (!names)
    names = std::make_shared<endpoint::resolver>();
  function = std::make_unique<endpoint::remote_function>(loop.executor(), std::move(names), std::move(chosen));
}

asio::awaitable<void> scene::one_call(std::shared_ptr<outgoing> out, std::string argument) {
  message::address const self{{"ns", "f"}, "id"};
  message::batch const taken{{{1, 0}, std::nullopt, {"t/t", true, std::move(argument)}}};
  message::state_values const none;
  auto const total = clock::deadline::after(function->call_limits().call_timeout);
  out->got = co_await function->call(self, taken, none, total);
  out->done = true;
}

std::shared_ptr<outgoing> scene::start(std::string argument) {
  auto out = std::make_shared<outgoing>();
  calls_.start(one_call(out, std::move(argument)));
  loop.settle();
  return out;
}

std::string scene::finish(std::shared_ptr<outgoing> const& call) {
  auto const give_up = std::chrono::steady_clock::now() + 20s;
  while (!call->done && std::chrono::steady_clock::now() < give_up) {
    loop.settle();
    if (!call->done)
      loop.advance(1ms);
  }
  return call->mark();
}

} // namespace statefund::dialogue
