#include "crash/experiments.hpp"
#include "log/capture.hpp"

#include "error/ensure.hpp"
#include "store/log_file.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace statefund::crash {

using store::errc;
using store::sync_mode;

namespace {

constexpr std::size_t changes_count = 150;
constexpr std::size_t changes_behind = 12;

void add(faults& to, std::string const& where, std::string const& fault) {
  if (!fault.empty())
    to.push_back(where + ": " + fault);
}

disk_image image_after(history const& of, std::size_t steps_count) {
  auto image = of.before;
  for (std::size_t i = 0; i < steps_count; ++i)
    image.apply(of.steps[i]);
  return image;
}

std::string where_in(history const& of, std::size_t step) {
  return "after step " + std::to_string(step) + " of " + std::to_string(of.steps.size()) +
         (step > 0 ? ", " + to_string(of.steps[step - 1]) : "");
}

// Of two crashes, one behind the other.
std::string after_both(place& at, disk_image const& killed, history const& first, std::uint64_t promised,
                       run_options const& chosen, std::uint64_t seed) {
  history then;
  std::mt19937_64 chance(seed);
  {
    process second(at, killed, chosen);
    auto const found = survivors_of(at, second, first.ordered, promised);
    if (!found.fault.empty())
      return "after the kill: " + found.fault;
    auto const steps_count = second.disk().steps_count();
    auto const last = second.store().ordered_so_far().number();
    then.before = killed;
    then.ordered = first.ordered;
    then.ordered.keep(found.count);
    then.promised.push_back({steps_count, last});
    if (seed % 2 == 0)
      commit(at, second, then, changes_behind, chance);
    if (then.ordered.size() > found.count &&
        then.ordered.number(found.count) <= first.ordered.last_number(first.ordered.size()))
      return "a number is given twice";
    if (chosen.sync.mode != sync_mode::always)
      then.promised.resize(1);
    then.steps = second.disk().steps();
  }
  auto const first_step = then.promised.front().steps_count;
  auto const steps_count = first_step + chance() % (then.steps.size() - first_step + 1);
  auto left = image_after(then, steps_count);
  left.lose_power(chance);
  process third(at, left, chosen);
  auto const fault = survivors_of(at, third, then.ordered, then.promised_at(steps_count)).fault;
  return fault.empty() ? "" : "after the power loss: " + fault;
}

std::uint64_t number_in(std::string const& text, std::string_view behind) {
  auto const at = text.find(behind);
  std::uint64_t number = 0;
  if (at != std::string::npos)
    std::from_chars(text.data() + at + behind.size(), text.data() + text.size(), number);
  return number;
}

bool says_damage(error const& why) {
  return why.code == errc::promise_broken || why.code == errc::not_opened || why.code == errc::row_damaged;
}

std::string after_damage(place& at, disk_image const& image, history const& of, std::uint64_t promised,
                         told_damage& told) {
  process first(at, image);
  if (first.is_open()) {
    auto const found = survivors_of(at, first, of.ordered, promised);
    if (first.lost_count() > 0) {
      ++told.lost_count;
      return first.lost_count() == 1 ? "" : "it is told more than once that the store is lost";
    }
    ++told.harmless_count;
    return found.fault;
  }
  ++told.refused_count;
  if (!says_damage(first.refused()))
    return "it is refused with another error: " + first.refused().to_string();
  auto const once_opened = first.disk().image();
  process second(at, once_opened);
  if (second.is_open())
    return "it was refused, and is opened at the second time; " + first.refused().to_string();
  if (!says_damage(second.refused()))
    return "it is refused at the second time with another error: " + second.refused().to_string();
  if (first.refused().code != errc::promise_broken)
    return {};
  log::capture const quiet;
  run_options accepting;
  accepting.accept_loss = number_in(first.refused().detail, "up to number ");
  if (*accepting.accept_loss == 0)
    accepting.accept_loss = number_in(first.refused().detail, "up to the number ");
  disk_image accepted;
  {
    process third(at, second.disk().image(), accepting);
    // What a part of the manifest names may be gone: that can be told, and not be accepted.
    if (!third.is_open() && third.refused().code == errc::not_opened)
      return {};
    auto const left = survivors_of(at, third, of.ordered, 0, accepting.accept_loss);
    if (third.lost_count() == 0 && !left.fault.empty())
      return "with what is left: " + left.fault;
    if (third.lost_count() > 0)
      return {};
    accepted = third.stop();
  }
  process fourth(at, accepted);
  return fourth.is_open() ? "" : "what was accepted is refused again: " + fourth.refused().to_string();
}

// Else RocksDB may do without it: what cannot be removed stays, and nobody reads its options.
bool must_be_told(disk_step const& failed) {
  bool const writes =
      failed.verb == step_verb::append || failed.verb == step_verb::overwrite || failed.verb == step_verb::sync;
  return writes && failed.kind() != file_kind::other;
}

// Changes are ordered behind what is there while the disk fails as it was told to, which it does from its next step on.
std::string after_a_failure(place& at, process& own, history& of, std::mt19937_64& chance) {
  commit(at, own, of, changes_count, chance);
  bool const is_lost = own.lost_count() > 0;
  auto const ordered_at_loss = own.store().ordered_so_far().number();
  auto const promised = of.promised_at(SIZE_MAX);
  if (is_lost)
    commit(at, own, of, changes_behind, chance);
  if (is_lost && of.promised_at(SIZE_MAX) != promised)
    return "something is told durable after the store was lost";
  auto const left = own.stop();
  if (auto const failed = own.disk().failed_step(); failed && must_be_told(*failed) && own.lost_count() == 0)
    return "nobody is told of a failure: " + to_string(*failed);
  if (own.lost_count() > 1)
    return "it is told " + std::to_string(own.lost_count()) + " times that the store is lost";
  if (is_lost) { // a write may have been under way
    process next(at, left);
    if (next.is_open() && next.store().ordered_so_far().number() > ordered_at_loss)
      return "what was ordered after the store was lost is written";
  }
  auto const fault = after_both(at, left, of, promised, {}, chance());
  if (!fault.empty())
    return fault;
  auto powerless = left;
  powerless.lose_power(chance);
  process next(at, powerless);
  // A manifest whose last records were written once more after a failure, and then lost in part, RocksDB does not open:
  // that is told.
  auto const failed = own.disk().failed_step();
  if (failed && failed->kind() == file_kind::manifest && !next.is_open() && next.refused().code == errc::not_opened)
    return {};
  auto const found = survivors_of(at, next, of.ordered, promised).fault;
  return found.empty() ? "" : "after a power loss: " + found;
}

} // namespace

