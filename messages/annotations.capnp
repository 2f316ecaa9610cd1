@0xd8f2b3a94c6e1705;
# The properties of each kind of message. The table of kinds (messages/kinds.hpp) is generated from them.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::messages::wire");

enum Lane {
  # Which queue of the mailbox a message waits in.

  normal @0;
  control @1;
  # The reserved lane: handled before all normal messages and never refused.
}

enum Role {
  # The sender of a message; each kind lists the roles that may send it.

  inside @0;
  # Actors of the same node only. Every kind may be sent inside; a kind with this role alone never crosses a link.
  peer @1;
  # Another node.
  view @2;
  # An operator who may look.
  operate @3;
  # An operator who may change things. Implies nothing about `view`: name both.
}

enum WhenFull {
  # What happens to a tell above the receiver's limit. A question above it is always answered `overloaded`.

  dropNewest @0;
  # The new message is dropped and counted.
  keepLatest @1;
  # One slot for each (sender, kind): a newer message replaces the waiting message.
  credit @2;
  # Travels only as an item of a stream, whose credit bounds it.
}

struct Kind {
  lane @0 :Lane;
  from @1 :List(Role);
  # Empty means `inside` alone.

  bytesMax @2 :UInt32 = 65536;
  # Largest message in bytes, counted over its words; more is `malformed`. At most `net.frame_bytes_max`.

  whenFull @3 :WhenFull;

  datagram @4 :Bool;
  # Whether another node may ask it by datagram, without a link. Such a question may run twice, and its sender is not
  # accountable as over a link. For questions that are small, cheap and harmless when repeated.
}

annotation kind @0xe1a5c0d37b924f68 (struct) :Kind;
# Marks a struct that is sent as a message. A struct without it can only be a part of a message.
