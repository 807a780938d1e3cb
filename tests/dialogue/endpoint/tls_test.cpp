// A function behind TLS: a server with certificates that are made for the test.
#include "dialogue/endpoint/dialogue.hpp"
#include "support/certificates.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <future>
#include <map>
#include <memory>

using namespace statefund;
using namespace statefund::dialogue;
using namespace statefund::support;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr std::int64_t day = 24 * 60 * 60;
constexpr std::int64_t now_seconds = 1'700'000'000; // 2023-11-14 22:13:20, where a moved clock begins

// The files of TLS, and who has issued them.
struct office {
  file_directory files;
  identity root = make_root("Test Root");
  identity server = make_certificate({}, root);
  identity client = make_certificate({"client", {}}, root);

  endpoint::tls_files trust() const { return {files.write("ca.pem", root.certificate), "", "", ""}; }
  endpoint::tls_files trust_and_client() const {
    return {files.write("ca.pem", root.certificate), files.write("c.crt", client.certificate),
            files.write("c.key", client.key), ""};
  }
  endpoint::tls_options with(endpoint::tls_files const& of, std::string const& server_name = "localhost") const {
    auto const loaded = endpoint::tls_context::load(of);
    for (auto const& each : loaded.problems)
      FAIL_CHECK(each.text);
    return {loaded.context, "", server_name};
  }
};

// Each timeout differs, and the budget ends before a second attempt.
void told_apart(endpoint::options& chosen) {
  chosen.connect_timeout = 2s;
  chosen.read_timeout = 3s;
  chosen.write_timeout = 4s;
  chosen.limits.call_timeout = 50s;
  chosen.backoff_initial = 10min;
}

scene::adjust behind(endpoint::tls_options tls, scene::adjust const& more = {}) {
  return [tls = std::move(tls), more](endpoint::options& chosen) {
    chosen.tls = tls;
    if (more)
      more(chosen);
  };
}

enum class reached { no, yes };

// One attempt that fails, and the error of its call, without what every one has. A call that does not reach its
// endpoint ends with it, at once.
std::string fails(scene& on, reached is_reached = reached::no) {
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  on.loop.settle();
  REQUIRE(call->done == (is_reached == reached::no));
  on.loop.advance(50s);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  auto said = call->mark();
  CHECK(call->got->error().code ==
        (is_reached == reached::yes ? function::errc::endpoint_failed : function::errc::endpoint_unreachable));
  std::string const before = is_reached == reached::yes ? "the endpoint failed: call timeout (50 s) after: "
                                                        : "the endpoint cannot be reached: ";
  std::string const after = ", attempt 1, 127.0.0.1:" + std::to_string(on.server->port());
  REQUIRE_THAT(said, StartsWith(before));
  REQUIRE(said.ends_with(after));
  return said.substr(before.size(), said.size() - before.size() - after.size());
}

// The next call gets through, once the server is as it should be.
void recovers(scene& on, server_tls const& good) {
  on.server->speaks(good);
  on.server->plays({expect_request(), send(good_answer("good")), hold()});
  CHECK(on.call() == "good");
  CHECK(on.function->connections_idle_count() == 1);
}

// The error of a call to a server that shows `shown` to who trusts the office's root.
std::string refusal(office const& by, identity const& shown, std::string const& server_name = "localhost") {
  scene on(behind(by.with(by.trust(), server_name), told_apart));
  on.server->speaks({shown, ""});
  on.server->plays({hold()});
  auto const said = fails(on);
  CHECK(on.function->attempts().failures_by_reason == std::map<std::string, std::uint64_t>{{"tls", 1}});
  CHECK(on.function->connections_open_count() == 0);
  bool const is_address = server_name.find_first_not_of("0123456789.") == std::string::npos;
  recovers(on, {make_certificate({"good", {(is_address ? "IP:" : "DNS:") + server_name}}, by.root), ""});
  return said;
}

// A call on a new connection, to its end and the server's.
std::string call_and_close(scene& on, char const* mark, step const& end = close()) {
  on.server->plays({expect_request(), send(good_answer(mark)), end});
  auto const said = on.call();
  REQUIRE(on.loop.run_until([&] { return on.server->playing_count() == 0; }));
  return said;
}