faults kills_and_power_losses(place& at, std::size_t faults_max) {
  faults all;
  for (auto const mode : {sync_mode::always, sync_mode::never}) {
    run_options chosen;
    chosen.sync.mode = mode;
    auto const done = run(at, {}, changes_count, 5, chosen);
    auto const every = stride(done.steps.size(), 24);
    for (std::size_t step = 0; step <= done.steps.size() && all.size() < faults_max; step += every)
      add(all, where_in(done, step),
          after_both(at, image_after(done, step), done, done.promised_at(step), chosen, step / every));
  }
  return all;
}

faults states_read_at_once(place& at, std::size_t faults_max) {
  faults all;
  run_options chosen;
  chosen.cache_bytes_max = 0;
  process own(at, {}, chosen);
  auto const see = [&](message::change const& last, contents const& now) {
    if (last.states.empty() || all.size() >= faults_max)
      return;
    auto const found = at.loop.run(read_states(own.store(), last.self));
    auto expected = now.states;
    std::erase_if(expected, [&](auto const& one) { return one.first.first != last.self; });
    if (!found)
      add(all, to_text(last.self), found.error().to_string());
    else if (*found != expected)
      add(all, to_text(last.self), "its states are not those that its last change has left");
  };
  history ordered;
  std::mt19937_64 chance(1);
  commit(at, own, ordered, 10 * changes_count, chance, see);
  return all;
}

faults lost_log_files(place& at, std::size_t faults_max) {
  faults all;
  run_options chosen;
  chosen.sync.mode = sync_mode::never;
  std::size_t lost_count = 0;
  for (std::uint64_t seed = 1; lost_count < 20 && seed < 20; ++seed) {
    auto const done = run(at, {}, changes_count, seed, chosen);
    auto image = done.before;
    for (auto const& step : done.steps) {
      image.apply(step);
      if (step.verb != step_verb::append || step.kind() != file_kind::log)
        continue;
      for (auto const& path : image.paths()) {
        auto left = image;
        if (kind_of(path) != file_kind::log || path >= step.path || !left.lose_unsynced(path))
          continue;
        ++lost_count;
        process next(at, left, chosen);
        add(all, "without " + path, survivors_of(at, next, done.ordered, 0).fault);
        if (all.size() >= faults_max)
          return all;
      }
    }
  }
  ensure(lost_count > 0, "a file of the log was lost");
  return all;
}

