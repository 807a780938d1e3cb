#include "catalog/watch.hpp"

#include "catalog/errc.hpp"
#include "catalog/read_directory.hpp"
#include "error/ensure.hpp"
#include "task/errc.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace statefund::catalog {

namespace asio = boost::asio;
using clock::deadline;
using clock::steady;

namespace {

constexpr std::uint32_t file_events = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
constexpr std::uint32_t end_events = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;
constexpr std::uint32_t directory_events = file_events | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t name_events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;

std::string without_slash_at_end(std::string path) {
  while (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  return path;
}

bool concerns_modules(std::string_view name) {
  return is_module_name(name) || name == "..data";
}

// A plain file of one name: whoever made it by opening it will close it. What was linked, or made at once, is whole.
bool may_be_written(std::string const& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && about.st_nlink == 1;
}

error unavailable(std::string const& call, int error_number) {
  std::string said = call + " (" + std::generic_category().message(error_number) + ')';
  if (error_number == EMFILE)
    said += "; raise the sysctl fs.inotify.max_user_instances, or the limit on open files";
  else if (error_number == ENOSPC)
    said += "; raise the sysctl fs.inotify.max_user_watches";
  return {errc::watch_unavailable, std::move(said)};
}

} // namespace

watch::watch(asio::any_io_executor const& executor, std::string directory)
    : path_(without_slash_at_end(std::move(directory))),
      inotify_(executor) {
  std::filesystem::path const path = path_;
  parent_ = path.has_parent_path() ? path.parent_path().string() : ".";
  name_ = path.filename().string();
}

result<void> watch::open() {
  int const made = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (made < 0)
    return unavailable("inotify_init1", errno);
  boost::system::error_code failed;
  inotify_.assign(made, failed);
  if (failed) {
    ::close(made);
    return unavailable("epoll_ctl", failed.value());
  }
  directory_ = above_ = -1;
  auto looked = look();
  burst_ = {};
  return looked;
}

// The name may mean another directory by now, or none.
result<void> watch::look() {
  bool const was_there = directory_ >= 0;
  int const inotify = inotify_.native_handle();
  for (int const old : {directory_, above_})
    if (old >= 0)
      ::inotify_rm_watch(inotify, old); // fails where the system has removed it already
  // The parent comes first: a link that is exchanged in between is seen. Where it cannot be watched, a directory's end
  // is seen all the same.
  above_ = ::inotify_add_watch(inotify, parent_.c_str(), name_events | IN_ONLYDIR);
  directory_ = ::inotify_add_watch(inotify, path_.c_str(), directory_events | IN_ONLYDIR);
  if (directory_ < 0 && (errno == ENOSPC || errno == ENOMEM)) {
    auto lost = unavailable("inotify_add_watch of " + path_, errno);
    boost::system::error_code ignored; // closed it is in any case
    inotify_.close(ignored);
    return lost;
  }
  bool const is_there = directory_ >= 0;
  look_again_ = is_there ? deadline::never() : deadline::after(look_interval);
  if (was_there || is_there)
    burst_.changed(steady::now());
  return {};
}

asio::awaitable<result<void>> watch::changed() {
  ensure(inotify_.is_open(), "a watch is opened before it is waited for");
  for (;;) {
    if (cancelled_)
      co_return error{asio::error::operation_aborted, {}};
    if (look_again_.reached())
      if (auto const looked = look(); !looked)
        co_return looked.error();
    if (burst_.settles_at().reached()) {
      burst_ = {};
      co_return result<void>{};
    }
    auto const until = std::min(burst_.settles_at(), look_again_);
    auto reading = inotify_.async_read_some(asio::buffer(events_), asio::deferred);
    auto const read = co_await task::with_deadline(std::move(reading), until);
    if (read) {
      if (auto const taken = take_in(*read); !taken)
        co_return taken.error();
    } else if (read.error().code != task::errc::deadline_reached) {
      co_return read.error();
    }
  }
}

result<void> watch::take_in(std::size_t events_bytes) {
  auto const now = steady::now();
  bool must_look = false;
  for (std::size_t at = 0; at < events_bytes;) {
    auto const& event = *reinterpret_cast<inotify_event const*>(events_.data() + at);
    at += sizeof event + event.len;
    switch (meaning_of(event, event.len > 0 ? event.name : "")) {
    case meaning::nothing:
      break;
    case meaning::file_begun:
      burst_.begun(now);
      break;
    case meaning::file_changed:
      burst_.changed(now);
      break;
    case meaning::directory_changed:
      must_look = true;
      break;
    }
  }
  return must_look ? look() : result<void>{};
}

watch::meaning watch::meaning_of(inotify_event const& event, std::string_view name) const {
  if (event.mask & IN_Q_OVERFLOW)
    return meaning::directory_changed;
  if (event.wd == directory_) {
    if (event.mask & end_events)
      return meaning::directory_changed;
    if (!concerns_modules(name))
      return meaning::nothing;
    bool const is_begun = (event.mask & IN_CREATE) && may_be_written(path_ + '/' + std::string(name));
    return is_begun ? meaning::file_begun : meaning::file_changed;
  }
  if (event.wd == above_ && ((event.mask & end_events) || name == name_))
    return meaning::directory_changed;
  return meaning::nothing; // of a watch that is removed
}

void watch::cancel() {
  cancelled_ = true;
  boost::system::error_code ignored; // there is nothing that a cancellation could fail at
  inotify_.cancel(ignored);
}

} // namespace statefund::catalog
