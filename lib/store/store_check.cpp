#include "store/store_check.hpp"

#include "clock/clock.hpp"
#include "store/kept_order.hpp"
#include "store/promise.hpp"
#include "store/row_parts.hpp"
#include "store/tables.hpp"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/wal_filter.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <utility>

namespace statefund::store {

namespace {

constexpr std::size_t shown_key_bytes_max = 64;

std::string name_of(table of) {
  return std::string(table_names[static_cast<std::size_t>(of)]);
}

std::string_view view(rocksdb::Slice const& bytes) {
  return {bytes.data(), bytes.size()};
}

// Of a key that cannot be read.
std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "0x";
  for (char const byte : bytes.substr(0, shown_key_bytes_max)) {
    text += digits[static_cast<unsigned char>(byte) >> 4U];
    text += digits[static_cast<unsigned char>(byte) & 0xFU];
  }
  return bytes.size() > shown_key_bytes_max ? text + "..." : text;
}

// A daemon's lock, shared by those who read: it is refused while a daemon has the directory open, and the other way
// round. Nobody has a directory open in which there is no such file.
class readers_lock {
 public:
  readers_lock() = default;
  ~readers_lock() {
    if (file_ >= 0)
      ::close(file_);
  }
  readers_lock(readers_lock const&) = delete;
  readers_lock& operator=(readers_lock const&) = delete;

  result<void> take(std::string const& directory) {
    auto const path = directory + "/lock";
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ < 0 && errno == ENOENT)
      return {};
    struct flock shared {};
    shared.l_type = F_RDLCK;
    shared.l_whence = SEEK_SET;
    if (file_ >= 0 && ::fcntl(file_, F_OFD_SETLK, &shared) == 0)
      return {};
    if (file_ >= 0 && (errno == EAGAIN || errno == EACCES))
      return error{errc::in_use, "a running statefund has " + directory + " open; stop it first, or check a backup"};
    return error{errc::directory_unusable, path + ": " + std::strerror(errno)};
  }

 private:
  int file_ = -1;
};

// A row, as far as all tables have it.
struct seen {
  std::string name;                               // for a person
  std::optional<std::uint32_t> partition = {};    // that it belongs to
  std::optional<std::uint64_t> number = {};       // that it names
  std::optional<std::int64_t> expires_at_ms = {}; // 0: never
};

class checker {
 public:
  checker(rocksdb::DB& database, std::map<std::string, rocksdb::ColumnFamilyHandle*> const& families,
          checked_store& into)
      : database_(database),
        into_(into),
        now_ms_(clock::unix_ms()) {
    for (std::size_t i = 0; i < table_names.size(); ++i)
      if (auto const found = families.find(std::string(table_names[i])); found != families.end())
        families_[i] = found->second;
  }

  void add(std::string of, std::string key, std::string what) {
    if (++into_.findings_count <= checked_store::findings_max)
      into_.findings.push_back({std::move(of), std::move(key), std::move(what)});
  }

  void check_blocks() {
    std::vector<rocksdb::LiveFileMetaData> files;
    database_.GetLiveFilesMetaData(&files);
    for (auto const& file : files) {
      rocksdb::SstFileReader reader{rocksdb::Options()};
      auto status = reader.Open(file.db_path + file.name);
      if (status.ok())
        status = reader.VerifyChecksum();
      if (!status.ok())
        add(file.column_family_name, "file " + file.name.substr(file.name.find_first_not_of('/')), status.ToString());
    }
  }

