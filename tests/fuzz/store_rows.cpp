#include "error/ensure.hpp"
#include "store/log_file.hpp"
#include "unit/store/rows.hpp"

#include <google/protobuf/stubs/logging.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

// One row of a table: which (1 byte), how long its key is (1 byte), its key, its value. What is read stays the same
// when it is written again; and a value is read just where protobuf's runtime reads it. All of it as a block of the
// log, too.
namespace {

using namespace statefund;
using namespace statefund::store::test;

bool is_whole(store::v1::IdempotencyRow const& row) {
  return row.first_number().size() == 8;
}
bool is_whole(google::protobuf::Message const&) {
  return true;
}

template <class Kind>
void check(std::string_view key, std::string_view value) {
  auto const ours = Kind::parse(key, value);
  auto const again_key = ours ? Kind::key(*ours) : Kind::key({});
  auto const of_value = Kind::parse(again_key, value);
  typename Kind::theirs theirs;
  bool const readable = theirs.ParseFromArray(value.data(), static_cast<int>(value.size())) && is_whole(theirs);
  ensure(of_value.has_value() == readable, "a value is read just where protobuf's runtime reads it");
  if (!ours)
    return;
  ensure(again_key.substr(2) == key.substr(2), "a row has one key");
  auto const again = Kind::value(*ours);
  ensure(theirs.ParseFromString(again) && same(*ours, theirs), "protobuf's runtime reads what is written as the same");
  auto const back = Kind::parse(again_key, again);
  ensure(back && same(*back, theirs), "what is written is read as the same");
}

template <std::size_t... Which>
void check_one_of(std::size_t which, std::string_view key, std::string_view value, std::index_sequence<Which...>) {
  (void)((which == Which ? (check<std::tuple_element_t<Which, all_kinds_of_rows>>(key, value), true) : false) || ...);
}

void check_expiry(std::string_view value) {
  (void)store::state_table::may_be_dropped(value, 1'791'234'567'890);
  (void)store::idempotency_table::may_be_dropped(value, 1'791'234'567'890);
  (void)store::head_table::parse_format(value);
  (void)store::head_table::parse_head(value);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static auto* const quiet = google::protobuf::SetLogHandler(nullptr);
  (void)quiet;
  if (size < 2)
    return 0;
  std::string_view const rest(reinterpret_cast<char const*>(data + 2), size - 2);
  auto const key = rest.substr(0, data[1]);
  auto const value = rest.substr(key.size());
  constexpr auto kinds_count = std::tuple_size_v<all_kinds_of_rows>;
  check_one_of(data[0] % kinds_count, key, value, std::make_index_sequence<kinds_count>{});
  check_expiry(value);
  auto const seen = store::log_file::read_block(rest, store::log_file::depth::headers);
  auto const looked_at = store::log_file::read_block(rest, store::log_file::depth::payloads);
  ensure(!seen.broken_at || (*seen.broken_at < rest.size() && looked_at.broken_at <= seen.broken_at),
         "what is broken lies within the block, and the payloads show no less of it");
  ensure(looked_at.broken_at.value_or(rest.size()) == 0 || rest.empty() || store::log_file::has_whole_record(rest),
         "what is whole at the block's beginning is found there");
  return 0;
}
