#include "dispatch/dispatcher.hpp"
#include "dispatch/inspector.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"
#include "task/on.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace statefund::dispatch {

namespace asio = boost::asio;
using clock::deadline;
using namespace std::chrono_literals;

namespace {

// So long an operator's answer waits for the disk; then it is given as provisional.
constexpr auto durable_within = 1s;

asio::awaitable<void> tell_durable(store::store& truth, store::ticket ordered, task::event& ended, bool& is_durable) {
  auto const kept = co_await truth.durable(ordered);
  is_durable = kept.has_value();
  ended.notify_all();
}

// Values are read along with what is shown of them: so many bytes at a time.
constexpr std::uint64_t letters_bytes_max = 16U << 20U;
constexpr std::size_t replayed_in_a_row_max = 100;

// What comes behind a key, whoever's letter it is.
store::dead_letter_id behind(message::entry_key const& id) {
  return {{id.number, id.index + 1}, {}};
}

} // namespace

asio::awaitable<bool> dispatcher::are_durable(store::ticket seen) {
  auto const here = shards_.front()->executor();
  task::event ended(here);
  task::gate waiting(here);
  bool is_durable = false;
  waiting.start(tell_durable(*store_, seen, ended, is_durable));
  auto const until = deadline::after(durable_within);
  auto const end = co_await ended.wait(until);
  waiting.cancel();
  co_await waiting.close();
  bool const in_time = end == task::wait_end::notified;
  co_return in_time&& is_durable;
}

asio::awaitable<void> dispatcher::list(shard& one, address_filter const& wanted, address_list& into) {
  into = co_await list_addresses(one.data_, wanted);
}

asio::awaitable<address_list> dispatcher::addresses(address_filter wanted) {
  std::vector<address_list> listed(shards_.size());
  task::gate everywhere(shards_.front()->executor());
  for (std::size_t i = 0; i < shards_.size(); ++i)
    everywhere.start(task::on(shards_[i]->executor(), list(*shards_[i], wanted, listed[i])));
  co_await everywhere.close();
  auto all = merge(std::move(listed), wanted.addresses_max);
  all.durable = co_await are_durable(store_->ordered_so_far());
  co_return all;
}

asio::awaitable<result<address_detail>> dispatcher::describe_there(shard& one, message::address const& self) {
  return dispatch::describe(one.data_, self);
}

asio::awaitable<std::string> dispatcher::why_not_called_there(shard& home, message::function_type const& type) {
  co_return why_not_called(home.data_, type);
}

asio::awaitable<verb_answer<address_detail>> dispatcher::describe(message::address self) {
  shard& there = *shards_[shards_.front()->data_.delivered.shard_of(self)];
  auto seen = co_await task::on(there.executor(), describe_there(there, self));
  if (!seen)
    co_return seen.error();
  address_detail& all = *seen;
  if (all.summary.stands == standing::idle && all.states.empty() && all.delayed_count == 0 && !all.paused)
    co_return refusal{number::address_unknown,
                      "nothing waits for " + to_text(self) + ", and it has neither states nor delayed messages",
                      std::nullopt};
  if (all.summary.stands == standing::ready) {
    shard& home = *shards_[all.home];
    all.why = co_await task::on(home.executor(), why_not_called_there(home, self.type));
  }
  all.durable = co_await are_durable(store_->ordered_so_far());
  co_return std::move(all);
}

asio::awaitable<verb_answer<acted>> dispatcher::once_durable(verb_receipt told) {
  if (auto* const refused = std::get_if<refusal>(&told))
    co_return std::move(*refused);
  auto const& done = std::get<carried_out>(told);
  auto const kept = co_await store_->durable(done.ordered);
  if (!kept)
    co_return kept.error();
  co_return acted{!done.was_so};
}

asio::awaitable<verb_answer<acted>> dispatcher::pause(message::address self, std::string reason) {
  auto told = co_await first().pause(std::move(self), std::move(reason));
  co_return co_await once_durable(std::move(told));
}

asio::awaitable<verb_answer<acted>> dispatcher::resume(message::address self) {
  auto told = co_await first().resume(std::move(self));
  co_return co_await once_durable(std::move(told));
}

asio::awaitable<verb_answer<acted>> dispatcher::skip(message::address self, message::entry_key head) {
  auto told = co_await first().skip(std::move(self), head);
  co_return co_await once_durable(std::move(told));
}

