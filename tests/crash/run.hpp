#pragma once

#include "crash/contents.hpp"
#include "crash/faulty_disk.hpp"
#include "store/rocks_store.hpp"
#include "support/event_loop.hpp"
#include "support/temporary_directory.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace statefund::crash {

// Where everything of one test takes place. The directory itself is the only thing on a real disk.
struct place {
  support::event_loop loop;
  support::temporary_directory real;

  std::string directory() const { return real.path().string(); }
  std::string path(std::string const& name) const { return directory() + "/db/" + name; }
};

struct run_options {
  store::sync_policy sync;
  std::uint64_t log_bytes_max = 12U << 10U; // so that a run flushes and compacts
  std::uint64_t cache_bytes_max = 4096;     // of states: most reads go to the tables
  std::optional<std::uint64_t> accept_loss;
  std::optional<fault> fails;            // from the open on
  std::optional<std::size_t> fails_read; // likewise
  std::string directory;                 // empty: the place's own
};

// A process with its store.
class process {
 public:
  process(place& at, disk_image before, run_options const& chosen = {});
  ~process(); // on a disk that does not fail any more; what is to be kept of it was taken before

  bool is_open() const noexcept { return store_ != nullptr; }
  error const& refused() const noexcept { return *refused_; }
  store::rocks_store& store() noexcept { return *store_; }
  faulty_disk& disk() noexcept { return *disk_; }
  std::size_t lost_count() const noexcept { return lost_count_; }
  // Stops as the daemon does.
  disk_image stop();

 private:
  std::shared_ptr<faulty_disk> const disk_;
  std::unique_ptr<rocksdb::Env> const environment_;
  std::atomic<std::size_t> lost_count_ = 0;
  std::optional<error> refused_;
  std::unique_ptr<store::rocks_store> store_;
};

// What was told to be durable when the disk had taken so many steps.
struct told {
  std::size_t steps_count = 0;
  std::uint64_t number = 0;
};

// What a process did, and what it told.
struct history {
  disk_image before;
  std::vector<disk_step> steps;
  order ordered;
  std::vector<told> promised;

  std::uint64_t promised_at(std::size_t steps_count) const;
};

// Orders so many changes behind what the process has found, some at a time, and waits for each lot. Shows `see` what
// each one comes to, before it is waited for.
void commit(place& at, process& by, history& into, std::size_t changes_count, std::mt19937_64& chance,
            std::function<void(message::change const&, contents const& now)> const& see = {});
// A process that makes some tables of its log, and then is killed.
history run(place& at, disk_image before, std::size_t changes_count, std::uint64_t seed,
            run_options const& chosen = {});

// What an open brought back. `fault` is empty where a prefix of the order is there, up to a number at least.
struct survivors {
  std::size_t count = 0;
  std::string fault;
};
// `accepted`: it has lost what is behind that number, and goes on behind what it had lost.
survivors survivors_of(place& at, process& opened, order const& ordered, std::uint64_t promised,
                       std::optional<std::uint64_t> accepted = std::nullopt);

// Every so many, so that there are about `count` of `total`; every one where STATEFUND_CRASH_ALL is set.
std::size_t stride(std::size_t total, std::size_t count);

} // namespace statefund::crash
