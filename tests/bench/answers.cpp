// bench_answers <ingress socket> <target> <count>
// PUTs messages of 200 bytes, one after the other, to addresses <target>-0, <target>-1 and so on, and prints how many
// microseconds each took until its answer had come, one a line. It blocks and does nothing besides: what it measures is
// the daemon's share and the kernel's.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

[[noreturn]] void fail(std::string const& why) {
  std::fprintf(stderr, "bench_answers: %s\n", why.c_str());
  std::exit(1);
}

int connected_to(std::string_view path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.size() >= sizeof at.sun_path)
    fail("the path of the socket is too long");
  path.copy(at.sun_path, path.size());
  int const to = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (to < 0 || connect(to, reinterpret_cast<sockaddr const*>(&at), sizeof at) != 0)
    fail("no connection to " + std::string(path) + ": " + std::strerror(errno));
  return to;
}

// Reads one answer, which has a Content-Length.
std::string answer_on(int from) {
  std::string all;
  for (char piece[4096];;) {
    auto const count = read(from, piece, sizeof piece);
    if (count <= 0)
      fail("the connection has ended: " + all);
    all.append(piece, static_cast<std::size_t>(count));
    auto const head = all.find("\r\n\r\n");
    auto const length = all.find("Content-Length: ");
    if (head == std::string::npos)
      continue;
    if (length > head)
      fail("an answer without a length: " + all);
    if (all.size() >= head + 4 + std::strtoul(all.c_str() + length + 16, nullptr, 10))
      return all;
  }
}

} // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 4) {
    std::fputs("usage: bench_answers <ingress socket> <target> <count>\n", stderr);
    return 2;
  }
  int const to = connected_to(arguments[1]);
  auto const count = std::strtoul(arguments[3], nullptr, 10);
  for (unsigned long i = 0; i < count; ++i) {
    auto const request = "PUT " + std::string(arguments[2]) + '-' + std::to_string(i) +
                         " HTTP/1.1\r\nHost: bench\r\nStatefun-Type: bench/bytes\r\nContent-Length: 200\r\n\r\n" +
                         std::string(200, 'm');
    auto const begun_at = std::chrono::steady_clock::now();
    if (write(to, request.data(), request.size()) != static_cast<ssize_t>(request.size()))
      fail(std::string("a request was not written: ") + std::strerror(errno));
    auto const answer = answer_on(to);
    std::chrono::duration<double, std::micro> const took = std::chrono::steady_clock::now() - begun_at;
    if (!answer.starts_with("HTTP/1.1 202 "))
      fail("a message was answered " + answer);
    std::printf("%.1f\n", took.count());
  }
  close(to);
  return 0;
}
