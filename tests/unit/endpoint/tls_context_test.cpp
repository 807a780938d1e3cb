// The files of TLS: real ones, in a directory of their own.
#include "endpoint/tls_context.hpp"

#include "clock/clock.hpp"
#include "support/certificates.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

using namespace statefund;
using namespace statefund::endpoint;
using namespace statefund::support;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t now_seconds = 1'767'225'600; // 2026-01-01
constexpr std::int64_t day = 24 * 60 * 60;

struct desk {
  clock::moved_clock time{now_seconds * 1000};
  file_directory files;
  identity root = make_root("Test Root");
  identity client = make_certificate({"client", {}}, root);

  std::string path(char const* name) const { return files.path(name); }
  tls_files all() const {
    return {files.write("ca.pem", root.certificate), files.write("c.crt", client.certificate),
            files.write("c.key", client.key), ""};
  }
};

// "error: ...", "warning: ..." a line, with `directory` left out.
std::string problems_of(desk const& on, tls_files const& files) {
  auto const loaded = tls_context::load(files);
  std::string all;
  bool has_errors = false;
  for (auto const& each : loaded.problems) {
    has_errors = has_errors || each.severity == tls_severity::error;
    all += (each.severity == tls_severity::error ? "error: " : "warning: ") + each.text + '\n';
  }
  CHECK((loaded.context == nullptr) == has_errors);
  auto const directory = on.files.path("");
  for (auto at = all.find(directory); at != std::string::npos; at = all.find(directory))
    all.erase(at, directory.size());
  return all;
}

// An environment variable for the length of a test.
class environment {
 public:
  environment(char const* name, std::string const& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~environment() { ::unsetenv(name_); }
  environment(environment const&) = delete;
  environment& operator=(environment const&) = delete;

 private:
  char const* name_;
};

} // namespace

TEST_CASE("good files are taken without a word") {
  desk const on;
  CHECK(problems_of(on, on.all()) == "");
  auto const trust_alone = tls_files{on.all().trust_cacerts, "", "", ""};
  CHECK(problems_of(on, trust_alone) == "");
  CHECK_FALSE(tls_context::load(trust_alone).context->has_client_certificate());
  CHECK(tls_context::load(on.all()).context->has_client_certificate());
  CHECK(tls_context::load(on.all()).context->trusted_place() == "the certificates of " + on.path("ca.pem"));
}

TEST_CASE("a key with a password is opened by its file, of which the first line counts") {
  desk const on;
  auto files = on.all();
  on.files.write("c.key", encrypt_key(on.client.key, "open sesame"));
  for (auto const* text : {"open sesame", "open sesame\n", "open sesame\r\n", "open sesame\nnot this\n"}) {
    INFO(text);
    files.client_key_password = on.files.write("password", text);
    CHECK(problems_of(on, files) == "");
  }
  for (auto const* text : {"Open sesame", "open sesame ", " open sesame"}) {
    INFO(text);
    files.client_key_password = on.files.write("password", text);
    CHECK(problems_of(on, files) ==
          "error: \"client_key\" is \"c.key\", which cannot be decrypted with the password in \"password\"\n");
  }
  for (auto const* text : {"", "\n", "\nopen sesame"}) {
    files.client_key_password = on.files.write("password", text);
    CHECK(problems_of(on, files) ==
          "error: \"client_key_password\" is \"password\", which has no password in its first line\n");
  }
  files.client_key_password.clear();
  CHECK(problems_of(on, files) ==
        "error: \"client_key\" is \"c.key\", which is encrypted; expected \"client_key_password\" as well\n");
}

TEST_CASE("a password beside a key that needs none does not matter") {
  desk const on;
  auto files = on.all();
  files.client_key_password = on.files.write("password", "open sesame");
  CHECK(problems_of(on, files) == "");
}

TEST_CASE("every file that is missing is told") {
  desk const on;
  tls_files const files{on.path("1"), on.path("2"), on.path("3"), on.path("4")};
  CHECK(problems_of(on, files) ==
        "error: \"trust_cacerts\" is \"1\", which cannot be read: No such file or directory\n"
        "error: \"client_cert\" is \"2\", which cannot be read: No such file or directory\n"
        "error: \"client_key\" is \"3\", which cannot be read: No such file or directory\n"
        "error: \"client_key_password\" is \"4\", which cannot be read: No such file or directory\n");
}

