#include "dialogue/door_client.hpp"

#include "task/with_deadline.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace statefund::dialogue {

namespace asio = boost::asio;

door_client::door_client(asio::any_io_executor const& executor, std::string const& path) : socket_(executor) {
  socket_.connect(asio::local::stream_protocol::endpoint(path));
}

asio::awaitable<void> door_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto write = socket_.async_write_some(asio::buffer(bytes), asio::deferred);
    auto const count = co_await task::with_deadline(std::move(write), clock::deadline::never());
    if (count.has_error())
      co_return; // a server that closes while we send is seen by what it answered
    bytes.remove_prefix(*count);
  }
}

void door_client::shut_sending() {
  socket_.shutdown(asio::socket_base::shutdown_send);
}

asio::awaitable<bool> door_client::read_more() {
  std::array<char, 4096> some;
  auto read = socket_.async_read_some(asio::buffer(some), asio::deferred);
  auto const count = co_await task::with_deadline(std::move(read), clock::deadline::never());
  if (count.has_error())
    co_return false;
  held_.append(some.data(), *count);
  co_return true;
}

asio::awaitable<std::optional<answer>> door_client::read(body_of asked) {
  std::size_t head_end = 0;
  while ((head_end = held_.find("\r\n\r\n")) == std::string::npos) {
    bool const more = co_await read_more();
    if (!more) {
      if (!held_.empty())
        throw std::runtime_error("the connection was closed within an answer: " + held_);
      co_return std::nullopt;
    }
  }
  answer read;
  std::string const head = held_.substr(0, head_end + 2);
  held_.erase(0, head_end + 4);
  if (!head.starts_with("HTTP/1.1 ") || head.size() < 13)
    throw std::runtime_error("no answer: " + head);
  read.status = static_cast<unsigned>(std::stoul(head.substr(9, 3)));
  for (std::size_t line = head.find("\r\n") + 2; line < head.size();) {
    std::size_t const end = head.find("\r\n", line);
    std::size_t const colon = head.find(": ", line);
    std::string name = head.substr(line, colon - line);
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    read.headers[name] = head.substr(colon + 2, end - colon - 2);
    line = end + 2;
  }
  if (read.status == 100 || asked == body_of::head)
    co_return read;
  std::size_t const length = std::stoul(read.headers.at("content-length"));
  while (held_.size() < length) {
    bool const more = co_await read_more();
    if (!more)
      throw std::runtime_error("the connection was closed within an answer's body");
  }
  read.body = held_.substr(0, length);
  held_.erase(0, length);
  co_return read;
}

asio::awaitable<answer> door_client::ask(std::string_view bytes) {
  co_await send(bytes);
  auto answered = co_await read();
  if (!answered)
    throw std::runtime_error("closed without an answer");
  co_return *std::move(answered);
}

asio::awaitable<bool> door_client::is_closed() {
  bool const more = co_await read_more();
  co_return !more && held_.empty();
}

socket_directory::socket_directory() {
  std::string pattern = (std::filesystem::temp_directory_path() / ("statefund-" + std::string(6, 'X'))).string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error("no temporary directory");
  directory_ = pattern;
}

socket_directory::~socket_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

} // namespace statefund::dialogue
