#include "module/reader.hpp"

#include "module/duration.hpp"
#include "module/number.hpp"
#include "module/size.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace statefund::module {
namespace {

// Levenshtein's distance, letters compared without their case.
std::size_t distance(std::string_view left, std::string_view right) {
  std::string const a = lower_case(left);
  std::string const b = lower_case(right);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      std::size_t const above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string found_instead(node const& any) {
  return any.kind == node_kind::scalar ? quoted(any.text) : std::string(to_string(any.kind));
}

// "functions ns/f" or "functions:ns/f", which the parser reads as a key without a value.
bool is_unparted(node::entry const& each, std::string_view key) {
  std::string_view const text = each.key->text;
  return each.value->kind == node_kind::null && text.size() > key.size() && text.starts_with(key) &&
         (text[key.size()] == ' ' || text[key.size()] == ':');
}

std::string trimmed_value(std::string_view text) {
  return std::string(text.substr(std::min(text.find_first_not_of(" :"), text.size())));
}

// "-item" instead of "- item".
bool begins_with_dash(node const& any) {
  return any.text.starts_with('-') || (!any.entries.empty() && any.entries.front().key->text.starts_with('-'));
}

// A plain text takes as much of its line as it has bytes, whatever stands in it; the rest is seen in the line.
excerpt width_of(node const& at) {
  return {{}, 0, static_cast<unsigned>(at.text.size())};
}

} // namespace

void error_list::add(node const& at, std::string message, std::string hint) {
  found_.push_back({place_of(at), std::move(message), std::move(hint), severity::error, width_of(at)});
}

void error_list::add_duplicate(node const& at, std::string message, node const& first) {
  found_.push_back(
      {place_of(at), std::move(message), {}, severity::error, width_of(at), place_of(first), width_of(first)});
}

void error_list::add(diagnostics&& found) {
  std::move(found.begin(), found.end(), std::back_inserter(found_));
}

diagnostics error_list::take() {
  std::stable_sort(found_.begin(), found_.end(), [](diagnostic const& left, diagnostic const& right) {
    return std::pair(left.where.line, left.where.column) < std::pair(right.where.line, right.where.column);
  });
  // Two ways to an aliased value find the same errors twice.
  found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
  if (found_.size() > shown_max) {
    std::size_t const left = found_.size() - shown_max + 1;
    found_.resize(shown_max);
    found_.back() = {found_.back().where, std::to_string(left) + " more errors from here on", {}};
  }
  add_excerpts(found_, text_);
  return std::move(found_);
}

map_reader::map_reader(node const& map, std::string what, error_list& errors)
    : map_(&map),
      what_(std::move(what)),
      errors_(&errors) {}

std::optional<map_reader> map_reader::open(node const& any, std::string what, error_list& errors) {
  if (any.kind == node_kind::map)
    return map_reader(any, std::move(what), errors);
  errors.add(any, what + " is " + found_instead(any) + "; expected a map");
  return std::nullopt;
}

node const* map_reader::find(std::string_view key, presence needed) {
  known_.emplace_back(key);
  node const* const value = map_->find(key);
  if (!value) {
    auto const stands_for_it = [key](node::entry const& each) { return is_unparted(each, key); };
    bool const is_told = std::any_of(map_->entries.begin(), map_->entries.end(), stands_for_it); // by finish()
    if (needed == presence::required && !is_told)
      errors_->add(*map_, what_ + " has no " + quoted(key) + "; expected that key");
    return nullptr;
  }
  if (value->kind == node_kind::null) {
    errors_->add(*value, quoted(key) + " of " + what_ + " has no value; expected one" +
                             (needed == presence::optional ? ", or the key left out" : ""));
    return nullptr;
  }
  return value;
}

std::optional<text_at> map_reader::text(std::string_view key, presence needed) {
  node const* const value = find(key, needed);
  return value ? read_text(*value, key, *errors_) : std::nullopt;
}

std::optional<map_reader> map_reader::map(std::string_view key, std::string what, presence needed) {
  node const* const value = find(key, needed);
  return value ? open(*value, std::move(what), *errors_) : std::nullopt;
}

std::vector<node const*> map_reader::list(std::string_view key, presence needed) {
  node const* const value = find(key, needed);
  if (!value)
    return {};
  if (value->kind == node_kind::sequence)
    return value->items;
  errors_->add(*value, quoted(key) + " of " + what_ + " is " + found_instead(*value) + "; expected a list",
               begins_with_dash(*value) ? "an item is a '-' with a space behind it" : "");
  return {};
}

void map_reader::refuse(std::string_view key, std::string_view why, std::string const& hint) {
  refused_.emplace_back(key);
  for (auto const& each : map_->entries)
    if (each.key->text == key)
      errors_->add(*each.key, quoted(key) + ' ' + std::string(why), hint);
}

void map_reader::finish() {
  auto const holds = [](std::vector<std::string> const& keys, std::string const& key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  for (auto const& each : map_->entries)
    if (!holds(known_, each.key->text) && !holds(refused_, each.key->text)) {
      std::string hint = nearest_hint(each.key->text, known_);
      for (auto const& key : known_)
        if (is_unparted(each, key))
          hint = "write " + quoted(key + ": " + trimmed_value(each.key->text.substr(key.size())));
      errors_->add(*each.key, quoted(each.key->text) + " is not a key of " + what_, std::move(hint));
    }
}

std::optional<text_at> read_text(node const& any, std::string_view what, error_list& errors) {
  if (any.kind == node_kind::scalar)
    return text_at{any.text, &any};
  bool const is_placeholder =
      any.kind == node_kind::map && any.entries.size() == 1 && any.entries.front().value->kind == node_kind::null;
  errors.add(any, quoted(what) + " is " + found_instead(any) + "; expected text",
             is_placeholder ? "a text that begins with '{' must stand in quotation marks" : "");
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(node const& any, std::string_view what, error_list& errors) {
  std::int64_t value = 0;
  if (any.kind == node_kind::scalar) {
    char const* const end = any.text.data() + any.text.size();
    auto const [stop, fault] = std::from_chars(any.text.data(), end, value);
    if (fault == std::errc{} && stop == end)
      return value;
  }
  errors.add(any, quoted(what) + " is " + found_instead(any) + "; expected a whole number");
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> read_duration(node const& any, std::string_view what, error_list& errors) {
  auto const text = read_text(any, what, errors);
  if (!text)
    return std::nullopt;
  auto const value = parse_duration(text->text);
  if (value)
    return *value;
  errors.add(any, quoted(what) + " is not a duration: " + value.error().detail);
  return std::nullopt;
}

std::optional<std::uint64_t> read_size(node const& any, std::string_view what, error_list& errors) {
  auto const text = read_text(any, what, errors);
  if (!text)
    return std::nullopt;
  auto const value = parse_size(text->text);
  if (value)
    return *value;
  errors.add(any, quoted(what) + " is not a size: " + value.error().detail);
  return std::nullopt;
}

std::optional<std::string> nearest_of(std::string_view found, std::vector<std::string> const& candidates) {
  constexpr std::size_t compared_bytes_max = 64; // a longer name is no slip of the finger
  if (found.size() > compared_bytes_max)
    return std::nullopt;
  std::optional<std::string> nearest;
  std::size_t best = std::max<std::size_t>(1, found.size() / 3) + 1;
  for (auto const& each : candidates)
    if (std::size_t const far = distance(found, each); far < best) {
      nearest = each;
      best = far;
    }
  return nearest;
}

std::string nearest_hint(std::string_view found, std::vector<std::string> const& candidates) {
  if (auto const nearest = nearest_of(found, candidates))
    return "did you mean " + quoted(*nearest) + '?';
  std::string out;
  for (auto const& each : candidates)
    (out += out.empty() ? (candidates.size() == 1 ? "expected " : "expected one of ") : ", ") += each;
  return out;
}

} // namespace statefund::module
