#pragma once

#include "clock/deadline.hpp"
#include "endpoint/connect.hpp"
#include "endpoint/tls_words.hpp"
#include "error/result.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

struct ssl_st;
struct x509_store_ctx_st;

namespace statefund::endpoint {

class tls_client;

// A request's head, its content length, its body: written one after the other.
using request_buffers = std::array<boost::asio::const_buffer, 3>;

// Takes `count` bytes away from the front. False when nothing is left.
bool consume(request_buffers& buffers, std::size_t count) noexcept;

// TLS over one connected, non-blocking socket, which outlives it; made by tls_client. OpenSSL reads and writes the
// socket itself and never waits: this does, until the socket is ready. What is said of stream holds here.
class tls_layer {
 public:
  tls_layer(tls_client& of, int socket);
  ~tls_layer(); // says close_notify where that still makes sense
  tls_layer(tls_layer const&) = delete;
  tls_layer& operator=(tls_layer const&) = delete;

  boost::asio::awaitable<result<void>> handshake(stream_socket& socket, clock::deadline until);
  result<std::size_t> write_now(request_buffers from);
  // For what the last operation needs, be it to write or to read.
  boost::asio::awaitable<result<void>> ready(stream_socket& socket, clock::deadline until);
  boost::asio::awaitable<result<std::size_t>> read_some(stream_socket& socket, boost::asio::mutable_buffer into,
                                                        clock::deadline until);
  // Session tickets, which a server may send at any time, are taken on the way.
  bool is_quiet() noexcept;

 private:
  friend tls_client;
  struct free_handle {
    void operator()(ssl_st* owned) const noexcept;
  };
  enum class want {
    read, // the socket is to become readable
    write,
  };

  // For OpenSSL: a certificate was judged; the server asks for ours.
  static int verified(int accepted, x509_store_ctx_st* at);
  static int certificate_asked(ssl_st*, void* of);

  // What an operation of OpenSSL's that is not done came to: no error if it is to be repeated once the socket is ready
  // for what it wants_.
  result<void> judge(int returned);

  tls_client& of_;
  std::unique_ptr<ssl_st, free_handle> handle_;
  handshake_state at_ = handshake_state::under_way;
  want wants_ = want::read;
  bool broken_ = false;
  std::optional<error> failed_; // errc::tls_failed: all that is tried after it comes to it, too
  // Left behind by what OpenSSL calls back.
  std::string refusal_; // why the server's certificate is refused
  client_certificate ours_ = client_certificate::not_asked_for;
  std::int64_t verified_until_seconds_ = 0; // if it resumes a session: the session's
};

} // namespace statefund::endpoint
