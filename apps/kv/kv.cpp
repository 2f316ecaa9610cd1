// troupe kv …
#include "apps/kv/kv.hpp"

namespace troupe::apps {
namespace {

using raft_command::group_option;
using raft_command::timeout_option;

constexpr const char* kPutNotes = R"(
keys and values
  a key has 1 to 1,024 bytes of UTF-8, or with --hex any bytes; a value has at most 1 MiB
  --ttl gives the key its own lease; --lease shares a lease with other keys (troupe kv lease grant)
  --request makes a retry safe: the change is made once, and has the same response for raft.sessions_kept
exits
  7 if the group has no quorum, and nothing was written; 8 if it is not known whether it was written
  6 if the group has reached its limit of stored responses to request ids
)";

constexpr const char* kTxnNotes = R"(
lines
  if KEY = VALUE | if KEY absent | put KEY VALUE | del KEY | get KEY
  a word with spaces is written as in JSON: "two words"
  all lines are executed if all conditions hold, otherwise none, and the exit is 5
  the values of the gets are printed in their order, one per line
)";

constexpr const char* kBatchNotes = R"(
lines
  put KEY VALUE | get KEY | del KEY | cas KEY OLD NEW
  the response to each is a line of JSON, in the same order: {ok,exit,value,valueHex,rev,error}
exits
  0 if all lines were executed, 3 if some failed
)";

constexpr const char* kWatchNotes = R"(
lines
  the revision, the key, and its value or `removed`; no change is missed
  --rev begins at a past revision; 5 if it is no longer stored
)";

Option hex_option() { return {.name = "--hex", .help = "keys are given in hexadecimal digits"}; }
Option wait_option() { return timeout_option("longest wait for the group (default 5s)"); }
Option request_option() {
  return {.name = "--request", .value = "ID", .help = "request id: a retry with the same id changes nothing"};
}
Option stale_option() { return {.name = "--stale", .help = "read from this member, without asking the other members"}; }
Positional key_argument() { return {.name = "KEY", .help = "key to use"}; }

}  // namespace

Commands kv_commands() {
  return {
      {.name = "kv put",
       .summary = "Write a key of a group",
       .options = {group_option(),
                   hex_option(),
                   request_option(),
                   wait_option(),
                   {.name = "--ttl", .value = "T", .help = "time after which the key is removed"},
                   {.name = "--lease", .value = "ID", .help = "lease with which the key is removed"}},
       .positionals = {key_argument(), {.name = "VALUE", .help = "value to write; - reads it from standard input"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kPutNotes,
       .route = Route{.role = Role::user, .prints = {"KvChanged"}},
       .run = kv_put},
      {.name = "kv get",
       .summary = "Read a key of a group",
       .options = {group_option(), hex_option(), stale_option(), wait_option(),
                   number_option("--rev", "N", "revision after which to read", 1, UINT64_MAX >> 1)},
       .positionals = {key_argument()},
       .needs = Needs::view,
       .route = Route{.prints = {"KvGot"}},
       .run = kv_get},
      {.name = "kv del",
       .summary = "Remove a key of a group",
       .options = {group_option(), hex_option(), request_option(), wait_option()},
       .positionals = {key_argument()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::user, .prints = {"KvChanged"}},
       .run = kv_del},
      {.name = "kv cas",
       .summary = "Write a key if it has the expected value",
       .options = {group_option(),
                   hex_option(),
                   request_option(),
                   wait_option(),
                   {.name = "--absent", .help = "write only if there is no such key; leave OLD out"}},
       .positionals = {key_argument(),
                       {.name = "OLD NEW",
                        .help = "expected value and new value",
                        .arity = Arity::some,
                        .fields = {"old", "new"}}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::user, .prints = {"KvChanged"}},
       .run = kv_cas},
      {.name = "kv ls",
       .summary = "List the keys of a group, in the order of their bytes",
       .options = {group_option(),
                   hex_option(),
                   stale_option(),
                   wait_option(),
                   {.name = "--from", .value = "KEY", .help = "first key to list"},
                   number_option("--limit", "N", "list at most N keys", 1, UINT64_MAX >> 1)},
       .positionals = {{.name = "PREFIX", .help = "beginning of the keys to list", .arity = Arity::maybe}},
       .needs = Needs::view,
       .route = Route{.output = Output::lines, .prints = {"KvRow", "KvSummary"}},
       .run = kv_list},
      {.name = "kv txn",
       .summary = "Execute several operations atomically, if all conditions hold",
       .options = {group_option(), hex_option(), request_option(), wait_option()},
       .positionals = {{.name = "-",
                        .help = "reads the lines from standard input",
                        .choices = {"-"},
                        .field = Field::lines,
                        .fields = {"lines"}}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kTxnNotes,
       .route = Route{.role = Role::user, .prints = {"KvChanged"}},
       .run = kv_txn},
      {.name = "kv batch",
       .summary = "Execute many commands, one per line",
       .options = {group_option(), hex_option(), wait_option()},
       .positionals = {{.name = "-",
                        .help = "reads the lines from standard input",
                        .choices = {"-"},
                        .field = Field::lines,
                        .fields = {"lines"}}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kBatchNotes,
       .route = Route{.role = Role::user, .output = Output::lines, .prints = {"KvAnswer"}},
       .run = kv_batch},
      {.name = "kv watch",
       .summary = "Print each change of keys as it happens",
       .options = {group_option(), hex_option(), wait_option(),
                   number_option("--rev", "N", "first revision to print", 1, UINT64_MAX >> 1),
                   number_option("--count", "N", "stop after N changes", 1, UINT64_MAX >> 1),
                   number_option("--seconds", "S", "stop after S seconds", 1, 1'000'000)},
       .positionals = {{.name = "PREFIX", .help = "beginning of the keys to watch; \"\" for all"}},
       .needs = Needs::view,
       .notes = kWatchNotes,
       .route = Route{.output = Output::watch, .prints = {"KvChange"}},
       .run = kv_watch},
      {.name = "kv lease",
       .summary = "Grant, keep or drop a lease; its keys are removed when it ends",
       .options = {group_option(), request_option(), wait_option()},
       .positionals = {{.name = "WHAT", .help = "grant, keep or drop", .choices = {"grant", "keep", "drop"}},
                       {.name = "TIME|ID",
                        .help = "grant: time until it ends unless it is kept, such as 30s; keep, drop: id of the lease",
                        .fields = {"time", "id"}}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::user, .prints = {"KvLease"}},
       .run = kv_lease},
  };
}

}  // namespace troupe::apps
