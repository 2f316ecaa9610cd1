@0xe4b7d05c1a92f386;
# Requests of operators to a node's inspector `/inspect`: lists of actors, a single actor, and messages as actors handle
# them.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using import "/messages/runtime.capnp".Portrait;
$Cxx.namespace("troupe::inspect::wire");

struct ListActors $kind(lane = control, from = [view, operate], bytesMax = 4096) {
  # Requests one screen of the node's actors. Answered by ActorRows; `malformed` with the position for a wrong filter or
  # column, `overloaded` while 16 such requests wait.

  filter @0 :Text;
  # runtime/observe/logic/filter.hpp; empty: all.

  top @1 :Text;
  # The column to sort by, largest values first; empty: by path.

  limit @2 :UInt32;
  # Maximum number of rows; zero: 1,000. At most 10,000, and fewer if long paths do not fit into one response.

  reversed @3 :Bool;
  # The order of `top` is reversed: the smallest values first, texts from the last to the first.
}

struct ActorRows $kind(from = [peer, view, operate], bytesMax = 4194304) {
  # Answers ListActors.

  node @0 :Data;
  # Id of the node: 20 bytes.

  actors @1 :List(ActorRow);
  total @2 :UInt64;
  # Actors of the node.

  matched @3 :UInt64;
  # Actors that the filter selects.

  tookUs @4 :UInt64;
  warnings @5 :List(Text);
  # Reasons of the node's health; at most 65.

  process @6 :Process;
  # Null in a simulation.
}

struct Process {
  # Resource usage of the node's process. Zero if the kernel does not report it.

  cpuMs @0 :UInt64;
  # User and system time of all threads, since the process started.

  residentBytes @1 :UInt64;
  descriptorsOpen @2 :UInt64;
  descriptorsMax @3 :UInt64;
}

struct ActorRow {
  path @0 :Text;
  kind @1 :Text;
  state @2 :Text;
  # running; restarting: it has failed and waits; ending; stuck: a message has been in its handler for a second or more.

  mailbox @3 :UInt64;
  # Number of waiting messages.

  oldestMs @4 :UInt64;
  # How long the oldest waiting message has waited at least: the mailbox marks only some messages.

  handled @5 :UInt64;
  # Messages since the actor started: requests, tells, responses and items; for links also the messages that pass.

  perSecond @6 :Float64;
  # Messages handled in the last second.

  busy @7 :Float64;
  # Share of the last second that was spent in its handlers, 0 to 1.

  p99Us @8 :UInt64;
  # 99th percentile of the duration of handlers, to a factor of two; one handler in 32 is measured.

  restarts @9 :UInt32;
  lastError @10 :Text;
  # The code of its last failure; empty: none.

  perSecondMinute @11 :Float64;
  # Per second, over about the last minute.

  busyMinute @12 :Float64;
  refused @13 :UInt64;
  # Messages that were refused because the mailbox was full.

  deadLetters @14 :UInt64;
  asking @15 :UInt32;
  # Its own requests and streams that wait for other actors.

  headKind @16 :Text;
  # The kind of the oldest message (oldestMs); empty: unknown.

  headFrom @17 :Text;
  # The sender of that message, as a path or a node; empty: unknown.

  p50Us @18 :UInt64;
  # The median, measured like p99Us.

  maxUs @19 :UInt64;
  # The maximum, measured like p99Us.
}

struct ListEnded $kind(lane = control, from = [view, operate], bytesMax = 4096) {
  # Requests the actors that have ended, the latest first. Answered by EndedRows.

  filter @0 :Text;
  # A filter that may use path, kind, handled, restarts and lastError; all other fields are zero or empty.

  limit @1 :UInt32;
  # Maximum number of rows; zero: 1,000, which is as many as are kept.
}

struct EndedRows $kind(from = [peer, view, operate], bytesMax = 1048576) {
  # Answers ListEnded.

  node @0 :Data;
  ended @1 :List(EndedRow);
  inAll @2 :UInt64;
  # Since the node started.
}

struct EndedRow {
  path @0 :Text;
  kind @1 :Text;
  agoMs @2 :UInt64;
  decision @3 :Text;
  # finished, stopped, given up, unwatched or killed (runtime/actor/ended.hpp).

  code @4 :Text;
  # The code of its failure; empty: none.

  why @5 :Text;
  lastMessage @6 :Text;
  # The kind of its last message; empty: none.

  handled @7 :UInt64;
  restarts @8 :UInt32;
}

struct LookAt $kind(lane = control, from = [view, operate], bytesMax = 512) {
  # Requests one actor. Answered by Looked; `not_found` if there is none at that path.

  path @0 :Text;
}

struct Looked $kind(from = [peer, view, operate], bytesMax = 2097152) {
  # Answers LookAt.

  node @0 :Data;
  row @1 :ActorRow;
  portrait @2 :Portrait;
  # Null if the actor did not answer within 2 s.

