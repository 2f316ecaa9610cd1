// troupe chain … | validator … | tx …
#include "apps/chain/chain.hpp"

#include "apps/host/settings.hpp"
#include "apps/wallet/on_chain.hpp"

namespace troupe::apps {
namespace {

constexpr const char* kFoundNotes = R"(
what it does
  writes the node's id and keys, the wallet's address and the stake, for the person who makes the genesis
  the directory's identity and its consensus key (DIR/validator) are made where there are none; a node may run in it
  stake and balance are issued to the wallet's address when the chain begins
what it prints
  the id of the validator, which is that of the node
)";

constexpr const char* kGenesisNotes = R"(
what it does
  makes block 0 of a chain of what its founders wrote (troupe chain found); each of them signs it
  (troupe chain sign FILE): the file is handed on from one to the next, and each adds its signature
  --test makes a chain for tests, which has a faucet; else who pays needs a balance from its beginning
  a file with the same genesis stays as it is, with its time and its signatures
parameters
  block.interval_ms block.empty_ms block.bytes block.gas block.precision_ms block.delay_ms consensus.propose_ms
  consensus.prevote_ms consensus.precommit_ms faucet.amount faucet.pot faucet.period_s stake.unbonding_s fee.base
what it prints
  the id of the chain, and all money that there is at its beginning
exits
  5 if the file is another genesis, which has signatures
)";

constexpr const char* kSignNotes = R"(
what it does
  adds the signature of this directory's node, by its own key, its consensus key and the wallet that owns its stake,
  to those in the file; of two copies that were signed apart only one can be used
  nodes take a genesis that founders with more than 2/3 of the stake have signed; signed again, it stays as it is
  of a statement (troupe chain fork) it adds the signature of the consensus key alone, one of a fork: DIR/forks keeps
  what this key has signed, and what `chain resume` took there
exits
  5 if the node is none of the founders (of a statement: no validator of its chain), a key of it is not here, or the
    key stands for another statement of that fork
)";

constexpr const char* kStatusNotes = R"(
exits
  4 if the node has no chain; a node that is behind, or without quorum, answers from the last final block
)";

constexpr const char* kWatchNotes = R"(
what it prints
  a line for each block that becomes final from now on
)";

constexpr const char* kVerifyNotes = R"(
what it does
  runs all blocks again from the one after H, and compares the roots that headers name; it takes long
  the state of H has to be kept: nodes keep those of the last 1,000 heights, and can make that of the genesis again
exits
  1 if a block is bad
)";

constexpr const char* kDiffNotes = R"(
what it does
  compares the states of two nodes at the latest height that both have, and asks only for what differs
what it prints
  the first key that differs in the order of `chain state`, in hexadecimal digits
exits
  1 if they differ; 4 if the node knows no node of that id; 7 if it cannot be reached
)";

constexpr const char* kForkNotes = R"(
what it does
  writes a statement that the block H of this node stays, and that later ones are of the next fork; and signs it
  where two blocks of one height were final, the chain stands still: its validators agree on a block that all of them
  have, sign the statement (troupe chain sign FILE), and each node takes it (troupe chain resume FILE)
exits
  4 if the node has no such block
  5 if the directory's node is no validator of its chain, or has signed another statement of that fork
)";

constexpr const char* kResumeChainNotes = R"(
what it does
  drops the blocks after the one that the statement names, and goes on from there; its transactions have to be sent again
  it asks before it drops blocks, and says which; without a terminal it takes --yes
  nodes that are linked take it from each other
exits
  2 if blocks would be dropped, and neither a terminal nor --yes allows it; 5 if the answer is not y
  4 if the node has not come to that height, or does not keep its state any more; 5 if 2/3 of the stake or less have
  signed it, or the node has another block of that height
)";

constexpr const char* kAccountNotes = R"(
proof
  --proof waits for the next block, whose header names the root of the state, and checks what the node says against it;
  --json prints the proof in the form of ICS-23 (SmtSpec), and the header
)";

constexpr const char* kAccountsNotes = R"(
what it prints
  the accounts in the order of their keys, and at the end the sums; the node keeps the states of some heights
exits
  1 if the sums are not the supply; 4 if the state of that height is not kept
)";

