#include <unistd.h>

#include <iostream>

#include "apps/commands.hpp"
#include "apps/run.hpp"

int main(int count, char** arguments) {
  using namespace troupe::apps;
  std::ios::sync_with_stdio(false);
  Console console{std::cout, std::cerr, std::cin, isatty(STDOUT_FILENO) == 1, isatty(STDERR_FILENO) == 1, environ};
  return static_cast<int>(run(commands(), {arguments + 1, arguments + count}, console));
}
