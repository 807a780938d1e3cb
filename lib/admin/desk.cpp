#include "admin/desk.hpp"

#include "admin/exposition.hpp"
#include "admin/status_json.hpp"
#include "http/problem.hpp"
#include "http/query.hpp"

namespace statefund::admin {

namespace {

http::response said(std::string_view content_type, std::string body) {
  http::response answer;
  answer.content_type = content_type;
  answer.body = std::move(body);
  return answer;
}

} // namespace

boost::asio::awaitable<std::optional<http::response>> desk::handle(http::request const& asked, http::body&) {
  std::string_view const path = asked.path();
  bool const is_reload = path == "/-/reload";
  if (!is_reload && path != "/-/healthy" && path != "/-/ready" && path != "/v1/status" && path != "/metrics")
    co_return http::problem(number::path_unknown, "there are /-/healthy, /-/ready, /-/reload, /v1/status and /metrics");
  bool const shows = asked.method == http::method::get || asked.method == http::method::head;
  if (is_reload ? asked.method != http::method::post : !shows) {
    auto refused = http::problem(number::method_not_allowed,
                                 is_reload ? "this path is for POST" : "this path is for GET and HEAD");
    refused.headers.emplace_back("Allow", is_reload ? "POST" : "GET, HEAD");
    co_return refused;
  }
  // A scraper may add parameters of its own to /metrics.
  if (path != "/metrics")
    if (auto const none = http::query::parse(asked.query(), {}); none.has_error())
      co_return http::answer_to(none.error());
  if (!is_reload)
    co_return co_await show(asked);
  if (!asked.from.uid && actions_over_tcp_ == actions::refused)
    co_return http::problem(number::actions_not_allowed,
                            "admin.listen only shows; use the admin socket, or set admin.actions: true");
  co_return co_await reload();
}

boost::asio::awaitable<http::response> desk::show(http::request const& asked) {
  std::string_view const path = asked.path();
  if (path == "/-/healthy")
    co_return said("application/json", "{\"healthy\":true}\n");
  if (path == "/-/ready") {
    if (auto const why = from_.not_ready())
      co_return http::problem(number::not_accepting, *why, std::chrono::seconds(1));
    co_return said("application/json", "{\"ready\":true}\n");
  }
  if (path == "/v1/status") {
    auto const snapshot = co_await from_.status();
    co_return said("application/json", to_json(snapshot));
  }
  auto const snapshot = co_await from_.metrics();
  co_return said("text/plain; version=0.0.4; charset=utf-8", exposition(snapshot));
}

boost::asio::awaitable<http::response> desk::reload() {
  auto const done = co_await from_.reload();
  if (!done)
    co_return http::problem(number::not_accepting, "statefund is stopping, and reloads nothing",
                            std::chrono::seconds(5));
  if (done->failure.empty() && done->diagnostics.empty())
    co_return said("application/json", to_json(*done));
  std::string const what = done->failure.empty()
                               ? "some module files have errors: each is refused, or keeps its last good version"
                               : done->failure + "; what was in force stays";
  co_return http::problem(number::reload_incomplete, what, std::nullopt, problem_members(*done));
}

} // namespace statefund::admin
