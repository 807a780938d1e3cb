#include "endpoint/content_decoder.hpp"

#include "error/ensure.hpp"

#include <boost/beast/core/string.hpp>

#include <array>
#include <cstddef>
#include <limits>
#include <new>

#define ZLIB_CONST // the input is only read
#include <zlib.h>

namespace statefund::endpoint {

using boost::beast::iequals;

namespace {

constexpr std::size_t decoded_at_once_bytes = std::size_t{16} * 1024;
constexpr int window_bits = 15;
constexpr int as_gzip = 16; // zlib's way to ask for another form: added to the window's bits, or their sign
constexpr unsigned char deflate_method = 8;

// No encoder begins a bare stream with a zlib header's method: its lowest bits would be a stored block's, with one of
// the bits set that fill up to the next byte.
int window_of(content_coding coding, char first) noexcept {
  if (coding == content_coding::gzip)
    return window_bits + as_gzip;
  return (static_cast<unsigned char>(first) & 0x0fU) == deflate_method ? window_bits : -window_bits;
}

} // namespace

content_coding coding_of(std::string_view content_encoding) noexcept {
  auto found = content_coding::identity;
  while (!content_encoding.empty()) {
    auto const comma = content_encoding.find(',');
    auto one = content_encoding.substr(0, comma);
    content_encoding.remove_prefix(comma == std::string_view::npos ? content_encoding.size() : comma + 1);
    while (!one.empty() && (one.front() == ' ' || one.front() == '\t'))
      one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\t'))
      one.remove_suffix(1);
    if (one.empty() || iequals(one, "identity"))
      continue;
    if (found != content_coding::identity)
      return content_coding::unknown;
    if (iequals(one, "gzip") || iequals(one, "x-gzip"))
      found = content_coding::gzip;
    else if (iequals(one, "deflate"))
      found = content_coding::deflate;
    else
      return content_coding::unknown;
  }
  return found;
}

struct content_decoder::impl {
  explicit impl(content_coding of) noexcept : coding(of) {}
  ~impl() {
    if (begun)
      inflateEnd(&stream);
  }
  impl(impl const&) = delete;
  impl& operator=(impl const&) = delete;

  content_coding coding;
  z_stream stream{};
  bool begun = false;
  decoding state = decoding::incomplete;
};

content_decoder::content_decoder(content_coding coding) : impl_(std::make_unique<impl>(coding)) {
  ensure(coding == content_coding::gzip || coding == content_coding::deflate, "a coding that can be read");
}

content_decoder::~content_decoder() = default;

decoding content_decoder::state() const noexcept {
  return impl_->state;
}

decoding content_decoder::feed(std::string_view encoded, std::string& into, std::uint64_t bytes_max) {
  auto& own = *impl_;
  ensure(own.state == decoding::incomplete || own.state == decoding::complete, "a stream is fed until it fails");
  ensure(encoded.size() <= std::numeric_limits<uInt>::max(), "a stream is fed in pieces");
  if (encoded.empty())
    return own.state;
  if (own.state == decoding::complete)
    return own.state = decoding::broken;
  if (!own.begun) {
    if (inflateInit2(&own.stream, window_of(own.coding, encoded.front())) != Z_OK)
      throw std::bad_alloc();
    own.begun = true;
  }

  own.stream.next_in = reinterpret_cast<Bytef const*>(encoded.data());
  own.stream.avail_in = static_cast<uInt>(encoded.size());
  std::array<char, decoded_at_once_bytes> decoded;
  for (;;) {
    own.stream.next_out = reinterpret_cast<Bytef*>(decoded.data());
    own.stream.avail_out = static_cast<uInt>(decoded.size());
    int const came_to = inflate(&own.stream, Z_NO_FLUSH);
    std::size_t const made = decoded.size() - own.stream.avail_out;
    if (made > bytes_max - into.size()) {
      into.append(decoded.data(), static_cast<std::size_t>(bytes_max - into.size()));
      return own.state = decoding::too_large;
    }
    into.append(decoded.data(), made);
    switch (came_to) {
    case Z_OK:
      break;
    case Z_BUF_ERROR: // nothing more can be made of what is there
      return own.state;
    case Z_STREAM_END:
      return own.state = own.stream.avail_in == 0 ? decoding::complete : decoding::broken;
    case Z_MEM_ERROR:
      throw std::bad_alloc();
    default:
      return own.state = decoding::broken;
    }
  }
}

} // namespace statefund::endpoint
