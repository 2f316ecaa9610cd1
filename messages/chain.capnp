@0xc216547cb0942a03;
# The ledger: what is hashed, signed and stored by it; and, from "what nodes tell each other" on, what is asked of `/chain`.
#
# None of those before that line is sent as a struct. Their canonical form, without a segment table, is signed, hashed,
# stored, and sent as bytes (actors/chain/logic/canonical.hpp). Readers take no other encoding, and no field that they do not know; the
# version is raised for a new one. An empty Data or list is a null pointer. Money is in base coins, below 2^63; times
# are Unix milliseconds; keys have 32 bytes, signatures 64, hashes, addresses and ids of blocks and transactions 32,
# ids of nodes 20.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using Wallet = import "/messages/wallet.capnp";
$Cxx.namespace("troupe::chain::wire");

struct Transaction {
  # What its sender asks of the state. The SHA-256 of these bytes is its id; "troupe transaction v1" || chain (32) ||
  # fork (4, little-endian) || these bytes are signed.

  nonce @0 :UInt64;
  # The sender's next number: 0 is the first.

  lastHeight @1 :UInt64;
  # It is in no later block.

  gas @2 :UInt64;
  # Of a transfer and a faucet: exactly what it needs, otherwise it is refused (`gas`).

  feeMax @3 :UInt64;
  # The most that base fee and tip may be together.

  tip @4 :UInt64;
  # For the proposer of the block.

  version @5 :UInt16;
  # 1.

  chain @6 :Data;
  # The id of the genesis.

  from @7 :Data;
  # Whose nonce it takes, and whose money is moved.

  feePayer @8 :Data;
  # Pays the fee in place of the sender, and signs too. Empty: the sender pays.

  body :union {
    transfer @9 :Transfer;
    faucet @10 :Void;
    # Gives the sender `faucet.amount`. Free: fee-max and tip are 0, and there is no payer.
  }

  salt @11 :UInt64;
  # The sender chooses it at random for each request, so that two payments with equal content are two transactions.
}

struct Transfer {
  # The sender is debited, all others are credited, or nothing happens.

  credits @0 :List(Credit);
  # 1 to 64.

  reference @1 :Data;
  # Text for the receivers, up to 256 bytes of UTF-8 without C0, DEL and C1. Escape it before it is shown.
}

struct Credit {
  to0 @0 :UInt64;
  to1 @1 :UInt64;
  to2 @2 :UInt64;
  to3 @3 :UInt64;
  # The address, each word little-endian.

  amount @4 :UInt64;
  # At least 1.
}

struct Authority {
  # The policy of an address (actors/wallet/logic/policy.hpp), and who has signed by it.

  policy @0 :Data;
  approvals @1 :List(Wallet.Approval);
  # By rising key, exactly as many as the policy demands; more are `malformed`, fewer approve nothing yet.
}

struct SignedTransaction {
  content @0 :Data;
  # A Transaction, at most 4 KiB.

  from @1 :Authority;
  feePayer @2 :Authority;
  # Null if the sender pays.
}

struct Header {
  # Of a block; the SHA-256 of these bytes is the block's id. Roots are those of RFC 6962.

  height @0 :UInt64;
  # At least 1: block 0 is the genesis.

  timeMs @1 :UInt64;
  # Later than that of the parent.

  version @2 :UInt16;
  # 1.

  fork @3 :UInt32;

  proposer @4 :Data;
  # The id of its node.

  parent @5 :Data;
  # The id of the block before it; of block 1, the id of the genesis.

  transactions @6 :Data;
  # Root of the ids of the transactions.

  evidence @7 :Data;
  # Root of the pieces of evidence.

  commit @8 :Data;
  # Root of the parent's commit.

  late @9 :Data;
  # Root of the precommits for earlier heights that had not been in a block.

  blocks @10 :Data;
  # Root of the ids of all earlier blocks, the genesis first.

  validators @11 :Data;
  nextValidators @12 :Data;
  # Hashes of the validators of this height and of the next one.

  parameters @13 :Data;
  # Hash of the parameters of this height.

  state @14 :Data;
  # Root of the state after the parent.

  receipts @15 :Data;
  # Root of the receipts of the parent.
}

