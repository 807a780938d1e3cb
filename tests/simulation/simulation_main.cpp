#include "simulation/run.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// simulation --seed N                           one seed: its trace, and what is wrong
// simulation --seeds FROM..TO [--processes P]   many, until one fails
//            --plant MISTAKE                    with one of support::mistakes
//
// Exits 1 where something is wrong, after it has said the seed and a program that is as short as could be found.

using namespace statefund;
using namespace statefund::simulation;

namespace {

struct asked {
  std::uint64_t from = 1;
  std::uint64_t to = 2000;
  unsigned processes_count = 1;
  support::mistake planted = support::mistake::none;
};

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

bool take(std::string_view flag, std::string_view value, asked& into) {
  if (flag == "--seed") {
    auto const seed = number_of(value);
    into.from = into.to = seed.value_or(0);
    return seed.has_value();
  }
  if (flag == "--seeds") {
    auto const dots = value.find("..");
    auto const from = number_of(value.substr(0, dots));
    auto const to = dots == std::string_view::npos ? from : number_of(value.substr(dots + 2));
    into.from = from.value_or(1);
    into.to = to.value_or(0);
    return from && to;
  }
  if (flag == "--processes") {
    into.processes_count = static_cast<unsigned>(number_of(value).value_or(0));
    return into.processes_count > 0;
  }
  if (flag == "--plant")
    for (auto const& [which, name] : support::mistakes)
      if (name == value) {
        into.planted = which;
        return true;
      }
  return false;
}

void tell(std::uint64_t seed, outcome const& failed, support::mistake planted) {
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), failed.fault.c_str());
  auto const shorter = shorten(make_program(seed), planted, 3000);
  std::printf("the same of a shorter program: %s\n%s", run(shorter, planted).fault.c_str(), to_text(shorter).c_str());
  std::fflush(stdout);
}

std::uint64_t running_seed = 0;

// A broken promise of the daemon's own ends the process.
void tell_seed(int) {
  std::printf("seed %llu: the process ends itself\n", static_cast<unsigned long long>(running_seed));
  std::fflush(stdout);
  std::_Exit(1);
}

// Every `processes_count`th seed.
int run_some(asked const& what, unsigned process) {
  std::size_t turns_count = 0;
  std::size_t crashes_count = 0;
  std::size_t lossy_crashes_count = 0;
  std::size_t crashes_in_parts_count = 0;
  std::size_t letters_count = 0;
  std::uint64_t runs_count = 0;
  for (auto seed = what.from + process; seed <= what.to; seed += what.processes_count) {
    running_seed = seed;
    auto const end = run(make_program(seed), what.planted);
    turns_count += end.turns_count;
    crashes_count += end.crashes_count;
    lossy_crashes_count += end.lost_changes_count;
    crashes_in_parts_count += end.crashes_in_parts_count;
    letters_count += end.letters_count;
    ++runs_count;
    if (what.from == what.to)
      std::printf("trace %016llx\n", static_cast<unsigned long long>(end.trace));
    if (!end.fault.empty()) {
      tell(seed, end, what.planted);
      return 1;
    }
  }
  std::printf(
      "%llu seeds, %zu calls, %zu crashes, %zu of them lost changes, %zu between the parts of a batch; %zu dead "
      "letters\n",
      static_cast<unsigned long long>(runs_count), turns_count, crashes_count, lossy_crashes_count,
      crashes_in_parts_count, letters_count);
  std::fflush(stdout);
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  asked what;
  for (int i = 1; i < count; i += 2)
    if (i + 1 == count || !take(arguments[i], arguments[i + 1], what)) {
      std::fprintf(stderr, "simulation: %s is not understood\n", arguments[i]);
      return 2;
    }
  std::signal(SIGABRT, tell_seed);
  std::signal(SIGSEGV, tell_seed);
  std::vector<pid_t> others;
  for (unsigned process = 1; process < what.processes_count; ++process) {
    auto const other = fork();
    if (other == 0)
      return run_some(what, process);
    others.push_back(other);
  }
  int code = run_some(what, 0);
  for (auto const other : others) {
    int status = 0;
    if (waitpid(other, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
      code = 1;
  }
  return code;
}
