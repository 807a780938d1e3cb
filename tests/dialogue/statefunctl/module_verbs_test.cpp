#include "dialogue/statefunctl/fake_daemon.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <system_error>
#include <vector>

namespace asio = boost::asio;
using namespace statefund;
using statefunctl::exit_code;

namespace {

std::string endpoint(std::string const& functions, std::string const& url, std::string const& more = "") {
  return "---\nkind: io.statefun.endpoints.v2/http\nspec:\n  functions: '" + functions + "'\n  urlPathTemplate: '" +
         url + "'\n" + more;
}

// A module directory, and the verb that judges it.
struct modules {
  modules() { std::filesystem::create_directory(directory); }
  ~modules() {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  void write(std::string const& name, std::string const& text) const { std::ofstream(directory + "/" + name) << text; }
  exit_code run(std::vector<char const*> words) {
    words.insert(words.begin(), "statefunctl");
    out.str("");
    err.str("");
    return statefunctl::run(static_cast<int>(words.size()), words.data(), in, out, err);
  }
  exit_code validate(std::vector<char const*> flags = {}) {
    flags.insert(flags.begin(), {"validate", directory.c_str()});
    return run(std::move(flags));
  }

  dialogue::socket_directory sockets;
  std::string directory = sockets.path("modules");
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
};

struct listening {
  explicit listening(asio::io_context& io) : acceptor(io, {asio::ip::address_v4::loopback(), 0}) {}
  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/f"; }
  std::size_t connections_count() {
    acceptor.non_blocking(true);
    std::size_t count = 0;
    for (boost::system::error_code failure;; ++count) {
      auto const accepted = acceptor.accept(failure);
      if (failure)
        return count;
    }
  }
  asio::ip::tcp::acceptor acceptor;
};

} // namespace

TEST_CASE("validate says that all is good, or every error and 78") {
  modules files;
  files.write("a.yaml", endpoint("ns/f", "http://host/"));
  CHECK(files.validate() == exit_code::done);
  CHECK(files.out.str() == files.directory + ": 1 file, 1 function, 0 egresses: all good\n");
  CHECK(files.err.str().empty());

  files.write("b.yaml", "kind: [\n");
  CHECK(files.validate() == exit_code::invalid);
  CHECK(static_cast<int>(exit_code::invalid) == 78);
  CHECK(files.out.str().empty());
  CHECK(files.err.str() == files.directory + "/b.yaml:1:7: error: the '[' is not closed; expected a ']'\n"
                                             "    1 | kind: [\n"
                                             "      |       ^\n"
                                             "1 error in 1 of 2 files\n");
}

TEST_CASE("validate gives JSON wherever --json stands, and nothing beside it") {
  modules files;
  files.write("a.yaml", "kind: [\n");
  CHECK(files.validate({"--json"}) == exit_code::invalid);
  std::string const behind = files.out.str();
  CHECK(files.err.str().empty());
  CHECK_THAT(behind, Catch::StartsWith("{\"directory\":\"" + files.directory + "\",\"ok\":false,"));
  CHECK_THAT(behind, Catch::EndsWith("\"source\":\"kind: [\"}]}\n"));
  CHECK(files.run({"--json", "validate", files.directory.c_str()}) == exit_code::invalid);
  CHECK(files.out.str() == behind);
}

TEST_CASE("with --connect it says of every pattern whether its endpoint can be reached, and why not") {
  modules files;
  asio::io_context io;
  listening here(io);
  std::string const refusing = [&] {
    listening const gone(io);
    return gone.url();
  }();
  std::string const socket = files.sockets.path("f.sock");
  asio::local::stream_protocol::acceptor const local(io, asio::local::stream_protocol::endpoint(socket));
  files.write("a.yaml",
              endpoint("a/*", here.url()) + endpoint("b/f", "http+unix://" + socket + "/f") +
                  endpoint("c/f", refusing) + endpoint("d/f", "http+unix://" + files.sockets.path("none.sock") + "/f") +
                  endpoint("e/*", "http://{function.name}.svc/") +
                  endpoint("f/*", "http+unix:///run/{function.name}.sock/f") +
                  endpoint("g/*", here.url() + "/{function.name}") + endpoint("h/f", "http://no-such-host.invalid/"));
  CHECK(files.validate({"--connect"}) == exit_code::failed);
  std::string const said = files.out.str();
  INFO(said);
  CHECK_THAT(said, Catch::StartsWith(files.directory + ": 1 file, 8 functions, 0 egresses\n\nFUNCTIONS  "));
  std::istringstream lines(said);
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);)
    rows.push_back(line);
  REQUIRE(rows.size() == 11);
  CHECK_THAT(rows[3], Catch::StartsWith("a/*  ") && Catch::EndsWith("  reachable"));
  CHECK_THAT(rows[4], Catch::StartsWith("b/f  ") && Catch::EndsWith("  reachable"));
  CHECK_THAT(rows[5], Catch::StartsWith("c/f  ") && Catch::EndsWith("  unreachable: connection refused"));
  CHECK_THAT(rows[6], Catch::StartsWith("d/f  ") && Catch::EndsWith("  unreachable: no such socket"));
  CHECK_THAT(rows[7], Catch::StartsWith("e/*  ") &&
                          Catch::EndsWith("  unknown: where to connect depends on the function's name"));
  CHECK_THAT(rows[8], Catch::StartsWith("f/*  ") &&
                          Catch::EndsWith("  unknown: where to connect depends on the function's name"));
  CHECK_THAT(rows[9], Catch::StartsWith("g/*  ") && Catch::EndsWith("  reachable"));
  CHECK_THAT(rows[10], Catch::StartsWith("h/f  ") &&
                           Catch::Contains("  unreachable: the host's name cannot be looked up: host not found"));
  CHECK(here.connections_count() == 1); // two patterns, one place

  CHECK(files.validate({"--connect", "--json"}) == exit_code::failed);
  CHECK_THAT(files.out.str(), Catch::Contains("\"ok\":false"));
  CHECK_THAT(files.out.str(), Catch::Contains("\"endpoint\":\"" + refusing +
                                              "\",\"state\":\"unreachable\",\"reason\":\"connection refused\"}"));
}

