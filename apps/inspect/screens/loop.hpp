#pragma once
// Shared parts of the loops for live nodes (run.cpp) and for simulation runs (run_time.cpp).
#include <memory>
#include <optional>
#include <string>

#include "apps/cli/command.hpp"
#include "apps/inspect/screens/model.hpp"
#include "apps/inspect/screens/terminal.hpp"
#include "runtime/os/waker.hpp"

namespace troupe::apps::screens {

/// Returns a waker for the signals that end a loop, and for SIGWINCH and SIGTSTP, which wait_for_input() handles.
os::Waker loop_waker();

struct Input {
  bool redraw = false;        ///< the terminal has a new size, or the process was resumed
  std::optional<int> signal;  ///< the signal that ends the loop
};
/// Waits for a key, a wakeup, a signal, or until `at_most` has passed.
Input wait_for_input(os::Waker& waker, Terminal& terminal, Model& model, base::Duration at_most);

/// Writes a text to a file, and reports it.
void save(const std::string& file, const std::string& text, Model& model);

/// Returns the exit as a shell reports a program that a signal has ended; Ctrl-C is a normal end.
Ending ending_of(std::optional<int> signal);

}  // namespace troupe::apps::screens
