// `troupe inspect` on a real terminal: tmux gives it one, keys are typed, and screens are read back.
#include <cstdio>
#include <set>

#include "tests/cluster/program.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

std::string output_of(const std::string& command) {
  std::string out;
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> part{};
  for (std::size_t got = 0; (got = std::fread(part.data(), 1, part.size(), pipe)) > 0;) out.append(part.data(), got);
  ::pclose(pipe);
  return out;
}

/// A terminal with a shell in it.
class Tmux {
 public:
  Tmux(const Folder& folder, int columns, int rows) : socket_(folder / "tmux") {
    run("-f /dev/null new-session -d -x " + std::to_string(columns) + " -y " + std::to_string(rows) +
        " 'PS1=\"$ \" LC_ALL=C.UTF-8 TERM=screen-256color exec sh'");
  }
  ~Tmux() { run("kill-server"); }
  Tmux(const Tmux&) = delete;
  Tmux& operator=(const Tmux&) = delete;

  std::string run(const std::string& words) const { return output_of("tmux -S " + socket_ + " " + words); }
  void type(const std::string& text) const { run("send-keys -l '" + text + "'"); }
  void press(const std::string& key) const { run("send-keys " + key); }
  void command(const std::string& text) const {
    type(text);
    press("Enter");
  }
  std::string screen() const { return run("capture-pane -p"); }
  bool shows(const std::string& text) const {
    return until([&] { return contains(screen(), text); });
  }

 private:
  std::string socket_;
};

}  // namespace