std::string varint(std::size_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7U)
    out += static_cast<char>(value | 0x80U);
  return out += static_cast<char>(value);
}

std::string field(char tag, std::string const& bytes) {
  return tag + varint(bytes.size()) + bytes;
}

// A good answer with a mark of any size.
std::string large_answer(std::string const& mark) {
  auto const value = field('\x0a', "t/t") + std::string("\x10\x01", 2) + field('\x1a', mark);
  auto const egress = field('\x22', field('\x0a', "ns") + field('\x12', "out") + field('\x1a', value));
  return answer_of("HTTP/1.1 200 OK", "Content-Type: application/octet-stream\r\n",
                   "\xa2\x06" + varint(egress.size()) + egress);
}

} // namespace

TEST_CASE("a function is called over TLS, its server asked for by name, HTTP/1.1 agreed on") {
  office const by;
  for (auto const versions : {tls_versions::all, tls_versions::v1_2, tls_versions::v1_3}) {
    scene on(behind(by.with(by.trust())));
    on.server->speaks({by.server, "", versions});
    on.server->plays({expect_request(), send(good_answer("one")), expect_request(), send(good_answer("two")), hold()});
    CHECK(on.call() == "one");
    CHECK(on.call() == "two");
    auto const& shaken = on.server->shaken();
    CHECK(shaken.done_count == 1);
    CHECK(shaken.names == std::vector<std::string>{"localhost"});
    CHECK(shaken.protocol == "http/1.1");
    CHECK(on.function->counts().attempts == 2);
    CHECK(on.function->connections_idle_count() == 1);
    CHECK_THAT(on.server->requests().front(), StartsWith("POST /statefun HTTP/1.1\r\nHost: example:8000\r\n"));
  }
}

TEST_CASE("over a unix socket it is the same, with the name that is expected there") {
  office const by;
  auto const path = socket_path();
  scene on(path, 128, behind(by.with(by.trust())));
  on.server->speaks({by.server, ""});
  on.server->plays({expect_request(), send(good_answer("one")), expect_request(), send(good_answer("two")), hold()});
  CHECK(on.call() == "one");
  CHECK(on.call() == "two");
  CHECK(on.server->shaken().names == std::vector<std::string>{"localhost"});
}

