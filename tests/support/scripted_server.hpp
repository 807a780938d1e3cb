#pragma once

#include "support/certificates.hpp"
#include "support/event_loop.hpp"
#include "task/event.hpp"
#include "task/gate.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio::ssl {
class context;
}

namespace statefund::support {

// One thing that the server's side of a connection does.
struct step {
  enum class kind {
    in_the_clear,   // as the first one: the connection is without TLS
    expect_request, // reads one HTTP request with its Content-Length's body, and keeps it
    expect_bytes,   // reads that many bytes
    answer,         // reads one HTTP request as above, and writes what `answering` makes of it
    send,           // writes `bytes`
    send_beneath,   // writes them past TLS
    give_ticket,    // sends a session ticket, over TLS 1.3
    close,          // ends the connection
    cut,            // the same, without the word by which TLS ends
    reset,          // ends it the hard way: the other side's reads and writes fail
    hold,           // does nothing until the other side ends the connection
    stand_by,       // does nothing until the test says go_on()
  };
  kind what;
  std::string bytes;
  std::size_t count = 0;
  std::function<std::string(std::string const& request)> answering = {};
};
using script = std::vector<step>;

step in_the_clear();
step expect_request();
step expect_bytes(std::size_t count);
step answer_with(std::function<std::string(std::string const& request)> answering);
step send(std::string bytes);
step send_beneath(std::string bytes);
step give_ticket();
step close();
step cut();
step reset();
step hold();
step stand_by();

enum class tls_versions { all, v1_1, v1_2, v1_3 };
enum class session_tickets { given, none };

// What a server is that speaks TLS.
struct server_tls {
  identity shown;           // with its chain behind it
  std::string client_roots; // who may issue the client certificate that is required; empty: none is
  tls_versions versions = tls_versions::all;
  session_tickets tickets = session_tickets::given;
};

// How the handshakes of a server ended.
struct handshakes {
  std::size_t done_count = 0;
  std::size_t resumed_count = 0; // of them
  std::size_t failed_count = 0;
  std::size_t closed_count = 0;          // connections that the client ended with a close_notify
  std::vector<std::string> names;        // that were asked for (SNI), in order; "" for none
  std::vector<std::string> client_names; // subjects of the clients' certificates; "" for none
  std::string protocol;                  // of the last one by ALPN
};

// A server on a real loopback or unix socket, in the test's event loop, that says what it was told to. Connections play
// the scripts in the order they were given; without a script left none is accepted. A script that has ended ends its
// connection in order.
class scripted_server {
 public:
  explicit scripted_server(event_loop& loop);                             // TCP, on a free port of 127.0.0.1
  scripted_server(event_loop& loop, boost::asio::ip::tcp::endpoint at);   // TCP, there
  scripted_server(event_loop& loop, std::string path, int backlog = 128); // a unix socket, which it removes at its end
  ~scripted_server();

  std::uint16_t port() const noexcept { return port_; }
  void plays(script next);
  void go_on() { going_on_.notify_all(); }
  // Connections that are accepted from now on begin with a handshake; tickets of an earlier one are not known.
  void speaks(server_tls const& tls);

  std::vector<std::string> const& requests() const noexcept { return requests_; }
  std::size_t accepted_count() const noexcept { return accepted_count_; }
  std::size_t playing_count() const noexcept { return playing_count_; }
  handshakes const& shaken() const noexcept { return shaken_; }

 private:
  using protocol = boost::asio::generic::stream_protocol;
  using acceptor = boost::asio::basic_socket_acceptor<protocol>;

  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> play(protocol::socket with, script steps);
  template <class Stream>
  boost::asio::awaitable<void> play_on(Stream& with, script const& steps);
  boost::asio::awaitable<void> play_over_tls(protocol::socket& with, script const& steps);

  event_loop& loop_;
  std::string path_;
  std::uint16_t port_ = 0;
  acceptor acceptor_;
  std::deque<script> scripts_;
  bool accepting_ = false;
  std::size_t accepted_count_ = 0;
  std::size_t playing_count_ = 0;
  std::vector<std::string> requests_;
  std::shared_ptr<boost::asio::ssl::context> tls_; // null: in the clear
  handshakes shaken_;
  task::event going_on_;
  task::gate gate_;
};

} // namespace statefund::support
