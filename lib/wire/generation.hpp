#pragma once

namespace statefund::wire {

// The two generations of the remote function protocol; a module's format decides which one an endpoint is called with.
enum class generation {
  v2, // module formats "1.0" and "2.0": values are Any, states are bytes and declared in YAML
  v3, // module format "3.0" and `kind:` documents: values and states are TypedValue, functions declare their states
};

} // namespace statefund::wire
