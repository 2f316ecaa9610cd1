@0xc216547cb0942a03;
# The ledger of a chain. The first part has the hashed, signed and stored structs; the part from "what nodes tell each
# other" on has the messages to `/chain`.
#
# No struct of the first part is sent as a struct. Its canonical form, without a segment table, is signed, hashed,
# stored, and sent as bytes (actors/chain/logic/canonical.hpp). Readers accept no other encoding and no unknown field; a
# new field needs a higher version. An empty Data or list is a null pointer. Money is in base coins, below 2^63. Times
# are Unix milliseconds. Keys have 32 bytes, signatures 64; hashes, addresses and ids of blocks and transactions 32; ids
# of nodes 20.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using Wallet = import "/messages/wallet.capnp";
$Cxx.namespace("troupe::chain::wire");

struct Transaction {
  # A sender's change of the state. The SHA-256 of these bytes is the transaction's id; "troupe transaction v1" || chain
  # (32) || fork (4, little-endian) || these bytes are signed.

  nonce @0 :UInt64;
  # The sender's next number; the first is 0.

  lastHeight @1 :UInt64;
  # No block above this height may contain the transaction.

  gas @2 :UInt64;
  # For a transfer or a faucet: exactly the required gas, otherwise the transaction is refused (`gas`).

  feeMax @3 :UInt64;
  # The most that base fee and tip may cost together.

  tip @4 :UInt64;
  # For the proposer of the block.

  version @5 :UInt16;
  # 1.

  chain @6 :Data;
  # The id of the genesis.

  from @7 :Data;
  # The account whose nonce is used and whose money is moved.

  feePayer @8 :Data;
  # The account that pays the fee instead of the sender, and signs too. Empty: the sender pays.

  body :union {
    transfer @9 :Transfer;
    faucet @10 :Void;
    # Gives the sender `faucet.amount`. It costs no fee: fee-max and tip are 0, and there is no fee payer.
  }

  salt @11 :UInt64;
  # The sender chooses it at random for each request, so that two equal payments are two transactions.
}

struct Transfer {
  # The sender is debited and all receivers are credited, or nothing happens.

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
  # The policy of an address (actors/wallet/logic/policy.hpp), and the signatures by that policy.

  policy @0 :Data;
  approvals @1 :List(Wallet.Approval);
  # By ascending key, exactly as many as the policy requires. More are `malformed`; fewer are not enough yet.
}

struct SignedTransaction {
  content @0 :Data;
  # A Transaction, at most 4 KiB.

  from @1 :Authority;
  feePayer @2 :Authority;
  # Null if the sender pays.
}

struct Header {
  # The header of a block; the SHA-256 of these bytes is the block's id. Roots are as in RFC 6962.

  height @0 :UInt64;
  # At least 1: block 0 is the genesis.

  timeMs @1 :UInt64;
  # Later than the parent's time.

  version @2 :UInt16;
  # 1.

  fork @3 :UInt32;

  proposer @4 :Data;
  # The id of its node.

  parent @5 :Data;
  # The id of the previous block; in block 1, the id of the genesis.

  transactions @6 :Data;
  # Root of the ids of the transactions.

  evidence @7 :Data;
  # Root of the pieces of evidence.

  commit @8 :Data;
  # Root of the parent's commit.

  late @9 :Data;
  # Root of the precommits for earlier heights that no earlier block has contained.

  blocks @10 :Data;
  # Root of the ids of all earlier blocks, the genesis first.

  validators @11 :Data;
  nextValidators @12 :Data;
  # Hashes of the validators of this height and of the next height.

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
  # The entries of the header's roots with the same names. `evidence`: Evidence structs by ascending id of the accused
  # validator, one per validator. `commit`: the CommitHead and each CommitVote of the parent. `late`: SignedVotes by
  # ascending height, then by ascending id of the validator.
}

# --- consensus: what validators sign ------------------------------------------------------------------------------

