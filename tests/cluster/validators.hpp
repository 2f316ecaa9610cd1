#pragma once
// The nodes of a chain, and the wallets of the person who founds it.
#include "tests/cluster/bank.hpp"
#include "tests/cluster/streets.hpp"

namespace troupe::test {

/// Wallets of a person, and the nodes of a chain that they found.
struct Validators {
  explicit Validators(std::size_t count, std::vector<std::string> params = {}, Streets* its_streets = nullptr)
      : streets(its_streets) {
    ::setenv("XDG_CONFIG_HOME", (folder / "config").c_str(), 1);
    ::setenv("TROUPE_PASSPHRASE_FILE", (folder / "secret").c_str(), 1);
    std::ofstream(folder / "secret") << "open sesame\n";
    std::vector<std::string> founding{"chain", "genesis", "hats", "--test", "-o", genesis()};
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = "founder" + std::to_string(i), file = folder / (name + ".founding");
      get({"wallet", "new", name});
      get({"chain", "found", name, "--stake", "1000", "--balance", "1000000", "-o", file, "--data", data(i)});
      founding.push_back(file);
    }
    for (const std::string& one : params) founding.insert(founding.end(), {"--set", one});
    get(founding);
    for (std::size_t i = 0; i < count; ++i) get({"chain", "sign", genesis(), "--data", data(i)});
    nodes.resize(count);
    for (std::size_t i = 0; i < count; ++i) begin(i, i == 0 ? std::vector<std::string>{} : joined());
  }
  ~Validators() {
    ::unsetenv("XDG_CONFIG_HOME");
    ::unsetenv("TROUPE_PASSPHRASE_FILE");
  }
  std::string genesis() const { return folder / "genesis"; }
  std::string data(std::size_t i) const { return folder / ("v" + std::to_string(i) + ".data"); }
  std::vector<std::string> joined() const { return {"--join", nodes[0]->id + '@' + nodes[0]->at}; }
  void begin(std::size_t i, std::vector<std::string> more) {
    more.insert(more.end(), {"--chain", genesis()});
    if (streets != nullptr) more.insert(more.end(), {"--listen", Streets::address(i)});
    nodes[i] = std::make_unique<NodeProgram>(folder, "v" + std::to_string(i), more,
                                             streets != nullptr ? streets->before(i) : std::vector<std::string>{});
    if (streets != nullptr) REQUIRE(streets->join(i, *nodes[i]));
    REQUIRE(nodes[i]->ready());
  }
  void kill(std::size_t i) {
    nodes[i]->kill(SIGKILL);
    nodes[i]->wait();
    nodes[i].reset();
  }
  Seen run(const std::vector<std::string>& arguments) { return troupe::test::troupe(folder, arguments); }
  std::string get(const std::vector<std::string>& arguments) {
    const Seen seen = run(arguments);
    REQUIRE_MESSAGE(seen.exit == 0, arguments[0] << ' ' << arguments[1] << ": " << seen.err);
    return seen.out.empty() ? "" : seen.out.substr(0, seen.out.size() - 1);
  }
  std::string at(std::size_t i, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data", data(i)});
    return get(arguments);
  }
  std::uint64_t height(std::size_t i) {
    const Seen seen = run({"chain", "status", "--json", "--data", data(i)});
    return seen.exit == 0 ? std::stoull(value_in(seen.out, "height")) : 0;
  }
  std::string root(std::size_t i, std::uint64_t height) {
    return value_in(at(i, {"chain", "block", std::to_string(height), "--json"}), "stateRoot");
  }

  void pay(std::size_t i, const std::string& to) {
    const Seen seen = run({"wallet", "send", "founder0", to, "1", "--wait", "--seconds", "60", "--data", data(i)});
    CHECK_MESSAGE(seen.exit == 0, seen.err);
  }
  /// The last height at which it signed.
  std::uint64_t signed_at(std::size_t i) {
    const Seen seen = run({"validator", "show", nodes[i]->id, "--json", "--data", data(i)});
    const std::string height = value_in(seen.out, "height");  // of its guard, which it may not have told yet
    return height.empty() ? 0 : std::stoull(height);
  }
  std::string status(std::size_t i, const std::string& field) {
    return value_in(run({"chain", "status", "--json", "--data", data(i)}).out, field);
  }
  bool guard_is_old(std::size_t i) { return contains(status(i, "waits"), "older than the validator's signatures"); }
  /// Copies the directory of one that does not run; a socket is no part of it.
  void copy(const std::string& from, const std::string& to) const {
    namespace fs = std::filesystem;
    fs::remove_all(to);
    fs::create_directory(to, from);
    for (const auto& entry : fs::recursive_directory_iterator(from)) {
      const fs::path there = fs::path(to) / fs::relative(entry.path(), from);
      if (entry.is_directory()) fs::create_directory(there, entry.path());
      else if (entry.is_regular_file()) fs::copy_file(entry.path(), there);
    }
  }
  std::string backup(std::size_t i) const { return folder / ("backup" + std::to_string(i)); }
  /// Its directory is kept as it is now, and it runs again.
  void back_up(std::size_t i) {
    kill(i);
    copy(data(i), backup(i));
    begin(i, joined());
  }
  void restore(std::size_t i, const std::string& guard_wait) {
    kill(i);
    copy(backup(i), data(i));
    begin_waiting(i, guard_wait);
  }
  void begin_waiting(std::size_t i, const std::string& guard_wait) {
    auto more = joined();
    more.insert(more.end(), {"--set", "guard.wait=" + guard_wait});
    begin(i, more);
  }

  const Folder folder;
  Streets* const streets;
  std::vector<std::unique_ptr<NodeProgram>> nodes;
};

}  // namespace troupe::test