struct Block {
  header @0 :Data;
  # A Header.

  transactions @1 :List(Data);
  # Each a SignedTransaction, none twice.

  evidence @2 :List(Data);
  commit @3 :List(Data);
  late @4 :List(Data);
  # The entries of the header's roots of the same names: each an Evidence, by rising id of the accused, one for each;
  # the CommitHead and each CommitVote of the parent; each a SignedVote by rising height, then by rising id.
}

# --- consensus: what validators sign ------------------------------------------------------------------------------

struct Vote {
  # What a validator says in a step of a round. "troupe vote v1" || chain (32) || fork (4, little-endian) || these bytes
  # are signed.

  height @0 :UInt64;
  fork @1 :UInt32;
  round @2 :UInt32;
  step @3 :UInt8;
  # 1: prevote, 2: precommit.

  block @4 :Data;
  # The id of the block that it is for. Empty: for none.
}

struct Proposal {
  # The block that the proposer of a round wants. "troupe proposal v1" || chain (32) || fork (4, little-endian) || these
  # bytes are signed.

  height @0 :UInt64;
  fork @1 :UInt32;
  round @2 :UInt32;

  timeMs @3 :UInt64;
  # Of the block; at most 2^33 s.

  validRound @4 :UInt32;
  # The earlier round in which the block got a quorum of prevotes.

  again @5 :Bool;
  # Whether there is such a round; otherwise `validRound` is 0.

  block @6 :Data;
  # Its id.
}

struct SignedVote {
  content @0 :Data;
  # A Vote.

  validator @1 :Data;
  # The id of its node.

  signature @2 :Data;
  # By its consensus key.
}

struct SignedProposal {
  content @0 :Data;
  # A Proposal.

  validator @1 :Data;
  signature @2 :Data;
  # As in a SignedVote.
}

struct CommitHead {
  # What the votes of a commit are for.

  height @0 :UInt64;
  fork @1 :UInt32;
  round @2 :UInt32;
  block @3 :Data;
}

struct CommitVote {
  # A validator's precommit: its signature is that of the Vote which follows from the CommitHead.

  validator @0 :Data;
  signature @1 :Data;
}

struct Commit {
  # Proof that a block is final. In the next block its parts are the entries of `commit`: the head, then each vote.

  head @0 :CommitHead;
  votes @1 :List(CommitVote);
  # By rising id of the validator, at most 500.
}

struct Evidence {
  # Two contents that one validator has signed for one step of one round.

  kind @0 :UInt16;
  # 0: two SignedVotes, 1: two SignedProposals.

  first @1 :Data;
  second @2 :Data;
  # The bytes of the content of `first` come before those of `second`, so that a pair has one form.
}

struct ForkStatement {
  # Where a chain goes on that had two final blocks of one height. "troupe fork v1" || chain (32) || fork (4,
  # little-endian) || these bytes are signed.

  height @0 :UInt64;
  # The last block that stays: later ones are of this fork.

  fork @1 :UInt32;
  # At least 1, and above each fork before.

  version @2 :UInt16;
  # 1.

  block @3 :Data;
  # The id of the block of that height.
}

struct ForkSignature {
  validator @0 :Data;
  # The id of its node.

  signature @1 :Data;
  # By its consensus key.
}

struct SignedFork {
  # What `chain resume` takes. It counts with signatures of over 2/3 of the power of the validators that the state after
  # that block names.

  content @0 :Data;
  # A ForkStatement.

  signatures @1 :List(ForkSignature);
  # By rising id of the validator, at most 500.
}

# --- execution ----------------------------------------------------------------------------------------------------

struct Receipt {
  # What became of a transaction in its block.

  gas @0 :UInt64;
  burnt @1 :UInt64;
  tip @2 :UInt64;
  # What was paid: base fee and tip.

  code @3 :UInt16;
  # 0: done. Otherwise nothing was done but paying; `Outcome` in actors/chain/logic/machine.hpp.

  id @4 :Data;
  # Of the transaction.
}

# --- state: the values of the tree --------------------------------------------------------------------------------

struct Account {
  # Key: 01 || address.

  balance @0 :UInt64;
  nonce @1 :UInt64;
  # Of the next transaction.

