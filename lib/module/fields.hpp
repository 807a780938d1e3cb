#pragma once

#include "module/reader.hpp"
#include "module/spec.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace statefund::module {

// Private to the room: what the formats have in common. A format is a .cpp that puts these together.

inline constexpr std::string_view not_in_this_version = "is not supported by this version of statefund";
inline constexpr std::string_view not_yet_in_this_version = "is not yet supported by this version of statefund";
inline constexpr std::string_view not_ever = "is not supported by statefund and will not be";

// A kind or type that the formats know and that does not work here: refused by its name, never passed over.
struct refused_name {
  std::string_view name;
  std::string_view why;
  std::string_view instead; // empty: it comes with a later version
};

// Adds an error that says why `found` is refused, or that it is unknown. `what` stands before the name: "kind".
// `working` are the names that do work.
void refuse_name(text_at const& found, std::string_view what, std::span<refused_name const> refused,
                 std::span<std::string_view const> working, error_list& errors);

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

// The endpoint under `key`; what is no endpoint, or needs TLS, is an error.
void read_endpoint(map_reader& spec, std::string_view key, function_spec& into);

// <namespace>/<name>, split at the last '/'.
std::optional<function_pattern> read_function_type(text_at const& from, std::string_view key, error_list& errors);
// The same, or <namespace>/*.
std::optional<function_pattern> read_function_pattern(text_at const& from, std::string_view key, error_list& errors);
std::optional<message::egress_id> read_egress_id(text_at const& from, std::string_view key, error_list& errors);

// Once pattern and endpoint are known: the endpoint of an exact type must resolve.
void check_resolves(function_spec const& spec, node const& at, error_list& errors);

// retry, onFailure, maxConcurrentCalls, callWhen: known, not working yet.
void refuse_failure_policy(map_reader& spec);

// The formats. Each adds what it reads to `out`, even beside errors: the file is refused whole anyway.
void read_version_document(node const& root, specs& out, error_list& errors);
void read_kind_document(node const& root, specs& out, error_list& errors);

} // namespace statefund::module
