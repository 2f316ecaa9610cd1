@0xc49c76e0cb248c25;
# The registry of nodes: what nodes say of themselves, and what their watchers heard.
#
# Words. A node's watchers are the five nodes nearest to its id. Registrations and heartbeats are bytes that their node
# has signed (actors/registry/logic).

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::registry::wire");

# --- between nodes, at /registry -----------------------------------------------------------------------------------

struct Beat $kind(from = [peer, operate], bytesMax = 512, datagram = true) {
  # A node tells a watcher that it lives; an operator may tell it of any node. Answered by BeatNoted; the same again is
  # answered alike. Errors: `refused` (of another node, a wrong date, more than one a period), `malformed`, `overloaded`.

  heartbeat @0 :Data;
}

struct BeatNoted $kind(from = [peer, operate], bytesMax = 64) {
  # The answer to Beat.

  registration @0 :UInt64;
  # The sequence of the registration that the watcher has. 0: it has none.
  vouchedMs @1 :UInt64;
  # The date of the newest vouch that it has of the node. 0: it has none.
}

struct OfferRegistration $kind(from = [peer, operate], bytesMax = 8192, datagram = true) {
  # A node shows its registration to a watcher that has none, or an older one, and the vouches that it has. Answered by
  # BeatNoted. Errors as of Beat.

  registration @0 :Data;
  vouches @1 :List(Data);
  # At most 4, in place of those that the watcher has; actors/registry/logic/vouch.hpp.
}

struct HandVouch $kind(from = [peer], bytesMax = 512) {
  # A judge hands a node the vouch that it has signed for it. Answered by VouchTaken; the same again is answered alike.
  # Errors: `refused` (of another node or judge, a wrong date), `malformed`, `overloaded` (it has 4 that are newer than
  # half a day).

  vouch @0 :Data;
}

struct VouchTaken $kind(from = [peer], bytesMax = 64) {
  # The answer to HandVouch: the node shows it to its watchers.
}

struct PullBeat $kind(from = [peer], bytesMax = 128, datagram = true) {
  # A watcher asks a node whose heartbeat is late. Answered by PulledBeat; `unavailable` if it has made none yet.

  registration @0 :UInt64;
  # The sequence that the watcher has.
}

struct PulledBeat $kind(from = [peer], bytesMax = 8192) {
  # The answer to PullBeat.

  heartbeat @0 :Data;
  registration @1 :Data;
  # Empty: the asker has it.
}

struct ListWatched $kind(from = [peer], bytesMax = 128, datagram = true) {
  # Asks a node which nodes it watches in a part of the key space. Answered by WatchedPage.

  prefix @0 :Data;
  # 20 bytes, of which the first `bits` count.
  bits @1 :UInt8;
  behind @2 :Data;
  # The page starts after this id; empty: at the first.
}

struct WatchedPage $kind(from = [peer], bytesMax = 1048576) {
  # The answer to ListWatched.

  rows @0 :List(WatchedRow);
  # At most 128, and about 128 KiB, by rising id; also of nodes that have taken themselves off the list.
  more @1 :Bool;
}

struct WatchedRow {
  registration @0 :Data;
  # Never empty.
  heartbeat @1 :Data;
  # The last one.
  status @2 :Status;
  # As this watcher judges.
  heardMs @3 :UInt64;
  # How long ago it came.
  unheard @4 :Bool;
  # Not since this watcher started: what it says of it is old, and it counts as heard at the start.
  vouches @5 :List(Data);
  # That the node has shown, at most 4.
  site @6 :Data;
  # The address group that the watcher hears it from, 16 bytes. Empty: of itself, or it does not know.
}

enum Status {
  healthy @0;
  unhealthy @1;
  # It says of itself that it has too much to do.
  offline @2;
  # Three heartbeats were missed.
}

struct GetHistory $kind(from = [peer], bytesMax = 128, datagram = true) {
  # Asks a watcher what it has heard of a node. Answered by History; empty if it has heard nothing.

  node @0 :Data;
}

struct History $kind(from = [peer], bytesMax = 1048576) {
  # The answer to GetHistory.

  blocks @0 :List(Data);
  # In the order of time: actors/registry/logic/history.hpp. At most 1 MiB less 64 KiB: the newest.
}

struct GetUptime $kind(from = [peer], bytesMax = 128, datagram = true) {
  # Asks a watcher to sign for how long a node was there. Answered by UptimeIs; `not_found` if it has not heard of that node.

  node @0 :Data;
  from @1 :UInt32;
  # Hours of Unix time.
  until @2 :UInt32;
  # Not one of them.
  sited @3 :Bool;
  # The asker reads bytes with a site, too.
}

