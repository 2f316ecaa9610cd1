// troupe airdrop …: the table of its commands.
#include "apps/airdrop/airdrop.hpp"

namespace troupe::apps {
namespace {

using wallets::passphrase_option;
using wallets::request_option;
using wallets::wallet_option;

constexpr const char* kAirdropCreateNotes = R"(
FILE is TOML
  pool = 100000                          amount to give, from the wallet that creates the airdrop
  until = "2027-01-31T12:00:00Z"         nothing is paid before; may be left out, like from
  list = [["tro1…", 3], ["tro1…", 1]]    addresses and weights: shares are in proportion to the weights
  shares = "equal"                       gives all the same share; "work" and "reputation" keep the weights
  instead of the list, [rule] with hours = 20 pays nodes that were online that long between `from` and `until`, which
  are then dates; three watchers of a node must sign it. per_owner = 2 and per_net = 8 limit them; all get the same
what it does
  pays the pool to an account of the airdrop, submits the list, and prints the id
  then, or from `until` on, objections are accepted for airdrop.objections; afterwards all are paid automatically
  if the command ends before the list is complete, the same --request continues it; otherwise the pool is returned
  after an hour
exits
  5 if the wallet has less than the pool, or --request has created another airdrop
)";

constexpr const char* kAirdropCheckNotes = R"(
what it does
  FILE: reads it and shows the share of each recipient, without a node
  ID: shows the share of the account of --wallet, or of the only wallet, in an airdrop
)";

constexpr const char* kAirdropShowNotes = R"(
states
  created: the list is being submitted; published: objections are accepted; paying; paid; returning, returned: the
  pool goes back to its owner
  of a recipient: waiting, objected, struck (the other recipients get its share), paid, none (less than 1), returned
)";

constexpr const char* kAirdropObjectNotes = R"(
what it does
  with --reason, an account that has been paid before objects to a recipient, publicly
  with --strike or --keep, the owner of the pool decides; a recipient without a decision is kept
exits
  4 if the list has no such recipient; 5 if objections are over, or the owner has decided otherwise
)";

constexpr const char* kAirdropRunNotes = R"(
what it does
  waits until all recipients are paid; payments begin without this command, at the end of the objections
exits
  5 while objections are accepted, or if the pool was returned
)";

constexpr const char* kAirdropVerifyNotes = R"(
what it does
  recomputes the list, the signatures, the shares and each payment, and compares them with the book
exits
  1 if something differs, and says what; 7 if the book does not respond
)";

Positional id_of_airdrop() { return {.name = "ID", .help = "id that `create` printed: 64 hexadecimal digits"}; }

}  // namespace

Commands airdrop_commands() {
  return {
      {.name = "airdrop create",
       .summary = "Pay a pool of money to a list of accounts",
       .options = {wallet_option(), passphrase_option(), request_option()},
       .positionals = {{.name = "FILE", .help = "file with pool and list, as below"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kAirdropCreateNotes,
       .run = airdrop_create},
      {.name = "airdrop check",
       .summary = "Show the shares of a file, or the share of an account",
       .options = {wallet_option()},
       .positionals = {{.name = "FILE|ID", .help = "file for `create`, or id of an airdrop"}},
       .needs = Needs::view,
       .notes = kAirdropCheckNotes,
       .run = airdrop_check},
      {.name = "airdrop ls",
       .summary = "List the airdrops of the book",
       .needs = Needs::view,
       .route = Route{.prints = {"List(AirdropSummary)"}},
       .run = airdrop_list},
      {.name = "airdrop show",
       .summary = "Show an airdrop, and each of its recipients",
       .positionals = {id_of_airdrop()},
       .needs = Needs::view,
       .notes = kAirdropShowNotes,
       .route = Route{.prints = {"AirdropShown"}},
       .run = airdrop_show},
      {.name = "airdrop object",
       .summary = "Object to a recipient, or decide on an objection",
       .options = {{.name = "--reason", .value = "T", .help = "reason, 1 to 256 bytes of text"},
                   {.name = "--strike", .help = "the recipient gets nothing"},
                   {.name = "--keep", .help = "the recipient gets its share"},
                   wallet_option(),
                   passphrase_option(),
                   request_option()},
       .positionals = {id_of_airdrop(), {.name = "NODE", .help = "recipient, as `show` names it"}},
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
       .route = Route{.role = Role::user, .prints = {"AirdropSummary"}},
       .run = airdrop_run},
      {.name = "airdrop verify",
       .summary = "Recompute an airdrop and compare it with the book",
       .positionals = {id_of_airdrop()},
       .needs = Needs::view,
       .notes = kAirdropVerifyNotes,
       .route = Route{.prints = {"AirdropVerified"}},
       .run = airdrop_verify},
  };
}

}  // namespace troupe::apps
