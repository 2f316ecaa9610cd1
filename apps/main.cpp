#include <unistd.h>

#include <iostream>

#include "apps/cli/begin.hpp"
#include "apps/cli/run.hpp"
#include "apps/commands.hpp"
#include "runtime/os/reader.hpp"

// Settings of jemalloc (runtime/os/memory.hpp). Few arenas: most messages are freed by another thread anyway. Each thread
// keeps freed blocks of up to 256 KiB, so that links with large messages need no lock.
extern "C" {
const char* malloc_conf = "narenas:4,dirty_decay_ms:1000,muzzy_decay_ms:0,lg_tcache_max:18";
}

int main(int count, char** arguments) {
  using namespace troupe::apps;
  begin_process();
  std::ios::sync_with_stdio(false);
  Console console{std::cout, std::cerr, std::cin, isatty(STDOUT_FILENO) == 1, isatty(STDERR_FILENO) == 1, environ, [] {
                    return troupe::os::reader_is_gone(STDOUT_FILENO);
                  }};
  return static_cast<int>(run(commands(), {arguments + 1, arguments + count}, console));
}
