#include "admin/route.hpp"

#include <algorithm>
#include <utility>

namespace statefund::admin {

namespace {

// Of two that fit the first is meant: no dead letter's id is "replay".
constexpr route routes[] = {
    {"/-/healthy", asked_for::healthy, effect::shows, {}},
    {"/-/ready", asked_for::ready, effect::shows, {}},
    {"/-/reload", asked_for::reload, effect::acts, {}},
    {"/metrics", asked_for::metrics, effect::shows, {}},
    {"/v1/status", asked_for::status, effect::shows, {}},
    {"/v1/resume", asked_for::resume_all, effect::acts, {}},
    {"/v1/backup", asked_for::backup, effect::acts, {"directory"}},
    {"/v1/functions", asked_for::functions, effect::shows, {}},
    {"/v1/functions/*/*/pause", asked_for::pause_type, effect::acts, {"reason"}},
    {"/v1/functions/*/*/resume", asked_for::resume_type, effect::acts, {}},
    {"/v1/addresses", asked_for::addresses, effect::shows, {"state", "type", "max"}},
    {"/v1/addresses/*/*/*", asked_for::address, effect::shows, {}},
    {"/v1/addresses/*/*/*/pause", asked_for::pause, effect::acts, {"reason"}},
    {"/v1/addresses/*/*/*/resume", asked_for::resume, effect::acts, {}},
    {"/v1/addresses/*/*/*/skip", asked_for::skip, effect::acts, {"message"}},
    {"/v1/dead-letters", asked_for::dead_letters, effect::shows, {"type", "address", "after", "max"}},
    {"/v1/dead-letters/replay", asked_for::replay_many, effect::acts, {"type", "address"}},
    {"/v1/dead-letters/*", asked_for::dead_letter, effect::shows, {"value"}},
    {"/v1/dead-letters/*/replay", asked_for::replay, effect::acts, {}},
    {"/v1/dead-letters/*/drop", asked_for::drop, effect::acts, {}},
};

constexpr std::pair<std::string_view, std::string_view> beginnings[] = {
    {"/v1/addresses/", "an address is <namespace>/<name>/<id>, each part percent-encoded, and takes GET, or POST with "
                       "/pause, /resume or /skip behind it"},
    {"/v1/functions/",
     "a function type is <namespace>/<name>, each part percent-encoded, and takes POST with /pause or "
     "/resume behind it"},
    {"/v1/dead-letters/", "a dead letter is named by its message's id, and takes GET, or POST with /replay or /drop "
                          "behind it; /v1/dead-letters/replay takes many"},
};

std::optional<std::string_view> subject_in(std::string_view path, std::string_view pattern) {
  auto const first = pattern.find('*');
  if (first == std::string_view::npos)
    return path == pattern ? std::optional(std::string_view()) : std::nullopt;
  auto const before = pattern.substr(0, first);
  auto const behind = pattern.substr(pattern.rfind('*') + 1);
  if (path.size() < before.size() + behind.size() || !path.starts_with(before) || !path.ends_with(behind))
    return std::nullopt;
  auto const subject = path.substr(before.size(), path.size() - before.size() - behind.size());
  auto const wanted = pattern.substr(first, pattern.size() - first - behind.size());
  if (std::count(subject.begin(), subject.end(), '/') != std::count(wanted.begin(), wanted.end(), '/'))
    return std::nullopt;
  return subject;
}

} // namespace

std::optional<routed> find_route(std::string_view path) {
  for (route const& one : routes)
    if (auto const subject = subject_in(path, one.path))
      return routed{&one, *subject};
  return std::nullopt;
}

std::string_view expected_behind(std::string_view path) {
  for (auto const& [beginning, expected] : beginnings)
    if (path.starts_with(beginning))
      return expected;
  return {};
}

} // namespace statefund::admin
