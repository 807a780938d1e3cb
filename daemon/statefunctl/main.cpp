#include "statefunctl/verbs.hpp"

#include "daemon/check.hpp"

#include <unistd.h>

#include <csignal>
#include <iostream>

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN); // a door that closes while we send has an answer for us
  auto const colours = statefund::daemon::colours_of(STDERR_FILENO);
  return static_cast<int>(statefunctl::run(argc, argv, std::cin, std::cout, std::cerr, colours));
}
