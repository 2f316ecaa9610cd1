// troupe chain … | validator … | tx …
#include "apps/chain/chain.hpp"

#include "apps/host/settings.hpp"
#include "apps/wallet/on_chain.hpp"

namespace troupe::apps {
namespace {

constexpr const char* kFoundNotes = R"(
what it does
  writes the node's id and keys, the wallet's address and the stake to a file, for the person who makes the genesis
  creates the directory's identity and its consensus key (DIR/validator) if they do not exist; the node may be running
  stake and balance are issued to the wallet's address when the chain begins
what it prints
  the id of the validator, which is the id of the node
)";

constexpr const char* kGenesisNotes = R"(
what it does
  makes block 0 of a chain from its founders' files (troupe chain found); each founder signs it
  (troupe chain sign FILE): the file is passed from founder to founder, and each adds a signature
  --test makes a test chain, which has a faucet; otherwise a payer needs a balance in the genesis
  a file with the same genesis is left unchanged, with its time and its signatures
parameters
  block.interval_ms block.empty_ms block.bytes block.gas block.precision_ms block.delay_ms consensus.propose_ms
  consensus.prevote_ms consensus.precommit_ms faucet.amount faucet.pot faucet.period_s stake.unbonding_s fee.base
what it prints
  the id of the chain, and the sum of all money in its genesis
exits
  5 if the file contains a different genesis with signatures
)";

constexpr const char* kSignNotes = R"(
what it does
  adds the signature of this directory's node to the file, made with its own key, its consensus key and the wallet
  that owns its stake; if two copies are signed separately, only one of them can be used
  nodes accept a genesis that founders with more than 2/3 of the stake have signed; signing it again changes nothing
  to a statement (troupe chain fork) it adds only the signature of the consensus key, one per fork: DIR/forks stores
  what this key has signed, and what `chain resume` accepted there
exits
  5 if the node is not a founder (for a statement: not a validator of its chain), if one of its keys is not here, or
  if the key is bound to another statement of that fork
)";

constexpr const char* kStatusNotes = R"(
exits
  4 if the node has no chain; a node that is behind, or without quorum, reports its last final block
)";

constexpr const char* kWatchNotes = R"(
what it prints
  a line for each new block, as it becomes final
)";

constexpr const char* kVerifyNotes = R"(
what it does
  executes all blocks after H again, and compares the state with the roots in their headers; this takes long
  the state of H must be stored: nodes store the last 1,000 heights, and can rebuild the state of the genesis
exits
  1 if a block is invalid
)";

constexpr const char* kDiffNotes = R"(
what it does
  compares the states of two nodes at the latest height that both have, and requests only the parts that differ
what it prints
  the first key that differs, in the order of `chain state`, in hexadecimal digits
exits
  1 if they differ; 4 if the node knows no node with that id; 7 if that node cannot be reached
)";

constexpr const char* kForkNotes = R"(
what it does
  writes and signs a statement that this node's block H stays, and that later blocks belong to the next fork
  if two blocks of one height became final, the chain halts: its validators agree on a block that all of them have,
  sign the statement (troupe chain sign FILE), and each node accepts it (troupe chain resume FILE)
exits
  4 if the node has no such block
  5 if the directory's node is not a validator of its chain, or has signed another statement of that fork
)";

constexpr const char* kResumeChainNotes = R"(
what it does
  drops the blocks after the block that the statement names, and resumes there; dropped transactions must be resent
  asks before it drops blocks, and names them; without a terminal it needs --yes
  linked nodes get the statement from each other
exits
  2 if blocks would be dropped, and there is neither a terminal nor --yes; 5 if the answer is not y
  4 if the node has not reached that height, or no longer stores its state; 5 if 2/3 of the stake or less have signed
  it, or the node has another block of that height
)";

constexpr const char* kAccountNotes = R"(
proof
  --proof waits for the next block, whose header names the root of the state, and checks the node's report against it
  --json prints the proof in the form of ICS-23 (SmtSpec), and the header
)";

constexpr const char* kAccountsNotes = R"(
what it prints
  the accounts in the order of their keys, and then the sums; the node stores the states of some heights
exits
  1 if the sums differ from the supply; 4 if the state of that height is not stored
)";

constexpr const char* kStateNotes = R"(
what it prints
  KEY VALUE for each leaf of the state, in hexadecimal digits: the key is a kind byte and an id, the value the
  canonical Cap'n Proto of its struct (messages/chain.capnp); in the order of SHA-256(KEY)
)";

