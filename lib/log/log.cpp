#include "log/log.hpp"

#include "log/capture.hpp"
#include "log/rendering.hpp"

#include <spdlog/details/log_msg.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace statefund::log {

namespace {

spdlog::level::level_enum spdlog_level_of(level severity) noexcept {
  switch (severity) {
  case level::debug:
    return spdlog::level::debug;
  case level::info:
    return spdlog::level::info;
  case level::warning:
    return spdlog::level::warn;
  case level::error:
    return spdlog::level::err;
  }
  return spdlog::level::err;
}

void write_line(spdlog::sinks::sink& to, record const& happened, std::string const& line) {
  to.log(spdlog::details::log_msg(happened.at, {}, "", spdlog_level_of(happened.severity), line));
}

bool write_to_journal(record const& happened) {
  auto const entry = journal_fields_of(happened);
  std::vector<iovec> parts;
  parts.reserve(entry.size());
  for (std::string const& part : entry)
    parts.push_back({const_cast<char*>(part.data()), part.size()});
  return sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

// The one place events leave through. Made at the first use and never destroyed: statics may log while they end.
struct outlet {
  std::mutex writing; // around the sinks and the captures; events are rare
  format as = format::text;
  std::shared_ptr<spdlog::sinks::sink> text = std::make_shared<spdlog::sinks::stderr_color_sink_st>();
  std::shared_ptr<spdlog::sinks::sink> json = std::make_shared<spdlog::sinks::stderr_sink_st>();
  capture* newest = nullptr;

  outlet() {
    text->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v");
    json->set_pattern("%v");
  }

  void write(record const& happened) {
    if (as == format::json)
      write_line(*json, happened, json_of(happened));
    else if (as == format::text || !write_to_journal(happened)) // what the journal does not take is still said
      write_line(*text, happened, text_of(happened));
  }
};

outlet& the_outlet() {
  static outlet* const made = new outlet; // NOLINT: lives as long as the process
  return *made;
}

constinit std::atomic<level> least_shown = level::info;

bool shows(level severity) noexcept {
  return severity >= least_shown.load(std::memory_order_relaxed);
}

} // namespace

void keep(capture& into, record const& happened) {
  captured kept{happened.severity, std::string(happened.room), happened.what, std::string(happened.sentence), {}};
  for (field const& fact : happened.fields)
    kept.fields.emplace(fact.name, words_of(fact));
  into.events_.push_back(std::move(kept));
}

namespace {

void say(record const& happened) noexcept {
  if (!shows(happened.severity))
    return;
  try {
    outlet& out = the_outlet();
    std::scoped_lock const alone(out.writing);
    if (out.newest)
      keep(*out.newest, happened);
    else
      out.write(happened);
  } catch (...) {
    // Standard error is gone or memory is: there is nobody left to tell, and a log line is no reason to end.
  }
}

record record_of(level severity, std::string_view room, event const& happened, std::initializer_list<field> fields) {
  return {std::chrono::system_clock::now(), severity, room, happened.what, happened.sentence,
          {fields.begin(), fields.size()}};
}

} // namespace

void configure(options const& chosen) {
  outlet& out = the_outlet();
  std::scoped_lock const alone(out.writing);
  out.as = chosen.as;
  if (chosen.as == format::automatic && !is_journal(STDERR_FILENO, std::getenv("JOURNAL_STREAM")))
    out.as = format::text;
  least_shown.store(chosen.least, std::memory_order_relaxed);
}

void logger::info(event const& happened, std::initializer_list<field> fields) const {
  say(record_of(level::info, room_, happened, fields));
}

void logger::warning(event const& happened, std::initializer_list<field> fields) const {
  say(record_of(level::warning, room_, happened, fields));
}

void logger::error(event const& happened, std::initializer_list<field> fields) const {
  say(record_of(level::error, room_, happened, fields));
}

void logger::debug(std::string_view sentence, std::initializer_list<field> fields) const {
  if (shows_debug())
    say({std::chrono::system_clock::now(), level::debug, room_, {}, sentence, {fields.begin(), fields.size()}});
}

bool logger::shows_debug() const noexcept {
  return shows(level::debug);
}

capture::capture(level least) {
  outlet& out = the_outlet();
  std::scoped_lock const alone(out.writing);
  outer_ = std::exchange(out.newest, this);
  outer_least_ = least_shown.exchange(least, std::memory_order_relaxed);
}

capture::~capture() {
  outlet& out = the_outlet();
  std::scoped_lock const alone(out.writing);
  out.newest = outer_;
  least_shown.store(outer_least_, std::memory_order_relaxed);
}

std::vector<captured> capture::events() const {
  std::scoped_lock const alone(the_outlet().writing);
  return events_;
}

std::vector<captured> capture::events(number what) const {
  std::vector<captured> found = events();
  std::erase_if(found, [what](captured const& event) { return event.what != what; });
  return found;
}

} // namespace statefund::log
