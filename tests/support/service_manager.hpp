#pragma once

#include "error/ensure.hpp"
#include "support/temporary_directory.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace statefund::support {

// A datagram socket, named by NOTIFY_SOCKET while it lives.
class service_manager {
 public:
  service_manager() {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path().copy(name.sun_path, sizeof name.sun_path - 1);
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ensure(::bind(socket_, reinterpret_cast<sockaddr const*>(&name), sizeof name) == 0, "there is room for a socket");
    ::setenv("NOTIFY_SOCKET", path().c_str(), 1);
  }
  ~service_manager() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(socket_);
  }
  service_manager(service_manager const&) = delete;
  service_manager& operator=(service_manager const&) = delete;

  std::string path() const { return directory_.path() / "notify.sock"; }
  void vanish() { std::filesystem::remove(path()); }

  // The next report; absent: there is none.
  std::optional<std::string> heard() {
    std::array<char, 4096> bytes{};
    auto const length = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (length < 0)
      return {};
    return std::string(bytes.data(), static_cast<std::size_t>(length));
  }

 private:
  temporary_directory const directory_;
  int socket_ = -1;
};

} // namespace statefund::support
