#pragma once

#include "admin/door.hpp"
#include "catalog/snapshot.hpp"
#include "clock/deadline.hpp"
#include "daemon/reloader.hpp"
#include "daemon/settings.hpp"
#include "daemon/tls_contexts.hpp"
#include "dispatch/dispatcher.hpp"
#include "endpoint/resolver.hpp"
#include "error/result.hpp"
#include "ingress/door.hpp"
#include "store/store.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace statefund::daemon {

// The one place where concrete types meet: modules, store, functions, dispatch and doors of one daemon, without its
// process (no threads, no signals, no exit). Made and destroyed while no loop runs, and reads TLS files then, later on
// the reloader's thread; its own calls are for the first executor's thread.
class application final : private admin::sources {
 public:
  struct parts {
    settings chosen;
    std::shared_ptr<catalog::snapshot const> modules; // in force from the start
    std::vector<boost::asio::any_io_executor> executors;
    std::unique_ptr<statefund::store::store> store; // opened
    std::function<void(error const&)> store_lost;   // ends the process
    // The module directory's next snapshot; blocks on the disk, called on a thread of its own.
    std::function<result<std::shared_ptr<catalog::snapshot const>>()> load_modules;
    // For the service manager, around each reload.
    std::function<void()> reload_begins = [] {};
    std::function<void(result<void> const&, catalog::snapshot const& in_force)> reload_ended =
        [](result<void> const&, catalog::snapshot const&) {};
    // Likewise, every second while a start loads what waits.
    std::function<void(std::int64_t messages_count)> loads = [](std::int64_t) {};
  };

  explicit application(parts given);
  ~application() override;

  // Loads what the store has kept, opens the sockets and starts to serve. http::errc; a lost store ends the process.
  boost::asio::awaitable<result<void>> open();

  // Accepts nothing more, lets go on what may, closes the doors. All of it until `until`; what was ordered is durable
  // then. Returns what is left, which is lost with a store that keeps nothing.
  boost::asio::awaitable<dispatch::leftovers> stop(clock::deadline until);
  // A stop under way ends at once.
  void hurry();

  // Somebody who does not wait wants the modules read again.
  void reload_modules() { reloader_.ask(); }

  // Few wait for the disk: what an event loop does next is most likely to answer them. Any thread.
  bool is_about_to_answer() const noexcept;

  dispatch::dispatcher& dispatcher() noexcept { return dispatcher_; }
  tls_contexts const& tls() const noexcept { return *tls_; }

 private:
  dispatch::declarations declarations_of(loaded_modules const& of) const;
  reloader::steps reload_steps(parts&& given);
  boost::asio::awaitable<void> apply(loaded_modules next);
  std::vector<ingress::place> ingress_places();
  boost::asio::awaitable<void> tell_loading();
  boost::asio::awaitable<void> close_doors(task::event& closed);
  static boost::asio::awaitable<void> watch_wall_clock(boost::asio::any_io_executor executor);

  // admin::sources
  std::optional<dispatch::refusal> not_ready() override;
  boost::asio::awaitable<admin::status> status() override;
  boost::asio::awaitable<admin::metrics> metrics() override;
  boost::asio::awaitable<std::optional<admin::reload_report>> reload() override;
  boost::asio::awaitable<result<store::backup_report>> back_up(std::string directory) override;

  // Answers that are being given when the drain is over may take so long.
  static constexpr std::chrono::seconds answers_max{2};

  settings const settings_;
  std::shared_ptr<catalog::snapshot const> modules_; // in force on every shard
  std::shared_ptr<tls_contexts const> tls_;          // likewise
  bool directory_was_unread_ = false;                // by the last reload
  std::map<std::string, std::uint64_t> reloads_by_result_;
  std::vector<boost::asio::any_io_executor> executors_;
  clock::steady::time_point started_at_;
  std::function<void(std::int64_t)> const loads_;
  std::shared_ptr<endpoint::resolver> names_;
  std::unique_ptr<store::store> const store_;
  dispatch::dispatcher dispatcher_;
  reloader reloader_;
  ingress::door ingress_;
  admin::door admin_;
  task::gate watching_;
};

} // namespace statefund::daemon
