#pragma once

#include "log/log.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::log {

// One thing to be logged, as the three forms are made from it. Borrows everything; lives for one call.
struct record {
  std::chrono::system_clock::time_point at;
  level severity;
  std::string_view room;
  std::optional<number> what; // absent: a debug line
  std::string_view sentence;
  std::span<field const> fields;
};

// The forms are pure. None of them can be made to forge a second line or an entry of its own, whatever bytes the
// sentence or a value hold.

// `SF0201 a call failed address=ns/fn/id error="no route\nto host"`, one line without its end, without time and level.
// A value stands in quotes when it is empty or holds a space, a quote, a backslash or an equals sign, or had to be
// escaped: \n \t \r \" \\, \u{202e} for control and direction characters, \xff for bytes that are not UTF-8.
std::string text_of(record const& happened);

// {"time":"2026-01-02T03:04:05.678Z","level":"info","number":"SF0007","room":"daemon","message":"...","fields":{...}},
// without the line's end. Always valid JSON in UTF-8: bytes that are not become U+FFFD, a number that is not finite
// null.
std::string json_of(record const& happened);

// What sd_journal_sendv takes, NAME=value each: MESSAGE (as the text form), PRIORITY, SYSLOG_IDENTIFIER, ROOM as
// STATEFUND_ROOM, and for a numbered event MESSAGE_ID and STATEFUND_NUMBER; then each field as STATEFUND_<NAME>. Values
// are the raw bytes: the journal keeps lengths.
std::vector<std::string> journal_fields_of(record const& happened);

// The value alone, as the text form writes it before quoting.
std::string words_of(field const& fact);

// Whether `descriptor` is the stream that systemd announces as "<device>:<inode>" in JOURNAL_STREAM. Null: it does not.
bool is_journal(int descriptor, char const* journal_stream) noexcept;

} // namespace statefund::log
