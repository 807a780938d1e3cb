#pragma once

#include "message/address.hpp"
#include "message/batch.hpp"
#include "message/change.hpp"
#include "turn/conclude.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace statefund::dispatch {

// The pending delayed messages of one shard's addresses, on its thread: by due time, and by the address that set them
// with its cancellation tokens. Setting, cancelling and firing cost no search.
class delayed_table {
 public:
  struct entry {
    message::entry_key key;
    message::address owner;
    message::delayed_message set;
  };

  // False: an entry with this key is there already, and nothing happens.
  bool add(entry one);
  // Nothing happens if it has fired already.
  void remove(message::address const& owner, message::entry_key const& key);

  // Null: the address has none.
  turn::pending_delayed const* of(message::address const& owner) const;

  std::optional<std::int64_t> earliest_due_ms() const;
  // The earliest, in order of due time and then of setting. It stays until it is removed. Requires one.
  entry const& front() const { return by_due_.begin()->second; }
  std::size_t count() const noexcept { return by_due_.size(); }

 private:
  using due_order = std::map<std::pair<std::int64_t, message::entry_key>, entry>;

  due_order by_due_;
  std::map<message::entry_key, due_order::iterator> by_key_;
  std::unordered_map<message::address, turn::pending_delayed> by_owner_;
};

} // namespace statefund::dispatch
