#pragma once

#include "clock/deadline.hpp"
#include "dispatch/declarations.hpp"
#include "dispatch/operations.hpp"
#include "dispatch/options.hpp"
#include "dispatch/shard.hpp"
#include "dispatch/status.hpp"
#include "dispatch/totals.hpp"
#include "dispatch/watermarks.hpp"
#include "error/result.hpp"
#include "store/errc.hpp"
#include "store/store.hpp"
#include "task/event.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace statefund::dispatch {

// What a stop left behind, where the store keeps nothing.
struct leftovers {
  std::int64_t messages_count = 0; // waiting, or out on a call that was cancelled
  std::int64_t delayed_count = 0;
  std::uint64_t egress_records_count = 0; // not read
};

// All shards: routing, and the order in which things stop. Made and destroyed while no shard's loop runs; its own calls
// are for the first shard's thread.
class dispatcher final : public operations {
 public:
  struct parts {
    std::vector<boost::asio::any_io_executor> executors; // one a shard; each run by one thread
    statefund::store::store* store = nullptr;
    declarations declared;
    // A write or sync has failed: ends the process, without drain.
    std::function<void(error const&)> store_lost;
  };

  dispatcher(options chosen, parts given);
  ~dispatcher() override;

  std::size_t shards_count() const noexcept { return shards_.size(); }
  shard& at(std::size_t i) noexcept { return *shards_[i]; }

  // Loads what the store has kept, on every shard. Before start(), for a turn must find all that was ordered before.
  // Only store::errc::lost.
  boost::asio::awaitable<result<void>> recover();
  // Starts the ways; from serve() on messages are accepted.
  void start();
  void serve() noexcept { totals_.state = serving_state::serving; }
  // Instead of these two: records can be read, and nothing else moves or is accepted until resume_all().
  void start_paused();
  serving_state state() const noexcept { return totals_.state; }

  // Requires that recover() has returned. Returns once every shard works with `next`. Types that it keeps are not
  // touched, and their connections stay. Of the others, calls that are out end on the function they began on, and every
  // later one is made on the new one; a type that is not declared any more keeps its messages and states, and goes on
  // where it is declared again. One at a time. Does nothing once no turn starts any more.
  boost::asio::awaitable<void> apply(declarations next, keeps_function keeps);

  // Accepts nothing more. Where the store keeps nothing, turns go on until nothing waits; then, and with a durable
  // store at once, no turn starts, and those that run may end. All of it until `until`, when calls are cancelled.
  // Returns what is left.
  boost::asio::awaitable<leftovers> drain(clock::deadline until);
  // A drain under way ends at once: calls are cancelled.
  void hurry();

  // operations
  boost::asio::awaitable<address_list> addresses(address_filter wanted) override;
  boost::asio::awaitable<verb_answer<address_detail>> describe(message::address self) override;
  boost::asio::awaitable<verb_answer<acted>> pause(message::address self, std::string reason) override;
  boost::asio::awaitable<verb_answer<acted>> resume(message::address self) override;
  boost::asio::awaitable<verb_answer<acted>> skip(message::address self, message::entry_key head) override;
  boost::asio::awaitable<verb_answer<acted>> pause(message::function_type type, std::string reason) override;
  boost::asio::awaitable<verb_answer<acted>> resume(message::function_type type) override;
  boost::asio::awaitable<result<dead_letter_page>> dead_letters(store::dead_letter_filter wanted,
                                                                std::optional<message::entry_key> after,
                                                                std::size_t letters_max) override;
  boost::asio::awaitable<verb_answer<store::dead_letter_row>> dead_letter(message::entry_key id) override;
  boost::asio::awaitable<verb_answer<acted>> replay(message::entry_key id) override;
  boost::asio::awaitable<verb_answer<acted>> drop(message::entry_key id) override;
  boost::asio::awaitable<result<replayed>> replay_all(store::dead_letter_filter wanted) override;
  bool resume_all() override;

  boost::asio::awaitable<std::vector<shard_status>> status();
  totals const& counts() const noexcept { return totals_; }

  template <class Work>
  void post_to(std::size_t i, Work work) {
    shard* const there = shards_[i].get();
    boost::asio::post(there->executor(), [there, work = std::move(work)]() mutable { work(*there); });
  }
  template <class Work>
  void post_to_all(Work const& work) {
    for (std::size_t i = 0; i < shards_.size(); ++i)
      post_to(i, work);
  }

  // A wait that a stop has cancelled is no loss.
  void store_lost(error const& why) {
    if (why.code != store::errc::wait_cancelled)
      store_lost_(why);
  }

 private:
  boost::asio::awaitable<void> until_nothing_waits(clock::deadline until);

  using close_step = boost::asio::awaitable<void> (*)(shard&, clock::deadline);
  boost::asio::awaitable<void> on_all(close_step step, clock::deadline until);
  static boost::asio::awaitable<void> load(shard& one, result<std::vector<store::kept_pause>>& end);
  static boost::asio::awaitable<void> apply_to(shard& one, std::shared_ptr<declarations const> next,
                                               keeps_function const& keeps);
  static boost::asio::awaitable<void> close_turns(shard& one, clock::deadline until);
  static boost::asio::awaitable<void> close_rest(shard& one, clock::deadline until);

  static boost::asio::awaitable<void> list(shard& one, address_filter const& wanted, address_list& into);
  static boost::asio::awaitable<result<address_detail>> describe_there(shard& one, message::address const& self);
  static boost::asio::awaitable<std::string> why_not_called_there(shard& home, message::function_type const& type);
  boost::asio::awaitable<bool> are_durable(store::ticket seen);
  boost::asio::awaitable<verb_answer<acted>> once_durable(verb_receipt told);
  shard& first() noexcept { return *shards_.front(); }

  options const chosen_;
  totals totals_;
  watermarks watermarks_;
  statefund::store::store* store_;
  std::function<void(error const&)> store_lost_;
  std::vector<std::unique_ptr<shard>> shards_;
  task::event hurried_;
  bool hurries_ = false;
  bool applies_ = false;
};

} // namespace statefund::dispatch