TEST_CASE("cluster: the screens show a node, act on it, and give the terminal back however they end") {
  if (output_of("command -v tmux").empty()) {
    MESSAGE("SKIPPED: tmux is not installed");
    return;
  }
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  Tmux terminal(folder, 100, 30);
  const std::string start =
      binary() + " inspect --operate --data " + node.data + "; echo ended-$?; stty -a | grep -o \"[-]*echo \"";
  terminal.command(start);
  REQUIRE_MESSAGE(terminal.shows("health      ok"), terminal.screen());

  SUBCASE("views, a filter, one actor, a pause, and q") {
    CHECK_MESSAGE(terminal.shows("descriptors open"), terminal.screen());
    terminal.command(":actors");
    CHECK(terminal.shows("/files/holder"));
    terminal.command("/kind=store");
    CHECK(until([&] { return !contains(terminal.screen(), "/files/holder"); }));
    CHECK(contains(terminal.screen(), "filter \"kind=store\""));
    terminal.type("/");
    terminal.press("C-u");
    terminal.command("holder x");
    CHECK(terminal.shows("the filter \"holder x\" hides all"));
    terminal.type("/");
    terminal.press("C-w");
    terminal.command("");
    CHECK(terminal.shows("/files/holder"));
    terminal.command(":actor /dht/audit");
    CHECK(terminal.shows("State: dht.AuditState"));
    terminal.type("p");
    CHECK(terminal.shows("y: yes"));
    terminal.type("y");
    CHECK(terminal.shows("state       paused"));
    CHECK(terminal.shows("pause /dht/audit: done"));  // so that this notice does not replace the next
    CHECK(until([&] {
      return contains(content(node.data + "/audit/0000000000000001.jsonl"),
                      "\"command\":\"pause\",\"name\":\"/dht/audit\"");
    }));
    terminal.run("resize-window -x 40 -y 12");
    CHECK(terminal.shows("state       paused"));
    terminal.run("resize-window -x 100 -y 30");
    terminal.command(":kill /store");
    CHECK(terminal.shows("y: yes"));
    terminal.type("y");
    CHECK_MESSAGE(terminal.shows("cannot do without"), terminal.screen());
    terminal.type("q");
    CHECK(terminal.shows("ended-0"));
    CHECK(terminal.shows("\necho\n"));
    const auto running = [&] {
      const Seen one = troupe::test::troupe(folder, {"inspect", "--once", "/dht/audit", "--data", node.data});
      return contains(one.out, "audit, running");
    };
    CHECK(until(running));  // the pause has ended with its operator
  }
  SUBCASE("Ctrl-C") {
    terminal.press("C-c");
    CHECK(terminal.shows("ended-0"));
    CHECK(terminal.shows("\necho\n"));
  }
  SUBCASE("Ctrl-Z and fg") {
    terminal.press("C-z");
    // Only what the shell itself prints says that the terminal is its own again: keys typed before are thrown away
    // with the mode of the screen.
    CHECK_MESSAGE(terminal.shows("] + Stopped"), terminal.screen());
    terminal.command("fg; echo over-$?");
    CHECK_MESSAGE(terminal.shows("health      ok"), terminal.screen());
    terminal.type("q");
    CHECK_MESSAGE(terminal.shows("over-0"), terminal.screen());
    terminal.command("stty -a | grep -o \"[-]*echo \"; echo back");
    CHECK_MESSAGE(terminal.shows("\necho\nback"), terminal.screen());
  }
  SUBCASE("a crash") {
    const std::string crash = output_of("pgrep -f 'inspect --operate --data " + node.data + "$'");
    const int process = std::atoi(crash.c_str());
    REQUIRE(process > 0);
    SUBCASE("SIGSEGV") { ::kill(process, SIGSEGV); }
    SUBCASE("SIGABRT") { ::kill(process, SIGABRT); }
    CHECK(terminal.shows("ended-1"));
    CHECK(terminal.shows("\necho\n"));
    CHECK_FALSE(contains(terminal.screen(), "health      ok"));
    CHECK(contains(terminal.run("display-message -p '#{cursor_flag} #{alternate_on} #{mouse_any_flag}'"), "1 0 0"));
  }
  SUBCASE("a capture, as JSON") {
    terminal.command(":capture " + folder / "live.capture");
    CHECK(terminal.shows("written to"));
    CHECK(contains(content(folder / "live.capture"), "\"health\":\"ok\""));
    const Seen seen = troupe::test::troupe(folder, {"inspect", folder / "live.capture"});
    CHECK(seen.exit == 2);
    CHECK(contains(seen.err, "data of a live node in JSON"));
  }
  SUBCASE("a lost node, and its return") {
    node.kill(SIGKILL);
    CHECK(terminal.shows("lost "));
    terminal.command(":kill /dht/audit");
    CHECK(terminal.shows("y: yes"));
    terminal.type("y");
    CHECK(terminal.shows("kill /dht/audit: not done, because the node is lost"));
    terminal.command(":nodes");
    CHECK(terminal.shows("lost for"));
    terminal.type("q");
    CHECK(terminal.shows("ended-0"));
  }
  SUBCASE("drain") {
    terminal.command(":drain");
    CHECK(terminal.shows("y: yes"));
    terminal.type("y");
    CHECK(until([&] { return node.ended(); }));
    CHECK(contains(content(node.data + "/audit/0000000000000001.jsonl"), "\"command\":\"drain\""));
    terminal.type("q");
    CHECK(terminal.shows("ended-0"));
  }
}

