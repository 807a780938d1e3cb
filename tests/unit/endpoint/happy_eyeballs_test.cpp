#include "endpoint/happy_eyeballs.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace statefund;
using namespace statefund::endpoint;
using namespace std::chrono_literals;

namespace {

addresses of(std::initializer_list<char const*> texts) {
  addresses list;
  for (auto const* each : texts)
    list.push_back(boost::asio::ip::make_address(each));
  return list;
}

clock::steady::time_point const start(1h);

using begun = std::optional<std::size_t>;

} // namespace

TEST_CASE("families take turns, the first address's first, each in the order that was found") {
  CHECK(interleaved(of({"::1", "::2", "::3", "1.0.0.1", "1.0.0.2"})) ==
        of({"::1", "1.0.0.1", "::2", "1.0.0.2", "::3"}));
  CHECK(interleaved(of({"1.0.0.1", "1.0.0.2", "::1"})) == of({"1.0.0.1", "::1", "1.0.0.2"}));
  CHECK(interleaved(of({"1.0.0.1", "::1", "::2", "1.0.0.2"})) == of({"1.0.0.1", "::1", "1.0.0.2", "::2"}));
  CHECK(interleaved(of({"::2", "::1"})) == of({"::2", "::1"}));
  CHECK(interleaved(of({"::1"})) == of({"::1"}));
}

TEST_CASE("of many addresses the first sixteen in that order are tried") {
  addresses many;
  for (unsigned i = 0; i < 100; ++i)
    many.emplace_back(boost::asio::ip::address_v4(0x0a000000U + i));
  many.push_back(boost::asio::ip::make_address("::1"));
  auto const order = interleaved(many);
  REQUIRE(order.size() == addresses_tried_max);
  CHECK(order[0] == many[0]);
  CHECK(order[1] == many.back());
  CHECK(order[15] == many[14]);
}

TEST_CASE("the first address begins at once, each further one a quarter of a second after the one before") {
  staggered_starts starts(3);
  CHECK(starts.next(start) == begun(0));
  CHECK(starts.next(start) == begun());
  CHECK(starts.next_at().when() == start + 250ms);
  CHECK(starts.next(start + 250ms - 1ns) == begun());
  CHECK(starts.next(start + 250ms) == begun(1));
  CHECK(starts.next_at().when() == start + 500ms);
  CHECK(starts.next(start + 600ms) == begun(2)); // late by 100 ms
  CHECK(starts.next_at().is_never());
  CHECK(starts.next(start + 1h) == begun());
  CHECK(starts.begun_count() == 3);
  CHECK_FALSE(starts.all_failed());
}

TEST_CASE("the next address begins as soon as the one before it fails") {
  staggered_starts starts(3);
  CHECK(starts.next(start) == begun(0));
  starts.failed(0);
  CHECK(starts.next(start + 1ms) == begun(1));
  CHECK(starts.next(start + 1ms) == begun());
  CHECK(starts.next_at().when() == start + 251ms); // and its own quarter of a second runs
  starts.failed(1);
  CHECK(starts.next(start + 2ms) == begun(2));
  CHECK_FALSE(starts.all_failed());
  starts.failed(2);
  CHECK(starts.all_failed());
  CHECK(starts.next_at().is_never());
}

TEST_CASE("an address that fails while a later one is on its way hurries nobody") {
  staggered_starts starts(3);
  starts.next(start);
  starts.next(start + 250ms);
  starts.failed(0);
  CHECK(starts.next(start + 251ms) == begun());
  CHECK(starts.next_at().when() == start + 500ms);
}
