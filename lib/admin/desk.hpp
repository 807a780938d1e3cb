#pragma once

#include "admin/options.hpp"
#include "admin/sources.hpp"
#include "http/handler.hpp"

namespace statefund::admin {

// Answers GET /-/healthy, /-/ready, /v1/status and /metrics, each only by reading, and does POST /-/reload. On the
// door's thread.
class desk final : public http::handler {
 public:
  desk(sources& from, actions over_tcp) : from_(from), actions_over_tcp_(over_tcp) {}

  boost::asio::awaitable<std::optional<http::response>> handle(http::request const& asked, http::body& sent) override;

 private:
  boost::asio::awaitable<http::response> show(http::request const& asked);
  boost::asio::awaitable<http::response> reload();

  sources& from_;
  actions const actions_over_tcp_;
};

} // namespace statefund::admin
