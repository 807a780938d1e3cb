#include "mailbox/held_for.hpp"

namespace statefund::mailbox {

namespace {

std::string text(egress_room const& what) {
  return "egress " + to_text(what.egress);
}
std::string text(another_egress const&) {
  return "another egress";
}
std::string text(memory_room const&) {
  return "memory";
}
std::string text(disk_room const&) {
  return "disk";
}
std::string text(unbound_room const& what) {
  return "unbound " + to_text(what.type);
}

} // namespace

std::string to_text(held_for const& what) {
  return std::visit([](auto const& one) { return text(one); }, what);
}

} // namespace statefund::mailbox
