#include "turn/failure.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <vector>

using namespace statefund;
using namespace statefund::turn;
using message::on_failure;
using message::trial;
using message::trial_part;

namespace {

constexpr std::size_t batch_max = 1000;
auto const all_failures = {failure::unanswered, failure::too_slow, failure::too_large,
                           failure::thrown,     failure::answered, failure::refused};

trial with_parts(std::vector<trial_part> parts) {
  trial of;
  of.parts = std::move(parts);
  return of;
}

// An address with messages numbered from 1 on, and a function that fails for a reason or not. Called until nothing is
// left, or a culprit stays where it is.
struct drained {
  std::vector<std::size_t> took_effect; // in order
  std::vector<std::size_t> culprits;    // likewise
  std::size_t calls_count = 0;
  std::size_t failed_count = 0;
  std::size_t at_once_count = 0;
  std::size_t largest_call_after_failure = 0;
};

using answer = std::function<std::optional<failure>(std::vector<std::size_t> const&)>;

enum class then { gives_up, stops };

drained drain(
    std::size_t messages_count, unsigned attempts_max, answer const& says, then with_culprit = then::gives_up,
    std::function<std::size_t()> const& arrives = [] { return std::size_t{0}; }) {
  drained done;
  trial of;
  std::vector<std::size_t> waiting;
  for (std::size_t i = 1; i <= messages_count; ++i)
    waiting.push_back(i);
  std::size_t last = messages_count;
  while (!waiting.empty() && done.calls_count < 100'000) {
    auto const count = std::min(next_messages_max(of, batch_max), waiting.size());
    REQUIRE(count > 0);
    if (!of.parts.empty())
      done.largest_call_after_failure = std::max(done.largest_call_after_failure, count);
    std::vector<std::size_t> const taken(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count));
    ++done.calls_count;
    auto const failed = says(taken);
    for (auto more = arrives(); more > 0; --more)
      waiting.push_back(++last);
    if (!failed) {
      after_success(of, count, batch_max);
      waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count));
      done.took_effect.insert(done.took_effect.end(), taken.begin(), taken.end());
      continue;
    }
    ++done.failed_count;
    auto const next = after_failure(of, *failed, count, attempts_max);
    done.at_once_count += next == next_call::at_once ? 1 : 0;
    if (next != next_call::none)
      continue;
    REQUIRE(count == 1);
    done.culprits.push_back(taken.front());
    if (with_culprit == then::stops)
      return done;
    after_removal(of);
    waiting.erase(waiting.begin());
  }
  CHECK(of.parts.empty());
  CHECK(of.thrown_count == 0);
  return done;
}

bool holds(std::vector<std::size_t> const& all, std::size_t one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

answer fails_with(std::vector<std::size_t> bad, failure why) {
  return [bad = std::move(bad), why](std::vector<std::size_t> const& taken) -> std::optional<failure> {
    for (auto const one : taken)
      if (holds(bad, one))
        return why;
    return std::nullopt;
  };
}

std::vector<std::size_t> all_but(std::size_t count, std::vector<std::size_t> const& without) {
  std::vector<std::size_t> all;
  for (std::size_t i = 1; i <= count; ++i)
    if (!holds(without, i))
      all.push_back(i);
  return all;
}

} // namespace

TEST_CASE("a batch that failed once is frozen: what arrives meanwhile is behind it") {
  for (auto const why : {failure::unanswered, failure::thrown, failure::answered}) {
    trial of;
    CHECK(next_messages_max(of, batch_max) == batch_max);
    CHECK(after_failure(of, why, 5, 0) == next_call::later);
    CHECK(next_messages_max(of, batch_max) == 5);
    after_success(of, 5, batch_max);
    CHECK(of == trial{});
  }
}

TEST_CASE("a failure that says nothing of the messages never splits them and never counts") {
  trial of;
  for (int i = 0; i < 100; ++i)
    CHECK(after_failure(of, failure::unanswered, 8, 1) == next_call::later);
  CHECK(of == with_parts({{8, 0}}));
  of = {};
  for (int i = 0; i < 100; ++i)
    CHECK(after_failure(of, failure::unanswered, 1, 1) == next_call::later);
  CHECK(of == with_parts({{1, 0}}));
}

TEST_CASE("a batch that is refused is halved at once, and one message that is refused is the culprit at once") {
  trial of;
  CHECK(after_failure(of, failure::refused, 5, 0) == next_call::at_once);
  CHECK(of == with_parts({{3, 0}, {2, 0}}));
  CHECK(after_failure(of, failure::refused, 2, 0) == next_call::at_once);
  CHECK(of == with_parts({{3, 0}, {1, 0}, {1, 0}}));
  CHECK(after_failure(of, failure::refused, 1, 0) == next_call::none);
  after_removal(of);
  CHECK(of == with_parts({{3, 0}, {1, 0}}));
}

