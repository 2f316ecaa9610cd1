#pragma once
// A node that keeps a book, and the commands of people who use it.
#include "tests/cluster/cluster.hpp"

namespace troupe::test {

/// The value of a JSON field of the whole answer, as it is written; empty if there is none.
inline std::string value_in(const std::string& json, const std::string& name) {
  const std::string before = '"' + name + "\":";
  const auto at = json.find(before);
  if (at == std::string::npos) return "";
  std::size_t end = at + before.size();
  if (json[end] == '"') return json.substr(end + 1, json.find('"', end + 1) - end - 1);
  while (end < json.size() && json[end] != ',' && json[end] != '}') ++end;
  return json.substr(at + before.size(), end - at - before.size());
}

/// A node that keeps a book, and the wallets of a person in a directory of their own.
struct Bank {
  enum class Begins : std::uint8_t { at_once, when_told };
  explicit Bank(std::vector<std::string> more = {}, Begins begins = Begins::at_once) : options(std::move(more)) {
    options.insert(options.end(), {"--set", "ledger.book=self"});
    ::setenv("XDG_CONFIG_HOME", (folder / "config").c_str(), 1);
    ::setenv("TROUPE_PASSPHRASE_FILE", (folder / "secret").c_str(), 1);
    std::ofstream(folder / "secret") << "open sesame\n";
    if (begins == Begins::at_once) begin();
  }
  ~Bank() {
    ::unsetenv("XDG_CONFIG_HOME");
    ::unsetenv("TROUPE_PASSPHRASE_FILE");
  }
  void begin() {
    node = std::make_unique<NodeProgram>(folder, "bank", options);
    REQUIRE(node->ready());
    // The book is read in a moment, in which it does not answer yet.
    REQUIRE(until([&] { return run({"wallet", "audit"}).exit == 0 && run({"fund", "show"}).exit == 0; }));
  }
  void crash() {
    node->kill(SIGKILL);
    node->wait();
    node.reset();
    begin();
  }
  Seen run(std::vector<std::string> arguments) {
    if (node) arguments.insert(arguments.end(), {"--data", node->data});
    return troupe::test::troupe(folder, arguments);
  }
  /// Runs to its end, which is good, and gives what it has printed.
  std::string get(const std::vector<std::string>& arguments) {
    const Seen seen = run(arguments);
    REQUIRE_MESSAGE(seen.exit == 0, arguments[0] << ' ' << arguments[1] << ": " << seen.err);
    return seen.out.empty() ? "" : line(seen);
  }
  int exit(const std::vector<std::string>& arguments) { return run(arguments).exit; }
  std::string balance(const std::string& account) { return get({"wallet", "balance", account}); }
  std::string show(const std::string& id, const std::string& name) {
    return value_in(get({"escrow", "show", id, "--json"}), name);
  }

  const Folder folder;
  std::vector<std::string> options;
  std::unique_ptr<NodeProgram> node;
};

}  // namespace troupe::test
