#include "apps/cli/begin.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace troupe::apps {

void begin_process() {
  // The lowest free number is given, so that each is taken in turn.
  for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; ++standard)
    if (::fcntl(standard, F_GETFD) < 0) ::open("/dev/null", standard == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
}

}  // namespace troupe::apps
