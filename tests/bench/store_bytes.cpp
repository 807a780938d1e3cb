// What memory_store keeps for an address: commits a state to each of many addresses and measures the process.
// store_bytes [addresses] [bytes of each state]

#include "store/memory_store.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <unistd.h>

namespace {

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all_pages = 0;
  std::uint64_t resident_pages = 0;
  statm >> all_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

} // namespace

int main(int count, char** arguments) {
  auto const addresses_count = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1'000'000;
  auto const state_bytes = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 16;
  if (addresses_count == 0)
    return 64;
  statefund::store::memory_store kept;
  auto const before = resident_bytes();
  for (std::uint64_t i = 0; i < addresses_count; ++i) {
    statefund::message::change whole;
    whole.self = {{"example", "counter"}, "user-" + std::to_string(i)};
    whole.states.push_back(
        {"count", statefund::message::stored_value{{"io.statefun.types/int", true, std::string(state_bytes, 'x')}, 0}});
    kept.commit(whole);
  }
  auto const grown = resident_bytes() - before;
  std::printf("%llu addresses with a state of %llu bytes: %llu bytes an address\n",
              static_cast<unsigned long long>(addresses_count), static_cast<unsigned long long>(state_bytes),
              static_cast<unsigned long long>(grown / addresses_count));
}