struct Vote {
  # A validator's vote in a step of a round. "troupe vote v1" || chain (32) || fork (4, little-endian) || these bytes
  # are signed.

  height @0 :UInt64;
  fork @1 :UInt32;
  round @2 :UInt32;
  step @3 :UInt8;
  # 1: prevote, 2: precommit.

  block @4 :Data;
  # The id of the block. Empty: no block.
}

struct Proposal {
  # The block that the proposer of a round proposes. "troupe proposal v1" || chain (32) || fork (4, little-endian) ||
  # these bytes are signed.

  height @0 :UInt64;
  fork @1 :UInt32;
  round @2 :UInt32;

  timeMs @3 :UInt64;
  # Time of the block; at most 2^33 s.

  validRound @4 :UInt32;
  # The earlier round in which the block got a quorum of prevotes.

  again @5 :Bool;
  # Whether there is such an earlier round; otherwise `validRound` is 0.

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
  # As in SignedVote.
}

struct CommitHead {
  # The block that the votes of a commit are for.

  height @0 :UInt64;
  fork @1 :UInt32;
  round @2 :UInt32;
  block @3 :Data;
}

struct CommitVote {
  # A validator's precommit: its signature is over the Vote that follows from the CommitHead.

  validator @0 :Data;
  signature @1 :Data;
}

struct Commit {
  # Proof that a block is final. The next block contains its parts as the entries of `commit`: the head, then each vote.

  head @0 :CommitHead;
  votes @1 :List(CommitVote);
  # By ascending id of the validator, at most 500.
}

struct Evidence {
  # Two contents that one validator has signed for one step of one round.

  kind @0 :UInt16;
  # 0: two SignedVotes, 1: two SignedProposals.

  first @1 :Data;
  second @2 :Data;
  # The content bytes of `first` sort before the content bytes of `second`, so that a pair has one form.
}

struct ForkStatement {
  # The block from which a chain resumes after it had two final blocks of one height. "troupe fork v1" || chain (32) ||
  # fork (4, little-endian) || these bytes are signed.

  height @0 :UInt64;
  # The last block that stays: later blocks belong to this fork.

  fork @1 :UInt32;
  # At least 1, and above every earlier fork.

  version @2 :UInt16;
  # 1.

  block @3 :Data;
  # The id of the block at that height.
}

struct ForkSignature {
  validator @0 :Data;
  # The id of its node.

  signature @1 :Data;
  # By its consensus key.
}

struct SignedFork {
  # The input of `chain resume`. It is valid with signatures of validators with more than 2/3 of the power, in the state
  # after that block.

  content @0 :Data;
  # A ForkStatement.

  signatures @1 :List(ForkSignature);
  # By ascending id of the validator, at most 500.
}

# --- execution ----------------------------------------------------------------------------------------------------

struct Receipt {
  # The result of a transaction in its block.

  gas @0 :UInt64;
  burnt @1 :UInt64;
  tip @2 :UInt64;
  # The amounts paid as base fee (`burnt`) and as tip.

  code @3 :UInt16;
  # 0: done. Otherwise only the fee was paid; see `Outcome` in actors/chain/logic/machine.hpp.

  id @4 :Data;
  # Id of the transaction.
}

# --- state: the values of the tree --------------------------------------------------------------------------------

struct Account {
  # An account. Key: 01 || address.

  balance @0 :UInt64;
  nonce @1 :UInt64;
  # Nonce of the next transaction.

  staked @2 :UInt64;
  unbonding @3 :UInt64;
  rewards @4 :UInt64;
  faucetMs @5 :UInt64;
  # Time of the block in which the account last got money from the faucet; 0: never.
}

struct Totals {
  # The totals of the chain. Key: 02.

  supply @0 :UInt64;
  # All balances, stakes and pots. Decreases with each burnt fee.

  burnt @1 :UInt64;
  faucetPot @2 :UInt64;
  baseFee @3 :UInt64;
  # Per gas in the next block.
}

