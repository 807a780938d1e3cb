#include "simulation/world.hpp"
#include "task/on.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace statefund::simulation {

namespace asio = boost::asio;
using clock::deadline;
using support::mistake;

// Whoever is on it gets no answer.
void world::forget_connection(std::size_t which) {
  for (auto& own : sent_)
    if (own.connection == which && own.under_way) {
      own.under_way = false;
      own.unknown = true;
      ++own.asked_count;
    }
  for (auto& own : readers_)
    if (own.connection == which && own.under_way) {
      own.under_way = false;
      ++own.asked_count;
    }
}

void world::break_connection(std::size_t which) {
  traced(9, which);
  forget_connection(which);
  asio::post(*loops_.front(), [one = connections_[which].get()] { one->cancel(); });
}

dispatch::submission world::submission_of(std::uint32_t message) const {
  auto const& own = sent_[message];
  dispatch::submission one;
  one.target = addresses_[run_.messages[message].target];
  one.value = value_of(message);
  if (own.keyed)
    one.idempotency_key = "k" + std::to_string(message);
  one.delay = std::chrono::milliseconds(own.delay_ms);
  return one;
}

void world::send(std::vector<std::uint32_t> const& messages, bool in_one_request) {
  if (!is_open())
    return;
  auto const shard = below(run_.shards_count);
  auto const connection = below(connections_count);
  auto const on = loops_[shard]->get_executor();
  std::vector<question> asked;
  for (auto const message : messages) {
    sent_[message].under_way = true;
    sent_[message].connection = connection;
    ++sent_[message].asked_count;
    asked.push_back(ask(message));
  }
  if (in_one_request)
    return connections_[connection]->start(task::on(on, send_many(std::move(asked), shard)));
  for (auto const& one : asked)
    connections_[connection]->start(task::on(on, send_one(one, shard)));
}

asio::awaitable<void> world::send_one(question about, std::size_t shard) {
  auto submitted = submission_of(about.message);
  auto told = co_await all_->at(shard).accept(std::move(submitted));
  co_await hear(about, std::move(told), shard);
}

asio::awaitable<void> world::send_many(std::vector<question> asked, std::size_t shard) {
  dispatch::upload of(run_.shards_count);
  std::vector<dispatch::submission> submitted;
  for (auto const& one : asked)
    submitted.push_back(submission_of(one.message));
  auto const wait_max = std::chrono::milliseconds(below(100));
  auto const told = co_await all_->at(shard).accept_many(std::move(submitted), of, wait_max);
  if (dead_ || asked.front().asked_count != sent_[asked.front().message].asked_count)
    co_return;
  for (std::size_t i = 0; i < asked.size(); ++i)
    for (std::size_t before = 0; before < i; ++before) {
      if (run_.messages[asked[before].message].target != run_.messages[asked[i].message].target)
        continue;
      auto const* const earlier = std::get_if<dispatch::accepted>(&told[before]);
      auto const* const later = std::get_if<dispatch::accepted>(&told[i]);
      check(!later || !std::holds_alternative<dispatch::refusal>(told[before]),
            "a message of an upload is accepted after one to the same address was rejected");
      check(!earlier || !later || earlier->id < later->id, "messages of an upload are in another order");
    }
  for (std::size_t i = 0; i < asked.size(); ++i)
    co_await hear(asked[i], told[i], shard);
}

asio::awaitable<void> world::hear(question about, dispatch::receipt told, std::size_t shard) {
  auto const [message, asked_count, was_ordered] = about;
  auto& own = sent_[message];
  if (dead_ || own.asked_count != asked_count)
    co_return;
  if (std::holds_alternative<dispatch::refusal>(told)) {
    // An earlier question of the same key may have been heard all the same.
    check(own.unknown || was_ordered || model_.ordered(message) == 0, "a message was refused after it was ordered");
    own.under_way = false;
    own.refused = true;
    traced(4, message);
    co_return;
  }
  std::uint64_t id = 0;
  store::ticket rests_on;
  bool waits = true;
  if (auto const* const in = std::get_if<dispatch::accepted>(&told)) {
    id = in->id.number;
    rests_on = in->ordered;
  } else {
    auto const& known = std::get<dispatch::duplicate>(told);
    check(own.keyed, "a message without a key is a duplicate");
    id = known.first.number;
    rests_on = known.ordered;
    waits = planted_ != mistake::duplicate_at_once;
  }
  result<void> kept;
  if (waits)
    kept = co_await all_->at(shard).durable(rests_on);
  if (own.asked_count != asked_count)
    co_return;
  if (!kept) {
    own.under_way = false;
    own.unknown = planted_ != mistake::refusal_after_ordering;
    own.refused = !own.unknown;
    co_return;
  }
  if (dead_)
    co_return;
  check(model_.ordered(message) == id, "the id that was told is another one");
  check(own.id == 0 || own.id == id, "one message was told two ids");
  own.under_way = own.refused = false;
  own.accepted = true;
  own.id = id;
  shown_ = std::max(shown_, id);
  traced(5, message, id);
}

void world::start_read(std::size_t egress, std::uint32_t chance) {
  auto& own = readers_[egress];
  if (!is_open() || std::exchange(own.under_way, true))
    return;
  ++own.asked_count;
  own.connection = below(connections_count);
  auto const shard = below(run_.shards_count);
  connections_[own.connection]->start(
      task::on(loops_[shard]->get_executor(), read(egress, own.asked_count, shard, chance % 500)));
}

asio::awaitable<void> world::read(std::size_t egress, std::uint64_t asked_count, std::size_t shard,
                                  std::uint32_t wait_ms) {
  auto& own = readers_[egress];
  if (own.asked_count != asked_count)
    co_return;
  dispatch::egress_request asked{egress_id_of(egress), std::nullopt, false, 1 + wait_ms % 7,
                                 deadline::after(std::chrono::milliseconds(wait_ms))};
  if (own.seen_through > 0)
    asked.after = own.seen_through;
  auto const told = co_await all_->at(shard).read_egress(std::move(asked));
  if (dead_ || own.asked_count != asked_count)
    co_return;
  own.under_way = false;
  auto const* const page = std::get_if<store::egress_page>(&told);
  if (!page) {
    if (!store_lost_ && own.seen_through > 0)
      wrong("an egress does not know what it has shown: " + std::get<dispatch::refusal>(told).detail);
    co_return;
  }
  for (auto const& record : page->records) {
    traced(6, egress, record.sequence);
    check(record.sequence > own.seen_through, "records are not in the order of their sequences");
    own.seen_through = record.sequence;
    auto const& content = record.value.bytes;
    auto const [known, is_new] = own.shown.emplace(record.sequence, content);
    check(known->second == content, "a sequence shows two contents");
    check(own.seen.insert(content).second || !is_new, "a record is shown under two sequences");
    check(model_.records(egress).contains(content), "a record is shown that nobody wrote");
    shown_ = std::max(shown_, record.sequence);
  }
}

} // namespace statefund::simulation
