#pragma once

#include "dispatch/entrance.hpp"
#include "http/handler.hpp"
#include "ingress/options.hpp"

#include <array>
#include <cstdint>

namespace statefund::ingress {

// Answers the ingress socket's requests on one shard's thread. What an answer promises:
// - 202 and 200 are given once the message they speak of is durable;
// - a refusal is given only for what was never ordered; after ordering there is the true answer or none;
// - "accepted" and "duplicates" of a batch count what is durable.
class receiver final : public http::handler {
 public:
  // Both are borrowed for life.
  receiver(dispatch::entrance& at, options const& chosen) : at_(at), options_(chosen) {}

  boost::asio::awaitable<std::optional<http::response>> handle(http::request const& asked, http::body& sent) override;
  void answered(unsigned status) noexcept override;

  // From now on an empty egress is answered at once.
  void stop_waiting() noexcept { stopping_ = true; }

  // By status; others than these are 0. On the thread.
  std::uint64_t answers_count(unsigned status) const noexcept { return status < 600 ? answers_[status] : 0; }

 private:
  boost::asio::awaitable<std::optional<http::response>> take_message(http::request const& asked, http::body& sent);
  boost::asio::awaitable<std::optional<http::response>> take_batch(http::request const& asked, http::body& sent);
  boost::asio::awaitable<std::optional<http::response>> give_records(http::request const& asked);
  bool lets_in(http::peer const& from) const noexcept;

  dispatch::entrance& at_;
  options const& options_;
  bool stopping_ = false;
  std::array<std::uint64_t, 600> answers_{};
};

} // namespace statefund::ingress
