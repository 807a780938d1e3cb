#include "fuzz/answer.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  statefund::fuzz::compare_answer<statefund::wire::test::v3>(data, size);
  return 0;
}