  staked @2 :UInt64;
  unbonding @3 :UInt64;
  rewards @4 :UInt64;
  faucetMs @5 :UInt64;
  # The time of the block that gave it money from the faucet; 0: none did.
}

struct Totals {
  # Key: 02.

  supply @0 :UInt64;
  # All balances, stakes and pots. Falls with each fee that is burnt.

  burnt @1 :UInt64;
  faucetPot @2 :UInt64;
  baseFee @3 :UInt64;
  # For each gas in the next block.
}

struct Parameters {
  # Key: 03. One word for each, in the order of actors/chain/logic/parameters.hpp.

  blockIntervalMs @0 :UInt64;
  blockEmptyMs @1 :UInt64;
  blockBytes @2 :UInt64;
  blockGas @3 :UInt64;
  blockPrecisionMs @4 :UInt64;
  blockDelayMs @5 :UInt64;
  consensusProposeMs @6 :UInt64;
  consensusPrevoteMs @7 :UInt64;
  consensusPrecommitMs @8 :UInt64;
  faucetAmount @9 :UInt64;
  faucetPot @10 :UInt64;
  faucetPeriodS @11 :UInt64;
  stakeUnbondingS @12 :UInt64;
  feeBase @13 :UInt64;
}

struct BlockLog {
  # Key: 04. The ids of all blocks up to the height of the state, as the hashes at the right edge of their tree.

  size @0 :UInt64;
  roots @1 :Data;
  # 32 bytes for each bit of the size, the largest subtree first.
}

struct Validators {
  # Key: 05, those of the next height; and 06, of the one after it. The SHA-256 of these bytes stands in headers.

  validators @0 :List(Validator);
  # By rising id, 1 to 500; each id and each key once.
}

struct Validator {
  id0 @0 :UInt64;
  id1 @1 :UInt64;
  id2 @2 :UInt64;
  # The id of its node, each word little-endian; the upper half of the last one is 0.

  key0 @3 :UInt64;
  key1 @4 :UInt64;
  key2 @5 :UInt64;
  key3 @6 :UInt64;
  # With which it signs in consensus.

  power @7 :UInt64;
  # At least 1; of all together below 2^63.
}

struct Rotation {
  # Key: 07. With which the next height begins.

  priorities @0 :List(Priority);
  # In the order of the validators of the next height.
}

struct Priority {
  # 128 bits, two's complement.

  low @0 :UInt64;
  high @1 :UInt64;
}

struct Presence {
  # Key: 08. The latest heights, at most 10, and whose precommits for their blocks have been in blocks.

  heights @0 :List(Attendance);
  # One after another; the last one is that of the state.
}

struct Attendance {
  height @0 :UInt64;
  block0 @1 :UInt64;
  block1 @2 :UInt64;
  block2 @3 :UInt64;
  block3 @4 :UInt64;
  # The id of its block, each word little-endian.

  validators0 @5 :UInt64;
  validators1 @6 :UInt64;
  validators2 @7 :UInt64;
  validators3 @8 :UInt64;
  # The hash of its Validators. Key 0a || hash has those that are not the Validators of the next height.

  seats0 @9 :UInt64;
  seats1 @10 :UInt64;
  seats2 @11 :UInt64;
  seats3 @12 :UInt64;
  seats4 @13 :UInt64;
  seats5 @14 :UInt64;
  seats6 @15 :UInt64;
  seats7 @16 :UInt64;
  # Bit i of all: the precommit of its i-th validator has been in a block.
}

struct Absences {
  # Key: 09. The validators of the latest height that is 10 deep.

  absences @0 :List(Absence);
  # By rising id, at most 500.
}

struct Absence {
  id0 @0 :UInt64;
  id1 @1 :UInt64;
  id2 @2 :UInt64;
  # As in a Validator.

  since @3 :UInt64;
  # The first height that counts.

  missed @4 :UInt64;
  # Heights from there on that became 10 deep without its precommit.
}

struct Judged {
  # Key: 0b || id of a node. What proved that this validator lies.

  height @0 :UInt64;
  # Of the block that had the evidence.

  evidence @1 :Data;
  # SHA-256 of the Evidence.
}

