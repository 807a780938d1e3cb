#include "admin/operator_desk.hpp"

#include "admin/operations_json.hpp"
#include "admin/said.hpp"
#include "error/ensure.hpp"
#include "http/problem.hpp"

#include <string>
#include <utility>
#include <variant>

namespace statefund::admin {

namespace asio = boost::asio;

namespace {

http::response malformed(std::string const& why) {
  return http::problem(number::request_malformed, why);
}

http::response no_address(std::string_view text, std::string_view fault) {
  return malformed("'" + std::string(text) + "' is no address <namespace>/<name>/<id>: " + std::string(fault));
}

http::response no_type(std::string_view text, std::string_view fault) {
  return malformed("'" + std::string(text) + "' is no function type <namespace>/<name>: " + std::string(fault));
}

http::response answer_to(dispatch::refusal const& refused) {
  return http::problem(refused.why, refused.detail, refused.retry_after);
}

} // namespace

asio::awaitable<std::optional<http::response>> operator_desk::answer(asked_for what, std::string_view subject,
                                                                     http::query const& with, http::peer const&) {
  switch (what) {
  case asked_for::resume_all:
    co_return said(on_.resume_all() ? "{\"changed\":true}\n" : "{\"changed\":false}\n");
  case asked_for::addresses:
    co_return co_await list_addresses(with);
  case asked_for::address: {
    auto self = message::parse_address(subject);
    if (!self.value)
      co_return no_address(subject, self.fault);
    co_return co_await describe(std::move(*self.value));
  }
  default:
    break;
  }
  ensure(false, "an operator's desk is asked for what operators ask");
  co_return std::nullopt;
}

asio::awaitable<std::optional<http::response>> operator_desk::list_addresses(http::query const& with) {
  dispatch::address_filter wanted;
  if (auto const state = with.find("state")) {
    wanted.stands = dispatch::parse_standing(*state);
    if (!wanted.stands || *wanted.stands == dispatch::standing::idle)
      co_return malformed("'" + std::string(*state) +
                          "' is no state that is listed; expected ready, in_flight, backing_off, held, paused or "
                          "unbound (an idle address has no mailbox)");
  }
  if (auto const type = with.find("type")) {
    auto parsed = message::parse_function_type(*type);
    if (!parsed.value)
      co_return no_type(*type, parsed.fault);
    wanted.type = std::move(*parsed.value);
  }
  auto const max = with.find_number("max", 0, dispatch::listed_addresses_max);
  if (max.has_error())
    co_return malformed(max.error().detail);
  wanted.addresses_max = max->value_or(wanted.addresses_max);
  auto const listed = co_await on_.addresses(std::move(wanted));
  co_return said(to_json(listed));
}

asio::awaitable<std::optional<http::response>> operator_desk::describe(message::address self) {
  auto const seen = co_await on_.describe(std::move(self));
  if (!seen)
    co_return std::nullopt;
  if (auto const* const refused = std::get_if<dispatch::refusal>(&*seen))
    co_return answer_to(*refused);
  co_return said(to_json(std::get<dispatch::address_detail>(*seen)));
}

} // namespace statefund::admin
