#pragma once

#include "error/ensure.hpp"
#include "unit/wire/runtime.hpp"
#include "wire/answer.hpp"
#include "wire/errc.hpp"

#include <google/protobuf/stubs/logging.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace statefund::fuzz {

// What we read protobuf's runtime reads, as the same; what we call unreadable it refuses.
template <class Generation>
void compare_answer(std::uint8_t const* data, std::size_t size) {
  static auto* const quiet = google::protobuf::SetLogHandler(nullptr);
  (void)quiet;
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  auto const ours = wire::decode_answer(Generation::speaks, bytes);
  typename Generation::from_function theirs;
  bool const parsed = theirs.ParseFromArray(data, static_cast<int>(size));
  if (ours) {
    ensure(parsed, "protobuf's runtime reads it too");
    ensure(*ours == wire::test::plain_reply(theirs), "protobuf's runtime reads the same");
  } else if (ours.error().code == wire::errc::malformed || ours.error().code == wire::errc::not_utf8) {
    ensure(!parsed, "protobuf's runtime cannot read it either");
  }
}

} // namespace statefund::fuzz
