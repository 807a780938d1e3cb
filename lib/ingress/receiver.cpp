#include "ingress/receiver.hpp"

#include "error/ensure.hpp"
#include "http/errc.hpp"
#include "http/problem.hpp"
#include "http/query.hpp"
#include "ingress/batch_reader.hpp"
#include "ingress/egress_page.hpp"
#include "ingress/message_head.hpp"
#include "ingress/reservation.hpp"
#include "module/duration.hpp"

#include <algorithm>

namespace statefund::ingress {

namespace asio = boost::asio;
using answer = std::optional<http::response>;
using clock::deadline;

namespace {

constexpr std::string_view protobuf_type = "application/vnd.statefund.v1+protobuf";
constexpr std::string_view ndjson_type = "application/x-ndjson";
constexpr std::string_view egress_prefix = "/-/egress/";
// How soon a reader that waits for records learns that the daemon stops.
constexpr std::chrono::seconds egress_wait_slice{1};

http::response refused(dispatch::refusal const& why) {
  return http::problem(why.why, why.detail, why.retry_after);
}

http::response wrong_method(std::string_view allowed) {
  auto said = http::problem(number::method_not_allowed, "this path is for " + std::string(allowed));
  said.headers.emplace_back("Allow", allowed);
  return said;
}

// Without what stands behind a ';'.
std::string media_type_of(std::string_view header) {
  std::string type(header.substr(0, header.find(';')));
  while (!type.empty() && type.back() == ' ')
    type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

http::response told(message::entry_key const& id, unsigned status) {
  http::response answer;
  answer.status = status;
  answer.headers.emplace_back("Statefun-Message-Id", message::to_text(id));
  return answer;
}

// The whole body, of at most `bytes_max`; what it takes is reserved before it is read.
asio::awaitable<std::variant<std::string, answer>> read_whole(http::body& sent, std::uint64_t bytes_max,
                                                              reservation& held) {
  auto const length = sent.length_bytes();
  if (length.value_or(0) > bytes_max)
    co_return refused(too_large(bytes_max));
  std::string bytes;
  if (length) {
    if (!held.hold(*length))
      co_return refused(memory_mark_refusal());
    bytes.reserve(*length);
  }
  auto const until = deadline::after(body_max);
  for (;;) {
    auto const piece = co_await sent.read_some(until);
    if (piece.has_error())
      co_return http::answer_to(piece.error());
    if (piece->empty())
      co_return std::move(bytes);
    if (bytes.size() + piece->size() > bytes_max)
      co_return refused(too_large(bytes_max));
    if (!length && !held.hold(bytes.size() + piece->size()))
      co_return refused(memory_mark_refusal());
    bytes.append(*piece);
  }
}

// What a batch upload has come to.
struct tally {
  std::uint64_t accepted_count = 0;
  std::uint64_t duplicates_count = 0;
  std::vector<rejection> rejections; // by index, but for those of the reader
  std::uint64_t rejections_bytes = 0;
  store::ticket last;
  bool anything_ordered = false;
};

void count(tally& so_far, std::vector<dispatch::receipt>& receipts, std::vector<std::uint64_t> const& indexes) {
  ensure(receipts.size() == indexes.size(), "accept_many gives a receipt for each message");
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    if (auto* const one = std::get_if<dispatch::accepted>(&receipts[i])) {
      ++so_far.accepted_count;
      so_far.last.merge(one->ordered);
      so_far.anything_ordered = true;
    } else if (auto* const again = std::get_if<dispatch::duplicate>(&receipts[i])) {
      ++so_far.duplicates_count;
      so_far.last.merge(again->ordered);
      so_far.anything_ordered = true;
    } else {
      auto& why = std::get<dispatch::refusal>(receipts[i]);
      so_far.rejections_bytes += why.detail.size();
      so_far.rejections.push_back({indexes[i], why.why, std::move(why.detail)});
    }
  }
}

http::response summary(tally const& all, std::optional<std::uint64_t> stopped_at) {
  http::response answer;
  answer.content_type = "application/json";
  std::string& text = answer.body;
  text = "{\"accepted\":" + std::to_string(all.accepted_count) +
         ",\"duplicates\":" + std::to_string(all.duplicates_count) + ",\"rejected\":[";
  for (rejection const& one : all.rejections) {
    text += &one == all.rejections.data() ? "" : ",";
    text += "{\"index\":" + std::to_string(one.index) + ",\"status\":" + std::to_string(http::status_of(one.why)) +
            ",\"code\":\"" + to_string(one.why) + "\",\"detail\":";
    http::append_json_string(text, one.detail);
    text += '}';
  }
  text += ']';
  if (stopped_at)
    text += ",\"stopped_at\":" + std::to_string(*stopped_at);
  text += "}\n";
  return answer;
}

} // namespace

void receiver::answered(unsigned status) noexcept {
  if (status < answers_.size())
    ++answers_[status];
}

bool receiver::lets_in(http::peer const& from) const noexcept {
  auto const& allowed = options_.allow_uids;
  return allowed.empty() || (from.uid && std::find(allowed.begin(), allowed.end(), *from.uid) != allowed.end());
}

asio::awaitable<answer> receiver::handle(http::request const& asked, http::body& sent) {
  if (!lets_in(asked.from))
    co_return http::problem(number::uid_not_allowed, "this user may not use this socket (ingress.allow_uids)");
  std::string_view const path = asked.path();
  if (path == "/-/batch")
    co_return co_await take_batch(asked, sent);
  if (path.starts_with(egress_prefix))
    co_return co_await give_records(asked);
  if (path.starts_with("/-/") || std::count(path.begin(), path.end(), '/') != 3)
    co_return http::problem(number::path_unknown, "messages go to /<namespace>/<name>/<id> and to /-/batch, records "
                                                  "come from /-/egress/<namespace>/<name>");
  co_return co_await take_message(asked, sent);
}

asio::awaitable<answer> receiver::take_message(http::request const& asked, http::body& sent) {
  if (asked.method != http::method::put && asked.method != http::method::post)
    co_return wrong_method("PUT, POST");
  auto target = message::parse_address(asked.path().substr(1));
  if (!target.value)
    co_return refused(malformed("the path is /<namespace>/<name>/<id>: " + std::string(target.fault)));
  if (auto const none = http::query::parse(asked.query(), {}); none.has_error())
    co_return http::answer_to(none.error());
  if (auto const why = at_.not_accepting())
    co_return refused(*why);
  auto head = read_message_head(asked);
  if (auto* const wrong = std::get_if<dispatch::refusal>(&head))
    co_return refused(*wrong);
  auto& [one, is_text] = std::get<message_head>(head);
  one.target = std::move(*target.value);

  reservation held(at_);
  auto whole = co_await read_whole(sent, options_.message_bytes_max, held);
  if (auto* const instead = std::get_if<answer>(&whole))
    co_return std::move(*instead);
  auto& bytes = std::get<std::string>(whole);
  if (is_text) {
    auto const at = &at_;
    auto const type_of = [at](message::function_type const& type) { return at->text_type_name(type); };
    if (auto const wrong = set_text(one, bytes, type_of))
      co_return refused(*wrong);
  } else {
    one.value.bytes = std::move(bytes);
  }
  if (auto const wrong = check(one, options_.message_bytes_max))
    co_return refused(*wrong);

  one.reserved_bytes = one.value.bytes.size();
  auto const receipt = co_await at_.accept(std::move(one));
  if (auto const* const why = std::get_if<dispatch::refusal>(&receipt))
    co_return refused(*why);
  auto const* const again = std::get_if<dispatch::duplicate>(&receipt);
  auto const* const first = std::get_if<dispatch::accepted>(&receipt);
  auto const shown = co_await at_.durable(again ? again->ordered : first->ordered);
  if (shown.has_error())
    co_return std::nullopt; // the outcome is unknown, and anything said could be wrong
  if (!again)
    co_return told(first->id, 202);
  auto known = told(again->first, 200);
  known.headers.emplace_back("Statefun-Duplicate", "true");
  co_return known;
}

asio::awaitable<answer> receiver::take_batch(http::request const& asked, http::body& sent) {
  if (asked.method != http::method::post)
    co_return wrong_method("POST");
  if (auto const none = http::query::parse(asked.query(), {}); none.has_error())
    co_return http::answer_to(none.error());
  auto const media_type = media_type_of(asked.header("Content-Type").value_or(std::string_view{}));
  if (media_type != ndjson_type && media_type != protobuf_type)
    co_return refused(no_type("a batch is sent as 'Content-Type: application/x-ndjson', a JSON object a line, or as "
                              "'application/vnd.statefund.v1+protobuf', a length before each message"));
  if (auto const why = at_.not_accepting())
    co_return refused(*why);

  auto const at = &at_;
  batch_reader reader(media_type == ndjson_type ? batch_format::ndjson : batch_format::protobuf,
                      options_.message_bytes_max,
                      [at](message::function_type const& type) { return at->text_type_name(type); });
  dispatch::upload upload(at_.shards_count());
  reservation held(at_);
  tally all;
  std::optional<std::uint64_t> stopped_at;
  for (bool more = true; more;) {
    auto const piece = co_await sent.read_some();
    if (piece.has_error()) {
      // A refusal now would be one of messages that are ordered.
      if (all.anything_ordered)
        co_return std::nullopt;
      co_return http::answer_to(piece.error());
    }
    more = !piece->empty();
    if (more && !held.hold(reader.held_bytes() + piece->size())) {
      if (!all.anything_ordered)
        co_return refused(memory_mark_refusal());
      all.rejections.push_back({reader.next_index(), number::memory_mark_reached, memory_mark_refusal().detail});
      stopped_at = reader.next_index() + 1;
      break;
    }
    if (more)
      reader.feed(*piece);
    else
      reader.finish();
    auto read = reader.take_messages();
    if (!read.submissions.empty()) {
      auto receipts = co_await at_.accept_many(std::move(read.submissions), upload, options_.wait_max);
      count(all, receipts, read.indexes);
    }
    auto const rejected_count = all.rejections.size() + reader.rejections().size();
    auto const rejected_bytes = all.rejections_bytes + reader.rejections_bytes() + upload.rejected_bytes();
    if (more && (reader.ended() || rejected_count >= rejections_max || rejected_bytes >= rejections_bytes_max)) {
      stopped_at = reader.next_index();
      more = false;
    }
  }
  auto const shown = co_await at_.durable(all.last);
  if (shown.has_error())
    co_return std::nullopt;
  all.rejections.insert(all.rejections.end(), std::make_move_iterator(reader.rejections().begin()),
                        std::make_move_iterator(reader.rejections().end()));
  std::sort(all.rejections.begin(), all.rejections.end(),
            [](rejection const& a, rejection const& b) { return a.index < b.index; });
  co_return summary(all, stopped_at);
}

asio::awaitable<answer> receiver::give_records(http::request const& asked) {
  if (asked.method != http::method::get)
    co_return wrong_method("GET");
  auto egress = message::parse_egress_id(asked.path().substr(egress_prefix.size()));
  if (!egress.value)
    co_return refused(malformed("the path is /-/egress/<namespace>/<name>: " + std::string(egress.fault)));
  auto const query = http::query::parse(asked.query(), {"after", "max", "wait", "peek"});
  if (query.has_error())
    co_return http::answer_to(query.error());
  auto const after = query->find_number("after", 0, UINT64_MAX);
  auto const records_max = query->find_number("max", 1, egress_records_max);
  auto const peek = query->find_flag("peek");
  if (after.has_error())
    co_return http::answer_to(after.error());
  if (records_max.has_error())
    co_return http::answer_to(records_max.error());
  if (peek.has_error())
    co_return http::answer_to(peek.error());
  std::chrono::nanoseconds wait{0};
  if (auto const text = query->find("wait")) {
    auto const read = module::parse_duration(*text);
    if (read.has_error() || *read > egress_wait_max)
      co_return refused(malformed("'wait' is a duration of at most 60s, as in wait=5s"));
    wait = *read;
  }

  dispatch::egress_request wanted{std::move(*egress.value), *after, *peek, records_max->value_or(100),
                                  deadline::after(wait)};
  auto const until = wanted.wait_until;
  for (;;) {
    wanted.wait_until = std::min(until, deadline::after(egress_wait_slice));
    auto const found = co_await at_.read_egress(wanted);
    if (auto const* const why = std::get_if<dispatch::refusal>(&found))
      co_return refused(*why);
    auto const& page = std::get<store::egress_page>(found);
    if (page.records.empty() && !until.reached() && !stopping_) {
      wanted.peek = true; // what was acknowledged is acknowledged
      continue;
    }
    http::response said;
    bool const binary = asked.header("Accept").value_or(std::string_view{}).find(protobuf_type) != std::string::npos;
    said.content_type = binary ? protobuf_type : ndjson_type;
    said.body = binary ? as_protobuf(page) : as_ndjson(page);
    co_return said;
  }
}

} // namespace statefund::ingress
