@0xaf99b53901e875d8;
# Output of `troupe audit --json`. README.md has the rules of all outputs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct AuditRecord {
  # A record of `audit ls`; the list has them in order.

  seq @0 :UInt64;
  time @1 :UInt64;
  # Unix ms.
  key @2 :Text;
  # The id of an API key, "token", an operator's key in hexadecimal, "local" or "node"; null: the key was unknown.
  address @3 :Text;
  command @4 :Text;
  name @5 :Text;
  purpose @6 :Text;
  status @7 :UInt32;
  rule @8 :Text;
  hash @9 :Data;
  prev @10 :Data;
}

struct AuditRecords {
  rows @0 :List(AuditRecord);
}

struct AuditVerified {
  # `audit verify`.

  records @0 :UInt64;
  from @1 :UInt64;
  # The oldest record that is kept.
  ok @2 :Bool;
  badSeq :union {
    none @3 :Void;
    value @4 :UInt64;
    # The first record that was changed or removed.
  }
}
