#include "module/address_template.hpp"
#include "module/errc.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>

using namespace statefund::module;

namespace {

using parts = std::vector<template_part>;

template_part text(char const* value) {
  return {value, {}};
}

} // namespace

TEST_CASE("an address template is text with fields of a message in it") {
  auto const usual = parse_address_template("com.example/hello/{{$.name}}");
  REQUIRE(usual.has_value());
  CHECK(*usual == address_template{{text("com.example")}, {text("hello")}, {{"", {{"name", {}}}}}});

  auto const everywhere = parse_address_template("a/b-{{$.n_1}}/x{{$.f}}/{{$.a[0].b}}-{{$.c.d[12]}}}");
  REQUIRE(everywhere.has_value());
  CHECK(everywhere->name_space == parts{text("a/b-"), {"", {{"n_1", {}}}}});
  CHECK(everywhere->name == parts{text("x"), {"", {{"f", {}}}}});
  CHECK(everywhere->id == parts{{"", {{"a", 0}, {"b", {}}}}, text("-"), {"", {{"c", {}}, {"d", 12}}}, text("}")});

  auto const fixed = parse_address_template("ns/name/the-one");
  REQUIRE(fixed.has_value());
  CHECK(fixed->id == parts{text("the-one")});
}

TEST_CASE("what is no address template is told, quoted") {
  struct row {
    char const* text;
    char const* fault;
  };
  for (auto const& [text, fault] : std::array{
           row{"", " has fewer than two '/'"},
           row{"name", " has fewer than two '/'"},
           row{"ns/{{$.id}}", " has fewer than two '/'"},
           row{"/{{$.id}}", " has fewer than two '/'"},
           row{"//{{$.id}}", " has an empty part"},
           row{"/name/id", " has an empty part"},
           row{"ns//id", " has an empty part"},
           row{"ns/name/", " has an empty part"},
           row{"ns/name/{{$.id}", " has a \"{{\" that no \"}}\" follows"},
           row{"ns/name/{{$.a/b}}", " has a \"{{\" that no \"}}\" follows"},
           row{"ns/name/{{}}", " has \"\" in braces, which names no field"},
           row{"ns/name/{{$}}", " has \"$\" in braces, which names no field"},
           row{"ns/name/{{$.}}", " has \"$.\" in braces, which names no field"},
           row{"ns/name/{{name}}", " has \"name\" in braces, which names no field"},
           row{"ns/name/{{ $.name }}", " has \" $.name \" in braces, which names no field"},
           row{"ns/name/{{$.a..b}}", " has \"$.a..b\" in braces, which names no field"},
           row{"ns/name/{{$.a.}}", " has \"$.a.\" in braces, which names no field"},
           row{"ns/name/{{$.a-b}}", " has \"$.a-b\" in braces, which names no field"},
           row{"ns/name/{{$.a[]}}", " has \"$.a[]\" in braces, which names no field"},
           row{"ns/name/{{$.a[-1]}}", " has \"$.a[-1]\" in braces, which names no field"},
           row{"ns/name/{{$.a[0}}", " has \"$.a[0\" in braces, which names no field"},
           row{"ns/name/{{$.[0]}}", " has \"$.[0]\" in braces, which names no field"},
           row{"ns/name/{{$.a[2147483648]}}", " has \"$.a[2147483648]\" in braces, which names no field"},
       }) {
    INFO(text);
    auto const read = parse_address_template(text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == errc::template_invalid);
    CHECK(read.error().detail ==
          '"' + std::string(text) + '"' + fault + "; expected <namespace>/<name>/<id>, as in ns/name/{{$.field}}");
  }
}
