#include "apps/cli/begin.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <initializer_list>

#include "runtime/os/descriptor.hpp"

namespace troupe::apps {

void begin_process() {
  // The kernel assigns the lowest free number, so each closed descriptor is filled in turn.
  for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; ++standard)
    if (::fcntl(standard, F_GETFD) < 0) ::open("/dev/null", standard == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);
}

std::optional<Failure> too_few_descriptors(const std::string& what, std::uint64_t least) {
  const std::uint64_t most = os::raise_descriptor_limit();
  if (most >= least) return std::nullopt;
  return Failure{
      {base::Code::overloaded, what + " needs " + std::to_string(least) + " open files at once, but this process may " +
                                   "have " + std::to_string(most) + " (RLIMIT_NOFILE)"},
      "nothing was started",
      "ulimit -n " + std::to_string(least) + ", in the shell that starts it",
      Exit::failed};
}

void reap_orphans(pid_t waited_for) {
  while (true) {
    // The status is left until its child is known. Another thread reads the status of a child that it waits for soon,
    // and then the next call continues.
    siginfo_t ended{};
    if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0) return;
    if (ended.si_pid == 0 || ended.si_pid == waited_for) return;
    ::waitid(P_PID, static_cast<id_t>(ended.si_pid), nullptr, WEXITED | WNOHANG);
  }
}

}  // namespace troupe::apps
