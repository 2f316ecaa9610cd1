// troupe file …: the table of its commands.
#include "apps/files/file.hpp"

#include <chrono>
#include <cstdio>

#include "apps/raft/raft.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr std::size_t kShownBytesMax = 80;

Option group_option() {
  return {.name = "--group", .value = "G", .help = "the group whose members all keep the file up"};
}
Option timeout() { return raft_command::timeout_option("with --group: how long to wait for it; 5s"); }

Positional cid() { return {.name = "CID", .help = "the content id that `file put` printed: 64 hexadecimal digits"}; }

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
  return usage_failure("a content id has 64 hexadecimal digits, not \"" + base::shortened(text, kShownBytesMax) + '"',
                       "troupe file ls");
}

Commands file_commands() {
  return {
      {.name = "file put",
       .summary = "Store a file in the network, and print its content id",
       .options = {number_option("--replicas", "N",
                                 "copies of each chunk (files.replicas of the node, 3); exit 3 if fewer were stored", 1,
                                 files::kReplicasMax),
                   group_option(), timeout()},
       .positionals = {{.name = "PATH|-", .help = "file to store, or - for standard input"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = file_put},
      {.name = "file get",
       .summary = "Fetch a file, and verify each chunk of it",
       .options =
           {{.name = "-o",
             .value = "PATH|-",
             .help = "write to PATH instead of standard output; an existing file is replaced when all bytes are there",
             .alias = "--output"},
            {.name = "--range", .value = "A-B", .help = "only bytes A to B, counted from zero, both included"}},
       .positionals = {cid()},
       .needs = Needs::view,
       .run = file_get},
      {.name = "file ls",
       .summary = "List the files that were put at this node",
       .options = {group_option(), timeout()},
       .needs = Needs::view,
       .notes = "KEPT UNTIL (UTC) is when the first node that holds copies ends them, unless it hears of this node\n"
                "before. It moves on each day on which both run.",
       .run = file_list},
      {.name = "file view",
       .summary = "Show the chunks of a file, and the nodes that hold them",
       .options = {{.name = "--chunks", .help = "list each chunk"}},
       .positionals = {cid()},
       .needs = Needs::view,
       .run = file_view},
      {.name = "file verify",
       .summary = "Read every copy of a file, or all that this node stores, and name the damaged ones",
       .positionals = {{.name = "CID",
                        .help = "the content id that `file put` printed; all contents that this node stores without it",
                        .arity = Arity::maybe}},
       .needs = Needs::view,
       .run = file_verify},
      {.name = "file rm",
       .summary = "Remove a file that was put here; copies are deleted unless the file was put at other nodes too",
       .options = {group_option(), timeout()},
       .positionals = {cid()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = file_remove},
      {.name = "file pin",
       .summary = "Keep a file past its time to expire",
       .options = {group_option(), timeout()},
       .positionals = {cid()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = file_pin},
      {.name = "file unpin",
       .summary = "Take the pin off a file",
       .options = {group_option(), timeout()},
       .positionals = {cid()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = file_unpin},
      {.name = "file owners",
       .summary = "List the nodes for which this node stores files, and how much",
       .needs = Needs::view,
       .run = file_owners},
      {.name = "file release",
       .summary = "Delete what this node stores for another node, which then finds other holders",
       .positionals = {{.name = "OWNER", .help = "the id of that node, as `file owners` prints it"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes =
           "Takes nothing more of that node for files.kept_days. 'troupe peers drop' keeps it away for ten minutes.",
       .run = file_release},
  };
}

}  // namespace troupe::apps
