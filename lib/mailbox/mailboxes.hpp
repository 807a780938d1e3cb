#pragma once

#include "mailbox/mailbox.hpp"

#include <cstddef>
#include <unordered_map>

namespace statefund::mailbox {

// How far a walk over all mailboxes has come; none: at the beginning.
class walk {
 private:
  friend class mailboxes;
  std::size_t bucket_ = 0;
  std::size_t buckets_count_ = 0;
};

enum class walk_end {
  more,       // there are more to be seen
  all_seen,   // that was all
  over_again, // there are so many more mailboxes than at the beginning that the walk begins again
};

// All mailboxes of one shard that hold something, have something out or are paused; an idle one costs nothing, for it
// is erased.
class mailboxes {
 public:
  mailbox& open(message::address const& self);          // made where there is none
  mailbox* find(message::address const& self) noexcept; // null: idle
  void erase(mailbox& idle);                            // requires that nothing waits and nothing is out

  std::size_t count() const noexcept { return by_address_.size(); }

  // Shows `see` some mailboxes more, about `count_max`. Others may come and go between two steps of a walk; who is
  // there from its beginning to its end is seen once. A walk begins again at most once for each doubling of their
  // number.
  template <class See>
  walk_end step(walk& at, std::size_t count_max, See const& see) const {
    if (at.bucket_ > 0 && at.buckets_count_ != by_address_.bucket_count()) {
      at = {};
      return walk_end::over_again;
    }
    at.buckets_count_ = by_address_.bucket_count();
    for (std::size_t count = 0; count < count_max && at.bucket_ < at.buckets_count_; ++count, ++at.bucket_)
      for (auto one = by_address_.begin(at.bucket_); one != by_address_.end(at.bucket_); ++one)
        see(one->second);
    return at.bucket_ < at.buckets_count_ ? walk_end::more : walk_end::all_seen;
  }
  auto begin() noexcept { return by_address_.begin(); }
  auto end() noexcept { return by_address_.end(); }

 private:
  std::unordered_map<message::address, mailbox> by_address_;
};

} // namespace statefund::mailbox
