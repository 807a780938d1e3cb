#include "admin/operator_desk.hpp"

#include "admin/operations_json.hpp"
#include "admin/said.hpp"
#include "http/problem.hpp"

#include <string>
#include <utility>
#include <variant>

namespace statefund::admin {

namespace asio = boost::asio;

namespace {

constexpr std::size_t reason_bytes_max = 1000;

http::response malformed(std::string const& why) {
  return http::problem(number::request_malformed, why);
}

http::response no_address(std::string_view text, std::string_view fault) {
  return malformed("'" + std::string(text) + "' is no address <namespace>/<name>/<id>: " + std::string(fault));
}

http::response no_type(std::string_view text, std::string_view fault) {
  return malformed("'" + std::string(text) + "' is no function type <namespace>/<name>: " + std::string(fault));
}

http::response no_id(std::string_view text) {
  return malformed("'" + std::string(text) + "' is no message's id; expected one as in 65c2f1e0b4a7d-0");
}

http::response answer_to(dispatch::refusal const& refused) {
  return http::problem(refused.why, refused.detail, refused.retry_after);
}

std::optional<http::response> answer_to(dispatch::verb_answer<dispatch::acted> const& told) {
  if (!told)
    return std::nullopt;
  if (auto const* const refused = std::get_if<dispatch::refusal>(&*told))
    return answer_to(*refused);
  return said(to_json(std::get<dispatch::acted>(*told)));
}

// Who pauses, for whoever looks at it next.
std::string reason_of(http::query const& with, http::peer const& from) {
  std::string who = from.uid ? "uid " + std::to_string(*from.uid) : "over TCP";
  if (auto const why = with.find("reason"); why && !why->empty())
    (who += ": ") += why->substr(0, reason_bytes_max);
  return who;
}

// Of a query: absent where it is not given; an answer where it is none.
template <class T>
std::variant<std::optional<T>, http::response> read(http::query const& with, std::string_view name,
                                                    message::parsed<T> (*parse)(std::string_view),
                                                    http::response (*none)(std::string_view, std::string_view)) {
  auto const text = with.find(name);
  if (!text)
    return std::optional<T>();
  auto parsed = parse(*text);
  if (!parsed.value)
    return none(*text, parsed.fault);
  return std::move(parsed.value);
}

} // namespace

operator_desk::answer_to_come operator_desk::answer(asked_for what, std::string_view subject, http::query const& with,
                                                    http::peer const& from) {
  switch (what) {
  case asked_for::addresses:
    return of_addresses(with);
  case asked_for::pause_type:
  case asked_for::resume_type:
    return of_type(what, subject, with, from);
  case asked_for::dead_letters:
  case asked_for::replay_many:
    return of_dead_letters(what, with);
  case asked_for::dead_letter:
  case asked_for::replay:
  case asked_for::drop:
    return of_dead_letter(what, subject, with);
  default:
    return of_address(what, subject, with, from);
  }
}

operator_desk::answer_to_come operator_desk::of_addresses(http::query const& with) {
  dispatch::address_filter wanted;
  if (auto const state = with.find("state")) {
    wanted.stands = dispatch::parse_standing(*state);
    if (!wanted.stands || *wanted.stands == dispatch::standing::idle)
      co_return malformed("'" + std::string(*state) +
                          "' is no state that is listed; expected ready, in_flight, backing_off, held, paused or "
                          "unbound (an idle address has no mailbox)");
  }
  auto type = read(with, "type", &message::parse_function_type, &no_type);
  if (auto* const wrong = std::get_if<http::response>(&type))
    co_return std::move(*wrong);
  wanted.type = std::get<0>(std::move(type));
  auto const max = with.find_number("max", 0, dispatch::listed_addresses_max);
  if (max.has_error())
    co_return malformed(max.error().detail);
  wanted.addresses_max = max->value_or(wanted.addresses_max);
  auto const listed = co_await on_.addresses(std::move(wanted));
  co_return said(to_json(listed));
}

operator_desk::answer_to_come operator_desk::of_address(asked_for what, std::string_view subject,
                                                        http::query const& with, http::peer const& from) {
  auto parsed = message::parse_address(subject);
  if (!parsed.value)
    co_return no_address(subject, parsed.fault);
  auto& self = *parsed.value;
  if (what == asked_for::pause) {
    auto const told = co_await on_.pause(std::move(self), reason_of(with, from));
    co_return answer_to(told);
  }
  if (what == asked_for::resume) {
    auto const told = co_await on_.resume(std::move(self));
    co_return answer_to(told);
  }
  if (what == asked_for::skip) {
    auto const named = with.find("message");
    if (!named)
      co_return malformed("skip names the message that is meant: ?message=<id>, as GET shows it under \"head\"");
    auto const head = message::parse_entry_key(*named);
    if (!head)
      co_return no_id(*named);
    auto const told = co_await on_.skip(std::move(self), *head);
    co_return answer_to(told);
  }
  auto const seen = co_await on_.describe(std::move(self));
  if (!seen)
    co_return std::nullopt;
  if (auto const* const refused = std::get_if<dispatch::refusal>(&*seen))
    co_return answer_to(*refused);
  co_return said(to_json(std::get<dispatch::address_detail>(*seen)));
}

operator_desk::answer_to_come operator_desk::of_type(asked_for what, std::string_view subject, http::query const& with,
                                                     http::peer const& from) {
  auto parsed = message::parse_function_type(subject);
  if (!parsed.value)
    co_return no_type(subject, parsed.fault);
  auto& type = *parsed.value;
  if (what == asked_for::pause_type) {
    auto const told = co_await on_.pause(std::move(type), reason_of(with, from));
    co_return answer_to(told);
  }
  auto const told = co_await on_.resume(std::move(type));
  co_return answer_to(told);
}

operator_desk::answer_to_come operator_desk::of_dead_letters(asked_for what, http::query const& with) {
  auto type = read(with, "type", &message::parse_function_type, &no_type);
  if (auto* const wrong = std::get_if<http::response>(&type))
    co_return std::move(*wrong);
  auto self = read(with, "address", &message::parse_address, &no_address);
  if (auto* const wrong = std::get_if<http::response>(&self))
    co_return std::move(*wrong);
  store::dead_letter_filter wanted{std::get<0>(std::move(type)), std::get<0>(std::move(self))};
  if (what == asked_for::replay_many) {
    if (!wanted.type && !wanted.self)
      co_return malformed("replay says of what: ?address=<address> or ?type=<function type>");
    auto const done = co_await on_.replay_all(std::move(wanted));
    co_return done ? std::optional(said(to_json(*done))) : std::nullopt;
  }
  std::optional<message::entry_key> after;
  if (auto const text = with.find("after")) {
    after = message::parse_entry_key(*text);
    if (!after)
      co_return no_id(*text);
  }
  auto const max = with.find_number("max", 1, dispatch::listed_dead_letters_max);
  if (max.has_error())
    co_return malformed(max.error().detail);
  auto const listed = co_await on_.dead_letters(std::move(wanted), after, max->value_or(100));
  co_return listed ? std::optional(said(to_json(*listed))) : std::nullopt;
}

operator_desk::answer_to_come operator_desk::of_dead_letter(asked_for what, std::string_view subject,
                                                            http::query const& with) {
  auto const id = message::parse_entry_key(subject);
  if (!id)
    co_return no_id(subject);
  if (what == asked_for::replay) {
    auto const told = co_await on_.replay(*id);
    co_return answer_to(told);
  }
  if (what == asked_for::drop) {
    auto const told = co_await on_.drop(*id);
    co_return answer_to(told);
  }
  auto const shown = with.find_flag("value");
  if (shown.has_error())
    co_return malformed(shown.error().detail);
  auto const found = co_await on_.dead_letter(*id);
  if (!found)
    co_return std::nullopt;
  if (auto const* const refused = std::get_if<dispatch::refusal>(&*found))
    co_return answer_to(*refused);
  co_return said(to_json(std::get<store::dead_letter_row>(*found), *shown ? with_value::yes : with_value::no));
}

} // namespace statefund::admin
