#include "actors/catalogue/catalogue_actor.hpp"

#include <set>

#include "actors/catalogue/member_actor.hpp"
#include "actors/raft/api.hpp"
#include "messages/codec.hpp"
#include "runtime/actor/followers.hpp"

namespace troupe::catalogue {

namespace {
constexpr std::chrono::seconds kListDue{5};
}

void CatalogueActor::receive(runtime::Handlers& on) {
  on.timer<Look>([this] { look(); });
  on.tell<raft::wire::GroupsChanged>([this](raft::wire::GroupsChanged::Reader) { look(); });
  on.describe<wire::CatalogueState>(
      [this](wire::CatalogueState::Builder state) { state.setGroups(static_cast<std::uint32_t>(members_.size())); });
}

void CatalogueActor::look() {
  after<Look>(std::min<base::Duration>(settings_.look, runtime::kFollowEvery));
  tell<raft::wire::FollowGroups>(node().find(raft::kPath), [](raft::wire::FollowGroups::Builder) {});
  ask<raft::wire::ListGroups, raft::wire::Groups>(
      node().find(raft::kPath), now() + kListDue, [](raft::wire::ListGroups::Builder) {},
      [this](runtime::Answer<raft::wire::Groups> answer) {
        if (!answer.ok()) return;
        std::set<std::string> groups;
        for (const auto row : answer.value().getGroups())
          if (row.getMember()) groups.insert(text_of(row.getName()));
        for (const auto& [group, member] : members_)
          if (!groups.contains(group)) stop_child(member);
        for (const std::string& group : groups) {
          if (members_.contains(group)) continue;
          const runtime::Handle member = spawn<MemberActor>(group, settings_, group);
          members_.emplace(group, member);
          watch(member);
        }
      });
}

void CatalogueActor::down(const runtime::Handle& ended, const std::optional<base::Error>&) {
  std::erase_if(members_, [&](const auto& one) { return one.second == ended; });
}

}  // namespace troupe::catalogue
