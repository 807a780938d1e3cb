#pragma once

namespace statefund::message {

// What becomes of a message that its function refuses for good.
enum class on_failure {
  pause,       // it stays at the head of its address, which waits for `resume` or `skip`
  dead_letter, // it goes to the dead letters with the reason, and its address goes on
  skip,        // it is dropped, counted and logged, and its address goes on
};

// When a call may start.
enum class call_when {
  ordered, // once its messages are in the store's order: a crash may take them back, with all that came of them
  durable, // once its messages are durable
};

} // namespace statefund::message
