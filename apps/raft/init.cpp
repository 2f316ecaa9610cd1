// troupe raft init
#include "apps/cli/client.hpp"
#include "apps/cli/json.hpp"
#include "apps/raft/raft.hpp"
#include "messages/codec.hpp"
#include "messages/output/raft.capnp.h"
#include "messages/raft.capnp.h"

namespace troupe::apps {

namespace wire = raft::wire;

Ending raft_init(const Invocation& invocation, Console& console) {
  const auto group = raft_command::group_of(invocation);
  if (!group.ok()) return group.error();
  std::vector<std::pair<base::NodeId, base::Endpoint>> members;
  for (const std::string& list : invocation.all("--members"))
    for (std::size_t at = 0; at <= list.size();) {
      const std::size_t comma = std::min(list.find(',', at), list.size());
      const std::string typed = list.substr(at, comma - at);
      at = comma + 1;
      const auto member = raft_command::parse_member(typed);
      if (!member)
        return usage_failure(
            "invalid member: expected ID@HOST:PORT with an id of 40 hexadecimal digits and a numeric host, got \"" +
                typed + '"',
            "troupe help raft init");
      members.push_back(*member);
    }
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<wire::InitGroup, wire::GroupMade>(
      raft::kPath, std::chrono::seconds(30), [&](wire::InitGroup::Builder order) {
        order.setGroup(group.value());
        auto list = order.initMembers(size32(members));
        for (unsigned i = 0; i < list.size(); ++i) {
          list[i].setNode(data_of(members[i].first.view()));
          list[i].setEndpoint(members[i].second.text());
        }
      });
  if (!answer.ok()) return answer.error();
  const auto made = answer.value().root();
  if (invocation.globals.json) {
    JsonLine<output::wire::RaftMade> line;
    line->setGroup(group.value());
    line->setAlready(made.getAlready());
    auto failed = line->initFailed(made.getFailed().size());
    for (unsigned i = 0; i < failed.size(); ++i) {
      failed[i].setNode(made.getFailed()[i].getNode());
      failed[i].setReason(made.getFailed()[i].getReason());
    }
    line.print(console.out);
  }
  if (made.getFailed().size() > 0) {
    std::string reasons;
    for (const auto one : made.getFailed())
      reasons += (reasons.empty() ? "" : "; ") + hex(one.getNode()) + ": " + std::string(one.getReason().cStr());
    return Failure{.error = {base::Code::unavailable, "the group was not created at all its members: " + reasons},
                   .outcome = "some members may have it; the same command resumes where this one ended",
                   .try_ = "fix the reported reasons, then run the same command",
                   .exit = Exit::partly};
  }
  if (!invocation.globals.json)
    console.out << (made.getAlready() ? "the group already existed\n" : "the group was created\n");
  return Exit::done;
}

}  // namespace troupe::apps
