#pragma once

#include "function/function.hpp"
#include "message/address.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <unordered_map>
#include <vector>

namespace statefund::function {

// Function type -> function, of one shard, on its thread. A function is made when its type is first looked up, and made
// anew when what modules declare of it changes.
class table {
 public:
  // Null: no module declares the type.
  using factory = std::function<handle(message::function_type const&)>;

  // `functions_max`: a namespace pattern lets outsiders name any number of types.
  explicit table(factory make, std::size_t functions_max = 10'000)
      : make_(std::move(make)),
        functions_max_(functions_max) {}

  // Null: no module declares the type, or the table is full or closed.
  handle find(message::function_type const& type);
  bool is_full() const noexcept { return functions_.size() >= functions_max_; }

  // From now on `next` makes the functions. Those whose type it `keeps` stay as they are; the others are made anew, or
  // are gone. Returns what is replaced: to be closed by the caller, though calls may be out on it.
  std::vector<handle> replace(factory next, std::function<bool(message::function_type const&)> const& keeps);

  // The function is forgotten, and made anew at the next look-up. Returns it, to be closed by the caller; null: none.
  handle forget(message::function_type const& type);
  // Of the types that have a function.
  std::vector<message::function_type> types() const;

  // Once, when no call is out any more.
  boost::asio::awaitable<void> close();

 private:
  factory make_;
  std::size_t functions_max_;
  std::unordered_map<message::function_type, handle> functions_;
  bool closed_ = false;
};

} // namespace statefund::function
