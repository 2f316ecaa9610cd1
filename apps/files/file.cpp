// troupe file …: the table of its commands.
#include "apps/files/file.hpp"

#include <chrono>
#include <cstdio>

#include "apps/raft/raft.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kShownBytesMax = 80;

Option group_option() { return {.name = "--group", .value = "G", .help = "group whose members all store the file"}; }
Option timeout() { return raft_command::timeout_option("with --group: longest wait for the group (default 5s)"); }

Positional cid() { return {.name = "CID", .help = "content id that `file put` printed: 64 hexadecimal digits"}; }

}  // namespace

std::string day_text(std::uint64_t seconds) {
  const auto days = std::chrono::sys_days(std::chrono::days(static_cast<std::int64_t>(seconds / (24 * 3600))));
  const std::chrono::year_month_day date(days);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()));
  return text;
}

base::Result<files::Cid, Failure> cid_of(const Invocation& invocation) {
  const std::string text = *invocation.text("CID");
  if (const auto id = files::Cid::from_hex(text)) return *id;
  return usage_failure(
      "invalid content id: expected 64 hexadecimal digits, got \"" + base::shortened(text, kShownBytesMax) + '"',
      "troupe file ls");
}

Commands file_commands() {
  return {
      {.name = "file put",
       .summary = "Store a file in the network, and print its content id",
       .options = {number_option(
                       "--replicas", "N",
                       "copies of each chunk (default files.replicas of the node, 3); exit 3 if fewer were stored", 1,
                       files::kReplicasMax),
                   {.name = "--name", .value = "NAME", .help = "name to list (default the name of the file)"},
                   group_option(),
                   timeout()},
       .positionals = {{.name = "PATH|-", .help = "file to store, or - for standard input", .field = Field::input}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::user, .prints = {"FilePut"}},
       .run = file_put},
      {.name = "file get",
       .summary = "Fetch a file, and verify each chunk of it",
       .options =
           {{.name = "-o",
             .value = "PATH|-",
             .help =
                 "file to write instead of standard output; an existing file is replaced once all bytes have arrived",
             .alias = "--output",
             .field = Field::output},
            {.name = "--range",
             .value = "A-B",
             .help = "bytes A to B to fetch, counted from zero, inclusive",
             .field = Field::local}},
       .positionals = {cid()},
       .needs = Needs::view,
       .route = Route{.output = Output::bytes},
       .run = file_get},
      {.name = "file ls",
       .summary = "List the files that were put at this node",
       .options = {group_option(), timeout()},
       .needs = Needs::view,
       .notes = "KEPT UNTIL (UTC) is when the first storage node deletes its copies, unless it is in contact with this "
                "node\n"
                "before. It is extended daily while both run.",
       .route = Route{.prints = {"List(File)", "List(GroupFile)"}},
       .run = file_list},
      {.name = "file view",
       .summary = "Show the chunks of a file, and the nodes that store them",
       .options = {{.name = "--chunks", .help = "list each chunk"}},
       .positionals = {cid()},
       .needs = Needs::view,
       .route = Route{.prints = {"FileView"}},
       .run = file_view},
      {.name = "file verify",
       .summary = "Read every copy of a file, or all that this node stores, and name the damaged ones",
       .positionals = {{.name = "CID",
                        .help = "content id that `file put` printed (default everything that this node stores)",
                        .arity = Arity::maybe}},
       .needs = Needs::view,
       .route = Route{.output = Output::lines, .prints = {"FileCopy", "FileVerified"}},
       .run = file_verify},
      {.name = "file rm",
       .summary = "Remove a file that was put here; copies are deleted unless the file was put at other nodes too",
       .options = {group_option(), timeout()},
       .positionals = {cid()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::user, .prints = {"FileRemoved"}},
       .run = file_remove},
      {.name = "file pin",
       .summary = "Keep a file past its time to expire",
       .options = {group_option(), timeout()},
       .positionals = {cid()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::user, .prints = {"FilePin"}},
       .run = file_pin},
      {.name = "file unpin",
       .summary = "Unpin a file",
       .options = {group_option(), timeout()},
       .positionals = {cid()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::user, .prints = {"FilePin"}},
       .run = file_unpin},
      {.name = "file owners",
       .summary = "List the nodes for which this node stores files, and how much",
       .needs = Needs::view,
       .route = Route{.role = Role::operator_, .prints = {"List(FileOwner)"}},
       .run = file_owners},
      {.name = "file release",
       .summary = "Delete all data that this node stores for another node, which then finds other storage nodes",
       .positionals = {{.name = "OWNER", .help = "id of that node, as `file owners` prints it"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = "Accepts nothing more from that node for files.kept_days. 'troupe peers drop' keeps it away for ten "
                "minutes.",
       .route = Route{.role = Role::operator_, .prints = {"FileReleased"}},
       .run = file_release},
  };
}

}  // namespace troupe::apps
