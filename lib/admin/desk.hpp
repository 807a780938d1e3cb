#pragma once

#include "admin/operator_desk.hpp"
#include "admin/options.hpp"
#include "admin/route.hpp"
#include "admin/sources.hpp"
#include "dispatch/operations.hpp"
#include "http/handler.hpp"

namespace statefund::admin {

// Answers by paths (admin/route.hpp): itself what concerns the daemon, through the operator desk what concerns
// addresses, types and dead letters. On the door's thread.
class desk final : public http::handler {
 public:
  desk(sources& from, dispatch::operations& on, actions over_tcp)
      : from_(from),
        on_(on),
        operators_(on),
        actions_over_tcp_(over_tcp) {}

  boost::asio::awaitable<std::optional<http::response>> handle(http::request const& asked, http::body& sent) override;

 private:
  boost::asio::awaitable<http::response> reload();
  boost::asio::awaitable<http::response> back_up(http::query const& with, http::peer const& from);

  sources& from_;
  dispatch::operations& on_;
  operator_desk operators_;
  actions const actions_over_tcp_;
};

} // namespace statefund::admin
