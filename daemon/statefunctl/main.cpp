#include "statefunctl/verbs.hpp"

#include <csignal>
#include <iostream>

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN); // a door that closes while we send has an answer for us
  return static_cast<int>(statefunctl::run(argc, argv, std::cin, std::cout, std::cerr));
}
