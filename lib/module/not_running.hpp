#pragma once

#include "module/diagnostic.hpp"
#include "module/spec.hpp"

#include <string>
#include <vector>

namespace statefund::module {

// Something that a module declares and that this version does not do. A file that has it loads.
struct not_running {
  std::string what; // "the Kafka ingress com.example/orders"
  place where;
  std::string why; // "Kafka is not read in this version"

  bool operator==(not_running const&) const = default;
};

// In the order of their places. Pure.
std::vector<not_running> not_running_of(specs const& declared);

} // namespace statefund::module
