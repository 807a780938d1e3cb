#include "dispatch/cancelled.hpp"

#include "dispatch/removed_rows.hpp"

#include <set>
#include <string>

namespace statefund::dispatch {

namespace asio = boost::asio;

asio::awaitable<result<turn::pending_delayed>> find_cancelled(shard_data& data, message::address const& self,
                                                              message::reply const& answer) {
  std::set<std::string> tokens;
  if (auto const* const asked = std::get_if<message::invocation_result>(&answer))
    for (auto const& one : asked->delayed)
      if (auto const* const cancel = std::get_if<message::delayed_cancel>(&one);
          cancel && !cancel->cancellation_token.empty())
        tokens.insert(cancel->cancellation_token);
  turn::pending_delayed pending;
  if (tokens.empty())
    co_return pending;
  // What is in memory comes first: it may be let go, once it is written, while the store is asked.
  if (auto const* const here = data.delayed.of(self))
    for (auto const& token : tokens)
      if (auto const found = here->find(token); found != here->end())
        pending.insert(*found);
  if (data.process.delayed_far_count.load(std::memory_order_relaxed) == 0)
    co_return pending;
  removed_rows::read const looked_at(data.delayed.removed());
  for (auto const& token : tokens) {
    auto const found = co_await data.store.find_delayed(self, token);
    if (!found)
      co_return found.error();
    auto& same = pending[token];
    same.insert(same.end(), found->begin(), found->end());
  }
  for (auto& [token, same] : pending) {
    same.sort();
    same.unique();
    same.remove_if([&](message::delayed_key const& one) { return data.delayed.removed().contains(one.key); });
  }
  co_return pending;
}

} // namespace statefund::dispatch
