@0xc216547cb0942a03;
# The ledger: what is hashed, signed and stored by it.
#
# None of these is sent as a struct. Their canonical form, without a segment table, is signed, hashed, stored, and sent
# as bytes (actors/chain/logic/canonical.hpp). Readers take no other encoding, and no field that they do not know; the
# version is raised for a new one. An empty Data or list is a null pointer. Money is in base coins, below 2^63; times
# are Unix milliseconds; keys have 32 bytes, signatures 64, hashes, addresses and ids of blocks and transactions 32,
# ids of nodes 20.

using Cxx = import "/capnp/c++.capnp";
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
