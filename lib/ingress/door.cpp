#include "ingress/door.hpp"

#include "log/log.hpp"

#include <boost/asio/post.hpp>

namespace statefund::ingress {

namespace {

log::logger const logger{"ingress"};

http::limits limits_of(options const& chosen) {
  http::limits bounds;
  bounds.connections_max = chosen.connections_max;
  return bounds;
}

void log_accept_failure(error const& failure) {
  logger.warning({number::file_limit, "connections cannot be accepted; trying again"},
                 {{"reason", failure.to_string()}});
}

} // namespace

door::door(std::vector<place> places, options chosen)
    : options_(std::move(chosen)),
      places_(std::move(places)),
      server_(stations(), limits_of(options_), log_accept_failure) {}

std::vector<http::place> door::stations() {
  std::vector<http::place> made;
  made.reserve(places_.size());
  for (place const& one : places_)
    made.push_back({one.executor, &receivers_.emplace_back(*one.at, options_)});
  return made;
}

result<void> door::open() {
  auto listens = http::listening_socket::at_path(options_.socket, options_.mode, options_.group);
  if (listens.has_error())
    return listens.error();
  server_.start(std::move(*listens));
  return result<void>{};
}

boost::asio::awaitable<void> door::close() {
  for (std::size_t i = 0; i < places_.size(); ++i) { // NOLINT(modernize-loop-convert): over two
    auto const tell = [to = &receivers_[i]] { to->stop_waiting(); };
    boost::asio::post(places_[i].executor, tell);
  }
  co_await server_.stop();
}

} // namespace statefund::ingress
