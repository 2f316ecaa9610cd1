#include "actors/raft/logic/configuration.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <set>

#include "tests/actors/raft/vectors.hpp"

using namespace troupe;
using namespace troupe::raft;
using raft_test::member;

namespace {

/// etcd's words for our errors.
std::string words_for(ConfigurationError error, const std::string& command) {
  switch (error) {
    case ConfigurationError::already_joint:
      return command == "simple" ? "can't apply simple config change in joint config" : "config is already joint";
    case ConfigurationError::not_joint: return "can't leave a non-joint config";
    case ConfigurationError::no_voters: return "can't make a zero-voter config joint";
    case ConfigurationError::voters_gone: return "removed all voters";
    case ConfigurationError::needs_joint: return "more than one voter changed without entering joint config";
    case ConfigurationError::too_many_members: return "too many";
  }
  return "";
}

std::vector<Change> changes_of(const std::vector<std::string>& input) {
  std::vector<Change> out;
  for (const std::string& line : input)
    for (const std::string& word : raft_test::words_of(line)) {
      const ChangeKind kind = word[0] == 'v'   ? ChangeKind::voter
                              : word[0] == 'l' ? ChangeKind::learner
                              : word[0] == 'r' ? ChangeKind::remove
                                               : ChangeKind::update;
      const int number = std::stoi(word.substr(1));
      out.push_back({.kind = kind, .member = number == 0 ? MemberId{} : member(static_cast<std::uint8_t>(number))});
    }
  return out;
}

std::string listed(const Configuration& of, const std::string& name, bool Seat::*role) {
  std::string out;
  for (const auto& [id, seat] : of.seats)
    if (seat.*role) out += (out.empty() ? "" : " ") + std::to_string(id.node.bytes.back());
  return out.empty() ? "" : name + "(" + out + ")";
}

/// As the published cases print it; `next` is when a member's progress began.
std::vector<std::string> printed(const Configuration& of, const std::map<MemberId, std::uint64_t>& next) {
  std::vector<std::string> out{listed(of, "voters=", &Seat::voter) + listed(of, "&&", &Seat::outgoing)};
  for (const auto& [name, role] : {std::pair(" learners=", &Seat::learner), {" learners_next=", &Seat::learner_next}})
    out[0] += listed(of, name, role);
  if (of.auto_leave) out[0] += " autoleave";
  for (const auto& [id, seat] : of.seats)
    out.push_back(std::to_string(id.node.bytes.back()) + ": StateProbe match=0 next=" + std::to_string(next.at(id)) +
                  (seat.learner ? " learner" : ""));
  return out;
}

/// A dumb model: four sets, as etcd keeps them.
struct Sets {
  std::set<int> voters, outgoing, learners, next;

  void apply(char kind, int id) {
    if (kind == 'v') {
      learners.erase(id), next.erase(id), voters.insert(id);
    } else if (kind == 'r') {
      voters.erase(id), learners.erase(id), next.erase(id);
    } else if (kind == 'l') {
      voters.erase(id);
      (outgoing.contains(id) ? next : learners).insert(id);
    }
  }
  void leave() {
    learners.insert(next.begin(), next.end());
    next.clear();
    outgoing.clear();
  }
  Configuration configuration() const {
    Configuration out;
    for (const int id : voters) out.seats[member(static_cast<std::uint8_t>(id))].voter = true;
    for (const int id : outgoing) out.seats[member(static_cast<std::uint8_t>(id))].outgoing = true;
    for (const int id : learners) out.seats[member(static_cast<std::uint8_t>(id))].learner = true;
    for (const int id : next) out.seats[member(static_cast<std::uint8_t>(id))].learner_next = true;
    return out;
  }
};

}  // namespace

TEST_CASE("configuration: the published cases of changes") {
  for (const char* file : {"simple_safety", "simple_idempotency", "simple_promote_demote", "joint_safety",
                           "joint_idempotency", "joint_learners_next", "joint_autoleave", "update", "zero"}) {
    const auto cases = raft_test::published(std::string("confchange/") + file + ".txt");
    if (!cases) return;
    Configuration present;
    std::map<MemberId, std::uint64_t> next;
    std::uint64_t index = 0;
    for (const raft_test::Case& one : *cases) {
      CAPTURE(one.where);
      const auto changes = changes_of(one.input);
      const auto leave = one.options.find("autoleave");
      const bool auto_leave = leave != one.options.end() && leave->second.front() == "true";
      const Changed changed = one.command == "simple"        ? change_simply(present, changes)
                              : one.command == "enter-joint" ? enter_joint(present, changes, auto_leave)
                                                             : leave_joint(present);
      if (changed.ok()) {
        present = changed.value();
        std::erase_if(next, [&](const auto& at) { return !present.find(at.first); });
        for (const auto& [id, seat] : present.seats) next.try_emplace(id, std::max<std::uint64_t>(index, 1));
        CHECK(printed(present, next) == one.output);
      } else {
        CHECK(words_for(changed.error(), one.command) == one.output.front());
      }
      ++index;
    }
  }
}