TEST_CASE("cluster: the screens trace a pattern, and find the holders of a file that the node does not list") {
  if (output_of("command -v tmux").empty()) {
    MESSAGE("SKIPPED: tmux is not installed");
    return;
  }
  const Folder folder;
  NodeProgram first(folder, "a");
  REQUIRE(first.ready());
  NodeProgram second(folder, "b", {"--join", first.at});
  REQUIRE(second.ready());
  REQUIRE(until([&] { return sees(folder, first, second.id, "healthy"); }));
  std::ofstream(folder / "file") << std::string(1'000, 'x');
  const Seen put =
      troupe::test::troupe(folder, {"file", "put", folder / "file", "--replicas", "2", "--data", second.data});
  REQUIRE_MESSAGE(put.exit == 0, put.err);
  Tmux terminal(folder, 160, 30);
  terminal.command(binary() + " inspect --data " + first.data);
  REQUIRE_MESSAGE(terminal.shows("health "), terminal.screen());
  terminal.command(":messages /**");
  CHECK_MESSAGE(terminal.shows("node.GetStatus"), terminal.screen());
  CHECK(contains(terminal.screen(), "messages of /**, latest first; "));
  terminal.command(":file " + put.out.substr(0, 64));
  CHECK_MESSAGE(terminal.shows("this node does not list the file; "), terminal.screen());
  CHECK_MESSAGE(terminal.shows(second.id), terminal.screen());
  terminal.type("q");
}

TEST_CASE("cluster: the screens show the groups, keys and files of a node, and a group that has lost its quorum") {
  if (output_of("command -v tmux").empty()) {
    MESSAGE("SKIPPED: tmux is not installed");
    return;
  }
  const Folder folder;
  NodeProgram first(folder, "a");
  REQUIRE(first.ready());
  NodeProgram second(folder, "b", {"--join", first.at});
  REQUIRE(second.ready());
  REQUIRE(until([&] { return sees(folder, first, second.id, "healthy"); }));
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--data", first.data});
    const Seen seen = troupe::test::troupe(folder, words);
    REQUIRE_MESSAGE(seen.exit == 0, seen.err);
  };
  run({"raft", "init", "--group", "main", "--members", second.id + "@" + second.at});
  run({"kv", "put", "orders/17", "seven"});
  std::ofstream(folder / "letter.txt") << "hello";
  run({"file", "put", folder / "letter.txt", "--replicas", "2"});
  Tmux terminal(folder, 160, 30);
  terminal.command(binary() + " inspect --data " + first.data);
  REQUIRE_MESSAGE(terminal.shows("health "), terminal.screen());
  terminal.command(":groups");
  CHECK_MESSAGE(terminal.shows("2 of 2 voters"), terminal.screen());
  terminal.command(":kv main orders/");
  CHECK_MESSAGE(terminal.shows("orders/17"), terminal.screen());
  CHECK(contains(terminal.screen(), "seven"));
  terminal.command(":files");
  CHECK_MESSAGE(terminal.shows("letter.txt"), terminal.screen());
  terminal.command(":chain");
  CHECK_MESSAGE(terminal.shows("this node has no chain"), terminal.screen());
  terminal.command(":tasks");
  CHECK_MESSAGE(terminal.shows("0 tasks"), terminal.screen());
  second.kill(SIGKILL);
  terminal.command(":groups");
  CHECK_MESSAGE(terminal.shows("1 of 2 voters"), terminal.screen());
  CHECK(contains(terminal.screen(), second.id.substr(0, 8)));
  terminal.type("q");
}

TEST_CASE("cluster: the screens need no colour, and set no background that a light ground would lack") {
  if (output_of("command -v tmux").empty()) {
    MESSAGE("SKIPPED: tmux is not installed");
    return;
  }
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  Tmux terminal(folder, 100, 30);
  const auto drawn = [&](const std::string& environment) {
    terminal.command("clear; " + environment + " " + binary() + " inspect --data " + node.data + "; echo ended-$?");
    REQUIRE_MESSAGE(terminal.shows("health      ok"), terminal.screen());
    std::string out = terminal.run("capture-pane -p -e");
    terminal.type("q");
    CHECK(terminal.shows("ended-0"));
    return out;
  };
  /// Numbers of all orders "ESC [ … m".
  const auto orders = [](const std::string& screen) {
    std::set<int> out;
    for (auto at = screen.find("\x1b["); at != std::string::npos; at = screen.find("\x1b[", at + 1))
      for (auto word = at + 2; word < screen.size();) {
        out.insert(std::atoi(screen.c_str() + word));
        word = screen.find_first_not_of("0123456789", word);
        if (word == std::string::npos || screen[word] != ';') break;
        ++word;
      }
    return out;
  };
  const auto coloured = [](const std::set<int>& numbers) {
    return std::ranges::any_of(numbers, [](int one) { return (one >= 30 && one <= 38) || (one >= 90 && one <= 97); });
  };
  const auto grounded = [](const std::set<int>& numbers) {
    return std::ranges::any_of(numbers, [](int one) { return (one >= 40 && one <= 48) || one >= 100; });
  };
  SUBCASE("256 colours") {
    const auto numbers = orders(drawn("TERM=screen-256color"));
    CHECK(coloured(numbers));
    CHECK_FALSE(grounded(numbers));
  }
  SUBCASE("8 and 16 colours") {
    // Of 16 colours the system need not know a terminal: one is made.
    std::ofstream(folder / "x16.ti") << "x16|of sixteen colours,\n\tcolors#16, pairs#256, use=screen-256color,\n";
    REQUIRE(output_of("tic -o " + folder / "ti" + " " + folder / "x16.ti") == "");
    for (const std::string& kind : {std::string("screen"), "x16 TERMINFO=" + folder / "ti"}) {
      const auto numbers = orders(drawn("TERM=" + kind));
      CHECK(coloured(numbers));
      CHECK_FALSE(grounded(numbers));
      CHECK_FALSE(numbers.contains(38));
    }
  }
  SUBCASE("NO_COLOR, and a terminal without any") {
    for (const char* how : {"NO_COLOR=1", "TERM=vt100"}) CHECK_FALSE(coloured(orders(drawn(how))));
  }
}