# --- genesis -------------------------------------------------------------------------------------------------------

struct Founder {
  # A validator from the beginning. Its id is the node's: that of `nodeKey` and `nodeNonce`.

  stake @0 :UInt64;
  nodeNonce @1 :UInt32;
  # The work nonce of the node's id.
  nodeKey @2 :Data;
  consensusKey @3 :Data;
  address @4 :Data;
  # Of the wallet that owns the stake.
}

struct Founding {
  # What `chain found` writes, for the one who writes the genesis.

  founder @0 :Founder;
  balance @1 :UInt64;
  # Issued to the founder's address beside the stake.
}

struct Balance {
  address @0 :Data;
  amount @1 :UInt64;
}

struct Genesis {
  # Block 0. The SHA-256 of these bytes is the chain's id, and the id of this block.

  timeMs @0 :UInt64;
  version @1 :UInt16;
  # 1.
  test @2 :Bool;
  # Has a faucet.
  name @3 :Data;
  # a-z, 0-9 and -, 1 to 32 of them.
  parameters @4 :Parameters;
  founders @5 :List(Founder);
  # By rising id of the node, 1 to 256.
  balances @6 :List(Balance);
  # By rising address.
}

struct GenesisSignature {
  # By the three keys of a founder, over "troupe genesis v1" || chain || fork 0 (4).

  node @0 :Data;
  # The id of its node.
  consensusSignature @1 :Data;
  nodeSignature @2 :Data;
  wallet @3 :Authority;
}

struct SignedGenesis {
  genesis @0 :Data;
  # A Genesis.
  signatures @1 :List(GenesisSignature);
  # By rising id of the node.
}

# --- what nodes tell each other, at `/chain` -----------------------------------------------------------------------
#
# All of it names the chain: what is of another one is refused, or ignored.

struct GetChainHead $kind(from = [peer], bytesMax = 128) {
  # Asks a neighbour whether it has this chain, and how far. Answered by ChainHead, which is also told later. Errors:
  # `not_found`: it has none, or another.

  chain @0 :Data;
}

struct ChainHead $kind(from = [peer], whenFull = keepLatest, bytesMax = 128) {
  # Answers GetChainHead. Told to neighbours after each block.

  chain @0 :Data;
  height @1 :UInt64;
  # Of the latest final block; 0: the genesis.
  block @2 :Data;
  # Its id.
  fork @3 :UInt32;
  # At which the sender is.
}

struct GetBlocks $kind(from = [peer], bytesMax = 128) {
  # Asks for final blocks. Answered by FinalBlocks.

  chain @0 :Data;
  from @1 :UInt64;
  # The first height, at least 1.
  countMax @2 :UInt32;
  # 0: as many as fit.
}

struct FinalBlocks $kind(from = [peer], bytesMax = 3145728) {
  # Answers GetBlocks: as many as fit, from the height asked for on. None: it does not have that one.

  rows @0 :List(FinalBlock);
}

struct FinalBlock {
  block @0 :Data;
  # A Block.
  commit @1 :List(Data);
  # The entries of its commit.
}

struct GetForks $kind(from = [peer], bytesMax = 128) {
  # Asks for the statements by which the chain went on. Answered by Forks.

  chain @0 :Data;
  from @1 :UInt32;
  # The first fork, at least 1.
}

struct Forks $kind(from = [peer], bytesMax = 1048576) {
  # Answers GetForks: as many as fit, by rising fork.

  list @0 :List(Data);
  # Each a SignedFork.
}

struct GetTreeRow $kind(from = [peer], bytesMax = 256) {
  # Asks for a row of the state after a height, to compare it. Answered by TreeRow. Errors: `not_found`: that state is
  # not kept, or has no such row.

  chain @0 :Data;
  height @1 :UInt64;
  row @2 :Data;
  # Its key (actors/chain/logic/tree_row.hpp). Empty: the one at the top.
}

struct TreeRow $kind(from = [peer], bytesMax = 540672) {
  # Answers GetTreeRow.

  root @0 :Data;
  # Of that state; 32 zero bytes: it is empty, and has no rows.
  version @1 :UInt64;
  # The height at which its top row was written.
  row @2 :Data;
  # The bytes of the row.
}