TEST_CASE("configuration: any changes agree with a model of four sets") {
  CHECK(rc::check("joint and simple", [] {
    using Step = std::pair<char, int>;
    const auto step = rc::gen::pair(rc::gen::element('v', 'l', 'r'), rc::gen::inRange(1, 7));
    Sets sets{.voters = {1, 2, 3}, .outgoing = {}, .learners = {4}, .next = {}};
    for (const auto& batch :
         *rc::gen::container<std::vector<std::vector<Step>>>(rc::gen::container<std::vector<Step>>(step))) {
      std::vector<Change> changes;
      const Configuration before = sets.configuration();
      Sets after = sets, simple = sets;
      after.outgoing = after.voters;
      for (const auto& [kind, id] : batch) {
        const auto what = kind == 'v' ? ChangeKind::voter : kind == 'l' ? ChangeKind::learner : ChangeKind::remove;
        changes.push_back({.kind = what, .member = member(static_cast<std::uint8_t>(id))});
        after.apply(kind, id);
        simple.apply(kind, id);
      }
      std::vector<int> different;
      std::ranges::set_symmetric_difference(sets.voters, simple.voters, std::back_inserter(different));

      const Changed joint = enter_joint(before, changes, false);
      const Changed simply = change_simply(before, changes);
      if (after.voters.empty()) {
        RC_ASSERT(joint.error() == ConfigurationError::voters_gone);
        RC_ASSERT(simply.error() == ConfigurationError::voters_gone);
        continue;
      }
      RC_ASSERT(joint.value() == after.configuration());
      RC_ASSERT(voters_changed(before, simple.configuration()) == different.size());
      if (different.size() > 1) {
        RC_ASSERT(simply.error() == ConfigurationError::needs_joint);
      } else {
        RC_ASSERT(simply.value() == simple.configuration());
      }
      RC_ASSERT(enter_joint(joint.value(), {}, false).error() == ConfigurationError::already_joint);
      RC_ASSERT(decode_configuration(encode(joint.value())) == joint.value());
      after.leave();
      RC_ASSERT(leave_joint(joint.value()).value() == after.configuration());
      sets = after;
    }
  }));
}

TEST_CASE("configuration: there is one encoding, and no bytes break the decoder") {
  Configuration one;
  one.seats[member(1)] = {.voter = true, .priority = 7, .address = {{1, 2}, 3}};
  one.seats[member(2, 9)] = {.learner = true, .promote = true};
  one.auto_leave = true;
  const base::Bytes bytes = encode(one);
  CHECK(decode_configuration(bytes) == one);
  CHECK(base::hex(bytes) ==
        "010102000000000000000000000000000000000000000001010000000000000001070102000000000000000000000000"
        "00000300000000000000000000000000000000000000000209000000000000001464000000000000000000000000000000"
        "000000");
  CHECK(encode(Configuration{}).size() == 4);
  CHECK_FALSE(decode_configuration(encode(Configuration{})).has_value());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    CHECK_FALSE(decode_configuration(base::ByteView(bytes).first(cut)).has_value());
  CHECK(rc::check("changed bytes are refused, or are the encoding of what they say", [&] {
    base::Bytes changed = bytes;
    changed[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<std::uint8_t>();
    const auto read = decode_configuration(changed);
    RC_ASSERT((!read || encode(*read) == changed));
  }));
}

TEST_CASE("configuration: as many members as may be, and one more") {
  Configuration full;
  full.seats[member(1)].voter = true;
  for (std::uint8_t n = 2; n <= kMembersMax; ++n) full.seats[member(n)].learner = true;
  CHECK(decode_configuration(encode(full)) == full);
  const Change more{.kind = ChangeKind::learner, .member = member(kMembersMax + 1)};
  CHECK(change_simply(full, {more}).error() == ConfigurationError::too_many_members);
  CHECK(enter_joint(full, {more}, true).error() == ConfigurationError::too_many_members);
  full.seats[more.member].learner = true;
  CHECK_FALSE(decode_configuration(encode(full)).has_value());
}
