#pragma once

#include "function/errc.hpp"
#include "function/function.hpp"
#include "task/event.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace statefund::support {

// What one call carried, and where it ran.
struct seen_call {
  message::address self;
  message::batch taken;
  message::state_values states;
  std::size_t shard = 0;
  clock::steady::time_point at{};
};

// Every function of a test, on all shards: declared by it, scripted by it, and watched. More than one call for an
// address at a time, or more than a type's limit, is remembered as a fault. Outlives the dispatcher.
class fake_functions {
 public:
  using answer = std::function<result<message::reply>(seen_call const&)>;

  // Types are told apart by their name alone; without an answer they consume and do nothing.
  void declare(std::string const& name, answer says = {}, function::limits limits = {});

  function::handle make(message::function_type const& type, std::size_t shard, boost::asio::any_io_executor executor);

  // From now on calls wait, until they are released, cancelled, or out of time. One event loop only.
  void hold() { held_ = true; }
  void release();
  void fail_next(std::size_t count, function::errc with = function::errc::endpoint_failed);

  // Seen so far.
  std::vector<seen_call> calls() const;
  std::size_t calls_count() const;
  std::size_t calls_count(message::address const& self) const;
  std::size_t in_flight_count() const;
  std::size_t in_flight_max() const; // of all types together
  std::string fault() const;         // empty: none
  void forget_calls();
  void keep_no_calls() { keeps_calls_ = false; }

 private:
  class one;
  struct declared {
    answer says;
    function::limits limits;
    std::size_t in_flight_count = 0;
  };

  void begins(seen_call call);
  result<message::reply> ends(seen_call const& call, std::optional<error> broken);

  mutable std::mutex lock_;
  std::map<std::string, declared> types_;
  std::vector<std::weak_ptr<one>> made_;
  std::vector<seen_call> calls_;
  bool keeps_calls_ = true;
  std::set<message::address> in_flight_;
  std::size_t in_flight_max_ = 0;
  std::string fault_;
  std::size_t fails_next_ = 0;
  function::errc fails_with_ = function::errc::endpoint_failed;
  std::atomic<bool> held_{false};
};

} // namespace statefund::support