// Of a file of the log, or a manifest, which is one.
std::vector<std::size_t> record_begins(std::string_view content) {
  using store::log_file::block_bytes;
  using store::log_file::header_bytes;
  std::vector<std::size_t> begins;
  for (std::size_t at = 0; at + header_bytes <= content.size();) {
    if (block_bytes - at % block_bytes < header_bytes) {
      at += block_bytes - at % block_bytes;
      continue;
    }
    begins.push_back(at);
    auto const low = static_cast<unsigned char>(content[at + 4]);
    auto const high = static_cast<unsigned char>(content[at + 5]);
    at += header_bytes + low + (std::size_t{high} << 8U);
  }
  return begins;
}

damage another_kind_at(std::size_t begin, std::string const& path, std::string const& content) {
  return {"a kind with another bit at " + std::to_string(begin) + " of " + std::to_string(content.size()), path,
          [path, content, begin](disk_image& in) {
            auto turned = content;
            turned[begin + 6] = static_cast<char>(turned[begin + 6] ^ 4);
            in.set_content(path, turned);
          }};
}

damage payload_turned_at(std::size_t begin, std::string const& path, std::string const& content) {
  return {"a byte of the payload turned round at " + std::to_string(begin) + " of " + std::to_string(content.size()),
          path, [path, content, begin](disk_image& in) {
            auto turned = content;
            if (begin + 7 < turned.size())
              turned[begin + 7] = static_cast<char>(turned[begin + 7] ^ 8);
            in.set_content(path, turned);
          }};
}

damage length_turned_at(std::size_t begin, std::string const& path, std::string const& content) {
  return {"a length with another bit at " + std::to_string(begin) + " of " + std::to_string(content.size()), path,
          [path, content, begin](disk_image& in) {
            auto turned = content;
            turned[begin + 5] = static_cast<char>(turned[begin + 5] ^ 64);
            in.set_content(path, turned);
          }};
}

damage zeros_from(std::size_t begin, std::string const& path, std::string const& content) {
  return {"zeros from " + std::to_string(begin) + " of " + std::to_string(content.size()), path,
          [path, content, begin](disk_image& in) {
            in.set_content(path, content.substr(0, begin) + std::string(content.size() - begin, '\0'));
          }};
}

// Every byte of every file would take a day: a few hundred of each, where all is asked for.
std::size_t bytes_between(std::size_t size, std::size_t count) {
  return std::max(stride(size, count), size / 400);
}

std::vector<damage> damages_of(disk_image const& image, std::vector<file_kind> const& kinds) {
  std::vector<damage> all;
  for (auto const& path : image.paths()) {
    auto const kind = kind_of(path);
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
      continue;
    auto const content = image.content(image.file_at(path));
    auto const size = content.size();
    // A block has 4 KiB, and behind the last one of a table are its index, its filter and its footer.
    auto const flips_every = std::min<std::size_t>(bytes_between(size, 12), 2000);
    std::set<std::size_t> offsets;
    for (std::size_t offset = 0; offset < size; offset += flips_every)
      offsets.insert(offset);
    for (std::size_t from_end : {1U, 9U, 30U, 60U, 200U})
      if (from_end <= size)
        offsets.insert(size - from_end);
    // Never the uppermost bit: RocksDB 7.8 reads a table's properties before it compares their checksum, and Debian's
    // build ends the process on an assertion where that bit is set behind them.
    for (auto const offset : offsets)
      all.push_back({"a byte turned round at " + std::to_string(offset) + " of " + std::to_string(size), path,
                     [path, content, offset](disk_image& in) {
                       auto turned = content;
                       turned[offset] = static_cast<char>(turned[offset] ^ (1 << offset % 7));
                       in.set_content(path, turned);
                     }});
    // A manifest of any length is one that was once there.
    auto const lengths_every = bytes_between(size, kind == file_kind::manifest ? 100 : 6);
    for (std::size_t length = 0; length < size; length += lengths_every)
      all.push_back({"cut to " + std::to_string(length) + " of " + std::to_string(size), path,
                     [path, content, length](disk_image& in) { in.set_content(path, content.substr(0, length)); }});
    if (kind == file_kind::log)
      for (auto const begin : record_begins(content)) {
        all.push_back(zeros_from(begin, path, content));
        all.push_back(another_kind_at(begin, path, content));
      }
    all.push_back({"missing", path, [path](disk_image& in) { in.lose_file(path); }});
  }
  return all;
}