TEST_CASE("requests and answers of any size go through") {
  office const by;
  for (auto const versions : {tls_versions::v1_2, tls_versions::v1_3})
    for (std::size_t const size : {16'000U, 16'200U, 16'384U, 17'000U, 100'000U, 9'000'000U}) {
      INFO(size << " bytes");
      scene on(behind(by.with(by.trust())));
      on.server->speaks({by.server, "", versions});
      std::string mark(size, 'x');
      for (std::size_t i = 0; i < size; i += 1000)
        mark[i] = static_cast<char>('a' + i / 1000 % 26);
      on.server->plays(
          {expect_request(), send(large_answer(mark)), expect_request(), send(good_answer("two")), hold()});
      auto const call = on.start(mark);
      REQUIRE(on.loop.run_until([&] { return call->done; }));
      CHECK(call->mark() == mark);
      CHECK(on.server->requests().front().find(mark) != std::string::npos);
      CHECK(on.call() == "two");
      CHECK(on.server->accepted_count() == 1);
    }
}

TEST_CASE("a certificate that has expired is refused, with the date, until there is another") {
  office const by;
  auto const server = make_certificate({"localhost", {"DNS:localhost"}, 0, now_seconds - day}, by.root);
  CHECK(refusal(by, server) ==
        "the certificate (CN=localhost) expired on 2023-11-13 22:13:20 UTC (SF0210) while in the TLS handshake");
}

TEST_CASE("a certificate that is not valid yet is refused, with the date") {
  office const by;
  auto const server =
      make_certificate({"localhost", {"DNS:localhost"}, now_seconds + day, now_seconds + 9 * day}, by.root);
  CHECK(refusal(by, server) ==
        "the certificate (CN=localhost) is valid from 2023-11-15 22:13:20 UTC on (SF0210) while in the TLS handshake");
}

TEST_CASE("an issuer that has expired is told apart from the server's own certificate") {
  office by;
  auto const root = make_root("Old Root", {"", {}, 0, now_seconds - day});
  by.root.certificate += root.certificate;
  CHECK(refusal(by, make_certificate({}, root)) ==
        "the issuer's certificate (CN=Old Root) expired on 2023-11-13 22:13:20 UTC (SF0210) while in the TLS "
        "handshake");
}

TEST_CASE("a certificate of an unknown issuer is refused, with the issuer and where it was looked for") {
  office const by;
  auto const other = make_root("Other Root");
  CHECK(refusal(by, make_certificate({}, other)) ==
        "the issuer of the certificate (CN=localhost), CN=Other Root, is neither sent by the server nor among the "
        "certificates of " +
            by.files.path("ca.pem") + " (SF0210) while in the TLS handshake");
  auto with_root = make_certificate({}, other);
  with_root.certificate += other.certificate;
  CHECK(refusal(by, with_root) == "the root of the certificate (CN=Other Root) is not among the certificates of " +
                                      by.files.path("ca.pem") + " (SF0210) while in the TLS handshake");
}

TEST_CASE("a self-signed certificate is refused unless it is the one that is trusted") {
  office by;
  auto const alone = make_self_signed({"localhost", {"DNS:localhost"}});
  CHECK(refusal(by, alone) == "the certificate (CN=localhost) is self-signed and is not among the certificates of " +
                                  by.files.path("ca.pem") + " (SF0210) while in the TLS handshake");
  by.root = alone;
  scene on(behind(by.with(by.trust())));
  on.server->speaks({alone, ""});
  on.server->plays({expect_request(), send(good_answer("good")), hold()});
  CHECK(on.call() == "good");
}

TEST_CASE("a chain is followed: whoever is named as trusted need not be its root") {
  office by;
  auto const between = make_intermediate("Between", by.root);
  auto server = make_certificate({}, between);
  auto const alone = server;
  server.certificate += between.certificate;
  SECTION("the root is trusted") {
    scene on(behind(by.with(by.trust())));
    on.server->speaks({server, ""});
    on.server->plays({expect_request(), send(good_answer("good")), hold()});
    CHECK(on.call() == "good");
  }
  SECTION("the one between is") {
    by.root = between;
    scene on(behind(by.with(by.trust())));
    on.server->speaks({alone, ""});
    on.server->plays({expect_request(), send(good_answer("good")), hold()});
    CHECK(on.call() == "good");
  }
  SECTION("the server keeps the one between to itself") {
    scene on(behind(by.with(by.trust()), told_apart));
    on.server->speaks({alone, ""});
    on.server->plays({hold()});
    CHECK_THAT(fails(on), StartsWith("the issuer of the certificate (CN=localhost), CN=Between, is neither sent by the "
                                     "server nor among "));
  }
}

TEST_CASE("a certificate for others is refused, with their names and the one that was expected") {
  office const by;
  auto const with = [&](std::vector<std::string> names) {
    return make_certificate({"common", std::move(names)}, by.root);
  };
  std::string const end = " (SF0211) while in the TLS handshake";
  CHECK(refusal(by, with({"DNS:a.example", "DNS:*.b.example", "IP:192.0.2.1", "IP:2001:db8::1"})) ==
        "the certificate is for a.example, *.b.example, 192.0.2.1, 2001:0db8:0000:0000:0000:0000:0000:0001; expected "
        "localhost" +
            end);
  CHECK(refusal(by, with({})) == "the certificate is for CN=common; expected localhost" + end);
  CHECK(refusal(by, with({"DNS:localhost"}), "127.0.0.1") ==
        "the certificate is for localhost; expected 127.0.0.1" + end);
  CHECK(refusal(by, with({"DNS:127.0.0.1"}), "127.0.0.1") ==
        "the certificate is for 127.0.0.1; expected 127.0.0.1" + end);
  CHECK(refusal(by, with({"DNS:*.example"}), "a.b.example") ==
        "the certificate is for *.example; expected a.b.example" + end);
  CHECK(refusal(by, with({"DNS:f*.example"}), "foo.example") ==
        "the certificate is for f*.example; expected foo.example" + end);
}

TEST_CASE("what another has written into a certificate does not reach the log as it is") {
  office const by;
  std::string const hostile = "x\n\x1b[31m2026 SF0301 \xff";
  auto const said = refusal(by, make_certificate({hostile, {"DNS:" + std::string(900, 'y')}}, by.root));
  CHECK(said.find('\n') == std::string::npos);
  CHECK(said.find('\x1b') == std::string::npos);
  CHECK(said.size() < 400);
}

TEST_CASE("addresses are checked against the certificate's addresses, and no name is asked for") {
  office const by;
  auto const called_as = [&](std::string const& name, std::vector<std::string> names) {
    scene on(behind(by.with(by.trust(), name), told_apart));
    on.server->speaks({make_certificate({"common", std::move(names)}, by.root), ""});
    on.server->plays({expect_request(), send(good_answer("good")), hold()});
    CHECK(on.call() == "good");
    return on.server->shaken().names.front();
  };
  CHECK(called_as("127.0.0.1", {"IP:127.0.0.1"}) == "");
  CHECK(called_as("2001:db8::1", {"IP:2001:db8::1"}) == "");
  CHECK(called_as("functions.example.com", {"DNS:*.example.com"}) == "functions.example.com");
  CHECK(called_as("functions.example.", {"DNS:functions.example"}) == "functions.example");
  CHECK(called_as("common", {}) == "common");
}

TEST_CASE("a client certificate is shown to who asks for it") {
  office const by;
  for (auto const versions : {tls_versions::v1_2, tls_versions::v1_3}) {
    auto files = by.trust_and_client();
    SECTION("with a key in the clear") {}
    SECTION("with a key under a password") {
      by.files.write("c.key", encrypt_key(by.client.key, "open sesame"));
      files.client_key_password = by.files.write("password", "open sesame\n");
    }
    scene on(behind(by.with(files)));
    on.server->speaks({by.server, by.root.certificate, versions});
    on.server->plays({expect_request(), send(good_answer("good")), hold()});
    CHECK(on.call() == "good");
    CHECK(on.server->shaken().client_names == std::vector<std::string>{"client"});
  }
}

TEST_CASE("a client certificate that is missing is told, and so is one that is refused") {
  office by;
  struct row {
    tls_versions versions;
    char const* missing;
    char const* refused;
    char const* at;
  };
  for (auto const& [versions, missing, refused, at] :
       {row{tls_versions::v1_2, "handshake failure", "unknown CA", "in the TLS handshake"},
        row{tls_versions::v1_3, "certificate required", "unknown CA", "waiting for the answer"}}) {
    {
      scene on(behind(by.with(by.trust()), told_apart));
      on.server->speaks({by.server, by.root.certificate, versions});
      on.server->plays({hold()});
      CHECK(fails(on) == "the server requires a client certificate, and the module names none by the alert \"" +
                             std::string(missing) + "\" (SF0213) while " + at);
      CHECK(on.function->attempts().failures_by_reason == std::map<std::string, std::uint64_t>{{"tls", 1}});
      recovers(on, {by.server, "", versions});
    }
    scene on(behind(by.with(by.trust_and_client()), told_apart));
    on.server->speaks({by.server, make_root("Other Root").certificate, versions});
    on.server->plays({hold()});
    CHECK(fails(on) == "the server refuses our client certificate by the alert \"" + std::string(refused) +
                           "\" (SF0213) while " + at);
    recovers(on, {by.server, by.root.certificate, versions});
  }
}

TEST_CASE("a server of older versions alone is told") {
  office const by;
  scene on(behind(by.with(by.trust()), told_apart));
  on.server->speaks({by.server, "", tls_versions::v1_1});
  on.server->plays({hold()});
  CHECK(fails(on) ==
        "the server speaks neither TLS 1.2 nor 1.3 by the alert \"protocol version\" (SF0212) while in the TLS "
        "handshake");
  recovers(on, {by.server, ""});
}

TEST_CASE("what does not speak TLS is told") {
  office const by;
  std::string const at = " while in the TLS handshake";
  std::string const no_tls = "the server does not speak TLS; is it http? (SF0212)" + at;
  auto const answered = [&](script const& steps) {
    scene on(behind(by.with(by.trust()), told_apart));
    on.server->plays(steps);
    auto const said = fails(on);
    recovers(on, {by.server, ""});
    return said;
  };
  CHECK(answered({expect_bytes(5), send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), close()}) == no_tls);
  CHECK(answered({expect_bytes(5), send("SSH-2.0-OpenSSH_9.2\r\n"), close()}) == no_tls);
  CHECK(answered({expect_bytes(5), send(std::string(100, '\0')), close()}) == no_tls);
  CHECK(answered({expect_bytes(100), reset()}) == "Connection reset by peer" + at);
}

