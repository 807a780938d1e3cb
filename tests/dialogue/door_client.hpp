#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace statefund::dialogue {

struct answer {
  unsigned status = 0;
  std::map<std::string, std::string> headers; // names in lower case
  std::string body;
};

enum class body_of { get, head }; // an answer to HEAD has a length and no body

// A client of a door that sends what bytes it is told to, and reads answers strictly.
class door_client {
 public:
  door_client(boost::asio::any_io_executor const& executor, std::string const& path);

  boost::asio::awaitable<void> send(std::string_view bytes);
  void shut_sending();
  // The next answer; absent: the connection was closed instead.
  boost::asio::awaitable<std::optional<answer>> read(body_of asked = body_of::get);
  // Sends one request and reads its answer.
  boost::asio::awaitable<answer> ask(std::string_view bytes);
  // Whether the server has closed the connection, with nothing more said.
  boost::asio::awaitable<bool> is_closed();

  void close() { socket_.close(); }

 private:
  boost::asio::awaitable<bool> read_more();

  boost::asio::local::stream_protocol::socket socket_;
  std::string held_;
};

// A name for a socket that nobody else uses; the directory goes with it.
class socket_directory {
 public:
  socket_directory();
  ~socket_directory();
  std::string path(std::string_view name) const { return directory_ + "/" + std::string(name); }

 private:
  std::string directory_;
};

} // namespace statefund::dialogue
