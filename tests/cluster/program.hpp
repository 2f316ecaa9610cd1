#pragma once
// Runs `troupe` as processes of its own: nodes that go on, and commands that end.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/time.hpp"
#include "runtime/os/clock.hpp"
#include "runtime/os/sockets.hpp"
#include "runtime/os/waker.hpp"
#include "tests/support.hpp"

namespace troupe::test {

using namespace std::chrono_literals;

inline constexpr std::chrono::seconds kPatience{60};  // a bound for broken code, never a wait for working code

inline std::string binary() {
  const char* const named = std::getenv("BINARY_UNDER_TEST");
  return named != nullptr ? named : TROUPE_BINARY;
}

/// Removes a folder and its contents; tries again while a running node adds files to it.
inline void remove_folder(const std::string& path) {
  std::error_code error;
  do std::filesystem::remove_all(path, error);
  while (error == std::errc::directory_not_empty);
  REQUIRE_MESSAGE(!error, path, ": ", error.message());
}

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "troupe-cluster-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

inline std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// Looks again and again, for processes share no event with us but their end.
inline bool until(const std::function<bool()>& claim) {
  static os::Clock clock;
  os::Waker waker({});
  const base::Instant due = clock.now() + kPatience;
  while (!claim()) {
    if (clock.now() >= due) return false;
    waker.wait(2ms);
  }
  return true;
}

/// One process; killed at the end of its life here, if it still runs.
class Program {
 public:
  /// Output goes to `talk`.out and `talk`.err. `before`: a program that becomes it, with an absolute path.
  Program(const std::vector<std::string>& arguments, const std::string& talk,
          const std::vector<std::string>& before = {})
      : talk_(talk) {
    std::vector<std::string> words = before;
    words.push_back(binary());
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    // Before the fork: after it the parent may look for a line of an earlier program of that name.
    for (const char* end : {".out", ".err"}) std::ofstream(talk_ + end, std::ios::trunc);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ > 0) return;
    // What runs the tests in the background may ignore these, and a program inherits that.
    for (const int heard : {SIGHUP, SIGINT}) ::signal(heard, SIG_DFL);
    redirect("/dev/null", O_RDONLY, STDIN_FILENO);
    redirect(talk_ + ".out", O_WRONLY, STDOUT_FILENO);
    redirect(talk_ + ".err", O_WRONLY, STDERR_FILENO);
    // The tests themselves may load this machine, and no task begins at a node that is overloaded.
    ::setenv("TROUPE_REGISTRY__LOAD_MAX", "1000000", 0);
    ::execv(pointers.front(), pointers.data());
    ::_exit(127);
  }
  ~Program() {
    if (!ended_) kill(SIGKILL), wait();
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void kill(int signal) { ::kill(child_, signal); }
  pid_t process() const { return child_; }

  /// Whether it reads SIGINT itself, instead of being ended by it.
  bool reads_sigint() const {
    const std::string status = content("/proc/" + std::to_string(child_) + "/status");
    const auto line = status.find("SigBlk:");
    return line != std::string::npos &&
           (std::stoull(status.substr(line + 7, 24), nullptr, 16) >> (SIGINT - 1) & 1) != 0;
  }

  /// Stops it, as Ctrl-Z does, and waits until it is. SIGCONT lets it go on.
  void stop() {
    kill(SIGSTOP);
    REQUIRE(until([this] { return contains(content("/proc/" + std::to_string(child_) + "/status"), "State:\tT"); }));
  }

  /// Whether it has ended by now.
  bool ended() {
    if (!ended_) ended_ = ::waitpid(child_, &status_, WNOHANG) == child_;
    return ended_;
  }
  /// Its exit; 128 and the number of a signal that ended it. A program that does not end is killed, and fails the test.
  int wait() {
    if (!until([this] { return ended(); })) {
      FAIL_CHECK("the program does not end: " << talk_);
      kill(SIGKILL);
      ::waitpid(child_, &status_, 0);
      ended_ = true;
    }
    return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
  }
  std::string out() const { return content(talk_ + ".out"); }
  std::string err() const { return content(talk_ + ".err"); }

 private:
  static void redirect(const std::string& path, int flags, int to) {
    const int file = ::open(path.c_str(), flags);
    if (file < 0 || ::dup2(file, to) < 0) ::_exit(126);
  }
  std::string talk_;
  pid_t child_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

struct Seen {
  int exit;
  std::string out, err;
};

/// Runs a command to its end.
inline Seen troupe(const Folder& folder, const std::vector<std::string>& arguments) {
  Program command(arguments, folder / "command");
  const int exit = command.wait();
  return {exit, command.out(), command.err()};
}

/// `troupe node` in the directory `name` of the folder, on a port of its own.
class NodeProgram : public Program {
 public:
  NodeProgram(const Folder& folder, const std::string& name, std::vector<std::string> more = {},
              const std::vector<std::string>& before = {})
      : Program(with(folder, name, std::move(more)), folder / name, before), data(folder / name + ".data") {}

  /// Waits for the ready line. False if the node ends before it.
  bool ready() {
    std::string line;
    const bool there = until([&] {
      line = out();
      return line.ends_with('\n') || ended();
    });
    if (!there || !line.starts_with("ready ") || line.size() < 48) return false;
    id = line.substr(6, 40);
    at = line.substr(47, line.size() - 48);
    return line == "ready " + id + ' ' + at + '\n';
  }

  const std::string data;
  std::string id, at;  ///< once it is ready

 private:
  static std::vector<std::string> with(const Folder& folder, const std::string& name, std::vector<std::string> more) {
    // A node on a busy machine calls itself unhealthy, and gets no tasks: not what is tested here.
    std::vector<std::string> all{"node", "--data", folder / name + ".data", "--set", "registry.load_max=1000000"};
    if (std::ranges::find(more, "--listen") == more.end()) all.insert(all.end(), {"--listen", "127.0.0.1:0"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

/// Runs a command at a node.
inline Seen at(const Folder& folder, const NodeProgram& node, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--data", node.data});
  return troupe(folder, arguments);
}

/// Whether the node lists that one as a peer in that state.
inline bool sees(const Folder& folder, const NodeProgram& node, const std::string& id, const std::string& state) {
  const Seen peers = troupe::test::troupe(folder, {"peers", "--json", "--data", node.data});
  const auto at = peers.out.find("\"node\":\"" + id + '"');
  return at != std::string::npos &&
         contains(peers.out.substr(at, peers.out.find('}', at) - at), "\"state\":\"" + state + '"');
}

/// Sends bytes to the port of a node, and leaves.
inline void throw_at(const NodeProgram& node, base::ByteView bytes) {
  auto socket = os::connect_tcp(*base::Endpoint::parse(node.at));
  REQUIRE(socket.ok());
  os::Waker waker({});
  waker.wait(kPatience, os::Waker::Watched{socket.value().get(), os::Waker::Want::writing});
  REQUIRE(os::connect_error(socket.value()) == 0);
  // A node that hangs up first is right to do so.
  [[maybe_unused]] const auto written = ::write(socket.value().get(), bytes.data(), bytes.size());
}

}  // namespace troupe::test
