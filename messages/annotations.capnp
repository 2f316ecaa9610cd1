@0xd8f2b3a94c6e1705;
# The properties of each kind of message. The table of kinds (messages/kinds.hpp) is generated from them.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::messages::wire");

enum Lane {
  # The mailbox queue in which a message waits.

  normal @0;
  control @1;
  # The reserved lane: handled before all normal messages and never refused.
}

enum Role {
  # The sender of a message; each kind lists the roles that may send it.

  inside @0;
  # Actors of the same node. Every kind may be sent inside; a kind with only this role never crosses a link.
  peer @1;
  # Another node.
  view @2;
  # An operator who may view.
  operate @3;
  # An operator who may change things. Does not include `view`: name both.
}

enum WhenFull {
  # What happens to a tell above the receiver's limit. A request above it is always answered `overloaded`.

  dropNewest @0;
  # The new message is dropped and counted.
  keepLatest @1;
  # Each sender has one slot per kind: a newer message replaces the waiting message.
  credit @2;
  # The kind is sent only as an item of a stream, whose credit limits it.
}

struct Kind {
  lane @0 :Lane;
  from @1 :List(Role);
  # Empty means only `inside`.

  bytesMax @2 :UInt32 = 65536;
  # Largest message in bytes, counted over its words; larger messages are `malformed`. At most `net.frame_bytes_max`.

  whenFull @3 :WhenFull;

  datagram @4 :Bool;
  # Whether another node may send this kind by datagram, without a link. Such a request may run twice, and its sender is
  # less accountable than over a link. For requests that are small, cheap and harmless when repeated.
}

annotation kind @0xe1a5c0d37b924f68 (struct) :Kind;
# Marks a struct that is sent as a message. A struct without it can only be a part of a message.
