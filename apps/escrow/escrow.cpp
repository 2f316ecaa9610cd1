// troupe escrow …: the table of its commands.
#include "apps/escrow/escrow.hpp"

namespace troupe::apps {
namespace {

using wallets::passphrase_option;
using wallets::request_option;
using wallets::wallet_option;

constexpr const char* kEscrowCreateNotes = R"(
what it does
  proposes an escrow to the provider, signed by the wallet of the buyer, and prints its id; no money moves yet
  the provider gives `sign ID`, each party `fund ID`, the provider `start ID` and `deliver ID CID`, the buyer `accept ID`
times
  a duration counts from the state that it bounds (start: funded, deliver: running, review: delivered), or a date in UTC
  at each moment `show ID` says what happens at the deadline if neither party acts
exits
  5 if --request has made another escrow; 7 if the book does not answer
)";

constexpr const char* kEscrowSignNotes = R"(
what it does
  shows the agreement on standard error and signs it for the provider; each party pays in afterwards (`fund`)
)";

constexpr const char* kEscrowFundNotes = R"(
what it does
  pays the party's share from its account: price and bond of the buyer, bond of the provider
)";

constexpr const char* kEscrowAcceptNotes = R"(
what it does
  releases all that is left for the delivery that is there now, or the part of a milestone
exits
  5 if another content is delivered than --cid says, or another delivery comes before the signature
)";

constexpr const char* kEscrowProposeNotes = R"(
what it does
  proposes that A of the price is released, in all, and the rest refunded; the other party gives `agree ID --pay A`
)";

constexpr const char* kEscrowCancelNotes = R"(
what it does
  before both have paid in it withdraws; later it is an offer, and takes effect when the other party gives it, too:
  the buyer has back what is not released, and both have their bonds
)";

constexpr const char* kEscrowExtendNotes = R"(
what it does
  offers a later time, which counts once the other party gives the same command
  a duration counts from the beginning of the state that it bounds, so that both say the same
)";

constexpr const char* kEscrowVerifyNotes = R"(
what it does
  computes the escrow from its log, and verifies each hash and the signature of each act
  FILE is what `troupe escrow log ID --json` has printed; no node is needed for it
exits
  1 names the first event that is bad
)";

Positional escrow_id() { return {.name = "ID", .help = "the id that `create` printed: 64 hexadecimal digits"}; }

Command act_command(const char* name, const char* summary, EscrowCommand* run, std::vector<Option> options = {},
                    std::vector<Positional> positionals = {}, const char* notes = "") {
  options.insert(options.end(), {wallet_option(), passphrase_option(), request_option()});
  positionals.insert(positionals.begin(), escrow_id());
  return {.name = name,
          .summary = summary,
          .options = std::move(options),
          .positionals = std::move(positionals),
          .needs = Needs::operate,
          .effect = Effect::write,
          .notes = notes,
          .run = run};
}

Option pay_option() {
  return {.name = "--pay", .value = "A", .help = "how much of the price is released, in all; 0 refunds the price"};
}
Option milestone_option() {
  return number_option("--milestone", "N", "the part of this milestone, counted from 1", 1, escrow::kMilestonesMax);
}