struct Parameters {
  # The parameters of the chain, one word each, in the order of actors/chain/logic/parameters.hpp. Key: 03.

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
  # The ids of all blocks up to the state's height, as the hashes at the right edge of their tree. Key: 04.

  size @0 :UInt64;
  roots @1 :Data;
  # 32 bytes per set bit of the size, the largest subtree first.
}

struct Validators {
  # The validators of a height. Key: 05 for the next height, 06 for the height after it. Headers have the SHA-256 of
  # these bytes.

  validators @0 :List(Validator);
  # By ascending id, 1 to 500; each id and each key once.
}

struct Validator {
  id0 @0 :UInt64;
  id1 @1 :UInt64;
  id2 @2 :UInt64;
  # The id of its node, each word little-endian; the upper half of the last word is 0.

  key0 @3 :UInt64;
  key1 @4 :UInt64;
  key2 @5 :UInt64;
  key3 @6 :UInt64;
  # Its consensus signing key.

  power @7 :UInt64;
  # At least 1; the sum of all is below 2^63.
}

struct Rotation {
  # The rotation of proposers with which the next height begins. Key: 07.

  priorities @0 :List(Priority);
  # In the order of the validators of the next height.
}

struct Priority {
  # 128 bits, two's complement.

  low @0 :UInt64;
  high @1 :UInt64;
}

struct Presence {
  # The latest heights, at most 10, and for each the validators whose precommits for its block have been in blocks. Key:
  # 08.

  heights @0 :List(Attendance);
  # Consecutive; the last is the height of the state.
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
  # The hash of the height's Validators. If the next height has other validators, key 0a || hash has these Validators.

  seats0 @9 :UInt64;
  seats1 @10 :UInt64;
  seats2 @11 :UInt64;
  seats3 @12 :UInt64;
  seats4 @13 :UInt64;
  seats5 @14 :UInt64;
  seats6 @15 :UInt64;
  seats7 @16 :UInt64;
  # Bit i, over all words: whether the precommit of the i-th validator has been in a block.
}

struct Absences {
  # The absences of the validators of the latest height that is 10 deep. Key: 09.

  absences @0 :List(Absence);
  # By ascending id, at most 500.
}

struct Absence {
  id0 @0 :UInt64;
  id1 @1 :UInt64;
  id2 @2 :UInt64;
  # As in Validator.

  since @3 :UInt64;
  # The first height that counts.

  missed @4 :UInt64;
  # Heights from `since` on that became 10 deep without its precommit.
}

struct Judged {
  # The proof that a validator is malicious. Key: 0b || id of its node.

  height @0 :UInt64;
  # Height of the block that contains the evidence.

  evidence @1 :Data;
  # SHA-256 of the Evidence.
}

# --- genesis -------------------------------------------------------------------------------------------------------

struct Founder {
  # A validator from the beginning. Its id is the id of its node, which follows from `nodeKey` and `nodeNonce`.

  stake @0 :UInt64;
  nodeNonce @1 :UInt32;
  # The work nonce of the node's id.
  nodeKey @2 :Data;
  consensusKey @3 :Data;
  address @4 :Data;
  # Address of the wallet that owns the stake.
}

struct Founding {
  # The output of `chain found`, for the person who writes the genesis.

  founder @0 :Founder;
  balance @1 :UInt64;
  # Issued to the founder's address in addition to the stake.
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
  # Whether it is a test chain, which has a faucet.
  name @3 :Data;
  # 1 to 32 of a-z, 0-9 and -.
  parameters @4 :Parameters;
  founders @5 :List(Founder);
  # By ascending id of the node, 1 to 256.
  balances @6 :List(Balance);
  # By ascending address.
}

struct GenesisSignature {
  # Signatures by the three keys of a founder, over "troupe genesis v1" || chain || fork 0 (4).

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
  # By ascending id of the node.
}

# --- what nodes tell each other, at `/chain` -----------------------------------------------------------------------
#
# Each message names its chain. A message about another chain is refused or ignored.

