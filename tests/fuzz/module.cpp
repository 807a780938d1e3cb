#include "error/ensure.hpp"
#include "module/parse.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace statefund;

// Whatever stands in a file, it is read or refused, by errors whose places are in it; and it is the same each time.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string const text(reinterpret_cast<char const*>(data), size);
  auto const read = module::parse("fuzz.yaml", text);
  auto const again = module::parse("fuzz.yaml", text);
  ensure(read.has_value() == again.has_value(), "the same text is read, or refused, each time");
  if (read) {
    ensure(read->functions == again->functions, "the same text means the same each time");
    for (auto const& each : read->functions) {
      ensure(!each.functions.name_space.empty(), "a function has a namespace");
      ensure(each.timeouts.call.count() > 0 && each.timeouts.connect <= each.timeouts.call, "timeouts are in order");
      ensure(each.pool_size > 0 && each.batch_messages_max > 0 && each.payload_bytes_max > 0,
             "limits let work through");
    }
    return 0;
  }
  ensure(!read.error().empty() && read.error() == again.error(), "a refusal has its errors, the same each time");
  auto const lines_count = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  for (auto const& wrong : read.error()) {
    ensure(wrong.where.line <= lines_count + 1, "an error stands in the file, or right behind it");
    ensure(!wrong.message.empty() && !module::to_string(wrong).empty(), "an error says something");
  }
  return 0;
}