TEST_CASE("a server that closes within the handshake is told") {
  office const by;
  scene on(behind(by.with(by.trust()), told_apart));
  on.server->plays({expect_bytes(100), cut()});
  CHECK_THAT(fails(on), Contains("Connection reset by peer while in the TLS handshake") ||
                            Contains("the connection was closed while in the TLS handshake"));
  recovers(on, {by.server, ""});
}

TEST_CASE("the connect timeout covers the handshake, and fires on its tick") {
  office const by;
  scene on(behind(by.with(by.trust()), told_apart));
  on.server->plays({hold()});
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.server->playing_count() == 1; }));
  on.loop.advance(2s - 1ns);
  REQUIRE(on.function->counts().attempts_failed == 0);
  on.loop.advance(1ns);
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
  CHECK(on.function->attempts().failures_by_reason == std::map<std::string, std::uint64_t>{{"connect_timeout", 1}});
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK_THAT(call->mark(),
             StartsWith("the endpoint cannot be reached: connect timeout (2 s) while in the TLS handshake, "
                        "attempt 1, 127.0.0.1:"));
  recovers(on, {by.server, ""});
}

TEST_CASE("look-up, connect and handshake share one deadline") {
  office const by;
  scene on;
  auto const looked_up = std::make_shared<std::promise<void>>();
  auto const lookup = [waits = looked_up->get_future().share()](std::string const&) -> result<endpoint::addresses> {
    waits.wait();
    return endpoint::addresses{boost::asio::ip::make_address("127.0.0.1")};
  };
  endpoint::options chosen;
  told_apart(chosen);
  chosen.host = "functions.test";
  chosen.port = on.server->port();
  chosen.tls = by.with(by.trust());
  on.use(chosen, std::make_shared<endpoint::resolver>(lookup));
  on.server->plays({hold()});
  auto const call = on.start();
  on.loop.advance(1500ms);
  looked_up->set_value();
  REQUIRE(on.loop.run_until([&] { return on.server->playing_count() == 1; }));
  on.loop.settle();
  on.loop.advance(500ms - 1ns);
  REQUIRE(on.function->counts().attempts_failed == 0);
  on.loop.advance(1ns);
  REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
}

