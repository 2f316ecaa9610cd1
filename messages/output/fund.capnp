@0xa84f4698bc359838;
# What `--json` prints: `troupe fund`. The rules of all outputs stand in README.md. Amounts are texts, times Unix ms.

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
  # null: there is none
  paidToday @7 :Text;
  # What counts against the cap on this UTC day.
  book @8 :Data;
  seq @9 :UInt64;
  # Of the latest entry of the fund's log.
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
  # null, as amount and category: it proposes other signers
  amount @2 :Text;
  category @3 :Text;
  reason @4 :Text;
  expires @5 :UInt64;
  signed @6 :UInt32;
  state @7 :Text;
  # open paid expired refused; of other signers done
  by @8 :Text;
  # Who has proposed it.
  proposed @9 :UInt64;
  signedBy @10 :List(Text);
  threshold @11 :UInt32;
  # Of other signers: how many would have to sign; else 0.
  signers @12 :List(Text);
  # Of other signers: who would sign.
  why @13 :Text;
  # What the ledger said when it refused.
  transfer :union {
    # That has paid it.

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
  # The first posting that counts, and the last one that the book had.
  last @4 :UInt64;
  from @5 :UInt64;
  # Time of the first posting of the account; 0: there is none.
  until @6 :UInt64;
  # Time of the last posting of the book; 0: there is none.
  head @7 :Data;
  # The hash of that posting.
  previous :union {
    # The hash of the report that this one has replaced.

    none @8 :Void;
    value @9 :Data;
  }
}

struct FundReportRow {
  # A credit or a debit of the fund's account.

  seq @0 :UInt64;
  # Of the posting.
  time @1 :UInt64;
  id @2 :Data;
  # Of the transfer.
  way @3 :Text;
  # credit debit
  account @4 :Text;
  # The other one; null: it was issued
  amount @5 :Text;
  memo @6 :Text;
  category @7 :Text;
  # Of a debit, as proposal.
  proposal @8 :Text;
  balance @9 :Text;
  # After it.
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
  # Of all bytes before this line.
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
  # Of the file.
  sha256 @2 :Data;
  # As the last line should have it.
  bad @3 :FundBadLine;
  # The first line that is wrong; null: none is.
}

struct FundBadLine {
  line @0 :UInt64;
  what @1 :Text;
}
