#include "daemon/tls_contexts.hpp"

#include "error/ensure.hpp"
#include "error/number.hpp"

#include <algorithm>

namespace statefund::daemon {

namespace {

endpoint::tls_files files_of(module::tls_spec const& spec) {
  return {spec.trust_cacerts, spec.client_cert, spec.client_key, spec.client_key_password};
}

// Why nothing can be called.
std::string first_error(endpoint::tls_loaded const& of) {
  auto const is_error = [](auto const& each) { return each.severity == endpoint::tls_severity::error; };
  auto const found = std::find_if(of.problems.begin(), of.problems.end(), is_error);
  return found == of.problems.end() ? std::string() : found->text + " (" + to_string(number::tls_files_unusable) + ')';
}

} // namespace

std::shared_ptr<tls_contexts const> tls_contexts::load(catalog::snapshot const& modules, tls_contexts const* before) {
  std::shared_ptr<tls_contexts> made(new tls_contexts);
  for (auto const* const spec : modules.functions()) {
    if (!spec->endpoint.url.is_tls())
      continue;
    auto const [at, is_new] = made->loaded_.try_emplace(files_of(spec->tls));
    auto& loaded = at->second;
    if (is_new) {
      loaded = endpoint::tls_context::load(at->first);
      auto const known = before == nullptr ? nullptr : before->context_of(spec->tls);
      if (known && (!loaded.context || loaded.context->is_same_as(*known)))
        loaded.context = known;
    }
    for (auto const& each : loaded.problems)
      made->findings_.push_back({spec->where, each});
  }
  return made;
}

endpoint::tls_options tls_contexts::options_of(module::function_spec const& spec,
                                               module::endpoint_url const& url) const {
  auto const found = loaded_.find(files_of(spec.tls));
  ensure(found != loaded_.end(), "the files of every function of the snapshot were read");
  auto const& name = spec.tls.server_name;
  auto const& context = found->second.context;
  return {context, context ? std::string() : first_error(found->second), name.empty() ? url.host : name};
}

std::shared_ptr<endpoint::tls_context const> tls_contexts::context_of(module::tls_spec const& spec) const {
  auto const found = loaded_.find(files_of(spec));
  return found == loaded_.end() ? nullptr : found->second.context;
}

} // namespace statefund::daemon
