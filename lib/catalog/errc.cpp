#include "catalog/errc.hpp"

namespace statefund::catalog {

std::string_view room_of(errc) noexcept {
  return "catalog";
}

std::string_view describe(errc value) noexcept {
  switch (value) {
  case errc::directory_missing:
    return "there is no such module directory";
  case errc::directory_unreadable:
    return "the module directory cannot be read";
  case errc::too_many_files:
    return "the module directory holds too many files";
  case errc::watch_unavailable:
    return "the module directory cannot be watched";
  }
  return "unknown error";
}

} // namespace statefund::catalog
