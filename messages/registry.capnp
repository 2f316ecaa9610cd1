@0xc49c76e0cb248c25;
# The registry of nodes: what nodes report about themselves, and what their watchers (monitors) have observed.
#
# Terms. A node's watchers are the five nodes nearest to its id. Registrations and heartbeats are bytes that their node
# has signed (actors/registry/logic). A vouch is an attestation by a judge, the attester.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::registry::wire");

# --- between nodes, at /registry -----------------------------------------------------------------------------------

struct Beat $kind(from = [peer, operate], bytesMax = 512, datagram = true) {
  # A node reports to a watcher that it is alive; an operator may report that for any node. Answered by BeatNoted; a
  # repeated request gets the same answer. Errors: `refused` (another node's heartbeat, a wrong date, more than one per
  # period), `malformed`, `overloaded`.

  heartbeat @0 :Data;
}

struct BeatNoted $kind(from = [peer, operate], bytesMax = 64) {
  # The answer to Beat.

  registration @0 :UInt64;
  # The sequence of the registration at the watcher. 0: none.
  vouchedMs @1 :UInt64;
  # The date of the newest vouch for the node at the watcher. 0: none.
}

struct OfferRegistration $kind(from = [peer, operate], bytesMax = 8192, datagram = true) {
  # A node sends its registration and its vouches to a watcher that has no registration or an older registration.
  # Answered by BeatNoted. Errors as for Beat.

  registration @0 :Data;
  vouches @1 :List(Data);
  # At most 4, which replace the watcher's vouches for the node; actors/registry/logic/vouch.hpp.
}

struct HandVouch $kind(from = [peer], bytesMax = 512) {
  # A judge sends a node the vouch that the judge has signed for the node. Answered by VouchTaken; a repeated request
  # gets the same answer. Errors: `refused` (a vouch for another node or by another judge, a wrong date), `malformed`,
  # `overloaded` (the node has 4 vouches that are newer than half a day).

  vouch @0 :Data;
}

struct VouchTaken $kind(from = [peer], bytesMax = 64) {
  # The answer to HandVouch: the node will show the vouch to its watchers.
}

struct PullBeat $kind(from = [peer], bytesMax = 128, datagram = true) {
  # A watcher requests a late heartbeat from the node. Answered by PulledBeat; `unavailable` if the node has made no
  # heartbeat yet.

  registration @0 :UInt64;
  # The sequence that the watcher has.
}

struct PulledBeat $kind(from = [peer], bytesMax = 8192) {
  # The answer to PullBeat.

  heartbeat @0 :Data;
  registration @1 :Data;
  # Empty: the requester has it.
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
  # At most 128, and about 128 KiB, by ascending id; includes nodes that have removed themselves from the list.
  more @1 :Bool;
}

struct WatchedRow {
  registration @0 :Data;
  # Never empty.
  heartbeat @1 :Data;
  # The last heartbeat.
  status @2 :Status;
  # This watcher's judgement.
  heardMs @3 :UInt64;
  # Time since the last heartbeat arrived.
  unheard @4 :Bool;
  # Whether no heartbeat has arrived since this watcher started: the data is then older, and the start counts as the
  # last arrival.
  vouches @5 :List(Data);
  # Shown by the node, at most 4.
  site @6 :Data;
  # The address group from which the node's heartbeats arrive, 16 bytes. Empty: the watcher's own group, or unknown.
}

enum Status {
  healthy @0;
  unhealthy @1;
  # It reports that it is overloaded.
  offline @2;
  # Three heartbeats were missed.
}

struct GetHistory $kind(from = [peer], bytesMax = 128, datagram = true) {
  # Requests a watcher's observations of a node. Answered by History, which is empty without observations.

  node @0 :Data;
}

struct History $kind(from = [peer], bytesMax = 1048576) {
  # The answer to GetHistory.

  blocks @0 :List(Data);
  # In order of time: actors/registry/logic/history.hpp. At most 1 MiB less 64 KiB: the newest.
}

struct GetUptime $kind(from = [peer], bytesMax = 128, datagram = true) {
  # Asks a watcher to sign a node's uptime. Answered by UptimeIs; `not_found` if it has never heard from that node.

  node @0 :Data;
  from @1 :UInt32;
  # First hour, counted in Unix time.
  until @2 :UInt32;
  # Exclusive.
  sited @3 :Bool;
  # The requester can also read bytes with an address group.
}

struct UptimeIs $kind(from = [peer], bytesMax = 512) {
  # The answer to GetUptime.

  uptime @0 :Data;
  # actors/registry/logic/uptime.hpp
}

# --- operators -----------------------------------------------------------------------------------------------------

