#include "dispatch/removed_rows.hpp"

#include <algorithm>

namespace statefund::dispatch {

void removed_rows::add(message::entry_key const& key, store::ticket by) {
  if (!is_written_)
    return;
  forget();
  keys_.insert(key);
  in_order_.emplace_back(key, by);
}

removed_rows::read::read(removed_rows& of) : of_(of) {
  of_.look();
  own_ = of_.reads_.insert(of_.written_count_);
}

removed_rows::read::~read() {
  of_.reads_.erase(own_);
  of_.forget();
}

void removed_rows::look() {
  while (written_count_ < forgotten_count_ + in_order_.size() &&
         is_written_(in_order_[written_count_ - forgotten_count_].second))
    ++written_count_;
}

void removed_rows::forget() {
  look();
  auto const through = reads_.empty() ? written_count_ : *reads_.begin();
  for (; forgotten_count_ < through; ++forgotten_count_) {
    keys_.erase(in_order_.front().first);
    in_order_.pop_front();
  }
}

} // namespace statefund::dispatch
