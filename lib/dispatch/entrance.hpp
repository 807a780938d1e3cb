#pragma once

#include "clock/deadline.hpp"
#include "error/number.hpp"
#include "error/result.hpp"
#include "message/address.hpp"
#include "message/batch.hpp"
#include "message/typed_value.hpp"
#include "store/store.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

namespace statefund::dispatch {

// A message from outside, as a door has read it.
struct submission {
  message::address target;
  message::typed_value value;
  std::optional<std::string> idempotency_key;
  std::chrono::milliseconds delay{0}; // 0: now
  std::uint64_t reserved_bytes = 0;   // that its door holds for it until it has the receipt; they count only once
};

// Accepted, and in the order. It may be told to the outside once `ordered` is durable.
struct accepted {
  message::entry_key id;
  store::ticket ordered;
};

// Its idempotency key was accepted before, for the same bytes. Told once `ordered`, the first one's, is durable.
struct duplicate {
  message::entry_key first;
  store::ticket ordered;
};

// Never ordered, never will be.
struct refusal {
  number why;
  std::string detail; // one sentence that helps
  std::optional<std::chrono::seconds> retry_after;
};

using receipt = std::variant<accepted, duplicate, refusal>;

// One upload of many messages: which addresses have had a message rejected, for then every later one to the same
// address is rejected too, so that order holds. Made for a number of shards; each shard touches its own part.
class upload {
 public:
  class rejected_addresses {
   public:
    bool contains(message::address const& one) const { return all_.contains(one); }
    void add(message::address const& one) {
      if (all_.insert(one).second)
        bytes_ += size_bytes(one);
    }
    std::uint64_t bytes() const noexcept { return bytes_; }

   private:
    std::unordered_set<message::address> all_;
    std::uint64_t bytes_ = 0;
  };

  explicit upload(std::size_t shards_count) : rejected_(shards_count) {}
  rejected_addresses& rejected_on(std::size_t shard) { return rejected_[shard]; }
  // While no shard touches its part.
  std::uint64_t rejected_bytes() const noexcept {
    return std::accumulate(rejected_.begin(), rejected_.end(), std::uint64_t{0},
                           [](std::uint64_t sum, rejected_addresses const& part) { return sum + part.bytes(); });
  }

 private:
  std::vector<rejected_addresses> rejected_;
};

struct egress_request {
  message::egress_id egress;
  std::optional<std::uint64_t> after; // acknowledges and removes all up to here, unless `peek`
  bool peek = false;
  std::size_t records_max = 100;
  clock::deadline wait_until; // how long an empty answer is held back
};

// What the doors may ask of dispatch. Called on the thread of the shard whose entrance it is; routes to where an
// address lives and comes back there.
class entrance {
 public:
  virtual ~entrance() = default;

  // One message; a full mailbox refuses it at once. Returns when it is ordered.
  virtual boost::asio::awaitable<receipt> accept(submission one) = 0;

  // The next messages of an upload, in order; a receipt for each. A full mailbox is waited for, each message at most
  // `wait_max`. Returns when all are ordered or refused. A cancelled caller leaves the rest refused.
  virtual boost::asio::awaitable<std::vector<receipt>> accept_many(std::vector<submission> next, upload& of,
                                                                   std::chrono::nanoseconds wait_max) = 0;

  // Waits until what a receipt told may be shown. store::errc::lost: the outcome is unknown; close the connection.
  virtual boost::asio::awaitable<result<void>> durable(store::ticket ordered) = 0;

  // The type that plain text gets for this function type; absent: no module declares it.
  virtual std::optional<std::string> text_type_name(message::function_type const& type) = 0;

  virtual boost::asio::awaitable<std::variant<store::egress_page, refusal>> read_egress(egress_request request) = 0;

  // Absent: messages are accepted. Also refuses bodies before they are read.
  virtual std::optional<refusal> not_accepting() const = 0;

  // Bytes that a door is about to hold for a body; false: the daemon's memory mark is reached and nothing was reserved.
  virtual bool reserve_bytes(std::uint64_t bytes) = 0;
  virtual void release_bytes(std::uint64_t bytes) noexcept = 0;

  virtual std::size_t shards_count() const noexcept = 0;
};

} // namespace statefund::dispatch
