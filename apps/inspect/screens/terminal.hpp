#pragma once
// A terminal that shows grids and gives keys, through ncurses.
//
// Restored by the destructor, by SIGTSTP until `fg`, and by whatever ends the process: a signal that kills it, or an
//          exception that nothing catches.
// Colours  16 or 256 where the terminal has them and NO_COLOR is not set; always bold, underline and reverse as well,
//          so that nothing is said by colour alone.
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
  /// Fails with usage if standard input and output are no terminal, or if TERM does not name a terminal that can place
  /// its cursor. `otherwise` says what can be done without a terminal, and `try_` how. If this machine has no
  /// description of a terminal that understands xterm, that of xterm-256color is taken.
  static base::Result<std::unique_ptr<Terminal>, Failure> open(const Console& console, const std::string& otherwise,
                                                               const std::string& try_);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  Size size() const;
  /// The terminal has another size now: after SIGWINCH.
  void resized();
  /// Sends what has changed since the last one.
  void show(const Grid& grid);
  /// The next key that waits, if one does.
  std::optional<Key> key();
  /// Whether the locale can show characters beyond ASCII.
  bool unicode() const { return unicode_; }
  /// Gives the terminal back, stops the process as Ctrl-Z does, and takes it again.
  void suspend();

 private:
  Terminal(void* screen, bool colours);

  void* screen_;
  bool unicode_ = true;
  std::vector<unsigned long> attributes_;  // a style each, with its colour pair
};

}  // namespace troupe::apps::screens
