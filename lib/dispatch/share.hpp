#pragma once

#include "message/address.hpp"

#include <cstddef>
#include <functional>

namespace statefund::dispatch {

// Limits of a function type are shares: shard i gets (limit + i) / shards, which adds up to the limit. Where that would
// be nothing for some shard, all of the type's calls run on one shard, its home. Pure.
inline bool has_home(std::size_t limit, std::size_t shards_count) noexcept {
  return limit < shards_count;
}

inline std::size_t home_of(message::function_type const& type, std::size_t shards_count) noexcept {
  return std::hash<message::function_type>{}(type) % shards_count;
}

inline std::size_t share_of(std::size_t limit, std::size_t shard, std::size_t shards_count) noexcept {
  return (limit + shard) / shards_count;
}

// What a shard may use of a type's limit.
inline std::size_t share_of_type(message::function_type const& type, std::size_t limit, std::size_t shard,
                                 std::size_t shards_count) noexcept {
  if (!has_home(limit, shards_count))
    return share_of(limit, shard, shards_count);
  return home_of(type, shards_count) == shard ? limit : 0;
}

// How many of a shard's calls each of its types has for itself, whatever the others do: half of them are divided among
// the types, and the rest is for whoever comes first. None where there are too many types for that.
inline std::size_t own_calls_of_type(std::size_t calls_max, std::size_t types_count) noexcept {
  return types_count == 0 ? 0 : calls_max / (2 * types_count);
}

} // namespace statefund::dispatch
