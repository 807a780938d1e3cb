#pragma once

#include "http/problem.hpp"

#include <concepts>
#include <optional>
#include <string>
#include <string_view>

namespace statefund::admin {

// Appends JSON to a text; commas are put where they belong.
class json_writer {
 public:
  explicit json_writer(std::string& out) noexcept : out_(out) {}

  json_writer& key(std::string_view name) {
    separate();
    http::append_json_string(out_, name);
    out_ += ':';
    after_key_ = true;
    return *this;
  }
  void text(std::string_view value) {
    separate();
    http::append_json_string(out_, value);
  }
  template <std::integral Integer>
  void number(Integer value) {
    separate();
    out_ += std::to_string(value);
  }
  template <std::integral Integer>
  void number(std::optional<Integer> const& value) {
    if (value)
      number(*value);
    else
      null();
  }
  void truth(bool value) {
    separate();
    out_ += value ? "true" : "false";
  }
  void null() {
    separate();
    out_ += "null";
  }
  void open(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
  }
  void close(char bracket) {
    out_ += bracket;
    first_ = false;
  }

 private:
  void separate() {
    if (!after_key_ && !first_)
      out_ += ',';
    after_key_ = false;
    first_ = false;
  }

  std::string& out_;
  bool first_ = true;
  bool after_key_ = false;
};

} // namespace statefund::admin
