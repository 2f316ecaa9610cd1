// What becomes of a command whose output cannot be written: the device is full, or nobody reads it.
#include "tests/cluster/program.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr int kFailed = 1;
constexpr int kBrokenPipe = 141;  // 128 + SIGPIPE

/// Runs a command as a shell does, with its standard output where `redirection` says.
Seen run(const Folder& folder, const std::string& before, const std::string& arguments,
         const std::string& redirection) {
  const std::string script =
      before + '\'' + binary() + "' " + arguments + ' ' + redirection + " 2>'" + (folder / "told") + '\'';
  std::ofstream(folder / "script") << script << '\n';
  const int status = std::system(("bash --norc '" + (folder / "script") + '\'').c_str());
  return {WEXITSTATUS(status), {}, content(folder / "told")};
}

Seen into_full_device(const Folder& folder, const std::string& arguments) {
  return run(folder, "", arguments, ">/dev/full");
}

/// The only reader of a pipe has left before the command begins.
Seen into_closed_pipe(const Folder& folder, const std::string& arguments) {
  const std::string pipe = '\'' + (folder / "pipe") + '\'';
  return run(folder, "rm -f " + pipe + "; mkfifo " + pipe + "; exec 3<>" + pipe + " 4>" + pipe + " 3<&-\n", arguments,
             ">&4");
}

/// Commands that print something and ask no node.
const std::vector<std::string>& without_node() {
  static const std::vector<std::string> commands{"version",         "--version",   "help",        "--help",
                                                 "status --help",   "help status", "help --man",  "completion bash",
                                                 "completion fish", "config show", "operator key"};
  return commands;
}

}  // namespace

TEST_CASE("cluster: output that the device does not take is an error of each command, and a reader's leaving is none") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  ::setenv("XDG_CONFIG_HOME", (folder / "config").c_str(), 1);
  ::setenv("TROUPE_DATA", node.data.c_str(), 1);
  std::vector<std::string> commands = without_node();
  for (const char* command : {"status", "peers", "file ls"}) commands.push_back(command);
  for (const std::string& command : commands)
    for (const std::string& form : {std::string(), std::string(" --json")}) {
      CAPTURE(command + form);
      const Seen full = into_full_device(folder, command + form);
      CHECK(full.exit == kFailed);
      const bool json =
          full.err.starts_with("{\"error\":{\"code\":\"internal\",\"message\":\"standard output could not");
      CHECK((json || full.err.starts_with("error: standard output could not be written\noutcome: ")));
      CHECK(json == !form.empty());
      const Seen gone = into_closed_pipe(folder, command + form);
      CHECK(gone.exit == kBrokenPipe);
      CHECK(gone.err == "");
    }
  ::unsetenv("XDG_CONFIG_HOME");
  ::unsetenv("TROUPE_DATA");
}

TEST_CASE("cluster: a node that cannot say that it is ready ends") {
  const Folder folder;
  const std::string node = "node --listen 127.0.0.1:0 --set log.level=off --data '" + (folder / "a") + '\'';
  const Seen full = into_full_device(folder, node);
  CHECK(full.exit == kFailed);
  CHECK(full.err.find("error: standard output could not be written\noutcome: the node has ended") != std::string::npos);
  CHECK(into_closed_pipe(folder, node).exit == kBrokenPipe);
}

TEST_CASE("cluster: a usage error is told although nobody reads the output") {
  const Folder folder;
  CHECK(into_full_device(folder, "nonsense").exit == 2);
  const Seen gone = into_closed_pipe(folder, "nonsense");
  CHECK(gone.exit == 2);
  CHECK(gone.err.starts_with("error: unknown command"));
}
