#include "unit/store/store_contract.hpp"

#include "store/errc.hpp"
#include "task/gate.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace statefund::store_contract {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using message::stored_value;

namespace {

message::address const alice{{"ns", "fn"}, "alice"};
message::address const bob{{"ns", "fn"}, "bob"};
message::egress_id const way{"out", "way"};

message::state_specs const wanted{{"seen", "int", {}}, {"name", "text", {}}};

message::change by(message::address const& self) {
  message::change whole;
  whole.self = self;
  return whole;
}

message::change sets(message::address const& self, std::string const& name, std::string const& bytes,
                     std::int64_t expires_at_ms = 0) {
  auto whole = by(self);
  whole.states.push_back({name, stored_value{{"int", true, bytes}, expires_at_ms}});
  return whole;
}

message::change writes(message::address const& self, message::egress_id const& egress, std::string const& bytes) {
  auto whole = by(self);
  whole.egress_records.push_back({egress, {"t", true, bytes}});
  return whole;
}

message::change accepts(message::address const& self, std::string const& key, std::int64_t expires_at_ms,
                        std::string const& fingerprint = "print") {
  auto whole = by(self);
  whole.key = message::accepted_key{key, fingerprint, expires_at_ms};
  whole.messages.push_back({self, std::nullopt, {"t", true, "x"}});
  return whole;
}

message::change acknowledges(message::egress_id const& egress, std::uint64_t through) {
  message::change whole;
  whole.departed = message::departure{egress, through};
  return whole;
}

template <class T>
asio::awaitable<void> into(asio::awaitable<result<T>> reading, std::optional<T>& value) {
  auto read = co_await std::move(reading);
  if (!read)
    FAIL("the store was lost");
  value = std::move(*read);
}

asio::awaitable<void> into(asio::awaitable<result<void>> waiting, std::optional<result<void>>& end) {
  auto const told = co_await std::move(waiting);
  end = told;
}

template <class T>
T await(support::event_loop& loop, asio::awaitable<result<T>> reading) {
  std::optional<T> value;
  loop.run(into(std::move(reading), value));
  return std::move(*value);
}

asio::awaitable<void> wait(store::store& of, store::ticket ordered) {
  auto const kept = co_await of.durable(ordered);
  if (!kept)
    FAIL("the store was lost");
}

std::string bytes_of(std::optional<stored_value> const& value) {
  return value ? value->value.bytes : "absent";
}

std::vector<std::string> bytes_of(store::egress_page const& page) {
  std::vector<std::string> all;
  for (auto const& record : page.records)
    all.push_back(record.value.bytes);
  return all;
}

using texts = std::vector<std::string>;

} // namespace

