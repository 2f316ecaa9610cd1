#include "apps/inspect/screens/loop.hpp"

#include <signal.h>
#include <unistd.h>

#include <fstream>

#include "apps/inspect/screens/draw.hpp"

namespace troupe::apps::screens {
namespace {

constexpr int kExitOfSignals = 128;

}  // namespace

os::Waker loop_waker() { return os::Waker{SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP}; }

Input wait_for_input(os::Waker& waker, Terminal& terminal, Model& model, base::Duration at_most) {
  const auto got = waker.wait(at_most, os::Waker::Watched{STDIN_FILENO, os::Waker::Want::reading});
  if (got != SIGWINCH && got != SIGTSTP) return {.redraw = false, .signal = got};
  if (got == SIGWINCH) terminal.resized();
  else terminal.suspend();
  model.resize(terminal.size());
  return {.redraw = true, .signal = std::nullopt};
}

void save(const std::string& file, const std::string& text, Model& model) {
  std::ofstream out(file);
  out << text;
  out.close();
  if (out) model.say("written to " + file, Style::good);
  else model.say("cannot write " + file, Style::bad);
}

Ending ending_of(std::optional<int> signal) {
  return signal && *signal != SIGINT ? Ending(static_cast<Exit>(kExitOfSignals + *signal)) : Ending(Exit::done);
}

}  // namespace troupe::apps::screens
