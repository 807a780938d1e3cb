// Documents of `kind` and `spec`, one thing each.
//
//   kind: io.statefun.endpoints.v2/http
//   spec: {functions: ns/*, urlPathTemplate: http://..., maxNumBatchRequests: n, transport: {...}}
//
// endpoints.v1 has `timeouts` in the place of `transport`.

#include "module/fields.hpp"

#include <array>

namespace statefund::module {
namespace {

constexpr std::string_view endpoints_v1 = "io.statefun.endpoints.v1/http";
constexpr std::string_view endpoints_v2 = "io.statefun.endpoints.v2/http";
constexpr std::string_view queue_egress = "statefund.egress.v1/queue";
constexpr std::array working_kinds{endpoints_v1, endpoints_v2, queue_egress};
constexpr std::array refused_kinds{
    refused_name{"io.statefun.kafka.v1/ingress", not_in_this_version, ""},
    refused_name{"io.statefun.kafka.v1/egress", not_in_this_version, ""},
    refused_name{"io.statefun.playground.v1/ingress", not_in_this_version, ""},
    refused_name{"io.statefun.playground.v1/egress", not_in_this_version, ""},
    refused_name{"io.statefun.kinesis.v1/ingress", not_ever,
                 "read the stream with a program of your own and send its records to the ingress socket"},
    refused_name{"io.statefun.kinesis.v1/egress", not_ever,
                 "declare the egress with kind: statefund.egress.v1/queue and forward its records with a program of "
                 "your own"},
};

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
  // What cannot be read bounds nothing else.
  if (transport.has("pool_size"))
    into.pool_size =
        static_cast<std::uint32_t>(read_number(transport, "pool_size", 1, pool_size_max).value_or(pool_size_max));
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

void read_http_endpoint(map_reader& spec, std::string_view kind, specs& out) {
  error_list& errors = spec.errors();
  function_spec made;
  made.speaks = protocol::v3;
  made.pool_ttl = std::chrono::seconds(15);
  bool has_pattern = false;
  if (auto const functions = spec.text("functions", presence::required))
    if (auto pattern = read_function_pattern(*functions, "functions", errors)) {
      made.functions = std::move(*pattern);
      made.where = errors.place_of(*functions->at);
      has_pattern = true;
    }
  bool const has_endpoint = read_endpoint(spec, "urlPathTemplate", made);
  read_batch_max(spec, made);
  if (kind == endpoints_v1) {
    read_blocking_timeouts(spec, made);
    spec.refuse("transport", "is not a key of " + std::string(endpoints_v1),
                "use kind: " + std::string(endpoints_v2) + ", or write the timeouts under \"timeouts\"");
  } else {
    read_transport(spec, has_endpoint, made);
    spec.refuse("timeouts", "is not a key of " + std::string(endpoints_v2), "write it under \"transport\"");
  }
  read_failure_policy(spec, made);
  spec.finish();
  if (has_pattern)
    out.functions.push_back(std::move(made));
}

void read_queue_egress(map_reader& spec, specs& out) {
  error_list& errors = spec.errors();
  auto const id = spec.text("id", presence::required);
  spec.finish();
  if (!id)
    return;
  if (auto read = read_egress_id(*id, "id", errors))
    out.egresses.push_back({std::move(*read), queue_egress_spec{}, errors.place_of(*id->at)});
}

} // namespace

void read_kind_document(node const& root, specs& out, error_list& errors) {
  if (root.find("apiVersion"))
    return errors.add(root, "the document is a Kubernetes manifest, which is no module file",
                      "put what stands under its data into a file of its own");
  if (!root.find("kind"))
    return errors.add(root, "the document has neither \"kind\" nor \"version\"; expected one of them");
  map_reader document(root, "the document", errors);
  auto const kind = document.text("kind");
  if (!kind)
    return;
  bool const is_endpoint = kind->text == endpoints_v1 || kind->text == endpoints_v2;
  if (!is_endpoint && kind->text != queue_egress)
    return refuse_name(*kind, "kind", refused_kinds, working_kinds, errors);
  auto spec = document.map("spec", "the spec of " + std::string(kind->text), presence::required);
  document.finish();
  if (!spec)
    return;
  if (is_endpoint)
    read_http_endpoint(*spec, kind->text, out);
  else
    read_queue_egress(*spec, out);
}

} // namespace statefund::module
