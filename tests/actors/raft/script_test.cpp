// Scripts of what happens to a few members, and what they are afterwards (scripts/README.md has the words).
#include <sstream>

#include "tests/actors/raft/group.hpp"
#include "tests/actors/raft/vectors.hpp"

using namespace troupe;
using namespace troupe::raft;
using raft_test::Group;
using raft_test::member;

namespace {

std::string name(Refused why) {
  switch (why) {
    case Refused::no_leader: return "no leader";
    case Refused::not_leader: return "not the leader";
    case Refused::transferring: return "the lead is being handed over";
    case Refused::term_not_begun: return "no entry of the term is committed";
    case Refused::change_pending: return "another change is pending";
    case Refused::loses_quorum: return "it would lose quorum";
    default: return "otherwise";
  }
}

class Script {
 public:
  void run(const std::string& line) {
    std::istringstream in(line);
    std::string what;
    unsigned n = 0;
    in >> what;
    if (what == "members") return in >> n, group_.emplace(static_cast<std::uint8_t>(n)), void();
    REQUIRE(group_.has_value());
    Group& group = *group_;
    if (what == "deliver") return group.deliver();
    if (what == "lose") return group.wire.clear();
    if (what == "heal") return group.cut.clear();
    in >> n;
    const auto who = static_cast<std::uint8_t>(n);
    if (what == "time") return group.pass_time(std::chrono::milliseconds(n));
    if (what == "cut") return void(group.cut.insert(member(who)));
    if (what == "join") return group.join(who);
    if (what == "elect") return group.elect(who);
    if (what == "hold") return void(group[who].disk_held = true);
    if (what == "release") return group.release_disk(who);
    if (what == "restart") return group.restart(who);
    if (what == "propose") {
      std::string text;
      in >> text;
      tell(line, group.at(who).propose(raft_test::text(text), group.now));
    } else if (what == "transfer") {
      unsigned to = 0;
      in >> to;
      tell(line, group.at(who).transfer(member(static_cast<std::uint8_t>(to)), group.now));
    } else {
      REQUIRE(what == "change");
      std::vector<Change> changes;
      for (std::string one; in >> one;) {
        const ChangeKind kind = one[0] == '+'   ? ChangeKind::voter
                                : one[0] == '-' ? ChangeKind::remove
                                                : ChangeKind::learner;
        changes.push_back({.kind = kind, .member = member(static_cast<std::uint8_t>(std::stoi(one.substr(1))))});
      }
      tell(line, group.at(who).change(changes, group.now));
    }
    group.step(who);
  }
  /// A line for each thing that was refused, and for each member.
  std::vector<std::string> told(unsigned members) {
    std::vector<std::string> out = std::exchange(refused_, {});
    for (unsigned n = 1; n <= members; ++n) {
      const auto who = static_cast<std::uint8_t>(n);
      const Status now = group_->at(who).status(group_->now);
      const Log& log = group_->at(who).log();
      std::string line = std::to_string(n) + ' ' + std::string(raft::name(now.role)) + " of term " +
                         std::to_string(now.term.value) + ", last " + std::to_string(now.last.value) + " of term " +
                         std::to_string(log.last_term().value) + ", commit " + std::to_string(now.commit.value) +
                         ", members";
      for (const auto& [id, seat] : now.configuration.seats)
        line += ' ' + std::to_string(id.node.bytes.back()) + (seat.voter ? "v" : "") + (seat.outgoing ? "o" : "") +
                (seat.learner ? "l" : "");
      std::string applied;
      for (const Entry& entry : group_->operator[](who).applied)
        if (entry.kind == EntryKind::command) applied += ' ' + std::string(base::as_text(entry.view()));
      out.push_back(line + (applied.empty() ? "" : ", applied" + applied));
    }
    return out;
  }

 private:
  template <class Result>
  void tell(const std::string& line, const Result& result) {
    if (!result.ok()) refused_.push_back(line + ": " + name(result.error()));
  }
  std::optional<Group> group_;
  std::vector<std::string> refused_;
};

}  // namespace

TEST_CASE("raft scripts: what happens to a few members leads to what is written down") {
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(TROUPE_SCRIPTS)) {
    if (file.path().extension() != ".txt") continue;
    ++files;
    Script script;
    for (const auto& one : raft_test::cases_in(file.path())) {
      CAPTURE(one.where);
      REQUIRE(one.command == "after");
      for (const std::string& line : one.input) script.run(line);
      const auto told = script.told(static_cast<unsigned>(std::stoul(one.options.at("show").front())));
      std::string text;
      for (const std::string& line : told) text += '\n' + line;
      INFO("told:", text);
      CHECK(told == one.output);
    }
  }
  CHECK(files == 4);
}
