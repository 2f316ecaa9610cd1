@0x8aeb17f97fb437e4;
# Output of `troupe dht --json`. README.md has the rules of all outputs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct DhtPut {
  # `dht put` and `dht provide`.

  key @0 :Text;
  # In the form that `dht get` accepts: /kv/KEY, /cid/DIGEST or /pk/ID. For provide: the content id.

  sequence @1 :UInt64;
  # For kv; otherwise 0.
  stored @2 :UInt32;
  asked @3 :UInt32;
  # `stored` of the `asked` nodes have stored it.
  search @4 :DhtSearch;
}

struct DhtSearch {
  # The course of a search.

  ending @0 :Text;
  asked @1 :UInt32;
  unanswered @2 :UInt32;
  hops @3 :UInt32;
  tookMs @4 :Float64;
  questions @5 :List(DhtQuestion);
  refused @6 :List(DhtRefused);
  # Only with --explain.
}

struct DhtQuestion {
  node @0 :Data;
  address @1 :Text;
  path @2 :UInt32;
  depth @3 :UInt32;
  sharedBits @4 :UInt32;
  # Leading bits that its id shares with the key.
  namedBy @5 :Data;
  chosen @6 :Text;
  fate @7 :Text;
  tookMs @8 :Float64;
  sequence :union {
    none @9 :Void;
    value @10 :UInt64;
    # The sequence of the value that the node has.
  }
  contacts @11 :UInt32;
}

struct DhtRefused {
  node @0 :Data;
  namedBy @1 :Data;
  why @2 :Text;
}

struct DhtValue {
  # `dht get`, and a line of `dht listen`.

  key @0 :Text;
  value @1 :Text;
  # Null if the value is invalid UTF-8, or sealed; valueHex has every value. With --explain both are null if no value
  # was found.
  valueHex @2 :Data;
  bytes @3 :UInt64;
  sealed @4 :Bool;
  # Sealed for other readers: the value is the sealed container.
  owner @5 :Data;
  # Public key; null except for kv.
  name @6 :Text;
  sequence @7 :UInt64;
  expires :union {
    none @8 :Void;
    value @9 :UInt64;
    # Unix seconds.
  }
  holders @10 :UInt32;
  # Number of other nodes that answered with exactly this value; 0 in `dht listen`, where the search is null.
  quorum :union {
    none @12 :Void;
    value @13 :UInt32;
    # How many replicas had to agree, fewer in a small network; null for spaces other than kv, and in `dht listen`.
  }
  agreed :union {
    none @14 :Void;
    value @15 :Bool;
    # Whether so many replicas agreed; null if `quorum` is null.
  }
  search @11 :DhtSearch;
}

struct DhtWithdrawn {
  # `dht withdraw`.

  key @0 :Text;
  # As in DhtPut.
}

struct DhtFailed {
  # A line of `dht put --from` or of `dht get` with several keys: a key that failed.

  key @0 :Text;
  # As typed.
  error @1 :DhtError;
}

struct DhtError {
  code @0 :Text;
  message @1 :Text;
}

struct DhtFound {
  # `dht find` and `dht providers`.

  target @0 :Text;
  nodes @1 :List(DhtContact);
  search @2 :DhtSearch;
}

struct DhtContact {
  # Also a line of `dht listen`.

  node @0 :Data;
  address @1 :Text;
  lastSeenS :union {
    none @2 :Void;
    value @3 :UInt64;
  }
}

struct DhtTable {
  # `dht table` is the list.

  buckets @0 :List(DhtBucket);
}

struct DhtBucket {
  bucket @0 :UInt32;
  contacts @1 :List(DhtContact);
}

struct DhtListenEnded {
  # The last line of `dht listen`, after values as in `dht get`, or providers as DhtContact.

  summary @0 :Bool;
  why @1 :Text;
  items @2 :UInt64;
}

struct DhtTrouble {
  # A line of `dht check` and `dht clean`.

  space @0 :Text;
  row @1 :Data;
  trouble @2 :Text;
}

struct DhtRow {
  # A line of `dht list`.

  space @0 :Text;
  key @1 :Text;
  # In the form that `dht get` accepts; for providers, and for objects that this node provides, the first 40 digits of
  # the content id.
  name @2 :Text;
  # Null except for kv, and if the name is not valid UTF-8.
  owner @3 :Data;
  # As in DhtValue.
  node @4 :Data;
  # The id of the provider; null in other spaces.
  sequence @5 :UInt64;
  bytes @6 :UInt64;
  expires :union {
    none @7 :Void;
    value @8 :UInt64;
    # Unix seconds.
  }
}

struct DhtListed {
  # The last line of `dht list`.

  summary @0 :Bool;
  rows @1 :UInt64;
  bytes @2 :UInt64;
  # Bytes of values.
}

struct DhtAudited {
  # The last line of `dht check` and `dht clean`.

  summary @0 :Bool;
  rows @1 :UInt64;
  bytes @2 :UInt64;
  expired @3 :UInt64;
  troubles @4 :UInt64;
  removed @5 :UInt64;
  removedBytes @6 :UInt64;
  spaces @7 :List(DhtSpace);
}

struct DhtSpace {
  space @0 :Text;
  rows @1 :UInt64;
  bytes @2 :UInt64;
  expired @3 :UInt64;
  troubles @4 :UInt64;
  removed @5 :UInt64;
  removedBytes @6 :UInt64;
}
