#pragma once

#include "message/address.hpp"
#include "message/failure_policy.hpp"
#include "message/state_values.hpp"
#include "module/address_template.hpp"
#include "module/diagnostic.hpp"
#include "module/endpoint_url.hpp"
#include "module/kafka_spec.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace statefund::module {

// What module files declare, as values. Complete: every default is filled in. Immutable once parsed.

// Which protocol generation a function speaks; the module's format decides.
enum class protocol {
  v2, // formats "1.0" and "2.0": states are declared in the module
  v3, // endpoint documents: states are declared by the function's answers
};

std::string_view to_string(protocol value) noexcept; // "2.x", "3.x"

// One function type, or all of a namespace. An exact pattern wins over a namespace.
struct function_pattern {
  std::string name_space;
  std::optional<std::string> name; // absent: "ns/*"

  bool is_exact() const noexcept { return name.has_value(); }
  bool matches(message::function_type const& type) const noexcept {
    return name_space == type.name_space && (!name || *name == type.name);
  }
  bool operator==(function_pattern const&) const = default;
};

std::string to_text(function_pattern const& value); // as in the module: "ns/name", "ns/*"

// How long the parts of one call may take; all are > 0, and none but `call` is larger than `call`.
struct call_timeouts {
  std::chrono::nanoseconds call;                 // everything: all attempts, from the first connect to the last byte
  std::chrono::nanoseconds connect;              // one connect, name look-up and handshake included
  std::optional<std::chrono::nanoseconds> read;  // one read; absent: bounded by `call` alone
  std::optional<std::chrono::nanoseconds> write; // one write; absent: bounded by `call` alone

  bool operator==(call_timeouts const&) const = default;
};

// Before the second attempt of one call, as the reference's blocking client has it; each further wait is twice as long.
inline constexpr std::chrono::nanoseconds blocking_backoff_initial = std::chrono::milliseconds(10);

// The files of a TLS endpoint, as absolute paths, and the name that its certificate must have. Empty for plain http.
struct tls_spec {
  std::string trust_cacerts;       // certificates to trust, PEM; empty: the system's
  std::string client_cert;         // the daemon's own certificate with its chain, PEM; empty: none
  std::string client_key;          // of client_cert, PKCS#8; empty where client_cert is
  std::string client_key_password; // a file with the password of client_key; empty: it has none
  std::string server_name;         // checked, and asked for (SNI); empty: the endpoint's host. Never so for https+unix

  bool operator==(tls_spec const&) const = default;
};

using message::call_when;
using message::on_failure;

std::string_view to_string(on_failure value) noexcept; // as in the module: "pause", "dead-letter", "skip"
std::string_view to_string(call_when value) noexcept;  // as in the module: "ordered", "durable"

// What is done after a call that has failed with all its attempts.
struct failure_policy {
  std::chrono::nanoseconds retry_initial = std::chrono::milliseconds(100); // the first wait; > 0; doubles
  std::chrono::nanoseconds retry_max = std::chrono::seconds(60); // the longest wait; >= retry_initial, <= 24 h
  std::uint32_t attempts_max = 0;                                // calls that count; 0: for ever
  on_failure then = on_failure::pause;
  std::optional<std::uint32_t> concurrent_calls_max; // of the type in the daemon; > 0, <= pool_size; absent: pool_size
  call_when calls = call_when::ordered;

  bool operator==(failure_policy const&) const = default;
};

struct function_spec {
  function_pattern functions;
  protocol speaks = protocol::v3;
  endpoint_template endpoint; // resolved with for_name; for an exact pattern that is known to succeed
  tls_spec tls;
  call_timeouts timeouts;
  std::chrono::nanoseconds backoff_initial = blocking_backoff_initial;

  std::uint32_t pool_size = 1024; // connections at most; > 0
  std::optional<std::chrono::nanoseconds> pool_ttl =
      std::chrono::seconds(15);                                      // an idle connection's age at most; absent: any
  std::uint64_t payload_bytes_max = std::uint64_t{32} * 1024 * 1024; // of a request or an answer; > 0

  // From maxNumBatchRequests. Where that is 0 or less there is no mark, and batches hold up to 1000.
  std::uint32_t batch_messages_max = 1000;         // in one call; > 0
  std::optional<std::uint32_t> waiting_max = 1000; // an address's high mark; absent: none

  failure_policy policy;
  message::state_specs states; // v2 alone: what the module declares; names are unique
  place where;                 // of the type or pattern

  bool operator==(function_spec const&) const = default;
};

// One way into the daemon that a module declares: <namespace>/<name>.
struct ingress_id {
  std::string name_space;
  std::string name;

  bool operator==(ingress_id const&) const = default;
};

std::string to_text(ingress_id const& value); // as in the module: "ns/name"

// The ids of the playground's ingress and egress, which modules do not give.
inline constexpr std::string_view playground_namespace = "io.statefun.playground";

// Messages over HTTP on a port of this machine, as the playground has them.
struct playground_ingress_spec {
  std::uint16_t port = 0; // > 0

  bool operator==(playground_ingress_spec const&) const = default;
};

// Records over HTTP on a port of this machine, a queue for each topic.
struct playground_egress_spec {
  std::uint16_t port = 0;          // > 0
  std::vector<std::string> topics; // at least one; unique

  bool operator==(playground_egress_spec const&) const = default;
};

struct queue_egress_spec {
  bool operator==(queue_egress_spec const&) const = default;
};

enum class ingress_kind {
  kafka,
  playground,
};

struct ingress_spec {
  ingress_id id;
  std::variant<kafka_ingress_spec, playground_ingress_spec> way;
  place where; // of the id, else of the kind

  ingress_kind kind() const noexcept { return static_cast<ingress_kind>(way.index()); }
  bool operator==(ingress_spec const&) const = default;
};

enum class egress_kind {
  queue, // records are kept until a reader acknowledges them
  kafka,
  playground,
};

struct egress_spec {
  message::egress_id id;
  std::variant<queue_egress_spec, kafka_egress_spec, playground_egress_spec> way;
  place where; // of the id, else of the kind

  egress_kind kind() const noexcept { return static_cast<egress_kind>(way.index()); }
  bool operator==(egress_spec const&) const = default;
};

// Sends the messages of an ingress to addresses made of what they hold.
struct router_spec {
  ingress_id ingress; // one of the file whose records are `routed`
  address_template target;
  message_schema schema;
  place where; // of the ingress's id

  bool operator==(router_spec const&) const = default;
};

// What one file declares.
struct specs {
  std::vector<function_spec> functions; // in the order of the file; patterns are unique
  std::vector<ingress_spec> ingresses;  // in the order of the file; ids are unique
  std::vector<egress_spec> egresses;    // in the order of the file; ids are unique
  std::vector<router_spec> routers;     // in the order of the file
};

} // namespace statefund::module
