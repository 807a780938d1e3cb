#pragma once

#include "dispatch/shard_data.hpp"
#include "task/gate.hpp"

#include <boost/asio/awaitable.hpp>

namespace statefund::dispatch {

// Has in memory what of a shard's delayed messages is due soon, where the store keeps all of them: moves the edge of
// the table's window on, well before what lies beyond it is due, and loads what it then takes in; and lets what is due
// later go once it is written. One shard, on its thread.
class delayed_window {
 public:
  explicit delayed_window(shard_data& data) : data_(data), loops_(data.executor) {}

  void start();
  boost::asio::awaitable<void> close();

 private:
  boost::asio::awaitable<void> load_ahead();
  boost::asio::awaitable<bool> load(std::int64_t due_ms); // false: the store is lost, or this is closed
  boost::asio::awaitable<void> let_go_when_written();

  shard_data& data_;
  task::gate loops_;
};

} // namespace statefund::dispatch
