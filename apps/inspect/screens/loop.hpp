#pragma once
// What the loops of live nodes (run.cpp) and of worlds (run_time.cpp) share.
#include <memory>
#include <optional>
#include <string>

#include "apps/cli/command.hpp"
#include "apps/inspect/screens/model.hpp"
#include "apps/inspect/screens/terminal.hpp"
#include "runtime/os/waker.hpp"

namespace troupe::apps::screens {

/// Of the signals that a loop hears: those that end it, and SIGWINCH and SIGTSTP, which wait_for_input() deals with.
os::Waker loop_waker();

struct Input {
  bool redraw = false;        ///< the terminal has another size, or is back
  std::optional<int> signal;  ///< which ends the loop
};
/// Waits for a key, a ring, a signal, or until `at_most` has passed.
Input wait_for_input(os::Waker& waker, Terminal& terminal, Model& model, base::Duration at_most);

/// Writes a text to a file, and says so.
void save(const std::string& file, const std::string& text, Model& model);

/// As a shell tells that a signal has ended a program; Ctrl-C is a good end.
Ending ending_of(std::optional<int> signal);

}  // namespace troupe::apps::screens
