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
  if (path != "/-/healthy" && path != "/-/ready" && path != "/v1/status" && path != "/metrics")
    co_return http::problem(number::path_unknown, "there are /-/healthy, /-/ready, /v1/status and /metrics");
  if (asked.method != http::method::get && asked.method != http::method::head) {
    auto refused = http::problem(number::method_not_allowed, "this path is for GET and HEAD");
    refused.headers.emplace_back("Allow", "GET, HEAD");
    co_return refused;
  }
  // A scraper may add parameters of its own to /metrics.
  if (path != "/metrics")
    if (auto const none = http::query::parse(asked.query(), {}); none.has_error())
      co_return http::answer_to(none.error());
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

} // namespace statefund::admin
