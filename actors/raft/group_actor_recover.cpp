// What a member does after losing its own log, and after losing the majority.
#include "actors/raft/group_actor.hpp"
#include "actors/raft/logic/recover.hpp"
#include "actors/raft/wire.hpp"

namespace troupe::raft {
namespace {

using base::Code;
using base::Error;

constexpr std::chrono::seconds kAskInPeriod{1};  // our choice
constexpr std::chrono::seconds kAskInDue{5};
constexpr std::chrono::seconds kTellLossPeriod{5};  // our choice
constexpr std::chrono::minutes kRecordDue{10};

}  // namespace

/// Repeated, because `/raft` may be unable to begin another log now. It then ends this actor.
void GroupActor::tell_loss() {
  tell<wire::LostLog>(node().find(kPath), [&](wire::LostLog::Builder out) {
    out.setGroup(setup_.name);
    out.setIncarnation(setup_.self.incarnation);
  });
  after<TellLoss>(kTellLossPeriod);
}

/// Tells `/raft` which members to ask if this log is lost.
void GroupActor::tell_members() {
  tell<wire::MembersAre>(node().find(kPath), [&](wire::MembersAre::Builder out) {
    out.setGroup(setup_.name);
    out.setConfiguration(data_of(encode(raft_->log().configuration())));
  });
}

/// Asks one member after another to add it, until the log says so.
void GroupActor::ask_in() {
  const Configuration* told = told_members();
  if (!told) return;
  after<AskIn>(kAskInPeriod);
  std::vector<MemberId> others;
  for (const auto& [member, seat] : told->seats)
    if (member.node != setup_.self.node) others.push_back(member);
  if (others.empty()) return;
  const runtime::Handle to = handle_to(others[asked_in_++ % others.size()]);
  if (!to) return;
  ask<wire::ReplaceMember, messages::wire::Nothing>(
      to, now() + kAskInDue,
      [&](wire::ReplaceMember::Builder out) {
        write(out.initLost(), {setup_.self.node, setup_.lost});
        write(out.initNext(), setup_.self);
        const base::Endpoint at = settings().endpoint();
        if (at.dialable()) out.setEndpoint(at.text());
      },
      [](const runtime::Answer<messages::wire::Nothing>&) {});
}

void GroupActor::replace(wire::ReplaceMember::Reader question, Nothing reply) {
  const auto lost = raft::read(question.getLost()), next = raft::read(question.getNext());
  if (!lost || !next || lost->node != next->node || caller().node != next->node || *lost == *next)
    return reply.refuse({Code::refused, "a node may request only its own replacement"});
  if (!leads()) return reply.refuse({Code::unavailable, "this member is not the leader"});
  const auto& seats = raft_->log().configuration().seats;
  if (seats.contains(*next)) return reply.done();
  // Any incarnation of that node, because it may have lost more than one.
  std::vector<Change> changes;
  Change added{.kind = ChangeKind::learner, .member = *next};
  for (const auto& [member, seat] : seats) {
    if (member.node != next->node) continue;
    changes.push_back({.kind = ChangeKind::remove, .member = member});
    if (!seat.learner) added.kind = ChangeKind::voter;
    added.address = seat.address;
  }
  if (changes.empty()) return reply.refuse({Code::not_found, "that node is not a member of the group"});
  if (const auto at = base::Endpoint::parse(text_of(question.getEndpoint()))) added.address = *at;
  changes.push_back(added);
  const auto position = raft_->change(changes, now());
  if (!position.ok()) return reply.refuse({Code::conflict, "the members cannot be changed now: retry later"});
  world().mutations.sometimes("raft: a member was replaced by its next incarnation");
  settings().log.info("a member replaces its predecessor that has lost its log",
                      {{"group", setup_.name}, {"node", next->node.hex().substr(0, 8)}});
  reply.done();
  pump_soon();
}

/// The core ends. Its state and a configuration with only this member become durable, and `/raft` restarts it.
void GroupActor::recover(wire::RecoverGroup::Reader question, runtime::Reply<wire::Recovery> reply) {
  if (!raft_) return reply.refuse({Code::unavailable, "this member does not serve: " + why_not_});
  if (raft_->durable() < raft_->log().last())
    return reply.refuse({Code::overloaded, "this member's disk has not written all entries yet: retry"});
  const auto forced = force_new_cluster({.self = setup_.self,
                                         .epoch = setup_.epoch,
                                         .state = {.term = raft_->term(), .commit = raft_->commit()},
                                         .log = raft_->log(),
                                         .applied = applied_});
  if (!forced) return reply.refuse({Code::internal, "its terms are used up"});
  const auto fill = [commit = raft_->commit(), last = raft_->log().last(), epoch = forced->next.epoch,
                     members = raft_->log().configuration().seats.size()](wire::Recovery::Builder out) {
    out.setCommit(commit.value);
    out.setLast(last.value);
    out.setEpoch(epoch.value);
    out.setMembers(static_cast<std::uint32_t>(members - 1));
  };
  if (!question.getYes()) return reply.send(fill);
  settings().log.warn("a survivor continues alone, as an operator ordered", {{"group", setup_.name}});
  stop_serving("it begins a new epoch");
  // The epoch comes first. If the member stops between the two, the other members refuse it and its operator retries.
  // In the other order it would be alone in the epoch of the members that it has left.
  new_epoch(forced->next.epoch, false, std::move(reply), [this, forced = *forced, fill](auto to) mutable {
    ask<wire::WriteLog, messages::wire::Nothing>(
        log_, now() + kRecordDue,
        [&](wire::WriteLog::Builder out) {
          out.setIncarnation(setup_.self.incarnation);
          out.setHasState(true);
          write(out.initState(), forced.next.state);
          out.setFirst(forced.added.index.value);
          write(out.initEntries(1), {forced.added});
        },
        [this, epoch = forced.next.epoch, fill,
         to = std::move(to)](const runtime::Answer<messages::wire::Nothing>& written) mutable {
          if (!written.ok()) {
            reopen(written.error());
            return to.refuse(written.error());
          }
          new_epoch(epoch, true, std::move(to), [fill](auto last) mutable { last.send(fill); });
        });
  });
}

void GroupActor::new_epoch(Epoch epoch, bool restart, runtime::Reply<wire::Recovery> reply,
                           base::Callback<void(runtime::Reply<wire::Recovery>)> then) {
  ask<wire::NewEpoch, messages::wire::Nothing>(
      node().find(kPath), now() + kRecordDue,
      [&](wire::NewEpoch::Builder out) {
        out.setGroup(setup_.name);
        out.setEpoch(epoch.value);
        out.setRestart(restart);
      },
      [this, reply = std::move(reply),
       then = std::move(then)](const runtime::Answer<messages::wire::Nothing>& done) mutable {
        if (done.ok()) return then(std::move(reply));
        reopen(done.error());
        reply.refuse(done.error());
      });
}

}  // namespace troupe::raft