asio::awaitable<verb_answer<acted>> dispatcher::pause(message::function_type type, std::string reason) {
  if (!first().data_.declared->text_type_name(type))
    co_return refusal{number::function_type_unknown, "no module declares the function type " + to_text(type),
                      std::nullopt};
  auto told = co_await first().pause(std::move(type), std::move(reason));
  co_return co_await once_durable(std::move(told));
}

asio::awaitable<verb_answer<acted>> dispatcher::resume(message::function_type type) {
  auto told = co_await first().resume(std::move(type));
  co_return co_await once_durable(std::move(told));
}

asio::awaitable<result<dead_letter_page>> dispatcher::dead_letters(store::dead_letter_filter wanted,
                                                                   std::optional<message::entry_key> after,
                                                                   std::size_t letters_max) {
  dead_letter_page page;
  page.total_count = store_->dead_letters().count.load(std::memory_order_relaxed);
  auto last = after ? std::optional(behind(*after)) : std::nullopt;
  for (;;) {
    auto const count_max = letters_max - page.letters.size();
    auto const rows =
        co_await store_->read_dead_letters(wanted, last, std::max<std::size_t>(1, count_max), letters_bytes_max);
    if (!rows)
      co_return rows.error();
    if (rows->empty())
      break;
    if (count_max == 0) {
      page.next = last->key;
      break;
    }
    for (auto const& row : *rows)
      page.letters.push_back(summary_of(row));
    last = rows->back().id();
  }
  page.durable = co_await are_durable(store_->ordered_so_far());
  co_return page;
}

asio::awaitable<verb_answer<store::dead_letter_row>> dispatcher::dead_letter(message::entry_key id) {
  store::dead_letter_filter const all;
  std::optional<store::dead_letter_id> const before({id, {}});
  auto rows = co_await store_->read_dead_letters(all, before, 1, 0);
  if (!rows)
    co_return rows.error();
  if (rows->empty() || rows->front().letter.message.key != id)
    co_return refusal{number::dead_letter_unknown,
                      "there is no dead letter " + to_text(id) + ": it was never set aside, or was replayed or dropped",
                      std::nullopt};
  co_return std::move(rows->front());
}

asio::awaitable<verb_answer<acted>> dispatcher::replay(message::entry_key id) {
  auto const found = co_await dead_letter(id);
  if (!found)
    co_return found.error();
  if (auto const* const refused = std::get_if<refusal>(&*found))
    co_return *refused;
  auto told = co_await first().replay(std::get<store::dead_letter_row>(*found).id());
  co_return co_await once_durable(std::move(told));
}

asio::awaitable<verb_answer<acted>> dispatcher::drop(message::entry_key id) {
  auto const found = co_await dead_letter(id);
  if (!found)
    co_return found.error();
  if (auto const* const refused = std::get_if<refusal>(&*found))
    co_return *refused;
  auto told = co_await first().drop(std::get<store::dead_letter_row>(*found).id());
  co_return co_await once_durable(std::move(told));
}

asio::awaitable<result<replayed>> dispatcher::replay_all(store::dead_letter_filter wanted) {
  replayed done;
  store::ticket ordered;
  auto const newest = store_->ordered_so_far().number(); // what is set aside again has a greater key
  std::unordered_set<message::address> refused;
  std::optional<store::dead_letter_id> last;
  for (bool goes_on = true; goes_on;) {
    auto const rows = co_await store_->read_dead_letters(wanted, last, replayed_in_a_row_max, letters_bytes_max);
    if (!rows)
      co_return rows.error();
    goes_on = !rows->empty();
    for (auto const& row : *rows) {
      last = row.id();
      if (row.letter.message.key.number > newest) {
        goes_on = false;
        break;
      }
      if (refused.contains(row.self)) {
        ++done.left_count;
        continue;
      }
      auto const told = co_await first().replay(row.id());
      if (auto const* const carried = std::get_if<carried_out>(&told)) {
        ordered.merge(carried->ordered);
        ++done.replayed_count;
        continue;
      }
      auto const& why = std::get<refusal>(told);
      if (why.why == number::dead_letter_unknown)
        continue; // another operator was faster
      ++done.left_count;
      refused.insert(row.self);
      if (!done.first_refusal)
        done.first_refusal = why;
    }
  }
  auto const kept = co_await store_->durable(ordered);
  if (!kept)
    co_return kept.error();
  co_return done;
}

} // namespace statefund::dispatch
