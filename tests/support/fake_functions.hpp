#pragma once

#include "dispatch/declarations.hpp"
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
  std::size_t version = 1; // which declaration of its type was called
  clock::steady::time_point at{};
};

message::address address_of(std::string const& type, std::string const& id);
std::vector<std::string> bytes_of(message::batch const& batch);

// What a function answers that has done so.
result<message::reply> says(message::invocation_result done);

// Every function of a test, on all shards: declared by it, scripted by it, and watched. Each declaration of a type is a
// version of its own, counted from 1. What may not be is remembered as a fault: more than one call for an address at a
// time, more of a version than its limit, a batch or states that another version should have got. Outlives the
// dispatcher.
class fake_functions {
 public:
  using answer = std::function<result<message::reply>(seen_call const&)>;

  // Types are told apart by their name alone. With states they are of the 2.x protocol, and so they are without an
  // answer: they consume and do nothing. Of others the first call has to come back before there is a second.
  void declare(std::string const& name, answer says = {}, function::limits limits = {},
               std::shared_ptr<message::state_specs const> states = nullptr);
  // No module declares it.
  void forget(std::string const& name);
  bool is_declared(message::function_type const& type) const;

  function::handle make(message::function_type const& type, std::size_t shard, boost::asio::any_io_executor executor);

  // To be applied: what is declared now. It keeps the types that nothing was declared of since they were made last.
  struct reload {
    dispatch::declarations next;
    dispatch::keeps_function keeps;
  };
  reload reload_now(std::function<boost::asio::any_io_executor(std::size_t shard)> executor_of,
                    std::function<bool(message::egress_id const&)> is_declared_egress);

  // From now on calls wait, until they are released, cancelled, or out of time. One event loop only.
  void hold() { held_ = true; }
  void hold_only(message::address const& self); // of one address
  void hold_types(std::set<std::string> names);
  void release();
  void fail_next(std::size_t count, function::errc with = function::errc::endpoint_failed);

  // Seen so far.
  std::vector<seen_call> calls() const;
  std::vector<std::string> taken(message::address const& self) const; // in the order of the calls
  std::size_t calls_count() const;
  std::size_t calls_count(message::address const& self) const;
  std::size_t in_flight_count() const;
  std::size_t in_flight_max() const; // of all types together
  std::string fault() const;         // empty: none
  std::size_t made_count(std::string const& name) const;
  std::size_t closed_count(std::string const& name) const;
  void forget_calls();
  void keep_no_calls() { keeps_calls_ = false; }

 private:
  class one;
  struct version {
    std::size_t number;
    answer says;
    function::limits limits;
    std::shared_ptr<message::state_specs const> states;
    std::size_t in_flight_count = 0;
  };
  using versions = std::map<std::string, std::shared_ptr<version>>;
  struct life {
    std::size_t declared_count = 0;
    std::size_t made_count = 0;
    std::size_t closed_count = 0;
    std::shared_ptr<version> made_last;
    std::set<std::string> asked_for; // states, by versions that declare none
  };

  function::handle make(versions const& of, message::function_type const& type, std::size_t shard,
                        boost::asio::any_io_executor executor);
  bool holds(message::address const& self) const;
  void begins(version& called, seen_call call);
  result<message::reply> ends(version& called, seen_call const& call, std::optional<error> broken);
  void closed(std::string const& name);

  mutable std::mutex lock_;
  versions types_;
  std::map<std::string, life> lives_;
  std::vector<std::weak_ptr<one>> made_;
  std::vector<seen_call> calls_;
  bool keeps_calls_ = true;
  std::set<message::address> in_flight_;
  std::size_t in_flight_max_ = 0;
  std::string fault_;
  std::size_t fails_next_ = 0;
  function::errc fails_with_ = function::errc::endpoint_failed;
  std::atomic<bool> held_{false};
  std::function<bool(message::address const&)> holds_; // of those that are held; none: all
};

// Numbers on their way from a function to another one, so that what is lost, doubled or late is seen: for "0" the
// sender sends those below `count` to the sink, `sent_at_once` in a call, and calls itself to go on.
struct number_flow {
  number_flow(fake_functions& functions, std::size_t count, std::size_t sent_at_once);
  number_flow(number_flow const&) = delete;
  number_flow& operator=(number_flow const&) = delete;

  message::address const sender;
  message::address const sink;
  bool sink_stands = false; // its calls fail
  std::size_t sent = 0;
  std::size_t consumed = 0;
  bool in_order = true;
};

} // namespace statefund::support