TEST_CASE("what is no file of certificates is told, and does not hold anybody up") {
  desk const on;
  auto const told = [&](std::string const& path) { return problems_of(on, {path, "", "", ""}); };
  std::filesystem::create_directory(on.path("directory"));
  CHECK(told(on.path("directory")) == "error: \"trust_cacerts\" is \"directory\", which is no regular file\n");
  REQUIRE(::mkfifo(on.path("pipe").c_str(), 0600) == 0);
  CHECK(told(on.path("pipe")) == "error: \"trust_cacerts\" is \"pipe\", which is no regular file\n");
  std::string const no_certificate =
      "\", which holds no certificate; expected PEM, which begins with -----BEGIN CERTIFICATE-----\n";
  for (auto const& text : {std::string(), std::string("hello\n"), std::string("\0\1\2\3", 4), on.root.key})
    CHECK(told(on.files.write("ca", text)) == "error: \"trust_cacerts\" is \"ca" + no_certificate);
  CHECK(told(on.files.write("large", std::string(tls_context::file_bytes_max + 1, 'x'))) ==
        "error: \"trust_cacerts\" is \"large\", which has more than 4194304 bytes\n");
  CHECK(told(on.files.write("broken", on.root.certificate + on.client.certificate.substr(0, 200))) ==
        "error: \"trust_cacerts\" is \"broken\", which has a certificate, number 2, that cannot be read: bad end "
        "line\n");
  std::filesystem::create_symlink(on.path("nowhere"), on.path("link"));
  CHECK(told(on.path("link")) ==
        "error: \"trust_cacerts\" is \"link\", which cannot be read: No such file or directory\n");
}

TEST_CASE("a file that may not be read is told") {
  desk const on;
  auto const files = on.all();
  std::filesystem::permissions(on.path(""), std::filesystem::perms(0755));
  std::filesystem::permissions(files.client_key, std::filesystem::perms::none);
  auto const user = ::geteuid();
  if (user == 0)
    REQUIRE(::seteuid(65534) == 0); // root may read everything
  auto const told = problems_of(on, files);
  REQUIRE(::seteuid(user) == 0);
  CHECK(told == "error: \"client_key\" is \"c.key\", which cannot be read: Permission denied\n");
}

TEST_CASE("a client certificate and its key must be such, and belong together") {
  desk const on;
  auto const files = on.all();
  SECTION("another key") {
    on.files.write("c.key", make_certificate({"client", {}}, on.root).key);
    CHECK(problems_of(on, files) ==
          "error: \"client_key\" is \"c.key\", which does not belong to the first certificate of \"c.crt\"\n");
  }
  SECTION("the chain the wrong way round") {
    on.files.write("c.crt", on.root.certificate + on.client.certificate);
    CHECK(problems_of(on, files) ==
          "error: \"client_key\" is \"c.key\", which does not belong to the first certificate of \"c.crt\"\n");
  }
  SECTION("the two exchanged") {
    CHECK(problems_of(on, {files.trust_cacerts, files.client_key, files.client_cert, ""}) ==
          "error: \"client_key\" is \"c.crt\", which holds no private key; expected PEM (PKCS#8), which begins with "
          "-----BEGIN PRIVATE KEY-----\n"
          "error: \"client_cert\" is \"c.key\", which holds no certificate; expected PEM, which begins with -----BEGIN "
          "CERTIFICATE-----\n");
  }
  SECTION("with its chain") {
    auto const between = make_intermediate("Between", on.root);
    auto const client = make_certificate({"client", {}}, between);
    on.files.write("c.crt", client.certificate + between.certificate);
    on.files.write("c.key", client.key);
    CHECK(problems_of(on, files) == "");
  }
}

