#include "admin/desk.hpp"

#include "admin/exposition.hpp"
#include "admin/operations_json.hpp"
#include "admin/said.hpp"
#include "admin/status_json.hpp"
#include "http/problem.hpp"
#include "http/query.hpp"
#include "log/log.hpp"

#include <algorithm>
#include <span>

namespace statefund::admin {

namespace {

log::logger const logger{"admin"};

number number_of(error const& why) {
  if (why.code == store::errc::keeps_nothing)
    return number::nothing_to_back_up;
  if (why.code == store::errc::backup_refused)
    return number::backup_directory_unusable;
  if (why.code == store::errc::backup_under_way)
    return number::backup_under_way;
  return number::backup_failed;
}

http::response no_such_path(std::string_view path) {
  if (auto const expected = expected_behind(path); !expected.empty())
    return http::problem(number::request_malformed, expected);
  return http::problem(number::path_unknown,
                       "there are /-/healthy, /-/ready, /-/reload, /metrics, /v1/status, /v1/resume, /v1/backup, "
                       "/v1/functions, /v1/addresses and /v1/dead-letters");
}

http::response wrong_method(effect of) {
  auto refused = http::problem(number::method_not_allowed,
                               of == effect::acts ? "this path is for POST" : "this path is for GET and HEAD");
  refused.headers.emplace_back("Allow", of == effect::acts ? "POST" : "GET, HEAD");
  return refused;
}

} // namespace

boost::asio::awaitable<std::optional<http::response>> desk::handle(http::request const& asked, http::body&) {
  auto const found = find_route(asked.path());
  if (!found)
    co_return no_such_path(asked.path());
  auto const& [to, subject] = *found;
  bool const acts = to->effect == effect::acts;
  bool const shows = asked.method == http::method::get || asked.method == http::method::head;
  if (acts ? asked.method != http::method::post : !shows)
    co_return wrong_method(to->effect);
  // A scraper may add parameters of its own to /metrics.
  auto const known_count = std::find(to->parameters.begin(), to->parameters.end(), "") - to->parameters.begin();
  std::span const known(to->parameters.data(), static_cast<std::size_t>(known_count));
  auto const parameters = http::query::parse(to->what == asked_for::metrics ? "" : asked.query(), known);
  if (parameters.has_error())
    co_return http::answer_to(parameters.error());
  if (acts && !asked.from.uid && actions_over_tcp_ == actions::refused)
    co_return http::problem(number::actions_not_allowed,
                            "admin.listen only shows; use the admin socket, or set admin.actions: true");
  switch (to->what) {
  case asked_for::healthy:
    co_return said("{\"healthy\":true}\n");
  case asked_for::ready:
    if (auto const why = from_.not_ready())
      co_return http::problem(why->why, why->detail, why->retry_after);
    co_return said("{\"ready\":true}\n");
  case asked_for::reload:
    co_return co_await reload();
  case asked_for::status: {
    auto const snapshot = co_await from_.status();
    co_return said(to_json(snapshot));
  }
  case asked_for::functions: {
    auto const snapshot = co_await from_.status();
    co_return said(to_json(snapshot.functions));
  }
  case asked_for::metrics: {
    auto const snapshot = co_await from_.metrics();
    co_return said(exposition(snapshot), "text/plain; version=0.0.4; charset=utf-8");
  }
  case asked_for::resume_all:
    co_return said(to_json(dispatch::acted{on_.resume_all()}));
  case asked_for::backup:
    co_return co_await back_up(*parameters, asked.from);
  default:
    co_return co_await operators_.answer(to->what, subject, *parameters, asked.from);
  }
}

boost::asio::awaitable<http::response> desk::reload() {
  auto const done = co_await from_.reload();
  if (!done)
    co_return http::problem(number::not_accepting, "statefund is stopping, and reloads nothing",
                            std::chrono::seconds(5));
  if (done->failure.empty() && done->diagnostics.empty())
    co_return said(to_json(*done));
  std::string const what = done->failure.empty()
                               ? "some module files have errors: each is refused, or keeps its last good version"
                               : done->failure + "; what was in force stays";
  co_return http::problem(number::reload_incomplete, what, std::nullopt, problem_members(*done));
}

boost::asio::awaitable<http::response> desk::back_up(http::query const& with, http::peer const& from) {
  auto const directory = std::string(with.find("directory").value_or(""));
  if (!directory.starts_with('/'))
    co_return http::problem(number::request_malformed, "a backup says where to: ?directory=<absolute path of a new "
                                                       "directory on the daemon's machine>");
  auto const who = from.uid ? "uid " + std::to_string(*from.uid) : std::string("over TCP");
  auto const told = co_await from_.back_up(directory);
  if (!told) {
    auto const why = number_of(told.error());
    if (why == number::backup_failed)
      logger.error({why, "a backup did not end, and what there was of it is removed"},
                   {{"directory", directory}, {"by", who}, {"reason", told.error().detail}});
    co_return http::problem(why, told.error().detail);
  }
  logger.info({number::backup_made, "a backup is made"}, {{"directory", directory},
                                                          {"by", who},
                                                          {"number", told->number},
                                                          {"bytes", told->bytes},
                                                          {"took_ms", told->took.count()}});
  co_return said(to_json(directory, *told));
}

} // namespace statefund::admin
