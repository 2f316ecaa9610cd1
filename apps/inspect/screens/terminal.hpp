#pragma once
// A terminal that shows grids and reads keys, through ncurses.
//
// The destructor restores the terminal; so do SIGTSTP, until `fg`, and every end of the process, such as a fatal signal
// or an uncaught exception.
// Colours  16 or 256 colours if the terminal has them and NO_COLOR is not set; also bold, underline and reverse, so
//          that colour is never the only sign.
// Owner    the main thread; one at a time.
#include <memory>
#include <optional>

#include "apps/cli/failure.hpp"
#include "apps/inspect/screens/grid.hpp"
#include "apps/inspect/screens/keys.hpp"
#include "runtime/base/result.hpp"

namespace troupe::apps::screens {

class Terminal {
 public:
  /// Fails with usage if standard input and output are not a terminal, or if TERM does not name a terminal that can
  /// place its cursor. `otherwise` says in the error how to work without a terminal, and `try_` is the command for
  /// that. If this machine lacks the description of a terminal that understands xterm, xterm-256color is used.
  static base::Result<std::unique_ptr<Terminal>, Failure> open(const Console& console, const std::string& otherwise,
                                                               const std::string& try_);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  Size size() const;
  /// Handles a new size of the terminal, after SIGWINCH.
  void resized();
  /// Draws what has changed since the last grid.
  void show(const Grid& grid);
  /// Returns the next waiting key, or nullopt.
  std::optional<Key> key();
  /// Whether the locale can show characters beyond ASCII.
  bool unicode() const { return unicode_; }
  /// Releases the terminal, stops the process as Ctrl-Z does, and takes the terminal back.
  void suspend();

 private:
  Terminal(void* screen, bool colours);

  void* screen_;
  bool unicode_ = true;
  std::vector<unsigned long> attributes_;  // one per style, with its colour pair
};

}  // namespace troupe::apps::screens
