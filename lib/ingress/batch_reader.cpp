// docs/format/batch-ndjson.md and docs/format/ingress.md have the grammars.

#include "ingress/batch_reader.hpp"

#include "http/base64.hpp"
#include "ingress/json_line.hpp"
#include "ingress/options.hpp"
#include "wire/errc.hpp"
#include "wire/frames.hpp"

#include <algorithm>
#include <utility>

namespace statefund::ingress {

namespace {

bool is_blank(std::string_view line) noexcept {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

} // namespace

batch_reader::batch_reader(batch_format as, std::uint64_t message_bytes_max, text_type type_of)
    : as_(as),
      message_bytes_max_(message_bytes_max),
      line_bytes_max_(message_bytes_max / 3 * 4 + line_overhead_bytes),
      frame_bytes_max_(message_bytes_max + line_overhead_bytes),
      type_of_(std::move(type_of)) {}

void batch_reader::feed(std::string_view piece) {
  if (ended_)
    return;
  if (kept_.empty()) {
    std::size_t const read = as_ == batch_format::ndjson ? read_lines(piece) : read_frames(piece);
    if (!ended_ && !skipping_line_)
      kept_.assign(piece.substr(read));
    searched_bytes_ = kept_.size();
    return;
  }
  kept_.append(piece);
  std::size_t const read = as_ == batch_format::ndjson ? read_lines(kept_) : read_frames(kept_);
  if (ended_ || skipping_line_)
    kept_.clear();
  else
    kept_.erase(0, read);
  searched_bytes_ = kept_.size();
}

void batch_reader::finish() {
  if (ended_ || kept_.empty())
    return;
  if (as_ == batch_format::ndjson) {
    if (!is_blank(kept_))
      read_line(kept_);
  } else {
    reject(malformed("the upload ended within a message"));
  }
  kept_.clear();
}

batch_reader::messages batch_reader::take_messages() {
  return std::exchange(messages_, {});
}

std::size_t batch_reader::read_lines(std::string_view available) {
  std::size_t read = 0;
  while (!ended_) {
    std::size_t const end = available.find('\n', std::max(read, searched_bytes_));
    searched_bytes_ = 0;
    if (end == std::string_view::npos) {
      if (!skipping_line_ && available.size() - read > line_bytes_max_) {
        reject(too_large(message_bytes_max_));
        skipping_line_ = true;
      }
      break;
    }
    std::string_view const line = available.substr(read, end - read);
    read = end + 1;
    if (std::exchange(skipping_line_, false))
      continue;
    if (line.size() > line_bytes_max_)
      reject(too_large(message_bytes_max_));
    else if (!is_blank(line))
      read_line(line);
  }
  return read;
}

std::size_t batch_reader::read_frames(std::string_view available) {
  std::size_t read = 0;
  while (!ended_ && read < available.size()) {
    auto const next = wire::next_frame(available.substr(read), frame_bytes_max_);
    if (next.has_error()) {
      if (next.error().code == wire::errc::frame_too_large)
        reject(too_large(message_bytes_max_));
      else
        reject(malformed("what should be a message's length is none: " + next.error().to_string()));
      ended_ = true;
      break;
    }
    if (!*next)
      break;
    read += (*next)->whole_bytes;
    read_frame((*next)->body);
  }
  return read;
}

void batch_reader::read_line(std::string_view text) {
  auto parsed = read_json_line(text);
  if (auto* const fault = std::get_if<std::string>(&parsed))
    return reject(malformed(std::move(*fault)));
  auto& line = std::get<json_line>(parsed);

  dispatch::submission one;
  auto target = message::parse_address(line.target);
  if (!target.value)
    return reject(malformed("'target': " + std::string(target.fault)));
  one.target = std::move(*target.value);
  one.idempotency_key = std::move(line.key);
  if (line.delay) {
    auto delay = read_delay(*line.delay);
    if (auto* const wrong = std::get_if<dispatch::refusal>(&delay))
      return reject(std::move(*wrong));
    one.delay = std::get<std::chrono::milliseconds>(delay);
  }
  if (line.is == json_line::kind::text) {
    if (auto wrong = set_text(one, line.content, type_of_))
      return reject(std::move(*wrong));
    return add(std::move(one));
  }
  if (!line.type || line.type->empty())
    return reject(no_type("the value's type is missing: add \"type\": \"<typename>\", or send a text as \"text\""));
  one.value.type_name = std::move(*line.type);
  if (line.is == json_line::kind::json) {
    one.value.bytes = std::move(line.content);
  } else {
    auto bytes = http::base64_decode(line.content);
    if (!bytes)
      return reject(malformed("'value' is not base64 (RFC 4648, with padding)"));
    one.value.bytes = std::move(*bytes);
  }
  add(std::move(one));
}

void batch_reader::read_frame(std::string_view body) {
  auto decoded = wire::decode_ingress_message(body);
  if (decoded.has_error()) {
    ended_ = decoded.error().code == wire::errc::malformed;
    return reject(malformed(decoded.error().to_string()));
  }
  dispatch::submission one;
  one.target = std::move(decoded->target);
  one.value = std::move(decoded->value);
  if (!decoded->idempotency_key.empty())
    one.idempotency_key = std::move(decoded->idempotency_key);
  one.delay = std::chrono::milliseconds(decoded->delay_ms);
  add(std::move(one));
}

void batch_reader::add(dispatch::submission one) {
  if (auto wrong = check(one, message_bytes_max_))
    return reject(std::move(*wrong));
  one.reserved_bytes = one.value.bytes.size();
  messages_.submissions.push_back(std::move(one));
  messages_.indexes.push_back(next_index_++);
}

void batch_reader::reject(dispatch::refusal why) {
  rejections_bytes_ += why.detail.size();
  rejections_.push_back({next_index_++, why.why, std::move(why.detail)});
  if (rejections_.size() >= rejections_max || rejections_bytes_ >= rejections_bytes_max)
    ended_ = true;
}

} // namespace statefund::ingress