struct HaveTransactions $kind(from = [peer], bytesMax = 16384) {
  # Tells of transactions that the sender has, for those who lack them to ask for.

  chain @0 :Data;
  ids @1 :List(Data);
  # At most 256.
}

struct GetTransactions $kind(from = [peer], bytesMax = 131072) {
  # Answered by Transactions: those that are there, as many as fit.

  chain @0 :Data;
  ids @1 :List(Data);
  # At most 2048.
}

struct Transactions $kind(from = [peer], bytesMax = 2162688) {
  # Answers GetTransactions.

  list @0 :List(Data);
  # Each a SignedTransaction.
}

struct PushVote $kind(lane = control, from = [peer], bytesMax = 1024) {
  # A vote, pushed to all neighbours once.

  chain @0 :Data;
  vote @1 :Data;
  # A SignedVote.
}

struct PushProposal $kind(from = [peer], bytesMax = 2162688) {
  # A proposal and what it proposes, pushed to all neighbours once.

  chain @0 :Data;
  proposal @1 :Data;
  # A SignedProposal; empty in an answer to GetProposed.
  body @2 :ProposedBlock;
}

struct ProposedBlock {
  # A block whose transactions the receiver may have.

  header @0 :Data;
  transactions @1 :Data;
  # Their ids, 32 bytes each.
  evidence @2 :List(Data);
  commit @3 :List(Data);
  late @4 :List(Data);
}

struct GetProposed $kind(from = [peer], bytesMax = 256) {
  # Asks for a block that is voted on. Answered by PushProposal, or `not_found`.

  chain @0 :Data;
  block @1 :Data;
}

struct HeldVotes $kind(from = [peer], whenFull = keepLatest, bytesMax = 65536) {
  # What the sender holds of the height at which it is, told while nothing goes on: who has more sends it.

  chain @0 :Data;
  fork @1 :UInt32;
  height @2 :UInt64;
  round @3 :UInt32;
  rounds @4 :List(HeldRound);
  # At most 80.
}

struct HeldRound {
  round @0 :UInt32;
  proposal @1 :Bool;
  prevotes @2 :Data;
  precommits @3 :Data;
  # A bit for each validator in the order of ids, the lowest of the first byte first. Absent at the end: zeros.
}

struct GetLatestVote $kind(from = [peer], bytesMax = 128) {
  # Asks for what a validator has signed last, as far as the receiver has seen and verified it. Answered by LatestVote.
  # A validator asks the others about itself at its start. Errors: `not_found`: the receiver has another chain, or none;
  # `unavailable`: its chain is not read yet; `malformed`: no id.

  chain @0 :Data;
  validator @1 :Data;
}

struct LatestVote $kind(from = [peer], bytesMax = 1024) {
  # Answers GetLatestVote: the latest by fork, height, round and step.

  content :union {
    none @0 :Void;
    vote @1 :Data;
    # A SignedVote.
    proposal @2 :Data;
    # A SignedProposal.
  }
  waits @3 :Bool;
  # The receiver's own validator signs nothing: its guard is older than its signatures. It does not count as heard.
  height @4 :UInt64;
  # Of the receiver's latest final block.
}

# --- what operators ask of `/chain` --------------------------------------------------------------------------------
#
# Errors of all: `not_found` where this node has no chain, or of what is not there; `unavailable` before its rows are
# read. Times are Unix ms; amounts in base coins.

struct GetChainStatus $kind(from = [view, operate], bytesMax = 64) {
  # Answered by ChainStatus.
}

struct ChainStatus $kind(from = [peer, view, operate], bytesMax = 32768) {
  # Answers GetChainStatus.

