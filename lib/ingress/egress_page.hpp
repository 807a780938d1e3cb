#pragma once

#include "store/store.hpp"

#include <string>

// What the records of an egress look like to a reader. docs/format/batch-ndjson.md, docs/format/ingress.md.
namespace statefund::ingress {

std::string as_ndjson(store::egress_page const& page);
std::string as_protobuf(store::egress_page const& page);

} // namespace statefund::ingress
