#pragma once

#include "module/reader.hpp"
#include "module/spec.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace statefund::module {

// Private to the room: values that more than one reader has to do with.

// A name that the formats know and that does not work here: refused by it, never passed over.
struct refused_name {
  std::string_view name;
  std::string_view why;
  std::string_view instead; // what to use in its place
};

inline constexpr std::string_view not_in_this_version = "is not supported by this version of statefund";
inline constexpr std::string_view not_ever = "is not supported by statefund and will not be";

// Adds an error that says why `found` is refused, or that it is unknown. `what` stands before the name: "kind".
// `working` are the names that do work.
void refuse_name(text_at const& found, std::string_view what, std::span<refused_name const> refused,
                 std::span<std::string_view const> working, error_list& errors);

// The values under a key that may be absent. What is something else is an error, and absent as well.
std::optional<std::int64_t> read_number(map_reader& from, std::string_view key, std::int64_t min, std::int64_t max,
                                        presence needed = presence::optional);
std::optional<std::chrono::nanoseconds> read_positive_duration(map_reader& from, std::string_view key);
// The index of the word, in any case.
std::optional<std::size_t> read_word(text_at const& found, std::string_view key,
                                     std::span<std::string_view const> words, error_list& errors);

// One of `choices`, by the word that to_string has for it, in any case. Otherwise an error.
template <class Enum, std::size_t count>
std::optional<Enum> read_choice(text_at const& found, std::string_view key, std::array<Enum, count> const& choices,
                                error_list& errors) {
  std::array<std::string_view, count> words;
  std::transform(choices.begin(), choices.end(), words.begin(), [](Enum each) { return to_string(each); });
  auto const index = read_word(found, key, words, errors);
  return index ? std::optional(choices[*index]) : std::nullopt;
}

// Names that may stand once each.
class unique_names {
 public:
  // `what` stands before a name in errors: "the topic". Borrows the list.
  unique_names(std::string what, error_list& errors) : what_(std::move(what)), errors_(&errors) {}
  // False, and an error, if it was added before.
  bool add(std::string_view name, node const& at);

 private:
  std::string what_;
  error_list* errors_;
  std::unordered_map<std::string, node const*> first_;
};

// A list that must be there and hold something. `what` is what it holds: "topic".
std::vector<node const*> read_items(map_reader& from, std::string_view key, std::string const& what);
// The same, of texts that are not empty, each once.
std::vector<text_at> read_texts(map_reader& from, std::string_view key, std::string const& what);
// Text that is not empty.
std::optional<std::string> read_name(map_reader& from, std::string_view key, presence needed = presence::optional);

// The keys of the four timeouts, which each format spells its own way.
struct timeout_keys {
  std::string_view call;
  std::string_view connect;
  std::string_view read;
  std::string_view write;
};

struct given_timeout {
  std::chrono::nanoseconds value;
  node const* at;
};

// What a module says about timeouts, before defaults.
struct given_timeouts {
  std::optional<given_timeout> call;
  std::optional<given_timeout> connect;
  std::optional<given_timeout> read;
  std::optional<given_timeout> write;
  bool call_is_unreadable = false; // an error already; the others cannot be held against it
};

inline constexpr std::int64_t pool_size_max = 65535;

inline constexpr call_timeouts blocking_defaults{std::chrono::minutes(1), std::chrono::seconds(10),
                                                 std::chrono::seconds(10), std::chrono::seconds(10)};
inline constexpr std::chrono::nanoseconds async_backoff_initial = std::chrono::milliseconds(2);
inline constexpr call_timeouts async_defaults{std::chrono::minutes(2), std::chrono::seconds(20), std::nullopt,
                                              std::nullopt};

// A timeout found here wins over one that `into` holds already. Zero is an error.
void read_timeouts(map_reader& from, timeout_keys const& keys, given_timeouts& into);

// A given connect, read or write timeout above the call's is an error; a default one is lowered to it.
call_timeouts settle(given_timeouts const& given, call_timeouts const& defaults, timeout_keys const& keys,
                     error_list& errors);

void read_batch_max(map_reader& spec, function_spec& into);

// The endpoint under `key`, with the name that its certificate must have unless a transport says another. Once the
// pattern is known: that of an exact type must resolve. False: there is none, which is an error already.
bool read_endpoint(map_reader& spec, std::string_view key, function_spec& into);

// A file that the daemon is to open itself: its absolute path.
std::optional<std::string> read_path(map_reader& from, std::string_view key, presence needed = presence::optional);

// messageType and descriptorSet.
message_schema read_schema(map_reader& spec);

// trust_cacerts, client_cert, client_key, client_key_password, server_name.
void read_tls(map_reader& transport, tls_spec& into);
// The same keys where the endpoint is without TLS: errors.
void refuse_tls(map_reader& transport, scheme endpoint);

// <namespace>/<name>, split at the last '/'.
std::optional<message::function_type> read_function_type(text_at const& from, std::string_view key, error_list& errors);
// The same, or <namespace>/*.
std::optional<function_pattern> read_function_pattern(text_at const& from, std::string_view key, error_list& errors);
std::optional<message::egress_id> read_egress_id(text_at const& from, std::string_view key, error_list& errors);
std::optional<ingress_id> read_ingress_id(text_at const& from, std::string_view key, error_list& errors);
// What stands before a value to say how its bytes are read; also <namespace>/<name>.
std::optional<std::string> read_type_name(text_at const& from, std::string_view key, error_list& errors);

// retry, onFailure, maxConcurrentCalls, callWhen. Once the pool is known: more calls than connections are an error.
void read_failure_policy(map_reader& spec, function_spec& into);

} // namespace statefund::module
