#include "support/encode.hpp"

#include "error/ensure.hpp"

#define ZLIB_CONST // the input is only read
#include <zlib.h>

namespace statefund::support {

namespace {

int window_of(encoding as) noexcept {
  switch (as) {
  case encoding::gzip:
    return 15 + 16;
  case encoding::zlib:
    return 15;
  case encoding::raw_deflate:
    return -15;
  }
  return 0;
}

} // namespace

std::string encode(encoding as, std::string_view bytes) {
  z_stream stream{};
  ensure(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, window_of(as), 8, Z_DEFAULT_STRATEGY) == Z_OK,
         "zlib can begin");
  std::string encoded(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef const*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(encoded.data());
  stream.avail_out = static_cast<uInt>(encoded.size());
  ensure(deflate(&stream, Z_FINISH) == Z_STREAM_END, "all of it fits its bound");
  encoded.resize(stream.total_out);
  deflateEnd(&stream);
  return encoded;
}

} // namespace statefund::support
