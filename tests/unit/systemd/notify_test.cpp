#include "systemd/notify.hpp"

#include "log/capture.hpp"
#include "support/service_manager.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <string>

using namespace statefund;
using support::service_manager;
using namespace std::chrono_literals;

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
