#pragma once

#include "admin/route.hpp"
#include "dispatch/operations.hpp"
#include "http/query.hpp"
#include "http/request.hpp"
#include "http/response.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>
#include <string_view>

namespace statefund::admin {

// Answers what an operator asks of addresses, function types and dead letters: reads the words, asks dispatch, writes
// down what it tells. On the door's thread.
class operator_desk {
 public:
  explicit operator_desk(dispatch::operations& on) : on_(on) {}

  // Requires something that is asked of an address, a type, dead letters, or resume_all.
  boost::asio::awaitable<std::optional<http::response>> answer(asked_for what, std::string_view subject,
                                                               http::query const& with, http::peer const& from);

 private:
  boost::asio::awaitable<std::optional<http::response>> list_addresses(http::query const& with);
  boost::asio::awaitable<std::optional<http::response>> describe(message::address self);

  dispatch::operations& on_;
};

} // namespace statefund::admin
