#include "mailbox/held_for.hpp"
#include "mailbox/memory_mark.hpp"

#include <catch2/catch.hpp>

using namespace statefund;
using mailbox::memory_mark;

TEST_CASE("the outside comes in up to the mark, and not past it") {
  memory_mark const mark{1000};
  CHECK(mark.admits(0, 1000));
  CHECK_FALSE(mark.admits(0, 1001));
  CHECK(mark.admits(900, 100));
  CHECK_FALSE(mark.admits(900, 101));
  CHECK_FALSE(mark.admits(5000, 0));
  CHECK(mark.admits(-5, 1000)); // others have taken theirs away before it was added
}

TEST_CASE("at the hard mark, twice the mark, only a change that adds more than it removes waits") {
  memory_mark const mark{1000};
  CHECK_FALSE(mark.holds(1999, 1'000'000, 0)); // below it there is room for one whole change
  CHECK(mark.holds(2000, 1, 0));
  CHECK(mark.holds(2000, 101, 100));
  CHECK_FALSE(mark.holds(2000, 100, 100));
  CHECK_FALSE(mark.holds(1'000'000, 0, 100));
  CHECK_FALSE(mark.holds(-1, 100, 0));
}

TEST_CASE("all who were held go on below the mark") {
  memory_mark const mark{1000};
  CHECK_FALSE(mark.has_room_again(1000));
  CHECK(mark.has_room_again(999));
  CHECK(mark.has_room_again(-1));
}

TEST_CASE("payloads leave memory from seven eighths of the mark on, down to three quarters") {
  memory_mark const mark{800};
  CHECK_FALSE(mark.spills(-1));
  CHECK_FALSE(mark.spills(700));
  CHECK(mark.spills(701));
  CHECK(mark.excess_bytes(701) == 101);
  CHECK(mark.excess_bytes(600) == 0);
  CHECK(mark.excess_bytes(-1) == 0);
  CHECK(mark.room_bytes(-1) == 700);
  CHECK(mark.room_bytes(650) == 50);
  CHECK(mark.room_bytes(5000) == 0);
  memory_mark const lower{800, 70};
  CHECK_FALSE(lower.spills(70));
  CHECK(lower.excess_bytes(71) == 11);
  CHECK_FALSE(memory_mark{800, 0}.spills(0));
}

TEST_CASE("what an address is held for is told in words") {
  CHECK(to_text(mailbox::held_for(mailbox::memory_room{})) == "memory");
  CHECK(to_text(mailbox::held_for(mailbox::disk_room{})) == "disk");
  CHECK(to_text(mailbox::held_for(mailbox::egress_room{{"out", "way"}})) == "egress out/way");
  CHECK(to_text(mailbox::held_for(mailbox::another_egress{})) == "another egress");
  CHECK(to_text(mailbox::held_for(mailbox::unbound_room{{"ns", "fn"}})) == "unbound ns/fn");
}