  handling @3 :Text;
  # If it did not answer: the kind of the message that it is handling; empty: unknown.

  handlingMs @4 :UInt64;
  # How long it has been handling that message at least.

  names @5 :List(Name);
  # Names of the actors and nodes whose numbers are in the portrait.

  schemas @6 :List(Data);
  # The types of the state (messages/kinds.hpp: schema_bytes), for a reader that does not know them.

  stateName @7 :Text;
  silent @8 :Text;
  # Why there is no portrait; empty if there is one.
}

struct Name {
  id @0 :UInt64;
  text @1 :Text;
}

struct FollowMessages $kind(lane = control, from = [view, operate], bytesMax = 4096) {
  # Requests messages as actors handle them. Answered by a stream of FollowItem that ends by itself; `malformed` for a
  # wrong pattern, or for a pattern that selects all actors without `all`; `overloaded` if there are already four such
  # streams.

  pattern @0 :Text;
  # A filter of actors; it may use path, kind, mailbox, handled and restarts.

  all @1 :Bool;
  count @2 :UInt64;
  # Maximum number of messages; zero: 100 unless `milliseconds` is set. At most 1,000,000.

  milliseconds @3 :UInt64;
  # Maximum time; zero: 10 s, or 24 h if `count` is set. At most 24 h.

  trace @4 :UInt64;
  # Only messages of this trace; zero: all messages.
}

struct FollowItem $kind(from = [peer, view, operate], bytesMax = 1048576, whenFull = credit) {
  # A part of the answer to FollowMessages.

  union {
    message @0 :FollowedMessage;
    schemas @1 :List(Data);
    # Types of the next messages.

    ended @2 :FollowEnd;
    # The last item.

    nothing @3 :Void;
    # No message has passed for a while; the stream is alive.
  }
}

struct FollowedMessage {
  unixMs @0 :UInt64;
  # When it passed the actor.

  way @1 :Way;
  path @2 :Text;
  # Path of the actor.

  other @3 :Text;
  # The sender; with `over` the receiver. A path, a node's id, or # and a number for an actor that has ended; empty:
  # none.

  kind @4 :Text;
  # Empty for a signal of a stream without words.

  kindId @5 :UInt64;
  form @6 :Form;
  trace @7 :UInt64;
  span @8 :UInt32;
  bytes @9 :UInt32;
  # Size of the whole message.

  words @10 :Data;
  # The message itself if it has at most 64 KiB, otherwise empty.

  atUs @11 :UInt64;
  # When the actor began to handle it, on the node's monotonic clock.

  waitedUs @12 :UInt64;
  # How long it was in the mailbox; zero also if that is unknown.

  tookUs @13 :UInt64;
  # How long its handler took.

  handler @14 :UInt32;
  # The span of its handler: messages that this handler sends have it as their `span`. Zero if `trace` is zero.

  enum Way {
    in @0;
    # Taken out of the mailbox.
    out @1;
    # Written to its link.
    over @2;
    # Received over its link, for another actor.
  }
  enum Form {
    message @0;
    answer @1;
    open @2;
    error @3;
    item @4;
    end @5;
    cancel @6;
    credit @7;
  }
}

struct FollowEnd {
  why @0 :Text;
  # For people.

  messages @1 :UInt64;
  # Number of messages sent.

  dropped @2 :UInt64;
  # Messages that matched, but were lost because too many waited.
}

struct ActOn $kind(lane = control, from = [operate], bytesMax = 512) {
  # An operator restarts or kills an actor. Answered by Nothing. Errors: `not_found`; `refused` for actors without which
  # the node cannot be reached or loses data (actors/inspect/logic/acts.hpp).

  path @0 :Text;
  act @1 :Act;

  enum Act {
    restart @0;
    # The actor fails, and its supervisor restarts it.
    kill @1;
    # The actor ends, and is not restarted.
  }
}

struct PauseActor $kind(lane = control, from = [operate], bytesMax = 512) {
  # Pauses an actor while the stream of PauseItem is open, at most 10 minutes: it handles no requests or tells, which
  # wait in its mailbox; responses and timers still reach it. Errors as for ActOn, and `conflict` if it is already
  # paused.

  path @0 :Text;
}

struct PauseItem $kind(from = [peer, view, operate], bytesMax = 128, whenFull = credit) {
  # An item of PauseActor: one when the pause begins, then one every 20 s. The stream ends with the pause.

  leftMs @0 :UInt64;
}

struct InspectState $kind(bytesMax = 4096) {
  # The inspector's view of itself.

  surveys @0 :UInt64;
  surveyUs @1 :UInt64;
  # Duration of the last survey.

  following @2 :UInt32;
  waiting @3 :UInt32;
  # Waiting requests for lists.

  lensBytes @4 :UInt64;
}
