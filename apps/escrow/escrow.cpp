// troupe escrow …: the table of its commands.
#include "apps/escrow/escrow.hpp"

namespace troupe::apps {
namespace {

using wallets::passphrase_option;
using wallets::request_option;
using wallets::wallet_option;

constexpr const char* kEscrowCreateNotes = R"(
what it does
  proposes an escrow to the provider, signed by the buyer's wallet, and prints its id; no money moves yet
  next the provider gives `sign ID`, each party `fund ID`, the provider `start ID` and `deliver ID CID`, the buyer
  `accept ID`
times
  a duration counts from the state that it limits (start: funded, deliver: running, review: delivered); or a UTC date
  `show ID` always says what happens at the next deadline if neither party acts
exits
  5 if --request has created a different escrow; 7 if the book does not respond
)";

constexpr const char* kEscrowSignNotes = R"(
what it does
  shows the agreement on standard error and signs it for the provider; each party pays in afterwards (`fund`)
)";

constexpr const char* kEscrowFundNotes = R"(
what it does
  pays the party's share from its account: the buyer pays price and bond, the provider its bond
)";

constexpr const char* kEscrowAcceptNotes = R"(
what it does
  releases the rest of the price for the current delivery, or the amount of a milestone
exits
  5 if the delivered file is not the one in --cid, or if another delivery arrives before the signature
)";

constexpr const char* kEscrowProposeNotes = R"(
what it does
  proposes to release A of the price in total, and to refund the rest; the other party agrees with `agree ID --pay A`
)";

constexpr const char* kEscrowCancelNotes = R"(
what it does
  withdraws the escrow until both have paid in; later it is an offer, which takes effect when the other party gives
  the same command: the buyer gets back the part that is not released, and both get their bonds
)";

constexpr const char* kEscrowExtendNotes = R"(
what it does
  offers a later time, which counts once the other party gives the same command
  a duration counts from the beginning of the state that it limits, so that both parties mean the same time
)";

constexpr const char* kEscrowVerifyNotes = R"(
what it does
  recomputes the escrow from its log, and verifies each hash and the signature of each act
  FILE is the output of `troupe escrow log ID --json`; it needs no node
exits
  1 if an event is invalid; it names the first
)";

Positional escrow_id() { return {.name = "ID", .help = "id that `create` printed: 64 hexadecimal digits"}; }

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
  return {.name = "--pay", .value = "A", .help = "part of the price that is released in total; 0 refunds the price"};
}
Option milestone_option() {
  return number_option("--milestone", "N", "number of the milestone to release, counted from 1", 1,
                       escrow::kMilestonesMax);
}

Commands making() {
  return {
      {.name = "escrow create",
       .summary = "Propose an escrow to a provider, as the buyer",
       .options =
           {{.name = "--to", .value = "ADDRESS", .help = "address of the provider", .required = true},
            {.name = "--amount", .value = "A", .help = "price, a whole number of the smallest unit", .required = true},
            {.name = "--bond",
             .value = "B",
             .help = "bond of each party: P% of the price or an amount; 0 for none (default 15%)"},
            {.name = "--start", .value = "T", .help = "time until which the provider must start"},
            {.name = "--deliver", .value = "T", .help = "time until which the provider must deliver"},
            {.name = "--review",
             .value = "T",
             .help = "time until which the buyer may dispute or accept (default 72h)"},
            {.name = "--milestones", .value = "A,B", .help = "parts of the price, up to 16, released one by one"},
            {.name = "--cid", .value = "CID", .help = "content id of the file to deliver"},
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
  const Positional cid{.name = "CID", .help = "content id that `file put` printed: 64 hexadecimal digits"};
  const Positional amount{
      .name = "AMOUNT", .help = "amount earned so far, in total; it can only rise", .arity = Arity::maybe};
  return {
      act_command("escrow progress", "Release the amount earned so far, as the buyer", escrow_progress,
                  {milestone_option()}, {amount}),
      act_command("escrow deliver", "Deliver a file, as the provider; exit 5 if no node has it", escrow_deliver, {},
                  {cid}),
      act_command(
          "escrow accept", "Accept the delivery or a milestone, as the buyer", escrow_accept,
          {milestone_option(), {.name = "--cid", .value = "CID", .help = "accept only if this file was delivered"}}, {},
          kEscrowAcceptNotes),
      act_command("escrow dispute", "Dispute the delivery, as the buyer", escrow_dispute),
      act_command("escrow propose", "Propose how the price is divided", escrow_propose, {pay_option()}, {},
                  kEscrowProposeNotes),
      act_command("escrow agree", "Agree to the other party's proposal", escrow_agree, {pay_option()}),
      act_command("escrow rule", "Decide a dispute, as the drawn arbiter", escrow_rule, {pay_option()}),
      act_command("escrow cancel", "Withdraw, or offer to cancel", escrow_cancel, {}, {}, kEscrowCancelNotes),
      act_command("escrow extend", "Offer a later time, or accept the other party's offer", escrow_extend,
                  {{.name = "--start", .value = "T", .help = "time until which the provider must start"},
                   {.name = "--deliver", .value = "T", .help = "time until which the provider must deliver"},
                   {.name = "--review", .value = "T", .help = "time until which the buyer may accept or dispute"}},
                  {}, kEscrowExtendNotes),
  };
}

Commands looking() {
  Positional maybe = escrow_id();
  maybe.arity = Arity::maybe;
  maybe.help = "id of an escrow (default all escrows of the book)";
  return {
      {.name = "escrow show",
       .summary = "Show an escrow, and what happens at its deadline",
       .positionals = {escrow_id()},
       .needs = Needs::view,
       .route = Route{.prints = {"EscrowShown", "TaskEscrowShown"}},
       .run = escrow_show},
      {.name = "escrow ls",
       .summary = "List escrows",
       .options = {{.name = "--account", .value = "NAME|ADDRESS", .help = "account that is a party"},
                   {.name = "--state",
                    .value = "S",
                    .help = "state of the escrows",
                    .choices = {"proposed", "held", "created", "funded", "running", "delivered", "disputed", "released",
                                "refunded", "expired"}}},
       .needs = Needs::view,
       .route = Route{.prints = {"List(EscrowListed)"}},
       .run = escrow_list},
      {.name = "escrow log",
       .summary = "List the events of an escrow",
       .positionals = {escrow_id()},
       .needs = Needs::view,
       .route = Route{.prints = {"List(EscrowLogged)"}},
       .run = escrow_log},
      {.name = "escrow verify",
       .summary = "Verify the log of an escrow: its hashes, and the signatures of its acts",
       .positionals = {{.name = "ID|FILE",
                        .help = "id of an escrow of the book, or file with a log",
                        .fields = {"id"}}},
       .notes = kEscrowVerifyNotes,
       .route = Route{.prints = {"EscrowVerified"}},
       .run = escrow_verify},
      {.name = "escrow watch",
       .summary = "Show events of escrows as they happen",
       .options = {number_option("--seconds", "S", "stop after S seconds", 1, 1'000'000)},
       .positionals = {maybe},
       .needs = Needs::view,
       .route = Route{.output = Output::watch, .prints = {"EscrowSeen"}},
       .run = escrow_watch},
      {.name = "escrow look",
       .summary = "Resume an escrow that a guard stopped, as an operator of the book",
       .options = {request_option()},
       .positionals = {escrow_id()},
       .needs = Needs::operate,
       .effect = Effect::write,
       .route = Route{.role = Role::user, .prints = {"EscrowActed"}},
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
