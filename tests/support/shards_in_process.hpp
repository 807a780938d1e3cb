#pragma once

#include "dispatch/dispatcher.hpp"
#include "log/capture.hpp"
#include "support/event_loop.hpp"
#include "support/fake_functions.hpp"
#include "support/late_store.hpp"
#include "task/gate.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace statefund::support {

dispatch::submission message_to(message::address target, std::string bytes);
std::vector<std::string> bytes_of(store::egress_page const& page);
std::optional<number> refused(dispatch::receipt const& told);
dispatch::options with_memory(std::uint64_t bytes_max);
function::limits marked(std::size_t waiting_max);

// What a coroutine that runs beside the test has come to.
template <class T>
using coming = std::shared_ptr<std::optional<T>>;

enum class loops {
  one,         // of all shards: what one has posted to another runs soon
  one_a_shard, // which a test may step: shards do not know how far the others are
};

// Dispatch with fake functions and a store that can be late: any number of shards on one thread, under a clock that the
// test moves. Serving from the start; drained, with no time to spare, at the end.
class shards_in_process {
 public:
  explicit shards_in_process(std::size_t shards_count = 1, dispatch::options chosen = {},
                             store::memory_store_options const& kept = {}, loops run_by = loops::one);
  ~shards_in_process();

  event_loop loop;
  fake_functions functions;
  std::set<message::egress_id> egresses{{"out", "declared"}}; // that a module declares
  late_store store;
  log::capture logged;

  dispatch::dispatcher& all() noexcept { return *all_; }
  dispatch::shard& at(std::size_t shard = 0) noexcept { return all_->at(shard); }
  std::size_t stores_lost_count() const noexcept { return stores_lost_count_; }

  // Through the door of one shard, to its end.
  dispatch::receipt accept(dispatch::submission one, std::size_t at_shard = 0);
  bool accepts(message::address const& target, std::string bytes, std::size_t at_shard = 0);

  // The same, beside the test.
  coming<dispatch::receipt> start_accept(dispatch::submission one, std::size_t at_shard = 0);
  coming<std::vector<dispatch::receipt>> start_upload(std::vector<dispatch::submission> messages,
                                                      std::chrono::nanoseconds wait_max, std::size_t at_shard = 0);
  coming<std::variant<store::egress_page, dispatch::refusal>> start_read(dispatch::egress_request request,
                                                                         std::size_t at_shard = 0);
  // All records there are, without waiting; acknowledges up to `after`.
  store::egress_page read(message::egress_id const& egress, std::optional<std::uint64_t> after = {});

  // An operator's verb, begun on any shard: to its end, or beside the test.
  dispatch::verb_receipt carry_out(boost::asio::awaitable<dispatch::verb_receipt> verb);
  coming<dispatch::verb_receipt> start_verb(boost::asio::awaitable<dispatch::verb_receipt> verb);
  // Oldest first.
  std::vector<store::dead_letter_row> dead_letters();

  // A reload: from now on what the functions and egresses declare at this moment. Before the first one they are asked
  // as they are. To its end, or beside the test.
  void apply();
  coming<bool> start_apply();

  coming<dispatch::leftovers> start_drain(clock::deadline until);
  dispatch::lane_status status(std::string const& type); // of all shards together

  std::map<std::string, std::size_t> held(); // addresses, by what they wait for
  std::size_t mailboxes_count();
  std::vector<dispatch::shard_status> shards();

  // Nothing waits or is out, nothing is held in memory.
  bool is_empty() const;
  void cancel_doors() { doors_.cancel(); }
  void settle() { loop.settle(); }
  void advance(clock::steady::duration by) { loop.advance(by); }

 private:
  std::size_t stores_lost_count_ = 0;
  std::vector<boost::asio::any_io_executor> executors_;
  std::unique_ptr<dispatch::dispatcher> all_;
  task::gate doors_;
  bool drained_ = false;
};

} // namespace statefund::support
