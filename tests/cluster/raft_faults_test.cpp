// What clients see of five real members that are killed, stopped and cut off.
#include <array>

#include "runtime/base/random.hpp"
#include "runtime/sim/linearizable.hpp"
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/streets.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr std::size_t kMembers = 5, kClients = 6, kKeys = 3;
constexpr std::size_t kEachPhase = 16;  // operations that end in it

class Group {
 public:
  explicit Group(Streets* streets) : streets_(streets) {
    std::string members;
    for (std::size_t i = 0; i < kMembers; ++i) {
      start(i,
            i > 0 ? std::vector<std::string>{"--join", nodes[0]->id + '@' + nodes[0]->at} : std::vector<std::string>{});
      members += (members.empty() ? "" : ",") + nodes[i]->id + '@' + nodes[i]->at;
    }
    const Seen made = run(0, {"raft", "init", "--members", members});
    REQUIRE_MESSAGE(made.exit == 0, made.err);
  }

  Seen run(std::size_t node, std::vector<std::string> words) {
    words.insert(words.end(), {"--data", nodes[node]->data});
    return troupe::test::troupe(folder, words);
  }
  void start(std::size_t number, std::vector<std::string> more = {}) {
    nodes[number].reset();
    if (streets_ != nullptr) more.insert(more.end(), {"--listen", Streets::address(number)});
    nodes[number] =
        std::make_unique<NodeProgram>(folder, "n" + std::to_string(number), more,
                                      streets_ != nullptr ? streets_->before(number) : std::vector<std::string>{});
    if (streets_ != nullptr) REQUIRE(streets_->join(number, *nodes[number]));
    REQUIRE(nodes[number]->ready());
  }
  void kill(std::size_t number) {
    nodes[number]->kill(SIGKILL);
    nodes[number]->wait();
  }
  /// Of those that run.
  std::size_t leader(const std::vector<std::size_t>& among) {
    std::size_t out = 0;
    CHECK(until([&] {
      for (const std::size_t node : among)
        if (contains(run(node, {"raft", "status", "--json"}).out, "\"role\":\"leader\"")) {
          out = node;
          return true;
        }
      return false;
    }));
    return out;
  }

  const Folder folder;
  std::array<std::unique_ptr<NodeProgram>, kMembers> nodes;

 private:
  Streets* const streets_;
};

/// Clients that are commands, each at a member that is drawn, and what they saw.
class Watchers {
 public:
  explicit Watchers(Group& group) : group_(group) {}

  /// Until kEachPhase commands have ended, and a write was done.
  void work(const char* phase) {
    CAPTURE(phase);
    std::size_t ended = 0, written = 0;
    const bool moved = until([&] {
      for (std::size_t i = 0; i < kClients; ++i) {
        if (!clients_[i].command) begin(i);
        else if (clients_[i].command->ended()) written += end(i), ++ended;
      }
      return ended >= kEachPhase && written > 0;
    });
    CHECK(moved);
  }
  void finish() {
    for (std::size_t i = 0; i < kClients; ++i)
      if (clients_[i].command) clients_[i].command->wait(), end(i);
  }
  const sim::History& history() const { return history_; }

 private:
  struct Client {
    std::unique_ptr<Program> command;
    sim::History::Number number = 0;
    sim::Did did = sim::Did::read;
  };

  void begin(std::size_t number) {
    Client& client = clients_[number];
    const std::string key = "k" + std::to_string(random_.below(kKeys)), value = "v" + std::to_string(++values_);
    const std::uint64_t dice = random_.below(10);
    client.did = dice < 5 ? sim::Did::write : dice < 9 ? sim::Did::read : sim::Did::erase;
    std::vector<std::string> words{"kv", "get", key};
    if (client.did == sim::Did::write) words = {"kv", "put", key, value};
    if (client.did == sim::Did::erase) words = {"kv", "del", key};
    const auto& node = *group_.nodes[random_.below(kMembers)];
    words.insert(words.end(), {"--timeout", "1s", "--data", node.data});
    client.number = history_.begin({.client = static_cast<std::uint32_t>(number),
                                    .key = key,
                                    .did = client.did,
                                    .value = client.did == sim::Did::write ? sim::Value(value) : std::nullopt});
    client.command = std::make_unique<Program>(words, group_.folder / ("client" + std::to_string(number)));
  }
  /// Whether it has written. Of a write that failed it is not known what came of it.
  bool end(std::size_t number) {
    Client& client = clients_[number];
    const int exit = client.command->wait();
    const std::string out = client.command->out();
    client.command.reset();
    if (client.did == sim::Did::read) {
      if (exit == 0) history_.answered_read(client.number, out);
      else if (exit == 4) history_.answered_read(client.number, std::nullopt);
      else history_.refused(client.number);
      return false;
    }
    if (exit == 0) history_.answered(client.number);
    return exit == 0;
  }

  Group& group_;
  sim::History history_;
  base::Random random_{19};
  std::array<Client, kClients> clients_;
  std::uint64_t values_ = 0;
};

}  // namespace

TEST_CASE("cluster raft: one order explains what clients saw of five members, killed, stopped and cut off") {
  const Folder streets_folder;
  Streets streets(streets_folder);
  if (!streets.there()) note("no network namespaces can be made and joined: no member is cut off");
  Group group(streets.there() ? &streets : nullptr);
  Watchers watchers(group);
  watchers.work("all are well");

  const std::size_t first = group.leader({0, 1, 2, 3, 4});
  group.kill(first);
  watchers.work("the leader was killed");
  group.start(first);
  watchers.work("it is back");

  const std::size_t second = group.leader({0, 1, 2, 3, 4});
  group.nodes[second]->stop();
  watchers.work("the leader is stopped");
  group.nodes[second]->kill(SIGCONT);
  watchers.work("it goes on");

  if (streets.there()) {
    const std::size_t third = group.leader({0, 1, 2, 3, 4});
    REQUIRE(streets.cut(third));
    watchers.work("the leader is cut off");
    REQUIRE(streets.cut((third + 1) % kMembers));
    watchers.work("another one too");
    REQUIRE(streets.heal(third));
    REQUIRE(streets.heal((third + 1) % kMembers));
    watchers.work("both are back");
  }

  const std::size_t fourth = group.leader({0, 1, 2, 3, 4});
  for (const std::size_t i : {fourth, (fourth + 2) % kMembers}) group.kill(i);
  watchers.work("two were killed at once");
  for (const std::size_t i : {fourth, (fourth + 2) % kMembers}) group.start(i);
  watchers.work("all are back");
  watchers.finish();

  const auto& operations = watchers.history().operations();
  CHECK(std::ranges::count(operations, sim::Fate::told, &sim::KeyOperation::fate) > std::ssize(operations) / 2);
  const auto found = sim::linearizable(operations);
  CHECK_MESSAGE(found.verdict == sim::Verdict::holds,
                found.key << ": " << (found.unexplained ? sim::text(*found.unexplained) : std::string("gave up")));
}
