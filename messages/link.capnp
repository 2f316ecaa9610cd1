@0xc5f1d7a2093b6e84;
# The first messages of both ends of a link, in HELLO and PROOF frames of lane 1, whose other fields and path are empty
# (messages/README.md, "A link"). Both structs have a fixed size and no pointers, so a reader need not follow or limit
# anything.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using import "/messages/annotations.capnp".Role;
$Cxx.namespace("troupe::net::wire");

struct Hello $kind(lane = control, from = [peer, view, operate], bytesMax = 960) {
  # The sender's identity and versions. The first frame of each side; both Proofs sign its bytes.

  key0 @0 :UInt64;
  key1 @1 :UInt64;
  key2 @2 :UInt64;
  key3 @3 :UInt64;
  # The 32 bytes of the sender's Ed25519 key, each word little-endian.

  nonce @4 :UInt32;
  # The work nonce of the sender's id. An operator's key needs no work; then it is ignored.

  versionMin @5 :UInt16;
  versionMax @6 :UInt16;
  # The versions of the link protocol that the sender supports, both inclusive. An empty range is `malformed`.

  schema0 @7 :UInt64;
  schema1 @8 :UInt64;
  schema2 @9 :UInt64;
  schema3 @10 :UInt64;
  # SHA-256 over the sender's schemas, each word little-endian. Only for diagnosis: a link is not refused because of a
  # difference, and zeros are allowed.

  role @11 :Role;
  # The role that the dialler requests: peer, view or operate, otherwise `malformed`. The accepting side sends `peer`.

  start @12 :UInt64;
  # The start number: random at each start of a node. A node that meets its own key with another start number knows,
  # once that key is proven, that another process uses its identity. Zero: an operator, or a program without start
  # numbers.
}

struct Proof $kind(lane = control, from = [peer, view, operate], bytesMax = 960) {
  # Proves that the sender of the Hello holds its key, for exactly this connection.

  signature0 @0 :UInt64;
  signature1 @1 :UInt64;
  signature2 @2 :UInt64;
  signature3 @3 :UInt64;
  signature4 @4 :UInt64;
  signature5 @5 :UInt64;
  signature6 @6 :UInt64;
  signature7 @7 :UInt64;
  # Ed25519 over "troupe link v1", the exporter value (EXPORTER-troupe-v1, 32 bytes), the side (one byte: 1 server,
  # 2 dialler), and the SHA-256 of the server's and of the dialler's Hello: of the whole payloads of their frames, with
  # the segment tables.
}
