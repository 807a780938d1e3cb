#include "dispatch/door_queue.hpp"
#include "support/event_loop.hpp"
#include "task/gate.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace statefund;
using namespace statefund::dispatch;
using namespace std::chrono_literals;
using clock::deadline;

namespace {

message::address const alice{{"ns", "fn"}, "alice"};
message::address const bob{{"ns", "fn"}, "bob"};

struct seen {
  int room = 0;
  std::vector<std::string> done;
  std::vector<std::string> given_up;
};

// Waits for its turn and then for room, of which it takes one.
asio::awaitable<void> wait(door_queue& doors, message::address target, std::string name, deadline until, seen& into) {
  door_queue::place place(doors, target);
  auto const came = co_await place.first(until);
  if (came != task::wait_end::notified) {
    into.given_up.push_back(name);
    co_return;
  }
  while (into.room == 0) {
    auto const told = co_await place.room(until);
    if (told != task::wait_end::notified) {
      into.given_up.push_back(name);
      co_return;
    }
  }
  --into.room;
  into.done.push_back(name);
}

using names = std::vector<std::string>;

} // namespace

TEST_CASE("places before one address are left first come, first served; other addresses do not wait") {
  support::event_loop loop;
  door_queue doors(loop.executor());
  task::gate gate(loop.executor());
  seen all;
  CHECK_FALSE(doors.is_occupied(alice));
  gate.start(wait(doors, alice, "a1", deadline::never(), all));
  gate.start(wait(doors, alice, "a2", deadline::never(), all));
  gate.start(wait(doors, bob, "b1", deadline::never(), all));
  gate.start(wait(doors, alice, "a3", deadline::never(), all));
  loop.settle();
  CHECK(doors.is_occupied(alice));
  CHECK(doors.count() == 2);
  all.room = 1;
  doors.room_in(alice);
  loop.settle();
  CHECK(all.done == names{"a1"});
  all.room = 1;
  doors.room_in(bob);
  loop.settle();
  CHECK(all.done == names{"a1", "b1"});
  all.room = 2;
  doors.room_in(alice);
  loop.settle();
  CHECK(all.done == names{"a1", "b1", "a2", "a3"});
  CHECK_FALSE(doors.is_occupied(alice));
  CHECK(doors.count() == 0);
}

TEST_CASE("whoever gives up, first or in the middle, lets the next one through") {
  support::event_loop loop;
  door_queue doors(loop.executor());
  task::gate gate(loop.executor());
  seen all;
  gate.start(wait(doors, alice, "a1", deadline::after(20ms), all));
  gate.start(wait(doors, alice, "a2", deadline::after(10ms), all));
  gate.start(wait(doors, alice, "a3", deadline::never(), all));
  loop.settle();
  loop.advance(10ms);
  CHECK(all.given_up == names{"a2"});
  loop.advance(10ms);
  CHECK(all.given_up == names{"a2", "a1"});
  all.room = 1;
  doors.room_in(alice);
  loop.settle();
  CHECK(all.done == names{"a3"});
  CHECK(doors.count() == 0);
}

TEST_CASE("when the daemon has room again, the first before each address looks") {
  support::event_loop loop;
  door_queue doors(loop.executor());
  task::gate gate(loop.executor());
  seen all;
  gate.start(wait(doors, alice, "a1", deadline::never(), all));
  gate.start(wait(doors, bob, "b1", deadline::never(), all));
  loop.settle();
  all.room = 2;
  doors.look_again();
  loop.settle();
  std::sort(all.done.begin(), all.done.end());
  CHECK(all.done == names{"a1", "b1"});
}
