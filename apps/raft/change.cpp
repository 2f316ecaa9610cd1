// troupe raft add | raft remove | raft transfer | raft snapshot
#include "apps/cli/client.hpp"
#include "apps/cli/json.hpp"
#include "apps/raft/raft.hpp"
#include "messages/codec.hpp"
#include "messages/common.capnp.h"
#include "messages/output/raft.capnp.h"
#include "messages/raft.capnp.h"

namespace troupe::apps {
namespace {

namespace wire = raft::wire;

constexpr std::chrono::seconds kLookDue{5};

void print(const Invocation& invocation, Console& console, const std::string& group, const base::NodeId* node) {
  if (!invocation.globals.json) return;
  JsonLine<output::wire::RaftChanged> line;
  line->setGroup(group);
  if (node) line->setNode(data_of(node->view()));
  line.print(console.out);
}

Ending change(const Invocation& invocation, Console& console, wire::MemberChange what, const base::NodeId& node,
              const std::string& endpoint, base::Duration fallback) {
  const auto group = raft_command::group_of(invocation);
  if (!group.ok()) return group.error();
  const auto timeout = raft_command::timeout_of(invocation, fallback);
  if (!timeout.ok()) return timeout.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<wire::ChangeMember, messages::wire::Nothing>(
      raft::path_of(group.value()), timeout.value() + std::chrono::seconds(2), [&](wire::ChangeMember::Builder order) {
        order.setChange(what);
        auto member = order.initMember();
        member.setNode(data_of(node.view()));
        member.setEndpoint(endpoint);
        order.setLearner(what == wire::MemberChange::ADD && invocation.has("--learner"));
        order.setDueMs(static_cast<std::uint32_t>(base::milliseconds(timeout.value())));
      });
  if (!answer.ok()) {
    Failure failure = answer.error();
    // Either the group has no such member, or this node cannot reach the group.
    const bool known = failure.error.code == base::Code::not_found &&
                       client.value()
                           ->ask<wire::GetGroup, wire::GroupStatus>(raft::path_of(group.value()), kLookDue,
                                                                    [](wire::GetGroup::Builder) {})
                           .ok();
    if (known) failure.try_ = "troupe raft status --group " + group.value();
    failure = raft_command::explained(std::move(failure), group.value());
    if (failure.error.code == base::Code::timeout && !failure.exit) {
      failure.exit = Exit::partly;
      failure.outcome = "the change continues";
      failure.try_ = "troupe raft status --group " + group.value();
    }
    return failure;
  }
  print(invocation, console, group.value(), &node);
  return Exit::done;
}

Ending change_by_id(const Invocation& invocation, Console& console, wire::MemberChange what) {
  const auto id = base::NodeId::from_hex(*invocation.text("ID"));
  if (!id) return usage_failure("invalid node id: expected 40 hexadecimal digits", "troupe raft status");
  return change(invocation, console, what, *id, "", std::chrono::seconds(30));
}

}  // namespace

Ending raft_add(const Invocation& invocation, Console& console) {
  const std::string typed = *invocation.text("ID@HOST:PORT");
  const auto member = raft_command::parse_member(typed);
  if (!member)
    return usage_failure(
        "invalid member: expected ID@HOST:PORT with an id of 40 hexadecimal digits and a numeric host, got \"" + typed +
            '"',
        "troupe help raft add");
  return change(invocation, console, wire::MemberChange::ADD, member->first, member->second.text(),
                std::chrono::seconds(60));
}

Ending raft_remove(const Invocation& invocation, Console& console) {
  return change_by_id(invocation, console, wire::MemberChange::REMOVE);
}
Ending raft_transfer(const Invocation& invocation, Console& console) {
  return change_by_id(invocation, console, wire::MemberChange::TRANSFER);
}

Ending raft_snapshot(const Invocation& invocation, Console& console) {
  const auto group = raft_command::group_of(invocation);
  if (!group.ok()) return group.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<wire::TakeSnapshot, messages::wire::Nothing>(
      raft::path_of(group.value()), std::chrono::minutes(10), [](wire::TakeSnapshot::Builder) {});
  if (!answer.ok()) return raft_command::explained(answer.error(), group.value());
  print(invocation, console, group.value(), nullptr);
  return Exit::done;
}

Ending raft_recover(const Invocation& invocation, Console& console) {
  const auto group = raft_command::group_of(invocation);
  if (!group.ok()) return group.error();
  if (!invocation.has("--force-new-cluster"))
    return usage_failure("--force-new-cluster is needed: a group with a majority recovers by itself",
                         "troupe help raft recover");
  const bool yes = invocation.has("--yes");
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<wire::RecoverGroup, wire::Recovery>(
      raft::path_of(group.value()), std::chrono::minutes(10),
      [&](wire::RecoverGroup::Builder order) { order.setYes(yes); });
  if (!answer.ok()) return raft_command::explained(answer.error(), group.value());
  const auto is = answer.value().root();
  if (invocation.globals.json) {
    JsonLine<output::wire::RaftRecovered> line;
    line->setGroup(group.value());
    line->setDone(yes);
    line->setCommit(is.getCommit());
    line->setLast(is.getLast());
    line->setEpoch(is.getEpoch());
    line->setMembersLeft(is.getMembers());
    line.print(console.out);
    return Exit::done;
  }
  console.out << (yes ? "this member continues alone in epoch " : "this member would continue alone in epoch ")
              << is.getEpoch() << ", with all entries up to " << is.getLast() << "; " << is.getMembers()
              << " other members are left out\n"
              << "entries that they committed after " << is.getLast() << " are lost; entries after " << is.getCommit()
              << " count, whether they were committed or not\n";
  if (!yes) console.out << "nothing was changed; to do it: troupe raft recover --force-new-cluster --yes\n";
  return Exit::done;
}

}  // namespace troupe::apps
