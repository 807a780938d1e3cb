#pragma once

#include "function/function.hpp"
#include "message/address.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <unordered_map>

namespace statefund::function {

// Function type -> function, of one shard, on its thread. A function is made when its type is first looked up.
class table {
 public:
  // Null: no module declares the type.
  using factory = std::function<handle(message::function_type const&)>;

  explicit table(factory make) : make_(std::move(make)) {}

  handle find(message::function_type const& type);

  // Once, when no call is out any more.
  boost::asio::awaitable<void> close();

 private:
  factory make_;
  std::unordered_map<message::function_type, handle> functions_;
};

} // namespace statefund::function
