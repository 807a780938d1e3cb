#pragma once

#include "catalog/settling.hpp"
#include "clock/deadline.hpp"
#include "error/result.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/inotify.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace statefund::catalog {

// Tells when the module directory has changed and settled: a module file written, moved, made or removed, or the link
// `..data` by which Kubernetes exchanges a mount's files. Used on the executor's thread; it starts nothing by itself
// and reads no file.
//
// Where the directory is a link, what it leads to is watched, and another link in its place is a change. A directory
// that is gone is one change; it is looked for every `look_interval`, and its coming back is another.
// Not seen: what happens behind a link to a file, or further up in the path; a change of permissions alone.
class watch {
 public:
  static constexpr std::chrono::seconds look_interval{1};

  watch(boost::asio::any_io_executor const& executor, std::string directory);
  watch(watch const&) = delete;
  watch& operator=(watch const&) = delete;

  // What happens from now on is seen, so this comes before the first load. A directory that is not there is looked for.
  // errc::watch_unavailable: the system gives no watch, and the detail says what to raise. It can be done without, and
  // be tried again.
  result<void> open();

  // Returns at the next change that has settled. One wait at a time, and again after each; what happens while nobody
  // waits is kept for the next wait. Requires that it is open. asio::error::operation_aborted: cancelled, by cancel()
  // or by the coroutine's cancellation. errc::watch_unavailable: the watch was lost, and is no longer open; the
  // directory may have changed.
  boost::asio::awaitable<result<void>> changed();

  // The wait under way and all later ones end at once.
  void cancel();

 private:
  enum class meaning {
    nothing,           // it concerns no module
    file_begun,        // a file has come that may still be written
    file_changed,      // a file, or what links lead to
    directory_changed, // it is gone, or another one, or events were lost
  };

  result<void> look();
  result<void> take_in(std::size_t events_bytes);
  meaning meaning_of(inotify_event const& event, std::string_view name) const;

  std::string path_;
  std::string parent_;
  std::string name_; // of the directory or the link, in parent_
  boost::asio::posix::stream_descriptor inotify_;
  int directory_ = -1; // the watch's number; -1: there is no directory
  int above_ = -1;     // the parent's; -1: it is not watched
  clock::deadline look_again_ = clock::deadline::never();
  settling burst_;
  bool cancelled_ = false;
  alignas(inotify_event) std::array<char, 16'384> events_{};
};

} // namespace statefund::catalog