TEST_CASE("three calls in a row answered 500 halve a batch, and from then on one call halves a half") {
  trial of;
  CHECK(after_failure(of, failure::thrown, 4, 0) == next_call::later);
  CHECK(after_failure(of, failure::thrown, 4, 0) == next_call::later);
  CHECK(of.parts.size() == 1);
  CHECK(after_failure(of, failure::unanswered, 4, 0) == next_call::later); // not in a row
  CHECK(after_failure(of, failure::thrown, 4, 0) == next_call::later);
  CHECK(after_failure(of, failure::thrown, 4, 0) == next_call::later);
  CHECK(of.parts.size() == 1);
  CHECK(after_failure(of, failure::thrown, 4, 0) == next_call::later);
  CHECK(of.parts == std::vector<trial_part>{{2, 5}, {2, 5}});
  CHECK(after_failure(of, failure::unanswered, 2, 0) == next_call::later); // a half keeps its place
  CHECK(of.parts.size() == 2);
  CHECK(after_failure(of, failure::thrown, 2, 0) == next_call::later);
  CHECK(of.parts == std::vector<trial_part>{{2, 5}, {1, 6}, {1, 6}});
  for (int i = 0; i < 50; ++i)
    CHECK(after_failure(of, failure::thrown, 1, 0) == next_call::later); // for ever
  after_success(of, 1, batch_max);
  after_success(of, 1, batch_max);
  after_success(of, 2, batch_max);
  CHECK(of == trial{});
}

TEST_CASE("attempts are used up by answers alone, and a half has those of its whole") {
  trial of;
  CHECK(after_failure(of, failure::answered, 4, 2) == next_call::later);
  CHECK(after_failure(of, failure::unanswered, 4, 2) == next_call::later);
  CHECK(of.parts.size() == 1);
  CHECK(after_failure(of, failure::answered, 4, 2) == next_call::later);
  CHECK(of.parts == std::vector<trial_part>{{2, 2}, {2, 2}});
  CHECK(after_failure(of, failure::answered, 2, 2) == next_call::later);
  CHECK(of.parts == std::vector<trial_part>{{2, 2}, {1, 3}, {1, 3}});
  CHECK(after_failure(of, failure::unanswered, 1, 2) == next_call::later); // an outage gives nothing up
  CHECK(after_failure(of, failure::too_slow, 1, 2) == next_call::later);
  CHECK(after_failure(of, failure::answered, 1, 2) == next_call::none);
  forget_attempts(of);
  CHECK(of.parts.back().attempts_count == 0);
  CHECK(after_failure(of, failure::answered, 1, 2) == next_call::later);
  CHECK(after_failure(of, failure::answered, 1, 2) == next_call::none);
}

TEST_CASE("which failures count, halve and give up, each with one message and with several") {
  for (auto const why : all_failures)
    for (std::size_t const count : {1, 2, 7})
      for (unsigned const attempts_max : {0U, 1U}) {
        trial of;
        bool const answered = why == failure::too_large || why == failure::thrown || why == failure::answered;
        bool const given_up = why == failure::refused || (answered && attempts_max == 1);
        auto const expected = count == 1 ? (given_up ? next_call::none : next_call::later)
                                         : (why == failure::refused ? next_call::at_once : next_call::later);
        INFO("failure " << static_cast<int>(why) << ", " << count << " messages, at most " << attempts_max);
        CHECK(after_failure(of, why, count, attempts_max) == expected);
        CHECK(of.parts.size() == (given_up && count > 1 ? 2U : 1U));
        CHECK(of.parts.back().attempts_count == (answered ? 1U : 0U));
        CHECK((of.messages_max > 0) == (why == failure::too_slow || why == failure::too_large));
      }
}

TEST_CASE("a call with fewer messages than its part stands as a part of its own when it fails") {
  auto of = with_parts({{3, 0}, {6, 4}});
  CHECK(after_failure(of, failure::answered, 2, 0) == next_call::later); // payload_max_bytes held no more
  CHECK(of.parts == std::vector<trial_part>{{3, 0}, {4, 4}, {2, 5}});
  after_success(of, 2, batch_max);
  after_success(of, 1, batch_max);
  CHECK(of.parts == std::vector<trial_part>{{3, 0}, {3, 4}});
}

