// What a member does after a loss: of its own log, and of the majority.
#include "actors/raft/group_actor.hpp"
#include "actors/raft/logic/recover.hpp"
#include "actors/raft/wire.hpp"

namespace troupe::raft {
namespace {

using base::Code;
using base::Error;

constexpr std::chrono::seconds kAskInPeriod{1};  // our choice
constexpr std::chrono::seconds kAskInDue{5};
constexpr std::chrono::minutes kRecordDue{10};

}  // namespace

/// So that `/raft` knows where to ask if this log is lost.
void GroupActor::tell_members() {
  tell<wire::MembersAre>(node().find(kPath), [&](wire::MembersAre::Builder out) {
    out.setGroup(setup_.name);
    out.setConfiguration(data_of(encode(raft_->log().configuration())));
  });
}

/// Asks one member after the other to be taken in, until the log says that it was.
void GroupActor::ask_in() {
  if (!raft_ || !setup_.known || raft_->log().configuration().find(setup_.self)) return;
  after<AskIn>(kAskInPeriod);
  std::vector<MemberId> others;
  for (const auto& [member, seat] : setup_.known->seats)
    if (member.node != setup_.self.node) others.push_back(member);
  if (others.empty()) return;
  const MemberId& member = others[asked_in_++ % others.size()];
  lines_.try_emplace(member, settings().pool, member, setup_.known->seats.at(member).address, path_here());
  const runtime::Handle to = handle_to(member);
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
    return reply.refuse({Code::refused, "a node asks for its own place alone"});
  if (!leads()) return reply.refuse({Code::unavailable, "this member does not lead"});
  const auto& seats = raft_->log().configuration().seats;
  if (seats.contains(*next)) return reply.done();
  const auto before = seats.find(*lost);
  if (before == seats.end()) return reply.refuse({Code::not_found, "that incarnation is no member of the group"});
  auto at = base::Endpoint::parse(text_of(question.getEndpoint()));
  const ChangeKind kind = before->second.learner ? ChangeKind::learner : ChangeKind::voter;
  const auto position = raft_->change({{.kind = ChangeKind::remove, .member = *lost},
                                       {.kind = kind, .member = *next, .address = at.value_or(before->second.address)}},
                                      now());
  if (!position.ok()) return reply.refuse({Code::conflict, "the members cannot be changed now"});
  world().mutations.sometimes("raft: a member was replaced by its next incarnation");
  settings().log.info("a member takes the place of one that has lost its log",
                      {{"group", setup_.name}, {"node", next->node.hex().substr(0, 8)}});
  reply.done();
  pump_soon();
}

/// The core ends, its state and a configuration of this member alone become durable, and `/raft` starts it anew.
void GroupActor::recover(wire::RecoverGroup::Reader question, runtime::Reply<wire::Recovery> reply) {
  if (!raft_) return reply.refuse({Code::unavailable, "this member does not serve: " + why_not_});
  if (raft_->durable() < raft_->log().last()) return reply.refuse({Code::overloaded, "its disk is behind: try again"});
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
  settings().log.warn("a survivor goes on alone, by an operator's order", {{"group", setup_.name}});
  stop_serving("it begins a new epoch");
  ask<wire::WriteLog, messages::wire::Nothing>(
      log_, now() + kRecordDue,
      [&](wire::WriteLog::Builder out) {
        out.setIncarnation(setup_.self.incarnation);
        out.setHasState(true);
        write(out.initState(), forced->next.state);
        out.setFirst(forced->added.index.value);
        write(out.initEntries(1), {forced->added});
      },
      [this, epoch = forced->next.epoch, fill,
       reply = std::move(reply)](const runtime::Answer<messages::wire::Nothing>& written) mutable {
        if (!written.ok()) return reply.refuse(written.error());
        ask<wire::NewEpoch, messages::wire::Nothing>(
            node().find(kPath), now() + kRecordDue,
            [&](wire::NewEpoch::Builder out) {
              out.setGroup(setup_.name);
              out.setEpoch(epoch.value);
            },
            [fill, reply = std::move(reply)](const runtime::Answer<messages::wire::Nothing>& done) mutable {
              if (done.ok()) reply.send(fill);
              else reply.refuse(done.error());
            });
      });
}

}  // namespace troupe::raft