TEST_CASE("more places than are tried at a time are all tried") {
  modules files;
  asio::io_context io;
  std::vector<std::unique_ptr<listening>> places;
  std::string text;
  for (int i = 0; i < 30; ++i) {
    places.push_back(std::make_unique<listening>(io));
    text += endpoint("ns/f" + std::to_string(i), places.back()->url());
  }
  files.write("a.yaml", text);
  CHECK(files.validate({"--connect"}) == exit_code::done);
  for (auto const& place : places)
    CHECK(place->connections_count() == 1);
}

TEST_CASE("a place that does not take the connection is given up after the pattern's own timeout") {
  modules files;
  asio::io_context io;
  std::string const socket = files.sockets.path("full.sock");
  asio::local::stream_protocol::endpoint const at(socket);
  asio::local::stream_protocol::acceptor full(io);
  full.open();
  full.bind(at);
  full.listen(0);
  std::vector<asio::local::stream_protocol::socket> waiting;
  for (boost::system::error_code failure; !failure && waiting.size() < 100;) {
    auto& one = waiting.emplace_back(io);
    one.open();
    one.non_blocking(true);
    if (::connect(one.native_handle(), at.data(), static_cast<socklen_t>(at.size())) != 0)
      failure.assign(errno, boost::system::system_category());
  }
  REQUIRE(waiting.size() < 100);
  files.write("a.yaml", endpoint("ns/f", "http+unix://" + socket, "  transport: {connect: 20ms}\n"));
  CHECK(files.validate({"--connect"}) == exit_code::failed);
  CHECK_THAT(files.out.str(), Catch::EndsWith("  unreachable: no connection within 20ms\n"));
}

TEST_CASE("what is good is tried though another file is broken, and 78 wins") {
  modules files;
  asio::io_context io;
  listening here(io);
  files.write("a.yaml", endpoint("ns/f", here.url()));
  files.write("b.yaml", "kind: [\n");
  CHECK(files.validate({"--connect"}) == exit_code::invalid);
  CHECK_THAT(files.out.str(), Catch::Contains("reachable\n"));
  CHECK(here.connections_count() == 1);
}

TEST_CASE("reload says which generation is in force, or which files have errors") {
  dialogue::running_daemon at;
  std::string const body = R"({"generation":7,"files_count":3,"functions_count":12})";
  at.said.answers = {dialogue::good(200, body), dialogue::good(200, body)};
  CHECK(at.run({"reload"}) == exit_code::done);
  CHECK(at.out.str() == "generation 7 is in force: 12 functions from 3 module files\n");
  CHECK(at.run({"--json", "reload"}) == exit_code::done);
  CHECK(at.out.str() == body);
  CHECK(at.said.requests == std::vector<std::string>{"POST /-/reload", "POST /-/reload"});

  at.said.answers = {
      dialogue::good(422, R"({"status":422,"code":"SF0122","detail":"some files have errors","generation":8,
    "diagnostics":[{"file":"b.yaml","line":1,"column":2,"message":"no such kind","hint":""}]})")};
  CHECK(at.run({"reload"}) == exit_code::failed);
  CHECK(at.err.str() == "b.yaml:1:2: no such kind\nstatefunctl: SF0122 (422): some files have errors\n");
}
