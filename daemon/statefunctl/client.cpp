#include "statefunctl/client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <cctype>

namespace statefunctl {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using statefund::error;
using statefund::result;

namespace {

error cannot_reach(std::string const& path, error_code const& code) {
  if (code == asio::error::connection_refused)
    return {code, "nobody listens on " + path + ": is statefund running? (systemctl status statefund)"};
  if (code == boost::system::errc::no_such_file_or_directory)
    return {code, "there is no socket at " + path +
                      ": is statefund running, and with this socket? Another one is named by --admin-socket, "
                      "--ingress-socket or the environment"};
  if (code == boost::system::errc::permission_denied)
    return {code, "this user may not use " + path + ": join the socket's group, or run as root"};
  return {code, path + ": " + code.message()};
}

} // namespace

std::string answer::header(std::string const& lower_name) const {
  auto const found = headers.find(lower_name);
  return found == headers.end() ? std::string() : found->second;
}

result<answer> client::ask(std::string_view method, std::string_view target,
                           std::vector<std::pair<std::string, std::string>> const& headers, std::string body) const {
  if (socket_path_.empty() || socket_path_.size() > 107)
    return error{make_error_code(boost::system::errc::filename_too_long),
                 "'" + socket_path_ + "' is no path of a socket"};
  asio::io_context io;
  asio::local::stream_protocol::socket socket(io);
  error_code failure;
  socket.connect(asio::local::stream_protocol::endpoint(socket_path_), failure);
  if (failure)
    return cannot_reach(socket_path_, failure);

  http::request<http::string_body> wanted;
  wanted.method_string({method.data(), method.size()});
  wanted.target({target.data(), target.size()});
  wanted.version(11);
  wanted.set(http::field::host, "statefund");
  wanted.set(http::field::connection, "close");
  for (auto const& [name, value] : headers)
    wanted.set(name, value);
  bool const has_body = method == "PUT" || method == "POST";
  if (has_body) {
    wanted.body() = std::move(body);
    wanted.prepare_payload();
  }
  error_code write_failure;
  http::write(socket, wanted, write_failure); // a door may answer, and close, before it has read all

  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  http::read(socket, buffer, parser, failure);
  if (failure)
    return error{failure, socket_path_ + ": the daemon closed the connection without an answer; what became of the "
                                         "request is not known"};
  answer said;
  said.status = parser.get().result_int();
  for (auto const& field : parser.get()) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    said.headers[name] = std::string(field.value());
  }
  said.body = std::move(parser.get().body());
  return said;
}

} // namespace statefunctl
