// Requests of operators to a member: its status, and changes of the members.
#include <algorithm>

#include "actors/raft/group_actor.hpp"
#include "actors/raft/wire.hpp"
#include "runtime/base/whole_units.hpp"

namespace troupe::raft {
namespace {

using base::Code;
using base::Error;

constexpr std::chrono::seconds kPrepareDue{5};
constexpr std::chrono::minutes kChangeDueMax{60};

std::string_view name(Standing standing) {
  switch (standing) {
    case Standing::probe: return "probe";
    case Standing::replicate: return "replicate";
    case Standing::snapshot: return "snapshot";
  }
  return "";
}

std::string_view name(CommitDelay::What what) {
  switch (what) {
    case CommitDelay::What::disk: return "disk";
    case CommitDelay::What::link: return "link";
    case CommitDelay::What::silent: return "silent";
  }
  return "";
}

std::uint64_t ms(base::Duration span) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(span).count(), 0));
}

Error error_of(Refused why) {
  switch (why) {
    case Refused::no_leader:
    case Refused::not_leader: return {Code::unavailable, "the group has no leader now: nothing was changed"};
    case Refused::transferring: return {Code::conflict, "leadership is being handed over: retry later"};
    case Refused::too_large:
    case Refused::bad_change:
      return {Code::malformed, "no voter would be left, or there would be more than 64 members"};
    case Refused::uncommitted_full:
    case Refused::too_many_reads: return {Code::overloaded, "too many requests wait for a quorum: retry later"};
    case Refused::term_not_begun: return {Code::unavailable, "the leader was just elected: retry"};
    case Refused::change_pending: return {Code::conflict, "another change of the members is in progress: retry later"};
    case Refused::no_change: return {Code::conflict, "the members would be the same"};
    case Refused::loses_quorum:
      return {Code::conflict, "too few voters of the new configuration respond now: the group would lose its quorum"};
    case Refused::unknown_member: return {Code::not_found, "the group has no such voter"};
    case Refused::recovering: return {Code::conflict, "that member has lost data that it acknowledged"};
  }
  return {Code::internal, "the change was refused"};
}

void write(wire::GroupStatus::Builder out, const MachineStatus& of) {
  out.setRevision(of.revision);
  out.setKeys(of.keys);
  out.setRowBytes(of.row_bytes);
  out.setRowsMax(of.rows_max);
  auto kinds = out.initKinds(static_cast<unsigned>(of.kinds.size()));
  for (unsigned i = 0; i < kinds.size(); ++i) {
    kinds[i].setKind(of.kinds[i].first);
    kinds[i].setBytes(of.kinds[i].second);
  }
  out.setOldestRevision(of.oldest_revision);
  out.setLeases(of.leases);
  out.setSessions(of.sessions);
  out.setWatchers(of.watchers);
}

}  // namespace

void GroupActor::describe(wire::GroupStatus::Builder out) {
  out.setGroup(setup_.name);
  out.setNode(data_of(setup_.self.node.view()));
  out.setIncarnation(setup_.self.incarnation);
  out.setEpoch(setup_.epoch.value);
  out.setReason(!raft_ ? why_not_ : raft_->is_removed() ? left_out() : why_no_leader());
  out.setApplied(applied_.value);
  out.setHash(machine_->hash());
  write(out, machine_->status());
  if (!raft_) return out.setRole(recovering_ ? "recovering" : "opening");
  const Status status = raft_->status(now());
  const Seat* own = status.configuration.find(setup_.self);
  const bool learner = status.role == Role::follower && (!own || own->learner);
  out.setRole(raft_->is_removed() ? kj::StringPtr("removed")
              : learner           ? kj::StringPtr("learner")
                                  : text_of(std::string(raft::name(status.role))));
  out.setTerm(status.term.value);
  if (status.leader) out.setLeader(data_of(status.leader->node.view()));
  out.setCommit(status.commit.value);
  out.setLast(status.last.value);
  out.setAsleep(status.asleep);
  const bool leaderless = lacks_leader();
  const auto silent = leaderless ? silent_voters() : std::vector<MemberId>();
  auto members = out.initMembers(static_cast<unsigned>(status.configuration.seats.size()));
  unsigned i = 0;
  for (const auto& [member, seat] : status.configuration.seats) {
    auto row = members[i++];
    write(row.initMember(), member);
    row.setAddress(seat.address.text());
    row.setKind(seat.voter || seat.outgoing ? "voter" : "learner");
    const auto progress = status.progress.find(member);
    if (member == setup_.self) {
      row.setState("self");
      row.setMatch(status.durable.value);
    } else if (leaderless && (seat.voter || seat.outgoing)) {
      const bool is_silent = std::ranges::find(silent, member) != silent.end();
      row.setState(is_silent ? "silent" : "answers");
      row.setLagMs(ms(silent_for(member)));
    } else if (progress == status.progress.end()) {
      row.setState("unknown");
    } else {
      const Progress& its = progress->second;
      row.setState(its.recovering() ? kj::StringPtr("recovering") : text_of(std::string(name(its.standing))));
      row.setMatch(progress->second.match.value);
      row.setLagMs(ms(now() - progress->second.heard));
      row.setInFlight(static_cast<std::uint32_t>(progress->second.in_flight.messages()));
    }
  }
  auto delays = raft_->commit_delays(now());
  for (const MemberId& member : silent) delays.push_back({CommitDelay::What::silent, member, silent_for(member)});
  auto why = out.initWhy(static_cast<unsigned>(delays.size()));
  for (unsigned j = 0; j < why.size(); ++j) {
    why[j].setWhat(text_of(std::string(name(delays[j].what))));
    why[j].setNode(data_of(delays[j].member.node.view()));
    why[j].setMicroseconds(base::microseconds(delays[j].takes));
  }
}

