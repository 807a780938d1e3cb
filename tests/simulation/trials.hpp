#pragma once

#include "message/batch.hpp"
#include "message/failure_policy.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace statefund::simulation {

// Batches whose calls fail, as docs/operations.md tells of them and without any of the daemon's code: what the next
// call may carry, and which message may be given up. Of one process: a crash forgets all of it.
class trials {
 public:
  explicit trials(std::size_t addresses_count) : tried_(addresses_count) {}

  // As a module declares it. Each time that it declares something else it is another function.
  struct policy {
    std::uint64_t function = 0;
    unsigned attempts_max = 0; // 0: for ever
    message::on_failure then = message::on_failure::pause;
  };
  enum class ending {
    unknown,   // not reached, or cancelled: it says nothing
    good,      // an answer that asks for what can be done
    uncounted, // it was slow, or somebody before the function asked for patience
    counted,   // answered, though not well
    refused,   // for good
  };
  enum class room { enough, none }; // for dead letters

  // A call goes out, and ends. Not empty: it must not carry these messages.
  std::string call_begins(std::uint32_t address, policy const& of, message::batch const& taken);
  void call_ends(std::uint32_t address, ending how);

  // What came of it, in the order of the changes.
  void took_effect(std::uint32_t address, std::vector<message::entry_key> const& consumed);
  void left(std::uint32_t address, message::entry_key const& key); // skipped, or set aside
  void resumed(std::uint32_t address);

  // Why the message may not be paused, set aside or skipped for its failures; empty: it may.
  std::string judge(std::uint32_t address, message::entry_key const& key, message::on_failure goes, room letters) const;
  // The only message of the last call, which failed; null: there is none.
  message::entry_key const* alone(std::uint32_t address) const;

  // Whether some of a batch that failed has gone and the rest has not.
  bool is_any_in_parts() const;

 private:
  struct tried {
    policy of;
    std::vector<message::entry_key> carried; // by the last call
    ending last = ending::unknown;
    std::map<message::entry_key, unsigned> batch; // since its first failure: calls with each message that count
    std::uint64_t failing_since = 0;
    bool in_parts = false;
  };

  static void leaves(tried& own, message::entry_key const& key);

  std::vector<tried> tried_;
  std::map<std::uint64_t, std::uint64_t> last_success_; // by function
  std::uint64_t moment_ = 0;
};

} // namespace statefund::simulation
