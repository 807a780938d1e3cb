#pragma once

#include "daemon/tls_contexts.hpp"
#include "endpoint/options.hpp"
#include "message/address.hpp"
#include "module/spec.hpp"
#include "wire/generation.hpp"

#include <cstddef>

namespace statefund::daemon {

// Which protocol the function is spoken to in. Pure.
wire::generation generation_of(module::function_spec const& spec) noexcept;

// What a module says of a function type, as one shard's endpoint needs it: every count is this shard's share. Pure.
endpoint::options endpoint_options(module::function_spec const& spec, module::endpoint_url const& url,
                                   message::function_type const& type, std::size_t shard, std::size_t shards_count);

// Whether calls are made alike by both, with the TLS files of each as they were read: all but where they are declared.
bool calls_alike(module::function_spec const& one, tls_contexts const& tls_of_one, module::function_spec const& other,
                 tls_contexts const& tls_of_other);

} // namespace statefund::daemon
