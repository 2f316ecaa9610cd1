// Whether a group is well, as this member says in the health of its node.
#include "actors/raft/group_actor.hpp"
#include "actors/raft/wire.hpp"

namespace troupe::raft {
namespace {

using base::Code;
using observe::HealthState;

constexpr std::chrono::seconds kLeaderlessMax{20};    // issue: a group without a quorum is visible
constexpr std::chrono::seconds kMembershipPeriod{5};  // our choice: an election takes less
constexpr std::chrono::seconds kMembershipDue{2};
constexpr std::chrono::seconds kTellBehindPeriod{5};                 // our choice
constexpr base::Duration kBehindUntil = 3 * kTellBehindPeriod;       // our choice: two may be lost
constexpr base::Duration kAnswersWithin = std::chrono::seconds(10);  // our choice: many elections

std::string list_of(const std::vector<MemberId>& members) {
  std::string out;
  for (const MemberId& member : members) out += (out.empty() ? "" : ", ") + member.node.hex();
  return out;
}

}  // namespace

std::string GroupActor::left_out() const {
  std::vector<MemberId> others;
  for (const auto& [member, seat] : raft_->log().configuration().seats)
    if (member.node != setup_.self.node) others.push_back(member);
  return "this member was removed from the group; ask a member of it" +
         (others.empty() ? std::string() : ": the last that it knows are " + list_of(others));
}

/// After each change of the core, and after each heartbeat.
void GroupActor::judge() {
  if (raft_) {
    if (leads()) tell_behind(raft_->behind());
    else if (!behind_.empty() && now() > behind_at_ + kBehindUntil) behind_.clear();
    if (raft_->known_leader()) {
      leaderless_.reset();
      say_removed_.clear();
    } else {
      if (!leaderless_) membership_at_ = (leaderless_ = now()).value() + kMembershipPeriod;
      if (now() >= membership_at_) ask_membership();
    }
  }
  const std::string text = complaint();
  if (text == complaint_ || settings().health == nullptr) return;
  complaint_ = text;
  const bool failing = raft_ ? leaderless_ && !raft_->is_removed() : only_member();
  if (text.empty()) settings().health->clear("raft.group." + setup_.name);
  else
    settings().health->raise("raft.group." + setup_.name, failing ? HealthState::failing : HealthState::degraded,
                             "group " + setup_.name + ": " + text);
}

/// Nothing that changes every second: a reason that changes is logged.
std::string GroupActor::complaint() const {
  if (!raft_ && !recovering_) return "";
  if (!raft_) return only_member() ? why_not_ : "this member takes no part: " + why_not_;
  if (setup_.lost != 0 && told_members()) return "this member has lost its log, and waits to be taken in by the others";
  if (raft_->is_removed()) return left_out();
  const Configuration& members = raft_->log().configuration();
  const auto voters = members.voters();
  if (leaderless_ && now() >= *leaderless_ + kLeaderlessMax && !told_members() && voters > 0) {
    const auto silent = raft_->silent_since(now() - kAnswersWithin);
    return "it has had no leader for 20 s or more; " + std::to_string(voters - silent.size()) + " of " +
           std::to_string(voters) + " answer, " + std::to_string(voters / 2 + 1) + " are needed" +
           (silent.empty() ? std::string() : "; silent: " + list_of(silent));
  }
  std::string out;
  for (const auto& [member, owed] : behind_)
    out += "member " + member.node.hex() + " has lost what it acknowledged, up to index " + std::to_string(owed.value) +
           ", and gets it again; ";
  if (out.empty()) return out;
  return out + std::to_string(behind_.size()) + " of " + std::to_string(voters) +
         (behind_.size() == 1 ? " does not count" : " do not count") + " until then";
}

void GroupActor::tell_behind(Behind behind) {
  if (behind == behind_ && (behind.empty() || now() < behind_at_ + kTellBehindPeriod)) return;
  behind_ = std::move(behind);
  behind_at_ = now();
  for (const auto& [member, seat] : raft_->log().configuration().seats) {
    const runtime::Handle to = handle_to(member);
    if (!to) continue;
    tell<wire::MembersBehind>(to, [&](wire::MembersBehind::Builder out) {
      auto list = out.initMembers(size32(behind_));
      for (unsigned i = 0; i < list.size(); ++i) {
        write(list[i].initMember(), behind_[i].first);
        list[i].setOwed(behind_[i].second.value);
      }
    });
  }
}

void GroupActor::take(wire::MembersBehind::Reader told) {
  if (!raft_ || leads()) return;
  const auto leader = raft_->known_leader();
  if (!leader || caller().node != leader->node) return;
  behind_.clear();
  for (const auto row : told.getMembers()) {
    const auto member = raft::read(row.getMember());
    if (member && behind_.size() < kMembersMax) behind_.emplace_back(*member, Index{row.getOwed()});
  }
  behind_at_ = now();
  judge();
}

/// A member that was removed does not get the entry which says so. It believes more than half of the voters that it
/// knows.
void GroupActor::ask_membership() {
  membership_at_ = now() + kMembershipPeriod;
  if (raft_->is_removed() || told_members()) return;
  for (const auto& [member, seat] : raft_->log().configuration().seats) {
    if (member.node == setup_.self.node || !(seat.voter || seat.outgoing)) continue;
    const runtime::Handle to = handle_to(member);
    if (!to) continue;
    ask<wire::AskMembership, wire::Membership>(
        to, now() + kMembershipDue,
        [&](wire::AskMembership::Builder out) { out.setIncarnation(setup_.self.incarnation); },
        [this, run = run_, member = member](runtime::Answer<wire::Membership> answer) {
          if (run != run_ || !answer.ok() || !leaderless_) return;
          if (answer.value().getMember()) say_removed_.erase(member);
          else say_removed_.insert(member);
          std::size_t others = 0, say = 0;
          for (const auto& [one, its] : raft_->log().configuration().seats) {
            if (one.node == setup_.self.node || !(its.voter || its.outgoing)) continue;
            ++others;
            say += say_removed_.contains(one);
          }
          if (2 * say <= others || raft_->is_removed()) return;
          settings().log.warn("this member was removed: it takes part no more", {{"group", setup_.name}});
          raft_->removed(now());
          pump_soon();
        });
  }
}

void GroupActor::answer_membership(wire::AskMembership::Reader question, runtime::Reply<wire::Membership> reply) {
  if (!raft_ || !raft_->known_leader() || !caller().node)
    return reply.refuse({Code::unavailable, "this member does not know a leader now"});
  const Log& log = raft_->log();
  const bool member = log.configuration_index() > raft_->commit() ||
                      log.configuration().find({*caller().node, question.getIncarnation()}) != nullptr;
  reply.send([&](wire::Membership::Builder out) { out.setMember(member); });
}

}  // namespace troupe::raft