TEST_CASE("read and write timeouts fire on their tick over TLS as well") {
  office const by;
  scene on(behind(by.with(by.trust()), told_apart));
  on.server->speaks({by.server, ""});
  auto const fires_at = [&](outgoing const& call, std::chrono::nanoseconds fires) {
    on.loop.settle();
    on.loop.advance(fires - 1ns);
    REQUIRE(on.function->counts().attempts_failed == 0);
    on.loop.advance(1ns);
    REQUIRE(on.loop.run_until([&] { return on.function->counts().attempts_failed == 1; }));
    on.loop.settle();
    on.loop.advance(50s);
    REQUIRE(on.loop.run_until([&] { return call.done; }));
    return call.mark();
  };
  SECTION("waiting for the answer") {
    on.server->plays({expect_request(), hold()});
    auto const call = on.start();
    REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 1; }));
    CHECK_THAT(fires_at(*call, 3s), Contains("read timeout (3 s) while waiting for the answer, attempt 1, "));
  }
  SECTION("within the answer") {
    on.server->plays({expect_request(), send("HTTP/1.1 200 OK\r\n"), hold()});
    auto const call = on.start();
    REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 1; }));
    CHECK_THAT(fires_at(*call, 3s), Contains("read timeout (3 s) while reading the answer, attempt 1, "));
  }
  SECTION("sending the request") {
    on.server->plays({stand_by()});
    auto const call = on.start(std::string(16U << 20U, 'x'));
    REQUIRE(on.loop.run_until([&] { return on.server->shaken().done_count == 1; }));
    CHECK_THAT(fires_at(*call, 4s), Contains("write timeout (4 s) while sending the request, attempt 1, "));
  }
}

