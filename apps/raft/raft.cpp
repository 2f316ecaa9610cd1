// troupe raft …
#include "apps/raft/raft.hpp"

#include <cstdio>

#include "runtime/config/forms.hpp"

namespace troupe::apps {
namespace raft_command {

base::Result<std::string, Failure> group_of(const Invocation& invocation) {
  const std::string group = invocation.text("--group").value_or(kGroupDefault);
  if (raft::is_group_name(group)) return group;
  return usage_failure(std::string(raft::kGroupNameIs) + ": \"" + group + '"', "troupe raft ls");
}

base::Result<base::Duration, Failure> timeout_of(const Invocation& invocation, base::Duration fallback) {
  const auto typed = invocation.text("--timeout");
  if (!typed) return fallback;
  const auto span = config::parse_duration(*typed);
  if (span && *span >= std::chrono::milliseconds(1) && *span <= std::chrono::hours(1)) return *span;
  return usage_failure("invalid time-out: expected 1ms to 1h, such as 500ms or 5s, got \"" + *typed + '"', "");
}

std::string hex_number(std::uint64_t number) {
  char out[17];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(number));
  return out;
}

std::optional<std::pair<base::NodeId, base::Endpoint>> parse_member(const std::string& typed) {
  const auto at = typed.find('@');
  if (at == std::string::npos) return std::nullopt;
  const auto id = base::NodeId::from_hex(typed.substr(0, at));
  const auto where = base::Endpoint::parse(typed.substr(at + 1));
  if (!id || !where || !where->dialable()) return std::nullopt;
  return std::pair(*id, *where);
}

Failure explained(Failure failure, const std::string& group) {
  if (failure.error.code != base::Code::not_found || !failure.try_.empty() || failure.exit) return failure;
  failure.error.message = "neither this node nor a node linked to it is in a group \"" + group + '"';
  failure.try_ = "troupe raft ls; troupe raft init --group " + group;
  return failure;
}

namespace {

constexpr const char* kInitNotes = R"(
members
  ID@HOST:PORT, separated by commas; this node is always a member, and need not be named
  without --members the group has one member; `troupe raft add` adds more
  a node accepts an invitation from nodes on loopback and from the nodes in raft.invites
exits
  3 if some members did not respond or refused, each with its reason; the same command resumes
  5 if a group with that name already exists with other members
examples
  troupe raft init --group main --members 5f0c6ed3…@192.0.2.7:4000,a10b…@192.0.2.8:4000
)";

constexpr const char* kMemberNotes = R"(
exits
  3 if it is a member when the time is over, but still catching up
  5 if the group would lose its quorum, or another change is in progress
)";

constexpr const char* kRecoverNotes = R"(
what it does
  the group continues with only this member, in a new epoch: members of the old epoch are refused from then on
  entries that other members have committed and this member lacks are lost
  afterwards add nodes with `troupe raft add`, on empty data directories
)";

Positional id_argument() { return {.name = "ID", .help = "node id: 40 hexadecimal digits"}; }

}  // namespace
}  // namespace raft_command

Commands raft_commands() {
  using namespace raft_command;
  return {
      {.name = "raft init",
       .summary = "Create a group of nodes that agree on a log",
       .options =
           {group_option(),
            {.name = "--members", .value = "ID@HOST:PORT,…", .help = "members of the group", .repeatable = true}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kInitNotes,
       .route = Route{.role = Role::operator_, .prints = {"RaftMade"}},
       .run = raft_init},
      {.name = "raft status",
       .summary = "Show a group as this member sees it",
       .options = {group_option(),
                   {.name = "--why", .help = "show, at the leader, which disk or link a commit waits for now"}},
       .needs = Needs::view,
       .route = Route{.prints = {"RaftStatus"}},
       .run = raft_status},
      {.name = "raft ls",
       .summary = "List the groups of this node",
       .needs = Needs::view,
       .route = Route{.prints = {"List(RaftGroup)"}},
       .run = raft_list},
      {.name = "raft add",
       .summary = "Add a member to a group",
       .options = {group_option(),
                   {.name = "--learner", .help = "add it as a learner: it receives all entries, but has no vote"},
                   timeout_option("longest wait until it votes (default 60s)")},
       .positionals = {{.name = "ID@HOST:PORT", .help = "node to add", .fields = {"node"}}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kMemberNotes,
       .route = Route{.role = Role::operator_, .prints = {"RaftChanged"}},
       .run = raft_add},
      {.name = "raft remove",
       .summary = "Remove a member from a group",
       .options = {group_option(), timeout_option("longest wait (default 30s)")},
       .positionals = {id_argument()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kMemberNotes,
       .route = Route{.role = Role::operator_, .prints = {"RaftChanged"}},
       .run = raft_remove},
      {.name = "raft transfer",
       .summary = "Transfer the leadership of a group to a member",
       .options = {group_option(), timeout_option("longest wait (default 30s)")},
       .positionals = {id_argument()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::operator_, .prints = {"RaftChanged"}},
       .run = raft_transfer},
      {.name = "raft snapshot",
       .summary = "Take a snapshot of a group at this member, and truncate its log",
       .options = {group_option()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::operator_, .prints = {"RaftChanged"}},
       .run = raft_snapshot},
      {.name = "raft recover",
       .summary = "Let this member continue as the only member, after the majority of a group is lost for good",
       .options = {group_option(),
                   {.name = "--force-new-cluster", .help = "action to take; there is no other yet"},
                   {.name = "--yes", .help = "do it; otherwise only print what may be lost"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kRecoverNotes,
       .route = Route{.role = Role::admin, .prints = {"RaftRecovered"}},
       .run = raft_recover},
  };
}

}  // namespace troupe::apps
