#include "endpoint/tls_layer.hpp"

#include "endpoint/errc.hpp"
#include "endpoint/tls_client.hpp"
#include "error/ensure.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <utility>

namespace statefund::endpoint {

namespace asio = boost::asio;

namespace {

constexpr std::size_t record_bytes_max = SSL3_RT_MAX_PLAIN_LENGTH;

// OpenSSL's own would raise SIGPIPE.
int send_to_socket(BIO* over, char const* bytes, int size) {
  int socket = -1;
  BIO_get_fd(over, &socket);
  auto const sent = static_cast<int>(::send(socket, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL));
  BIO_clear_retry_flags(over);
  if (sent <= 0 && BIO_sock_should_retry(sent) != 0)
    BIO_set_retry_write(over);
  return sent;
}

BIO_METHOD* make_socket_method() {
  auto* const made = BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE");
  auto const* const usual = BIO_s_socket();
  ensure(made != nullptr && BIO_meth_set_write(made, &send_to_socket) == 1 &&
             BIO_meth_set_read(made, BIO_meth_get_read(usual)) == 1 &&
             BIO_meth_set_ctrl(made, BIO_meth_get_ctrl(usual)) == 1 &&
             BIO_meth_set_create(made, BIO_meth_get_create(usual)) == 1 &&
             BIO_meth_set_destroy(made, BIO_meth_get_destroy(usual)) == 1,
         "OpenSSL has memory");
  return made;
}

BIO_METHOD const* socket_method() {
  static BIO_METHOD const* const made = make_socket_method();
  return made;
}

// The front of `from`, up to what one record holds; gathered in `room` where it is in pieces. The same bytes of the
// same `from`, as OpenSSL demands of a write that is repeated.
asio::const_buffer next_record(request_buffers const& from, std::array<char, record_bytes_max>& room) {
  auto const first = std::find_if(from.begin(), from.end(), [](auto const& each) { return each.size() > 0; });
  if (first == from.end() || first->size() >= record_bytes_max || first == from.end() - 1)
    return first == from.end() ? asio::const_buffer() : asio::buffer(*first, record_bytes_max);
  return {room.data(), asio::buffer_copy(asio::buffer(room), from)};
}

} // namespace

bool consume(request_buffers& buffers, std::size_t count) noexcept {
  bool left = false;
  for (auto& each : buffers) {
    auto const taken = std::min(count, each.size());
    each += taken;
    count -= taken;
    left = left || each.size() > 0;
  }
  return left;
}

void tls_layer::free_handle::operator()(ssl_st* owned) const noexcept {
  SSL_free(owned);
}

tls_layer::tls_layer(tls_client& of, int socket) : of_(of), handle_(SSL_new(of.chosen_.context->handle())) {
  BIO* const over = BIO_new(socket_method());
  ensure(handle_ && over != nullptr, "OpenSSL has memory");
  BIO_set_fd(over, socket, BIO_NOCLOSE);
  SSL_set_bio(handle_.get(), over, over);
  SSL_set_app_data(handle_.get(), this);
  SSL_set_connect_state(handle_.get());
  SSL_set_verify(handle_.get(), SSL_VERIFY_PEER, &tls_layer::verified);
  SSL_set_cert_cb(handle_.get(), &tls_layer::certificate_asked, this);
}

tls_layer::~tls_layer() {
  if (broken_ || at_ == handshake_state::under_way)
    return;
  ERR_clear_error();
  SSL_shutdown(handle_.get());
  ERR_clear_error();
}

int tls_layer::verified(int accepted, x509_store_ctx_st* at) {
  auto* const handle = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(at, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto& layer = *static_cast<tls_layer*>(SSL_get_app_data(handle));
  if (accepted == 0) {
    auto const& chosen = layer.of_.chosen_;
    layer.refusal_ = refusal_of(at, chosen.server_name, chosen.context->trusted_place());
  }
  return accepted;
}

int tls_layer::certificate_asked(ssl_st*, void* of) {
  auto& layer = *static_cast<tls_layer*>(of);
  layer.ours_ =
      layer.of_.chosen_.context->has_client_certificate() ? client_certificate::shown : client_certificate::missing;
  return 1;
}

result<void> tls_layer::judge(int returned) {
  int const system_error = errno;
  if (failed_)
    return *failed_;
  switch (SSL_get_error(handle_.get(), returned)) {
  case SSL_ERROR_WANT_READ:
    wants_ = want::read;
    return {};
  case SSL_ERROR_WANT_WRITE:
    wants_ = want::write;
    return {};
  case SSL_ERROR_ZERO_RETURN:
    return error{asio::error::eof, {}};
  case SSL_ERROR_SYSCALL:
    broken_ = true;
    if (system_error == 0)
      return error{errc::tls_cut_off, {}};
    return error{boost::system::error_code(system_error, boost::system::system_category()), {}};
  default:
    break;
  }
  broken_ = true;
  auto const code = ERR_peek_error();
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
    return error{errc::tls_cut_off, {}};
  failed_ = error{errc::tls_failed, refusal_.empty() ? fault_of(code, at_, of_.chosen_.server_name, ours_) : refusal_};
  return *failed_;
}

asio::awaitable<result<void>> tls_layer::ready(stream_socket& socket, clock::deadline until) {
  auto wait =
      socket.async_wait(wants_ == want::read ? stream_socket::wait_read : stream_socket::wait_write, asio::deferred);
  return task::with_deadline(std::move(wait), until);
}

asio::awaitable<result<void>> tls_layer::handshake(stream_socket& socket, clock::deadline until) {
  for (;;) {
    ERR_clear_error();
    int const done = SSL_do_handshake(handle_.get());
    if (done == 1) {
      at_ = handshake_state::done;
      co_return result<void>{};
    }
    auto const judged = judge(done);
    if (judged.has_error())
      co_return judged.error();
    auto const waited = co_await ready(socket, until);
    if (waited.has_error())
      co_return waited.error();
  }
}

result<std::size_t> tls_layer::write_now(request_buffers from) {
  std::array<char, record_bytes_max> room;
  for (std::size_t sent = 0;;) {
    auto const next = next_record(from, room);
    if (next.size() == 0)
      return sent;
    ERR_clear_error();
    std::size_t count = 0;
    int const done = SSL_write_ex(handle_.get(), next.data(), next.size(), &count);
    if (done != 1) {
      auto const judged = judge(done);
      if (judged.has_error())
        return judged.error();
      return sent;
    }
    sent += count;
    consume(from, count);
  }
}

asio::awaitable<result<std::size_t>> tls_layer::read_some(stream_socket& socket, asio::mutable_buffer into,
                                                          clock::deadline until) {
  for (bool waited = false;; waited = true) {
    ERR_clear_error();
    std::size_t count = 0;
    int const done = SSL_read_ex(handle_.get(), into.data(), into.size(), &count);
    if (done == 1)
      co_return count;
    auto const judged = judge(done);
    if (judged.has_error())
      co_return judged.error();
    if (waited)
      co_return std::size_t{0};
    auto const is_ready = co_await ready(socket, until);
    if (is_ready.has_error())
      co_return is_ready.error();
  }
}

bool tls_layer::is_quiet() noexcept {
  ERR_clear_error();
  char byte = 0;
  std::size_t count = 0;
  int const seen = SSL_peek_ex(handle_.get(), &byte, 1, &count);
  return seen != 1 && judge(seen).has_value() && wants_ == want::read;
}

} // namespace statefund::endpoint