TEST_CASE("one byte a second over TLS: the call timeout fires, the read timeout does not") {
  office const by;
  scene on(behind(by.with(by.trust()), [](endpoint::options& chosen) {
    chosen.read_timeout = 3s;
    chosen.limits.call_timeout = 20s;
  }));
  on.server->speaks({by.server, ""});
  script slow{expect_request()};
  for (char const byte : good_answer("slow")) {
    slow.push_back(send(std::string(1, byte)));
    slow.push_back(stand_by());
  }
  on.server->plays(slow);
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 1; }));
  on.loop.settle();
  for (int second = 1; second < 20; ++second) {
    on.loop.advance(1s);
    on.server->go_on();
    on.loop.settle();
    REQUIRE_FALSE(call->done);
  }
  on.loop.advance(1s);
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK_THAT(call->mark(), Contains("call timeout (20 s) while reading the answer, attempt 1, "));
}

TEST_CASE("an answer without a length ends with TLS and not with the connection") {
  office const by;
  std::string const head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n";
  for (auto const versions : {tls_versions::v1_2, tls_versions::v1_3}) {
    scene on(behind(by.with(by.trust()), told_apart));
    on.server->speaks({by.server, "", versions});
    on.server->plays({expect_request(), send(head + answer_body("whole")), close()});
    CHECK(on.call() == "whole");
    CHECK(on.function->connections_open_count() == 0);
    on.server->plays({expect_request(), send(head + answer_body("cut")), cut()});
    CHECK(fails(on, reached::yes) == "the connection was cut off, without TLS's close_notify while reading the answer");
    on.server->plays({expect_request(), send(head + answer_body("again")), close()});
    CHECK(on.call() == "again");
  }
}

TEST_CASE("an answer with its length is whole, however the connection ends") {
  office const by;
  for (auto const& end : {close(), cut(), reset()}) {
    scene on(behind(by.with(by.trust())));
    on.server->speaks({by.server, ""});
    on.server->plays({expect_request(), send(good_answer("one")), stand_by(), end});
    CHECK(on.call() == "one");
    on.server->go_on();
    REQUIRE(on.loop.run_until([&] { return on.server->playing_count() == 0; }));
    on.server->plays({expect_request(), send(good_answer("two")), hold()});
    CHECK(on.call() == "two");
    CHECK(on.function->counts().attempts_failed == 0);
    CHECK(on.server->accepted_count() == 2);
  }
}

TEST_CASE("a connection that is used again and breaks before an answer: the request goes out again at once") {
  office const by;
  for (auto const& end : {close(), cut(), reset()}) {
    scene on(behind(by.with(by.trust())));
    on.server->speaks({by.server, ""});
    on.server->plays({expect_request(), send(good_answer("one")), expect_request(), end});
    on.server->plays({expect_request(), send(good_answer("two")), hold()});
    CHECK(on.call() == "one");
    auto const second = on.start();
    REQUIRE(on.loop.run_until([&] { return second->done; })); // no time has passed
    CHECK(second->mark() == "two");
    CHECK(on.function->counts().resent == 1);
    CHECK(on.function->counts().attempts_failed == 0);
  }
}

TEST_CASE("a server that closes before it has read the request may still say why, over TLS too") {
  office const by;
  auto const last = [&](std::string const& answer) {
    scene on(behind(by.with(by.trust())));
    on.server->speaks({by.server, ""});
    on.server->plays({expect_bytes(10), send(answer), close()});
    on.server->plays({expect_request(), send(good_answer("good")), hold()});
    return on.finish(on.start(std::string(16U << 20U, 'x')));
  };
  CHECK_THAT(last(answer_of("HTTP/1.1 413 Too Large", "", "")),
             StartsWith("the function refused the message: answered 413 \"Too Large\", attempt 1, "));
  CHECK(last("") == "good");
}

