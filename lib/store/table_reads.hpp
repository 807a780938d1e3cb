#pragma once

#include "store/database.hpp"
#include "store/tables.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace statefund::store {

// Where a read of one row may look: in what RocksDB has in memory, or on the disk, too. A scan looks everywhere:
// RocksDB 7.8.3 takes a file that it would have to open for a table's end where it may not read the disk.
enum class reach { memory, disk };

// What a read of one row has come to: errc::lost, row_damaged. Absent: it would have had to wait for the disk.
template <class T>
using attempt = std::optional<result<T>>;

error damaged_row(table of);

// The value of a key; nullopt: there is none. Any thread.
attempt<std::optional<std::string>> get(database& in, table of, std::string const& key, reach as_far);

// A part of the row of a key.
template <class T, class Row, class Parse>
attempt<std::optional<T>> get_part(database& in, table of, std::string const& key, reach as_far, Parse const& parse,
                                   T Row::*part) {
  auto const value = get(in, of, key, as_far);
  if (!value)
    return std::nullopt;
  if (!*value)
    return result<std::optional<T>>(value->error());
  if (!**value)
    return result<std::optional<T>>(std::nullopt);
  auto row = parse(key, ***value);
  if (!row)
    return result<std::optional<T>>(damaged_row(of));
  return result<std::optional<T>>(std::move((*row).*part));
}

// Keys from `from` on that come before `end`; empty: up to the last one. A scan has an end for the sake of its cost,
// too: rows that were removed stay until they are compacted, and it walks over those that lie before the next one.
struct key_range {
  std::string from;
  std::string end;
};
key_range keys_with(std::string prefix);
// The end of what comes up to a key.
std::string behind(std::string key);

// Shows `see` the rows of the range, as long as it says true. errc::lost, row_damaged. Any thread. Blocks on the disk.
result<void> scan(database& in, table of, key_range const& range,
                  std::function<result<bool>(std::string_view key, std::string_view value)> const& see);

// Likewise each row by its table's grammar.
template <class Parse, class See>
result<void> scan_rows(database& in, table of, key_range const& range, Parse const& parse, See const& see) {
  return scan(in, of, range, [&](std::string_view key, std::string_view value) -> result<bool> {
    auto row = parse(key, value);
    if (!row)
      return damaged_row(of);
    return see(std::move(*row));
  });
}

// Likewise what `add` makes of them in `all`.
template <class T, class Parse, class Add>
result<T> collect(T all, database& in, table of, key_range const& range, Parse const& parse, Add const& add) {
  auto const done = scan_rows(in, of, range, parse, [&](auto row) { return add(all, std::move(row)); });
  if (!done)
    return done.error();
  return all;
}

} // namespace statefund::store
