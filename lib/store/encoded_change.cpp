#include "store/encoded_change.hpp"

#include "store/row_parts.hpp"

#include <cstring>

// steps = { step }
// step  = table 1 byte, verb 1 byte, key length 4 bytes, value length 4 bytes (both as the machine has them), key,
// value

namespace statefund::store {

namespace {

constexpr std::size_t step_head_bytes = 10;

std::uint32_t read_length(char const* from) noexcept {
  std::uint32_t length = 0;
  std::memcpy(&length, from, sizeof length);
  return length;
}

void append_length(std::string& to, std::size_t bytes) {
  auto const length = static_cast<std::uint32_t>(bytes);
  to.append(reinterpret_cast<char const*>(&length), sizeof length);
}

constexpr std::uint64_t sequence_bytes = 8;

} // namespace

encoded_change::encoded_change(message::change const& whole, std::uint32_t partition_count) {
  auto const partition = message::partition_of(whole.self, partition_count);
  for (auto const& key : whole.consumed)
    add(table::mailbox, row_verb::remove_entry, mailbox_table::key_of(partition, whole.self, key));
  for (auto const& one : whole.states)
    if (auto const key = state_table::key_of(partition, whole.self, one.name); one.value)
      add(table::state, row_verb::put, key, state_table::value_of(*one.value));
    else
      add(table::state, row_verb::remove, key);
  for (std::uint32_t i = 0; i < whole.messages.size(); ++i) {
    auto const& one = whole.messages[i];
    add(table::mailbox, row_verb::put_entry,
        mailbox_table::key_of(message::partition_of(one.target, partition_count), one.target, {0, i}),
        mailbox_table::value_of(one));
  }
  for (std::uint32_t i = 0; i < whole.delayed_set.size(); ++i) {
    auto const& one = whole.delayed_set[i];
    add(table::delayed, row_verb::put_entry, delayed_table::key_of(partition, {one.due_ms, {0, i}}),
        delayed_table::value_of(whole.self, one));
    if (auto const& token = one.cancellation_token; !token.empty())
      add(table::delayed_token, row_verb::put_entry, delayed_token_table::key_of(partition, whole.self, token, {0, i}),
          delayed_token_table::value_of(one.due_ms));
  }
  for (auto const& [row, token] : whole.delayed_gone) {
    add(table::delayed, row_verb::remove_entry, delayed_table::key_of(partition, row));
    if (!token.empty())
      add(table::delayed_token, row_verb::remove_entry,
          delayed_token_table::key_of(partition, whole.self, token, row.key));
  }
  for (std::size_t i = 0; i < whole.egress_records.size(); ++i) {
    auto const& [egress, value] = whole.egress_records[i];
    add(table::egress, row_verb::put_sequence,
        egress_table::key_of(message::partition_of(egress, partition_count), egress, i),
        egress_table::value_of(whole.self, value));
  }
  if (whole.key)
    add(table::idempotency, row_verb::put, idempotency_table::key_of(partition, whole.self, whole.key->idempotency_key),
        idempotency_table::value_of(*whole.key, {}));
  if (whole.pause) {
    auto const key = pause_table::key_of(partition, whole.self);
    if (whole.pause->paused)
      add(table::pause, row_verb::put, key, pause_table::value_of(*whole.pause->paused));
    else
      add(table::pause, row_verb::remove, key);
  }
  for (auto const& letter : whole.dead_letters)
    add(table::dead_letter, row_verb::put, dead_letter_table::key_of(partition, {letter.message.key, whole.self}),
        dead_letter_table::value_of(letter));
  for (auto const& key : whole.dead_letters_gone)
    add(table::dead_letter, row_verb::remove, dead_letter_table::key_of(partition, {key, whole.self}));
  if (whole.position)
    add(table::position, row_verb::put, position_table::key_of(partition, whole.position->source),
        position_table::value_of(*whole.position));
}

// Not as one range: RocksDB 7.8 may end the process where it reads removed ranges out of a table that is damaged.
void encoded_change::remove_records(std::uint32_t partition, message::egress_id const& egress,
                                    std::vector<std::uint64_t> const& sequences) {
  for (auto const sequence : sequences)
    add(table::egress, row_verb::remove_sequence, egress_table::key_of(partition, egress, sequence));
  add(table::egress_cursor, row_verb::put, egress_table::prefix_of(partition, egress),
      egress_table::cursor_value_of(sequences.back()));
}

void encoded_change::add(table of, row_verb verb, std::string_view key, std::string_view value) {
  steps_.push_back(static_cast<char>(of));
  steps_.push_back(static_cast<char>(verb));
  append_length(steps_, key.size());
  append_length(steps_, value.size());
  steps_.append(key);
  steps_.append(value);
}

void encoded_change::set_number(std::uint64_t number) noexcept {
  std::uint64_t sequence = number;
  for (std::size_t at = 0; at < steps_.size();) {
    char* const step = steps_.data() + at;
    auto const key_bytes = read_length(step + 2);
    auto const value_bytes = read_length(step + 6);
    char* const key_end = step + step_head_bytes + key_bytes;
    if (static_cast<row_verb>(step[1]) == row_verb::put_entry)
      overwrite_number(key_end - entry_key_bytes, number);
    else if (static_cast<row_verb>(step[1]) == row_verb::put_sequence)
      overwrite_number(key_end - sequence_bytes, ++sequence);
    else if (static_cast<table>(step[0]) == table::idempotency)
      overwrite_number(key_end + value_bytes - sizeof number, number);
    at += step_head_bytes + key_bytes + value_bytes;
  }
}

row_step encoded_change::read_step(std::size_t& at) const noexcept {
  char const* const step = steps_.data() + at;
  auto const key_bytes = read_length(step + 2);
  auto const value_bytes = read_length(step + 6);
  at += step_head_bytes + key_bytes + value_bytes;
  return {static_cast<table>(step[0]),
          static_cast<row_verb>(step[1]),
          {step + step_head_bytes, key_bytes},
          {step + step_head_bytes + key_bytes, value_bytes}};
}

} // namespace statefund::store
