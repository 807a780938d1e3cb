#include "ingress/batch_reader.hpp"
#include "ingress/options.hpp"
#include "wire/frames.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace statefund;
using namespace std::chrono_literals;
using ingress::batch_format;
using ingress::batch_reader;

namespace {

std::optional<std::string> type_of_text(message::function_type const& type) {
  if (type.name == "none")
    return std::nullopt;
  return "io.statefun.types/string";
}

struct outcome {
  std::vector<std::string> messages;   // "<index> <target> <type> <bytes> <key> <delay>"
  std::vector<std::string> rejections; // "<index> <number>"
  bool ended = false;
  std::uint64_t count = 0;

  bool operator==(outcome const&) const = default;
};

outcome read(batch_format as, std::vector<std::string_view> const& pieces, std::uint64_t message_bytes_max = 100) {
  batch_reader reader(as, message_bytes_max, type_of_text);
  outcome all;
  auto const take = [&] {
    auto const taken = reader.take_messages();
    for (std::size_t i = 0; i < taken.submissions.size(); ++i) {
      auto const& one = taken.submissions[i];
      all.messages.push_back(std::to_string(taken.indexes[i]) + " " + to_text(one.target) + " " + one.value.type_name +
                             " " + one.value.bytes + " " + one.idempotency_key.value_or("-") + " " +
                             std::to_string(one.delay.count()));
    }
  };
  for (std::string_view const piece : pieces) {
    reader.feed(piece);
    take();
  }
  reader.finish();
  take();
  for (auto const& one : reader.rejections())
    all.rejections.push_back(std::to_string(one.index) + " " + to_string(one.why));
  all.ended = reader.ended();
  all.count = reader.next_index();
  return all;
}

std::string frame(std::string id, std::string type, std::string bytes) {
  std::string out;
  wire::append_frame(out, {{{"a", "b"}, std::move(id)}, {std::move(type), true, std::move(bytes)}, {}, 0});
  return out;
}

std::string const lines = R"({"target":"a/b/1","type":"t","value":"Zm9v"}
{"target":"a/b/2","text":"hi","key":"k","delay":"10s"}

{"target":"a/b","text":"hi"}
{"target":"a/none/1","text":"hi"}
{"target":"a/b/3","value":""}
{"target":"a/b/4","type":"t","json": [1, 2],"key":""}
{"target":"a/b%2Fc/5","type":"t","json": [1, 2]}
{"target":"a/b/6","type":"t","text":"both"}
{"target":"a/b/7","text":"last"})";

outcome const lines_read{{"0 a/b/1 t foo - 0", "1 a/b/2 io.statefun.types/string \n\x02hi k 10000",
                          "6 a/b%2Fc/5 t [1, 2] - 0", "8 a/b/7 io.statefun.types/string \n\x04last - 0"},
                         {"2 SF0101", "3 SF0102", "4 SF0104", "5 SF0101", "7 SF0101"},
                         false,
                         9};

} // namespace

TEST_CASE("an NDJSON upload is read the same wherever it is cut") {
  CHECK(read(batch_format::ndjson, {lines}) == lines_read);
  std::string_view const all = lines;
  for (std::size_t cut = 0; cut <= all.size(); ++cut)
    CHECK(read(batch_format::ndjson, {all.substr(0, cut), all.substr(cut)}) == lines_read);
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < all.size(); ++i)
    bytes.push_back(all.substr(i, 1));
  CHECK(read(batch_format::ndjson, bytes) == lines_read);
}

TEST_CASE("a protobuf upload is read the same wherever it is cut") {
  std::string upload = frame("1", "t", "foo") + frame("2", "", "x") + frame("", "t", "x") +
                       frame("3", "t", std::string(101, 'x')) + frame("4", "t", "bar");
  wire::append_frame(upload, {{{"a", "b"}, "5"}, {"t", true, ""}, "key", -1});
  wire::append_frame(upload, {{{"a", "b"}, "6"}, {"t", true, ""}, "key", 7});
  wire::append_frame(upload, {{{"a", "b"}, "7"}, {"t", true, ""}, {}, std::numeric_limits<std::int64_t>::max()});
  wire::append_frame(upload, {{{"a", "b"}, "8"}, {"t", true, ""}, {}, message::delay_max.count() + 1});
  wire::append_frame(upload, {{{"a", "b"}, "9"}, {"t", true, ""}, {}, message::delay_max.count()});
  outcome const expected{{"0 a/b/1 t foo - 0", "4 a/b/4 t bar - 0", "6 a/b/6 t  key 7", "9 a/b/9 t  - 315569520000"},
                         {"1 SF0104", "2 SF0101", "3 SF0103", "5 SF0101", "7 SF0101", "8 SF0101"},
                         false,
                         10};
  std::string_view const all = upload;
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    INFO("cut at " << cut);
    CHECK(read(batch_format::protobuf, {all.substr(0, cut), all.substr(cut)}) == expected);
  }
}

TEST_CASE("a protobuf framing error rejects its index and ends the upload") {
  std::string const good = frame("1", "t", "foo");
  for (std::string const& bad :
       {std::string(11, '\xff'), std::string("\xff\xff\xff\x7f"), std::string("\x02\xff\xff")}) {
    auto const result = read(batch_format::protobuf, {good + bad + good});
    CHECK(result.messages.size() == 1);
    CHECK(result.rejections.size() == 1);
    CHECK(result.ended);
    CHECK(result.count == 2);
  }
  auto const cut = read(batch_format::protobuf, {good, std::string_view(good).substr(0, good.size() - 1)});
  CHECK(cut.rejections == std::vector<std::string>{"1 SF0101"});
}

TEST_CASE("a line that is too long is rejected at its index, and reading goes on behind it") {
  std::string const longest(ingress::line_overhead_bytes + 1000, 'x');
  std::string const good = R"({"target":"a/b/1","text":"x"})";
  for (std::string const& upload : {good + "\n" + longest + "\n" + good, good + "\n" + longest + longest + "\n" + good})
    for (std::size_t step : {std::size_t{997}, std::size_t{65536}, upload.size()}) {
      std::vector<std::string_view> pieces;
      for (std::size_t at = 0; at < upload.size(); at += step)
        pieces.push_back(std::string_view(upload).substr(at, step));
      auto const result = read(batch_format::ndjson, pieces);
      CHECK(result.messages.size() == 2);
      CHECK(result.rejections == std::vector<std::string>{"1 SF0103"});
      CHECK(result.count == 3);
    }
}

TEST_CASE("after so many bytes of why messages were rejected reading stops") {
  std::string bad;
  std::string const long_name(4000, 'n');
  for (std::size_t i = 0; i < 2000; ++i)
    bad += "{\"target\":\"" + long_name + "/none/1\",\"text\":\"x\"}\n";
  auto const result = read(batch_format::ndjson, {bad});
  CHECK(result.ended);
  CHECK(result.rejections.size() > ingress::rejections_bytes_max / (2 * long_name.size()));
  CHECK(result.rejections.size() <= ingress::rejections_bytes_max / long_name.size());
}

TEST_CASE("after so many rejections reading stops") {
  std::string bad;
  for (std::size_t i = 0; i < ingress::rejections_max + 10; ++i)
    bad += "x\n";
  auto const result = read(batch_format::ndjson, {bad});
  CHECK(result.ended);
  CHECK(result.rejections.size() == ingress::rejections_max);
  CHECK(result.count == ingress::rejections_max);
}