  chain @0 :Data;
  name @1 :Text;
  mode @2 :Text;
  # dev test real
  height @3 :UInt64;
  id @4 :Data;
  time @5 :UInt64;
  round @6 :UInt32;
  step @7 :Text;
  # propose prevote precommit; idle: the next block is not begun yet.
  validators @8 :UInt32;
  stateRoot @9 :Data;
  # After this height: the `stateRoot` of the next block.
  target @10 :UInt64;
  # The highest height that a neighbour has told, or this one.
  blockTimeMs @11 :UInt64;
  # On average over the last blocks, at most 100.
  pending @12 :UInt64;
  baseFee @13 :UInt64;
  supply @14 :UInt64;
  quorum @15 :Bool;
  # A block was final here since the start, and the next one is not overdue.
  neighbours @16 :UInt32;
  fork @17 :UInt32;
  waits @18 :Text;
  # Why this node's validator does not sign; empty: it signs, or there is none.
  waitingPower @19 :UInt64;
  power @20 :UInt64;
  # Of the validators that have told that they wait, as this one does; and of all.
  suspects @21 :List(Data);
  # Validators that have signed two final blocks of one height, by id: the chain stands still until it is resumed.
}

struct ListBlocks $kind(from = [view, operate], bytesMax = 128) {
  # Answered by BlockInfos, ascending.

  from @0 :UInt64;
  # 0: the newest.
  count @1 :UInt32 = 20;
  # At most 100.
  id @2 :Data;
  # One block by its id, in place of `from`.
}

struct BlockInfos $kind(from = [peer, view, operate], bytesMax = 3145728) {
  # Answers ListBlocks; as many as fit.

  rows @0 :List(BlockInfo);
}

struct BlockInfo {
  header @0 :Data;
  # A Header; of block 0, the genesis, empty.
  id @1 :Data;
  height @2 :UInt64;
  time @3 :UInt64;
  transactions @4 :Data;
  # Their ids, 32 bytes each.
  evidence @5 :List(Data);
  signatures @6 :List(CommitShare);
  # Of the commit that made it final.
  absent @7 :List(Data);
  # Validators whose precommit is not in it.
  power @8 :UInt64;
  of @9 :UInt64;
  round @10 :UInt32;
  # In which it was decided.
}

struct CommitShare {
  validator @0 :Data;
  round @1 :UInt32;
}

struct GetChainAccount $kind(from = [view, operate], bytesMax = 128) {
  # Answered by ChainAccount, also for an address that is not in the state.

  address @0 :Data;
  proof @1 :Bool;
  # Waits for the block after the latest one, whose header has the root.
  waitMs @2 :UInt32 = 30000;
}

struct ChainAccount $kind(from = [peer, view, operate], bytesMax = 131072) {
  # Answers GetChainAccount.

  height @0 :UInt64;
  account @1 :Account;
  nextNonce @2 :UInt64;
  # After those that wait.
  root @3 :Data;
  header @4 :Data;
  # A Header of height + 1, whose `state` is the root. Both empty unless a proof was asked for.
  exist @5 :Existence;
  nonexist @6 :Nonexistence;
}

struct Existence {
  # As ICS-23 has it; actors/chain/logic/tree_proof.hpp.

  key @0 :Data;
  value @1 :Data;
  path @2 :List(ProofStep);
}

struct ProofStep {
  prefix @0 :Data;
  suffix @1 :Data;
}

struct Nonexistence {
  key @0 :Data;
  left @1 :Existence;
  right @2 :Existence;
  # Null: there is none.
}

struct ListState $kind(from = [view, operate], bytesMax = 256) {
  # The leaves of the state in the order of the tree, that of SHA-256(key). Answered by StateRows.

  at @0 :UInt64;
  # A height whose state is kept; 0: the latest.
  from @1 :Data;
  # SHA-256 of the first key, or empty.
}

struct StateRows $kind(from = [peer, view, operate], bytesMax = 1048576) {
  # Answers ListState: as many as fit.

  height @0 :UInt64;
  rows @1 :List(StateRow);
  more @2 :Bool;
  next @3 :Data;
  # Where to go on from.
}

struct StateRow {
  key @0 :Data;
  value @1 :Data;
}

struct GetChainParams $kind(from = [view, operate], bytesMax = 64) {
  # Answered by ChainParams.
}

struct ChainParams $kind(from = [peer, view, operate], bytesMax = 16384) {
  # Answers GetChainParams.

  height @0 :UInt64;
  rows @1 :List(ChainParam);
}

struct ChainParam {
  name @0 :Text;
  value @1 :UInt64;
}

