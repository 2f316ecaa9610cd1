// The group's health, as this member reports it in the health of its node.
#include "actors/raft/group_actor.hpp"
#include "actors/raft/wire.hpp"

namespace troupe::raft {
namespace {

using base::Code;
using observe::HealthState;

constexpr std::chrono::seconds kLeaderlessMax{20};    // issue: a group without a quorum is visible
constexpr std::chrono::seconds kMembershipPeriod{5};  // our choice: an election takes less
constexpr std::chrono::seconds kMembershipDue{2};
constexpr std::chrono::seconds kTellPeriod{5};                       // our choice
constexpr base::Duration kToldUntil = 5 * kTellPeriod;               // our choice: a sleeping leader reports every 10 s
constexpr base::Duration kAnswersWithin = std::chrono::seconds(10);  // our choice: many elections
constexpr base::Duration kSilentAfter = std::chrono::seconds(30);    // three heartbeats of a sleeping group
constexpr base::Duration kElections = std::chrono::seconds(2);       // our choice: enough for a few elections
constexpr int kElectionsMin = 12;                                    // our choice: the same for a longer raft.election

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
  return "this member was removed from the group; ask a current member" +
         (others.empty() ? std::string() : "; the last members that it knows are " + list_of(others));
}

/// Called after each change of the core, and after each heartbeat.
void GroupActor::judge() {
  if (raft_) {
    if (leads()) tell_uncounted({raft_->behind(), raft_->silent_since(now() - kSilentAfter)});
    else if (!uncounted_.empty() && now() > uncounted_at_ + kToldUntil) uncounted_ = {};
    if (raft_->known_leader()) {
      leaderless_.reset();
      say_removed_.clear();
    } else {
      if (!leaderless_) membership_at_ = (leaderless_ = now()).value() + kMembershipPeriod;
      if (now() >= membership_at_) ask_membership();
    }
  }
  set_gauge();
  const std::string text = complaint();
  if (text == complaint_ || settings().health == nullptr) return;
  complaint_ = text;
  const bool failing = raft_ ? is_leaderless(kLeaderlessMax) : only_member();
  if (text.empty()) settings().health->clear("raft.group." + setup_.name);
  else
    settings().health->raise("raft.group." + setup_.name, failing ? HealthState::failing : HealthState::degraded,
                             "group " + setup_.name + ": " + text);
}

/// Contains nothing that changes every second, because each changed reason is logged.
std::string GroupActor::complaint() const {
  if (!raft_ && !recovering_) return "";
  if (!raft_) return only_member() ? why_not_ : "this member does not take part: " + why_not_;
  if (setup_.lost != 0 && told_members())
    return "this member has lost its log and waits until the other members add it again";
  if (raft_->is_removed()) return left_out();
  if (is_leaderless(kLeaderlessMax))
    return "it has had no leader for 20 s or more; " + who_answers(silent_voters()) +
           "; start the silent voters or repair their links";
  return uncounted_text();
}

/// Returns whether this member belongs to a group that has had no leader for `period`.
bool GroupActor::is_leaderless(base::Duration period) const {
  return raft_ && leaderless_ && now() >= *leaderless_ + period && !told_members() && !raft_->is_removed() &&
         raft_->log().configuration().voters() > 0;
}

/// Used while there is no leader.
std::vector<MemberId> GroupActor::silent_voters() const {
  return raft_->silent_since(now() - std::max(kAnswersWithin, kElectionsMin * settings().core.election));
}

/// Returns the time since its last response, or since the group lost its leader.
base::Duration GroupActor::silent_for(const MemberId& member) const {
  return now() - std::max(*leaderless_, raft_->last_answer(member).value_or(*leaderless_));
}

/// Returns text such as "2 of 5 voters respond, 3 are needed; silent: ID, ID".
std::string GroupActor::who_answers(const std::vector<MemberId>& silent) const {
  const Configuration& members = raft_->log().configuration();
  const auto voters = members.voters();
  const auto silent_voters = static_cast<std::size_t>(std::ranges::count_if(silent, [&](const MemberId& one) {
    const Seat* seat = members.find(one);
    return seat != nullptr && seat->voter;
  }));
  return std::to_string(voters - std::min(voters, silent_voters)) + " of " + std::to_string(voters) +
         " voters respond, " + std::to_string(voters / 2 + 1) + " are needed" +
         (silent.empty() ? std::string() : "; silent: " + list_of(silent));
}

std::string GroupActor::uncounted_text() const {
  std::string out;
  const auto voters = std::to_string(raft_->log().configuration().voters());
  for (const auto& [member, owed] : uncounted_.behind)
    out += "member " + member.node.hex() + " has lost entries that it acknowledged, up to index " +
           std::to_string(owed.value) + ", and is fetching them again; ";
  if (const auto behind = uncounted_.behind.size(); behind > 0)
    out +=
        std::to_string(behind) + " of " + voters + (behind == 1 ? " does not count" : " do not count") + " until then";
  if (!uncounted_.silent.empty()) out += (out.empty() ? "" : "; ") + who_answers(uncounted_.silent);
  return out;
}

/// For an operator, who should not wait for kLeaderlessMax.
std::string GroupActor::why_no_leader() const {
  return lacks_leader() ? "it has no leader; " + who_answers(silent_voters()) : "";
}

bool GroupActor::lacks_leader() const {
  return is_leaderless(std::max(kElections, kElectionsMin * settings().core.election));
}

void GroupActor::set_gauge() {
  const bool leader = raft_ && raft_->known_leader();
  const std::size_t silent = leader ? uncounted_.silent.size() : lacks_leader() ? silent_voters().size() : 0;
  const GroupGauges::Gauge is{.has_leader = leader, .silent = silent};
  if (gauge_ == is) return;
  gauge_ = is;
  settings().counters->each.set(setup_.name, is);
}

void GroupActor::tell_uncounted(Uncounted uncounted) {
  if (uncounted == uncounted_ && (uncounted.empty() || now() < uncounted_at_ + kTellPeriod)) return;
  uncounted_ = std::move(uncounted);
  uncounted_at_ = now();
  for (const auto& [member, seat] : raft_->log().configuration().seats) {
    const runtime::Handle to = handle_to(member);
    if (!to) continue;
    tell<wire::MembersBehind>(to, [&](wire::MembersBehind::Builder out) {
      auto list = out.initMembers(size32(uncounted_.behind));
      for (unsigned i = 0; i < list.size(); ++i) {
        write(list[i].initMember(), uncounted_.behind[i].first);
        list[i].setOwed(uncounted_.behind[i].second.value);
      }
      auto silent = out.initSilent(size32(uncounted_.silent));
      for (unsigned i = 0; i < silent.size(); ++i) write(silent[i], uncounted_.silent[i]);
    });
  }
}

void GroupActor::take(wire::MembersBehind::Reader told) {
  if (!raft_ || leads()) return;
  const auto leader = raft_->known_leader();
  if (!leader || caller().node != leader->node) return;
  uncounted_ = {};
  for (const auto row : told.getMembers()) {
    const auto member = raft::read(row.getMember());
    if (member && uncounted_.behind.size() < kMembersMax) uncounted_.behind.emplace_back(*member, Index{row.getOwed()});
  }
  for (const auto row : told.getSilent()) {
    const auto member = raft::read(row);
    if (member && uncounted_.silent.size() < kMembersMax) uncounted_.silent.push_back(*member);
  }
  uncounted_at_ = now();
  judge();
}

/// A removed member does not receive the entry that removes it. It believes more than half of the voters that it knows.
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
          settings().log.warn("this member was removed and no longer takes part", {{"group", setup_.name}});
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
