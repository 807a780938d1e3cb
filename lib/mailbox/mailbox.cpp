#include "mailbox/mailbox.hpp"

#include "error/ensure.hpp"
#include "error/planted.hpp"

#include <iterator>
#include <utility>

namespace statefund::mailbox {

void mailbox::push(message::invocation one, marks const& bounds) {
  if (waiting_count() == 0)
    oldest_since = clock::steady::now();
  waiting_bytes_ += message::buffered_bytes(one);
  waiting_.push_back(std::move(one));
  if (bounds.shuts(waiting_count()))
    shut_ = true;
}

message::batch mailbox::take_first(std::size_t count, marks const& levels) {
  ensure(count > 0, "a batch is taken from a mailbox in which something waits");
  message::batch taken;
  if (head_ == 0 && count == waiting_.size()) {
    taken = std::exchange(waiting_, {});
    waiting_bytes_ = 0;
  } else {
    auto const first = waiting_.begin() + static_cast<std::ptrdiff_t>(head_);
    auto const last = first + static_cast<std::ptrdiff_t>(count);
    taken.assign(std::make_move_iterator(first), std::make_move_iterator(last));
    for (auto const& one : taken)
      waiting_bytes_ -= message::buffered_bytes(one);
    head_ += count;
    // What was taken is given back once it is half of everything, so each message is moved at most once more.
    if (head_ * 2 >= waiting_.size()) {
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
  }
  taken_since_ = std::exchange(oldest_since, clock::steady::now());
  if (levels.opens(waiting_count()))
    shut_ = false;
  return taken;
}

void mailbox::put_back(message::batch batch, marks const& bounds) {
  for (auto const& one : batch)
    waiting_bytes_ += message::buffered_bytes(one);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(head_));
  head_ = 0;
  auto const place = test_only::is_planted(test_only::mistake::reordered_retry) ? waiting_.end() : waiting_.begin();
  waiting_.insert(place, std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
  oldest_since = taken_since_;
  if (bounds.shuts(waiting_count()))
    shut_ = true;
}

} // namespace statefund::mailbox
