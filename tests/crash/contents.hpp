#pragma once

#include "message/change.hpp"
#include "store/store.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace statefund::crash {

// All that a prefix of the order amounts to, as the store shows it.
struct contents {
  using name_of_address = std::pair<message::address, std::string>;
  struct queue {
    std::map<std::uint64_t, std::pair<message::address, message::typed_value>> records; // by sequence
    std::uint64_t last_sequence = 0;                                                    // ever given
    bool operator==(queue const&) const = default;
  };

  std::map<message::address, std::map<message::entry_key, message::envelope>> mailboxes;
  std::map<message::delayed_key, std::pair<message::address, message::delayed_message>> delayed; // by whom
  std::map<message::address, message::pause> pauses;
  std::map<name_of_address, message::stored_value> states;
  std::map<name_of_address, std::pair<message::accepted_key, message::entry_key>> keys;
  std::map<message::egress_id, queue> queues;
  std::map<store::dead_letter_id, message::dead_letter> dead_letters;

  void apply(message::change const& next, std::uint64_t number);
  bool operator==(contents const&) const = default;
};
// What differs; empty: nothing.
std::string difference(contents const& found, contents const& expected);

// The changes of a run in their order.
class order {
 public:
  void add(message::change whole, std::uint64_t number) { changes_.emplace_back(std::move(whole), number); }
  std::size_t size() const noexcept { return changes_.size(); }
  std::uint64_t number(std::size_t index) const { return changes_[index].second; }
  // Of the newest of the first `count`, or of its last record; 0: of none.
  std::uint64_t last_number(std::size_t count) const;
  // How many there are up to a number that last_number() gives; absent: it is no such number.
  std::optional<std::size_t> count_through(std::uint64_t last_number) const;
  contents after(std::size_t count) const;
  void keep(std::size_t count) { changes_.resize(count); }

 private:
  std::vector<std::pair<message::change, std::uint64_t>> changes_;
};

// A change that could be the next one, of any kind.
message::change next_change(contents const& now, std::mt19937_64& chance);

// The address's states, of those that next_change() makes; errc::lost.
boost::asio::awaitable<result<std::map<contents::name_of_address, message::stored_value>>>
read_states(store::store& from, message::address self);
// Everything the store shows of what next_change() makes; errc::lost.
boost::asio::awaitable<result<contents>> read_all(store::store& from);

} // namespace statefund::crash
