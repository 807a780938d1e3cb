#include "ingress/egress_page.hpp"

#include "http/base64.hpp"
#include "http/problem.hpp"
#include "wire/frames.hpp"

namespace statefund::ingress {

std::string as_ndjson(store::egress_page const& page) {
  std::string lines;
  for (store::numbered_record const& one : page.records) {
    lines += "{\"seq\":" + std::to_string(one.sequence) + ",\"from\":";
    http::append_json_string(lines, message::to_text(one.from));
    lines += ",\"type\":";
    http::append_json_string(lines, one.value.type_name);
    if (one.value.has_value) {
      lines += ",\"value\":\"";
      http::append_base64(lines, one.value.bytes);
      lines += '"';
    }
    lines += "}\n";
  }
  return lines;
}

std::string as_protobuf(store::egress_page const& page) {
  std::string frames;
  for (store::numbered_record const& one : page.records)
    wire::append_frame(frames, one.sequence, one.from, one.value);
  return frames;
}

} // namespace statefund::ingress
