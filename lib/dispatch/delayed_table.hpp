#pragma once

#include "dispatch/removed_rows.hpp"
#include "dispatch/totals.hpp"
#include "message/address.hpp"
#include "message/batch.hpp"
#include "message/change.hpp"
#include "store/ticket.hpp"
#include "turn/conclude.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace statefund::dispatch {

// The pending delayed messages of one shard's addresses, on its thread: by due time, by the address that set them with
// its cancellation tokens, and, of those that are due and set aside, by target. Cancelling and firing one
// take the same time however many there are. Counts what comes and goes in the totals.
//
// Where the store can be asked for them, this is a window: all that are due up to its edge are here; those beyond it
// only until the store has written them, and then they are far. So moving the edge and reading what lies between loses
// nothing: what is not here is written. What is here in too many bytes takes the edge back.
class delayed_table {
 public:
  struct entry {
    message::entry_key key;
    message::address owner;
    message::delayed_message set;

    message::delayed_key row() const { return {set.due_ms, key}; }
  };

  // Without `asks` the store keeps none, and all are here, whatever they weigh. Else `bytes_max` may be exceeded by one
  // message, and, apart from these, by one of those that are set aside.
  explicit delayed_table(totals& counts, removed_rows::is_written asks = {}, std::uint64_t bytes_max = UINT64_MAX);

  // What an entry takes in memory, as the memory mark counts it.
  static std::uint64_t bytes_of(message::address const& owner, message::delayed_message const& set) noexcept;

  // It was just set.
  void add(entry one);
  // It has fired or was cancelled, by this change. Requires that it is pending, here or far.
  void remove(message::entry_key const& key, store::ticket by);
  bool contains(message::entry_key const& key) const { return by_key_.contains(key); }
  std::uint64_t bytes_of(message::entry_key const& key) const; // 0: not here

  // Null: the address has none here.
  turn::pending_delayed const* of(message::address const& owner) const;

  // Shows `see` at most `count_max` entries more of those up to the edge that are not set aside, in order, from behind
  // `after` on, which it moves. False: that was all.
  template <class See>
  bool step(std::optional<message::delayed_key>& after, std::size_t count_max, See const& see) const {
    auto next = after ? by_due_.upper_bound(*after) : by_due_.begin();
    for (; count_max > 0 && next != by_due_.end(); --count_max, ++next) {
      see(next->second->one);
      after = next->first;
    }
    return next != by_due_.end();
  }
  // Those beyond the edge that are here still.
  template <class See>
  void for_each_beyond(See const& see) const {
    for (auto const& key : beyond_)
      see(by_key_.at(key).one);
  }

  template <class See>
  void for_each_set_aside(See const& see) const {
    for (auto const& [target, own] : set_aside_)
      for (auto const& [row, which] : own)
        see(which->one);
  }

  // Of those that are not set aside. Absent: none, or an earlier one may be far.
  std::optional<std::int64_t> earliest_due_ms() const;
  // What is due before is set aside, or gone.
  std::int64_t none_due_before_ms() const noexcept;
  // The earliest of them, in order of due time and then of setting. It stays until it is removed. Requires one.
  entry const& front() const { return by_due_.begin()->second->one; }

  // The earliest is due, and the shard of its target asks for it.
  void set_aside_front();
  bool set_aside_is_full() const noexcept { return !set_aside_.empty() && set_aside_bytes_ >= bytes_max_; }
  // The earliest of those that wait for this mailbox; null: none.
  entry const* first_for(message::address const& target) const;
  // Of one of the targets the earliest. Requires that something is set aside.
  entry const& first_set_aside() const { return set_aside_.begin()->second.begin()->second->one; }

  std::size_t count() const noexcept { return by_key_.size(); }

  // The store has none that it could be asked for.
  bool holds_all() const noexcept { return !is_written_; }

  // The window. What is due before `due_ms` may be far, and there is room for half of what may be here.
  bool wants_more(std::int64_t due_ms) const noexcept;
  // From now on what is due before `due_ms` stays. Then all that the store has from loaded_through() up to the edge,
  // which may come back meanwhile, has to be loaded.
  void move_edge(std::int64_t due_ms);
  message::delayed_key const& edge() const noexcept { return edge_; }
  // Found in the store, by a read for which a removed_rows::read was made. Changes nothing where it is here already,
  // beyond the edge, or gone.
  void load(entry one);
  void all_loaded() noexcept { loaded_through_ = edge_; }
  message::delayed_key const& loaded_through() const noexcept { return loaded_through_; }

  // By which change the newest of those beyond the edge was set; absent: none is here.
  std::optional<store::ticket> newest_beyond() const;
  // Of those beyond the edge that are written.
  void let_go();

  removed_rows& removed() noexcept { return removed_; }

 private:
  struct node;
  using due_order = std::map<message::delayed_key, node*>;
  struct node {
    entry one;
    due_order* in; // null: beyond the edge
    due_order::iterator place;
    std::list<message::delayed_key>::iterator of_token; // where it has one
  };
  struct key_hash {
    std::size_t operator()(message::entry_key const& key) const noexcept {
      return std::hash<std::uint64_t>{}(key.number * 31 + key.index);
    }
  };

  void insert(entry one);
  void erase(std::unordered_map<message::entry_key, node, key_hash>::iterator which);
  void place(node& own);
  void leave_due_order(node& own);
  void keep_bound();

  totals& totals_;
  removed_rows::is_written const is_written_;
  std::uint64_t const bytes_max_;
  removed_rows removed_;
  message::delayed_key edge_;
  message::delayed_key loaded_through_; // up to here all are here; at most the edge
  std::uint64_t bytes_ = 0;             // of by_due_
  std::uint64_t set_aside_bytes_ = 0;
  std::unordered_map<message::entry_key, node, key_hash> by_key_;
  due_order by_due_;                                          // up to the edge
  std::set<message::entry_key> beyond_;                       // in the order in which they are written
  std::unordered_map<message::address, due_order> set_aside_; // by target; none of them empty
  std::unordered_map<message::address, turn::pending_delayed> by_owner_;
};

} // namespace statefund::dispatch