constexpr const char* kResumeNotes = R"(
when
  a validator restored from a backup receives messages from other validators before it signs; it resumes by itself
  after guard.wait, unless validators with over 1/3 of the stake wait: then `chain status` says so, and each of their
  operators runs this command
what it does
  the node's validator, which NAME operates, signs from block H on, and nothing below; this cannot be undone
  agree on H with the other operators: above the head, and above all heights that the validator signed
exits
  4 if NAME does not operate this node's validator; 5 if it does not wait, or H is too low or more than 1,000 above
  the lowest possible height (the error names it); 7 if not all validators have responded
)";

constexpr const char* kTxWaitNotes = R"(
exits
  0 once it is final; 1 if it failed or expired; 8 if it still waits; 4 if it was not seen in that time
)";

constexpr const char* kTxListNotes = R"(
what it prints
  transactions in which the account is the sender, payer or receiver, latest first
)";

Option output_option(const char* help) { return {.name = "-o", .value = "FILE", .help = help, .alias = "--output"}; }

Commands founding_commands() {
  Command found{.name = "chain found",
                .summary = "Write a founder's file for a new chain",
                .options = {{.name = "--stake",
                             .value = "AMOUNT",
                             .help = "stake of the validator, which is its voting power",
                             .required = true},
                            {.name = "--balance",
                             .value = "AMOUNT",
                             .help = "balance issued to the wallet in addition to the stake"},
                            output_option("file to write")},
                .positionals = {{.name = "NAME", .help = "wallet that owns the stake"}},
                .effect = Effect::write,
                .notes = kFoundNotes,
                .run = chain_found};
  for (Option& option : setting_options()) found.options.push_back(std::move(option));
  return {
      std::move(found),
      {.name = "chain genesis",
       .summary = "Make the genesis of a chain from its founders' files",
       .options = {{.name = "--test", .help = "make a test chain, which has a faucet"},
                   {.name = "--set", .value = "PARAM=V", .help = "parameter of the chain to set", .repeatable = true},
                   output_option("file to write")},
       .positionals = {{.name = "CHAIN", .help = "name of the chain: a-z, 0-9 and -, at most 32"},
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
  const Option at = number_option("--at", "H", "state after block H (default the latest)", 1, UINT64_MAX >> 1);
  const Positional account{.name = "NAME|ADDRESS", .help = "name of a wallet, or an address", .fields = {"address"}};
  return {
      {.name = "chain status",
       .summary = "Show the chain that the node follows, and its progress",
       .needs = Needs::view,
       .notes = kStatusNotes,
       .route = Route{.prints = {"ChainStatus"}},
       .run = chain_status},
      {.name = "chain watch",
       .summary = "Print each block as it becomes final",
       .options = {number_option("--count", "N", "stop after N blocks", 1, UINT64_MAX >> 1),
                   number_option("--seconds", "S", "stop after S seconds", 1, 1'000'000)},
       .needs = Needs::view,
       .notes = kWatchNotes,
       .route = Route{.output = Output::watch, .prints = {"ChainBlock"}},
       .run = chain_watch},
      {.name = "chain blocks",
       .summary = "List blocks in ascending order of height",
       .options = {number_option("--from", "H", "first block (default the newest blocks)", 0, UINT64_MAX >> 1),
                   number_option("--count", "N", "stop after N blocks (default 20)", 1, 100'000)},
       .needs = Needs::view,
       .route = Route{.prints = {"List(ChainBlock)"}},
       .run = chain_blocks},
      {.name = "chain block",
       .summary = "Show a block",
       .positionals = {{.name = "H|ID", .help = "height or id of the block; 0 is the genesis", .fields = {"block"}}},
       .needs = Needs::view,
       .route = Route{.prints = {"ChainBlock"}},
       .run = chain_block},
      {.name = "chain account",
       .summary = "Show an account of the chain, optionally with a proof",
       .options = {{.name = "--proof", .help = "prove it by the header of the next block"}},
       .positionals = {account},
       .needs = Needs::view,
       .notes = kAccountNotes,
       .route = Route{.prints = {"ChainAccount"}},
       .run = chain_account},
      {.name = "chain accounts",
       .summary = "List all accounts of the chain, and their sums",
       .options = {at},
       .needs = Needs::view,
       .notes = kAccountsNotes,
       .route = Route{.output = Output::lines, .prints = {"ChainAccountRow", "ChainAccountsSum"}},
       .run = chain_accounts},
      {.name = "chain state",
       .summary = "Print all keys and values of the chain's state",
       .options = {at},
       .needs = Needs::view,
       .notes = kStateNotes,
       .route = Route{.output = Output::lines, .prints = {"ChainLeaf"}},
       .run = chain_state},
      {.name = "chain params",
       .summary = "Show the parameters of the chain",
       .needs = Needs::view,
       .route = Route{.prints = {"ChainParams"}},
       .run = chain_params},
      {.name = "chain verify",
       .summary = "Execute the blocks again, and compare the states",
       .options = {number_option("--from", "H", "begin after block H; 0 is the genesis (default 0)", 0,
                                 UINT64_MAX >> 1)},
       .needs = Needs::operate,
       .notes = kVerifyNotes,
       .route = Route{.prints = {"ChainVerified"}},
       .run = chain_verify},
      {.name = "chain diff",
       .summary = "Compare the chain's state with another node's state",
       .positionals = {{.name = "PEER", .help = "id of the other node: 40 hexadecimal digits"}},
       .needs = Needs::operate,
       .notes = kDiffNotes,
       .route = Route{.prints = {"ChainDiff"}},
       .run = chain_diff},
      {.name = "chain fork",
       .summary = "Write a statement that names the block from which a halted chain resumes",
       .options = {output_option("file to write")},
       .positionals = {{.name = "H", .help = "height of the last block that stays"}},
       .needs = Needs::view,
       .effect = Effect::write,
       .notes = kForkNotes,
       .run = chain_fork},
      {.name = "chain resume",
       .summary = "Resume a halted chain from the block of a signed statement",
       .options = {{.name = "--yes", .help = "do not ask; needed without a terminal if blocks are dropped"}},
       .positionals = {{.name = "FILE", .help = "statement that `chain fork` wrote and `chain sign` signed"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kResumeChainNotes,
       .run = chain_resume},
      {.name = "validator ls",
       .summary = "List the validators of the chain",
       .needs = Needs::view,
       .route = Route{.prints = {"List(Validator)"}},
       .run = validator_list},
      {.name = "validator show",
       .summary = "Show a validator; for this node's validator also its signed votes",
       .positionals = {{.name = "ID", .help = "id of its node: 40 hexadecimal digits"}},
       .needs = Needs::view,
       .route = Route{.prints = {"Validator"}},
       .run = validator_show},
      {.name = "validator resume",
       .summary = "Let this node's validator sign again after a restore from a backup",
       .options = {number_option("--from", "H", "first block that it may sign", 1, UINT64_MAX >> 1)},
       .positionals = {{.name = "NAME", .help = "wallet that owns the validator's stake, or its address"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kResumeNotes,
       .run = validator_resume},
  };
}

Commands tx_commands() {
  const Positional id{.name = "ID", .help = "id that `wallet send` printed: 64 hexadecimal digits"};
  return {
      {.name = "tx show",
       .summary = "Show a transaction and its result",
       .positionals = {id},
       .needs = Needs::view,
       .route = Route{.prints = {"Transaction"}},
       .run = tx_show},
      {.name = "tx wait",
       .summary = "Wait until a transaction is final",
       .options = {number_option("--seconds", "S", "longest wait in seconds (default 60)", 1,
                                 wallets::kWaitSecondsMax)},
       .positionals = {id},
       .needs = Needs::view,
       .notes = kTxWaitNotes,
       .route = Route{.prints = {"Transaction"}},
       .run = tx_wait},
      {.name = "tx ls",
       .summary = "List the transactions of an account, latest first",
       .options = {number_option("--limit", "N", "stop after N transactions (default 100)", 1, UINT64_MAX >> 1)},
       .positionals = {{.name = "NAME|ADDRESS",
                        .help = "name of a wallet, or an address (default the only wallet)",
                        .arity = Arity::maybe,
                        .fields = {"address"}}},
       .needs = Needs::view,
       .notes = kTxListNotes,
       .route = Route{.prints = {"List(Transaction)"}},
       .run = tx_list},
      {.name = "tx pending",
       .summary = "List the transactions that wait for a block at this node",
       .options = {number_option("--limit", "N", "stop after N transactions, at most 256", 1, 256)},
       .needs = Needs::view,
       .route = Route{.prints = {"List(Transaction)"}},
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
