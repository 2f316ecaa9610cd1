@0xa41c7be90d35f682;
# Messages of `troupe bench` and of the runtime's tests. Meaningless outside both.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::bench::wire");

struct Number $kind(from = [peer], bytesMax = 256, datagram = true) {
  # A number that the receiver counts or returns.

  value @0 :UInt64;
}

struct Latest $kind(bytesMax = 256, whenFull = keepLatest) {
  # A number; only the newest matters.

  value @0 :UInt64;
}

struct Parcel $kind(from = [peer], bytesMax = 1048832, datagram = true) {
  # Bytes as payload.

  number @0 :UInt64;
  data @1 :Data;
  # At most 1 MiB.
}

struct Order $kind(from = [peer], bytesMax = 256) {
  # Requests a stream of `count` parcels of `bytes` bytes each; or, sent before the parcels, announces them.

  count @0 :UInt64;
  bytes @1 :UInt32;
}

struct Count $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Requests the number of messages that have arrived so far. It is queued after earlier tells.
}

struct Counted $kind(from = [peer], bytesMax = 256) {
  # The answer to Count.

  count @0 :UInt64;
}
