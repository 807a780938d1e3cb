#include "daemon/remote_functions.hpp"

#include "daemon/function_limits.hpp"
#include "daemon/version.hpp"
#include "dispatch/share.hpp"

#include <algorithm>
#include <memory>

namespace statefund::daemon {

wire::generation generation_of(module::function_spec const& spec) noexcept {
  return spec.speaks == module::protocol::v2 ? wire::generation::v2 : wire::generation::v3;
}

endpoint::options endpoint_options(module::function_spec const& spec, module::endpoint_url const& url,
                                   message::function_type const& type, std::size_t shard, std::size_t shards_count) {
  endpoint::options made;
  made.speaks = generation_of(spec);
  made.over = url.is_unix() ? endpoint::transport::unix_socket : endpoint::transport::tcp;
  made.host = url.host;
  made.port = url.port;
  made.socket_path = url.socket_path;
  made.target = url.target;
  made.authority = url.authority();
  made.user_agent = "statefund/" + std::string(version);

  made.connect_timeout = spec.timeouts.connect;
  made.read_timeout = spec.timeouts.read;
  made.write_timeout = spec.timeouts.write;
  made.backoff_initial = spec.backoff_initial;

  // A shard without a share never calls: it sends the call to the type's home.
  made.pool_size = std::max<std::size_t>(1, dispatch::share_of_type(type, spec.pool_size, shard, shards_count));
  made.pool_ttl = spec.pool_ttl;

  made.limits = limits_of(spec);
  if (spec.speaks == module::protocol::v2)
    made.declared_states = std::make_shared<message::state_specs const>(spec.states);
  return made;
}

bool calls_alike(module::function_spec const& one, tls_contexts const& tls_of_one, module::function_spec const& other,
                 tls_contexts const& tls_of_other) {
  auto moved = one;
  moved.where = other.where;
  moved.functions = other.functions; // the endpoint says the rest of what a pattern means
  if (moved != other)
    return false;
  auto const& url = one.endpoint.url;
  return !url.is_tls() || tls_of_one.options_of(one, url) == tls_of_other.options_of(other, url);
}

} // namespace statefund::daemon
