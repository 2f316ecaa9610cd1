@0xf7adc857c3c21968;
# Output of `troupe peers --json`. README.md has the rules of all outputs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

enum Direction {
  out @0;
  # This node dialled.
  in @1;
  none @2;
  # No link.
}

struct Peers {
  rows @0 :List(Peer);
}

struct Peer {
  node @0 :Data;
  address @1 :Text;
  state @2 :Text;
  rttMs :union {
    none @3 :Void;
    value @4 :Float64;
  }
  direction @5 :Direction;
  sent @6 :UInt64;
  received @7 :UInt64;
  # Bytes since the link began.

  score @8 :UInt32;
  # Points for violations; at 100 the peer is banned.
  bannedForMs :union {
    none @9 :Void;
    value @10 :UInt64;
  }
  lastHeardMs :union {
    # Time since the node last received from it; null: never.
    none @11 :Void;
    value @12 :UInt64;
  }
}

struct Link {
  # `peers connect`, `peers drop`, `peers forget` and `peers pardon`.

  node @0 :Data;
  address @1 :Text;
  # The dialled address; null except for `connect`.
}
