#pragma once

#include "message/address.hpp"
#include "message/batch.hpp"
#include "message/change.hpp"
#include "turn/conclude.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace statefund::dispatch {

// The pending delayed messages of one shard's addresses, on its thread: by due time, by the address that set them with
// its cancellation tokens, and, of those that are due and cannot be taken yet, by target. Cancelling and firing one
// take the same time however many there are.
class delayed_table {
 public:
  struct entry {
    message::entry_key key;
    message::address owner;
    message::delayed_message set;
  };

  // What an entry takes in memory, as the memory mark counts it.
  static std::uint64_t bytes_of(message::address const& owner, message::delayed_message const& set) noexcept;

  // False: an entry with this key is there already, and nothing happens.
  bool add(entry one);
  // Its bytes; 0 and nothing happens if it has fired already.
  std::uint64_t remove(message::entry_key const& key);
  std::uint64_t bytes_of(message::entry_key const& key) const; // 0: not there

  // Null: the address has none.
  turn::pending_delayed const* of(message::address const& owner) const;

  // Shows `see` at most `count_max` entries more of those that are not set aside, in order, from behind `after` on,
  // which it moves. False: that was all.
  using position = std::pair<std::int64_t, message::entry_key>;
  template <class See>
  bool step(std::optional<position>& after, std::size_t count_max, See const& see) const {
    auto next = after ? by_due_.upper_bound(*after) : by_due_.begin();
    for (; count_max > 0 && next != by_due_.end(); --count_max, ++next) {
      see(next->second->one);
      after = next->first;
    }
    return next != by_due_.end();
  }

  // Of those that are not set aside.
  std::optional<std::int64_t> earliest_due_ms() const;
  // The earliest of them, in order of due time and then of setting. It stays until it is removed. Requires one.
  entry const& front() const { return by_due_.begin()->second->one; }

  // The earliest is due and waits for its target's mailbox.
  void set_aside_front();
  bool has_set_aside(message::address const& target) const { return set_aside_.contains(target); }
  // The earliest of those that wait for this mailbox; null: none.
  entry const* first_for(message::address const& target) const;

  std::size_t count() const noexcept { return by_key_.size(); }

 private:
  struct node;
  using due_order = std::map<position, node*>;
  struct node {
    entry one;
    due_order* in;
    due_order::iterator place;
    std::list<message::delayed_key>::iterator of_token; // where it has one
  };
  struct key_hash {
    std::size_t operator()(message::entry_key const& key) const noexcept {
      return std::hash<std::uint64_t>{}(key.number * 31 + key.index);
    }
  };

  std::unordered_map<message::entry_key, node, key_hash> by_key_;
  due_order by_due_;
  std::unordered_map<message::address, due_order> set_aside_; // by target; none of them empty
  std::unordered_map<message::address, turn::pending_delayed> by_owner_;
};

} // namespace statefund::dispatch
