@0xee74d55db3200af6;
# Output of `troupe chain`, `validator` and `tx` with `--json`. README.md has the rules of all outputs. Amounts and
# powers (amounts of stake) are texts; times are Unix ms.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct ChainFounding {
  # `chain found`.

  validator @0 :Data;
  # The id of the node.
  operator @1 :Text;
  # The address that owns the stake.
  stake @2 :Text;
  balance @3 :Text;
  consensusKey @4 :Data;
  file @5 :Text;
}

struct ChainGenesis {
  # `chain genesis`.

  chain @0 :Data;
  name @1 :Text;
  supply @2 :Text;
  founders @3 :UInt32;
  file @4 :Text;
}

struct ChainSigned {
  # `chain sign`.

  chain @0 :Data;
  signed @1 :UInt32;
  # How many of `founders` have signed.
  founders @2 :UInt32;
  founded @3 :Bool;
  # Whether the signers have more than 2/3 of the stake, so that nodes accept the genesis.
}

struct ChainStatus {
  # `chain status`.

  chain @0 :Data;
  name @1 :Text;
  mode @2 :Text;
  # dev test real
  height @3 :UInt64;
  # Height of the last final block.
  id @4 :Data;
  time @5 :UInt64;
  round @6 :UInt32;
  step @7 :Text;
  # propose prevote precommit idle
  validators @8 :UInt32;
  stateRoot @9 :Data;
  # State after `height`.
  target @10 :UInt64;
  # The highest known height; equals `height` if the node has all blocks.
  blockTimeMs @11 :UInt64;
  pending @12 :UInt64;
  baseFee @13 :Text;
  supply @14 :Text;
  quorum @15 :Bool;
  neighbours @16 :UInt32;
  waits @17 :Text;
  # Why this node's validator does not sign; null: it signs, or this node has no validator.
  waitingPower @18 :Text;
  # Power of the validators that have reported that they wait, including this one.
  power @19 :Text;
  # Power of all validators.
  fork @20 :UInt32;
  # 0: the chain was never resumed from an earlier block.
  suspects @21 :List(Data);
  # Validators that have signed two final blocks of one height: the chain is halted.
}

struct ChainDiff {
  # `chain diff`.

  equal @0 :Bool;
  height @1 :UInt64;
  # The height at which both states were compared.
  key @2 :Data;
  # The first different key in the order of the tree; null: no difference.
}

struct ChainFork {
  # `chain fork`, `chain resume`, and `chain sign` of a statement.

  fork @0 :UInt32;
  height @1 :UInt64;
  # The last block that stays.
  block @2 :Data;
  signatures @3 :UInt32;
  # Validators that have signed the statement.
}

struct ChainParams {
  # `chain params`: an object.

  entries @0 :List(ChainParam);
}

struct ChainParam {
  name @0 :Text;
  value :union {
    none @1 :Void;
    number @2 :UInt64;
  }
}

struct ChainVerified {
  # `chain verify`.

  from @0 :UInt64;
  to @1 :UInt64;
  ok @2 :Bool;
  badHeight :union {
    none @3 :Void;
    value @4 :UInt64;
  }
}

struct ChainBlocks {
  # `chain blocks`, ascending.

  rows @0 :List(ChainBlock);
}

struct ChainBlock {
  # `chain block`, and a line of `chain watch`. Header fields are null for block 0, the genesis.

  height @0 :UInt64;
  id @1 :Data;
  time @2 :UInt64;
  proposer @3 :Data;
  parent @4 :Data;
  stateRoot @5 :Data;
  # State after the parent.
  txs @6 :List(Data);
  # Ids.
  evidence @7 :List(ChainEvidence);
  commit @8 :ChainCommit;
  fork :union {
    none @9 :Void;
    value @10 :UInt32;
  }
  header @11 :Data;
  # Its bytes, whose SHA-256 is `id`.
  round @12 :UInt32;
  # As in `commit`.
}

struct ChainEvidence {
  # Proof that a validator is malicious.

  validator @0 :Data;
  height @1 :UInt64;
  # Height of the content that was signed twice.
  kind @2 :Text;
  # votes proposals
}

struct ChainCommit {
  # The commit that made a block final.

  round @0 :UInt32;
  # The round of the decision.
  power @1 :Text;
  of @2 :Text;
  absent @3 :List(Data);
  # Validators whose precommit is not in the commit.
  signatures @4 :List(ChainSignature);
}

struct ChainSignature {
  validator @0 :Data;
  round @1 :UInt32;
}

struct ChainAccountAt {
  height @0 :UInt64;
  balance @1 :Text;
  nonce @2 :UInt64;
  # Nonce of the next transaction.
  staked @3 :Text;
  unbonding @4 :Text;
  rewards @5 :Text;
}

struct ChainAccount {
  # `chain account`. With --proof the remaining fields are set: they prove `account` by a header.

