#include "dialogue/ingress/fake_entrance.hpp"

#include <catch2/catch.hpp>

namespace statefund::dialogue {

namespace asio = boost::asio;

dispatch::receipt fake_entrance::decide(dispatch::submission one) {
  if (!refusals.empty()) {
    auto const why = refusals.front();
    refusals.pop_front();
    return why;
  }
  if (one.target.type != message::function_type{"a", "b"})
    return refusal_of(number::function_type_unknown);
  dispatch::accepted const fresh{{ordered.size() + 1, 0}, store::ticket(ordered.size() + 1)};
  if (one.idempotency_key) {
    auto const [known, is_new] = keys.try_emplace(*one.idempotency_key, one.value.bytes, fresh);
    if (!is_new && known->second.first != one.value.bytes)
      return refusal_of(number::key_conflict);
    if (!is_new)
      return dispatch::duplicate{known->second.second.id, known->second.second.ordered};
  }
  ordered.push_back(std::move(one));
  return fresh;
}

asio::awaitable<dispatch::receipt> fake_entrance::accept(dispatch::submission one) {
  co_return decide(std::move(one));
}

asio::awaitable<std::vector<dispatch::receipt>>
fake_entrance::accept_many(std::vector<dispatch::submission> next, dispatch::upload&, std::chrono::nanoseconds) {
  ++accept_many_calls;
  changed.notify_all();
  while (held)
    co_await changed.wait(clock::deadline::never());
  std::vector<dispatch::receipt> receipts;
  for (auto& one : next)
    receipts.push_back(decide(std::move(one)));
  co_return receipts;
}

asio::awaitable<result<void>> fake_entrance::durable(store::ticket wanted) {
  ++durable_waiting;
  changed.notify_all();
  while (!lost && wanted.number() > durable_number)
    co_await changed.wait(clock::deadline::never());
  --durable_waiting;
  if (lost)
    co_return error{store::errc::lost, {}};
  co_return result<void>{};
}

std::optional<std::string> fake_entrance::text_type_name(message::function_type const& type) {
  if (type != message::function_type{"a", "b"})
    return std::nullopt;
  return "io.statefun.types/string";
}

asio::awaitable<std::variant<store::egress_page, dispatch::refusal>>
fake_entrance::read_egress(dispatch::egress_request request) {
  egress_requests.push_back(request);
  changed.notify_all();
  if (egress_refusal)
    co_return *egress_refusal;
  if (page.records.empty())
    co_await changed.wait(request.wait_until);
  co_return page;
}

bool fake_entrance::reserve_bytes(std::uint64_t bytes) {
  if (reserved_bytes + bytes > reserved_bytes_max)
    return false;
  reserved_bytes += bytes;
  return true;
}

namespace {

ingress::options at(socket_directory const& directory, ingress::options chosen) {
  chosen.socket = directory.path("ingress.sock");
  return chosen;
}

} // namespace

ingress_door::ingress_door(ingress::options chosen)
    : entrance(loop.executor()),
      door({ingress::place{loop.executor(), &entrance}}, at(directory, std::move(chosen))) {
  REQUIRE(door.open().has_value());
}

ingress_door::~ingress_door() {
  if (!closed)
    loop.run(door.close());
  if (entrance.reserved_bytes != 0)
    std::terminate(); // bytes were reserved and never given back
}

dispatch::refusal refusal_of(number why, std::optional<std::chrono::seconds> retry_after) {
  return {why, "because of " + to_string(why), retry_after};
}

std::string put(std::string_view path, std::string_view headers, std::string_view body) {
  return "PUT " + std::string(path) + " HTTP/1.1\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string batch(std::string_view type, std::string_view body) {
  return "POST /-/batch HTTP/1.1\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

} // namespace statefund::dialogue