struct SubmitTransaction $kind(from = [operate], bytesMax = 16384) {
  # Answered by TransactionInfo once it waits here; again: as the first time. Errors: `malformed`; `refused`: the state
  # does not admit it; `conflict`: its nonce is taken; `overloaded`: the pool is full, and it offers no more than the rest.

  transaction @0 :Data;
  # A SignedTransaction.
  dry @1 :Bool;
  # Only tells what would become of it.
  fresh @2 :Bool;
  # It replaces no transaction that waits: `conflict` if another transaction with its nonce waits here.
}

struct GetTransaction $kind(from = [view, operate], bytesMax = 128) {
  # Answered by TransactionInfo at once, or once it is final or expired. `not_found`: it is not known, and was not until then.

  id @0 :Data;
  waitMs @1 :UInt32;
}

struct TransactionInfo $kind(from = [peer, view, operate], bytesMax = 32768) {
  # Answers SubmitTransaction and GetTransaction.

  id @0 :Data;
  state @1 :TransactionState;
  height @2 :UInt64;
  # Of its block; 0: in none.
  index @3 :UInt32;
  receipt @4 :Data;
  # A Receipt; empty unless it is in a block.
  transaction @5 :Data;
  # A Transaction.
  time @6 :UInt64;
  # Of its block.
  confirmations @7 :UInt64;
}

enum TransactionState {
  pending @0;
  final @1;
  failed @2;
  expired @3;
}

struct ListTransactions $kind(from = [view, operate], bytesMax = 256) {
  # Those of an address, as sender, payer or receiver, the latest first; or those that wait. Answered by TransactionInfos.

  address @0 :Data;
  # Empty: those that wait here.
  before @1 :Data;
  # `next` of an answer; empty: from the latest.
  limit @2 :UInt32;
  # At most 256; 0: that many.
}

struct TransactionInfos $kind(from = [peer, view, operate], bytesMax = 2162688) {
  # Answers ListTransactions.

  rows @0 :List(TransactionInfo);
  more @1 :Bool;
  next @2 :Data;
}

struct ListValidators $kind(from = [view, operate], bytesMax = 64) {
  # Answered by ValidatorInfos.
}

struct ValidatorInfos $kind(from = [peer, view, operate], bytesMax = 524288) {
  # Answers ListValidators.

  height @0 :UInt64;
  rows @1 :List(ValidatorInfo);
  # By id.
}

struct ValidatorInfo {
  node @0 :Data;
  operator @1 :Data;
  # The address of its stake.
  power @2 :UInt64;
  missed @3 :UInt64;
  # Heights that are 10 deep without its precommit in a block, since it is a validator.
  origin @4 :Text;
  # genesis registered dev
  state @5 :Text;
  # waiting active jailed out leaving
  evidence @6 :List(Data);
  guard @7 :GuardInfo;
  # Of this node's own validator alone.
}

struct GuardInfo {
  height @0 :UInt64;
  round @1 :UInt32;
  step @2 :Text;
  refused @3 :UInt64;
  # Second votes that were not signed.
}

struct VerifyChain $kind(from = [operate], bytesMax = 64) {
  # Runs all blocks again from the one after `from`, and compares roots. Answered by ChainVerified.

  from @0 :UInt64;
}

struct ChainVerified $kind(from = [peer, view, operate], bytesMax = 256) {
  # Answers VerifyChain.

  from @0 :UInt64;
  to @1 :UInt64;
  ok @2 :Bool;
  badHeight @3 :UInt64;
}

struct ResumeValidator $kind(from = [operate], bytesMax = 64) {
  # Lets this node's validator, which waits because its guard is older than its signatures, sign again. Answered by
  # ValidatorResumed once its guard refuses all lower heights, durably. Errors: `conflict`: it does not wait;
  # `unavailable`: not all other validators have been heard; `refused`: the height is too low, or far too high.

  from @0 :UInt64;
  # The first height at which it may sign: above the head, and above all heights of its own signatures.
}

struct ValidatorResumed $kind(from = [peer, view, operate], bytesMax = 64) {
  # Answers ResumeValidator.

  height @0 :UInt64;
  # The first at which it may sign.
}