// -- changes of the members ------------------------------------------------------------------------------------------

void GroupActor::change(wire::ChangeMember::Reader question, Nothing reply) {
  const runtime::Caller from = caller();
  if (from.role == messages::Role::peer && (!from.node || !has(*from.node)))
    return reply.refuse({Code::refused, "only members of the group may forward changes of its members"});
  if (!raft_) return reply.refuse({Code::unavailable, "this member does not serve: " + why_not_});
  const auto node = node_of(question.getMember().getNode());
  if (!node) return reply.refuse({Code::malformed, "invalid node id: expected 20 bytes"});
  const auto wait = std::min<base::Duration>(std::chrono::milliseconds(question.getDueMs()), kChangeDueMax);
  change({.change = question.getChange(),
          .node = *node,
          .endpoint = text_of(question.getMember().getEndpoint()),
          .learner = question.getLearner(),
          .forwarded = question.getForwarded(),
          .due = now() + (wait == base::Duration::zero() ? std::chrono::seconds(30) : wait),
          .reply = std::move(reply)});
}

void GroupActor::change(ChangeAsked asked) {
  if (!leads()) {
    const runtime::Handle to = raft_ ? leader() : runtime::Handle{};
    if (asked.forwarded || now() >= asked.due) return asked.reply.refuse(error_of(Refused::no_leader));
    if (!to) return change_later(std::move(asked));
    return ask<wire::ChangeMember, messages::wire::Nothing>(
        to, asked.due,
        [&](wire::ChangeMember::Builder out) {
          out.setChange(asked.change);
          auto member = out.initMember();
          member.setNode(data_of(asked.node.view()));
          member.setEndpoint(asked.endpoint);
          out.setLearner(asked.learner);
          out.setDueMs(static_cast<std::uint32_t>(ms(asked.due - now())));
          out.setForwarded(true);
        },
        [reply = std::move(asked.reply)](const runtime::Answer<messages::wire::Nothing>& answer) mutable {
          const Code code = answer.ok() ? Code::conflict : answer.error().code;
          if (code != Code::unavailable && code != Code::dropped && code != Code::internal)
            return reply.forward(answer.envelope());
          reply.refuse({Code::unknown_outcome, "the leader did not respond: the change may still be made"});
        });
  }
  // A leader first commits an entry of its own term (thesis, correction of 2015).
  if (raft_->log().term_at(raft_->commit()) != raft_->term() && now() < asked.due)
    return change_later(std::move(asked));
  const base::NodeId* const node = &asked.node;
  const base::Instant due = asked.due;
  Nothing& reply = asked.reply;
  std::vector<MemberId> named;
  for (const auto& [member, seat] : raft_->log().configuration().seats)
    if (member.node == *node) named.push_back(member);
  switch (asked.change) {
    case wire::MemberChange::TRANSFER: {
      if (named.empty()) return reply.refuse(no_member(*node));
      if (named.front() == setup_.self) return reply.done();
      const auto begun = raft_->transfer(named.front(), now());
      if (!begun.ok()) return reply.refuse(error_of(begun.error()));
      changes_.push_back({named.front(), wire::MemberChange::TRANSFER, Index{}, due, std::move(reply)});
      return pump_soon();
    }
    case wire::MemberChange::REMOVE: {
      if (named.empty()) return reply.refuse(no_member(*node));
      std::vector<Change> changes;
      for (const MemberId& member : named) changes.push_back({.kind = ChangeKind::remove, .member = member});
      return change_now(wire::MemberChange::REMOVE, std::move(changes), due, std::move(reply));
    }
    case wire::MemberChange::ADD: {
      const auto at = base::Endpoint::parse(asked.endpoint);
      if (!at || !at->dialable()) return reply.refuse({Code::malformed, "a member needs an address: ID@HOST:PORT"});
      if (!named.empty()) {
        const Seat& seat = raft_->log().configuration().seats.at(named.front());
        if (seat.voter || asked.learner) return reply.done();
        return change_now(wire::MemberChange::ADD,
                          {{.kind = ChangeKind::voter, .member = named.front(), .address = *at}}, due,
                          std::move(reply));
      }
      return add(*node, *at, asked.learner, due, std::move(reply));
    }
  }
  reply.refuse({Code::unsupported, "unknown kind of membership change"});
}

