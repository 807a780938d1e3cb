#include "mailbox/mailbox.hpp"

#include "error/ensure.hpp"
#include "error/planted.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace statefund::mailbox {

namespace {

std::uint64_t bytes_of(message::batch const& all) {
  std::uint64_t bytes = 0;
  for (auto const& one : all)
    bytes += message::buffered_bytes(one);
  return bytes;
}

} // namespace

std::optional<message::entry_key> mailbox::newest_key() const noexcept {
  if (waiting_count() == 0)
    return std::nullopt;
  if (gap_)
    return behind_.empty() ? gap_->through : behind_.back().key;
  return waiting_.back().key;
}

mailbox::extent mailbox::head_within(std::size_t count_max, std::uint64_t bytes_max) const noexcept {
  if (head_count() <= count_max && head_bytes_ <= bytes_max)
    return {head_count(), head_bytes_};
  extent head;
  for (; head.count < std::min(count_max, head_count()) && head.bytes < bytes_max; ++head.count)
    head.bytes += message::buffered_bytes(waiting_[first_ + head.count]);
  return head;
}

void mailbox::push(message::invocation one, marks const& bounds) {
  if (test_only::is_planted(test_only::mistake::refill_by_cursor) && one.key <= (gap_ ? gap_->after : taken_through_))
    return;
  if (waiting_count() == 0)
    oldest_since = clock::steady::now();
  auto const bytes = message::buffered_bytes(one);
  if (gap_) {
    ensure(one.key > gap_->through, "what was ordered before something on disk has come before that left memory");
    behind_bytes_ += bytes;
    behind_.push_back(std::move(one));
  } else {
    head_bytes_ += bytes;
    waiting_.push_back(std::move(one));
  }
  if (bounds.shuts(waiting_count()))
    shut_ = true;
}

void mailbox::push_on_disk(message::entry_key const& key, std::uint64_t bytes, marks const& bounds) {
  ensure(behind_.empty() && key > newest_key().value_or(message::entry_key{}),
         "a start finds the messages of an address in the order of their keys");
  if (waiting_count() == 0)
    oldest_since = clock::steady::now();
  if (!gap_)
    gap_ = gap{newest_key().value_or(taken_through_), {}, 0, 0};
  gap_->through = key;
  ++gap_->count;
  gap_->bytes += bytes;
  if (bounds.shuts(waiting_count()))
    shut_ = true;
}

message::batch mailbox::take_first(std::size_t count, marks const& levels) {
  ensure(count > 0, "a batch is taken from a mailbox whose head is in memory");
  message::batch taken;
  if (first_ == 0 && count == waiting_.size()) {
    taken = std::exchange(waiting_, {});
    head_bytes_ = 0;
  } else {
    auto const first = waiting_.begin() + static_cast<std::ptrdiff_t>(first_);
    auto const last = first + static_cast<std::ptrdiff_t>(count);
    taken.assign(std::make_move_iterator(first), std::make_move_iterator(last));
    head_bytes_ -= bytes_of(taken);
    first_ += count;
    // What was taken is given back once it is half of everything, so each message is moved at most once more.
    if (first_ * 2 >= waiting_.size()) {
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
  }
  for (auto const& one : taken)
    taken_through_ = std::max(taken_through_, one.key); // messages of different senders come in any order
  taken_since_ = std::exchange(oldest_since, clock::steady::now());
  if (levels.opens(waiting_count()))
    shut_ = false;
  return taken;
}

void mailbox::put_back(message::batch batch, marks const& bounds) {
  head_bytes_ += bytes_of(batch);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
  auto const place = test_only::is_planted(test_only::mistake::reordered_retry) ? waiting_.end() : waiting_.begin();
  waiting_.insert(place, std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
  oldest_since = taken_since_;
  if (bounds.shuts(waiting_count()))
    shut_ = true;
}

std::uint64_t mailbox::let_go(std::size_t keep_count, std::uint64_t through_number) {
  ensure(!is_read, "what is being read back stays where it is");
  auto after = taken_through_;
  for (std::size_t i = 0; i < std::min(keep_count, head_count()); ++i)
    after = std::max(after, waiting_[first_ + i].key);
  auto const leaves = [&](message::invocation const& one) {
    return one.key > after && one.key.number <= through_number;
  };
  if (std::none_of(waiting_.begin() + static_cast<std::ptrdiff_t>(first_), waiting_.end(), leaves) &&
      std::none_of(behind_.begin(), behind_.end(), leaves))
    return 0;

  auto const bytes_before = memory_bytes();
  if (!gap_)
    gap_.emplace();
  gap_->after = after;
  message::batch head;
  message::batch behind;
  auto const part = [&](message::invocation& one) {
    if (leaves(one)) {
      ++gap_->count;
      gap_->bytes += message::buffered_bytes(one);
      gap_->through = std::max(gap_->through, one.key);
    } else {
      (one.key > after ? behind : head).push_back(std::move(one));
    }
  };
  std::for_each(waiting_.begin() + static_cast<std::ptrdiff_t>(first_), waiting_.end(), part);
  std::for_each(behind_.begin(), behind_.end(), part);
  waiting_ = std::move(head);
  first_ = 0;
  head_bytes_ = bytes_of(waiting_);
  behind_ = std::move(behind);
  behind_bytes_ = bytes_of(behind_);
  return bytes_before - memory_bytes();
}

bool mailbox::refill(message::batch rows) {
  ensure(gap_.has_value(), "rows are read of what is on disk alone");
  auto const bytes = bytes_of(rows);
  if (rows.empty() || rows.size() > gap_->count || bytes > gap_->bytes)
    return false;
  bool const is_all = rows.back().key == gap_->through;
  if (is_all != (rows.size() == gap_->count) || is_all != (bytes == gap_->bytes))
    return false;
  gap_->after = rows.back().key;
  gap_->count -= rows.size();
  gap_->bytes -= bytes;
  head_bytes_ += bytes;
  waiting_.insert(waiting_.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  if (is_all)
    close_gap();
  return true;
}

void mailbox::close_gap() {
  gap_.reset();
  head_bytes_ += std::exchange(behind_bytes_, 0);
  waiting_.insert(waiting_.end(), std::make_move_iterator(behind_.begin()), std::make_move_iterator(behind_.end()));
  behind_ = {};
}

} // namespace statefund::mailbox
