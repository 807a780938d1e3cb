#include "http/query.hpp"

#include "http/errc.hpp"
#include "message/address.hpp"

#include <algorithm>
#include <charconv>

namespace statefund::http {

namespace {

std::string joined(std::span<std::string_view const> names) {
  std::string all;
  for (std::string_view const name : names) {
    all += all.empty() ? "" : ", ";
    all += name;
  }
  return all.empty() ? "none" : all;
}

error invalid(std::string detail) {
  return error{errc::parameter_invalid, std::move(detail)};
}

} // namespace

result<query> query::parse(std::string_view text, std::span<std::string_view const> known) {
  query read;
  while (!text.empty()) {
    std::string_view const one = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    if (one.empty())
      continue;
    std::size_t const equals = one.find('=');
    auto name = message::percent_decode(one.substr(0, equals));
    auto value =
        message::percent_decode(equals == std::string_view::npos ? std::string_view{} : one.substr(equals + 1));
    if (!name || !value)
      return invalid("the query has a '%' without two hexadecimal digits behind it");
    if (std::find(known.begin(), known.end(), *name) == known.end())
      return invalid("the query parameter '" + *name + "' is not known here; known: " + joined(known));
    if (read.find(*name))
      return invalid("the query parameter '" + *name + "' comes twice");
    read.parameters_.emplace_back(std::move(*name), std::move(*value));
  }
  return read;
}

std::optional<std::string_view> query::find(std::string_view name) const noexcept {
  for (auto const& [key, value] : parameters_)
    if (key == name)
      return value;
  return std::nullopt;
}

result<std::optional<std::uint64_t>> query::find_number(std::string_view name, std::uint64_t min,
                                                        std::uint64_t max) const {
  auto const text = find(name);
  if (!text)
    return std::optional<std::uint64_t>{};
  std::uint64_t value = 0;
  auto const [end, failure] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (failure != std::errc{} || end != text->data() + text->size() || value < min || value > max)
    return invalid("'" + std::string(name) + "' is a number from " + std::to_string(min) + " to " +
                   std::to_string(max));
  return std::optional(value);
}

result<bool> query::find_flag(std::string_view name) const {
  auto const text = find(name);
  if (!text || *text == "false")
    return false;
  if (text->empty() || *text == "true")
    return true;
  return invalid("'" + std::string(name) + "' is true or false");
}

} // namespace statefund::http
