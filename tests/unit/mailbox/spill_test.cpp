#include "mailbox/spill.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace statefund::mailbox;

namespace {

using orders = std::vector<spill_order>;
constexpr auto tail = spilled_part::tail;
constexpr auto whole = spilled_part::whole;

std::uint64_t freed_by(spill_order const& one, std::vector<spill_candidate> const& all) {
  auto const& of = all[one.index];
  return of.tail_bytes + (one.part == whole ? of.head_bytes : 0);
}

} // namespace

TEST_CASE("tails of who cannot run go first, then their heads, then tails of who can; the largest first") {
  std::vector<spill_candidate> const all{{true, 10, 500}, {false, 20, 100}, {false, 30, 300}, {true, 10, 700}};
  CHECK(what_to_spill(all, 0).empty());
  CHECK(what_to_spill(all, 1) == orders{{2, tail}});
  CHECK(what_to_spill(all, 300) == orders{{2, tail}});
  CHECK(what_to_spill(all, 301) == orders{{2, tail}, {1, tail}});
  CHECK(what_to_spill(all, 401) == orders{{2, whole}, {1, tail}});
  CHECK(what_to_spill(all, 431) == orders{{2, whole}, {1, whole}});
  CHECK(what_to_spill(all, 451) == orders{{2, whole}, {1, whole}, {3, tail}});
  CHECK(what_to_spill(all, 1'000'000) == orders{{2, whole}, {1, whole}, {3, tail}, {0, tail}});
}

TEST_CASE("an address with nothing to give is not named") {
  CHECK(what_to_spill({{true, 1000, 0}, {false, 0, 0}}, 10).empty());
  CHECK(what_to_spill({{false, 1000, 0}}, 10) == orders{{0, whole}});
}

TEST_CASE("whatever waits: enough is freed or all that may go, no address twice, no head of one who can run") {
  for (unsigned seed = 1; seed <= 500; ++seed) {
    INFO("seed " << seed);
    std::minstd_rand random(seed);
    std::vector<spill_candidate> all(random() % 20);
    std::uint64_t may_go = 0;
    for (auto& one : all) {
      one = {random() % 2 == 0, random() % 100, random() % 3 == 0 ? 0 : random() % 1000};
      may_go += one.tail_bytes + (one.can_run ? 0 : one.head_bytes);
    }
    std::uint64_t const wanted = random() % 5000;
    auto const chosen = what_to_spill(all, wanted);
    std::uint64_t freed = 0;
    std::vector<bool> named(all.size(), false);
    bool runs_before = false;
    for (auto const& one : chosen) {
      REQUIRE_FALSE(named[one.index]);
      named[one.index] = true;
      bool const can_run = all[one.index].can_run;
      REQUIRE_FALSE((can_run && one.part == whole));
      REQUIRE((can_run || !runs_before));
      runs_before = can_run;
      freed += freed_by(one, all);
    }
    REQUIRE(freed >= std::min(wanted, may_go));
    REQUIRE((chosen.empty() || freed < wanted + 1000)); // no part is larger
  }
}
