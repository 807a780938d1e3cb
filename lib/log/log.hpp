#pragma once

#include "error/number.hpp"

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace statefund::log {

enum class level {
  debug,   // for the developer of statefund
  info,    // the daemon's life: once in a while
  warning, // something works less well than it should, and goes on
  error,   // somebody must act
};

enum class format {
  automatic, // journal fields when standard error is the journal, else text
  text,      // one line for a person: time, level, number, sentence, key=value ...
  json,      // one object a line
};

// A fact beside the sentence. Names are snake_case: address, function_type, message_id, path, attempt, ...
struct field {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  field(std::string_view field_name, std::string_view text) : name(field_name), value(text) {}
  field(std::string_view field_name, std::string const& text) : name(field_name), value(std::string_view(text)) {}
  field(std::string_view field_name, char const* text) : name(field_name), value(std::string_view(text)) {}
  field(std::string_view field_name, bool truth) : name(field_name), value(truth) {}
  field(std::string_view field_name, double amount) : name(field_name), value(amount) {}
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool>) field(std::string_view field_name, Integer count)
      : name(field_name),
        value(static_cast<std::int64_t>(count)) {}
};

struct event {
  number what;
  std::string_view sentence; // without a number or a full stop; what varies stands in the fields
};

struct options {
  level least = level::info;
  format as = format::automatic;
};

// Once, before the first thread starts; without it events go to standard error as text.
void configure(options const& chosen);

// One logger a room, a static of its .cpp files: `log::logger const logger{"dispatch"};`. Any thread.
class logger {
 public:
  explicit constexpr logger(std::string_view room) noexcept : room_(room) {}

  void info(event const& happened, std::initializer_list<field> fields = {}) const;
  void warning(event const& happened, std::initializer_list<field> fields = {}) const;
  void error(event const& happened, std::initializer_list<field> fields = {}) const;
  // Not numbered: operators do not meet it.
  void debug(std::string_view sentence, std::initializer_list<field> fields = {}) const;
  bool shows_debug() const noexcept;

 private:
  std::string_view room_;
};

} // namespace statefund::log
