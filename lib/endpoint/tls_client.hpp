#pragma once

#include "clock/deadline.hpp"
#include "endpoint/attempt.hpp"
#include "endpoint/options.hpp"
#include "endpoint/stream.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>

#include <cstdint>
#include <memory>
#include <string>

struct ssl_session_st;

namespace statefund::endpoint {

// Our side of TLS to one function type on one shard, on the shard's thread: which certificate is expected, and the
// newest session that the server has given, which new connections resume. Outlives its streams.
class tls_client {
 public:
  explicit tls_client(tls_options chosen); // whose context is not null
  ~tls_client();
  tls_client(tls_client const&) = delete;
  tls_client& operator=(tls_client const&) = delete;

  // Shakes hands over a socket that is connected and does not block. `own`, the connect timeout's end, within `total`.
  boost::asio::awaitable<boost::system::result<stream, failure>> secure(stream_socket connected, clock::deadline own,
                                                                        clock::deadline total);

  // For OpenSSL, as tls_context has told it.
  static int session_made(ssl_st* on, ssl_session_st* made);

 private:
  friend tls_layer;
  struct free_session {
    void operator()(ssl_session_st* owned) const noexcept;
  };
  using session = std::unique_ptr<ssl_session_st, free_session>;

  void expect_server(ssl_st& on) const;
  void resume(tls_layer& on);

  tls_options chosen_;
  // Connections get and give copies: OpenSSL marks the session of a connection that was cut off as unfit, and one of
  // TLS 1.3 once it was used.
  session newest_;
  // A session stands for a verification in the past: it is used until the first of the certificates expires.
  std::int64_t verified_until_seconds_ = 0;
};

} // namespace statefund::endpoint
