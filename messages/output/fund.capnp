@0xa84f4698bc359838;
# Output of `troupe fund --json`. README.md has the rules of all outputs. Amounts are texts, times Unix ms.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct Fund {
  # `fund show`.

  address @0 :Text;
  balance @1 :Text;
  threshold @2 :UInt32;
  signers @3 :List(Text);
  proposals @4 :List(FundProposal);
  # The latest first.
  allocations @5 :List(FundAllocation);
  dailyCap @6 :Text;
  # null: no cap
  paidToday @7 :Text;
  # Payments that count towards the cap on this UTC day.
  book @8 :Data;
  seq @9 :UInt64;
  # Sequence of the latest entry of the fund's log.
  head @10 :Data;
  # Its hash.
}

struct FundAllocation {
  category @0 :Text;
  spent @1 :Text;
  payments @2 :UInt64;
}

struct FundProposals {
  # `fund ls`.

  rows @0 :List(FundProposal);
}

struct FundProposal {
  # Also `fund propose` and `fund sign`.

  id @0 :Data;
  to @1 :Text;
  # null, like amount and category, if the proposal is for new signers
  amount @2 :Text;
  category @3 :Text;
  reason @4 :Text;
  expires @5 :UInt64;
  signed @6 :UInt32;
  state @7 :Text;
  # open paid expired refused; for new signers also done
  by @8 :Text;
  # Its proposer.
  proposed @9 :UInt64;
  signedBy @10 :List(Text);
  threshold @11 :UInt32;
  # For new signers: how many of them must sign a payment; otherwise 0.
  signers @12 :List(Text);
  # For new signers: the proposed signers.
  why @13 :Text;
  # The ledger's reason for the refusal.
  transfer :union {
    # The transfer that paid it.

    none @14 :Void;
    value @15 :Data;
  }
}

struct FundReportHead {
  # The first line of `fund report`.

  report @0 :UInt32;
  # The version of this format: 1.
  book @1 :Data;
  account @2 :Text;
  first @3 :UInt64;
  # `first` is the first posting that counts; `last` is the ledger's last posting.
  last @4 :UInt64;
  from @5 :UInt64;
  # Time of the account's first posting; 0: none.
  until @6 :UInt64;
  # Time of the ledger's last posting; 0: none.
  head @7 :Data;
  # The hash of the posting `last`.
  previous :union {
    # The hash of the report that this report has replaced.

    none @8 :Void;
    value @9 :Data;
  }
}

struct FundReportRow {
  # A credit or a debit of the fund's account.

  seq @0 :UInt64;
  # Sequence of the posting.
  time @1 :UInt64;
  id @2 :Data;
  # Id of the transfer.
  way @3 :Text;
  # credit debit
  account @4 :Text;
  # The other account; null if the money was issued
  amount @5 :Text;
  memo @6 :Text;
  category @7 :Text;
  # `category` and `proposal` only for a debit.
  proposal @8 :Text;
  balance @9 :Text;
  # Balance after this posting.
}

struct FundReportSums {
  # The line before the last.

  credits @0 :Text;
  debits @1 :Text;
  balance @2 :Text;
  allocations @3 :List(FundAllocation);
}

struct FundReportEnd {
  # The last line.

  sha256 @0 :Data;
  # SHA-256 of all bytes before this line.
}

struct FundReportWritten {
  # `fund report -o F`.

  file @0 :Text;
  sha256 @1 :Data;
  rows @2 :UInt64;
}

struct FundVerified {
  # `fund verify`.

  file @0 :Text;
  lines @1 :UInt64;
  # Lines of the file.
  sha256 @2 :Data;
  # The hash that the last line should have.
  bad @3 :FundBadLine;
  # The first wrong line; null: none.
}

struct FundBadLine {
  line @0 :UInt64;
  what @1 :Text;
}
