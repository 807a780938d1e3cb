#include "endpoint/tls_client.hpp"

#include "clock/clock.hpp"
#include "error/ensure.hpp"

#include <boost/asio/ip/address.hpp>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace statefund::endpoint {

namespace asio = boost::asio;

namespace {

std::int64_t now_seconds() noexcept {
  return clock::unix_ms() / 1000;
}

// The first expiry among the certificates that a server was verified by.
std::int64_t first_expiry(SSL const* on) {
  auto first = std::numeric_limits<std::int64_t>::max();
  STACK_OF(X509)* const chain = SSL_get0_verified_chain(on);
  for (int i = 0; i < sk_X509_num(chain); ++i)
    first = std::min(first, unix_seconds_of(X509_get0_notAfter(sk_X509_value(chain, i))));
  return first;
}

} // namespace

tls_client::tls_client(tls_options chosen) : chosen_(std::move(chosen)) {
  ensure(chosen_.context != nullptr, "TLS is spoken with files that can be used");
  if (chosen_.server_name.ends_with('.')) // a name that is complete; certificates have it without
    chosen_.server_name.pop_back();
}

tls_client::~tls_client() = default;

void tls_client::free_session::operator()(ssl_session_st* owned) const noexcept {
  SSL_SESSION_free(owned);
}

void tls_client::expect_server(ssl_st& on) const {
  auto const& name = chosen_.server_name;
  auto* const expected = SSL_get0_param(&on);
  X509_VERIFY_PARAM_set_time(expected, now_seconds());
  boost::system::error_code no_address;
  auto const address = asio::ip::make_address(name, no_address);
  bool taken = false;
  if (no_address) {
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    taken = X509_VERIFY_PARAM_set1_host(expected, name.data(), name.size()) == 1 &&
            SSL_set_tlsext_host_name(&on, name.c_str()) == 1;
  } else if (address.is_v4()) {
    auto const bytes = address.to_v4().to_bytes();
    taken = X509_VERIFY_PARAM_set1_ip(expected, bytes.data(), bytes.size()) == 1;
  } else {
    auto const bytes = address.to_v6().to_bytes();
    taken = X509_VERIFY_PARAM_set1_ip(expected, bytes.data(), bytes.size()) == 1;
  }
  ensure(taken && !name.empty(), "OpenSSL takes the name that it is to check");
}

void tls_client::resume(tls_layer& on) {
  if (newest_ && now_seconds() >= verified_until_seconds_)
    newest_.reset();
  if (!newest_)
    return;
  session const copy(SSL_SESSION_dup(newest_.get()));
  ensure(copy && SSL_set_session(on.handle_.get(), copy.get()) == 1, "OpenSSL takes its own session");
  on.verified_until_seconds_ = verified_until_seconds_;
}

int tls_client::session_made(ssl_st* on, ssl_session_st* made) {
  auto& layer = *static_cast<tls_layer*>(SSL_get_app_data(on));
  bool const resumed = SSL_session_reused(on) == 1;
  layer.of_.verified_until_seconds_ = resumed ? layer.verified_until_seconds_ : first_expiry(on);
  layer.of_.newest_.reset(SSL_SESSION_dup(made));
  return 0; // `made` stays OpenSSL's
}

asio::awaitable<boost::system::result<stream, failure>> tls_client::secure(stream_socket connected, clock::deadline own,
                                                                           clock::deadline total) {
  auto layer = std::make_unique<tls_layer>(*this, connected.native_handle());
  expect_server(*layer->handle_);
  resume(*layer);
  auto const until = std::min(own, total);
  auto const shaken = co_await layer->handshake(connected, until);
  if (shaken.has_value())
    co_return stream(std::move(connected), std::move(layer));
  newest_.reset(); // a server that cannot cope with a session is not offered it again
  co_return failure_of(shaken.error(), stage::handshaking, own < total ? cause::connect_timeout : cause::call_timeout);
}

} // namespace statefund::endpoint