struct GetChainHead $kind(from = [peer], bytesMax = 128) {
  # Asks a neighbour whether it has this chain, and up to which height. Answered by ChainHead, which is also sent after
  # each later block. Errors: `not_found`: the neighbour has no chain, or another chain.

  chain @0 :Data;
}

struct ChainHead $kind(from = [peer], whenFull = keepLatest, bytesMax = 128) {
  # Answers GetChainHead. Also sent to neighbours after each block.

  chain @0 :Data;
  height @1 :UInt64;
  # Height of the latest final block; 0: the genesis.
  block @2 :Data;
  # Its id.
  fork @3 :UInt32;
  # The sender's fork.
}

struct GetBlocks $kind(from = [peer], bytesMax = 128) {
  # Requests final blocks. Answered by FinalBlocks.

  chain @0 :Data;
  from @1 :UInt64;
  # The first height, at least 1.
  countMax @2 :UInt32;
  # 0: as many as fit.
}

struct FinalBlocks $kind(from = [peer], bytesMax = 3145728) {
  # Answers GetBlocks: as many blocks as fit, from the requested height on. Empty: the node does not have the block of
  # that height.

  rows @0 :List(FinalBlock);
}

struct FinalBlock {
  block @0 :Data;
  # A Block.
  commit @1 :List(Data);
  # The entries of the block's commit.
}

struct GetForks $kind(from = [peer], bytesMax = 128) {
  # Requests the statements by which the chain resumed. Answered by Forks.

  chain @0 :Data;
  from @1 :UInt32;
  # The first fork, at least 1.
}

struct Forks $kind(from = [peer], bytesMax = 1048576) {
  # Answers GetForks: as many statements as fit, by ascending fork.

  list @0 :List(Data);
  # Each a SignedFork.
}

struct GetTreeRow $kind(from = [peer], bytesMax = 256) {
  # Requests a row of the tree of the state after a height, to compare states. Answered by TreeRow. Errors: `not_found`:
  # that state is not stored, or has no such row.

  chain @0 :Data;
  height @1 :UInt64;
  row @2 :Data;
  # Its key (actors/chain/logic/tree_row.hpp). Empty: the top row.
}

struct TreeRow $kind(from = [peer], bytesMax = 540672) {
  # Answers GetTreeRow.

  root @0 :Data;
  # Root of that state; 32 zero bytes: the state is empty and has no rows.
  version @1 :UInt64;
  # The height at which the top row of that state was written.
  row @2 :Data;
  # The bytes of the row.
}

struct HaveTransactions $kind(from = [peer], bytesMax = 16384) {
  # Announces transactions that the sender has, so that other nodes can request them.

  chain @0 :Data;
  ids @1 :List(Data);
  # At most 256.
}

struct GetTransactions $kind(from = [peer], bytesMax = 131072) {
  # Requests transactions. Answered by Transactions: those that the node has, as many as fit.

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
  # A vote; each node pushes it once to all neighbours.

  chain @0 :Data;
  vote @1 :Data;
  # A SignedVote.
}

struct PushProposal $kind(from = [peer], bytesMax = 2162688) {
  # A proposal and its block; each node pushes them once to all neighbours.

  chain @0 :Data;
  proposal @1 :Data;
  # A SignedProposal; empty in an answer to GetProposed.
  body @2 :ProposedBlock;
}

struct ProposedBlock {
  # A block without its transactions, which the receiver may have.

  header @0 :Data;
  transactions @1 :Data;
  # Their ids, 32 bytes each.
  evidence @2 :List(Data);
  commit @3 :List(Data);
  late @4 :List(Data);
}

struct GetProposed $kind(from = [peer], bytesMax = 256) {
  # Requests a block that is being voted on. Answered by PushProposal, or `not_found`.

  chain @0 :Data;
  block @1 :Data;
}

struct HeldVotes $kind(from = [peer], whenFull = keepLatest, bytesMax = 65536) {
  # Lists the votes that the sender has for its current height, while it makes no progress: a node with further votes
  # sends them.

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
  # A bit for each validator in the order of ids, the lowest bit of the first byte first. Missing bits at the end are
  # zero.
}