Error GroupActor::no_member(const base::NodeId& node) const {
  std::string members;
  for (const auto& [member, seat] : raft_->log().configuration().seats)
    members += (members.empty() ? "" : ", ") + member.node.hex();
  return {Code::not_found,
          "node " + node.hex() + " is not a member of group " + setup_.name + "; its members are " + members};
}

void GroupActor::change_later(ChangeAsked asked) {
  changes_asked_.push_back(std::move(asked));
  if (!std::exchange(sweeping_, true)) after<Sweep>(kSweepPeriod);
}

/// Returns whether that incarnation belongs to this very group: an incarnation is drawn once, for one group.
bool GroupActor::knows_of(const Configuration& founding) const {
  return std::ranges::any_of(founding.seats, [&](const auto& one) {
    const auto has = [&](const std::optional<Configuration>& known) { return known && known->find(one.first); };
    return has(setup_.founding) || has(setup_.known) || (raft_ && raft_->log().configuration().find(one.first));
  });
}

/// The node draws its log's incarnation and begins without entries. Then the group adds it.
void GroupActor::add(const base::NodeId& node, const base::Endpoint& at, bool learner, base::Instant due,
                     Nothing reply) {
  const runtime::Handle there = handle_at(*settings().links, node, at, kPath);
  if (!there) return reply.refuse({Code::unavailable, "that node cannot be reached now"});
  ask<wire::PrepareMember, wire::MemberPrepared>(
      there, now() + kPrepareDue, [&](wire::PrepareMember::Builder out) { out.setGroup(setup_.name); },
      [this, there, node, at, learner, due,
       reply = std::move(reply)](runtime::Answer<wire::MemberPrepared> answer) mutable {
        if (!answer.ok()) return reply.refuse(answer.error());
        const MemberId member{node, answer.value().getIncarnation()};
        const auto bytes = bytes_of(answer.value().getConfiguration());
        const auto founding =
            bytes.size() <= kConfigurationBytesMax ? decode_configuration(bytes) : std::optional<Configuration>{};
        if (answer.value().getFounded() && !(founding && knows_of(*founding)))
          return reply.refuse({Code::conflict, "that node is already in another group of this name"});
        ask<wire::JoinGroup, messages::wire::Nothing>(
            there, now() + kPrepareDue,
            [&](wire::JoinGroup::Builder out) {
              out.setGroup(setup_.name);
              out.setIncarnation(member.incarnation);
              out.setEpoch(setup_.epoch.value);
              if (raft_) out.setConfiguration(data_of(encode(raft_->log().configuration())));
            },
            [this, member, at, learner, due,
             reply = std::move(reply)](const runtime::Answer<messages::wire::Nothing>& joined) mutable {
              if (!joined.ok()) return reply.refuse(joined.error());
              const ChangeKind kind = learner ? ChangeKind::learner : ChangeKind::voter;
              change_now(wire::MemberChange::ADD, {{.kind = kind, .member = member, .address = at}}, due,
                         std::move(reply));
            });
      });
}

void GroupActor::change_now(wire::MemberChange what, std::vector<Change> changes, base::Instant due, Nothing reply) {
  if (!raft_) return reply.refuse(error_of(Refused::no_leader));
  const auto position = raft_->change(changes, now());
  if (!position.ok()) return reply.refuse(error_of(position.error()));
  changes_.push_back({changes.front().member, what, position.value().index, due, std::move(reply)});
  if (!std::exchange(sweeping_, true)) after<Sweep>(kSweepPeriod);
  pump_soon();
}

/// Answers changes that are done or have timed out.
void GroupActor::look_at_changes() {
  for (ChangeAsked& asked : std::exchange(changes_asked_, {})) change(std::move(asked));
  if (changes_.empty()) return;
  std::vector<Changing> open;
  for (Changing& one : std::exchange(changes_, {})) {
    bool done = false;
    if (raft_) {
      const Configuration& now_is = raft_->log().configuration();
      const bool settled = raft_->commit() >= one.index && raft_->commit() >= raft_->log().configuration_index();
      const Seat* seat = now_is.find(one.member);
      if (one.change == wire::MemberChange::TRANSFER) done = raft_->known_leader() == one.member;
      else if (one.change == wire::MemberChange::REMOVE) done = settled && !seat && !now_is.joint();
      else done = settled && seat && (seat->voter || !seat->promote) && !now_is.joint();
    }
    if (done) one.reply.done();
    else if (now() < one.due && raft_) open.push_back(std::move(one));
    else if (one.change == wire::MemberChange::TRANSFER)
      one.reply.refuse({Code::timeout, "leadership was not taken over in time"});
    else if (one.change == wire::MemberChange::ADD && raft_ && raft_->log().configuration().find(one.member))
      one.reply.refuse({Code::timeout, "it is a member and is still catching up"});
    else one.reply.refuse({Code::timeout, "the change was not committed in time: it may still be committed"});
  }
  for (Changing& one : open) changes_.push_back(std::move(one));
}

}  // namespace troupe::raft