TEST_CASE("culprits are found wherever they stand, in order, and nothing else is given up") {
  for (std::size_t const count : {1, 2, 3, 7, 64, 1000}) {
    for (auto const& bad : {std::vector<std::size_t>{1}, {count}, {(count + 1) / 2}, {1, count}}) {
      INFO(count << " messages");
      auto const refused = drain(count, 0, fails_with(bad, failure::refused));
      CHECK(refused.took_effect == all_but(count, bad));
      CHECK(refused.culprits == (bad.size() == 2 && count == 1 ? std::vector<std::size_t>{1} : bad));
      auto const thrown = drain(count, 5, fails_with(bad, failure::thrown));
      CHECK(thrown.took_effect == refused.took_effect);
      CHECK(thrown.culprits == refused.culprits);
      auto const answered = drain(count, 2, fails_with(bad, failure::answered));
      CHECK(answered.took_effect == refused.took_effect);
      CHECK(answered.culprits == refused.culprits);
    }
  }
}

TEST_CASE("what arrives meanwhile is behind the frozen batch, at every step") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::minstd_rand random(seed);
    std::vector<std::size_t> bad{1 + random() % 50, 1 + random() % 50};
    std::size_t arrivals_left = 50;
    auto const arrives = [&] {
      auto const now = std::min<std::size_t>(arrivals_left, random() % 4);
      arrivals_left -= now;
      return now;
    };
    auto const why = random() % 2 == 0 ? failure::refused : failure::thrown;
    auto const done = drain(50, 3, fails_with(bad, why), then::gives_up, arrives);
    std::sort(bad.begin(), bad.end());
    bad.erase(std::unique(bad.begin(), bad.end()), bad.end());
    CHECK(done.culprits == bad);
    CHECK(done.largest_call_after_failure <= 50);
    CHECK(std::is_sorted(done.took_effect.begin(), done.took_effect.end()));
    CHECK(done.took_effect.size() == 50 - bad.size() + (50 - arrivals_left));
  }
}

TEST_CASE("before a culprit that stays everything has taken effect, and nothing behind it") {
  auto const done = drain(100, 0, fails_with({42, 77}, failure::refused), then::stops);
  CHECK(done.took_effect == all_but(41, {}));
  CHECK(done.culprits == std::vector<std::size_t>{42});
}

TEST_CASE("a culprit costs no more calls than halving a batch does") {
  auto const done = drain(1000, 0, fails_with({700}, failure::refused));
  CHECK(done.failed_count <= 11);
  CHECK(done.calls_count <= 22);
}

TEST_CASE("batches too slow for the timeout become smaller, and all is drained with few failed calls") {
  for (std::size_t const in_time : {1, 2, 3, 10, 99, 600, 999, 1000}) {
    INFO(in_time << " messages are answered in time");
    for (auto const why : {failure::too_slow, failure::too_large}) {
      auto const slow = [&](std::vector<std::size_t> const& taken) {
        return taken.size() > in_time ? std::optional(why) : std::nullopt;
      };
      auto const done = drain(1000, 0, slow);
      CHECK(done.took_effect == all_but(1000, {}));
      CHECK(done.failed_count <= 2 * 10 + 2 * (1000 / in_time / 64 + 1));
    }
  }
}

TEST_CASE("a function that was slow for a while gets whole batches again") {
  bool slow = true;
  std::size_t calls_count = 0;
  trial of;
  std::size_t count = batch_max;
  for (; slow && calls_count < 20; ++calls_count) {
    count = next_messages_max(of, batch_max);
    after_failure(of, failure::too_slow, count, 0);
    slow = count > 3;
  }
  calls_count = 0;
  for (; next_messages_max(of, batch_max) < batch_max && calls_count < 1000; ++calls_count)
    after_success(of, next_messages_max(of, batch_max), batch_max);
  while (!of.parts.empty())
    after_success(of, next_messages_max(of, batch_max), batch_max);
  CHECK(calls_count < 200);
}

TEST_CASE("one message that is never answered stands alone in the end, and is not given up") {
  std::size_t calls_left = 200;
  std::size_t alone_count = 0;
  trial of;
  std::size_t waiting = 1000;
  while (calls_left-- > 0) {
    auto const count = std::min(next_messages_max(of, batch_max), waiting);
    bool const hangs = waiting - count <= 300; // the 700th
    if (!hangs) {
      after_success(of, count, batch_max);
      waiting -= count;
      continue;
    }
    CHECK(after_failure(of, failure::too_slow, count, 1) == next_call::later);
    alone_count += count == 1 ? 1 : 0;
  }
  CHECK(waiting == 301); // it is the first of what is left
  CHECK(alone_count > 100);
}

TEST_CASE("a culprit is given up only where other calls succeed") {
  for (bool const others_succeed : {true, false})
    CHECK(judge_culprit(on_failure::pause, others_succeed) == culprit_goes::nowhere);
  CHECK(judge_culprit(on_failure::dead_letter, true) == culprit_goes::to_dead_letters);
  CHECK(judge_culprit(on_failure::skip, true) == culprit_goes::away);
  CHECK(judge_culprit(on_failure::dead_letter, false) == culprit_goes::later);
  CHECK(judge_culprit(on_failure::skip, false) == culprit_goes::later);
}
