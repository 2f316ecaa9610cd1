// troupe airdrop …: the table of its commands.
#include "apps/airdrop/airdrop.hpp"

namespace troupe::apps {
namespace {

using wallets::passphrase_option;
using wallets::request_option;
using wallets::wallet_option;

constexpr const char* kAirdropCreateNotes = R"(
FILE is TOML
  pool = 100000                          what is given, of the wallet that creates it
  until = "2027-01-31T12:00:00Z"         nothing is paid before; may be left out, as from
  list = [["tro1…", 3], ["tro1…", 1]]    addresses and weights: the shares are as the weights
  shares = "equal"                       or all get the same; "work" and "reputation" leave the weights as they are
  in place of the list [rule] with hours = 20: nodes that were there for so long between `from` and `until`, which are
  dates, as three of their watchers sign it; per_owner = 2 and per_net = 8 limit them; all get the same
what it does
  pays the pool to an account of the airdrop, hands the list in, and prints the id
  from then on, or from `until`, objections are heard for airdrop.objections; then all are paid without being asked
  if it ends before the list is whole, the same --request goes on; without, the pool comes back after an hour
exits
  5 if the wallet has less than the pool, or --request has created another airdrop
)";

constexpr const char* kAirdropCheckNotes = R"(
what it does
  FILE: reads it and shows who would get what; nothing is asked of a node
  ID: shows what the account of --wallet, or of the only wallet, gets of an airdrop
)";

constexpr const char* kAirdropShowNotes = R"(
states
  created: the list comes; published: objections are heard; paying; paid; returning, returned: the owner has the pool
  of a recipient: waiting, objected, struck (its share is that of the others), paid, none (less than 1), returned
)";

constexpr const char* kAirdropObjectNotes = R"(
what it does
  with --reason an account that was paid once objects to a recipient, for all to read
  with --strike or --keep the owner of the pool decides on it; what is not decided in time is kept
exits
  4 if the list has no such recipient; 5 once objections are heard no more, or if the owner has decided otherwise
)";

constexpr const char* kAirdropRunNotes = R"(
what it does
  waits until all recipients are paid; payments begin without it, at the end of the objections
exits
  5 while objections are heard, or if the pool was given back
)";

constexpr const char* kAirdropVerifyNotes = R"(
what it does
  computes the list, the signatures, the shares and each payment again, and compares them with the book
exits
  1 if something differs, and says what; 7 if the book does not answer
)";

Positional id_of_airdrop() { return {.name = "ID", .help = "the id that `create` printed: 64 hexadecimal digits"}; }

}  // namespace

Commands airdrop_commands() {
  return {
      {.name = "airdrop create",
       .summary = "Give a pool of money to a list of accounts",
       .options = {wallet_option(), passphrase_option(), request_option()},
       .positionals = {{.name = "FILE", .help = "pool and list, as below"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kAirdropCreateNotes,
       .run = airdrop_create},
      {.name = "airdrop check",
       .summary = "Show what a file would give, or what an account gets",
       .options = {wallet_option()},
       .positionals = {{.name = "FILE|ID", .help = "a file for `create`, or the id of an airdrop"}},
       .needs = Needs::view,
       .notes = kAirdropCheckNotes,
       .run = airdrop_check},
      {.name = "airdrop ls", .summary = "List the airdrops of the book", .needs = Needs::view, .run = airdrop_list},
      {.name = "airdrop show",
       .summary = "Show an airdrop, and each of its recipients",
       .positionals = {id_of_airdrop()},
       .needs = Needs::view,
       .notes = kAirdropShowNotes,
       .run = airdrop_show},
      {.name = "airdrop object",
       .summary = "Object to a recipient, or decide on an objection",
       .options = {{.name = "--reason", .value = "T", .help = "1 to 256 bytes of text"},
                   {.name = "--strike", .help = "the recipient gets nothing"},
                   {.name = "--keep", .help = "the recipient gets its share"},
                   wallet_option(),
                   passphrase_option(),
                   request_option()},
       .positionals = {id_of_airdrop(), {.name = "NODE", .help = "the recipient, as `show` names it"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kAirdropObjectNotes,
       .run = airdrop_object},
      {.name = "airdrop run",
       .summary = "Wait until an airdrop is paid",
       .options = {request_option()},
       .positionals = {id_of_airdrop()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kAirdropRunNotes,
       .run = airdrop_run},
      {.name = "airdrop verify",
       .summary = "Compute an airdrop again and compare it with the book",
       .positionals = {id_of_airdrop()},
       .needs = Needs::view,
       .notes = kAirdropVerifyNotes,
       .run = airdrop_verify},
  };
}

}  // namespace troupe::apps