struct UptimeIs $kind(from = [peer], bytesMax = 512) {
  # The answer to GetUptime.

  uptime @0 :Data;
  # actors/registry/logic/uptime.hpp
}

# --- operators -----------------------------------------------------------------------------------------------------

struct ListNodes $kind(from = [view, operate], bytesMax = 64) {
  # Asks for all registered nodes. Answered by a stream of NodeRows; it ends once the key space was swept.
}

struct ViewNode $kind(from = [view, operate], bytesMax = 128) {
  # Asks for one node. Answered by the stream as of ListNodes: a row, or `not_found`; `unavailable` if none could be asked.

  node @0 :Data;
  history @1 :Bool;
  uptimeFrom @2 :UInt32;
  uptimeUntil @3 :UInt32;
  # Hours, as in GetUptime. Both 0: it is not asked for.
}

struct NodeRows $kind(from = [view, operate], bytesMax = 1048576, whenFull = credit) {
  # A part of an answer.

  rows @0 :List(NodeRow);
  # At most 128.
  asked @1 :UInt32;
  # Nodes that were asked for this part.
  answered @2 :UInt32;
  blocks @3 :List(Data);
  # Of ViewNode: as in History.
  uptimes @4 :List(Data);
  # Of ViewNode: what its watchers have signed, each as in UptimeIs.
}

struct NodeRow {
  registration @0 :Data;
  heartbeat @1 :Data;
  # The newest that any of its watchers has.
  status @2 :Status;
  # Of most of its watchers.
  heardMs @3 :UInt64;
  watchers @4 :UInt8;
  # Which have judged. 0: this node knows of itself.
  unheard @5 :Bool;
  # By no watcher since that one started.
  verifiedUntilMs @6 :UInt64;
  # It counts as verified at this node until then, in Unix ms. 0: it does not.
  site @7 :Data;
  # The address group that counts as its own here, 16 bytes (actors/registry/logic/sweep.hpp). Empty: no other node
  # names it.
}

struct Register $kind(from = [operate], bytesMax = 8192) {
  # Adds capabilities to this node's registration, or sets its price, and puts it on the list. Answered by Registered
  # once the change is durable here. Errors: `refused` (as many capabilities as may be), `conflict` (the request had
  # other content), `malformed`.

  capabilities @0 :Data;
  # actors/registry/logic/capability.hpp
  price @1 :UInt64;
  # 0: as it is.
  request @2 :Text;
  payTo @3 :Data;
  # An account of money, 32 bytes; empty: as it is.
}

struct Unregister $kind(from = [operate], bytesMax = 256) {
  # Takes this node off the list, until Register. Answered by Registered.

  request @0 :Text;
}

struct Registered $kind(from = [operate], bytesMax = 8192) {
  # The answer to Register and Unregister.

  node @0 :Data;
  registration @1 :Data;
}

struct GetOwnRegistration $kind(bytesMax = 64) {
  # What this node tells of itself. Answered by Registered.
}

struct FollowOwnRegistration $kind(bytesMax = 64) {
  # The sender will be told OwnRegistrationChanged for some minutes.
}

struct OwnRegistrationChanged $kind(bytesMax = 64) {
  # Tells a follower that this node says something else of itself.
}

struct MeasuredOf $kind(bytesMax = 8192) {
  # Another domain of this node tells what the node can do, until it tells anew: in place of what it told before.

  domain @0 :Text;
  capabilities @1 :Data;
}

struct NoteFinding $kind(bytesMax = 256) {
  # To `/registry/list`: this node has checked another one. Answered by FindingNoted.

  node @0 :Data;
  right @1 :Bool;
  seed @2 :Data;
  rounds @3 :UInt64;
  answer @4 :Data;
  # The right one.
}

struct FindingNoted $kind(bytesMax = 512) {
  # The answer to NoteFinding.

  vouch @0 :Data;
  # Signed; empty if the answer was wrong.
}

struct RegistryState $kind(from = [view, operate], bytesMax = 1024) {
  # What the inspector shows of `/registry`.

  registered @0 :Bool;
  sequence @1 :UInt64;
  # Of its registration.
  watchers @2 :UInt8;
  # Of this node, that have taken its last heartbeat.
  watched @3 :UInt32;
  # Nodes that this node watches.
  beats @4 :UInt64;
  # That came, since the start.
  refused @5 :UInt64;
  pulls @6 :UInt64;
  # Questions for heartbeats that were late.
}

struct RegistryListState $kind(from = [view, operate], bytesMax = 256) {
  # What the inspector shows of `/registry/list`.

  sweeps @0 :UInt32;
  # Lists that are being made.
  at @1 :Text;
  # The point of the key space that the first of them has reached.
}
