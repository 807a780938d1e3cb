#pragma once

#include "clock/clock.hpp"
#include "store/opening.hpp"

#include <cstdint>
#include <string>

namespace statefund::daemon {

// Tells the service manager and the log how far a start is that takes long. It is told of each step as often as there
// is one, and tells once a second, in the log every five. The service manager's time limit ends two minutes after what
// it was told last: a disk that hangs is its to judge. One thread at a time.
class start_teller {
 public:
  start_teller(); // before the store is opened

  void opens(store::opening_progress const& so_far);
  void loads(std::int64_t messages_count);

 private:
  bool is_due() const noexcept;
  void tell(std::string const& doing);

  clock::steady::time_point const began_;
  clock::steady::time_point told_;
  clock::steady::time_point logged_;
};

} // namespace statefund::daemon