TEST_CASE("bytes that TLS cannot have sent end the attempt, or the idle connection") {
  office const by;
  std::string const junk = "\x17\x03\x03" + std::string("\x00\x20", 2) + std::string(32, 'j');
  scene on(behind(by.with(by.trust()), told_apart));
  on.server->speaks({by.server, ""});
  SECTION("within an answer") {
    on.server->plays({expect_request(), send("HTTP/1.1 200 OK\r\n"), send_beneath(junk), hold()});
    CHECK(fails(on, reached::yes) ==
          "TLS broke off: decryption failed or bad record mac (SF0214) while reading the answer");
  }
  SECTION("within an answer, and nothing like TLS") {
    on.server->plays({expect_request(), send("HTTP/1.1 200 OK\r\n"), send_beneath("HTTP/1.1 200 OK\r\n"), hold()});
    CHECK(fails(on, reached::yes) == "TLS broke off: wrong version number (SF0214) while reading the answer");
  }
  SECTION("while it is idle") {
    on.server->plays({expect_request(), send(good_answer("one")), stand_by(), send_beneath(junk), hold()});
    CHECK(on.call() == "one");
    on.server->go_on();
    on.loop.settle();
  }
  on.server->plays({expect_request(), send(good_answer("two")), hold()});
  CHECK(on.call() == "two");
  CHECK(on.server->accepted_count() == 2);
}

TEST_CASE("of two answers over TLS the second is never taken for the next call's") {
  office const by;
  scene on(behind(by.with(by.trust())));
  on.server->speaks({by.server, ""});
  SECTION("both in one record") {
    on.server->plays({expect_request(), send(good_answer("one") + good_answer("stray")), hold()});
    CHECK(on.call() == "one");
  }
  SECTION("one record each") {
    on.server->plays({expect_request(), send(good_answer("one")), send(good_answer("stray")), hold()});
    CHECK(on.call() == "one");
  }
  SECTION("the second while the connection is idle") {
    on.server->plays({expect_request(), send(good_answer("one")), stand_by(), send(good_answer("stray")), hold()});
    CHECK(on.call() == "one");
    on.server->go_on();
    on.loop.settle();
  }
  on.server->plays({expect_request(), send(good_answer("two")), hold()});
  CHECK(on.call() == "two");
  CHECK(on.server->accepted_count() == 2);
}

TEST_CASE("a session ticket that comes while a connection is idle is taken, and the connection used again") {
  office const by;
  scene on(behind(by.with(by.trust())));
  on.server->speaks({by.server, "", tls_versions::v1_3});
  on.server->plays({expect_request(), send(good_answer("one")), stand_by(), give_ticket(), give_ticket(), stand_by(),
                    expect_request(), send(good_answer("two")), hold()});
  CHECK(on.call() == "one");
  on.server->go_on();
  on.loop.settle();
  on.server->go_on();
  CHECK(on.call() == "two");
  CHECK(on.server->accepted_count() == 1);
}

TEST_CASE("a connection that ends here says so, and waits for nothing") {
  office const by;
  scene on(behind(by.with(by.trust()), [](endpoint::options& chosen) { chosen.pool_ttl = 15s; }));
  on.server->speaks({by.server, ""});
  on.server->plays({expect_request(), send(good_answer("one")), hold()});
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  on.loop.advance(16500ms);
  CHECK(on.function->connections_open_count() == 0);
  REQUIRE(on.loop.run_until([&] { return on.server->playing_count() == 0; }));
  CHECK(on.server->shaken().closed_count == 1);
}

TEST_CASE("a new connection resumes the newest session, however the one before ended") {
  office const by;
  for (auto const versions : {tls_versions::v1_2, tls_versions::v1_3}) {
    scene on(behind(by.with(by.trust())));
    on.server->speaks({by.server, "", versions});
    CHECK(call_and_close(on, "one", cut()) == "one");
    CHECK(on.server->shaken().resumed_count == 0);
    CHECK(call_and_close(on, "two") == "two");
    CHECK(call_and_close(on, "three", cut()) == "three");
    CHECK(on.server->shaken().done_count == 3);
    CHECK(on.server->shaken().resumed_count == 2);
    // all that open together
    for (int i = 0; i < 4; ++i)
      on.server->plays({expect_request(), stand_by(), send(good_answer("many")), hold()});
    std::vector<std::shared_ptr<outgoing>> calls;
    for (int i = 0; i < 4; ++i)
      calls.push_back(on.start());
    REQUIRE(on.loop.run_until([&] { return on.server->requests().size() == 7; }));
    CHECK(on.server->shaken().resumed_count == 6);
    on.server->go_on();
    for (auto const& each : calls)
      CHECK(on.finish(each) == "many");
    CHECK(on.function->counts().attempts_failed == 0);
  }
}