struct GetLatestVote $kind(from = [peer], bytesMax = 128) {
  # Requests the latest content that a validator has signed, of all that the receiver has verified. Answered by
  # LatestVote. At its start a validator asks other nodes about itself. Errors: `not_found`: the receiver has another
  # chain, or none; `unavailable`: its chain is not loaded yet; `malformed`: invalid id.

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
  # The receiver's own validator signs nothing, because its guard is older than its signatures. The receiver then does
  # not count as having responded.
  height @4 :UInt64;
  # Height of the receiver's latest final block.
}

# --- requests of operators to `/chain` ------------------------------------------------------------------------------
#
# Errors of all these requests: `not_found` if this node has no chain, or no such item; `unavailable` before its rows
# are loaded. Times are Unix ms, amounts are in base coins.

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
  # propose prevote precommit; idle: the next block has not begun yet.
  validators @8 :UInt32;
  stateRoot @9 :Data;
  # Root of the state after this height; the next block's header has it.
  target @10 :UInt64;
  # The highest height that a neighbour has reported, or this node's height.
  blockTimeMs @11 :UInt64;
  # Average time per block, over at most the last 100 blocks.
  pending @12 :UInt64;
  baseFee @13 :UInt64;
  supply @14 :UInt64;
  quorum @15 :Bool;
  # A block has become final at this node since its start, and the next block is not overdue.
  neighbours @16 :UInt32;
  fork @17 :UInt32;
  waits @18 :Text;
  # Why this node's validator does not sign; empty: it signs, or this node has no validator.
  waitingPower @19 :UInt64;
  power @20 :UInt64;
  # `waitingPower`: total power of the validators that wait, which are this node's and those that have reported it.
  # `power`: total power of all validators.
  suspects @21 :List(Data);
  # Validators that have signed two final blocks of one height, by id: the chain is halted until it is resumed.
}

struct ListBlocks $kind(from = [view, operate], bytesMax = 128) {
  # Answered by BlockInfos, ascending.

  from @0 :UInt64;
  # 0: the newest.
  count @1 :UInt32 = 20;
  # At most 100.
  id @2 :Data;
  # One block by its id, instead of `from`.
}

struct BlockInfos $kind(from = [peer, view, operate], bytesMax = 3145728) {
  # Answers ListBlocks: as many blocks as fit.

  rows @0 :List(BlockInfo);
}

struct BlockInfo {
  header @0 :Data;
  # A Header; empty for block 0, the genesis.
  id @1 :Data;
  height @2 :UInt64;
  time @3 :UInt64;
  transactions @4 :Data;
  # Their ids, 32 bytes each.
  evidence @5 :List(Data);
  signatures @6 :List(CommitShare);
  # Signatures of the commit that made the block final.
  absent @7 :List(Data);
  # Validators whose precommit is not in that commit.
  power @8 :UInt64;
  of @9 :UInt64;
  round @10 :UInt32;
  # The round in which it was decided.
}

struct CommitShare {
  validator @0 :Data;
  round @1 :UInt32;
}

struct GetChainAccount $kind(from = [view, operate], bytesMax = 128) {
  # Answered by ChainAccount, also for an address without a state entry.

  address @0 :Data;
  proof @1 :Bool;
  # Whether to prove the account: waits for the next block, whose header has the root.
  waitMs @2 :UInt32 = 30000;
}

struct ChainAccount $kind(from = [peer, view, operate], bytesMax = 131072) {
  # Answers GetChainAccount.

  height @0 :UInt64;
  account @1 :Account;
  nextNonce @2 :UInt64;
  # The next nonce after the waiting transactions.
  root @3 :Data;
  header @4 :Data;
  # A Header of height + 1, whose `state` is the root. Header and root are empty unless a proof was requested.
  exist @5 :Existence;
  nonexist @6 :Nonexistence;
}

