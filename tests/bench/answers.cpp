// bench_answers <ingress socket> <target> <count> <file>
// PUTs messages of 200 bytes, one after the other, to addresses <target>-0, <target>-1 and so on, and prints how many
// microseconds each took until its answer had come. It blocks and does nothing besides: what it measures is the
// daemon's share and the kernel's. In between it appends 512 bytes at a time to <file> and syncs each, so that the disk
// is measured in the same moments: one after the other, and at the answers' pace, for a disk that was left alone for a
// moment takes longer. Lines are "answer", "sync" or "sync_after_pause", and microseconds.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

namespace {

using steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr unsigned long in_a_row = 25;
constexpr auto pause_between_answers = 150us; // about what an answer takes besides its sync

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

void print(char const* what, steady::time_point since) {
  std::printf("%s %.1f\n", what, std::chrono::duration<double, std::micro>(steady::now() - since).count());
}

void await_answer(int to, std::string const& target) {
  auto const request = "PUT " + target +
                       " HTTP/1.1\r\nHost: bench\r\nStatefun-Type: bench/bytes\r\nContent-Length: 200\r\n\r\n" +
                       std::string(200, 'm');
  auto const begun_at = steady::now();
  if (write(to, request.data(), request.size()) != static_cast<ssize_t>(request.size()))
    fail(std::string("a request was not written: ") + std::strerror(errno));
  auto const answer = answer_on(to);
  print("answer", begun_at);
  if (!answer.starts_with("HTTP/1.1 202 "))
    fail("a message was answered " + answer);
}

void append_and_sync(int to, char const* what) {
  std::string const bytes(512, 'x');
  auto const begun_at = steady::now();
  if (write(to, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) || fdatasync(to) != 0)
    fail(std::string("the file was not written and synced: ") + std::strerror(errno));
  print(what, begun_at);
}

} // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 5) {
    std::fputs("usage: bench_answers <ingress socket> <target> <count> <file>\n", stderr);
    return 2;
  }
  int const to = connected_to(arguments[1]);
  int const beside = open(arguments[4], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (beside < 0)
    fail(std::string("no file ") + arguments[4] + ": " + std::strerror(errno));
  auto const count = std::strtoul(arguments[3], nullptr, 10);
  for (unsigned long done = 0; done < count; done += in_a_row) {
    for (unsigned long i = 0; i < in_a_row; ++i)
      await_answer(to, std::string(arguments[2]) + '-' + std::to_string(done + i));
    for (unsigned long i = 0; i < in_a_row; ++i)
      append_and_sync(beside, "sync");
    for (unsigned long i = 0; i < in_a_row; ++i) {
      std::this_thread::sleep_for(pause_between_answers);
      append_and_sync(beside, "sync_after_pause");
    }
  }
  close(beside);
  close(to);
  return 0;
}
