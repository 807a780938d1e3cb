// The rules of the house as a test: CONTRIBUTING.md says what they are for.

#include "house/source_tree.hpp"
#include "http/problem.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <regex>

using namespace house;

namespace {

std::set<std::string> const code = {".hpp", ".cpp"};

std::string first_folder(std::string_view path) {
  auto const slash = path.find('/');
  return std::string(slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash));
}

// Without what follows "//"; good enough for searching code, where no string of ours holds one.
std::string without_comment(std::string const& line) {
  return line.substr(0, line.find("//"));
}

template <class Offends>
std::vector<std::string> offenders(std::vector<std::filesystem::path> const& files, Offends offends) {
  std::vector<std::string> found;
  for (std::filesystem::path const& file : files)
    for (source_line const& line : lines_of(file))
      if (offends(line))
        found.push_back(to_string(line));
  return found;
}

std::vector<std::string> const none;

} // namespace

TEST_CASE("lib/README.md lists every room once, in its tables and on a floor, and nothing else") {
  std::set<std::string> listed;
  std::regex const row(R"(^\| \[(\w+)\]\(\1/README\.md\) \| .+ \|$)");
  for (source_line const& line : lines_of("lib/README.md")) {
    std::smatch match;
    if (std::regex_match(line.text, match, row)) {
      INFO(to_string(line));
      CHECK(listed.insert(match[1]).second);
    }
  }
  std::set<std::string> on_floors;
  for (auto const& [room, floor] : floors())
    on_floors.insert(room);
  CHECK(on_floors.erase("daemon") == 1);
  CHECK(listed == rooms());
  CHECK(on_floors == rooms());
}

TEST_CASE("every room is a target and has a README") {
  auto const declared = dependencies();
  for (std::string const& room : rooms()) {
    INFO(room);
    CHECK(declared.contains(room));
    CHECK_NOTHROW(read("lib/" + room + "/README.md"));
  }
  CHECK(declared.size() == rooms().size());
}

TEST_CASE("includes between rooms go down the floors, and to rooms that the target names") {
  auto const floor = floors();
  auto const allowed = dependencies();
  auto const wrong = offenders(files_under("lib", code), [&](source_line const& line) {
    // <systemd/sd-daemon.h> is the library's, "systemd/notify.hpp" the room's.
    if (line.text.find('<') != std::string::npos)
      return false;
    std::string const to = first_folder(included(line.text));
    std::string const from = first_folder(line.file.lexically_relative("lib").string());
    if (from.empty() || from == to || !floor.contains(to))
      return false;
    return !floor.contains(from) || floor.at(to) >= floor.at(from) || !allowed.contains(from) ||
           !allowed.at(from).contains(to);
  });
  CHECK(wrong == none);
}

TEST_CASE("a room's target depends on rooms of lower floors only") {
  auto const floor = floors();
  for (auto const& [room, reached] : dependencies())
    for (std::string const& to : reached) {
      INFO(room << " depends on " << to);
      REQUIRE(floor.contains(room));
      REQUIRE(floor.contains(to));
      CHECK(floor.at(to) < floor.at(room));
    }
}

TEST_CASE("no room includes the daemon, the tests, or a file by a way of dots") {
  auto const wrong = offenders(files_under("lib", code), [](source_line const& line) {
    std::string_view const what = included(line.text);
    return what.starts_with("daemon/") || what.starts_with("tests/") || what.starts_with(".");
  });
  CHECK(wrong == none);
}

TEST_CASE("heavy headers appear in .cpp files only") {
  auto headers = files_under("lib", {".hpp"});
  auto const of_daemon = files_under("daemon", {".hpp"});
  headers.insert(headers.end(), of_daemon.begin(), of_daemon.end());
  std::regex const heavy(R"(^(boost/beast|rocksdb/|yaml-cpp/|openssl/|google/protobuf|boost/asio/ssl|.*\.pb\.h$).*)");
  auto const wrong = offenders(
      headers, [&](source_line const& line) { return std::regex_match(std::string(included(line.text)), heavy); });
  CHECK(wrong == none);
}

TEST_CASE("generated protobuf types appear in wire and store only") {
  auto const wrong = offenders(files_under("lib", code), [](source_line const& line) {
    std::string const room = first_folder(line.file.lexically_relative("lib").string());
    return included(line.text).ends_with(".pb.h") && room != "wire" && room != "store";
  });
  CHECK(wrong == none);
}

TEST_CASE("every header is read once: #pragma once") {
  for (auto const& folder : {"lib", "daemon"})
    for (auto const& header : files_under(folder, {".hpp"})) {
      INFO(header.string());
      CHECK(read(header).find("#pragma once\n") != std::string::npos);
    }
}

TEST_CASE("nothing is started without an owner that awaits its end") {
  std::regex const ownerless(R"(\bdetached\b|\.detach\(\))");
  for (auto const& folder : {"lib", "daemon"}) {
    auto const wrong = offenders(files_under(folder, code), [&](source_line const& line) {
      // A look-up of a name can be neither cancelled nor waited for: docs/decisions/0007.
      return line.file != "lib/endpoint/resolver.cpp" && std::regex_search(without_comment(line.text), ownerless);
    });
    CHECK(wrong == none);
  }
}

