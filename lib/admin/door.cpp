#include "admin/door.hpp"

#include "log/log.hpp"

namespace statefund::admin {

namespace {

log::logger const logger{"admin"};

http::limits limits_here() {
  http::limits bounds;
  bounds.connections_max = connections_max;
  return bounds;
}

void log_accept_failure(error const& failure) {
  logger.warning({number::file_limit, "connections cannot be accepted; trying again"},
                 {{"reason", failure.to_string()}});
}

} // namespace

door::door(boost::asio::any_io_executor const& executor, sources& from, dispatch::operations& on, options chosen)
    : options_(std::move(chosen)),
      desk_(from, on, options_.actions),
      server_({http::place{executor, &desk_}}, limits_here(), log_accept_failure) {}

result<void> door::open() {
  auto local = http::listening_socket::at_path(options_.socket, options_.mode, options_.group);
  if (local.has_error())
    return local.error();
  if (!options_.listen.empty()) {
    auto tcp = http::listening_socket::at_tcp(options_.listen);
    if (tcp.has_error())
      return tcp.error();
    listens_at_ = tcp->name();
    server_.start(std::move(*tcp));
  }
  server_.start(std::move(*local));
  return result<void>{};
}

} // namespace statefund::admin
