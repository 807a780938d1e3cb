#pragma once

#include "admin/json_writer.hpp"
#include "message/change.hpp"

namespace statefund::admin {

// The members of the object that says why something is paused.
inline void write_pause(json_writer& to, message::pause const& one) {
  to.key("by").text(one.cause == message::pause_cause::by_operator ? "operator" : "failure");
  to.key("reason").text(one.reason);
  to.key("since_unix_ms").number(one.since_ms);
}

} // namespace statefund::admin
