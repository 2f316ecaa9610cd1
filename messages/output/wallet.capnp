@0xbc6f307533570510;
# Output of `troupe wallet --json`. README.md has the rules of all outputs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct Wallet {
  # `wallet new`, `restore`, `show` and `export`.

  name @0 :Text;
  account @1 :Text;
  # The address, "tro1…".
  publicKey @2 :Data;
  words @3 :Text;
  # Only for `new` and `export`.
}

struct WalletPolicy {
  # `wallet multisig create`, and `wallet show` of such an account.

  name @0 :Text;
  account @1 :Text;
  threshold @2 :UInt32;
  signers @3 :List(Text);
}

struct WalletAccounts {
  # `wallet ls`.

  rows @0 :List(WalletAccount);
}

struct WalletAccount {
  account @0 :Text;
  name @1 :Text;
  # null: the account does not belong to the caller.
  kind @2 :Text;
  # key multisig node escrow fund airdrop
  balance @3 :Text;
  # The spendable amount.
  held @4 :Text;
  # The amount in open escrows; not in `balance`.
}

struct WalletBalance {
  # `wallet balance`.

  account @0 :Text;
  balance @1 :Text;
}

struct WalletOwn {
  # `wallet own`.

  account @0 :Text;
  balance @1 :Text;
  daily @2 :Text;
  # The maximum that the node itself spends per UTC day.
  spent @3 :Text;
  # How much of `daily` is spent.
  waiting @4 :UInt32;
  # Number of payments that wait for their turn.
}

struct WalletSent {
  # `wallet send` and `wallet issue`; with --from one line for each line of the file.

  id @0 :Data;
  # Id of the transfer.
  state @1 :Text;
  # final
}

struct WalletRequest {
  # On standard error, before the first line of `wallet send --from` without --request is paid.

  request @0 :Text;
  # Pass it with `--request` to continue the list after an interruption.
}

struct WalletPosting {
  # A line of `wallet history`: a credit from or to the account.

  id @0 :Data;
  time @1 :UInt64;
  from @2 :Text;
  # null: the money was issued
  to @3 :Text;
  amount @4 :Text;
  memo @5 :Text;
  state @6 :Text;
  sequence @7 :UInt64;
}

struct WalletAudit {
  # `wallet audit`.

  accounts @0 :UInt64;
  postings @1 :UInt64;
  issued @2 :Text;
  sum @3 :Text;
  mismatches @4 :List(Text);
  # Accounts whose stored row differs.
  brokenAt :union {
    # The first wrong posting.

    none @5 :Void;
    value @6 :UInt64;
  }
  broken @7 :Text;
  # What is wrong with it.
  issuers @8 :List(WalletIssuer);
}

struct WalletIssuer {
  account @0 :Text;
  amount @1 :Text;
}

struct WalletProposals {
  # `wallet multisig ls`.

  rows @0 :List(WalletProposal);
}

struct WalletProposal {
  # `wallet multisig propose` and `sign`.

  id @0 :Data;
  # Id of the transfer.
  account @1 :Text;
  to @2 :Text;
  amount @3 :Text;
  memo @4 :Text;
  signed @5 :UInt32;
  threshold @6 :UInt32;
  expires @7 :UInt64;
  state @8 :Text;
  # open paid expired
}
