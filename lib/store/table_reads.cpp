#include "store/table_reads.hpp"

#include "store/rocksdb_settings.hpp"

#include <rocksdb/db.h>

#include <memory>
#include <utility>

namespace statefund::store {

namespace {

// No table has removed ranges (decision 0017), so that nothing is to be looked for.
rocksdb::ReadOptions reading(reach as_far) {
  rocksdb::ReadOptions options;
  options.read_tier = as_far == reach::disk ? rocksdb::ReadTier::kReadAllTier : rocksdb::ReadTier::kBlockCacheTier;
  options.ignore_range_deletions = true;
  return options;
}

std::string_view view(rocksdb::Slice const& bytes) {
  return {bytes.data(), bytes.size()};
}

std::string name_of(table of) {
  return std::string(table_names[static_cast<std::size_t>(of)]);
}

} // namespace

error damaged_row(table of) {
  return {errc::row_damaged, "a row of the table " + name_of(of) + " breaks its grammar"};
}

attempt<std::optional<std::string>> get(database& in, table of, std::string const& key, reach as_far) {
  std::string value;
  auto const status = in.get().Get(reading(as_far), in.family(of), key, &value);
  // RocksDB before 9.1 gives an empty value where the table's file is not open (its pull request 12443).
  if (as_far == reach::memory && (status.IsIncomplete() || (status.ok() && value.empty())))
    return std::nullopt;
  if (status.IsNotFound())
    return result<std::optional<std::string>>(std::nullopt);
  if (!status.ok())
    return result<std::optional<std::string>>(to_error(status, "a read of " + name_of(of)));
  return result<std::optional<std::string>>(std::move(value));
}

key_range keys_with(std::string prefix) {
  auto end = prefix;
  while (!end.empty() && end.back() == '\xff')
    end.pop_back();
  if (!end.empty())
    end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return {std::move(prefix), std::move(end)};
}

std::string behind(std::string key) {
  key.push_back('\0');
  return key;
}

result<void> scan(database& in, table of, key_range const& range,
                  std::function<result<bool>(std::string_view key, std::string_view value)> const& see) {
  auto options = reading(reach::disk);
  rocksdb::Slice const end(range.end);
  if (!range.end.empty())
    options.iterate_upper_bound = &end;
  std::unique_ptr<rocksdb::Iterator> const rows(in.get().NewIterator(options, in.family(of)));
  for (rows->Seek(range.from); rows->Valid(); rows->Next()) {
    auto const more = see(view(rows->key()), view(rows->value()));
    if (!more)
      return more.error();
    if (!*more)
      return {};
  }
  if (!rows->status().ok())
    return to_error(rows->status(), "a scan of " + name_of(of));
  return {};
}

} // namespace statefund::store
