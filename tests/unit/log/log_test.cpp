#include "log/capture.hpp"
#include "log/log.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdio>
#include <regex>
#include <thread>

using namespace statefund;

namespace {

constexpr log::logger logger{"dispatch"};

// Standard error into a pipe while it lives.
class diverted_stderr {
 public:
  diverted_stderr() {
    REQUIRE(pipe(ends_) == 0);
    std::fflush(stderr);
    kept_ = dup(STDERR_FILENO);
    REQUIRE(dup2(ends_[1], STDERR_FILENO) == STDERR_FILENO);
  }
  ~diverted_stderr() {
    restore();
    close(ends_[0]);
  }
  std::string take() {
    restore();
    std::string all;
    char part[4096];
    for (ssize_t length; (length = read(ends_[0], part, sizeof part)) > 0;)
      all.append(part, static_cast<std::size_t>(length));
    return all;
  }

 private:
  void restore() {
    if (kept_ < 0)
      return;
    std::fflush(stderr);
    dup2(kept_, STDERR_FILENO);
    close(kept_);
    close(ends_[1]);
    kept_ = -1;
  }
  int ends_[2] = {-1, -1};
  int kept_ = -1;
};

struct default_options_after {
  ~default_options_after() { log::configure({}); }
};

} // namespace

TEST_CASE("without configuration an event is one line of text on standard error, without colour in a pipe") {
  diverted_stderr errors;
  logger.info({number::ready, "the daemon serves"}, {{"shards", 2}});
  logger.debug("took a batch");
  CHECK(std::regex_match(
      errors.take(),
      std::regex(R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} info    SF0007 the daemon serves shards=2\n)")));
}

TEST_CASE("json is one object a line") {
  default_options_after const restored;
  log::configure({log::level::debug, log::format::json});
  diverted_stderr errors;
  logger.error({number::store_lost, "a sync failed"}, {{"why", "disk\nfull"}});
  logger.debug("took a batch");
  CHECK(std::regex_match(errors.take(),
                         std::regex(R"(\{"time":"[^"]*","level":"error","number":"SF0301".*"why":"disk\\nfull"\}\}\n)"
                                    R"(\{"time":"[^"]*","level":"debug".*\}\n)")));
}

TEST_CASE("the least level shown is honoured, and debug is known to be shown") {
  default_options_after const restored;
  log::configure({log::level::warning, log::format::text});
  CHECK_FALSE(logger.shows_debug());
  diverted_stderr errors;
  logger.info({number::ready, "the daemon serves"});
  logger.warning({number::draining, "asked to stop"});
  CHECK(std::regex_match(errors.take(), std::regex(R"(\S+ \S+ warning SF0008 asked to stop\n)")));
  log::configure({log::level::debug, log::format::text});
  CHECK(logger.shows_debug());
}

TEST_CASE("automatic is text where standard error is not the journal") {
  default_options_after const restored;
  setenv("JOURNAL_STREAM", "1:1", 1);
  log::configure({log::level::info, log::format::automatic});
  unsetenv("JOURNAL_STREAM");
  diverted_stderr errors;
  logger.info({number::ready, "the daemon serves"});
  CHECK_THAT(errors.take(), Catch::EndsWith("SF0007 the daemon serves\n"));
}

TEST_CASE("a capture takes events away from standard error and gives them back at its end") {
  diverted_stderr errors;
  {
    log::capture const taken;
    logger.warning({number::call_failed, "a call failed"}, {{"address", "a/b/c"}, {"attempt", 2}});
    logger.debug("below the least level");
    REQUIRE(taken.events().size() == 1);
    auto const event = taken.events(number::call_failed).at(0);
    CHECK(event.severity == log::level::warning);
    CHECK(event.room == "dispatch");
    CHECK(event.sentence == "a call failed");
    CHECK(event.fields.at("address") == "a/b/c");
    CHECK(event.fields.at("attempt") == "2");
    CHECK(taken.count(number::call_recovered) == 0);
  }
  logger.info({number::ready, "the daemon serves"});
  auto const said = errors.take();
  CHECK_THAT(said, Catch::Contains("SF0007"));
  CHECK_THAT(said, !Catch::Contains("SF0201"));
}

TEST_CASE("captures nest, the newest takes all, and each has its own least level") {
  log::capture const outer;
  {
    log::capture const inner(log::level::debug);
    logger.debug("took a batch", {{"messages", 2}});
    REQUIRE(inner.events().size() == 1);
    CHECK_FALSE(inner.events().at(0).what);
  }
  logger.debug("unseen");
  logger.info({number::ready, "the daemon serves"});
  REQUIRE(outer.events().size() == 1);
  CHECK(outer.count(number::ready) == 1);
}

TEST_CASE("events of several threads are all captured") {
  log::capture const taken;
  {
    std::vector<std::jthread> speakers;
    for (int speaker = 0; speaker < 4; ++speaker)
      speakers.emplace_back([] {
        for (int said = 0; said < 250; ++said)
          logger.info({number::ready, "the daemon serves"}, {{"said", said}});
      });
  }
  CHECK(taken.count(number::ready) == 1000);
}
