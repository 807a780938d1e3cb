#pragma once

#include "error/result.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace statefund::http {

// The parameters of a query, decoded ('+' stays '+'). Strict, so that a mistyped name is told and not ignored.
class query {
 public:
  // errc::parameter_invalid: a name that is not `known`, one that comes twice, or broken percent-encoding.
  static result<query> parse(std::string_view text, std::span<std::string_view const> known);
  static result<query> parse(std::string_view text, std::initializer_list<std::string_view> known) {
    return parse(text, std::span(known.begin(), known.size()));
  }

  std::optional<std::string_view> find(std::string_view name) const noexcept;
  // Decimal digits; errc::parameter_invalid for anything else, or outside of [min, max].
  result<std::optional<std::uint64_t>> find_number(std::string_view name, std::uint64_t min, std::uint64_t max) const;
  // "true" or "false"; a name alone is true; absent is false.
  result<bool> find_flag(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

} // namespace statefund::http
