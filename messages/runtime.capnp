@0xc96f1e7d24b8a053;
# Messages of the runtime to its actors, between actors, and of the inspector to any actor.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using import "/messages/common.capnp".Error;
$Cxx.namespace("troupe::runtime::wire");

struct ChildFailed $kind(lane = control, bytesMax = 8192) {
  # A child reports to its parent that it has failed and waits; the parent then sends Suspend, Revive or Stop.

  child @0 :UInt32;
  # The number that the parent assigned.

  error @1 :Error;
  # The exception of its handler, as `internal`.
}

struct ChildEnded $kind(lane = control, bytesMax = 64) {
  # A child reports to its parent that it ends by itself.

  child @0 :UInt32;
}

struct Suspend $kind(lane = control, bytesMax = 64) {
  # A parent orders a running child to drop its state and wait, because a sibling has failed.
}

struct Revive $kind(lane = control, bytesMax = 64) {
  # A parent orders a waiting child to build its state again from scratch and continue.
}

struct Stop $kind(lane = control, bytesMax = 64) {
  # A parent orders a child to end.

  givenUp @0 :Bool;
  # The child has failed, and is no longer restarted.

  killed @1 :Bool;
  # An operator ends it: it does not handle its waiting messages first.
}

struct AwaitReady $kind(lane = control, bytesMax = 64) {
  # Asks an actor of the same node to answer Nothing once it serves. An actor without a handler for this kind serves as
  # soon as it has started; an actor with a handler answers when it is ready. The requester sets a deadline.
}

struct Describe $kind(lane = control, from = [view, operate], bytesMax = 64) {
  # Requests an actor's state in the form of its domain. The answer has the kind that the actor's `describe` names;
  # `unsupported` if the actor has no `describe`, `unavailable` while it waits for a restart.
}

struct Portray $kind(lane = control, bytesMax = 64) {
  # The inspector of the same node requests an actor's snapshot. Answered by Portrait between two messages.

  looks @0 :Bool;
  # True: a person is watching, so the snapshot includes the actor's state, and from now on the actor keeps its recent
  # messages for a minute, if there is space. False: no code of the domain runs.
}

struct Portrait $kind(bytesMax = 1048576) {
  # Answers Portray.

  parent @0 :Text;
  # Path of the parent; empty if it has none. Set by the inspector.

  children @1 :List(Text);
  # Paths, at most 100.

  childrenInAll @2 :UInt32;
  asks @3 :List(PendingAsk);
  # Its own pending requests, and streams that it opened: the oldest 100.

  asksInAll @4 :UInt32;
  timers @5 :List(PendingTimer);
  streams @6 :UInt32;
  # Number of streams that it serves.

  streamsStarved @7 :UInt32;
  # Streams with data to write but no credit from the reader.

  incarnation @8 :UInt32;
  keptForMs @9 :UInt64;
  # How long it has kept its recent messages; zero: it does not keep them.

  messages @10 :List(PastMessage);
  # The latest first, at most 32.

  errors @11 :List(PastError);
  # The latest first, at most 8.

  p50Us @12 :UInt64;
  # Quantiles of its handlers' durations in that time, exact to a quarter of a factor of two.

  p90Us @13 :UInt64;
  p99Us @14 :UInt64;
  timed @15 :UInt64;
  # The number of handlers that were timed.

  stateKind @16 :UInt64;
  # The type id of the state; zero: this actor has no state to show, or waits for its restart.

  parentNumber @18 :UInt64;
  # CAF's number of the parent; zero: none. Paths do not show it, because children of the root have sibling paths.

  state @17 :Data;
  # The state as a message of that kind: a flat array of words with its segment table. Empty if it is larger than
  # 900,000 bytes, which would leave no space for the other fields.

  maxUs @19 :UInt64;
  histogram @20 :List(Bucket);
  # Durations of the timed handlers, shortest first; empty buckets are left out.

  watching @21 :List(UInt64);
  # CAF's numbers of the actors that it monitors; at most 100.

  watchers @22 :List(UInt64);
  # CAF's numbers of the actors that monitor it; at most 100. An actor of another node is shown as its link.

  watchersInAll @23 :UInt32;

  struct Bucket {
    belowUs @0 :UInt64;
    count @1 :UInt32;
  }
}

struct PendingAsk {
  to @0 :UInt64;
  # CAF's number of the requested actor.

  kind @1 :Text;
  sinceMs @2 :UInt64;
  dueMs @3 :Int64;
  # From now; -1: no deadline.

  stream @4 :Bool;
}

struct PendingTimer {
  name @0 :Text;
  dueMs @1 :Int64;
  # From now; 0: it runs after the current messages.
}

struct PastMessage {
  kind @0 :Text;
  from @1 :UInt64;
  # CAF's number of the sender; zero: none.

  agoMs @2 :UInt64;
  tookUs @3 :UInt64;
  bytes @4 :UInt32;
  trace @5 :UInt64;
}

struct PastError {
  agoMs @0 :UInt64;
  code @1 :UInt16;
  text @2 :Text;
}

struct Hold $kind(lane = control, bytesMax = 64) {
  # Orders an actor to handle no requests or tells, which then wait. Responses and timers still reach it.

  milliseconds @0 :UInt32;
  # After this time the actor resumes by itself.
}

struct Unhold $kind(lane = control, bytesMax = 64) {
  # Orders an actor to resume.
}

struct Restart $kind(lane = control, bytesMax = 64) {
  # Makes an actor fail, for an operator: its supervisor decides what to do, as for any failure.
}

struct LookAway $kind(lane = control, bytesMax = 64) {
  # Asks an actor to check whether its time to keep recent messages is over.
}
