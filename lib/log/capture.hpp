#pragma once

#include "log/log.hpp"

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace statefund::log {

struct record;

// An event as it was logged, with its values in the words of the text form, not quoted.
struct captured {
  level severity;
  std::string room;
  std::optional<number> what; // absent: a debug line
  std::string sentence;
  std::map<std::string, std::string, std::less<>> fields;
};

// While it lives, what is logged at `least` and above comes here and goes nowhere else: a test asserts what is logged.
// Captures nest, the newest takes all; they end in reverse order. Events come from any thread; whoever ends a capture
// while others log loses nothing but what comes after.
class capture {
 public:
  explicit capture(level least = level::info);
  ~capture();
  capture(capture const&) = delete;
  capture& operator=(capture const&) = delete;

  std::vector<captured> events() const;
  std::vector<captured> events(number what) const;
  std::size_t count(number what) const { return events(what).size(); }

 private:
  friend void keep(capture& into, record const& happened);

  std::vector<captured> events_; // under the log's one lock
  capture* outer_;
  level outer_least_;
};

} // namespace statefund::log
