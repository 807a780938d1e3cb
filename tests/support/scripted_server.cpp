#include "support/scripted_server.hpp"

#include "error/ensure.hpp"
#include "task/with_deadline.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <unistd.h>

namespace statefund::support {

namespace asio = boost::asio;
using clock::deadline;

step in_the_clear() {
  return {step::kind::in_the_clear, {}, 0};
}
step expect_request() {
  return {step::kind::expect_request, {}, 0};
}
step expect_bytes(std::size_t count) {
  return {step::kind::expect_bytes, {}, count};
}
step answer_with(std::function<std::string(std::string const& request)> answering) {
  return {step::kind::answer, {}, 0, std::move(answering)};
}
step send(std::string bytes) {
  return {step::kind::send, std::move(bytes), 0};
}
step send_beneath(std::string bytes) {
  return {step::kind::send_beneath, std::move(bytes), 0};
}
step give_ticket() {
  return {step::kind::give_ticket, {}, 0};
}
step close() {
  return {step::kind::close, {}, 0};
}
step cut() {
  return {step::kind::cut, {}, 0};
}
step reset() {
  return {step::kind::reset, {}, 0};
}
step hold() {
  return {step::kind::hold, {}, 0};
}
step stand_by() {
  return {step::kind::stand_by, {}, 0};
}

namespace {

// The size of the request at the front of `bytes`, once all of it is there.
std::optional<std::size_t> request_size(std::string const& bytes) {
  auto const head = bytes.find("\r\n\r\n");
  if (head == std::string::npos)
    return std::nullopt;
  static constexpr std::string_view name = "Content-Length: ";
  std::size_t body = 0;
  if (auto const at = bytes.find(name); at < head)
    std::from_chars(bytes.data() + at + name.size(), bytes.data() + head, body);
  auto const size = head + 4 + body;
  return bytes.size() >= size ? std::optional(size) : std::nullopt;
}

using socket = asio::generic::stream_protocol::socket;
using tls_stream = asio::ssl::stream<socket&>;

socket& beneath(socket& with) {
  return with;
}
socket& beneath(tls_stream& with) {
  return with.next_layer();
}

// False when the other side has ended the connection.
template <class Stream>
asio::awaitable<bool> read_more(Stream& from, std::string& into, std::size_t& closed_count) {
  std::vector<char> buffer(64U * 1024U);
  auto read = from.async_read_some(asio::buffer(buffer), asio::deferred);
  auto const got = co_await task::with_deadline(std::move(read), deadline::never());
  if (got.has_value())
    into.append(buffer.data(), *got);
  else if (got.error().code == asio::error::eof)
    ++closed_count;
  co_return got.has_value();
}

template <class Stream>
asio::awaitable<bool> write_all(Stream& to, std::string const& bytes) {
  auto write = asio::async_write(to, asio::buffer(bytes), asio::deferred);
  auto const sent = co_await task::with_deadline(std::move(write), deadline::never());
  co_return sent.has_value();
}

asio::awaitable<void> send_ticket(socket&) {
  co_return;
}

asio::awaitable<void> send_ticket(tls_stream& with) {
  SSL_new_session_ticket(with.native_handle());
  auto send = with.async_handshake(asio::ssl::stream_base::server, asio::deferred);
  auto const sent = co_await task::with_deadline(std::move(send), deadline::never());
  ensure(sent.has_value(), "a ticket can be sent");
}

asio::awaitable<void> say_goodbye(socket&) {
  co_return;
}

// Says close_notify and does not wait for the other side's.
asio::awaitable<void> say_goodbye(tls_stream& with) {
  auto shutdown = with.async_shutdown(asio::deferred);
  auto const at_once = deadline::after(clock::steady::duration::zero());
  auto const ignored = co_await task::with_deadline(std::move(shutdown), at_once);
  static_cast<void>(ignored);
}

std::string subject_of(X509* certificate) {
  std::array<char, 200> text{};
  if (certificate == nullptr)
    return {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text.data(), text.size());
  X509_free(certificate);
  return text.data();
}

int choose_protocol(SSL*, unsigned char const** chosen, unsigned char* size, unsigned char const* offered,
                    unsigned offered_size, void*) {
  static constexpr std::array<unsigned char, 9> http{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  return SSL_select_next_proto(const_cast<unsigned char**>(chosen), size, http.data(), http.size(), offered,
                               offered_size) == OPENSSL_NPN_NEGOTIATED
             ? SSL_TLSEXT_ERR_OK
             : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int version_of(tls_versions value, int otherwise) {
  switch (value) {
  case tls_versions::v1_1:
    return TLS1_1_VERSION;
  case tls_versions::v1_2:
    return TLS1_2_VERSION;
  case tls_versions::v1_3:
    return TLS1_3_VERSION;
  case tls_versions::all:
    break;
  }
  return otherwise;
}

} // namespace

scripted_server::scripted_server(event_loop& loop)
    : scripted_server(loop, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

scripted_server::scripted_server(event_loop& loop, asio::ip::tcp::endpoint at)
    : loop_(loop),
      acceptor_(loop.io(), protocol::endpoint(at)),
      going_on_(loop.executor()),
      gate_(loop.executor()) {
  asio::ip::tcp::endpoint bound;
  auto const local = acceptor_.local_endpoint();
  std::memcpy(bound.data(), local.data(), local.size());
  port_ = bound.port();
}

scripted_server::scripted_server(event_loop& loop, std::string path, int backlog)
    : loop_(loop),
      path_(std::move(path)),
      acceptor_(loop.io()),
      going_on_(loop.executor()),
      gate_(loop.executor()) {
  asio::local::stream_protocol::endpoint const at(path_);
  acceptor_.open(at.protocol());
  acceptor_.bind(at);
  acceptor_.listen(backlog);
}

scripted_server::~scripted_server() {
  gate_.cancel();
  ensure(loop_.run_until([&] { return gate_.running_count() == 0; }), "a script ends when it is cancelled");
  if (!path_.empty())
    ::unlink(path_.c_str());
}

void scripted_server::plays(script next) {
  scripts_.push_back(std::move(next));
  if (accepting_)
    return;
  accepting_ = true;
  gate_.start(accept());
}

asio::awaitable<void> scripted_server::accept() {
  while (!scripts_.empty()) {
    protocol::socket connected(loop_.io());
    auto accepting = acceptor_.async_accept(connected, asio::deferred);
    auto const done = co_await task::with_deadline(std::move(accepting), deadline::never());
    if (done.has_error())
      break;
    boost::system::error_code not_tcp; // what is sent arrives at once
    connected.set_option(asio::ip::tcp::no_delay(true), not_tcp);
    ++accepted_count_;
    auto steps = std::move(scripts_.front());
    scripts_.pop_front();
    gate_.start(play(std::move(connected), std::move(steps)));
  }
  accepting_ = false;
}

void scripted_server::speaks(server_tls const& tls) {
  tls_ = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  tls_->use_certificate_chain(asio::buffer(tls.shown.certificate));
  tls_->use_private_key(asio::buffer(tls.shown.key), asio::ssl::context::pem);
  if (!tls.client_roots.empty()) {
    tls_->add_certificate_authority(asio::buffer(tls.client_roots));
    tls_->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  }
  auto* const handle = tls_->native_handle();
  SSL_CTX_set_min_proto_version(handle, version_of(tls.versions, TLS1_1_VERSION));
  SSL_CTX_set_max_proto_version(handle, version_of(tls.versions, TLS1_3_VERSION));
  if (tls.versions == tls_versions::v1_1)
    SSL_CTX_set_cipher_list(handle, "DEFAULT:@SECLEVEL=0");
  SSL_CTX_set_alpn_select_cb(handle, &choose_protocol, nullptr);
  static constexpr std::array<unsigned char, 4> name{'t', 'e', 's', 't'};
  SSL_CTX_set_session_id_context(handle, name.data(), name.size());
  if (tls.tickets == session_tickets::none) {
    SSL_CTX_set_num_tickets(handle, 0);
    SSL_CTX_set_options(handle, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_OFF);
  }
}

asio::awaitable<void> scripted_server::play(protocol::socket with, script steps) {
  ++playing_count_;
  bool const in_the_clear = !steps.empty() && steps.front().what == step::kind::in_the_clear;
  if (tls_ && !in_the_clear)
    co_await play_over_tls(with, steps);
  else
    co_await play_on(with, steps);
  with.close();
  --playing_count_;
}

asio::awaitable<void> scripted_server::play_over_tls(protocol::socket& with, script const& steps) {
  auto const context = tls_;
  tls_stream over(with, *context);
  auto handshake = over.async_handshake(asio::ssl::stream_base::server, asio::deferred);
  auto const shaken = co_await task::with_deadline(std::move(handshake), deadline::never());
  auto* const handle = over.native_handle();
  char const* const name = SSL_get_servername(handle, TLSEXT_NAMETYPE_host_name);
  shaken_.names.emplace_back(name == nullptr ? "" : name);
  if (shaken.has_error()) {
    ++shaken_.failed_count;
    co_return;
  }
  ++shaken_.done_count;
  shaken_.resumed_count += SSL_session_reused(handle) == 1 ? 1 : 0;
  shaken_.client_names.push_back(subject_of(SSL_get1_peer_certificate(handle)));
  unsigned char const* protocol_name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(handle, &protocol_name, &size);
  shaken_.protocol.assign(protocol_name, protocol_name + size);
  co_await play_on(over, steps);
}

template <class Stream>
asio::awaitable<void> scripted_server::play_on(Stream& with, script const& steps) {
  std::string unread;
  bool open = true;
  bool in_order = true;
  for (auto next = steps.begin(); open && next != steps.end(); ++next) {
    switch (next->what) {
    case step::kind::in_the_clear:
      break;
    case step::kind::expect_request:
    case step::kind::answer:
      while (open && !request_size(unread))
        open = co_await read_more(with, unread, shaken_.closed_count);
      if (open) {
        auto const size = *request_size(unread);
        requests_.push_back(unread.substr(0, size));
        unread.erase(0, size);
      }
      if (open && next->what == step::kind::answer) {
        std::string const bytes = next->answering(requests_.back());
        open = co_await write_all(with, bytes);
      }
      break;
    case step::kind::expect_bytes:
      while (open && unread.size() < next->count)
        open = co_await read_more(with, unread, shaken_.closed_count);
      if (open)
        unread.erase(0, next->count);
      break;
    case step::kind::send:
      open = co_await write_all(with, next->bytes);
      break;
    case step::kind::send_beneath:
      open = co_await write_all(beneath(with), next->bytes);
      break;
    case step::kind::give_ticket:
      co_await send_ticket(with);
      break;
    case step::kind::close:
      open = false;
      break;
    case step::kind::cut:
      in_order = false;
      open = false;
      break;
    case step::kind::reset:
      beneath(with).set_option(asio::socket_base::linger(true, 0));
      in_order = false;
      open = false;
      break;
    case step::kind::hold:
      while (open)
        open = co_await read_more(with, unread, shaken_.closed_count);
      break;
    case step::kind::stand_by:
      open = co_await going_on_.wait(deadline::never()) == task::wait_end::notified;
      break;
    }
  }
  if (in_order)
    co_await say_goodbye(with);
}

} // namespace statefund::support
