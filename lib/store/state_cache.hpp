#pragma once

#include "message/address.hpp"
#include "message/change.hpp"
#include "message/typed_value.hpp"

#include <atomic>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace statefund::store {

// How much all caches of the process may hold together.
struct cache_budget {
  std::uint64_t bytes_max = 64U << 20U;
  std::atomic<std::uint64_t> bytes = 0;
};

// Values of one partition's states, those used last, and all that cannot be read back yet: they stay whatever the
// budget says. That a state has no value is a value. On the thread of the partition's shard.
class state_cache {
 public:
  explicit state_cache(cache_budget& shared) : budget_(shared) {}
  ~state_cache();
  state_cache(state_cache const&) = delete;
  state_cache& operator=(state_cache const&) = delete;

  // Null: not known here.
  std::optional<message::stored_value> const* find(message::address const& self, std::string const& name);

  // A change has ordered these, with its number.
  void changed(message::address const& self, std::vector<message::state_change> const& states, std::uint64_t number);

  // What a read has found. What is known already is at least as new; returns what is known now.
  std::optional<message::stored_value> const& was_read(message::address const& self, std::string const& name,
                                                       std::optional<message::stored_value> value);

  // Lets go of addresses that were not used for longest, as long as there is too much; of those alone whose values can
  // be read back.
  void evict(std::uint64_t written_through);

 private:
  struct slot {
    std::string name;
    std::optional<message::stored_value> value;
  };
  struct entry;
  using by_use = std::list<std::pair<message::address const, entry>*>; // the one used last in front
  struct entry {
    std::vector<slot> slots;
    std::uint64_t last_change = 0;
    std::uint64_t bytes = 0;
    by_use::iterator place;
  };

  entry& open(message::address const& self);
  void measure(entry& own);

  cache_budget& budget_;
  std::unordered_map<message::address, entry> by_address_;
  by_use by_use_;
};

} // namespace statefund::store
