#include "http/listening_socket.hpp"

#include "http/errc.hpp"

#include <boost/asio/ip/address.hpp>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <vector>

#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace statefund::http {

namespace {

namespace asio = boost::asio;

error unusable(std::string const& name, std::string const& what) {
  return error{errc::socket_unusable, name + ": " + what};
}

error unusable_by_errno(std::string const& name, std::string const& doing) {
  return unusable(name, doing + ": " + std::strerror(errno));
}

std::optional<::gid_t> find_group(std::string const& name) {
  std::vector<char> text(16384);
  ::group entry{};
  ::group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, text.data(), text.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return found->gr_gid;
}

::sockaddr const* as_sockaddr(void const* address) noexcept {
  return static_cast<::sockaddr const*>(address);
}

// Whether somebody accepts connections there; a file that a daemon left behind when it ended refuses them.
bool somebody_listens(::sockaddr_un const& address) {
  int const probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0)
    return true;
  bool const refused = ::connect(probe, as_sockaddr(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return !refused;
}

std::string parent_of(std::string const& path) {
  auto const slash = path.rfind('/');
  if (slash == std::string::npos)
    return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace

listening_socket::~listening_socket() {
  if (!path_to_remove_.empty())
    ::unlink(path_to_remove_.c_str());
  if (descriptor_ >= 0)
    ::close(descriptor_);
}

void listening_socket::swap(listening_socket& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(family_, other.family_);
  name_.swap(other.name_);
  path_to_remove_.swap(other.path_to_remove_);
}

result<listening_socket> listening_socket::at_path(std::string const& path, unsigned mode, std::string const& group) {
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return unusable(path, "a socket's path has 1 to " + std::to_string(sizeof address.sun_path - 1) + " bytes");
  std::memcpy(address.sun_path, path.data(), path.size());

  struct ::stat about {};
  std::string const parent = parent_of(path);
  if (::stat(parent.c_str(), &about) != 0 || !S_ISDIR(about.st_mode))
    return unusable(path, "the directory " + parent + " does not exist; make it, or choose another path");
  std::optional<::gid_t> owner_group;
  if (!group.empty()) {
    owner_group = find_group(group);
    if (!owner_group)
      return unusable(path, "there is no group '" + group + "'");
  }
  if (::lstat(path.c_str(), &about) == 0) {
    if (!S_ISSOCK(about.st_mode))
      return unusable(path, "there is a file that is no socket; it was left alone");
    if (somebody_listens(address))
      return error{errc::socket_in_use, path + ": another process listens there; is a daemon running already?"};
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
      return unusable_by_errno(path, "the socket file of an ended process cannot be removed");
  }

  listening_socket made;
  made.name_ = path;
  made.family_ = AF_UNIX;
  made.descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (made.descriptor_ < 0)
    return unusable_by_errno(path, "no socket");
  if (::bind(made.descriptor_, as_sockaddr(&address), sizeof address) != 0)
    return unusable_by_errno(path, "the socket file cannot be made");
  made.path_to_remove_ = path;
  // Nobody can connect before listen(), so the file has its owner and mode before the first client.
  if (owner_group && ::chown(path.c_str(), static_cast<::uid_t>(-1), *owner_group) != 0)
    return unusable_by_errno(path, "the group cannot be set to " + group);
  if (::chmod(path.c_str(), mode) != 0)
    return unusable_by_errno(path, "the mode cannot be set");
  if (::listen(made.descriptor_, SOMAXCONN) != 0)
    return unusable_by_errno(path, "listen");
  return made;
}

result<listening_socket> listening_socket::at_tcp(std::string_view host_and_port) {
  std::string const name(host_and_port);
  auto const colon = host_and_port.rfind(':');
  std::uint16_t port = 0;
  bool port_is_read = false;
  if (colon != std::string_view::npos) {
    std::string_view const digits = host_and_port.substr(colon + 1);
    auto const [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    port_is_read = failure == std::errc{} && !digits.empty() && end == digits.data() + digits.size();
  }
  if (!port_is_read)
    return unusable(name, "an address to listen on is written host:port, as in 127.0.0.1:9810");
  std::string host(host_and_port.substr(0, colon));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  if (host == "localhost")
    host = "127.0.0.1";
  boost::system::error_code failure;
  auto const ip = asio::ip::make_address(host, failure);
  if (failure)
    return unusable(name, "'" + host + "' is no IP address");

  listening_socket made;
  made.family_ = ip.is_v4() ? AF_INET : AF_INET6;
  made.descriptor_ = ::socket(made.family_, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (made.descriptor_ < 0)
    return unusable_by_errno(name, "no socket");
  int const yes = 1;
  ::setsockopt(made.descriptor_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  ::sockaddr_in v4{};
  ::sockaddr_in6 v6{};
  int bound = -1;
  if (ip.is_v4()) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    auto const bytes = ip.to_v4().to_bytes();
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    bound = ::bind(made.descriptor_, as_sockaddr(&v4), sizeof v4);
  } else {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    auto const bytes = ip.to_v6().to_bytes();
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
    bound = ::bind(made.descriptor_, as_sockaddr(&v6), sizeof v6);
  }
  if (bound != 0) {
    if (errno == EADDRINUSE)
      return error{errc::socket_in_use, name + ": another process listens there"};
    return unusable_by_errno(name, "the address cannot be used");
  }
  if (::listen(made.descriptor_, SOMAXCONN) != 0)
    return unusable_by_errno(name, "listen");
  if (ip.is_v4()) {
    ::socklen_t size = sizeof v4;
    ::getsockname(made.descriptor_, static_cast<::sockaddr*>(static_cast<void*>(&v4)), &size);
    made.name_ = host + ":" + std::to_string(ntohs(v4.sin_port));
  } else {
    ::socklen_t size = sizeof v6;
    ::getsockname(made.descriptor_, static_cast<::sockaddr*>(static_cast<void*>(&v6)), &size);
    made.name_ = "[" + host + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  return made;
}

result<listening_socket> listening_socket::adopt(int descriptor) {
  listening_socket made;
  made.name_ = "descriptor " + std::to_string(descriptor);
  ::socklen_t size = sizeof made.family_;
  int listens = 0;
  ::socklen_t listens_size = sizeof listens;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &made.family_, &size) != 0 ||
      ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) != 0)
    return unusable_by_errno(made.name_, "no socket");
  if (listens == 0)
    return unusable(made.name_, "the socket does not listen");
  made.descriptor_ = descriptor;
  return made;
}

} // namespace statefund::http
