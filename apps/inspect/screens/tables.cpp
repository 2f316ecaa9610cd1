// The tables of domains: their requests and their rows.
#include "apps/inspect/screens/tables.hpp"

#include <algorithm>

#include "actors/chain/api.hpp"
#include "actors/escrow/api.hpp"
#include "actors/files/api.hpp"
#include "actors/peers/api.hpp"
#include "actors/raft/api.hpp"
#include "actors/task/api.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/json.hpp"
#include "apps/cli/shell_word.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/inspect/inspect.hpp"
#include "apps/inspect/screens/view_parts.hpp"
#include "apps/task/task.hpp"
#include "messages/chain.capnp.h"
#include "messages/codec.hpp"
#include "messages/escrow.capnp.h"
#include "messages/files.capnp.h"
#include "messages/peers.capnp.h"
#include "messages/task.capnp.h"

namespace troupe::apps::screens {
namespace {

constexpr std::chrono::seconds kTableTimeout{5};   // our choice: as for all requests of the screens
constexpr std::size_t kGroupsMax = 32;             // our choice: each needs a request
constexpr std::uint64_t kSilentMs = 5'000;         // our choice: several heartbeats
constexpr std::uint64_t kSilentAsleepMs = 15'000;  // members of a sleeping group respond every 10 s
constexpr std::uint32_t kKeysMax = 500;            // our choice: with their values within 1 MiB
constexpr std::size_t kValueBytesMax = 200;        // our choice: two lines of a screen

constexpr auto kNoFields = [](auto) {};

std::string number(std::uint64_t value) { return std::to_string(value); }
std::string ago(std::uint64_t ms) { return time_text_ms(ms) + " ago"; }
std::string date_or_dash(std::uint64_t unix_ms) { return unix_ms == 0 ? "-" : inspect_command::time_of(unix_ms); }
std::string yes_or_no(bool value) { return value ? "yes" : "no"; }

/// Sends one request, and lets `add` make rows from the response.
template <class Question, class Answer, class Fill, class Add>
TableRows asked(Client& client, const std::string& path, Fill&& fill, Add&& add) {
  TableRows out;
  auto got = client.ask<Question, Answer>(path, kTableTimeout, std::forward<Fill>(fill));
  if (got.ok()) add(out, got.value().root());
  else out.error = got.error().error.message;
  return out;
}

// -- :groups ---------------------------------------------------------------------------------------------------------

/// Returns the nodes with a healthy link, and this node.
std::set<std::string> linked_nodes(Client& client) {
  std::set<std::string> out;
  auto got = client.ask<peers::wire::ListPeers, peers::wire::PeerRows>(peers::kPath, kTableTimeout, kNoFields);
  if (!got.ok()) return out;
  for (const auto row : got.value().root().getPeers())
    if (row.getState() == peers::wire::PeerState::HEALTHY) out.insert(hex(row.getNode()));
  return out;
}

TableRows groups(Client& client, const std::string&) {
  return asked<raft::wire::ListGroups, raft::wire::Groups>(
      client, raft::kPath, kNoFields, [&](TableRows& out, raft::wire::Groups::Reader answer) {
        const auto linked = linked_nodes(client);
        const auto all = answer.getGroups();
        for (unsigned i = 0; i < std::min<std::size_t>(all.size(), kGroupsMax); ++i) {
          const std::string name = text(all[i].getName());
          if (!all[i].getMember()) {
            out.rows.push_back({.cells = {name, "prepared", "", "", "", "", "waiting for the node that creates it"},
                                .style = Style::warn,
                                .key = name});
            continue;
          }
          auto status = client.ask<raft::wire::GetGroup, raft::wire::GroupStatus>(
              raft::path_of(name), kTableTimeout,
              [](raft::wire::GetGroup::Builder question) { question.setLetSleep(true); });
          if (status.ok()) add_group(out, status.value().root(), linked);
          else
            out.rows.push_back(
                {.cells = {name, "?", "", "", "", "", status.error().error.message}, .style = Style::bad, .key = name});
        }
        out.title = number(all.size()) + " groups";
      });
}

// -- :kv -------------------------------------------------------------------------------------------------------------

TableRows keys(Client& client, const std::string& subject) {
  const auto blank = std::min(subject.find(' '), subject.size());
  const std::string group = subject.empty() ? "main" : subject.substr(0, blank);
  const std::string prefix = subject.substr(std::min(blank + 1, subject.size()));
  TableRows out = asked<raft::wire::RangeKeys, raft::wire::KeyRows>(
      client, raft::path_of(group),
      [&](raft::wire::RangeKeys::Builder question) {
        question.setPrefix({reinterpret_cast<const kj::byte*>(prefix.data()), prefix.size()});
        question.setLimit(kKeysMax);
        question.setStale(true);  // this member's own data: it needs no quorum
      },
      [&](TableRows& to, raft::wire::KeyRows::Reader answer) {
        for (const auto row : answer.getRows()) {
          const auto value = row.getValue();
          const std::size_t shown = std::min<std::size_t>(value.size(), kValueBytesMax);
          to.rows.push_back({.cells = {std::string(row.getKey().asChars().begin(), row.getKey().size()),
                                       bytes_for_people(value.size()), number(row.getRevision()),
                                       row.getTtlMs() == 0 ? "-" : time_text_ms(row.getTtlMs()),
                                       std::string(value.asChars().begin(), shown) + (shown < value.size() ? "…" : "")},
                             .copy = "troupe kv get --group " + group + " " +
                                     shell_word(std::string(row.getKey().asChars().begin(), row.getKey().size()))});
          to.rows.back().key = to.rows.back().cells.front();
        }
        to.title = number(to.rows.size()) + (answer.getMore() ? " first" : "") + " keys" +
                   (prefix.empty() ? "" : " from " + prefix) + " of the group " + group + " at revision " +
                   number(answer.getRevision()) + ", as stored by this member";
      });
  if (!out.error.empty())
    out.error = "the group " + group + " cannot be read here: " + out.error +
                "; :groups shows the groups of this node, :kv GROUP PREFIX their keys";
  return out;
}

// -- :chain ----------------------------------------------------------------------------------------------------------

TableRows chain_status(Client& client, const std::string&) {
  return asked<chain::wire::GetChainStatus, chain::wire::ChainStatus>(
      client, chain::kPath, kNoFields, [](TableRows& out, chain::wire::ChainStatus::Reader is) {
        const auto add = [&](std::string what, std::string value, Style style = Style::plain) {
          out.rows.push_back({.cells = {what, std::move(value)}, .style = style, .key = what});
        };
        const bool behind = is.getTarget() > is.getHeight(), waits = is.getWaits().size() > 0;
        add("height", number(is.getHeight()) + (behind ? ", behind " + number(is.getTarget()) : ""),
            behind ? Style::warn : Style::plain);
        add("quorum", is.getQuorum() ? "a quorum votes" : "no quorum has voted recently: no block becomes final",
            is.getQuorum() ? Style::good : Style::bad);
        if (waits) add("waits", "this node's validator signs nothing: " + text(is.getWaits()), Style::bad);
        if (is.getWaitingPower() > 0)
          add("waiting", number(is.getWaitingPower()) + " of " + number(is.getPower()) + " of the voting power",
              Style::warn);
        for (const auto suspect : is.getSuspects())
          add("suspect", hex(suspect) + " has signed two final blocks of one height", Style::bad);
        add("consensus", "round " + number(is.getRound()) + ", " + text(is.getStep()),
            is.getRound() > 1 ? Style::warn : Style::plain);
        add("validators", number(is.getValidators()) + ", " + number(is.getNeighbours()) + " neighbours");
        add("last block", hex(is.getId()) + ", " + date_or_dash(is.getTime()));
        add("block time", time_text_ms(is.getBlockTimeMs()) + " on average");
        add("pending", number(is.getPending()) + " transactions");
        add("base fee", number(is.getBaseFee()));
        add("supply", number(is.getSupply()));
        add("chain", hex(is.getChain()) + ", " + text(is.getMode()));
        for (auto& row : out.rows) row.copy = "troupe chain status";
        out.title = text(is.getName());
      });
}

// -- :files ----------------------------------------------------------------------------------------------------------

TableRows files_listed(Client& client, const std::string&) {
  TableRows out;
  bool full = false;
  const auto listed = client.subscribe<files::wire::ListFiles, files::wire::FileRow>(
      files::kPath, kTableTimeout, kNoFields, [&](files::wire::FileRow::Reader row) -> Client::Outcome<void> {
        if (out.rows.size() >= kTableRowsMax) {
          full = true;
          return Failure{{base::Code::dropped, "enough rows"}};  // ends the stream
        }
        const std::string cid = hex(row.getCid());
        const bool few = row.getReplicasLive() < row.getReplicas();
        out.rows.push_back(
            {.cells = {text(row.getName()), bytes_for_people(row.getBytes()), number(row.getChunks()),
                       number(row.getReplicasLive()) + " of " + number(row.getReplicas()), yes_or_no(row.getPinned()),
                       row.getExpires().isAt()
                           ? inspect_command::time_of(
                                 static_cast<std::uint64_t>(std::max<std::int64_t>(row.getExpires().getAt(), 0)) *
                                 1'000)
                           : "-",
                       cid},
             .style = few ? Style::warn : Style::plain,
             .key = cid,
             .copy = "troupe file view " + cid});
        return {};
      });
  if (!listed.ok() && !full) out.error = listed.error().error.message;
  const auto few = std::ranges::count(out.rows, Style::warn, &Content::Row::style);
  out.title = (full ? "the first " : "") + number(out.rows.size()) + " files, " +
              number(static_cast<std::uint64_t>(few)) + " with fewer copies than wanted";
  return out;
}

// -- :tasks ----------------------------------------------------------------------------------------------------------

TableRows tasks_listed(Client& client, const std::string&) {
  TableRows out;
  std::vector<std::pair<std::uint64_t, Content::Row>> rows;  // by the time of submission
  bool more = true;
  for (kj::Array<kj::byte> behind; more && rows.size() < kTableRowsMax;) {
    auto page = client.ask<task::wire::ListTasks, task::wire::TaskRows>(
        task::kOrdersPath, kTableTimeout, [&](task::wire::ListTasks::Builder question) { question.setBehind(behind); });
    if (!page.ok()) {
      out.error = page.error().error.message;
      return out;
    }
    const auto answer = page.value().root();
    for (const auto row : answer.getRows()) {
      const std::string id = hex(row.getId()), state = tasks::state_text(row.getState()),
                        reason = text(row.getReason());
      rows.emplace_back(row.getSubmittedMs(),
                        Content::Row{.cells = {short_id(id), state, number(row.getPriority()), number(row.getAttempt()),
                                               row.getNode().size() == 0 ? "-" : short_node(hex(row.getNode())),
                                               date_or_dash(row.getSubmittedMs()), reason.empty() ? "-" : reason},
                                     .style = state == "failed" ? Style::bad
                                              : reason.empty()  ? Style::plain
                                                                : Style::warn,
                                     .key = id,
                                     .copy = "troupe task view " + id});
    }
    const auto last = answer.getRows();
    more = answer.getMore() && last.size() > 0;
    if (more) behind = kj::heapArray<kj::byte>(last[last.size() - 1].getId());
  }
  std::ranges::stable_sort(rows, std::ranges::greater{}, [](const auto& row) { return row.first; });
  for (auto& [at, row] : rows) out.rows.push_back(std::move(row));
  out.title = number(out.rows.size()) + " tasks of this node, latest first" + (more ? "; there are more" : "");
  return out;
}

// -- :escrows --------------------------------------------------------------------------------------------------------

TableRows escrows_listed(Client& client, const std::string&) {
  return asked<escrow::wire::ListEscrows, escrow::wire::Escrows>(
      client, escrow::kPath, kNoFields, [](TableRows& out, escrow::wire::Escrows::Reader answer) {
        for (const auto row : answer.getRows()) {
          const std::string id = hex(row.getEscrow()), state = text(row.getState());
          out.rows.push_back({.cells = {short_id(id), state, number(row.getAmount()), date_or_dash(row.getDeadline()),
                                        short_id(hex(row.getBuyer())), short_id(hex(row.getProvider()))},
                              .style = state == "disputed" ? Style::warn : Style::plain,
                              .key = id,
                              .copy = "troupe escrow show " + id});
        }
        out.title = number(out.rows.size()) + (answer.getNext().size() > 0 ? " first" : "") + " escrows, by id";
      });
}

}  // namespace

void add_group(TableRows& out, raft::wire::GroupStatus::Reader group, const std::set<std::string>& linked) {
  const std::string name = text(group.getGroup()), self = hex(group.getNode()), leader = hex(group.getLeader());
  const bool leads = leader == self;
  const std::uint64_t silent_ms = group.getAsleep() ? kSilentAsleepMs : kSilentMs;
  std::size_t voters = 0, present = 0;
  bool counts_answers = leads;  // otherwise links are counted
  std::string absent;
  std::vector<Content::Row> members;
  for (const auto member : group.getMembers()) {
    const std::string node = hex(member.getMember().getNode()), state = text(member.getState());
    const bool own = node == self, known = state != "unknown" && !own, voter = text(member.getKind()) == "voter";
    const bool voted = state == "answers" || state == "silent";  // while there is no leader
    const bool there = own || (voted            ? state == "answers"
                               : leads && known ? member.getLagMs() < silent_ms
                                                : linked.contains(node));
    counts_answers = counts_answers || voted;
    if (voter) ++voters;
    if (voter && there) ++present;
    if (voter && !there) absent += (absent.empty() ? "" : ", ") + short_node(node);
    const std::uint64_t last = group.getLast(), match = member.getMatch();
    members.push_back(
        {.cells = {"  " + short_node(node),
                   known ? state
                   : own ? text(group.getRole())
                         : "-",
                   "", (known && !voted) || own ? number(match) : "-",
                   known && !voted ? number(last - std::min(last, match)) : "-", known ? ago(member.getLagMs()) : "-",
                   text(member.getKind()) + ", " + text(member.getAddress()) +
                       (own              ? ", this node"
                        : there          ? ""
                        : leads || voted ? ", silent"
                                         : ", not linked to this node")},
         .style = there ? Style::plain : Style::warn,
         .key = name + ' ' + node,
         .copy = "troupe raft status --group " + name});
  }
  const std::size_t needed = voters / 2 + 1;
  const std::string count = number(present) + " of " + number(voters) + " voters " +
                            (counts_answers ? "respond" : "are linked to this node") + ", " + number(needed) +
                            " are needed";
  std::string why =
      leader.empty() ? "no leader: " + count : "leader " + (leads ? "this node" : short_node(leader)) + "; " + count;
  if (!absent.empty()) why += (counts_answers ? "; silent: " : "; missing: ") + absent;
  if (group.getReason().size() > 0 && !(leader.empty() && counts_answers))
    why += "; it does not serve: " + text(group.getReason());
  if (!leads && !leader.empty()) why += "; only the leader knows the lag of members";
  if (group.getAsleep()) why += "; asleep";
  out.rows.push_back({.cells = {name, text(group.getRole()), number(group.getTerm()), number(group.getCommit()),
                                number(group.getCommit() - std::min(group.getCommit(), group.getApplied())), "", why},
                      .style = leader.empty() || group.getReason().size() > 0 || present < needed ? Style::bad
                               : present < voters                                                 ? Style::warn
                                                                                                  : Style::good,
                      .key = name,
                      .copy = "troupe raft status --why --group " + name});
  for (auto& member : members) out.rows.push_back(std::move(member));
}

std::span<const TableScreen> table_screens() {
  static const std::vector<TableScreen> all{
      {.name = "groups",
       .doc = "Raft groups: leader, quorum, and the progress of each member",
       .columns = {{"GROUP", false, 20},
                   {"ROLE", false, 12},
                   {"TERM", true, 6},
                   {"COMMIT", true, 9},
                   {"LAG", true, 11},
                   {"LAST HEARD", true, 10},
                   {.title = "WHY", .keep = 15, .flexible = true}},
       .ask = groups},
      {.name = "kv",
       .doc = "keys of a group, as stored by this member: :kv GROUP PREFIX (default main)",
       .columns = {{"KEY", false, 20},
                   {"SIZE", true, 5},
                   {"REVISION", true, 6},
                   {"LEASE", true, 4},
                   {.title = "VALUE", .keep = 10, .flexible = true}},
       .ask = keys},
      {.name = "chain",
       .doc = "the chain of this node: height, quorum, and why it halted",
       .columns = {{"WHAT", false, 20}, {.title = "VALUE", .keep = 15, .flexible = true}},
       .ask = chain_status},
      {.name = "files",
       .doc = "files that this node lists, and their copies",
       .columns = {{"NAME", false, 20},
                   {"SIZE", true, 10},
                   {"CHUNKS", true, 5},
                   {"COPIES", true, 15},
                   {"PINNED", false, 4},
                   {"EXPIRES", false, 6},
                   {"CID", false, 9}},
       .ask = files_listed,
       .opens = "file"},
      {.name = "tasks",
       .doc = "tasks that this node has submitted, and why they wait or failed",
       .columns = {{"TASK", false, 20},
                   {"STATE", false, 15},
                   {"PRIORITY", true, 4},
                   {"ATTEMPTS", true, 5},
                   {"NODE", false, 8},
                   {"SUBMITTED", false, 3},
                   {.title = "REASON", .keep = 10, .flexible = true}},
       .ask = tasks_listed},
      {.name = "escrows",
       .doc = "escrows of the ledger of this node",
       .columns = {{"ESCROW", false, 20},
                   {"STATE", false, 15},
                   {"AMOUNT", true, 10},
                   {"DEADLINE", false, 9},
                   {"BUYER", false, 6},
                   {"PROVIDER", false, 6}},
       .ask = escrows_listed},
  };
  return all;
}

const TableScreen* find_table(std::string_view name) {
  const auto found = std::ranges::find(table_screens(), name, &TableScreen::name);
  return found == table_screens().end() ? nullptr : &*found;
}

}  // namespace troupe::apps::screens
