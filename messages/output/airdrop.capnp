@0xb3f6b8a0c9d14e72;
# Output of `troupe airdrop --json`. README.md has the rules of all outputs. Amounts are texts, times Unix ms.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct AirdropShown {
  # `airdrop show`, `airdrop check`.

  airdrop @0 :Data;
  # null for a file
  state @1 :Text;
  # created published paying paid returning returned; null for a file
  pool @2 :Text;
  paid @3 :Text;
  recipients @4 :List(AirdropRecipient);
  owner @5 :Text;
  address @6 :Text;
  # The account that holds the pool.
  created @7 :UInt64;
  objectionsUntil :union {
    none @8 :Void;
    value @9 :UInt64;
  }
  why @10 :Text;
  # Why the pool was returned.
}

struct AirdropRecipient {
  node @0 :Text;
  # For an airdrop to a list of accounts: the address.
  to @1 :Text;
  amount @2 :Text;
  state @3 :Text;
  # waiting objected struck paid none returned
  evidence @4 :AirdropEvidence;
  objections @5 :List(AirdropObjection);
  decided @6 :Text;
  # strike keep
}

struct AirdropEvidence {
  kind @0 :Text;
  # list
  weight @1 :UInt64;
}

struct AirdropObjection {
  by @0 :Text;
  reason @1 :Text;
  time @2 :UInt64;
}

struct AirdropSummary {
  # A row of `airdrop ls`; `airdrop create`, `airdrop run`.

  airdrop @0 :Data;
  state @1 :Text;
  pool @2 :Text;
  paid @3 :Text;
  recipients @4 :UInt32;
  owner @5 :Text;
  objectionsUntil :union {
    none @6 :Void;
    value @7 :UInt64;
  }
}

struct AirdropSummaries {
  # `airdrop ls`.

  rows @0 :List(AirdropSummary);
}

struct AirdropObjected {
  # `airdrop object`.

  airdrop @0 :Data;
  recipient @1 :AirdropRecipient;
}

struct AirdropVerified {
  # `airdrop verify`.

  airdrop @0 :Data;
  ok @1 :Bool;
  recipients @2 :UInt32;
  struck @3 :UInt32;
  paid @4 :Text;
  transfers @5 :UInt64;
  bad @6 :Text;
  # The first difference.
}
