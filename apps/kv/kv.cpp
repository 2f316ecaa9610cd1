// troupe kv …
#include "apps/kv/kv.hpp"

namespace troupe::apps {
namespace {

using raft_command::group_option;
using raft_command::timeout_option;

constexpr const char* kPutNotes = R"(
keys and values
  a key has 1 to 1,024 bytes of UTF-8, or with --hex any bytes; a value has at most 1 MiB
  --ttl gives the key a lease of its own; --lease joins it to others (troupe kv lease grant)
  --request makes a retry safe: applied once and answered alike for raft.sessions_kept
exits
  7 if the group has no quorum, and nothing was written; 8 if it is not known whether it was
  6 if as many answers to request ids are kept as may be
)";

constexpr const char* kTxnNotes = R"(
lines
  if KEY = VALUE | if KEY absent | put KEY VALUE | del KEY | get KEY
  a word with spaces is written as in JSON: "two words"
  all of it is done if all conditions hold, otherwise nothing, and the exit is 5
  the values of the gets are printed in their order, one a line
)";

constexpr const char* kBatchNotes = R"(
lines
  put KEY VALUE | get KEY | del KEY | cas KEY OLD NEW
  each is answered by one line of JSON, in the same order: {ok,exit,value,valueHex,rev,error}
exits
  0 if all lines were done, 3 if some failed
)";

constexpr const char* kWatchNotes = R"(
lines
  the revision, the key, and its value or `removed`; none is missed
  --rev begins at a revision of the past; 5 if it is forgotten
)";

Option hex_option() { return {.name = "--hex", .help = "keys are written in hexadecimal digits"}; }
Option wait_option() { return timeout_option("how long to wait for the group; 5s"); }
Option request_option() {
  return {.name = "--request", .value = "ID", .help = "a retry with the same id changes nothing"};
}
Option stale_option() { return {.name = "--stale", .help = "what this member has, without asking the others"}; }
Positional key_argument() { return {.name = "KEY", .help = "the key"}; }

}  // namespace

Commands kv_commands() {
  return {
      {.name = "kv put",
       .summary = "Write a key of a group",
       .options = {group_option(),
                   hex_option(),
                   request_option(),
                   wait_option(),
                   {.name = "--ttl", .value = "T", .help = "the key goes after this time"},
                   {.name = "--lease", .value = "ID", .help = "the key goes with that lease"}},
       .positionals = {key_argument(), {.name = "VALUE", .help = "the value; - reads it from standard input"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kPutNotes,
       .run = kv_put},
      {.name = "kv get",
       .summary = "Read a key of a group",
       .options = {group_option(), hex_option(), stale_option(), wait_option(),
                   number_option("--rev", "N", "as it was after this revision", 1, UINT64_MAX >> 1)},
       .positionals = {key_argument()},
       .needs = Needs::view,
       .run = kv_get},
      {.name = "kv del",
       .summary = "Remove a key of a group",
       .options = {group_option(), hex_option(), request_option(), wait_option()},
       .positionals = {key_argument()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = kv_del},
      {.name = "kv cas",
       .summary = "Write a key if it has the value that is expected",
       .options = {group_option(),
                   hex_option(),
                   request_option(),
                   wait_option(),
                   {.name = "--absent", .help = "only if there is no such key; in place of OLD"}},
       .positionals = {key_argument(),
                       {.name = "OLD NEW", .help = "the value that it has, and the new one", .arity = Arity::some}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = kv_cas},
      {.name = "kv ls",
       .summary = "List the keys of a group, in the order of their bytes",
       .options = {group_option(),
                   hex_option(),
                   stale_option(),
                   wait_option(),
                   {.name = "--from", .value = "KEY", .help = "begin with this key"},
                   number_option("--limit", "N", "list at most N", 1, UINT64_MAX >> 1)},
       .positionals = {{.name = "PREFIX", .help = "only keys that begin with it", .arity = Arity::maybe}},
       .needs = Needs::view,
       .run = kv_list},
      {.name = "kv txn",
       .summary = "Do several operations at once, if all conditions hold",
       .options = {group_option(), hex_option(), request_option(), wait_option()},
       .positionals = {{.name = "-", .help = "the lines are read from standard input", .choices = {"-"}}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kTxnNotes,
       .run = kv_txn},
      {.name = "kv batch",
       .summary = "Do many commands, one a line",
       .options = {group_option(), hex_option(), wait_option()},
       .positionals = {{.name = "-", .help = "the lines are read from standard input", .choices = {"-"}}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kBatchNotes,
       .run = kv_batch},
      {.name = "kv watch",
       .summary = "Show each change of keys as it is made",
       .options = {group_option(), hex_option(), wait_option(),
                   number_option("--rev", "N", "from this revision on", 1, UINT64_MAX >> 1),
                   number_option("--count", "N", "end after N changes", 1, UINT64_MAX >> 1),
                   number_option("--seconds", "S", "end after S seconds", 1, 1'000'000)},
       .positionals = {{.name = "PREFIX", .help = "keys that begin with it; \"\" is all"}},
       .needs = Needs::view,
       .notes = kWatchNotes,
       .run = kv_watch},
      {.name = "kv lease",
       .summary = "Grant, keep or drop a lease: keys that were put with it go when it ends",
       .options = {group_option(), request_option(), wait_option()},
       .positionals = {{.name = "WHAT", .help = "grant, keep or drop", .choices = {"grant", "keep", "drop"}},
                       {.name = "TIME|ID", .help = "grant: how long it lasts unless it is kept, 30s; else its id"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = kv_lease},
  };
}

}  // namespace troupe::apps