struct Existence {
  # As in ICS-23; actors/chain/logic/tree_proof.hpp.

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
  # Null: there is no key on that side.
}

struct ListState $kind(from = [view, operate], bytesMax = 256) {
  # The leaves of the state in the order of the tree, which is the order of SHA-256(key). Answered by StateRows.

  at @0 :UInt64;
  # A height whose state is stored; 0: the latest.
  from @1 :Data;
  # SHA-256 of the first key, or empty.
}

struct StateRows $kind(from = [peer, view, operate], bytesMax = 1048576) {
  # Answers ListState: as many as fit.

  height @0 :UInt64;
  rows @1 :List(StateRow);
  more @2 :Bool;
  next @3 :Data;
  # Where to continue.
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
  # Submits a transaction. Answered by TransactionInfo once it waits at this node; a repeated request gets the same
  # answer. Errors: `malformed`; `refused`: it is invalid in the current state; `conflict`: its nonce is in use;
  # `overloaded`: the pool is full, and its fee is not higher than another transaction's fee.

  transaction @0 :Data;
  # A SignedTransaction.
  dry @1 :Bool;
  # Only reports what the result would be.
  fresh @2 :Bool;
  # The transaction must not replace a waiting transaction: `conflict` if another transaction with its nonce waits at
  # this node.
}

struct GetTransaction $kind(from = [view, operate], bytesMax = 128) {
  # Requests a transaction. Answered by TransactionInfo: at once, or with `waitMs` once the transaction is final or has
  # expired, or the time has passed. `not_found`: the node has not seen it by then.

  id @0 :Data;
  waitMs @1 :UInt32;
}

struct TransactionInfo $kind(from = [peer, view, operate], bytesMax = 32768) {
  # Answers SubmitTransaction and GetTransaction.

  id @0 :Data;
  state @1 :TransactionState;
  height @2 :UInt64;
  # Height of its block; 0: it is in no block.
  index @3 :UInt32;
  receipt @4 :Data;
  # A Receipt; empty unless it is in a block.
  transaction @5 :Data;
  # A Transaction.
  time @6 :UInt64;
  # Time of its block.
  confirmations @7 :UInt64;
}

enum TransactionState {
  pending @0;
  final @1;
  failed @2;
  expired @3;
}

struct ListTransactions $kind(from = [view, operate], bytesMax = 256) {
  # Requests the transactions with an address as sender, payer or receiver, latest first; or the waiting transactions.
  # Answered by TransactionInfos.

  address @0 :Data;
  # Empty: the transactions that wait at this node.
  before @1 :Data;
  # `next` of a previous answer; empty: from the latest.
  limit @2 :UInt32;
  # At most 256; 0 means 256.
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
  # Number of heights, since it became a validator, that are 10 deep without its precommit in a block.
  origin @4 :Text;
  # genesis registered dev
  state @5 :Text;
  # waiting active jailed out leaving
  evidence @6 :List(Data);
  guard @7 :GuardInfo;
  # Only for this node's own validator.
}

struct GuardInfo {
  height @0 :UInt64;
  round @1 :UInt32;
  step @2 :Text;
  refused @3 :UInt64;
  # Number of second votes that were not signed.
}

struct VerifyChain $kind(from = [operate], bytesMax = 64) {
  # Executes all blocks after height `from` again, and compares the state roots. Answered by ChainVerified.

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
  # Lets this node's validator sign again after it waited because its guard is older than its signatures. Answered by
  # ValidatorResumed once the guard durably refuses all lower heights. Errors: `conflict`: the validator does not wait;
  # `unavailable`: not all other validators have responded; `refused`: the height is too low, or far too high.

  from @0 :UInt64;
  # The first height at which it may sign: above the head, and above all heights of its own signatures.
}

struct ValidatorResumed $kind(from = [peer, view, operate], bytesMax = 64) {
  # Answers ResumeValidator.

  height @0 :UInt64;
  # The first height at which it may sign.
}

