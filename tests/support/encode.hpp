#pragma once

#include <string>
#include <string_view>

namespace statefund::support {

enum class encoding {
  gzip,
  zlib,        // what HTTP calls deflate
  raw_deflate, // what some servers take for it
};

std::string encode(encoding as, std::string_view bytes);

} // namespace statefund::support
