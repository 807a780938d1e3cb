#include "systemd/notify.hpp"

#include "log/capture.hpp"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

using namespace statefund;
using namespace std::chrono_literals;

namespace {

// A datagram socket in a directory of its own, named by NOTIFY_SOCKET while it lives.
class service_manager {
 public:
  service_manager() {
    directory_ = std::filesystem::temp_directory_path() / ("statefund-notify-" + std::string(6, 'X'));
    REQUIRE(mkdtemp(directory_.data()));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path().copy(name.sun_path, sizeof name.sun_path - 1);
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    REQUIRE(bind(socket_, reinterpret_cast<sockaddr const*>(&name), sizeof name) == 0);
    setenv("NOTIFY_SOCKET", path().c_str(), 1);
  }
  ~service_manager() {
    unsetenv("NOTIFY_SOCKET");
    close(socket_);
    std::filesystem::remove_all(directory_);
  }

  std::string path() const { return directory_ + "/notify.sock"; }
  void vanish() { std::filesystem::remove(path()); }

  std::optional<std::string> heard() {
    char bytes[4096];
    auto const length = recv(socket_, bytes, sizeof bytes, 0);
    if (length < 0)
      return {};
    return std::string(bytes, static_cast<std::size_t>(length));
  }

 private:
  std::string directory_;
  int socket_ = -1;
};

} // namespace

TEST_CASE("each report is one datagram to the service manager") {
  log::capture const said;
  service_manager manager;
  systemd::notify_ready();
  CHECK(manager.heard() == "READY=1");
  systemd::notify_status("serving 3 function types");
  CHECK(manager.heard() == "STATUS=serving 3 function types");
  systemd::notify_extended_timeout(45s);
  CHECK(manager.heard() == "EXTEND_TIMEOUT_USEC=45000000");
  systemd::notify_stopping();
  CHECK(manager.heard() == "STOPPING=1");
  timespec before{};
  clock_gettime(CLOCK_MONOTONIC, &before);
  systemd::notify_reloading();
  std::string const reloading = manager.heard().value();
  std::string const head = "RELOADING=1\nMONOTONIC_USEC=";
  REQUIRE(reloading.starts_with(head));
  CHECK(std::stoll(reloading.substr(head.size())) >= before.tv_sec * 1'000'000LL + before.tv_nsec / 1000);
  CHECK_FALSE(manager.heard());
  CHECK(said.events().empty());
}

TEST_CASE("a status cannot carry another report") {
  service_manager manager;
  systemd::notify_status("draining\nMAINPID=1");
  CHECK(manager.heard() == "STATUS=draining MAINPID=1");
}

TEST_CASE("without a service manager nothing is sent and nothing is said") {
  unsetenv("NOTIFY_SOCKET");
  log::capture const said;
  systemd::notify_ready();
  systemd::notify_stopping();
  CHECK(said.events().empty());
}

TEST_CASE("a service manager that cannot be reached is logged once, and hears again when it is back") {
  log::capture const said;
  {
    service_manager manager;
    manager.vanish();
    systemd::notify_ready();
    systemd::notify_status("serving");
    REQUIRE(said.count(number::systemd_unreachable) == 1);
    CHECK(said.events().at(0).fields.at("socket") == manager.path());
    CHECK(said.events().at(0).fields.at("report") == "READY=1");
    CHECK(said.events().at(0).fields.at("why") == "No such file or directory");
  }
  service_manager back;
  systemd::notify_stopping();
  CHECK(back.heard() == "STOPPING=1");
  CHECK(said.events().size() == 1);
}
