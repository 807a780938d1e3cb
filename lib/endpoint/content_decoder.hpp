#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace statefund::endpoint {

// How the bytes of an answer's body stand for it (RFC 9110, 8.4.1).
enum class content_coding {
  identity, // they are it
  gzip,
  deflate, // zlib's form, or the bare stream that some servers send under this name
  unknown, // one that is not read here, or several one upon the other
};

// Of a Content-Encoding, as sent; an empty one is identity.
content_coding coding_of(std::string_view content_encoding) noexcept;

// How far the stream has come.
enum class decoding {
  incomplete, // its end is still to come
  complete,   // it has ended, with its checksum right
  too_large,  // it goes on above the limit
  broken,     // it is no such stream, or something stands behind its end
};

// One encoded body, decoded as its bytes come. Thinks only; holds up to 50 KiB beside what it has decoded (zlib's).
class content_decoder {
 public:
  // gzip or deflate.
  explicit content_decoder(content_coding coding);
  ~content_decoder();

  // Appends to `into` what `encoded`, the stream's next bytes, stands for, until `into` has `bytes_max`. Not after
  // too_large or broken.
  decoding feed(std::string_view encoded, std::string& into, std::uint64_t bytes_max);
  decoding state() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace statefund::endpoint