void single_thread(make_store const& make) {
  support::event_loop loop;
  chosen options;
  options.keys_max = 3;
  auto const own = make(options);
  auto& kept = *own;
  auto const states_of = [&](message::address const& self) { return await(loop, kept.read(self, wanted)); };
  auto const key_of = [&](message::address const& self, std::string const& key) {
    return await(loop, kept.read_key(self, key));
  };
  auto const page = [&](std::uint64_t after, std::size_t records_max = 100, std::uint64_t bytes_max = 1'000'000) {
    return await(loop, kept.read_egress(way, after, records_max, bytes_max));
  };
  auto const commit = [&](message::change const& whole) {
    auto const ordered = kept.commit(whole);
    loop.run(wait(kept, ordered));
    return ordered.number();
  };

  SECTION("numbers grow, from the start time in microseconds on") {
    auto const start_us = static_cast<std::uint64_t>(clock::unix_ms()) * 1000;
    std::uint64_t last = 0;
    for (int i = 0; i < 100; ++i) {
      auto const number = kept.commit(sets(i % 2 == 0 ? alice : bob, "seen", "1")).number();
      CHECK(number >= start_us);
      CHECK(number > last);
      last = number;
    }
  }

  SECTION("a change is seen by the next read of its address, before it is durable") {
    kept.commit(sets(alice, "seen", "1"));
    CHECK(bytes_of(states_of(alice)[0]) == "1");
    CHECK(bytes_of(states_of(alice)[1]) == "absent");
    CHECK(bytes_of(states_of(bob)[0]) == "absent");
  }

  SECTION("the last mutation counts, a deleted state is absent, and values come in the order asked for") {
    auto whole = sets(alice, "seen", "1");
    whole.states.push_back({"seen", stored_value{{"int", true, "2"}, 7}});
    whole.states.push_back({"name", stored_value{{"text", true, "a"}, 0}});
    kept.commit(whole);
    auto values = states_of(alice);
    CHECK(values[0] == stored_value{{"int", true, "2"}, 7});
    CHECK(bytes_of(values[1]) == "a");
    auto const reversed = await(loop, kept.read(alice, {{"name", "", {}}, {"other", "", {}}, {"seen", "", {}}}));
    CHECK(bytes_of(reversed[0]) == "a");
    CHECK(bytes_of(reversed[1]) == "absent");
    CHECK(bytes_of(reversed[2]) == "2");

    auto gone = by(alice);
    gone.states.push_back({"seen", std::nullopt});
    gone.states.push_back({"never", std::nullopt});
    kept.commit(gone);
    CHECK(bytes_of(states_of(alice)[0]) == "absent");
    CHECK(bytes_of(states_of(alice)[1]) == "a");
  }

  SECTION("an absent value, an empty one and one without a type are three different things") {
    auto whole = by(alice);
    whole.states.push_back({"seen", stored_value{{"", false, ""}, 0}});
    whole.states.push_back({"name", stored_value{{"text", true, ""}, 0}});
    kept.commit(whole);
    CHECK(states_of(alice)[0] == stored_value{{"", false, ""}, 0});
    CHECK(states_of(alice)[1] == stored_value{{"text", true, ""}, 0});
  }

  SECTION("an expired value is returned as it is stored") {
    kept.commit(sets(alice, "seen", "1", clock::unix_ms() + 10));
    loop.advance(1min);
    CHECK(bytes_of(states_of(alice)[0]) == "1");
  }

  SECTION("what one change holds appears together") {
    auto whole = sets(alice, "seen", "1");
    whole.key = message::accepted_key{"k", "print", clock::unix_ms() + 1000};
    whole.egress_records = {{way, {"t", true, "a"}}, {way, {"t", true, "b"}}};
    auto const number = commit(whole);
    CHECK(bytes_of(states_of(alice)[0]) == "1");
    CHECK(key_of(alice, "k")->first == message::entry_key{number, 0});
    CHECK(bytes_of(page(0)) == texts{"a", "b"});
  }

  SECTION("egress sequences follow the order, over addresses and egresses, and are above the change's number") {
    auto const first = commit(writes(alice, way, "1"));
    commit(writes(bob, {"out", "other"}, "x"));
    auto const second = commit(writes(bob, way, "2"));
    auto const read = page(0);
    REQUIRE(bytes_of(read) == texts{"1", "2"});
    CHECK(read.records[0].from == alice);
    CHECK(read.records[1].from == bob);
    CHECK(read.records[0].sequence > first);
    CHECK(read.records[1].sequence > second);
    CHECK(second > read.records[0].sequence);
    CHECK(read.last_sequence == read.records[1].sequence);
  }

  SECTION("a page starts after its sequence and ends at its bounds, but holds at least one record") {
    for (auto const* const bytes : {"1", "2", "3", "4"})
      commit(writes(alice, way, bytes));
    auto const all = page(0).records;
    REQUIRE(all.size() == 4);
    CHECK(bytes_of(page(all[0].sequence)) == texts{"2", "3", "4"});
    CHECK(bytes_of(page(all[0].sequence, 2)) == texts{"2", "3"});
    CHECK(bytes_of(page(0, 100, 1)) == texts{"1"});
    CHECK(bytes_of(page(0, 0)).empty());
    CHECK(page(all[3].sequence).records.empty());
    CHECK(page(all[3].sequence).last_sequence == all[3].sequence);
  }

  SECTION("an acknowledgement removes what it covers; the last sequence stays, and is never given again") {
    for (auto const* const bytes : {"1", "2", "3"})
      commit(writes(alice, way, bytes));
    auto const all = page(0).records;
    REQUIRE(all.size() == 3);
    kept.commit(acknowledges(way, all[1].sequence));
    CHECK(bytes_of(page(0)) == texts{"3"});
    kept.commit(acknowledges(way, all[0].sequence));
    CHECK(bytes_of(page(0)) == texts{"3"});
    kept.commit(acknowledges(way, all[2].sequence));
    CHECK(page(0).records.empty());
    CHECK(page(0).last_sequence == all[2].sequence);
    commit(writes(alice, way, "4"));
    CHECK(page(0).records.at(0).sequence > all[2].sequence);
  }

  SECTION("an egress that was never written has no account, no records and no sequence") {
    CHECK(kept.find_account(way) == nullptr);
    CHECK(kept.accounts().empty());
    CHECK(page(0).records.empty());
    CHECK(page(0).last_sequence == 0);
    CHECK(kept.accounts_count() == 0);
  }

  SECTION("an account counts what its egress holds, down to nothing") {
    commit(writes(alice, way, "12345"));
    auto const account = kept.find_account(way);
    REQUIRE(account);
    auto const one = account->bytes.load();
    CHECK(one >= 5);
    CHECK(account->records_count == 1);
    commit(writes(alice, way, "67890"));
    CHECK(account->bytes == 2 * one);
    CHECK(kept.accounts_count() == 1);
    REQUIRE(kept.accounts().size() == 1);
    CHECK(kept.accounts()[0].first == way);
    CHECK(kept.accounts()[0].second == account);
    kept.commit(acknowledges(way, page(0).last_sequence));
    CHECK(account->bytes == 0);
    CHECK(account->records_count == 0);
  }

  SECTION("a key is of its address alone, and keeps what was accepted first") {
    auto const number = commit(accepts(alice, "k", clock::unix_ms() + 1000, "first"));
    auto const row = key_of(alice, "k");
    REQUIRE(row);
    CHECK(row->first == message::entry_key{number, 0});
    CHECK(row->key.fingerprint == "first");
    CHECK_FALSE(key_of(bob, "k"));
    CHECK_FALSE(key_of(alice, "other"));
  }

  SECTION("a key is kept as long as its window and no longer") {
    kept.commit(accepts(alice, "k", clock::unix_ms() + 1000));
    loop.advance(999ms);
    CHECK(key_of(alice, "k"));
    loop.advance(1ms);
    CHECK_FALSE(key_of(alice, "k"));
  }

  SECTION("a key's window holds though the wall clock was set back between two keys") {
    auto const start_ms = clock::unix_ms();
    kept.commit(accepts(alice, "long", start_ms + 100'000));
    kept.commit(accepts(alice, "short", start_ms + 1000));
    loop.advance(1s);
    CHECK_FALSE(key_of(alice, "short"));
    kept.commit(accepts(alice, "short", start_ms + 200'000, "again"));
    loop.advance(99s);
    CHECK_FALSE(key_of(alice, "long"));
    auto const again = key_of(alice, "short");
    REQUIRE(again);
    CHECK(again->key.fingerprint == "again");
    loop.advance(100s);
    CHECK_FALSE(key_of(alice, "short"));
  }

  SECTION("keys are refused at their limit, never evicted inside their window") {
    for (auto const* key : {"0", "1", "2"}) {
      CHECK(kept.has_room_for_key());
      kept.commit(accepts(*key == '1' ? bob : alice, key, clock::unix_ms() + 1000));
    }
    CHECK_FALSE(kept.has_room_for_key());
    CHECK(key_of(alice, "0"));
    loop.advance(999ms);
    CHECK_FALSE(kept.has_room_for_key());
    loop.advance(1ms);
    CHECK(kept.has_room_for_key());
    CHECK_FALSE(key_of(alice, "0"));
  }

  SECTION("dead letters are kept until they are gone, the oldest message first, page by page") {
    auto const set_aside = [&](message::address const& self, std::uint64_t number, std::string bytes) {
      message::change whole;
      whole.self = self;
      whole.dead_letters.push_back({{{number, 0}, std::nullopt, {"t", true, std::move(bytes)}}, "refused", 7});
      commit(whole);
    };
    auto const rows_of = [&](store::dead_letter_filter const& wanted, std::optional<store::dead_letter_id> const& after,
                             std::size_t count_max = 100, std::uint64_t bytes_max = 1'000'000) {
      texts all;
      for (auto const& row : await(loop, kept.read_dead_letters(wanted, after, count_max, bytes_max)))
        all.push_back(row.letter.message.value.bytes);
      return all;
    };
    message::address const other{{"ns", "gn"}, "alice"};
    set_aside(bob, 2, "2");
    set_aside(alice, 1, "1");
    set_aside(other, 3, "3");
    set_aside(alice, 4, "4");
    CHECK(rows_of({}, std::nullopt) == texts{"1", "2", "3", "4"});
    CHECK(rows_of({}, std::nullopt, 2) == texts{"1", "2"});
    CHECK(rows_of({}, store::dead_letter_id{{2, 0}, bob}) == texts{"3", "4"});
    CHECK(rows_of({}, std::nullopt, 100, 1) == texts{"1"});
    CHECK(rows_of({alice.type, std::nullopt}, std::nullopt) == texts{"1", "2", "4"});
    CHECK(rows_of({std::nullopt, alice}, std::nullopt) == texts{"1", "4"});
    CHECK(kept.dead_letters().count == 4);
    auto const found = await(loop, kept.read_dead_letter({{1, 0}, alice}));
    REQUIRE(found);
    CHECK(found->reason == "refused");
    CHECK(found->at_ms == 7);
    CHECK_FALSE(await(loop, kept.read_dead_letter({{1, 0}, bob})));

    message::change gone;
    gone.self = alice;
    gone.dead_letters_gone = {{1, 0}, {4, 0}, {2, 0}}; // the last one is bob's
    commit(gone);
    CHECK_FALSE(await(loop, kept.read_dead_letter({{1, 0}, alice})));
    CHECK(rows_of({}, std::nullopt) == texts{"2", "3"});
    commit(gone);
    CHECK(kept.dead_letters().count == 2);
    gone.self = bob;
    commit(gone);
    gone.self = other;
    gone.dead_letters_gone = {{3, 0}};
    commit(gone);
    CHECK(kept.dead_letters().count == 0);
    CHECK(kept.dead_letters().bytes == 0);
  }
}

namespace {

store::recovered recover_all(support::event_loop& loop, store::store& from) {
  store::recovered all;
  for (std::uint32_t partition = 0; partition < from.partition_count(); ++partition)
    for (std::optional<std::string> next{""}; next;) {
      auto part = await(loop, from.recover(partition, *next));
      std::move(part.messages.begin(), part.messages.end(), std::back_inserter(all.messages));
      std::move(part.pauses.begin(), part.pauses.end(), std::back_inserter(all.pauses));
      next = std::move(part.next);
    }
  return all;
}

message::envelope envelope_to(message::address const& target, std::string const& bytes) {
  return {target, alice, {"t", true, bytes}};
}

} // namespace

void over_restarts(open_again const& open) {
  support::event_loop loop;
  auto own = open(loop);
  auto const commit = [&](message::change const& whole) {
    auto const ordered = own->commit(whole);
    loop.run(wait(*own, ordered));
    return ordered.number();
  };
  auto const restart = [&] {
    own.reset();
    own = open(loop);
    return recover_all(loop, *own);
  };
  REQUIRE(own->keeps_over_restart());

  SECTION("an empty store has nothing to load") {
    auto const found = restart();
    CHECK(found.messages.empty());
    CHECK(own->found_delayed_count() == 0);
    CHECK(found.pauses.empty());
    CHECK(own->dead_letters().count == 0);
  }

  SECTION("a wait for what is not durable ends when it is cancelled, and nothing is lost by that") {
    auto const never_ordered = store::ticket(commit(sets(alice, "seen", "1")) + 1'000'000'000);
    std::optional<result<void>> end;
    task::gate waiting(loop.executor());
    waiting.start(into(own->durable(never_ordered), end));
    loop.settle();
    REQUIRE_FALSE(end.has_value());
    waiting.cancel();
    REQUIRE(loop.run_until([&] { return end.has_value(); }));
    REQUIRE(end->has_error());
    CHECK(end->error().code == store::errc::wait_cancelled);
    commit(sets(alice, "seen", "2"));
  }

  SECTION("messages that were not consumed are there again, with their keys, each target's in their order") {
    std::vector<message::entry_key> keys;
    for (int i = 0; i < 2000; ++i) {
      auto whole = by(i % 2 == 0 ? alice : bob);
      whole.messages = {envelope_to(bob, std::to_string(2 * i)), envelope_to(bob, std::to_string(2 * i + 1))};
      auto const number = own->commit(whole).number();
      keys.push_back({number, 0});
      keys.push_back({number, 1});
    }
    auto whole = by(bob);
    whole.consumed = {keys[1], keys[3], keys[2]}; // not the first one
    commit(whole);
    for (int i = 0; i < 2; ++i) {
      auto const found = restart();
      REQUIRE(found.messages.size() == keys.size() - 3);
      std::size_t next = 0;
      for (auto const& one : found.messages) {
        REQUIRE(one.key == keys[next]);
        CHECK(one.envelope == envelope_to(bob, std::to_string(next)));
        next += next == 0 ? 4 : 1;
      }
    }
  }

  SECTION("a mailbox's rows are read from behind a key up to another, once they are written") {
    auto whole = by(alice);
    whole.messages = {envelope_to(bob, "1"), envelope_to(alice, "other"), envelope_to(bob, "2")};
    auto const first = commit(whole);
    whole.messages = {envelope_to(bob, "3"), envelope_to(bob, "4")};
    auto const ordered = own->commit(whole);
    loop.run(wait(*own, ordered));
    auto const second = ordered.number();
    REQUIRE(own->is_written(ordered));
    auto const read = [&](message::entry_key const& after, message::entry_key const& through,
                          std::size_t count_max = 100, std::uint64_t bytes_max = 1'000'000) {
      texts all;
      for (auto const& row : await(loop, own->read_messages(bob, after, through, count_max, bytes_max))) {
        CHECK(row.key > after);
        CHECK(row.key <= through);
        CHECK(row.envelope == envelope_to(bob, row.envelope.value.bytes));
        all.push_back(row.envelope.value.bytes);
      }
      return all;
    };
    CHECK(read({}, {second, 1}) == texts{"1", "2", "3", "4"});
    CHECK(read({first, 0}, {second, 0}) == texts{"2", "3"});
    CHECK(read({}, {second, 1}, 3) == texts{"1", "2", "3"});
    CHECK(read({}, {second, 1}, 100, 1) == texts{"1"});
    auto gone = by(bob);
    gone.consumed = {{first, 0}, {second, 0}};
    commit(gone);
    CHECK(read({}, {second, 1}) == texts{"2", "4"});
    restart();
    CHECK(read({}, {second, 1}) == texts{"2", "4"});
    CHECK(own->is_written(ordered));
    CHECK(await(loop, own->read_messages({{"ns", "fn"}, "nobody"}, {}, {second, 1}, 100, 100)).empty());
  }

  SECTION("a message that was consumed by the change after its own is not there") {
    auto whole = by(alice);
    whole.messages = {{alice, std::nullopt, {"", false, ""}}, envelope_to(bob, "b")};
    auto const number = own->commit(whole).number();
    auto next = by(alice);
    next.consumed = {{number, 0}};
    commit(next);
    auto const found = restart();
    REQUIRE(found.messages.size() == 1);
    CHECK(found.messages[0].key == message::entry_key{number, 1});
  }

  SECTION("delayed messages that neither fired nor were cancelled are read in due order, once they are written") {
    auto whole = by(alice);
    whole.delayed_set = {{5000, "token", envelope_to(bob, "3")},
                         {-4000, "", envelope_to(alice, "1")},
                         {5000, "", envelope_to(alice, "4")},
                         {4000, "token", {bob, std::nullopt, {"t", true, "2"}}}};
    auto const ordered = own->commit(whole);
    loop.run(wait(*own, ordered));
    REQUIRE(own->is_written(ordered));
    auto const number = ordered.number();
    auto other = by(bob);
    other.delayed_set = {{4500, "token", envelope_to(bob, "bob's")}};
    commit(other);
    auto const partition = message::partition_of(alice, own->partition_count());
    REQUIRE(message::partition_of(bob, own->partition_count()) != partition);
    message::delayed_key const first{INT64_MIN, {}};
    message::delayed_key const last{INT64_MAX, {}};
    auto const read = [&](message::delayed_key const& after, message::delayed_key const& through,
                          std::size_t count_max = 100, std::uint64_t bytes_max = 1'000'000) {
      texts all;
      for (auto const& row : await(loop, own->read_delayed(partition, after, through, count_max, bytes_max))) {
        CHECK(row.owner == alice);
        CHECK(row.key.number == number);
        CHECK(row.set == whole.delayed_set[row.key.index]);
        all.push_back(row.set.message.value.bytes);
      }
      return all;
    };
    for (int i = 0; i < 2; ++i) {
      CHECK(read(first, last) == texts{"1", "2", "3", "4"});
      CHECK(read({-4000, {number, 1}}, {5000, {number, 0}}) == texts{"2", "3"});
      CHECK(read(first, {4000, {}}) == texts{"1"});
      CHECK(read(first, last, 3) == texts{"1", "2", "3"});
      CHECK(read(first, last, 100, 1) == texts{"1"});
      CHECK(read({5000, {number, 2}}, last).empty());
      restart();
      CHECK(own->found_delayed_count() == 5);
    }
    auto fired = by(alice);
    fired.delayed_gone = {{{5000, {number, 0}}, "token"}};
    fired.messages = {envelope_to(bob, "3")};
    commit(fired);
    CHECK(read(first, last) == texts{"1", "2", "4"});
    CHECK(restart().messages.size() == 1);
    CHECK(own->found_delayed_count() == 4);
    CHECK(read(first, last) == texts{"1", "2", "4"});
  }

  SECTION("delayed messages are found by who set them and the token, until they fire or are cancelled") {
    using rows = std::vector<message::delayed_key>;
    auto const found = [&](message::address const& owner, std::string const& token) {
      auto all = await(loop, own->find_delayed(owner, token));
      std::sort(all.begin(), all.end());
      return all;
    };
    CHECK(found(alice, "token").empty());
    auto whole = by(alice);
    whole.delayed_set = {{5000, "token", envelope_to(bob, "1")},
                         {4000, "", envelope_to(bob, "2")},
                         {-1, "token", envelope_to(bob, "3")},
                         {6000, "tok", envelope_to(bob, "4")}};
    auto const first = commit(whole);
    whole.self = bob;
    auto const second = commit(whole);
    CHECK(found(alice, "token") == rows{{-1, {first, 2}}, {5000, {first, 0}}});
    CHECK(found(alice, "tok") == rows{{6000, {first, 3}}});
    CHECK(found(bob, "token") == rows{{-1, {second, 2}}, {5000, {second, 0}}});
    CHECK(found(alice, "toke").empty());
    auto gone = by(alice);
    gone.delayed_gone = {{{-1, {first, 2}}, "token"}, {{4000, {first, 1}}, ""}};
    commit(gone);
    restart();
    CHECK(found(alice, "token") == rows{{5000, {first, 0}}});
    CHECK(found(bob, "token").size() == 2);
    CHECK(own->found_delayed_count() == 6);
  }

  SECTION("a delayed message that was cancelled by the change after its own leaves nothing and is not counted") {
    auto whole = by(alice);
    whole.delayed_set = {{5000, "token", envelope_to(bob, "1")}, {6000, "token", envelope_to(bob, "2")}};
    auto const number = own->commit(whole).number();
    auto gone = by(alice);
    gone.delayed_gone = {{{5000, {number, 0}}, "token"}};
    commit(gone);
    for (int i = 0; i < 2; ++i) {
      auto const found = await(loop, own->find_delayed(alice, "token"));
      REQUIRE(found.size() == 1);
      CHECK(found[0] == message::delayed_key{6000, {number, 1}});
      restart();
      CHECK(own->found_delayed_count() == 1);
    }
  }

  SECTION("a pause holds until it is ended") {
    auto whole = by(alice);
    message::pause const why{message::pause_cause::by_failure, "why", 7};
    whole.pause = message::pause_row{why};
    commit(whole);
    auto const found = restart();
    REQUIRE(found.pauses.size() == 1);
    CHECK(found.pauses[0].self == alice);
    CHECK(found.pauses[0].why == why);
    whole.pause = message::pause_row{};
    commit(whole);
    CHECK(restart().pauses.empty());
  }

  SECTION("a dead letter is no message any more") {
    auto whole = by(alice);
    whole.messages = {envelope_to(bob, "1")};
    auto const number = commit(whole);
    auto aside = by(bob);
    aside.consumed = {{number, 0}};
    aside.dead_letters = {{{{number, 0}, alice, {"t", true, "1"}}, "why", 7}};
    commit(aside);
    CHECK(restart().messages.empty());
    CHECK(own->dead_letters().count == 1);
    store::dead_letter_id const id{{number, 0}, bob};
    CHECK(await(loop, own->read_dead_letter(id)) == aside.dead_letters[0]);
    auto gone = by(bob);
    gone.dead_letters_gone = {id.key};
    commit(gone);
    restart();
    CHECK(own->dead_letters().count == 0);
    CHECK(own->dead_letters().bytes == 0);
    CHECK_FALSE(await(loop, own->read_dead_letter(id)));
  }

  SECTION("states, keys and records are there again, and numbers go on") {
    auto whole = sets(alice, "seen", "1");
    whole.key = message::accepted_key{"k", "print", clock::unix_ms() + 1000};
    whole.egress_records = {{way, {"t", true, "a"}}, {way, {"t", true, "b"}}};
    auto const number = commit(whole);
    restart();
    CHECK(bytes_of(await(loop, own->read(alice, wanted))[0]) == "1");
    CHECK(await(loop, own->read_key(alice, "k"))->first == message::entry_key{number, 0});
    auto const page = await(loop, own->read_egress(way, 0, 100, 1'000'000));
    REQUIRE(bytes_of(page) == texts{"a", "b"});
    CHECK(page.records[0].from == alice);
    REQUIRE(own->find_account(way));
    CHECK(own->find_account(way)->records_count == 2);
    auto const bytes = own->find_account(way)->bytes.load();

    commit(acknowledges(way, page.records[0].sequence));
    restart();
    CHECK(bytes_of(await(loop, own->read_egress(way, 0, 100, 1'000'000))) == texts{"b"});
    CHECK(own->find_account(way)->bytes == bytes / 2);
    auto const next = commit(writes(bob, way, "c"));
    CHECK(next > page.last_sequence);
  }
}

namespace {

constexpr int commits_count = 2000;

message::address numbered(int i) {
  return {{"ns", "fn"}, std::to_string(i)};
}

void commit_many(store::store& to, int thread, std::vector<std::uint64_t>& numbers) {
  for (int i = 0; i < commits_count; ++i) {
    auto whole = sets(numbered(thread), "seen", std::to_string(i));
    whole.egress_records = {{way, {"t", true, std::to_string(i)}}, {{"out", std::to_string(thread)}, {"t", true, "x"}}};
    numbers.push_back(to.commit(whole).number());
  }
}

} // namespace

void bounds(make_store const& make) {
  message::change whole;
  whole.self = alice;
  whole.dead_letters.push_back({{{1, 0}, std::nullopt, {"t", true, std::string(100, 'x')}}, "refused", 7});
  chosen options;

  SECTION("dead letters have a bound by count") {
    options.dead_letters_max = 1;
  }
  SECTION("dead letters have a bound by bytes") {
    options.dead_letters_bytes_max = 200;
  }
  auto const kept = make(options);
  CHECK(kept->has_room_for(whole.dead_letters[0]));
  kept->commit(whole);
  CHECK_FALSE(kept->has_room_for(whole.dead_letters[0]));
  whole.dead_letters_gone = {{1, 0}};
  whole.dead_letters.clear();
  kept->commit(whole);
  CHECK(kept->has_room_for({{{2, 0}, std::nullopt, {"t", true, "x"}}, "refused", 7}));
}

void many_threads(make_store const& make) {
  support::event_loop loop;
  auto const own = make({});
  auto& kept = *own;
  // Two addresses of two partitions: an address belongs to one thread.
  REQUIRE(message::partition_of(numbered(0), kept.partition_count()) !=
          message::partition_of(numbered(1), kept.partition_count()));
  std::vector<std::vector<std::uint64_t>> numbers(2);
  std::thread first(commit_many, std::ref(kept), 0, std::ref(numbers[0]));
  std::thread second(commit_many, std::ref(kept), 1, std::ref(numbers[1]));
  std::uint64_t read_through = 0;
  std::vector<store::numbered_record> seen;
  while (seen.size() < 2U * commits_count) {
    auto const page = await(loop, kept.read_egress(way, read_through, 100, 1'000'000));
    for (auto const& record : page.records) {
      REQUIRE(record.sequence > read_through);
      read_through = record.sequence;
      seen.push_back(record);
    }
    kept.commit(acknowledges(way, read_through));
  }
  first.join();
  second.join();

  // Every record once, and each address's in its order: nothing came below a sequence that was read.
  std::vector<int> next(2, 0);
  for (auto const& record : seen)
    CHECK(record.value.bytes == std::to_string(next[record.from == numbered(0) ? 0 : 1]++));
  CHECK(next == std::vector{commits_count, commits_count});
  std::set<std::uint64_t> all;
  for (auto const& of : numbers) {
    CHECK(std::is_sorted(of.begin(), of.end()));
    all.insert(of.begin(), of.end());
  }
  CHECK(all.size() == 2U * commits_count);
  CHECK(kept.find_account(way)->bytes == 0);
  CHECK(kept.find_account(way)->records_count == 0);
  CHECK(kept.find_account({"out", "0"})->records_count == commits_count);
  CHECK(bytes_of(await(loop, kept.read(numbered(1), wanted))[0]) == std::to_string(commits_count - 1));
}

} // namespace statefund::store_contract
