@0xc96f1e7d24b8a053;
# What the runtime says to its own actors, what they ask each other, and what the inspector asks any of them.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using import "/messages/common.capnp".Error;
$Cxx.namespace("troupe::runtime::wire");

struct ChildFailed $kind(lane = control, bytesMax = 8192) {
  # A child tells its parent that it has broken and waits; the parent answers with Suspend, Revive or Stop.

  child @0 :UInt32;
  # The number that the parent gave it.

  error @1 :Error;
  # What its handler threw, as `internal`.
}

struct ChildEnded $kind(lane = control, bytesMax = 64) {
  # A child tells its parent that it ends by its own will.

  child @0 :UInt32;
}

struct Suspend $kind(lane = control, bytesMax = 64) {
  # A parent's word to a running child: drop your state and wait. Its siblings' failure concerns it.
}

struct Revive $kind(lane = control, bytesMax = 64) {
  # A parent's word to a waiting child: build your state anew and go on.
}

struct Stop $kind(lane = control, bytesMax = 64) {
  # A parent's word to a child: end, for good.
}

struct AwaitReady $kind(lane = control, bytesMax = 64) {
  # Asks an actor of the same node to answer Nothing once it serves. One that says nothing else about it serves as soon as
  # it has started; one with a handler for this kind keeps the answer back until then. Whoever waits names a deadline.
}

struct Describe $kind(lane = control, from = [view, operate], bytesMax = 64) {
  # Asks any actor for its state as its domain shows it. The answer is of the kind that the actor's
  # `describe` names; `unsupported` if it has none, `unavailable` while it waits for a restart.
}
