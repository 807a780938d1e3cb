#include "daemon/reach.hpp"

#include "clock/deadline.hpp"
#include "endpoint/connect.hpp"
#include "endpoint/resolver.hpp"
#include "module/duration.hpp"
#include "task/gate.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <map>
#include <optional>
#include <system_error>

namespace statefund::daemon {

std::string_view to_string(reachability value) noexcept {
  switch (value) {
  case reachability::reachable:
    return "reachable";
  case reachability::unreachable:
    return "unreachable";
  case reachability::unknown:
    return "unknown";
  }
  return "unknown";
}

namespace {

namespace asio = boost::asio;

// One place that functions are at, and what came of connecting to it.
struct trial {
  endpoint::place where;
  bool is_unix;
  std::chrono::nanoseconds timeout;
  std::optional<endpoint::failure> met;
};

std::string reason_of(trial const& made) {
  endpoint::failure const& met = *made.met;
  if (met.why != endpoint::cause::io)
    return "no connection within " + module::to_text(made.timeout);
  if (made.is_unix && met.detail == std::generic_category().message(ENOENT))
    return "no such socket";
  std::string text = met.detail;
  if (!text.empty())
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return met.at == endpoint::stage::resolving ? "the host's name cannot be looked up: " + text : text;
}

asio::awaitable<void> connect_in_turn(std::vector<trial>& all, std::size_t& next, endpoint::resolver& names) {
  while (next < all.size()) {
    trial& mine = all[next++];
    auto const never = clock::deadline::never();
    auto const until = clock::deadline::after(mine.timeout);
    auto const tried = co_await endpoint::connect(mine.where, names, until, never);
    if (tried.has_error())
      mine.met = tried.error();
  }
}

void connect_to(std::vector<trial>& all) {
  asio::io_context loop(1);
  endpoint::resolver names;
  task::gate tasks(loop.get_executor());
  std::size_t next = 0;
  for (unsigned i = 0; i < reach_tasks_count; ++i)
    tasks.start(connect_in_turn(all, next, names));
  auto closed = asio::co_spawn(loop, tasks.close(), asio::use_future);
  loop.run();
  closed.get();
}

// Where to connect; absent if that takes a function's name.
std::optional<module::endpoint_url> place_of(module::function_spec const& spec) {
  if (spec.functions.is_exact()) {
    auto url = spec.endpoint.for_name(*spec.functions.name);
    return url ? std::optional(std::move(*url)) : std::nullopt;
  }
  module::endpoint_template place{spec.endpoint.url};
  place.url.target = "/";
  return place.has_placeholder() ? std::nullopt : std::optional(spec.endpoint.url);
}

endpoint::options options_of(module::endpoint_url const& url) {
  endpoint::options made;
  made.over = url.is_unix() ? endpoint::transport::unix_socket : endpoint::transport::tcp;
  made.host = url.host;
  made.port = url.port;
  made.socket_path = url.socket_path;
  return made;
}

} // namespace

std::vector<reached> reach_all(std::vector<module::function_spec const*> const& functions) {
  std::vector<trial> trials;
  std::map<std::string, std::size_t> by_place;
  std::vector<std::optional<std::size_t>> trial_of;
  for (auto const* const spec : functions) {
    auto const url = place_of(*spec);
    trial_of.emplace_back();
    if (!url)
      continue;
    endpoint::place where(options_of(*url));
    auto const timeout = std::min<std::chrono::nanoseconds>(spec->timeouts.connect, reach_time_max);
    auto const [known, is_new] = by_place.emplace(where.text(), trials.size());
    if (is_new)
      trials.push_back({std::move(where), url->is_unix(), timeout, {}});
    else
      trials[known->second].timeout = std::max(trials[known->second].timeout, timeout);
    trial_of.back() = known->second;
  }
  connect_to(trials);

  std::vector<reached> all;
  for (std::size_t i = 0; i < functions.size(); ++i) {
    auto const& spec = *functions[i];
    reached& one =
        all.emplace_back(reached{to_text(spec.functions), to_string(spec.endpoint.url), reachability::unknown, {}});
    if (!trial_of[i]) {
      one.reason = "where to connect depends on the function's name";
      continue;
    }
    trial const& made = trials[*trial_of[i]];
    one.state = made.met ? reachability::unreachable : reachability::reachable;
    if (made.met)
      one.reason = reason_of(made);
  }
  return all;
}

} // namespace statefund::daemon
