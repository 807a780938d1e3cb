#pragma once

#include "endpoint/tls_context.hpp"
#include "function/function.hpp"
#include "message/state_values.hpp"
#include "wire/generation.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace statefund::endpoint {

enum class transport {
  tcp,         // `host` and `port`
  unix_socket, // `socket_path`
};

// How an endpoint is called over TLS.
struct tls_options {
  std::shared_ptr<tls_context const> context; // null: its files cannot be used
  std::string fault;                          // then: why
  std::string server_name;                    // for which its certificate must be: a host's name, or an address

  bool operator==(tls_options const&) const = default; // the same context, not one that says the same
};

// Where one function type is called and how, every default filled in; made from what a module says.
struct options {
  wire::generation speaks = wire::generation::v3;

  transport over = transport::tcp;
  std::string host; // a name, or an address without brackets
  std::uint16_t port = 80;
  std::string socket_path;
  std::optional<tls_options> tls; // absent: in the clear
  std::string target = "/";       // of the request line; begins with '/'
  std::string authority;          // what the Host header says
  std::string user_agent = "statefund";

  // The budget of a whole call is limits.call_timeout; none of these is larger. All > 0.
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(20); // of one connect, look-up and handshake
  std::optional<std::chrono::nanoseconds> read_timeout;                // of one read; absent: the call's budget alone
  std::optional<std::chrono::nanoseconds> write_timeout;               // of one write; absent: the call's budget alone
  std::chrono::nanoseconds backoff_initial = std::chrono::milliseconds(2); // before the second attempt; doubles

  std::size_t pool_size = 1024; // this shard's share: connections, and so calls, at most; > 0
  std::optional<std::chrono::nanoseconds>
      pool_ttl; // the age, give or take a tenth, at which an idle connection ends; absent: none

  function::limits limits; // payload_bytes_max bounds answers
  // What the module declares (2.x); null for 3.x.
  std::shared_ptr<message::state_specs const> declared_states;
};

} // namespace statefund::endpoint
