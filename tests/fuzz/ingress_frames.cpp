#include "error/ensure.hpp"
#include "unit/wire/runtime.hpp"
#include "wire/errc.hpp"
#include "wire/frames.hpp"

#include <google/protobuf/stubs/logging.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// A client's bytes, read frame by frame as the ingress does, each frame held against protobuf's runtime.
namespace {

using namespace statefund;

constexpr std::size_t body_bytes_max = 4096;

void compare_message(std::string_view body) {
  auto const ours = wire::decode_ingress_message(body);
  ingress::v1::IngressMessage theirs;
  bool const parsed = theirs.ParseFromArray(body.data(), static_cast<int>(body.size()));
  if (!ours) {
    if (ours.error().code == wire::errc::not_utf8)
      ensure(!parsed, "protobuf's runtime cannot read it either");
    return;
  }
  ensure(parsed, "protobuf's runtime reads it too");
  ensure(ours->target == wire::test::plain_address(theirs.target()), "the same target");
  ensure(ours->value == wire::test::plain(theirs.value()), "the same value");
  ensure(ours->idempotency_key == theirs.idempotency_key() && ours->delay_ms == theirs.delay_ms(), "the same rest");

  std::string written;
  wire::append_frame(written, *ours);
  auto const again = wire::next_frame(written, written.size());
  ensure(again && *again && (*again)->whole_bytes == written.size(), "what is written is one frame");
  auto const back = wire::decode_ingress_message((*again)->body);
  ensure(back && *back == *ours, "what is written is read as the same");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static auto* const quiet = google::protobuf::SetLogHandler(nullptr);
  (void)quiet;
  std::string_view left(reinterpret_cast<char const*>(data), size);
  for (;;) {
    auto const found = wire::next_frame(left, body_bytes_max);
    if (!found || !*found)
      return 0;
    ensure((*found)->whole_bytes > (*found)->body.size() && (*found)->whole_bytes <= left.size(),
           "a frame is in there");
    compare_message((*found)->body);
    (void)wire::decode_egress_record((*found)->body);
    left.remove_prefix((*found)->whole_bytes);
  }
}