  address @0 :Text;
  height @1 :UInt64;
  balance @2 :Text;
  nonce @3 :UInt64;
  staked @4 :Text;
  unbonding @5 :Text;
  rewards @6 :Text;
  nextNonce @7 :UInt64;
  # The next nonce after the waiting transactions.
  faucetTime :union {
    # Time of the block in which the account last got money from the faucet.

    none @8 :Void;
    value @9 :UInt64;
  }
  account @10 :ChainAccountAt;
  root @11 :Data;
  header @12 :Data;
  # Header of the block at height + 1, which has the root.
  exist @13 :ChainExistence;
  nonexist @14 :ChainNonexistence;
  proof @15 :ChainAccountProof;
  # null without --proof; otherwise has the four fields before it again.
}

struct ChainAccountProof {
  root @0 :Data;
  header @1 :Data;
  exist @2 :ChainExistence;
  nonexist @3 :ChainNonexistence;
}

struct ChainExistence {
  # As in ICS-23's JSON, with bytes in hex.

  key @0 :Data;
  value @1 :Data;
  leaf @2 :ChainLeafOp;
  path @3 :List(ChainProofStep);
}

struct ChainLeafOp {
  # An object: hash prehash_key prehash_value length prefix.

  entries @0 :List(ChainNamed);
}

struct ChainNamed {
  name @0 :Text;
  value :union {
    none @1 :Void;
    text @2 :Text;
  }
}

struct ChainProofStep {
  prefix @0 :Data;
  suffix @1 :Data;
  hash @2 :Text;
}

struct ChainNonexistence {
  key @0 :Data;
  left @1 :ChainExistence;
  right @2 :ChainExistence;
}

struct ChainAccountRow {
  # A line of `chain accounts`.

  address @0 :Text;
  balance @1 :Text;
  staked @2 :Text;
  unbonding @3 :Text;
  rewards @4 :Text;
}

struct ChainAccountsSum {
  # The last line of `chain accounts`.

  summary @0 :Bool;
  accounts @1 :UInt64;
  balances @2 :Text;
  staked @3 :Text;
  unbonding @4 :Text;
  rewards @5 :Text;
  pots @6 :Text;
  supply @7 :Text;
  height @8 :UInt64;
}

struct ChainLeaf {
  # A line of `chain state`.

  key @0 :Data;
  value @1 :Data;
}

struct Validators {
  # `validator ls`.

  rows @0 :List(Validator);
}

struct Validator {
  # `validator show`.

  validator @0 :Data;
  # Id of its node.
  operator @1 :Text;
  # The address of its stake.
  power @2 :Text;
  missed @3 :UInt64;
  # Number of heights that are 10 deep without its precommit in a block.
  origin @4 :Text;
  # genesis registered dev
  state @5 :Text;
  # waiting active jailed out leaving
  evidence @6 :List(ChainEvidence);
  guard @7 :ValidatorGuard;
  # null, like `refused`, for another node's validator
  refused :union {
    # Number of second votes that were not signed.

    none @8 :Void;
    value @9 :UInt64;
  }
  commission @10 :UInt32;
  # The validator's part of the rewards, in thousandths; 0, because there is no delegation yet.
  jailedUntil :union {
    # Unix ms; null: it is not jailed.

    none @11 :Void;
    value @12 :UInt64;
  }
}

struct ValidatorResumed {
  # `validator resume`.

  validator @0 :Data;
  # Id of the node.
  from @1 :UInt64;
  # The first height at which it may sign.
}

struct ValidatorGuard {
  height @0 :UInt64;
  round @1 :UInt32;
  step @2 :Text;
}

struct Transactions {
  # `tx ls`, `tx pending`, and `wallet history` of a node with a chain.

  rows @0 :List(Transaction);
}

struct Transaction {
  # `tx show`, `tx wait`, and `wallet send --dry-run`.

  id @0 :Data;
  state @1 :Text;
  # pending final failed expired
  height :union {
    # Height of its block; null, like index and time, if it is in no block.

    none @2 :Void;
    value @3 :UInt64;
  }
  index :union {
    none @4 :Void;
    value @5 :UInt32;
  }
  time :union {
    none @6 :Void;
    value @7 :UInt64;
  }
  confirmations @8 :UInt64;
  kind @9 :Text;
  # transfer faucet
  from @10 :Text;
  to @11 :Text;
  # null unless there is exactly one receiver; for a faucet: the sender
  amount @12 :Text;
  # Sum of all credits; for a faucet, which has no credits: the amount that it gives.
  credits @13 :List(TransactionCredit);
  memo @14 :Text;
  nonce @15 :UInt64;
  lastHeight @16 :UInt64;
  feePayer @17 :Text;
  # null: the sender
  feeMax @18 :Text;
  fee @19 :Text;
  # The fee paid: the burnt part plus the tip; all three are null if it is in no block.
  burnt @20 :Text;
  tip @21 :Text;
  gas @22 :UInt64;
  code :union {
    # 0: done; null if it is in no block.

    none @23 :Void;
    value @24 :UInt32;
  }
  message @25 :Text;
  # Why it failed.
  events @26 :List(TransactionEvent);
  # Always empty: there are no events yet.
}

struct TransactionCredit {
  to @0 :Text;
  amount @1 :Text;
}

struct TransactionEvent {
  name @0 :Text;
}
