#include "endpoint/resolver.hpp"

#include "error/ensure.hpp"
#include "task/errc.hpp"
#include "task/event.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <netdb.h>
#include <netinet/in.h>
#include <optional>
#include <system_error>
#include <thread>
#include <unordered_map>

namespace statefund::endpoint {

namespace asio = boost::asio;

namespace {

// getaddrinfo without a file descriptor says that there is no such name, and leaves why in errno.
error lookup_error(int code) {
  if (code == EAI_SYSTEM || errno == EMFILE || errno == ENFILE)
    return {boost::system::error_code(errno, boost::system::system_category()), {}};
  // gai_strerror knows all of them; asio's categories only some.
  return {code == EAI_NONAME ? boost::system::error_code(asio::error::host_not_found)
                             : boost::system::error_code(asio::error::host_not_found_try_again),
          ::gai_strerror(code)};
}

result<addresses> ask_system(std::string const& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  errno = 0;
  if (int const code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); code != 0)
    return lookup_error(code);
  addresses list;
  for (auto const* each = found; each != nullptr; each = each->ai_next) {
    if (each->ai_family == AF_INET) {
      auto const* v4 = reinterpret_cast<sockaddr_in const*>(each->ai_addr);
      list.emplace_back(asio::ip::address_v4(ntohl(v4->sin_addr.s_addr)));
    } else if (each->ai_family == AF_INET6) {
      auto const* v6 = reinterpret_cast<sockaddr_in6 const*>(each->ai_addr);
      asio::ip::address_v6::bytes_type bytes;
      std::copy(std::begin(v6->sin6_addr.s6_addr), std::end(v6->sin6_addr.s6_addr), bytes.begin());
      list.emplace_back(asio::ip::address_v6(bytes, v6->sin6_scope_id));
    }
  }
  ::freeaddrinfo(found);
  if (list.empty())
    return lookup_error(EAI_NONAME);
  return list;
}

// Somebody who waits; `answer` and `answered` are touched on its executor's thread alone.
struct waiter {
  explicit waiter(asio::any_io_executor on) : executor(std::move(on)), answered(executor) {}
  asio::any_io_executor executor;
  task::event answered;
  std::optional<result<addresses>> answer;
};

struct record {
  bool asking = false;
  std::list<std::shared_ptr<waiter>> waiters;
  addresses known; // empty: nothing
  clock::deadline known_until = clock::deadline::never();
};

// Made with the mutex held. A waiting coroutine, however it ends, leaves nothing behind: its executor may be gone soon
// after.
struct resolver_wait {
  resolver_wait(std::mutex& guards, record& of, std::shared_ptr<waiter> who)
      : mutex(guards),
        owner(of),
        at(of.waiters.insert(of.waiters.end(), std::move(who))) {}
  resolver_wait(resolver_wait const&) = delete;
  resolver_wait& operator=(resolver_wait const&) = delete;
  ~resolver_wait() {
    std::lock_guard const lock(mutex);
    owner.waiters.erase(at);
  }
  std::mutex& mutex;
  record& owner;
  std::list<std::shared_ptr<waiter>>::iterator at;
};

} // namespace

struct resolver::shared {
  explicit shared(lookup how) : ask(std::move(how)) {}

  lookup const ask;
  std::mutex mutex; // guards everything below
  std::condition_variable work;
  std::unordered_map<std::string, record> records;
  std::deque<std::string> queue;
  std::size_t threads = 0;
  std::size_t idle_threads = 0;
  bool stopping = false;

  static void work_on(std::shared_ptr<shared> self);
  static bool start_thread(std::shared_ptr<shared> const& self); // false: there is none at all
  void answer(std::string const& host, result<addresses> const& got);
  void forget_old();
};

void resolver::shared::work_on(std::shared_ptr<shared> self) {
  std::unique_lock lock(self->mutex);
  for (;;) {
    ++self->idle_threads;
    self->work.wait(lock, [&] { return self->stopping || !self->queue.empty(); });
    --self->idle_threads;
    if (self->stopping)
      return;
    std::string const host = std::move(self->queue.front());
    self->queue.pop_front();
    lock.unlock();
    auto const got = self->ask(host);
    lock.lock();
    if (self->stopping)
      return;
    self->answer(host, got);
  }
}

bool resolver::shared::start_thread(std::shared_ptr<shared> const& self) {
  if (self->threads == threads_max)
    return true;
  try {
    std::thread(work_on, self).detach();
    ++self->threads;
  } catch (std::system_error const&) {
    return self->threads > 0;
  }
  return true;
}

void resolver::shared::answer(std::string const& host, result<addresses> const& got) {
  auto& asked = records[host];
  asked.asking = false;
  if (got.has_value()) {
    asked.known = *got;
    asked.known_until = clock::deadline::after(cache_time);
  }
  for (auto const& each : asked.waiters) {
    auto const hand_over = [each, got] {
      each->answer = got;
      each->answered.notify_all();
    };
    asio::post(each->executor, hand_over);
  }
  forget_old();
}

void resolver::shared::forget_old() {
  if (records.size() <= cache_names_max)
    return;
  std::erase_if(records, [](auto const& each) {
    record const& kept = each.second;
    return !kept.asking && kept.waiters.empty() && (kept.known.empty() || kept.known_until.reached());
  });
}

resolver::resolver() : resolver(ask_system) {}

resolver::resolver(lookup ask) : shared_(std::make_shared<shared>(std::move(ask))) {}

resolver::~resolver() {
  std::lock_guard const lock(shared_->mutex);
  for (auto const& [host, asked] : shared_->records)
    ensure(asked.waiters.empty(), "a resolver outlives those who wait for it");
  shared_->stopping = true;
  shared_->work.notify_all();
}

asio::awaitable<result<addresses>> resolver::resolve(std::string host, clock::deadline until) {
  auto const self = std::make_shared<waiter>(co_await asio::this_coro::executor);
  std::optional<resolver_wait> waiting;
  {
    std::lock_guard const lock(shared_->mutex);
    record& asked = shared_->records[host]; // stays where it is, for as long as it is asked or waited for
    if (!asked.known.empty() && !asked.known_until.reached())
      co_return asked.known;
    if (!asked.asking) {
      if (shared_->idle_threads <= shared_->queue.size() && !shared::start_thread(shared_))
        co_return error{asio::error::no_memory, "no thread for it could be started"};
      asked.asking = true;
      shared_->queue.push_back(host);
      shared_->work.notify_one();
    }
    waiting.emplace(shared_->mutex, asked, self);
  }
  while (!self->answer) {
    auto const ended = co_await self->answered.wait(until);
    if (self->answer)
      break;
    if (ended == task::wait_end::deadline_reached)
      co_return error{task::errc::deadline_reached, {}};
    if (ended == task::wait_end::cancelled)
      co_return error{asio::error::operation_aborted, {}};
  }
  co_return std::move(*self->answer);
}

} // namespace statefund::endpoint