constexpr const char* kStateNotes = R"(
what it prints
  KEY VALUE for each leaf of the state, in hexadecimal digits: the key is a byte of kind and an id, the value the
  canonical Cap'n Proto of its struct (messages/chain.capnp); in the order of SHA-256(KEY)
)";

constexpr const char* kResumeNotes = R"(
when
  a validator that was restored from a backup hears others before it signs; it goes on by itself after guard.wait, unless
  validators with over 1/3 of the stake wait: then `chain status` says so, and the operator of each runs this
what it does
  the node's validator, which NAME operates, signs from block H on, and nothing below; this cannot be taken back
  agree on H with the other operators: above the head, and above all heights that the validator signed
exits
  4 if NAME does not operate this node's validator; 5 if it does not wait, or H is too low or more than 1,000 above the
  first possible one (the error says which that is); 7 if not all stake has been heard
)";

constexpr const char* kTxWaitNotes = R"(
exits
  0 once it is final; 1 if it failed or expired; 8 if it still waits; 4 if it was not seen until then
)";

constexpr const char* kTxListNotes = R"(
what it prints
  transactions in which the account is sender, payer or receiver, the latest first
)";

Option output_option(const char* help) { return {.name = "-o", .value = "FILE", .help = help, .alias = "--output"}; }

Commands founding_commands() {
  Command found{.name = "chain found",
                .summary = "Write down what this node founds a chain with",
                .options = {{.name = "--stake",
                             .value = "AMOUNT",
                             .help = "the validator's stake, which is its power",
                             .required = true},
                            {.name = "--balance", .value = "AMOUNT", .help = "issued to the wallet beside the stake"},
                            output_option("file to write")},
                .positionals = {{.name = "NAME", .help = "the wallet that owns the stake"}},
                .effect = Effect::write,
                .notes = kFoundNotes,
                .run = chain_found};
  for (Option& option : setting_options()) found.options.push_back(std::move(option));
  return {
      std::move(found),
      {.name = "chain genesis",
       .summary = "Make the genesis of a chain of what its founders wrote",
       .options = {{.name = "--test", .help = "a chain for tests: it has a faucet"},
                   {.name = "--set", .value = "PARAM=V", .help = "set a parameter of the chain", .repeatable = true},
                   output_option("file to write")},
       .positionals = {{.name = "CHAIN", .help = "its name: a-z, 0-9 and -, at most 32"},
                       {.name = "F", .help = "file that `chain found` wrote", .arity = Arity::some}},
       .effect = Effect::write,
       .notes = kGenesisNotes,
       .run = chain_genesis},
      {.name = "chain sign",
       .summary = "Sign a genesis as one of its founders, or a statement of `chain fork`",
       .options = {wallets::passphrase_option()},
       .positionals = {{.name = "FILE", .help = "file that `chain genesis` or `chain fork` wrote"}},
       .effect = Effect::write,
       .notes = kSignNotes,
       .run = chain_sign},
  };
}

