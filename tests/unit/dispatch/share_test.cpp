#include "dispatch/share.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace statefund;
using namespace statefund::dispatch;

TEST_CASE("the shares of a limit add up to it, whatever the number of shards") {
  for (std::size_t shards = 1; shards <= 9; ++shards)
    for (std::size_t limit = 0; limit <= 40; ++limit) {
      std::size_t all = 0;
      for (std::size_t i = 0; i < shards; ++i)
        all += share_of(limit, i, shards);
      CHECK(all == limit);
    }
}

TEST_CASE("a type's shares add up to its limit, on all shards or on its home alone") {
  std::set<std::size_t> homes;
  for (int name = 0; name < 50; ++name) {
    message::function_type const type{"ns", std::to_string(name)};
    for (std::size_t limit = 1; limit <= 9; ++limit) {
      std::size_t all = 0;
      std::size_t some = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        auto const own = share_of_type(type, limit, i, 4);
        all += own;
        some += own > 0 ? 1 : 0;
      }
      CHECK(all == limit);
      CHECK(some == (limit < 4 ? 1 : 4));
    }
    homes.insert(home_of(type, 4));
  }
  CHECK(homes.size() == 4);
}
