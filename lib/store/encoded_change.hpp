#pragma once

#include "message/change.hpp"
#include "store/tables.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace statefund::store {

// One row that a change writes or removes.
enum class row_verb : std::uint8_t {
  put,
  put_entry,    // the key ends in an entry key
  put_sequence, // the key ends in a sequence
  remove,
  remove_entry,    // of a row that is put once and removed once; the key ends in an entry key
  remove_sequence, // likewise; the key ends in a sequence
};

struct row_step {
  table of = table::head;
  row_verb verb = row_verb::put;
  std::string_view key;
  std::string_view value;
};

// A change as steps over rows, in one piece of memory. It is made before the change is ordered, without a lock; its
// number is filled in afterwards. Pure.
class encoded_change {
 public:
  encoded_change() = default; // without steps
  encoded_change(message::change const& whole, std::uint32_t partition_count);

  // Of an acknowledgement, which removes what the egress holds up to it; at least one.
  void remove_records(std::uint32_t partition, message::egress_id const& egress,
                      std::vector<std::uint64_t> const& sequences);

  // Fills in the change's number; its i-th egress record gets the sequence `number` + 1 + i.
  void set_number(std::uint64_t number) noexcept;

  template <class See>
  void for_each(See const& see) const {
    for (std::size_t at = 0; at < steps_.size();)
      see(read_step(at));
  }
  std::uint64_t bytes() const noexcept { return steps_.size(); }

 private:
  // The step at `at`, which is moved behind it.
  row_step read_step(std::size_t& at) const noexcept;
  void add(table of, row_verb verb, std::string_view key, std::string_view value = {});

  std::string steps_;
};

} // namespace statefund::store
