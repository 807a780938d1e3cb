#include "admin/route.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace statefund;
using admin::asked_for;

namespace {

asked_for what(std::string_view path) {
  auto const found = admin::find_route(path);
  REQUIRE(found);
  return found->to->what;
}

std::string subject(std::string_view path) {
  auto const found = admin::find_route(path);
  return found ? std::string(found->subject) : "none";
}

} // namespace

TEST_CASE("an address has three segments in a path, and its id may be called as a verb is") {
  CHECK(what("/v1/addresses") == asked_for::addresses);
  CHECK(what("/v1/addresses/ns/fn/a") == asked_for::address);
  CHECK(subject("/v1/addresses/n%2Fs/fn/a%20b") == "n%2Fs/fn/a%20b");
  CHECK(what("/v1/addresses/ns/fn/a/pause") == asked_for::pause);
  CHECK(what("/v1/addresses/ns/fn/a/resume") == asked_for::resume);
  CHECK(what("/v1/addresses/ns/fn/a/skip") == asked_for::skip);
  CHECK(subject("/v1/addresses/ns/fn/a/skip") == "ns/fn/a");
  CHECK(what("/v1/addresses/ns/fn/pause") == asked_for::address);
  CHECK(subject("/v1/addresses/ns/fn/skip/skip") == "ns/fn/skip");
}

TEST_CASE("a type has two segments, a dead letter one, and many are replayed by a path of their own") {
  CHECK(what("/v1/functions") == asked_for::functions);
  CHECK(what("/v1/functions/ns/fn/pause") == asked_for::pause_type);
  CHECK(subject("/v1/functions/ns/fn/resume") == "ns/fn");
  CHECK(what("/v1/dead-letters") == asked_for::dead_letters);
  CHECK(what("/v1/dead-letters/1f-0") == asked_for::dead_letter);
  CHECK(what("/v1/dead-letters/1f-0/replay") == asked_for::replay);
  CHECK(subject("/v1/dead-letters/1f-0/drop") == "1f-0");
  CHECK(what("/v1/dead-letters/replay") == asked_for::replay_many);
}

TEST_CASE("what only shows is for GET, and what acts for POST") {
  CHECK(admin::find_route("/v1/addresses/ns/fn/a")->to->effect == admin::effect::shows);
  CHECK(admin::find_route("/v1/addresses/ns/fn/a/pause")->to->effect == admin::effect::acts);
  CHECK(admin::find_route("/v1/resume")->to->effect == admin::effect::acts);
  CHECK(admin::find_route("/-/reload")->to->effect == admin::effect::acts);
  CHECK(admin::find_route("/metrics")->to->effect == admin::effect::shows);
}

TEST_CASE("a path that there is not is none, and what begins like one is told what is expected") {
  for (char const* const path :
       {"/", "/v1", "/v1/addresses/", "/v1/addresses/ns/fn", "/v1/addresses/ns/fn/a/b", "/v1/addresses/ns/fn/a/b/pause",
        "/v1/functions/ns/pause", "/v1/dead-letters/a/b", "/v1/statuses", "v1/status"}) {
    INFO(path);
    CHECK_FALSE(admin::find_route(path));
  }
  CHECK(admin::expected_behind("/v1/addresses/ns/fn").starts_with("an address is <namespace>/<name>/<id>"));
  CHECK(admin::expected_behind("/v1/functions/ns").starts_with("a function type is <namespace>/<name>"));
  CHECK(admin::expected_behind("/v1/dead-letters/a/b").starts_with("a dead letter is named by its message's id"));
  CHECK(admin::expected_behind("/v1/nothing").empty());
}