TEST_CASE("cluster: a recorded world is shown at any event, and moved in by keys") {
  if (output_of("command -v tmux").empty()) {
    MESSAGE("SKIPPED: tmux is not installed");
    return;
  }
  const Folder folder;
  const std::string trace = folder / "run.trace";
  const Seen ran = troupe::test::troupe(
      folder, {"sim", "dht", "--seed", "3", "--nodes", "3", "--time", "20s", "--calm", "--trace", trace});
  REQUIRE_MESSAGE(ran.exit == 0, ran.err);
  Tmux terminal(folder, 100, 30);
  terminal.command(binary() + " inspect " + trace + "; echo ended-$?");
  REQUIRE_MESSAGE(terminal.shows("health      ok"), terminal.screen());
  const auto event = [&] {
    const std::string screen = terminal.screen();
    const auto at = screen.find('#');
    return at == std::string::npos ? 0 : std::strtoull(screen.c_str() + at + 1, nullptr, 10);
  };
  const auto last = event();
  CHECK(last > 100);
  terminal.type(",");
  CHECK(until([&] { return event() == last - 1; }));
  terminal.type(".");
  CHECK(until([&] { return event() == last; }));
  terminal.command(":event 100");
  CHECK(until([&] { return event() == 100; }));
  terminal.type("g");
  terminal.command("12.5s");
  CHECK(until([&] { return event() > 100 && event() < last; }));
  terminal.command(":actor /dht");
  CHECK(terminal.shows("State: dht.DhtState"));
  terminal.type("w");
  CHECK(terminal.shows("changed in event"));
  terminal.type("q");
  CHECK(terminal.shows("ended-0"));
}

TEST_CASE("cluster: a link of a watched world is cut by a key, and the report says that it was steered") {
  if (output_of("command -v tmux").empty()) {
    MESSAGE("SKIPPED: tmux is not installed");
    return;
  }
  const Folder folder;
  Tmux terminal(folder, 100, 30);
  terminal.command(binary() + " sim watch dht --seed 3 --nodes 3 --time 20s --calm; echo ended-$?");
  REQUIRE_MESSAGE(terminal.shows("health      ok"), terminal.screen());
  terminal.type("g");
  terminal.command("8s");
  CHECK(terminal.shows(" 8.0"));
  terminal.command(":cut n1 n2 5s");
  CHECK(terminal.shows("STEERED"));
  CHECK(terminal.shows("the run differs; at its end: held"));
  CHECK(terminal.shows(" 8.0"));
  const std::string capture = folder / "here.capture";
  terminal.command(":actor /dht");
  CHECK(terminal.shows("State: dht.DhtState"));
  terminal.command(":capture " + capture);
  CHECK(terminal.shows("written to"));
  terminal.type("q");
  CHECK(terminal.shows("ended-0"));
  CHECK(terminal.shows("steered: cut n1 n2 for 5s, by hand, at 8.0"));
  const Seen replayed = troupe::test::troupe(folder, {"sim", "replay", capture, "--messages", "1"});
  CHECK_MESSAGE(replayed.exit == 0, replayed.err);
  CHECK(contains(replayed.out, "n1 /dht, written by troupe"));
  terminal.command("clear; " + binary() + " inspect " + capture + "; echo ended-$?");
  CHECK(terminal.shows("State: dht.DhtState"));
  CHECK(terminal.shows(" 8.0"));
  terminal.type("q");
  CHECK(terminal.shows("ended-0"));
}

TEST_CASE("cluster: without a terminal the screens say how to do without") {
  const Folder folder;
  const Seen seen = troupe::test::troupe(folder, {"inspect", "--data", folder / "none"});
  CHECK(seen.exit == 2);
  CHECK(contains(seen.err, "try: troupe inspect --once"));
}
