// Endpoints of 3.x functions.
//
//   functions: ns/*
//   urlPathTemplate: http://host/{function.name}
//   maxNumBatchRequests: n
//   transport: {type: ..., call: 2min, ..., pool_size: n, trust_cacerts: /path, ...}   io.statefun.endpoints.v2/http
//   timeouts: {call: 1min, connect: 10s, read: 10s, write: 10s}                        the others
//
// and the failure policy.

#include "module/component.hpp"
#include "module/fields.hpp"

#include <array>

namespace statefund::module {
namespace {

constexpr std::string_view async_transport = "io.statefun.transports.v1/async";
constexpr std::string_view okhttp_transport = "io.statefun.transports.v1/okhttp";

constexpr timeout_keys keys{"call", "connect", "read", "write"};

void read_pool(map_reader& transport, function_spec& into) {
  error_list& errors = transport.errors();
  if (node const* const at = transport.find("pool_ttl"))
    if (auto const ttl = read_duration(*at, "pool_ttl", errors)) {
      if (ttl->count() == 0)
        into.pool_ttl.reset();
      else
        into.pool_ttl = *ttl;
    }
  auto const connections = read_number(transport, "pool_size", 1, pool_size_max);
  if (transport.has("pool_size")) // what cannot be read bounds nothing else
    into.pool_size = static_cast<std::uint32_t>(connections.value_or(pool_size_max));
  if (node const* const at = transport.find("payload_max_bytes"))
    if (auto const size = read_size(*at, "payload_max_bytes", errors)) {
      if (*size < 1 || *size > 2147483647) // what a protobuf message can hold
        errors.add(*at, "\"payload_max_bytes\" is " + quoted(at->text) + "; expected 1 to 2147483647 bytes");
      else
        into.payload_bytes_max = *size;
    }
}

void read_transport(map_reader& spec, bool has_endpoint, function_spec& into) {
  error_list& errors = spec.errors();
  call_timeouts defaults = async_defaults;
  into.backoff_initial = async_backoff_initial;
  given_timeouts given;
  if (auto transport = spec.map("transport", "the transport")) {
    if (auto const type = transport->text("type")) {
      if (type->text == okhttp_transport) {
        defaults = blocking_defaults;
        into.backoff_initial = blocking_backoff_initial;
      } else if (type->text != async_transport) {
        refuse_name(*type, "transport type", {}, std::array{async_transport, okhttp_transport}, errors);
      }
    }
    read_timeouts(*transport, keys, given);
    if (auto timeouts = transport->map("timeouts", "the timeouts")) {
      read_timeouts(*timeouts, keys, given);
      timeouts->finish();
    }
    read_pool(*transport, into);
    if (has_endpoint && !into.endpoint.url.is_tls())
      refuse_tls(*transport, into.endpoint.url.over);
    else
      read_tls(*transport, into.tls);
    transport->finish();
  }
  into.timeouts = settle(given, defaults, keys, errors);
}

void read_blocking_timeouts(map_reader& spec, function_spec& into) {
  given_timeouts given;
  if (auto timeouts = spec.map("timeouts", "the timeouts")) {
    read_timeouts(*timeouts, keys, given);
    timeouts->finish();
  }
  into.timeouts = settle(given, blocking_defaults, keys, spec.errors());
}

struct endpoint_format {
  std::string_view name;
  bool has_transport;
};

void read_http_endpoint(component& from, endpoint_format const& format, specs& out) {
  map_reader& spec = from.spec;
  error_list& errors = spec.errors();
  function_spec made;
  made.speaks = protocol::v3;
  if (auto const functions = spec.text("functions", presence::required))
    if (auto pattern = read_function_pattern(*functions, "functions", errors)) {
      made.functions = std::move(*pattern);
      made.where = errors.place_of(*functions->at);
    }
  bool const has_endpoint = read_endpoint(spec, "urlPathTemplate", made);
  read_batch_max(spec, made);
  if (format.has_transport) {
    read_transport(spec, has_endpoint, made);
    spec.refuse("timeouts", "is not a key of " + std::string(format.name), "write it under \"transport\"");
  } else {
    read_blocking_timeouts(spec, made);
    spec.refuse("transport", "is not a key of " + std::string(format.name),
                "use kind: io.statefun.endpoints.v2/http, or write the timeouts under \"timeouts\"");
  }
  read_failure_policy(spec, made);
  spec.finish();
  if (!made.functions.name_space.empty())
    out.functions.push_back(std::move(made));
}

} // namespace

void read_endpoint_v3_0(component& from, specs& out) {
  read_http_endpoint(from, {"format \"3.0\"", false}, out);
}

void read_endpoint_v1(component& from, specs& out) {
  read_http_endpoint(from, {"io.statefun.endpoints.v1/http", false}, out);
}

void read_endpoint_v2(component& from, specs& out) {
  read_http_endpoint(from, {"io.statefun.endpoints.v2/http", true}, out);
}

} // namespace statefund::module
