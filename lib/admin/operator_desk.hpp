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
// down what it tells. On the door's thread. No answer: the store was lost, so that nobody knows it.
class operator_desk {
 public:
  explicit operator_desk(dispatch::operations& on) : on_(on) {}

  using answer_to_come = boost::asio::awaitable<std::optional<http::response>>;

  // Requires something that is asked of an address, a type or dead letters. All is borrowed until the answer.
  answer_to_come answer(asked_for what, std::string_view subject, http::query const& with, http::peer const& from);

 private:
  answer_to_come of_addresses(http::query const& with);
  answer_to_come of_address(asked_for what, std::string_view subject, http::query const& with, http::peer const& from);
  answer_to_come of_type(asked_for what, std::string_view subject, http::query const& with, http::peer const& from);
  answer_to_come of_dead_letters(asked_for what, http::query const& with);
  answer_to_come of_dead_letter(asked_for what, std::string_view subject, http::query const& with);

  dispatch::operations& on_;
};

} // namespace statefund::admin
