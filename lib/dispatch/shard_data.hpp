#pragma once

#include "dispatch/declarations.hpp"
#include "dispatch/delayed_table.hpp"
#include "dispatch/delivery.hpp"
#include "dispatch/door_queue.hpp"
#include "dispatch/lanes.hpp"
#include "dispatch/options.hpp"
#include "dispatch/share.hpp"
#include "dispatch/totals.hpp"
#include "dispatch/watermarks.hpp"
#include "function/table.hpp"
#include "mailbox/mailboxes.hpp"
#include "store/store.hpp"
#include "task/event.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace statefund::dispatch {

// Where the four ways of one shard meet: all memory of its partitions, on its thread. Owned by the shard.
struct shard_data {
  // What a shard has to be told by whoever knows the others.
  struct links {
    lanes::links of_lanes;
    delivery::links deliveries;
    std::function<void(error const&)> store_lost;
  };

  shard_data(delivery::place const& own, boost::asio::any_io_executor on, options const& chosen_options, totals& counts,
             watermarks& marks, statefund::store::store& truth, std::shared_ptr<declarations const> what,
             links const& others)
      : place(own),
        executor(std::move(on)),
        chosen(chosen_options),
        process(counts),
        store(truth),
        declared(std::move(what)),
        functions(makes(declared), chosen.function_types_max),
        delayed(process, reads_delayed(),
                share_of(std::min(chosen.delayed_window_bytes_max, chosen.memory.bytes_max / 8), own.shard,
                         own.shards_count)),
        types({own.shard, own.shards_count, (chosen.calls_in_flight_max + own.shard) / own.shards_count,
               chosen.random_seed + static_cast<unsigned>(own.shard)},
              functions, others.of_lanes),
        doors(executor),
        overdue_doors(executor),
        sync(truth, chosen.sync),
        delivered(own, executor, mailboxes, types, delayed, marks, process, chosen.memory, unbound_bytes_max(),
                  others.deliveries),
        refilled(executor),
        store_lost(others.store_lost) {}

  // This shard's share.
  std::uint64_t unbound_bytes_max() const noexcept {
    return share_of(chosen.unbound_bytes_max, place.shard, place.shards_count);
  }

  // Absent: the store has no delayed messages to read.
  removed_rows::is_written reads_delayed() const {
    if (!store.keeps_over_restart())
      return {};
    return [this](statefund::store::ticket ordered) { return store.is_written(ordered); };
  }

  function::table::factory makes(std::shared_ptr<declarations const> const& what) const {
    return [what, shard = place.shard](message::function_type const& type) { return what->make(type, shard); };
  }

  delivery::place const place;
  boost::asio::any_io_executor const executor;
  options const& chosen;
  totals& process;
  statefund::store::store& store;
  std::shared_ptr<declarations const> declared; // in force on this shard
  function::table functions;
  mailbox::mailboxes mailboxes;
  delayed_table delayed;
  lanes types;
  door_queue doors;         // for the outside
  door_queue overdue_doors; // for delayed messages; apart, for at the others one may wait for more than the mailbox
  sync_watch sync;
  delivery delivered;
  task::event refilled;                         // a read of messages that were on disk alone has ended
  std::function<void(error const&)> store_lost; // does not return to normal work: the process ends
};

} // namespace statefund::dispatch
