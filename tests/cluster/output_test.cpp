// What becomes of a command whose output cannot be written: the device is full, or nobody reads it.
#include "tests/cluster/program.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr int kFailed = 1;
constexpr int kBrokenPipe = 141;             // 128 + SIGPIPE
constexpr std::size_t kPipeBytes = 1 << 16;  // what a pipe holds, pipe(7)

/// Runs a command as a shell does, with its standard output where `redirection` says.
Seen run(const Folder& folder, const std::string& before, const std::string& arguments,
         const std::string& redirection) {
  const std::string script =
      before + '\'' + binary() + "' " + arguments + " 2>'" + (folder / "told") + "' " + redirection;
  std::ofstream(folder / "script") << script << '\n';
  const int status = std::system(("timeout 60 bash --norc '" + (folder / "script") + '\'').c_str());
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

/// Stores a file of that size at the node, and returns its content id.
std::string stored(const Folder& folder, const NodeProgram& node, std::size_t bytes) {
  std::ofstream(folder / "file") << std::string(bytes, 'x');
  const Seen put =
      troupe::test::troupe(folder, {"file", "put", folder / "file", "--replicas", "1", "--data", node.data});
  REQUIRE_MESSAGE(put.exit == 0, put.err);
  return put.out.substr(0, put.out.find('\n'));
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
          full.err.starts_with("{\"error\":{\"code\":\"internal\",\"message\":\"cannot write standard output");
      CHECK((json || full.err.starts_with("error: cannot write standard output\noutcome: ")));
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
  CHECK(full.err.find("error: cannot write standard output\noutcome: the node has ended") != std::string::npos);
  CHECK(into_closed_pipe(folder, node).exit == kBrokenPipe);
  const std::string logging = "node --listen 127.0.0.1:0 --data '" + (folder / "a") + '\'';
  CHECK(into_closed_pipe(folder, logging).err.find("error node: cannot write the line `ready`") != std::string::npos);
}

TEST_CASE("cluster: the reader of a file that leaves early is no error") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  const std::string cid = stored(folder, node, 8 * kPipeBytes);
  for (const char* to : {"", " -o -", " -o /dev/stdout", " -o /dev/fd/1"}) {
    CAPTURE(to);
    const std::string get = "file get " + cid + to + " --data '" + node.data + '\'';
    const Seen gone = into_closed_pipe(folder, get);
    CHECK(gone.exit == kBrokenPipe);
    CHECK(gone.err == "");
    const Seen cut = run(folder, "set -o pipefail\n", get, "| head -c 1 >'" + (folder / "cut") + '\'');
    CHECK(cut.exit == kBrokenPipe);
    CHECK(cut.err == "");
    CHECK(content(folder / "cut").size() == 1);
  }
}

TEST_CASE("cluster: a get that is told to end leaves nothing, and its exit names the signal") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  const std::string cid = stored(folder, node, 1);
  std::filesystem::create_directory(folder / "out");
  const auto parts = [&] { return std::distance(std::filesystem::directory_iterator(folder / "out"), {}); };
  node.kill(SIGSTOP);  // so that the get waits
  for (const int signal : {SIGTERM, SIGHUP, SIGINT}) {
    CAPTURE(signal);
    Program get({"file", "get", cid, "-o", folder / "out/file", "--data", node.data}, folder / "get");
    CHECK(until([&] { return parts() == 1; }));
    get.kill(signal);
    CHECK(get.wait() == 128 + signal);
    CHECK(get.err().starts_with("error: interrupted\noutcome: nothing was written\n"));
    CHECK(parts() == 0);
  }
  node.kill(SIGCONT);
}

TEST_CASE("cluster: a usage error is told although nobody reads the output") {
  const Folder folder;
  CHECK(into_full_device(folder, "nonsense").exit == 2);
  const Seen gone = into_closed_pipe(folder, "nonsense");
  CHECK(gone.exit == 2);
  CHECK(gone.err.starts_with("error: unknown command"));
}