Commands reading_commands() {
  const Option at = number_option("--at", "H", "the state after block H; the latest", 1, UINT64_MAX >> 1);
  const Positional account{.name = "NAME|ADDRESS", .help = "a wallet's name, or an address"};
  return {
      {.name = "chain status",
       .summary = "Show the chain that the node follows, and how far",
       .needs = Needs::view,
       .notes = kStatusNotes,
       .run = chain_status},
      {.name = "chain watch",
       .summary = "Print each block as it becomes final",
       .options = {number_option("--count", "N", "end after N blocks", 1, UINT64_MAX >> 1),
                   number_option("--seconds", "S", "end after S seconds", 1, 1'000'000)},
       .needs = Needs::view,
       .notes = kWatchNotes,
       .run = chain_watch},
      {.name = "chain blocks",
       .summary = "List blocks by rising height",
       .options = {number_option("--from", "H", "begin with block H; without it the newest are listed", 0,
                                 UINT64_MAX >> 1),
                   number_option("--count", "N", "end after N blocks (20)", 1, 100'000)},
       .needs = Needs::view,
       .run = chain_blocks},
      {.name = "chain block",
       .summary = "Show a block",
       .positionals = {{.name = "H|ID", .help = "its height, or its id; 0 is the genesis"}},
       .needs = Needs::view,
       .run = chain_block},
      {.name = "chain account",
       .summary = "Show an account of the chain, with a proof if it is asked for",
       .options = {{.name = "--proof", .help = "prove it by the header of the next block"}},
       .positionals = {account},
       .needs = Needs::view,
       .notes = kAccountNotes,
       .run = chain_account},
      {.name = "chain accounts",
       .summary = "List all accounts of the chain, and add them up",
       .options = {at},
       .needs = Needs::view,
       .notes = kAccountsNotes,
       .run = chain_accounts},
      {.name = "chain state",
       .summary = "Print all keys and values of the chain's state",
       .options = {at},
       .needs = Needs::view,
       .notes = kStateNotes,
       .run = chain_state},
      {.name = "chain params",
       .summary = "Show the parameters of the chain",
       .needs = Needs::view,
       .run = chain_params},
      {.name = "chain verify",
       .summary = "Run the blocks again, and compare the states",
       .options = {number_option("--from", "H", "begin after block H; 0 is the genesis (0)", 0, UINT64_MAX >> 1)},
       .needs = Needs::operate,
       .notes = kVerifyNotes,
       .run = chain_verify},
      {.name = "chain diff",
       .summary = "Compare the chain's state with that of another node",
       .positionals = {{.name = "PEER", .help = "the id of the other node: 40 hexadecimal digits"}},
       .needs = Needs::operate,
       .notes = kDiffNotes,
       .run = chain_diff},
      {.name = "chain fork",
       .summary = "Write down from which block a chain that stands still goes on",
       .options = {output_option("file to write")},
       .positionals = {{.name = "H", .help = "the height of the last block that stays"}},
       .needs = Needs::view,
       .effect = Effect::write,
       .notes = kForkNotes,
       .run = chain_fork},
      {.name = "chain resume",
       .summary = "Go on from the block of a statement that the validators have signed",
       .options = {{.name = "--yes", .help = "do not ask; needed if there are blocks to drop, and no terminal"}},
       .positionals = {{.name = "FILE", .help = "what `chain fork` wrote, and `chain sign` signed"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kResumeChainNotes,
       .run = chain_resume},
      {.name = "validator ls",
       .summary = "List the validators of the chain",
       .needs = Needs::view,
       .run = validator_list},
      {.name = "validator show",
       .summary = "Show a validator; of this node's own also what it has signed",
       .positionals = {{.name = "ID", .help = "the id of its node: 40 hexadecimal digits"}},
       .needs = Needs::view,
       .run = validator_show},
      {.name = "validator resume",
       .summary = "Let this node's validator sign again after a restore from a backup",
       .options = {number_option("--from", "H", "the first block that it may sign", 1, UINT64_MAX >> 1)},
       .positionals = {{.name = "NAME", .help = "the wallet that owns the validator's stake, or its address"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kResumeNotes,
       .run = validator_resume},
  };
}

Commands tx_commands() {
  const Positional id{.name = "ID", .help = "the id that `wallet send` printed: 64 hexadecimal digits"};
  return {
      {.name = "tx show",
       .summary = "Show a transaction, and what became of it",
       .positionals = {id},
       .needs = Needs::view,
       .run = tx_show},
      {.name = "tx wait",
       .summary = "Wait until a transaction is final",
       .options = {number_option("--seconds", "S", "wait at most S seconds (60)", 1, wallets::kWaitSecondsMax)},
       .positionals = {id},
       .needs = Needs::view,
       .notes = kTxWaitNotes,
       .run = tx_wait},
      {.name = "tx ls",
       .summary = "List the transactions of an account, the latest first",
       .options = {number_option("--limit", "N", "end after N transactions (100)", 1, UINT64_MAX >> 1)},
       .positionals = {{.name = "NAME|ADDRESS",
                        .help = "a wallet's name, or an address; without it the only wallet",
                        .arity = Arity::maybe}},
       .needs = Needs::view,
       .notes = kTxListNotes,
       .run = tx_list},
      {.name = "tx pending",
       .summary = "List the transactions that wait for a block at this node",
       .options = {number_option("--limit", "N", "end after N transactions; at most 256", 1, 256)},
       .needs = Needs::view,
       .run = tx_pending},
  };
}

}  // namespace

Commands chain_commands() {
  Commands out;
  for (Commands (*some)() : {founding_commands, reading_commands, tx_commands})
    for (Command& one : some()) out.push_back(std::move(one));
  return out;
}

}  // namespace troupe::apps
