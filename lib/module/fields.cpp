#include "module/fields.hpp"

#include "module/duration.hpp"
#include "module/number.hpp"

#include <algorithm>
#include <limits>

namespace statefund::module {
namespace {

void read_timeout(map_reader& from, std::string_view key, std::optional<given_timeout>& into, bool& unreadable) {
  auto const value = read_positive_duration(from, key);
  unreadable = from.has(key) && !value;
  if (value)
    into = given_timeout{*value, from.self().find(key)};
}

bool is_control_character(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// One segment pair of a type or an id. `fault` says what is wrong with it.
struct names {
  std::string_view name_space;
  std::string_view name;
  char const* fault = nullptr;
};

names split_names(std::string_view text) {
  auto const slash = text.rfind('/');
  if (slash == std::string_view::npos)
    return {{}, {}, " has no '/'"};
  names const out{text.substr(0, slash), text.substr(slash + 1)};
  if (out.name_space.empty())
    return {{}, {}, " has no namespace"};
  if (out.name.empty())
    return {{}, {}, " has no name"};
  if (std::any_of(text.begin(), text.end(), is_control_character))
    return {{}, {}, " has a control character in it"};
  return out;
}

// `what` names it: "a function type".
template <class T>
std::optional<T> made_of(names const& read, text_at const& from, std::string_view key, std::string const& what,
                         error_list& errors) {
  if (!read.fault)
    return T{std::string(read.name_space), std::string(read.name)};
  errors.add(*from.at,
             quoted(key) + " is not " + what + ": " + quoted(from.text) + read.fault + "; expected <namespace>/<name>");
  return std::nullopt;
}

} // namespace

void refuse_name(text_at const& found, std::string_view what, std::span<refused_name const> refused,
                 std::span<std::string_view const> working, error_list& errors) {
  std::string const named = std::string(what) + ' ' + quoted(found.text);
  for (auto const& each : refused)
    if (each.name == found.text)
      return errors.add(*found.at, named + ' ' + std::string(each.why), std::string(each.instead));
  std::vector<std::string> const works(working.begin(), working.end());
  std::vector<std::string> all = works;
  for (auto const& each : refused)
    all.emplace_back(each.name);
  auto const nearest = nearest_of(found.text, all);
  std::string hint = nearest ? nearest_hint(found.text, {*nearest}) : nearest_hint(found.text, works);
  errors.add(*found.at, named + " is unknown", std::move(hint));
}

std::optional<std::int64_t> read_number(map_reader& from, std::string_view key, std::int64_t min, std::int64_t max,
                                        presence needed) {
  node const* const at = from.find(key, needed);
  auto const value = at ? read_integer(*at, key, from.errors()) : std::nullopt;
  if (!value || (*value >= min && *value <= max))
    return value;
  from.errors().add(*at, quoted(key) + " is " + quoted(at->text) + "; expected a number from " + std::to_string(min) +
                             " to " + std::to_string(max));
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> read_positive_duration(map_reader& from, std::string_view key) {
  node const* const at = from.find(key);
  auto const value = at ? read_duration(*at, key, from.errors()) : std::nullopt;
  if (!value || value->count() > 0)
    return value;
  from.errors().add(*at, quoted(key) + " is " + quoted(at->text) + "; expected more than 0");
  return std::nullopt;
}

std::optional<std::size_t> read_word(text_at const& found, std::string_view key,
                                     std::span<std::string_view const> words, error_list& errors) {
  auto const at = std::find(words.begin(), words.end(), lower_case(found.text));
  if (at != words.end())
    return static_cast<std::size_t>(at - words.begin());
  std::string expected;
  for (std::size_t i = 0; i < words.size(); ++i)
    (expected += i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") += words[i];
  errors.add(*found.at, quoted(key) + " is " + quoted(found.text) + "; expected " + expected);
  return std::nullopt;
}

bool unique_names::add(std::string_view name, node const& at) {
  auto const [first, is_new] = first_.emplace(name, &at);
  if (!is_new)
    errors_->add_duplicate(at,
                           what_ + ' ' + quoted(name) + " is declared already at " +
                               to_string(errors_->place_of(*first->second)) + "; expected it once",
                           *first->second);
  return is_new;
}

std::vector<node const*> read_items(map_reader& from, std::string_view key, std::string const& what) {
  auto items = from.list(key, presence::required);
  node const* const at = from.self().find(key);
  if (at && at->kind == node_kind::sequence && items.empty())
    from.errors().add(*at, quoted(key) + " is an empty list; expected at least one " + what);
  return items;
}

std::vector<text_at> read_texts(map_reader& from, std::string_view key, std::string const& what) {
  std::vector<text_at> out;
  unique_names seen("the " + what, from.errors());
  for (node const* const item : read_items(from, key, what)) {
    auto const found = read_text(*item, what, from.errors());
    if (found && found->text.empty())
      from.errors().add(*item, "a " + what + " is empty; expected at least one character");
    else if (found && seen.add(found->text, *item))
      out.push_back(*found);
  }
  return out;
}

std::optional<std::string> read_name(map_reader& from, std::string_view key, presence needed) {
  auto const found = from.text(key, needed);
  if (!found)
    return std::nullopt;
  if (!found->text.empty())
    return std::string(found->text);
  from.errors().add(*found->at, quoted(key) + " is empty; expected at least one character");
  return std::nullopt;
}

void read_timeouts(map_reader& from, timeout_keys const& keys, given_timeouts& into) {
  bool unreadable = false;
  read_timeout(from, keys.call, into.call, unreadable);
  into.call_is_unreadable = into.call_is_unreadable || unreadable;
  read_timeout(from, keys.connect, into.connect, unreadable);
  read_timeout(from, keys.read, into.read, unreadable);
  read_timeout(from, keys.write, into.write, unreadable);
}

call_timeouts settle(given_timeouts const& given, call_timeouts const& defaults, timeout_keys const& keys,
                     error_list& errors) {
  using std::chrono::nanoseconds;
  nanoseconds const call = given.call ? given.call->value : defaults.call;
  auto const part = [&](std::optional<given_timeout> const& one, std::optional<nanoseconds> fallback,
                        std::string_view key) -> std::optional<nanoseconds> {
    if (!one)
      return fallback ? std::min(*fallback, call) : fallback;
    if (one->value > call && !given.call_is_unreadable)
      errors.add(*one->at, quoted(key) + " of " + to_text(one->value) + " is larger than the complete call's " +
                               to_text(call) + (given.call ? "" : ", the default of " + quoted(keys.call)) +
                               "; expected at most that");
    return one->value;
  };
  return {call, *part(given.connect, defaults.connect, keys.connect), part(given.read, defaults.read, keys.read),
          part(given.write, defaults.write, keys.write)};
}

void read_batch_max(map_reader& spec, function_spec& into) {
  constexpr std::string_view key = "maxNumBatchRequests";
  node const* const at = spec.find(key);
  if (!at)
    return;
  auto const value = read_integer(*at, key, spec.errors());
  if (!value)
    return;
  if (*value > std::numeric_limits<std::int32_t>::max())
    return spec.errors().add(*at, quoted(key) + " is " + quoted(at->text) + "; expected at most 2147483647");
  if (*value <= 0) {
    into.waiting_max.reset();
    return;
  }
  into.batch_messages_max = static_cast<std::uint32_t>(*value);
  into.waiting_max = into.batch_messages_max;
}

bool read_endpoint(map_reader& spec, std::string_view key, function_spec& into) {
  auto const found = spec.text(key, presence::required);
  if (!found)
    return false;
  auto read = parse_endpoint(found->text);
  if (!read) {
    spec.errors().add(*found->at, quoted(key) + " is not an endpoint: " + read.error().detail);
    return false;
  }
  into.endpoint = std::move(*read);
  if (into.endpoint.url.over == scheme::https_unix)
    into.tls.server_name = "localhost";
  if (into.functions.name)
    if (auto const url = into.endpoint.for_name(*into.functions.name); !url)
      spec.errors().add(*found->at, "the endpoint cannot be resolved: " + url.error().detail);
  return true;
}

std::optional<std::string> read_path(map_reader& from, std::string_view key, presence needed) {
  auto const found = from.text(key, needed);
  if (!found)
    return std::nullopt;
  bool const has_control_character = std::any_of(found->text.begin(), found->text.end(), is_control_character);
  if (found->text.starts_with('/') && !has_control_character)
    return std::string(found->text);
  char const* const why = has_control_character                   ? ", which has a control character in it"
                          : found->text.starts_with("classpath:") ? ", and statefund has no class path"
                          : found->text.starts_with("~")          ? ", and the daemon has no home directory"
                                                                  : "";
  from.errors().add(*found->at, quoted(key) + " is " + quoted(found->text) + why +
                                    "; expected the absolute path of a file, as in /etc/statefun/file");
  return std::nullopt;
}

message_schema read_schema(map_reader& spec) {
  return {read_name(spec, "messageType", presence::required).value_or(""),
          read_path(spec, "descriptorSet", presence::required).value_or("")};
}

std::optional<message::function_type> read_function_type(text_at const& from, std::string_view key,
                                                         error_list& errors) {
  names read = split_names(from.text);
  if (!read.fault && from.text.find('*') != std::string_view::npos)
    read.fault = " has a '*' in it";
  return made_of<message::function_type>(read, from, key, "a function type", errors);
}

std::optional<function_pattern> read_function_pattern(text_at const& from, std::string_view key, error_list& errors) {
  names const read = split_names(from.text);
  bool const is_whole_namespace = !read.fault && read.name == "*";
  auto const star = (is_whole_namespace ? read.name_space : from.text).find('*');
  char const* const fault = read.fault                       ? read.fault
                            : star != std::string_view::npos ? " has a '*' that is not the whole name"
                                                             : nullptr;
  if (!fault)
    return function_pattern{std::string(read.name_space),
                            is_whole_namespace ? std::nullopt : std::optional(std::string(read.name))};
  errors.add(*from.at, quoted(key) + " names no functions: " + quoted(from.text) + fault +
                           "; expected <namespace>/<name> or <namespace>/*");
  return std::nullopt;
}

std::optional<message::egress_id> read_egress_id(text_at const& from, std::string_view key, error_list& errors) {
  return made_of<message::egress_id>(split_names(from.text), from, key, "an egress id", errors);
}

std::optional<ingress_id> read_ingress_id(text_at const& from, std::string_view key, error_list& errors) {
  return made_of<ingress_id>(split_names(from.text), from, key, "an ingress id", errors);
}

std::optional<std::string> read_type_name(text_at const& from, std::string_view key, error_list& errors) {
  struct type_name {
    std::string name_space;
    std::string name;
  };
  if (!made_of<type_name>(split_names(from.text), from, key, "a type name", errors))
    return std::nullopt;
  return std::string(from.text);
}

} // namespace statefund::module
