#pragma once

#include "error/result.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace statefund::http {

// A socket that listens, ready to be given to a server. A unix socket's file is removed with it.
class listening_socket {
 public:
  // `mode` as in chmod; an empty group leaves the file's. A file that is there is replaced only if it is a socket on
  // which nobody listens. errc::socket_in_use, socket_unusable, with a detail that says what to do.
  static result<listening_socket> at_path(std::string const& path, unsigned mode, std::string const& group);

  // "host:port" with a numeric host ("127.0.0.1:9810", "[::1]:9810"); port 0 lets the system choose.
  static result<listening_socket> at_tcp(std::string_view host_and_port);

  // Takes over a descriptor that listens already (socket activation); its file stays.
  static result<listening_socket> adopt(int descriptor);

  listening_socket(listening_socket&& other) noexcept { swap(other); }
  listening_socket& operator=(listening_socket&& other) noexcept {
    swap(other);
    return *this;
  }
  ~listening_socket();

  // "/run/statefun/ingress.sock", "127.0.0.1:9810"
  std::string const& name() const noexcept { return name_; }
  int family() const noexcept { return family_; }
  int descriptor() const noexcept { return descriptor_; }
  // Its owner closes the descriptor from now on; the file is still removed with this.
  int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
  listening_socket() = default;
  void swap(listening_socket& other) noexcept;

  int descriptor_ = -1;
  int family_ = 0;
  std::string name_;
  std::string path_to_remove_;
};

} // namespace statefund::http
