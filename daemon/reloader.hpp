#pragma once

#include "daemon/tls_contexts.hpp"
#include "error/result.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace statefund::daemon {

// What is read in one go.
struct loaded_modules {
  std::shared_ptr<catalog::snapshot const> snapshot;
  std::shared_ptr<tls_contexts const> tls; // of its functions
};

// Reads the modules again and puts them in force, for the directory's watch, SIGHUP and POST /-/reload alike. One at a
// time: whoever asks during a reload is answered by the next one, together with all others who ask meanwhile. Owned by
// the application, on its first executor's thread.
class reloader {
 public:
  struct steps {
    // Blocks on the disk; called on a thread of the reloader's own.
    std::function<result<loaded_modules>()> load;
    // Returns once every shard works with it.
    std::function<boost::asio::awaitable<void>(loaded_modules)> apply;
    std::function<void()> begins;
    std::function<void(result<void> const&)> ended; // an error: the directory could not be read, nothing has changed
  };

  reloader(boost::asio::any_io_executor executor, steps to_do);

  // Returns when a reload that began after this call has ended, with what it came to; absent: closed, or the caller was
  // cancelled.
  boost::asio::awaitable<std::optional<result<void>>> reload();
  // The same for those who do not wait.
  void ask();

  // A reload that runs ends, and none begins. Once.
  boost::asio::awaitable<void> close();

 private:
  boost::asio::awaitable<void> run();

  steps const to_do_;
  boost::asio::thread_pool reader_;
  task::event some_ended_;
  task::gate running_;
  std::uint64_t asked_count_ = 0;
  std::uint64_t answered_count_ = 0; // <= asked_count_; equal while none runs
  bool closed_ = false;
  result<void> last_;
};

} // namespace statefund::daemon