struct ListNodes $kind(from = [view, operate], bytesMax = 64) {
  # Requests all registered nodes. Answered by a stream of NodeRows, which ends once the whole key space was searched.
}

struct ViewNode $kind(from = [view, operate], bytesMax = 128) {
  # Requests one node. Answered by a stream as for ListNodes: a row, or `not_found`; `unavailable` if no node could be
  # asked.

  node @0 :Data;
  history @1 :Bool;
  uptimeFrom @2 :UInt32;
  uptimeUntil @3 :UInt32;
  # Hours, as in GetUptime. Both 0: no uptime requested.
}

struct NodeRows $kind(from = [view, operate], bytesMax = 1048576, whenFull = credit) {
  # A part of the answer to ListNodes or ViewNode.

  rows @0 :List(NodeRow);
  # At most 128.
  asked @1 :UInt32;
  # Nodes that were asked for this part.
  answered @2 :UInt32;
  blocks @3 :List(Data);
  # For ViewNode: as in History.
  uptimes @4 :List(Data);
  # For ViewNode: statements signed by its watchers, each as in UptimeIs.
}

struct NodeRow {
  registration @0 :Data;
  heartbeat @1 :Data;
  # The newest heartbeat that any of its watchers has.
  status @2 :Status;
  # The judgement of most of its watchers.
  heardMs @3 :UInt64;
  watchers @4 :UInt8;
  # Number of watchers with a judgement. 0: this node's own knowledge.
  unheard @5 :Bool;
  # No watcher has received a heartbeat of the node since the watcher started.
  verifiedUntilMs @6 :UInt64;
  # Unix ms until which the node counts as verified at this node. 0: it does not count as verified.
  site @7 :Data;
  # The address group to which this node attributes the node, 16 bytes (actors/registry/logic/sweep.hpp). Empty: no
  # other node has named one.
}

struct Register $kind(from = [operate], bytesMax = 8192) {
  # Adds capabilities to this node's registration or sets its price, and adds the node to the list. Answered by
  # Registered once the change is durable at this node. Errors: `refused` (too many capabilities), `conflict` (the
  # request id was used with other content), `malformed`.

  capabilities @0 :Data;
  # actors/registry/logic/capability.hpp
  price @1 :UInt64;
  # 0: unchanged.
  request @2 :Text;
  payTo @3 :Data;
  # An account for payments, 32 bytes; empty: unchanged.
}

struct Unregister $kind(from = [operate], bytesMax = 256) {
  # Removes this node from the list, until Register. Answered by Registered.

  request @0 :Text;
}

struct Registered $kind(from = [operate], bytesMax = 8192) {
  # The answer to Register and Unregister.

  node @0 :Data;
  registration @1 :Data;
}

struct GetOwnRegistration $kind(bytesMax = 64) {
  # Requests this node's own registration. Answered by Registered.
}

struct FollowOwnRegistration $kind(bytesMax = 64) {
  # Subscribes the sender to OwnRegistrationChanged for some minutes.
}

struct OwnRegistrationChanged $kind(bytesMax = 64) {
  # Notifies a follower that this node's registration has changed.
}

struct MeasuredOf $kind(bytesMax = 8192) {
  # Another domain of this node reports the node's capabilities. This replaces its earlier report.

  domain @0 :Text;
  capabilities @1 :Data;
}

struct NoteFinding $kind(bytesMax = 256) {
  # Another domain reports to `/registry/list` that this node has checked another node. Answered by FindingNoted.

  node @0 :Data;
  right @1 :Bool;
  seed @2 :Data;
  rounds @3 :UInt64;
  answer @4 :Data;
  # The correct answer.
}

struct FindingNoted $kind(bytesMax = 512) {
  # The answer to NoteFinding.

  vouch @0 :Data;
  # Signed; empty if the answer was wrong.
}

struct RegistryState $kind(from = [view, operate], bytesMax = 1024) {
  # The inspector's view of `/registry`.

  registered @0 :Bool;
  sequence @1 :UInt64;
  # Sequence of its registration.
  watchers @2 :UInt8;
  # Watchers of this node that have accepted its last heartbeat.
  watched @3 :UInt32;
  # Nodes that this node watches.
  beats @4 :UInt64;
  # Received heartbeats, since the start.
  refused @5 :UInt64;
  pulls @6 :UInt64;
  # Requests for late heartbeats.
}

struct RegistryListState $kind(from = [view, operate], bytesMax = 256) {
  # The inspector's view of `/registry/list`.

  sweeps @0 :UInt32;
  # Lists in progress.
  at @1 :Text;
  # The point of the key space that the first of these lists has reached.
}