Commands making() {
  return {
      {.name = "escrow create",
       .summary = "Propose an escrow to a provider, as the buyer",
       .options =
           {{.name = "--to", .value = "ADDRESS", .help = "the provider", .required = true},
            {.name = "--amount",
             .value = "A",
             .help = "the price, a whole number of the smallest unit",
             .required = true},
            {.name = "--bond", .value = "B", .help = "of each party: P% of the price or an amount; 15%, 0: none"},
            {.name = "--start", .value = "T", .help = "until when the provider starts"},
            {.name = "--deliver", .value = "T", .help = "until when it delivers"},
            {.name = "--review", .value = "T", .help = "until when the buyer accepts or disputes; 72h"},
            {.name = "--milestones", .value = "A,B", .help = "parts of the price, up to 16, released one by one"},
            {.name = "--cid", .value = "CID", .help = "the content that is to be delivered"},
            wallet_option(),
            passphrase_option(),
            request_option()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kEscrowCreateNotes,
       .run = escrow_create},
      act_command("escrow sign", "Sign an escrow, as the provider", escrow_sign, {}, {}, kEscrowSignNotes),
      act_command("escrow fund", "Pay in a party's share", escrow_fund, {}, {}, kEscrowFundNotes),
      act_command("escrow start", "Begin the work, as the provider", escrow_start),
  };
}

Commands working() {
  const Positional cid{.name = "CID", .help = "the content id that `file put` printed: 64 hexadecimal digits"};
  const Positional amount{
      .name = "AMOUNT", .help = "what has been earned so far, in all; it only rises", .arity = Arity::maybe};
  return {
      act_command("escrow progress", "Release what has been earned so far, as the buyer", escrow_progress,
                  {milestone_option()}, {amount}),
      act_command("escrow deliver", "Deliver a file, as the provider; exit 5 if no node has it", escrow_deliver, {},
                  {cid}),
      act_command("escrow accept", "Accept the delivery or a milestone, as the buyer", escrow_accept,
                  {milestone_option(), {.name = "--cid", .value = "CID", .help = "only if this was delivered"}}, {},
                  kEscrowAcceptNotes),
      act_command("escrow dispute", "Dispute the delivery, as the buyer", escrow_dispute),
      act_command("escrow propose", "Propose how the price is divided", escrow_propose, {pay_option()}, {},
                  kEscrowProposeNotes),
      act_command("escrow agree", "Agree to the other party's proposal", escrow_agree, {pay_option()}),
      act_command("escrow rule", "Decide a dispute, as the arbiter that was drawn", escrow_rule, {pay_option()}),
      act_command("escrow cancel", "Withdraw, or offer to cancel", escrow_cancel, {}, {}, kEscrowCancelNotes),
      act_command("escrow extend", "Offer a later time, or accept the other party's", escrow_extend,
                  {{.name = "--start", .value = "T", .help = "until when the provider starts"},
                   {.name = "--deliver", .value = "T", .help = "until when it delivers"},
                   {.name = "--review", .value = "T", .help = "until when the buyer accepts or disputes"}},
                  {}, kEscrowExtendNotes),
  };
}

Commands looking() {
  Positional maybe = escrow_id();
  maybe.arity = Arity::maybe;
  maybe.help = "only this one; without it all of the book";
  return {
      {.name = "escrow show",
       .summary = "Show an escrow, and what happens at its deadline",
       .positionals = {escrow_id()},
       .needs = Needs::view,
       .run = escrow_show},
      {.name = "escrow ls",
       .summary = "List escrows",
       .options = {{.name = "--account", .value = "NAME|ADDRESS", .help = "of which this is a party"},
                   {.name = "--state",
                    .value = "S",
                    .help = "in this state",
                    .choices = {"proposed", "held", "created", "funded", "running", "delivered", "disputed", "released",
                                "refunded", "expired"}}},
       .needs = Needs::view,
       .run = escrow_list},
      {.name = "escrow log",
       .summary = "List the events of an escrow",
       .positionals = {escrow_id()},
       .needs = Needs::view,
       .run = escrow_log},
      {.name = "escrow verify",
       .summary = "Verify the log of an escrow: its hashes, and the signatures of its acts",
       .positionals = {{.name = "ID|FILE", .help = "an escrow of the book, or a log in a file"}},
       .notes = kEscrowVerifyNotes,
       .run = escrow_verify},
      {.name = "escrow watch",
       .summary = "Show events of escrows as they happen",
       .options = {number_option("--seconds", "S", "end after S seconds", 1, 1'000'000)},
       .positionals = {maybe},
       .needs = Needs::view,
       .run = escrow_watch},
      {.name = "escrow look",
       .summary = "Let an escrow go on that a guard holds, as an operator of the book",
       .options = {request_option()},
       .positionals = {escrow_id()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .run = escrow_look},
  };
}

}  // namespace

Commands escrow_commands() {
  Commands out = making();
  for (Commands more : {working(), looking(), escrows::arbiter_commands()})
    for (Command& command : more) out.push_back(std::move(command));
  return out;
}

}  // namespace troupe::apps
