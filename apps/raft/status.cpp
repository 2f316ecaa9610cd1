// troupe raft status | raft ls
#include "apps/cli/client.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/raft/raft.hpp"
#include "messages/output/raft.capnp.h"
#include "messages/raft.capnp.h"

namespace troupe::apps {
namespace {

namespace wire = raft::wire;
using raft_command::hex_number;

constexpr std::chrono::seconds kTimeout{5};

void print_json(std::ostream& out, wire::GroupStatus::Reader from) {
  JsonLine<output::wire::RaftStatus> line;
  line->setGroup(from.getGroup());
  line->setNode(from.getNode());
  line->setRole(from.getRole());
  line->setTerm(from.getTerm());
  if (from.getLeader().size() > 0) line->setLeader(from.getLeader());
  line->setCommit(from.getCommit());
  line->setApplied(from.getApplied());
  line->setHash(hex_number(from.getHash()));
  line->setIncarnation(hex_number(from.getIncarnation()));
  line->setEpoch(from.getEpoch());
  line->setLast(from.getLast());
  line->setRevision(from.getRevision());
  line->setOldestRevision(from.getOldestRevision());
  line->setKeys(from.getKeys());
  line->setLeases(from.getLeases());
  line->setSessions(from.getSessions());
  line->setWatchers(from.getWatchers());
  if (from.getReason().size() > 0) line->setReason(from.getReason());
  auto members = line->initMembers(from.getMembers().size());
  for (unsigned i = 0; i < members.size(); ++i) {
    const auto member = from.getMembers()[i];
    members[i].setNode(member.getMember().getNode());
    members[i].setIncarnation(hex_number(member.getMember().getIncarnation()));
    members[i].setAddress(member.getAddress());
    members[i].setKind(member.getKind());
    members[i].setMatch(member.getMatch());
    members[i].setState(member.getState());
    members[i].setLagMs(member.getLagMs());
    members[i].setInFlight(member.getInFlight());
  }
  auto why = line->initWhy(from.getWhy().size());
  for (unsigned i = 0; i < why.size(); ++i) {
    why[i].setWhat(from.getWhy()[i].getWhat());
    why[i].setNode(from.getWhy()[i].getNode());
    why[i].setMs(static_cast<double>(from.getWhy()[i].getMicroseconds()) / 1'000);
  }
  line.print(out);
}

void print_why(std::ostream& out, wire::GroupStatus::Reader from) {
  const bool leaderless = from.getLeader().size() == 0;
  if (from.getWhy().size() == 0) {
    out << (leaderless ? "\n"
                         "no leader is known, but all voters respond: ask again in a few seconds\n"
                       : "\nonly the leader knows what a commit waits for: ask that node\n");
    return;
  }
  out << (leaderless ? "\n"
                       "no commit without a leader; the voters that do not respond\n"
                     : "\n"
                       "reasons why a commit waits, the decisive ones first\n");
  TextTable table({{"WHAT"}, {"MEMBER"}, {"MS", Align::right}});
  for (const auto row : from.getWhy())
    table.add({row.getWhat(), hex(row.getNode()), fixed(static_cast<double>(row.getMicroseconds()) / 1'000, 3)});
  table.print(out);
}

void print_text(std::ostream& out, wire::GroupStatus::Reader from) {
  out << "group    " << from.getGroup().cStr() << '\n' << "role     " << from.getRole().cStr();
  if (from.getReason().size() > 0) out << ": " << from.getReason().cStr();
  out << "\nterm     " << from.getTerm() << '\n'
      << "leader   " << (from.getLeader().size() > 0 ? hex(from.getLeader()) : std::string("none is known")) << '\n'
      << "commit   " << from.getCommit() << ", applied " << from.getApplied() << ", last " << from.getLast() << '\n'
      << "store    " << from.getKeys() << " keys, revision " << from.getRevision() << ", hash "
      << hex_number(from.getHash()) << '\n';
  TextTable table({{"MEMBER"},
                   {"ADDRESS"},
                   {"KIND"},
                   {"STATE"},
                   {"MATCH", Align::right},
                   {"IN FLIGHT", Align::right},
                   {"LAST HEARD", Align::right}});
  for (const auto member : from.getMembers()) {
    const std::string_view state = member.getState().cStr();
    const bool own = state == "self", heard = state != "unknown";
    const bool of_leader = heard && state != "answers" && state != "silent";  // only the leader knows their logs
    table.add({hex(member.getMember().getNode()), member.getAddress(), member.getKind(),
               heard ? member.getState() : "-", of_leader ? std::to_string(member.getMatch()) : "-",
               of_leader && !own ? std::to_string(member.getInFlight()) : "-",
               heard && !own ? std::to_string(member.getLagMs()) + " ms" : "-"});
  }
  table.print(out);
}

}  // namespace

Ending raft_status(const Invocation& invocation, Console& console) {
  const auto group = raft_command::group_of(invocation);
  if (!group.ok()) return group.error();
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto answer = client.value()->ask<wire::GetGroup, wire::GroupStatus>(raft::path_of(group.value()), kTimeout,
                                                                       [](wire::GetGroup::Builder) {});
  if (!answer.ok()) return raft_command::explained(answer.error(), group.value());
  if (invocation.globals.json) print_json(console.out, answer.value().root());
  else print_text(console.out, answer.value().root());
  if (invocation.has("--why") && !invocation.globals.json) print_why(console.out, answer.value().root());
  return Exit::done;
}

Ending raft_list(const Invocation& invocation, Console& console) {
  auto client = Client::connect(invocation, console);
  if (!client.ok()) return client.error();
  auto groups =
      client.value()->ask<wire::ListGroups, wire::Groups>(raft::kPath, kTimeout, [](wire::ListGroups::Builder) {});
  if (!groups.ok()) return groups.error();
  JsonLine<output::wire::RaftGroups> line;
  const auto list = groups.value().root().getGroups();
  auto rows = line->initRows(list.size());
  TextTable table({{"GROUP"}, {"ROLE"}, {"TERM", Align::right}, {"LEADER"}, {"MEMBERS", Align::right}});
  for (unsigned i = 0; i < list.size(); ++i) {
    const std::string name = list[i].getName();
    rows[i].setGroup(name);
    rows[i].setRole("prepared");
    if (list[i].getMember()) {
      auto status = client.value()->ask<wire::GetGroup, wire::GroupStatus>(
          raft::path_of(name), kTimeout, [](wire::GetGroup::Builder question) { question.setLetSleep(true); });
      if (!status.ok()) return status.error();
      const auto is = status.value().root();
      rows[i].setRole(is.getRole());
      rows[i].setTerm(is.getTerm());
      if (is.getLeader().size() > 0) rows[i].setLeader(is.getLeader());
      rows[i].setMembers(is.getMembers().size());
      rows[i].setApplied(is.getApplied());
    }
    const auto row = rows[i].asReader();
    table.add({name, row.getRole(), std::to_string(row.getTerm()),
               row.getLeader().size() > 0 ? hex(row.getLeader()) : "-", std::to_string(row.getMembers())});
  }
  if (invocation.globals.json) write_json_line(console.out, capnp::toDynamic(rows.asReader()));
  else table.print(console.out);
  return Exit::done;
}

}  // namespace troupe::apps
