@0xa0da3c674dad18de;
# Output of `troupe inspect` and `troupe trace` with `--json`. README.md has the rules of all outputs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct Inspection {
  # `inspect --once`.

  node @0 :Data;
  actors @1 :List(InspectedActor);
  total @2 :UInt64;
  # Actors of the node.

  matched @3 :UInt64;
  # Actors that the filter selects; more than are listed if the limit was reached.

  tookMs @4 :Float64;
  warnings @5 :List(Text);
  # "old-message: a message waits ...": the reasons of the node's health.
}

struct InspectedActor {
  path @0 :Text;
  kind @1 :Text;
  state @2 :Text;
  # running, restarting, ending, stuck or paused.

  mailbox @3 :UInt64;
  oldestMs @4 :UInt64;
  # 0 if nothing waits.

  handled @5 :UInt64;
  perSecond @6 :Float64;
  busy @7 :Float64;
  # Share of the last second, 0 to 1.

  p99Us @8 :UInt64;
  restarts @9 :UInt32;
  lastError @10 :Text;
  # Null: none.

  perSecondMinute @11 :Float64;
  busyMinute @12 :Float64;
  refused @13 :UInt64;
  deadLetters @14 :UInt64;
  asking @15 :UInt32;
  headKind @16 :Text;
  headFrom @17 :Text;
  # Null if unknown.

  p50Us @18 :UInt64;
  maxUs @19 :UInt64;
}

struct InspectedEnds {
  # `inspect --once --ended`.

  node @0 :Data;
  ended @1 :List(InspectedEnd);
  inAll @2 :UInt64;
}

struct InspectedEnd {
  path @0 :Text;
  kind @1 :Text;
  agoMs @2 :UInt64;
  decision @3 :Text;
  code @4 :Text;
  why @5 :Text;
  lastMessage @6 :Text;
  handled @7 :UInt64;
  restarts @8 :UInt32;
}

struct InspectedOne {
  # `inspect --once PATH`.

  node @0 :Data;
  actor @1 :InspectedActor;
  silent @2 :Text;
  # Why the actor did not answer; null if it did. Otherwise all following fields except `handling` are empty.

  handling @3 :Text;
  # The message that it has been handling for a second or more.

  handlingMs @4 :UInt64;
  parent @5 :Text;
  children @6 :List(Text);
  childrenInAll @7 :UInt32;
  asks @8 :List(InspectedAsk);
  asksInAll @9 :UInt32;
  timers @10 :List(InspectedTimer);
  streams @11 :UInt32;
  streamsStarved @12 :UInt32;
  incarnation @13 :UInt32;
  keptForMs @14 :UInt64;
  messages @15 :List(InspectedMessage);
  errors @16 :List(InspectedError);
  p50Us @17 :UInt64;
  p90Us @18 :UInt64;
  p99Us @19 :UInt64;
  timed @20 :UInt64;
  stateKind @21 :Text;
  state @22 :Text;
  # One line; null if the actor shows no state.

  watching @23 :List(Text);
  # Actors that it monitors; at most 100.

  watchers @24 :List(Text);
  # Actors that monitor it; at most 100. An actor of another node is shown as its link.

  watchersInAll @25 :UInt32;
}

struct InspectedAsk {
  to @0 :Text;
  kind @1 :Text;
  sinceMs @2 :UInt64;
  dueMs :union {
    none @3 :Void;
    value @4 :UInt64;
  }
  stream @5 :Bool;
}

struct InspectedTimer {
  name @0 :Text;
  dueMs @1 :Int64;
}

struct InspectedMessage {
  kind @0 :Text;
  from @1 :Text;
  agoMs @2 :UInt64;
  tookUs @3 :UInt64;
  bytes @4 :UInt32;
  trace @5 :Text;
}

struct InspectedError {
  agoMs @0 :UInt64;
  code @1 :Text;
  text @2 :Text;
}

struct TracedMessage {
  # A line of `trace`.

  at @0 :Text;
  # 2026-01-31T12:00:00.123Z, by the node's clock.

  way @1 :Text;
  # in, out or over.

  path @2 :Text;
  other @3 :Text;
  # Null: no actor.

  kind @4 :Text;
  form @5 :Text;
  trace @6 :Text;
  # 16 hexadecimal digits; null: none.

  bytes @7 :UInt32;
  text @8 :Text;
  # The fields of the message.

  waitedUs @9 :UInt64;
  # Time in the mailbox; 0 if unknown, or if `way` is not in.

  tookUs @10 :UInt64;
  # Duration of its handler.

  span @11 :UInt32;
  # Span of the handler that sent it.

  handler @12 :UInt32;
  # The span of the handler that handled it; 0 if the message belongs to no trace.
}

struct CapturedNode {
  # `:capture` on the screens of a live node: their data about the node.

  node @0 :Text;
  name @1 :Text;
  version @2 :Text;
  health @3 :Text;
  stage @4 :Text;
  lost @5 :Text;
  # Why it could not be reached; null if it could.
  ageMs @6 :UInt64;
  # Time since it answered.
  reasons @7 :List(Text);
  # "old-message: a message waits ...".
  actors @8 :List(InspectedActor);
  actorsInAll @9 :UInt64;
  # Number of all actors, which may be more than are listed or the current view had requested.
  actor @10 :CapturedActor;
  # The actor that was open last; null if none was.
  messages @11 :List(TracedMessage);
  # From all nodes, the oldest first.
  messagesDropped @12 :UInt64;
  log @13 :List(Text);
}

struct CapturedActor {
  path @0 :Text;
  kind @1 :Text;
  state @2 :Text;
  shows @3 :Text;
  # The state that the actor shows, in one line.
  handling @4 :Text;
  parent @5 :Text;
  children @6 :List(Text);
  asks @7 :List(Text);
  # "dht.FindValue of /dht".
  timers @8 :List(Text);
  errors @9 :List(Text);
}

struct TraceEnded {
  # The last line of `trace`.

  summary @0 :Bool;
  why @1 :Text;
  messages @2 :UInt64;
  dropped @3 :UInt64;
}
