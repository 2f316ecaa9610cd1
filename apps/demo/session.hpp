#pragma once
// Runs commands below a temporary directory and shows them as a shell session, so that a reader can learn them.
//
// Ends    the destructor ends all processes that the session has started, and removes its directory.
#include <memory>
#include <string>
#include <vector>

#include "apps/cli/failure.hpp"
#include "apps/demo/child.hpp"

namespace troupe::apps {

using Words = std::vector<std::string>;

/// A node of the session.
struct DemoNode {
  std::string data;  ///< its directory, below the session's
  std::string id;    ///< hexadecimal
  std::string at;    ///< HOST:PORT
  Child process;
};

class DemoSession {
 public:
  template <class T>
  using Outcome = base::Result<T, Failure>;

  /// Creates the directory below $TMPDIR or /tmp. `program` replaces "troupe"; `shown` outlives the session.
  static Outcome<DemoSession> make(std::string program, const std::string& temporary, std::ostream& shown);
  DemoSession(DemoSession&&) noexcept = default;
  DemoSession& operator=(DemoSession&&) = delete;
  ~DemoSession();

  const std::string& directory() const { return directory_; }
  /// Announces the next step, as a comment.
  void say(const std::string& what);
  /// Shows a command that the session executes itself.
  void show(const std::string& command);
  void show_output(const std::string& text);

  /// Runs a command ("troupe" is this program), shows the command and its output, and returns the output. Fails unless
  /// the command exits with 0.
  Outcome<std::string> run(const Words& words);
  /// Does the same without showing anything.
  Outcome<std::string> ask(const Words& words);
  /// Runs a command on the user's terminal until it ends. Fails unless it exits with 0.
  Outcome<void> foreground(const Words& words);
  /// Starts a command in the background, and shows it; its output is shown by rest().
  Outcome<Child> begin(const Words& words);
  /// Waits for the end of a background command and shows its output. Fails unless the command exits with 0.
  Outcome<void> rest(Child& command);

  /// Starts `troupe node` with these words in the background and waits until it serves.
  Outcome<DemoNode> start(const std::string& data, const Words& words);
  /// Sends SIGTERM to a node, and waits. Fails if the node does not shut down properly.
  Outcome<void> stop(DemoNode& node);
  /// Sends SIGKILL to a node, and waits.
  void kill(DemoNode& node);

  /// Waits for a moment before a request is repeated. Fails if the user has interrupted.
  Outcome<void> pause();

 private:
  DemoSession(std::string program, std::string directory, std::ostream& shown);
  Words resolved(const Words& words) const;
  Outcome<std::string> output(Child& command, const std::string& shown);
  Failure failure(const std::string& what);

  std::string program_;
  std::string directory_;  // empty once the session was moved from
  std::ostream* shown_;
  std::unique_ptr<Attention> attention_;
};

}  // namespace troupe::apps
