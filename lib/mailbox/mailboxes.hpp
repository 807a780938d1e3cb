#pragma once

#include "mailbox/mailbox.hpp"

#include <cstddef>
#include <unordered_map>

namespace statefund::mailbox {

// All mailboxes of one shard that hold something, have something out or are paused; an idle one costs nothing, for it
// is erased.
class mailboxes {
 public:
  mailbox& open(message::address const& self);          // made where there is none
  mailbox* find(message::address const& self) noexcept; // null: idle
  void erase(mailbox& idle);                            // requires that nothing waits and nothing is out

  std::size_t count() const noexcept { return by_address_.size(); }
  auto begin() noexcept { return by_address_.begin(); }
  auto end() noexcept { return by_address_.end(); }

 private:
  std::unordered_map<message::address, mailbox> by_address_;
};

} // namespace statefund::mailbox
