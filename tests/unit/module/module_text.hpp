#pragma once

#include "module/parse.hpp"

#include <catch2/catch.hpp>

#include <string>

// What a text means that should be a module file, and what is told of one that should not.

inline statefund::module::specs read(std::string const& text) {
  auto parsed = statefund::module::parse("m.yaml", text);
  if (!parsed)
    for (auto const& each : parsed.error())
      UNSCOPED_INFO(to_string(each));
  REQUIRE(parsed.has_value());
  return std::move(*parsed);
}

// A line each.
inline std::string errors_of(std::string const& text) {
  auto const parsed = statefund::module::parse("m.yaml", text);
  REQUIRE_FALSE(parsed.has_value());
  std::string told;
  for (auto const& each : parsed.error())
    told += to_string(each) + '\n';
  return told;
}
