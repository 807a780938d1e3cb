#pragma once

#include "error/result.hpp"

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace statefunctl {

struct answer {
  unsigned status = 0;
  std::map<std::string, std::string> headers; // names in lower case
  std::string body;

  bool is_good() const noexcept { return status >= 200 && status < 300; }
  std::string header(std::string const& lower_name) const;
};

// One HTTP connection to a unix socket, made for each request. Synchronous: a tool has nothing else to do.
class client {
 public:
  explicit client(std::string socket_path) : socket_path_(std::move(socket_path)) {}

  // The error says which socket, and what to do about it.
  statefund::result<answer> ask(std::string_view method, std::string_view target,
                                std::vector<std::pair<std::string, std::string>> const& headers = {},
                                std::string body = {}) const;

  std::string const& socket_path() const noexcept { return socket_path_; }

 private:
  std::string socket_path_;
};

} // namespace statefunctl
