#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace statefund::admin {

// What the admin door can be asked for, one a path.
enum class asked_for {
  healthy,
  ready,
  reload,
  status,
  metrics,
  functions,
  pause_type,
  resume_type,
  addresses,
  address,
  pause,
  resume,
  skip,
  dead_letters,
  replay_many,
  dead_letter,
  replay,
  drop,
  resume_all,
  backup,
};

enum class effect {
  shows, // GET and HEAD
  acts,  // POST; over TCP only where that is allowed
};

struct route {
  std::string_view path; // '*' stands for one segment of its subject
  asked_for what;
  admin::effect effect;
  std::array<std::string_view, 4> parameters; // of the query; the rest is empty
};

struct routed {
  route const* to;
  std::string_view subject; // the segments that stand for the '*'s, as they were sent; borrowed from the path
};

// Pure. Absent: there is no such path.
std::optional<routed> find_route(std::string_view path);

// For a path that there is not: what may stand behind its beginning; empty where nothing begins so.
std::string_view expected_behind(std::string_view path);

} // namespace statefund::admin
