#include "simulation/modules.hpp"

#include <array>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::simulation {

namespace {

std::string expiry_of(message::expiration const& expires) {
  if (expires.mode == message::expiration_mode::none)
    return {};
  return ", expireAfter: " + std::to_string(expires.after.count()) +
         "ms, expireMode: " + (expires.mode == message::expiration_mode::after_write ? "after-write" : "after-invoke");
}

std::string text_of(program const& run, kind_of_function const& kind, std::minstd_rand& random) {
  auto const batch_max = 1 + random() % batch_messages_max;
  auto const calls_max = random() % 2 == 0 ? 1 + random() % 4 : 64;
  std::string const name(kind.name);
  constexpr std::array<std::string_view, 4> attempts_max{"0", "1", "2", "4"};
  constexpr std::array<std::string_view, 3> then{"pause", "dead-letter", "skip"};
  std::string const attempts(attempts_max[random() % attempts_max.size()]);
  std::string const goes(then[random() % then.size()]);
  auto const policy = [&](std::string const& margin) {
    return "retry: {initial: 10ms, max: 300ms, maxAttempts: " + attempts + "}\n" + margin + "onFailure: " + goes;
  };
  if (!kind.declares_states)
    return "kind: io.statefun.endpoints.v2/http\nspec:\n  functions: sim/" + name +
           "\n  urlPathTemplate: http://127.0.0.1:8000/" + name +
           "\n  maxNumBatchRequests: " + std::to_string(batch_max) +
           "\n  maxConcurrentCalls: " + std::to_string(calls_max) + "\n  " + policy("  ") +
           "\n  transport: {type: io.statefun.transports.v1/async, call: 2s}\n";
  std::string states;
  for (std::size_t i = 0; i < states_count; ++i)
    states += "              - {name: s" + std::to_string(i) + expiry_of(run.expirations[i]) + "}\n";
  return "version: \"2.0\"\nmodule:\n  meta: {type: remote}\n  spec:\n    functions:\n      - function:\n          "
         "meta: "
         "{kind: http, type: sim/" +
         name + "}\n          spec:\n            endpoint: http://127.0.0.1:8000/" + name +
         "\n            maxNumBatchRequests: " + std::to_string(batch_max) +
         "\n            maxConcurrentCalls: " + std::to_string(calls_max) + "\n            timeout: 2s\n            " +
         policy("            ") + "\n            states:\n" + states;
}

// A text is parsed once in a process: thousands of runs declare the same few.
std::shared_ptr<catalog::version const> parsed(std::string const& path, std::string const& text) {
  static std::map<std::string, std::shared_ptr<catalog::version const>> known;
  auto& own = known[text];
  if (!own)
    own = catalog::parse({path, text, {}});
  return own;
}

} // namespace

std::shared_ptr<catalog::snapshot const> make_modules(program const& run, std::uint32_t chance, presence which,
                                                      std::uint64_t generation) {
  std::minstd_rand random(chance);
  std::vector<catalog::file_versions> files;
  auto const add = [&](std::string const& name, std::string const& text) {
    auto const path = name + ".yaml";
    files.push_back({path, parsed(path, text), nullptr});
  };
  for (auto const& kind : kinds) {
    auto const text = text_of(run, kind, random);
    if (random() % 5 != 0 || which == presence::all)
      add(std::string(kind.name), text);
  }
  add("queue", "kind: statefund.egress.v1/queue\nspec: {id: out/e0}\n");
  return catalog::snapshot::make(files, generation);
}

} // namespace statefund::simulation