TEST_CASE("a client certificate that has expired, or soon will, is a warning with the date") {
  desk on;
  auto files = on.all();
  auto const with = [&](std::int64_t starts, std::int64_t ends) {
    auto const client = make_certificate({"client", {}, starts, ends}, on.root);
    on.files.write("c.crt", client.certificate);
    on.files.write("c.key", client.key);
    return problems_of(on, files);
  };
  std::string const its = "warning: \"client_cert\" is \"c.crt\", which holds a certificate (CN=client) that ";
  CHECK(with(now_seconds - 2 * day, now_seconds - day) == its + "expired on 2025-12-31 00:00:00 UTC\n");
  CHECK(with(now_seconds - 2 * day, now_seconds) == its + "expired on 2026-01-01 00:00:00 UTC\n");
  CHECK(with(now_seconds - 2 * day, now_seconds + 1) == its + "expires on 2026-01-01 00:00:01 UTC, in 0 days\n");
  CHECK(with(now_seconds - 2 * day, now_seconds + 14 * day - 1) ==
        its + "expires on 2026-01-14 23:59:59 UTC, in 13 days\n");
  CHECK(with(now_seconds - 2 * day, now_seconds + 14 * day) == "");
  CHECK(with(now_seconds + 1, now_seconds + 99 * day) == its + "is valid from 2026-01-01 00:00:01 UTC on\n");
  CHECK(with(now_seconds, now_seconds + 99 * day) == "");
  on.time.advance(99 * 24h);
  CHECK(problems_of(on, files) == its + "expired on 2026-04-10 00:00:00 UTC\n");
}

TEST_CASE("a trust file is a warning if nothing in it is valid today") {
  desk const on;
  auto const gone = make_root("Gone", {"", {}, now_seconds - 9 * day, now_seconds - day}).certificate;
  auto const long_gone = make_root("Long gone", {"", {}, now_seconds - 99 * day, now_seconds - 9 * day}).certificate;
  auto const told = [&](std::string const& text) {
    return problems_of(on, {on.files.write("ca.pem", text), "", "", ""});
  };
  CHECK(
      told(gone + long_gone) ==
      "warning: \"trust_cacerts\" is \"ca.pem\", which holds no certificate that is valid today; the last one is valid "
      "from 2025-12-23 00:00:00 UTC to 2025-12-31 00:00:00 UTC\n");
  CHECK(told(gone + on.root.certificate + long_gone) == "");
}

TEST_CASE("without a trust file the system's is taken, and it is told if there is none") {
  desk const on;
  auto const file = on.path("system.pem");
  auto const directory = on.path("system");
  environment const names_file("SSL_CERT_FILE", file);
  environment const names_directory("SSL_CERT_DIR", directory);
  tls_files const none;
  std::string const nobody = "error: the system trusts nobody: there is neither system.pem nor anything in system; "
                             "expected \"trust_cacerts\", or the package ca-certificates\n";
  CHECK(problems_of(on, none) == nobody);
  std::filesystem::create_directory(directory);
  CHECK(problems_of(on, none) == nobody);
  on.files.write("system/12345678.0", on.root.certificate);
  CHECK(problems_of(on, none) == "");
  on.files.write("system.pem", "hello");
  CHECK(
      problems_of(on, none) ==
      "error: the system's trust store is \"system.pem\", which holds no certificate; expected PEM, which begins with "
      "-----BEGIN CERTIFICATE-----\n");
  on.files.write("system.pem", on.root.certificate);
  CHECK(problems_of(on, none) == "");
  CHECK(tls_context::load(none).context->trusted_place() == "the certificates that the system trusts");
}

TEST_CASE("a context is the same as another one if files and contents are") {
  desk const on;
  auto files = on.all();
  auto const first = tls_context::load(files).context;
  CHECK(first->is_same_as(*tls_context::load(files).context));
  on.files.write("copy.pem", on.root.certificate);
  CHECK_FALSE(
      first->is_same_as(*tls_context::load({on.path("copy.pem"), files.client_cert, files.client_key, ""}).context));
  CHECK_FALSE(first->is_same_as(*tls_context::load({files.trust_cacerts, "", "", ""}).context));
  SECTION("another root") {
    on.files.write("ca.pem", make_root("Test Root").certificate);
  }
  SECTION("another certificate") {
    auto const client = make_certificate({"client", {}}, on.root);
    on.files.write("c.crt", client.certificate);
    on.files.write("c.key", client.key);
  }
  SECTION("the same key under a password") {
    on.files.write("c.key", encrypt_key(on.client.key, "open sesame"));
    files.client_key_password = on.files.write("password", "open sesame");
  }
  auto const changed = tls_context::load(files).context;
  REQUIRE(changed);
  CHECK_FALSE(changed->is_same_as(*first));
  CHECK(changed->is_same_as(*tls_context::load(files).context));
}
