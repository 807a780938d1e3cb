#pragma once

#include "dialogue/door_client.hpp"
#include "dispatch/entrance.hpp"
#include "ingress/door.hpp"
#include "support/event_loop.hpp"
#include "task/event.hpp"

#include <deque>
#include <map>

namespace statefund::dialogue {

// Dispatch as the ingress sees it, by script: the next answers can be refusals, durability can be held back or lost.
// It knows the type a/b, with text type "io.statefun.types/string".
class fake_entrance final : public dispatch::entrance {
 public:
  explicit fake_entrance(boost::asio::any_io_executor const& executor) : changed(executor) {}

  boost::asio::awaitable<dispatch::receipt> accept(dispatch::submission one) override;
  boost::asio::awaitable<std::vector<dispatch::receipt>>
  accept_many(std::vector<dispatch::submission> next, dispatch::upload& of, std::chrono::nanoseconds wait_max) override;
  boost::asio::awaitable<result<void>> durable(store::ticket ordered) override;
  std::optional<std::string> text_type_name(message::function_type const& type) override;
  boost::asio::awaitable<std::variant<store::egress_page, dispatch::refusal>>
  read_egress(dispatch::egress_request request) override;
  std::optional<dispatch::refusal> not_accepting() const override { return closed; }
  bool reserve_bytes(std::uint64_t bytes) override;
  void release_bytes(std::uint64_t bytes) noexcept override { reserved_bytes -= bytes; }
  std::size_t shards_count() const noexcept override { return 1; }

  dispatch::receipt decide(dispatch::submission one);

  task::event changed;                    // notified when a call arrives, and by the test when something is let go on
  std::deque<dispatch::refusal> refusals; // of the next messages
  std::optional<dispatch::refusal> closed;
  std::vector<dispatch::submission> ordered;
  std::map<std::string, std::pair<std::string, dispatch::accepted>> keys;
  std::size_t accept_many_calls = 0;
  std::uint64_t reserved_bytes = 0;
  std::uint64_t reserved_bytes_max = UINT64_MAX;
  std::uint64_t durable_number = UINT64_MAX;
  int durable_waiting = 0;
  bool lost = false;
  bool held = false; // accept_many waits, as at a full mailbox
  std::vector<dispatch::egress_request> egress_requests;
  store::egress_page page;
  std::optional<dispatch::refusal> egress_refusal;
};

struct ingress_door {
  explicit ingress_door(ingress::options chosen = {});
  ~ingress_door();

  support::event_loop loop;
  socket_directory directory;
  fake_entrance entrance;
  ingress::door door;
  bool closed = false;
};

dispatch::refusal refusal_of(number why, std::optional<std::chrono::seconds> retry_after = std::nullopt);

// A request with a body, and its length.
std::string put(std::string_view path, std::string_view headers, std::string_view body);
std::string batch(std::string_view type, std::string_view body);

} // namespace statefund::dialogue