TEST_CASE("the committer alone writes to the database, and nothing gets past its log") {
  // A second writer, or a write that is not in the log, makes a hole in the one order.
  // Removed ranges are forbidden as well: lib/store/database.cpp says why.
  std::regex const past_log(R"(\b(disableWAL|SyncWAL|FlushWAL|IngestExternalFiles?|DeleteRange)\b)");
  std::regex const writing(R"(\bWrite\(|(\b(db_?|database)(->|\.)|\bget\(\)(->|\.))(Put|Merge|Delete|SingleDelete)\()");
  std::vector<std::string> writers;
  for (auto const& folder : {"lib", "daemon"}) {
    auto const wrong = offenders(files_under(folder, code), [&](source_line const& line) {
      auto const text = without_comment(line.text);
      if (std::regex_search(text, writing))
        writers.push_back(line.file.string());
      return std::regex_search(text, past_log) ||
             (included(line.text).starts_with("rocksdb/") && line.file.parent_path() != "lib/store");
    });
    CHECK(wrong == none);
  }
  CHECK(writers == std::vector<std::string>{
                       "lib/store/commit_queue.cpp", // DB::Write
                       "lib/store/database.cpp",     // the format, once, before there is an order
                       "lib/store/promise.cpp",      // to a file beside the database
                   });
}

TEST_CASE("no condition awaits: GCC 12 makes code of it that crashes") {
  // docs/decisions/0008. `if (auto x = co_await y; ...)` is made well; what is awaited in a macro runs twice.
  std::regex const awaiting(
      R"(\b(if|while|for|switch) \((?!auto\b)[^;]*\bco_await\b|\bco_await\b[^;]*\bstd::(min|max)\(|\b(CHECK|REQUIRE)\w*\(.*\bco_await\b)");
  for (auto const& folder : {"lib", "daemon", "tests"}) {
    auto const wrong = offenders(files_under(folder, code), [&](source_line const& line) {
      return line.file.parent_path() != "tests/house" && std::regex_search(without_comment(line.text), awaiting);
    });
    CHECK(wrong == none);
  }
}

TEST_CASE("no test sleeps: time is moved by hand, or an event is awaited with a deadline") {
  std::regex const sleeping(
      R"(\b(sleep_for|sleep_until|usleep|nanosleep|sleep|setTimeout)\s*\(|^\s*sleep\s|timers/promises)");
  auto const wrong = offenders(files_under("tests", {".hpp", ".cpp", ".sh", ".mjs"}), [&](source_line const& line) {
    // The benchmark paces its load; it is no test. The chaos proxy is slow where a test wants it to be.
    bool const tests = line.file.parent_path() != "tests/house" && line.file.parent_path() != "tests/bench" &&
                       line.file != "tests/support/chaos_proxy.mjs";
    return tests && std::regex_search(without_comment(line.text), sleeping);
  });
  CHECK(wrong == none);
}

TEST_CASE("every number that an operator can meet has a page, and every page a number") {
  std::regex const enumerator(R"(^\s+\w+ = (\d+),.*)");
  std::set<std::string> numbers;
  for (source_line const& line : lines_of("lib/error/number.hpp")) {
    std::smatch match;
    if (!std::regex_match(line.text, match, enumerator))
      continue;
    std::string const digits = match[1];
    INFO(to_string(line));
    CHECK(numbers.insert("SF" + std::string(4 - digits.size(), '0') + digits).second);
  }
  CHECK_FALSE(numbers.empty());
  std::set<std::string> pages;
  for (auto const& page : files_under("docs/errors", {".md"})) {
    std::string const name = page.stem().string();
    pages.insert(name);
    INFO(page.string());
    CHECK(read(page).starts_with("# " + name + ": "));
    for (std::string_view part : {"## What happened", "## What it means", "## What to do"})
      CHECK(read(page).find(part) != std::string::npos);
  }
  CHECK(pages == numbers);
}

TEST_CASE("every number that is an answer is given with the status that is written beside it") {
  std::regex const answer(R"(^\s+\w+ = (\d+), +// ([45]\d\d)\b.*)");
  std::size_t answers_count = 0;
  for (source_line const& line : lines_of("lib/error/number.hpp")) {
    std::smatch match;
    if (!std::regex_match(line.text, match, answer))
      continue;
    ++answers_count;
    INFO(to_string(line));
    unsigned const status = statefund::http::status_of(statefund::number(std::stoul(match[1])));
    CHECK(status == std::stoul(match[2]));
    CHECK(statefund::http::reason_phrase(status) != "Unknown");
  }
  CHECK(answers_count > 0);
}

TEST_CASE("nothing is left for later, and nothing points outside the project") {
  // Put together here, so that this file does not hold them.
  std::array<std::string, 7> const words = {std::string("TO") + "DO",        std::string("FIX") + "ME",
                                            std::string("XX") + "X",         std::string("../") + "shared",
                                            std::string("/wo") + "rk/",      std::string("registry.") + "npmjs",
                                            std::string("\"reso") + "lved\""};
  auto const wrong = offenders(files_under("."), [&](source_line const& line) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string const& word) { return line.text.find(word) != std::string::npos; });
  });
  CHECK(wrong == none);
}
