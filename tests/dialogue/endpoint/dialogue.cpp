#include "dialogue/endpoint/dialogue.hpp"

#include <boost/asio/error.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <filesystem>
#include <iterator>
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

asio::awaitable<void> close_one(endpoint::remote_function& function, bool& closed) {
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

std::string echo(std::string const& request) {
  return good_answer(request.substr(request.rfind('#')));
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

std::uint16_t free_port(support::event_loop& loop) {
  asio::ip::tcp::acceptor const probe(loop.io(), {asio::ip::address_v4::loopback(), 0});
  return probe.local_endpoint().port();
}

std::shared_ptr<endpoint::resolver> resolver_of(std::vector<char const*> addresses) {
  auto const lookup = [addresses](std::string const& host) -> result<endpoint::addresses> {
    if (host != "functions.test")
      return error{asio::error::host_not_found, "not here"};
    endpoint::addresses found;
    for (auto const* each : addresses)
      found.push_back(asio::ip::make_address(each));
    return found;
  };
  return std::make_shared<endpoint::resolver>(lookup);
}

std::size_t open_files_count() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

deaf_listener::deaf_listener(support::event_loop& loop, char const* address, std::uint16_t port)
    : acceptor_(loop.io(), {asio::ip::make_address(address), port}) {
  acceptor_.listen(0);
  for (int i = 0; i < 8; ++i) { // more than a backlog of 0 takes
    auto& next = filling_.emplace_back(loop.io(), acceptor_.local_endpoint().protocol());
    next.non_blocking(true);
    auto const at = acceptor_.local_endpoint();
    ::connect(next.native_handle(), at.data(), static_cast<socklen_t>(at.size()));
  }
}

no_descriptors_left::no_descriptors_left() {
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
  int const lowest_free = ::dup(0);
  REQUIRE(lowest_free >= 0);
  ::close(lowest_free);
  rlimit const none_left{static_cast<rlim_t>(lowest_free), before_.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none_left) == 0);
}

no_descriptors_left::~no_descriptors_left() {
  ::setrlimit(RLIMIT_NOFILE, &before_);
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

void scene::close() {
  task::gate closing(loop.executor());
  closing.start(close_one(*function, closed_));
  CHECK(loop.run_until([&] { return closed_ && closing.running_count() == 0; }));
}

void scene::close_function() {
  if (!function)
    return;
  if (!closed_)
    close();
  function.reset();
  closed_ = false;
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