faults damaged_files(place& at, std::vector<file_kind> const& kinds, std::uint64_t seed, std::size_t faults_max,
                     told_damage& told) {
  faults all;
  auto const done = run(at, {}, changes_count, seed);
  auto const image = image_after(done, done.steps.size());
  auto const promised = done.promised.back().number;
  for (auto const& one : damages_of(image, kinds)) {
    auto damaged = image;
    one.apply(damaged);
    add(all, one.path + ", " + one.what, after_damage(at, damaged, done, promised, told));
    if (all.size() >= faults_max)
      break;
  }
  return all;
}

faults damaged_older_logs(place& at, std::size_t faults_max, told_damage& told) {
  faults all;
  auto const done = run(at, {}, changes_count, 6);
  auto image = done.before;
  for (std::size_t step = 0; step < done.steps.size(); ++step) {
    image.apply(done.steps[step]);
    if (done.steps[step].verb != step_verb::sync || done.steps[step].kind() != file_kind::manifest)
      continue;
    std::vector<std::string> logs;
    for (auto const& path : image.paths())
      if (kind_of(path) == file_kind::log)
        logs.push_back(path);
    for (std::size_t i = 0; i + 1 < logs.size(); ++i) {
      auto const content = image.content(image.file_at(logs[i]));
      auto const begins = record_begins(content);
      for (std::size_t k = 0; k < begins.size(); k += stride(begins.size(), 3)) {
        for (auto const& one : {zeros_from(begins[k], logs[i], content), another_kind_at(begins[k], logs[i], content),
                                payload_turned_at(begins[k], logs[i], content)}) {
          auto damaged = image;
          one.apply(damaged);
          add(all, where_in(done, step + 1) + ", " + one.path + ", " + one.what,
              after_damage(at, damaged, done, done.promised_at(step + 1), told));
          if (all.size() >= faults_max)
            return all;
        }
      }
    }
  }
  return all;
}

faults damaged_first_manifest(place& at, std::size_t faults_max, told_damage& told) {
  faults all;
  history done;
  run_options chosen;
  chosen.log_bytes_max = 1U << 20U; // nothing makes a table of the log
  {
    process own(at, {}, chosen);
    std::mt19937_64 chance(3);
    commit(at, own, done, changes_count, chance);
    done.steps = own.disk().steps();
  }
  auto const image = image_after(done, done.steps.size());
  for (auto const& path : image.paths()) {
    if (kind_of(path) != file_kind::manifest)
      continue;
    auto const content = image.content(image.file_at(path));
    for (auto const begin : record_begins(content))
      for (auto const& one : {zeros_from(begin, path, content), another_kind_at(begin, path, content),
                              payload_turned_at(begin, path, content),
                              damage{"cut to " + std::to_string(begin), path, [path, content, begin](disk_image& in) {
                                       in.set_content(path, content.substr(0, begin));
                                     }}}) {
        auto damaged = image;
        one.apply(damaged);
        add(all, one.path + ", " + one.what, after_damage(at, damaged, done, done.promised.back().number, told));
        if (all.size() >= faults_max)
          return all;
      }
  }
  return all;
}

