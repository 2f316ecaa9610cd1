@0xb7c4e2f80d5a9163;
# Structs that several domains use.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::messages::wire");

struct Error $kind(from = [peer, view, operate], bytesMax = 4096) {
  # An error (runtime/base/error.hpp). Answers a request, or ends a stream.

  code @0 :UInt16;
  # 1 to 13: the table in messages/README.md. A code unknown to the reader counts as `internal`.

  message @1 :Text;
  # For people: at most 1024 bytes, which the sender ensures. The program that prints the message escapes control
  # characters.

  retryAfterMs @2 :UInt32;
  # Zero: the sender does not suggest a time.
}

struct Nothing $kind(from = [peer, view, operate], bytesMax = 64) {
  # The response that only says "done".
}

struct Contact {
  # A node's address and the proof of its id, in 56 fixed bytes without pointers, so that 20 contacts fit into a
  # datagram. The id is not sent: the reader computes it from key and nonce, and refuses an id without the required
  # work.

  key0 @0 :UInt64;
  key1 @1 :UInt64;
  key2 @2 :UInt64;
  key3 @3 :UInt64;
  # The 32 bytes of the Ed25519 key, each word little-endian.

  address0 @4 :UInt64;
  address1 @5 :UInt64;
  # The 16 bytes of the IPv6 address, IPv4 in its mapped form; each word little-endian.

  port @6 :UInt16;
  # The same for TCP and UDP; never 0.

  flags @7 :UInt16;
  # No flag is defined: senders send zero, and receivers ignore other values.

  nonce @8 :UInt32;
  # The work nonce of the id.
}