struct DiffChain $kind(from = [operate], bytesMax = 64) {
  # Compares the state of this node with that of another, at the latest height that both have. Answered by ChainDiff.
  # Errors: `corrupt`: a row that the other node gave is not the one that it had named.

  peer @0 :Data;
  # The id of the other node.
}

struct ChainDiff $kind(from = [peer, view, operate], bytesMax = 512) {
  # Answers DiffChain.

  equal @0 :Bool;
  height @1 :UInt64;
  key @2 :Data;
  # The first key in the order of the tree that only one has, or each with another value. Empty: none.
}

struct ResumeChain $kind(from = [operate], bytesMax = 65536) {
  # Goes on from a block that a statement names. Later ones are dropped. Answered by ChainResumed; again: as the first
  # time. Errors: `malformed`; `refused`: too few have signed it, or it is of an earlier fork; `conflict`: this node has
  # another block of that height; `not_found`: it has not come to that height, or does not keep its state any more.

  statement @0 :Data;
  # A SignedFork.
}

struct ChainResumed $kind(from = [peer, view, operate], bytesMax = 256) {
  # Answers ResumeChain.

  fork @0 :UInt32;
  height @1 :UInt64;
  block @2 :Data;
}

struct WatchChain $kind(from = [view, operate], bytesMax = 64) {
  # Asks for a stream of BlockInfo, as ChainBlock, from the next final block on.
}

struct ChainBlock $kind(from = [peer, view, operate], whenFull = credit, bytesMax = 262144) {
  # An item of the stream that WatchChain asks for.

  info @0 :BlockInfo;
}

# --- what `/chain` asks of `/validator` ----------------------------------------------------------------------------

struct GetGuard $kind(bytesMax = 64) {
  # Answered by GuardIs.

  blocksFrom @0 :UInt32;
  # Blocks before this one are left out.
}

struct GuardIs $kind(bytesMax = 4194304) {
  # Answers GetGuard: what is kept of the height at which the validator signed last.

  guard @0 :Data;
  key @1 :Data;
  # Of consensus; empty: this node is no validator.
  proof @2 :List(Data);
  # SignedVotes that prove the valid value.
  votes @3 :List(Data);
  # Own ones of that height.
  proposals @4 :List(Data);
  blocks @5 :List(Data);
  # Whole ones that the guard names, from `blocksFrom` on: as many as fit.
  refused @6 :UInt64;
  # Second contents that were not signed.
  blocksLeft @7 :UInt32;
  # Further ones, which do not fit.
}

struct SignContent $kind(bytesMax = 4194304) {
  # Asks for a signature of one content. Answered by SignedIs once guard, content and blocks are durable. Errors:
  # `refused`: another content of that step was signed, or a later one.

  chain @0 :Data;
  guard @1 :Data;
  # As it will be with this content.
  content :union {
    vote @2 :Data;
    proposal @3 :Data;
  }
  proof @4 :List(Data);
  # In place of earlier ones, unless empty.
  blocks @5 :List(Data);
  # Those that the guard names and the validator does not have.
}

struct SignedIs $kind(bytesMax = 256) {
  # Answers SignContent.

  signature @0 :Data;
}

struct PassGuard $kind(bytesMax = 64) {
  # Asks the validator to sign nothing up to and including a height, durably. Answered by GuardIs, with the guard as it
  # is then; one that refuses these heights already stays as it is.

  fork @0 :UInt32;
  height @1 :UInt64;
  # Below 2^63.
}

struct ChainState $kind(from = [peer, view, operate], bytesMax = 4096) {
  # What the inspector shows of `/chain`.

  height @0 :UInt64;
  round @1 :UInt32;
  step @2 :Text;
  pending @3 :UInt64;
  neighbours @4 :UInt32;
  target @5 :UInt64;
  cachedRows @6 :UInt64;
}

struct ValidatorState $kind(from = [peer, view, operate], bytesMax = 4096) {
  # What the inspector shows of `/validator`.

  signs @0 :Bool;
  height @1 :UInt64;
  round @2 :UInt32;
  step @3 :Text;
  locked @4 :Text;
  # "ID since ROUND", or "none".
  valid @5 :Text;
  refused @6 :UInt64;
}
