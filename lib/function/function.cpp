#include "function/errc.hpp"
#include "function/table.hpp"

#include <iterator>
#include <utility>

namespace statefund::function {

std::string_view room_of(errc) noexcept {
  return "function";
}

std::string_view describe(errc value) noexcept {
  switch (value) {
  case errc::endpoint_failed:
  case errc::endpoint_answered:
  case errc::answered_500:
  case errc::timed_out:
    return "the endpoint failed";
  case errc::endpoint_unreachable:
    return "the endpoint cannot be reached";
  case errc::name_unresolved:
    return "the endpoint's host name cannot be resolved";
  case errc::out_of_descriptors:
    return "the daemon has no file descriptor left";
  case errc::message_refused:
    return "the function refused the message";
  case errc::answer_unreadable:
  case errc::answer_too_large:
    return "the function's answer cannot be read";
  case errc::wrong_generation:
    return "the endpoint speaks the other protocol generation";
  case errc::function_in_error:
    return "the function asks for what cannot be done";
  case errc::call_cancelled:
    return "the call was cancelled, for the daemon stops";
  }
  return "unknown error";
}

boost::system::error_code make_error_code(errc value) noexcept {
  return error_category::code_of(value);
}

bool is_unreached(boost::system::error_code const& failed) noexcept {
  return failed == errc::endpoint_unreachable || failed == errc::name_unresolved || failed == errc::out_of_descriptors;
}

handle table::find(message::function_type const& type) {
  if (auto const known = functions_.find(type); known != functions_.end())
    return known->second;
  if (closed_ || is_full())
    return nullptr;
  auto made = make_(type);
  if (made) // unknown types are not remembered: outsiders could fill the table with them
    functions_.emplace(type, made);
  return made;
}

std::vector<handle> table::replace(factory next, std::function<bool(message::function_type const&)> const& keeps) {
  make_ = std::move(next);
  std::vector<handle> replaced;
  for (auto own = functions_.begin(); own != functions_.end();) {
    if (keeps(own->first)) {
      ++own;
      continue;
    }
    replaced.push_back(std::exchange(own->second, make_(own->first)));
    own = own->second ? std::next(own) : functions_.erase(own);
  }
  return replaced;
}

handle table::forget(message::function_type const& type) {
  auto own = functions_.extract(type);
  return own ? std::move(own.mapped()) : nullptr;
}

std::vector<message::function_type> table::types() const {
  std::vector<message::function_type> all;
  all.reserve(functions_.size());
  for (auto const& [type, function] : functions_)
    all.push_back(type);
  return all;
}

boost::asio::awaitable<void> table::close() {
  closed_ = true;
  auto const all = std::exchange(functions_, {});
  for (auto const& [type, function] : all)
    co_await function->close();
}

} // namespace statefund::function