  void check_table(table of) {
    auto& count = into_.tables.emplace_back(table_count{name_of(of)});
    auto* const family = family_of(of);
    if (family == nullptr)
      return;
    rocksdb::ReadOptions whole;
    whole.verify_checksums = true;
    whole.fill_cache = false;
    whole.ignore_range_deletions = true; // as table_reads.cpp reads
    std::unique_ptr<rocksdb::Iterator> const rows(database_.NewIterator(whole, family));
    std::string last;
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
      auto const key = view(rows->key());
      auto const value = view(rows->value());
      ++count.rows_count;
      count.bytes += key.size() + value.size();
      check_row(of, key, value, count);
      last = key;
    }
    if (!rows->status().ok())
      add(count.name, {}, "cannot be read behind its key " + hexadecimal(last) + ": " + rows->status().ToString());
    else if (of == table::delayed && delayed_count_ && *delayed_count_ != count.rows_count)
      add(name_of(table::head), std::string(head_table::head_key),
          "counts " + std::to_string(*delayed_count_) + " delayed messages, and " + std::to_string(count.rows_count) +
              " are there");
  }

  void number_is_known(bool so) { number_is_known_ = so; }

 private:
  void check_row(table of, std::string_view key, std::string_view value, table_count& count) {
    auto const row = see(of, key, value);
    if (!row) {
      add(name_of(of), hexadecimal(key), "breaks the grammar of its table");
      return;
    }
    std::uint32_t partition = 0;
    if (of != table::head && into_.partition_count > 0 && key_reader(key).take(partition)) {
      if (row->partition && *row->partition != partition)
        add(name_of(of), row->name,
            "lies in partition " + std::to_string(partition) + " and belongs to " + std::to_string(*row->partition));
      else if (partition >= into_.partition_count)
        add(name_of(of), row->name,
            "lies in partition " + std::to_string(partition) + " of " + std::to_string(into_.partition_count));
    }
    if (number_is_known_ && row->number && *row->number > into_.last_number)
      add(name_of(of), row->name,
          "has the number " + std::to_string(*row->number) + ", and the last one given is " +
              std::to_string(into_.last_number));
    if (row->expires_at_ms && *row->expires_at_ms != 0 && *row->expires_at_ms <= now_ms_)
      ++count.expired_count;
  }

  rocksdb::ColumnFamilyHandle* family_of(table of) const { return families_[static_cast<std::size_t>(of)]; }

  // Of a table that there is.
  bool is_missing(table of, std::string const& key) {
    std::string value;
    return family_of(of) != nullptr && database_.Get({}, family_of(of), key, &value).IsNotFound();
  }

  std::uint32_t home_of(auto const& self) const {
    return message::partition_of(self, std::max(into_.partition_count, 1U));
  }

  std::optional<seen> see(table of, std::string_view key, std::string_view value) {
    switch (of) {
    case table::head:
      return see_head(key, value);
    case table::mailbox:
      if (auto const row = mailbox_table::parse(key, value))
        return seen{to_text(row->envelope.target) + ' ' + to_text(row->key), home_of(row->envelope.target),
                    row->key.number};
      break;
    case table::state:
      if (auto const row = state_table::parse(key, value))
        return seen{to_text(row->self) + ' ' + message::percent_encode(row->name),
                    home_of(row->self),
                    {},
                    row->kept.expires_at_ms};
      break;
    case table::delayed:
      return see_delayed(key, value);
    case table::delayed_token:
      return see_token(key, value);
    case table::egress:
      return see_record(key, value);
    case table::egress_cursor:
      if (auto const row = egress_table::parse_cursor(key, value)) {
        cursors_[row->egress] = row->gone_through;
        return seen{to_text(row->egress), home_of(row->egress), row->gone_through};
      }
      break;
    case table::idempotency:
      if (auto const row = idempotency_table::parse(key, value))
        return seen{to_text(row->self) + ' ' + message::percent_encode(row->kept.key.idempotency_key),
                    home_of(row->self), row->kept.first.number, row->kept.key.expires_at_ms};
      break;
    case table::dead_letter:
      return see_dead_letter(key, value);
    case table::pause:
      if (auto const row = pause_table::parse(key, value))
        return seen{row->self.id.empty() ? to_text(row->self.type) : to_text(row->self), home_of(row->self)};
      break;
    case table::position:
      if (auto const row = position_table::parse(key, value))
        return seen{message::percent_encode(row->source)};
      break;
    }
    return std::nullopt;
  }

  std::optional<seen> see_head(std::string_view key, std::string_view value) {
    if (key == head_table::format_key && head_table::parse_format(value))
      return seen{std::string(key)};
    if (auto const head = head_table::parse_head(value); key == head_table::head_key && head) {
      delayed_count_ = head->delayed_count;
      return seen{std::string(key)};
    }
    return std::nullopt;
  }

  std::optional<seen> see_delayed(std::string_view key, std::string_view value) {
    auto const row = delayed_table::parse(key, value);
    std::uint32_t partition = 0;
    if (key_reader parts(key); !row || !parts.take(partition))
      return std::nullopt;
    seen one{to_text(row->owner) + ' ' + to_text(row->key) + " due " + std::to_string(row->set.due_ms),
             home_of(row->owner), row->key.number};
    auto const& token = row->set.cancellation_token;
    if (!token.empty() &&
        is_missing(table::delayed_token, delayed_token_table::key_of(partition, row->owner, token, row->key)))
      add(name_of(table::delayed), one.name, "has a cancellation token, and cannot be found by it");
    return one;
  }

  std::optional<seen> see_token(std::string_view key, std::string_view value) {
    auto const row = delayed_token_table::parse(key, value);
    std::uint32_t partition = 0;
    message::address owner;
    if (key_reader parts(key); !row || !parts.take(partition) || !parts.take(owner))
      return std::nullopt;
    seen one{to_text(owner) + ' ' + to_text(row->key) + " due " + std::to_string(row->due_ms), home_of(owner),
             row->key.number};
    if (is_missing(table::delayed, delayed_table::key_of(partition, *row)))
      add(name_of(table::delayed_token), one.name, "names a delayed message that is not there");
    return one;
  }

  std::optional<seen> see_record(std::string_view key, std::string_view value) {
    auto const row = egress_table::parse(key, value);
    if (!row)
      return std::nullopt;
    seen one{to_text(row->egress) + ' ' + std::to_string(row->record.sequence), home_of(row->egress),
             row->record.sequence};
    if (auto const read = cursors_.find(row->egress); read != cursors_.end() && row->record.sequence <= read->second)
      add(name_of(table::egress), one.name,
          "is still there, and was acknowledged: its egress was read up to " + std::to_string(read->second));
    return one;
  }

  std::optional<seen> see_dead_letter(std::string_view key, std::string_view value) {
    auto const row = dead_letter_table::parse(key, value);
    if (!row)
      return std::nullopt;
    seen one{to_text(row->self) + ' ' + to_text(row->letter.message.key), home_of(row->self),
             row->letter.message.key.number};
    if (auto* const mailboxes = family_of(table::mailbox); mailboxes != nullptr) {
      std::string waiting;
      auto const its_key = mailbox_table::key_of(home_of(row->self), row->self, row->letter.message.key);
      if (database_.Get({}, mailboxes, its_key, &waiting).ok())
        add(name_of(table::dead_letter), one.name, "was set aside, and still waits in the mailbox");
    }
    return one;
  }

  rocksdb::DB& database_;
  checked_store& into_;
  std::int64_t const now_ms_;
  bool number_is_known_ = true;
  std::array<rocksdb::ColumnFamilyHandle*, table_names.size()> families_{};
  std::map<message::egress_id, std::uint64_t> cursors_;
  std::optional<std::uint64_t> delayed_count_; // as the head has it
};

