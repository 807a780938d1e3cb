#pragma once

#include "admin/door.hpp"
#include "catalog/snapshot.hpp"
#include "clock/deadline.hpp"
#include "daemon/settings.hpp"
#include "dispatch/dispatcher.hpp"
#include "endpoint/resolver.hpp"
#include "error/result.hpp"
#include "ingress/door.hpp"
#include "store/memory_store.hpp"
#include "task/event.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace statefund::daemon {

// The one place where concrete types meet: modules, store, functions, dispatch and doors of one daemon, without its
// process (no threads, no signals, no exit). Made and destroyed while no loop runs; open, start and stop are for the
// first executor's thread, or for before the loops run.
class application final : private admin::sources {
 public:
  // `store_lost` ends the process.
  application(settings chosen, std::shared_ptr<catalog::snapshot const> modules,
              std::vector<boost::asio::any_io_executor> executors, std::function<void(error const&)> store_lost);
  ~application() override;

  // Opens the sockets and starts to serve. http::errc.
  result<void> open();

  // Accepts nothing more, lets go on what may, closes the doors. All of it until `until`. Returns what is lost with a
  // store that keeps nothing.
  boost::asio::awaitable<dispatch::leftovers> stop(clock::deadline until);
  // A stop under way ends at once.
  void hurry();

  dispatch::dispatcher& dispatcher() noexcept { return dispatcher_; }

 private:
  function::handle make_function(message::function_type const& type, std::size_t shard);
  std::vector<ingress::place> ingress_places();
  boost::asio::awaitable<void> close_doors(task::event& closed);

  // admin::sources
  std::optional<std::string> not_ready() override;
  boost::asio::awaitable<admin::status> status() override;
  boost::asio::awaitable<admin::metrics> metrics() override;

  // Answers that are being given when the drain is over may take so long.
  static constexpr std::chrono::seconds answers_max{2};

  settings const settings_;
  std::shared_ptr<catalog::snapshot const> modules_;
  std::vector<boost::asio::any_io_executor> executors_;
  clock::steady::time_point started_at_;
  std::shared_ptr<endpoint::resolver> names_;
  store::memory_store store_;
  dispatch::dispatcher dispatcher_;
  ingress::door ingress_;
  admin::door admin_;
};

} // namespace statefund::daemon