TEST_CASE("a server that gives no session, or has forgotten it, shakes hands in full") {
  office const by;
  for (auto const versions : {tls_versions::v1_2, tls_versions::v1_3}) {
    scene on(behind(by.with(by.trust())));
    on.server->speaks({by.server, "", versions, session_tickets::none});
    CHECK(call_and_close(on, "one") == "one");
    CHECK(call_and_close(on, "two") == "two");
    on.server->speaks({by.server, "", versions});
    CHECK(call_and_close(on, "three") == "three");
    on.server->speaks({by.server, "", versions});
    CHECK(call_and_close(on, "four") == "four");
    CHECK(on.server->shaken().resumed_count == 0);
    CHECK(call_and_close(on, "five") == "five");
    CHECK(on.server->shaken().resumed_count == 1);
    CHECK(on.function->counts().attempts_failed == 0);
  }
}

TEST_CASE("a session is not offered again after a handshake that failed") {
  office const by;
  scene on(behind(by.with(by.trust())));
  on.server->speaks({by.server, ""});
  CHECK(call_and_close(on, "one") == "one");
  on.server->plays({in_the_clear(), expect_bytes(5), reset()});
  CHECK(on.finish(on.start()).find(" while in the TLS handshake, attempt 1, ") != std::string::npos);
  CHECK(call_and_close(on, "two") == "two");
  CHECK(on.function->counts().attempts_failed == 1);
  CHECK(on.server->shaken().resumed_count == 0);
}

TEST_CASE("a session is not resumed once a certificate that it was verified by has expired") {
  office by;
  auto const root = make_root("Root", {"", {}, 0, now_seconds + 2 * day});
  by.root.certificate += root.certificate;
  auto const old_root = make_certificate({}, root);
  auto const old = make_certificate({"localhost", {"DNS:localhost"}, 0, now_seconds + 2 * day}, by.root);
  for (auto const& shown : {old, old_root})
    for (auto const versions : {tls_versions::v1_2, tls_versions::v1_3}) {
      scene on(behind(by.with(by.trust()), told_apart));
      on.server->speaks({shown, "", versions});
      CHECK(call_and_close(on, "one") == "one");
      on.loop.advance(24h);
      CHECK(call_and_close(on, "two") == "two");
      CHECK(on.server->shaken().resumed_count == 1);
      on.loop.advance(24h);
      on.server->plays({hold()});
      CHECK_THAT(fails(on), Contains(" expired on 2023-11-16 22:13:20 UTC (SF0210) while in the TLS handshake"));
    }
}

TEST_CASE("a cancelled call ends at once within the handshake") {
  office const by;
  scene on(behind(by.with(by.trust())));
  on.server->plays({hold()});
  auto const call = on.start();
  REQUIRE(on.loop.run_until([&] { return on.server->playing_count() == 1; }));
  on.loop.settle();
  on.cancel_calls();
  REQUIRE(on.loop.run_until([&] { return call->done; }));
  CHECK(call->got->error().code == function::errc::call_cancelled);
  CHECK_THAT(call->mark(), Contains("cancelled while in the TLS handshake, attempt 1, 127.0.0.1:"));
}

TEST_CASE("with files that cannot be used nothing is connected to, and the error says why") {
  scene on([](endpoint::options& chosen) {
    told_apart(chosen);
    chosen.tls = endpoint::tls_options{nullptr, "\"client_key\" is \"/k\", which is wrong (SF0040)", "localhost"};
  });
  on.server->plays({hold()});
  CHECK(fails(on) == "\"client_key\" is \"/k\", which is wrong (SF0040) while in the TLS handshake");
  CHECK(on.server->accepted_count() == 0);
}

TEST_CASE("a context is used until the last call by it has ended, whatever has become of its files") {
  office const by;
  scene on(behind(by.with(by.trust_and_client())));
  on.server->speaks({by.server, by.root.certificate});
  std::filesystem::remove(by.files.path("ca.pem"));
  std::filesystem::remove(by.files.path("c.key"));
  CHECK(call_and_close(on, "one") == "one");
  on.server->speaks({by.server, by.root.certificate});
  CHECK(call_and_close(on, "two") == "two");
}