faults damaged_manifest_without_promise(place& at, std::size_t faults_max, told_damage& told) {
  faults all;
  run_options chosen;
  chosen.sync.mode = sync_mode::never;
  auto const done = run(at, {}, changes_count, 6, chosen);
  auto const image = image_after(done, done.steps.size());
  std::size_t kept_count = 0;
  {
    process undamaged(at, image, chosen);
    kept_count = survivors_of(at, undamaged, done.ordered, 0).count;
  }
  for (auto const& path : image.paths()) {
    if (kind_of(path) != file_kind::manifest)
      continue;
    auto const content = image.content(image.file_at(path));
    auto begins = record_begins(content);
    begins.pop_back(); // a power loss looks like damage to the last one
    for (auto const begin : begins)
      for (auto const& one : {another_kind_at(begin, path, content), payload_turned_at(begin, path, content),
                              length_turned_at(begin, path, content)}) {
        auto damaged = image;
        one.apply(damaged);
        process first(at, damaged, chosen);
        std::string fault;
        if (!first.is_open()) {
          ++told.refused_count;
          fault =
              says_damage(first.refused()) ? "" : "it is refused with another error: " + first.refused().to_string();
        } else if (auto const found = survivors_of(at, first, done.ordered, 0); found.count == kept_count) {
          ++told.harmless_count;
          fault = found.fault;
        } else {
          fault = std::to_string(found.count) + " changes of " + std::to_string(kept_count) + " are left, untold";
        }
        add(all, one.path + ", " + one.what, fault);
        if (all.size() >= faults_max)
          return all;
      }
  }
  return all;
}

faults failing_steps(place& at, std::vector<file_kind> const& kinds, fault_cause cause, fault_end end,
                     std::size_t faults_max) {
  faults all;
  auto const before = run(at, {}, changes_count, 7);
  auto const start = image_after(before, before.steps.size());
  auto const promised = before.promised.back().number;
  std::mt19937_64 chance(8);
  std::vector<disk_step> steps;
  {
    auto of = before;
    process without(at, start);
    commit(at, without, of, changes_count, chance);
    steps = without.disk().steps();
  }
  for (auto const kind : kinds) {
    auto const count = static_cast<std::size_t>(
        std::count_if(steps.begin(), steps.end(), [kind](disk_step const& step) { return step.kind() == kind; }));
    bool has_failed = false;
    for (std::size_t step = 0; step < count && all.size() < faults_max; step += stride(count, 6)) {
      auto const where = "step " + std::to_string(step) + " on a file of the kind " + std::string(to_string(kind));
      run_options chosen;
      chosen.fails = fault{kind, step, cause, end};
      process own(at, start, chosen);
      auto of = before;
      of.promised = {{0, promised}};
      if (own.is_open()) {
        add(all, where, after_a_failure(at, own, of, chance));
      } else {
        process next(at, own.disk().image());
        add(all, where, survivors_of(at, next, before.ordered, promised).fault);
      }
      has_failed = has_failed || own.disk().failed_step();
    }
    ensure(has_failed, "a step failed");
  }
  return all;
}

faults failing_reads(place& at, std::size_t faults_max) {
  faults all;
  auto const before = run(at, {}, changes_count, 9);
  auto const start = image_after(before, before.steps.size());
  auto const promised = before.promised.back().number;
  std::size_t opening_count = 0;
  std::size_t all_count = 0;
  {
    process without(at, start);
    opening_count = without.disk().reads_count();
    auto of = before;
    std::mt19937_64 chance(10);
    commit(at, without, of, changes_count, chance);
    all_count = without.disk().reads_count();
  }
  std::size_t failed_count = 0;
  for (std::size_t read = 0; read < opening_count && all.size() < faults_max; read += stride(opening_count, 24)) {
    run_options chosen;
    chosen.fails_read = read;
    process own(at, start, chosen);
    failed_count += own.disk().has_failed_read() ? 1 : 0;
    auto const left = own.is_open() ? own.stop() : own.disk().image();
    process next(at, left);
    add(all, "read " + std::to_string(read) + " of a start fails",
        survivors_of(at, next, before.ordered, promised).fault);
  }
  std::mt19937_64 chance(10);
  for (std::size_t read = opening_count; read < all_count && all.size() < faults_max;
       read += stride(all_count - opening_count, 24)) {
    process own(at, start);
    if (!own.is_open())
      throw std::runtime_error(own.refused().to_string());
    own.disk().fail_read(read);
    auto of = before;
    of.promised = {{0, promised}};
    add(all, "read " + std::to_string(read) + " fails", after_a_failure(at, own, of, chance));
    failed_count += own.disk().has_failed_read() ? 1 : 0;
  }
  ensure(failed_count > 0, "a read failed");
  return all;
}

} // namespace statefund::crash
