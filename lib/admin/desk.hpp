#pragma once

#include "admin/sources.hpp"
#include "http/handler.hpp"

namespace statefund::admin {

// Answers GET /-/healthy, /-/ready, /v1/status and /metrics, each only by reading. On the door's thread.
class desk final : public http::handler {
 public:
  explicit desk(sources& from) : from_(from) {}

  boost::asio::awaitable<std::optional<http::response>> handle(http::request const& asked, http::body& sent) override;

 private:
  sources& from_;
};

} // namespace statefund::admin
