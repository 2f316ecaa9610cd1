@0x945d5ed95e48dfde;
# Output of `troupe registry --json`. README.md has the rules of all outputs. Amounts are texts, times Unix ms, shares
# thousandths.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct RegistryRow {
  # A row of `registry ls`; a line of `registry ls --watch`.

  node @0 :Data;
  status @1 :Text;
  # healthy unhealthy offline; with --watch also gone: the node is no longer in the lists
  capabilities @2 :Capabilities;
  price @3 :Text;
  # Per core and hour; null: the node takes no money.
  heartbeatAgeS :union {
    none @4 :Void;
    value @5 :UInt64;
  }
  owner @6 :Data;
  reputation @7 :UInt32;
  # In points, by the requested node's records.
  verified @8 :Bool;
  # Whether the node has answered checks correctly in the last 24 h, as far as the requested node knows.
}

struct Capabilities {
  # Printed as an object.

  entries @0 :List(Entry);

  struct Entry {
    name @0 :Text;
    value :union {
      flag @1 :Bool;
      number @2 :UInt64;
      text @3 :Text;
      texts @4 :List(Text);
    }
  }
}

struct RegistryRows {
  rows @0 :List(RegistryRow);
}

struct RegistryView {
  # `registry view`: the fields of RegistryRow, and more.

  node @0 :Data;
  status @1 :Text;
  capabilities @2 :Capabilities;
  price @3 :Text;
  heartbeatAgeS :union {
    none @4 :Void;
    value @5 :UInt64;
  }
  owner @6 :Data;
  address @7 :Text;
  # null: it cannot be dialled
  version @8 :Text;
  registered @9 :UInt64;
  # The time of the registration.
  upS @10 :UInt64;
  watchers @11 :UInt32;
  # Number of watchers with a judgement.
  history @12 :List(RegistrySample);
  reputation @13 :UInt32;
  verified @14 :Bool;
}

struct RegistrySample {
  time @0 :UInt64;
  status @1 :Text;
  load @2 :UInt32;
  memory @3 :UInt32;
  cpu @4 :UInt32;
  success :union {
    none @5 :Void;
    value @6 :UInt32;
  }
  upS @7 :UInt64;
}

struct RegistryOwn {
  # `registry register`, `registry unregister`.

  node @0 :Data;
  registered @1 :Bool;
  capabilities @2 :Capabilities;
  price @3 :Text;
}