struct DiffChain $kind(from = [operate], bytesMax = 64) {
  # Compares the state of this node with another node's state, at the latest height that both have. Answered by
  # ChainDiff. Errors: `corrupt`: a row from the other node does not have the hash that this node had named before.

  peer @0 :Data;
  # The id of the other node.
}

struct ChainDiff $kind(from = [peer, view, operate], bytesMax = 512) {
  # Answers DiffChain.

  equal @0 :Bool;
  height @1 :UInt64;
  key @2 :Data;
  # The first key in the order of the tree that only one node has, or that has different values. Empty: none.
}

struct ResumeChain $kind(from = [operate], bytesMax = 65536) {
  # Resumes the chain from the block that a statement names; later blocks are dropped. Answered by ChainResumed; a
  # repeated request gets the same answer. Errors: `malformed`; `refused`: too few signatures, or an earlier fork;
  # `conflict`: this node has another block at that height; `not_found`: this node has not reached that height, or no
  # longer stores its state.

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
  # Requests a stream of BlockInfo, as ChainBlock, from the next final block on.
}

struct ChainBlock $kind(from = [peer, view, operate], whenFull = credit, bytesMax = 262144) {
  # An item of the WatchChain stream.

  info @0 :BlockInfo;
}

# --- requests of `/chain` to `/validator` ----------------------------------------------------------------------------

struct GetGuard $kind(bytesMax = 64) {
  # Answered by GuardIs.

  blocksFrom @0 :UInt32;
  # Index of the first block to return.
}

struct GuardIs $kind(bytesMax = 4194304) {
  # Answers GetGuard: the stored data of the height at which the validator signed last.

  guard @0 :Data;
  key @1 :Data;
  # Consensus key; empty: this node is not a validator.
  proof @2 :List(Data);
  # SignedVotes that prove the valid value (the block with a quorum of prevotes).
  votes @3 :List(Data);
  # This validator's votes at that height.
  proposals @4 :List(Data);
  blocks @5 :List(Data);
  # Complete blocks that the guard names, from index `blocksFrom` on: as many as fit.
  refused @6 :UInt64;
  # Number of second contents that were not signed.
  blocksLeft @7 :UInt32;
  # Number of further blocks that do not fit.
}

struct SignContent $kind(bytesMax = 4194304) {
  # Requests a signature of a vote or proposal. Answered by SignedIs once guard, content and blocks are durable. Errors:
  # `refused`: different content was signed for that step, or content for a later step.

  chain @0 :Data;
  guard @1 :Data;
  # The guard including this content.
  content :union {
    vote @2 :Data;
    proposal @3 :Data;
  }
  proof @4 :List(Data);
  # Replaces earlier votes, unless empty.
  blocks @5 :List(Data);
  # Blocks that the guard names and the validator does not have.
}

struct SignedIs $kind(bytesMax = 256) {
  # Answers SignContent.

  signature @0 :Data;
}

struct PassGuard $kind(bytesMax = 64) {
  # Makes the validator refuse, durably, to sign anything up to and including a height. Answered by GuardIs, with the
  # new guard; a guard that already refuses these heights is unchanged.

  fork @0 :UInt32;
  height @1 :UInt64;
  # Below 2^63.
}

struct ChainState $kind(from = [peer, view, operate], bytesMax = 4096) {
  # The inspector's view of `/chain`.

  height @0 :UInt64;
  round @1 :UInt32;
  step @2 :Text;
  pending @3 :UInt64;
  neighbours @4 :UInt32;
  target @5 :UInt64;
  cachedRows @6 :UInt64;
}

struct ValidatorState $kind(from = [peer, view, operate], bytesMax = 4096) {
  # The inspector's view of `/validator`.

  signs @0 :Bool;
  height @1 :UInt64;
  round @2 :UInt32;
  step @3 :Text;
  locked @4 :Text;
  # "ID since ROUND", or "none".
  valid @5 :Text;
  refused @6 :UInt64;
}