// Cursors stand before the records that they are held against, and the head before what it counts.
constexpr std::array<table, table_names.size()> checked_in_order{
    table::head,   table::mailbox,     table::state,       table::delayed, table::delayed_token, table::egress_cursor,
    table::egress, table::idempotency, table::dead_letter, table::pause,   table::position};

} // namespace

result<checked_store> check_store(std::filesystem::path const& directory) {
  auto const path = directory.lexically_normal().string();
  if (std::error_code why; !std::filesystem::is_directory(directory, why))
    return error{errc::directory_unusable, path + (why ? ": " + why.message() : " is not a directory")};
  readers_lock lock;
  if (auto const locked = lock.take(path); !locked)
    return locked.error();
  auto const order = read_order(*rocksdb::Env::Default(), path);
  if (!order && order.error().code != errc::row_damaged)
    return order.error();
  if (order && order->is_new)
    return error{errc::directory_unusable, path + " holds no store: there is neither db nor " + promise::file_name};

  auto const families = families_of(*rocksdb::Env::Default(), path);
  if (!families)
    return families.error();
  // As a start would replay it; where nothing says from where on, all of it.
  auto const replay = order ? replay_of(*order, replayed_rows::all) : nullptr;
  auto const at = open_to_read(*rocksdb::Env::Default(), path, *families,
                               rocksdb::WALRecoveryMode::kPointInTimeRecovery, replay.get());
  if (!at)
    return at.error();
  checked_store told;
  checker look(*at->database, at->families, told);
  look.number_is_known(order.has_value());
  if (!order) {
    look.add("default", {}, order.error().detail);
  } else {
    told.last_number = order->recovered;
    told.promised = order->promised;
    told.format_version = order->format ? order->format->version : 0;
    told.partition_count = order->format ? order->format->partition_count : 0;
    if (auto const kept = compare_with_promise(*order, path); !kept)
      look.add("promise", {}, kept.error().detail);
  }
  look.check_blocks();
  for (auto const of : checked_in_order)
    look.check_table(of);
  for (auto const& [name, family] : at->families)
    if (std::find(table_names.begin(), table_names.end(), name) == table_names.end())
      look.add(name, {}, "is a table that this version does not know");
  if (told.format_version == 0 &&
      std::any_of(told.tables.begin(), told.tables.end(), [](table_count const& one) { return one.rows_count > 0; }))
    look.add("default", "format", "is missing, and there are rows");
  return told;
}

} // namespace statefund::store
