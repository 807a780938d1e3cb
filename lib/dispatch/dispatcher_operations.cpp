#include "dispatch/dispatcher.hpp"
#include "dispatch/inspector.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"
#include "task/on.hpp"

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
  co_return end == task::wait_end::notified&& is_durable;
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
  if (all.summary.stands == standing::idle && all.states.empty() && all.delayed_count == 0)
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

} // namespace statefund::dispatch
