@0xb19d3c52e8a0f647;
# The distributed hash table: messages between nodes, between its actors, and from operators.
#
# Terms. A key is a point of the 160-bit space of node ids. A space and a key name a record (messages/README.md, "The
# DHT", has its bytes). Ids and keys are 20 bytes, big-endian; another length is `malformed`. Requests between nodes use
# datagrams if they fit. If the response does not fit, the request uses a link.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using import "/messages/common.capnp".Contact;
using import "/messages/common.capnp".Error;
$Cxx.namespace("troupe::dht::wire");

# --- parts ---------------------------------------------------------------------------------------------------------

struct Asker {
  # The requesting node, so that the receiver can send requests to it later.

  contact @0 :Contact;
  # Must have the sender's key and nonce, otherwise `malformed`. Port 0: a client, which cannot receive requests.
}

# --- between nodes, at /dht; Changed at /dht/listen -------------------------------------------------------------------

struct Ping $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Asks whether the node is reachable. Answered by Pong.

  asker @0 :Asker;
}

struct Pong $kind(from = [peer], bytesMax = 64) {
  # The answer to Ping.
}

struct FindNode $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Requests the contacts nearest to `target` that the node knows. Answered by Nodes.

  asker @0 :Asker;
  target @1 :Data;
  contactsMax @2 :UInt8 = 20;
  # 1 to 20. Zero is `malformed`; more counts as 20.
}

struct Nodes $kind(from = [peer], bytesMax = 2048) {
  # The answer to FindNode.

  contacts @0 :List(Contact);
  # Nearest first, at most 20; the reader ignores further contacts. The answering node is not among them.

  token @1 :Data;
  # 8 bytes that the requester sends with a Store or an AddProvider within five minutes.
}

struct FindValue $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Requests a record, or the contacts nearest to its key. Answered by FoundValue.

  asker @0 :Asker;
  space @1 :UInt8;
  # 1 pk, 2 kv, 3 cid; other values are `unsupported`.
  key @2 :Data;
  contactsMax @3 :UInt8 = 20;
  # As in FindNode.
}

struct FoundValue $kind(from = [peer], bytesMax = 73728) {
  # The answer to FindValue.

  record @0 :Data;
  # Empty: the node does not store the record.
  contacts @1 :List(Contact);
  # As in Nodes. Fewer if the record fits into a datagram only without them.
  token @2 :Data;
  lastsS @3 :UInt32;
  # Seconds for which the node will still store the record. A copy must not last longer; 0: make no copy.
}

struct Store $kind(from = [peer], bytesMax = 73728, datagram = true) {
  # Asks the node to store a record. Answered by StoreDone. Repeating it is harmless. A wrong or expired token is
  # `refused`.

  asker @0 :Asker;
  token @1 :Data;
  key @2 :Data;
  record @3 :Data;

  expected :union {
    any @4 :Void;
    sequence @5 :UInt64;
    # The stored record must have this sequence. It also matches if no record or an identical record is stored.
  }

  copyS @6 :UInt32;
  # 0: the node is to store the record. Otherwise the key belongs to other nodes, and this node is asked to keep a copy
  # in memory, for at most this many seconds. A record that can change, /kv, is never copied: `bad`.
}

struct StoreDone $kind(from = [peer], bytesMax = 256) {
  # The answer to Store: its result. A stored record is durable.

  result @0 :Result;
  present @1 :UInt64;
  # The stored sequence, for older, tied and conflict.
  why @2 :Text;
  # For people, if the record is invalid.

  enum Result {
    stored @0;
    older @1;
    # A newer record is stored.
    tied @2;
    # Another record with the same sequence is stored, and stays.
    conflict @3;
    # The stored record has another sequence than expected.
    ownerFull @4;
    noSpace @5;
    bad @6;
    # Invalid at that key.
  }
}

struct AddProvider $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Announces that the requester has the object of `key`. Answered by Added. A wrong or expired token is `refused`; a
  # request from a client is `malformed`, because a client cannot provide.

  asker @0 :Asker;
  token @1 :Data;
  key @2 :Data;
}

struct Added $kind(from = [peer], bytesMax = 64) {
  # The answer to AddProvider: the announcement is durable.
}

struct GetProviders $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Asks which nodes provide `key`. Answered by Providers.

  asker @0 :Asker;
  key @1 :Data;
  providersMax @2 :UInt8 = 20;
  # 1 to 20; more counts as 20.
}

struct Providers $kind(from = [peer], bytesMax = 4096) {
  # The answer to GetProviders.

  providers @0 :List(Contact);
  # At most 20, in random order.
  contacts @1 :List(Contact);
  # As in Nodes; at most as many as fit into a datagram with the providers.
  token @2 :Data;
}

struct Listen $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Asks the node to notify the requester of changes at a key for a while. Answered by Listening. Repeating it restarts
  # the time.

  asker @0 :Asker;
  # The address for notifications. The node pings it before the first notification.
  token @1 :Data;
  what @2 :UInt8;
  # 2: the value of a /kv; 4: new providers. Other values are `unsupported`.
  key @3 :Data;
  seconds @4 :UInt16;
  # How long; 0: stop.
  knows @5 :Data;
  # The tag of the requester's record (messages/README.md, "The DHT"); may be empty.
}

struct Listening $kind(from = [peer], bytesMax = 4096) {
  # The answer to Listen.

  seconds @0 :UInt16;
  # How long the requester is notified, at most five minutes. 0: it is not notified, because its token is invalid, its
  # address does not respond, or too many nodes listen.
  token @1 :Data;
  # As in Nodes.
  present @2 :Present;
}

struct Present {
  # The current content of a key.

  sequence @0 :UInt64;
  tag @1 :Data;
  # Tag of the stored record; empty: no record is stored.
  record @2 :Data;
  # The stored record. Empty if the requester has it, or if it does not fit into a datagram: then FindValue gets it.
  providers @3 :List(Contact);
  # At most 20.
}

struct Changed $kind(from = [peer], bytesMax = 4096, datagram = true) {
  # Notifies a listener of a change, at `/dht/listen`. Answered by Noted, and repeated until then. A listener gets one
  # notification at a time.

  what @0 :UInt8;
  key @1 :Data;
  present @2 :Present;
  # Of providers, only the new ones.
}

struct Noted $kind(from = [peer], bytesMax = 64) {
  # The answer to Changed.

  listens @0 :Bool;
  # False: the receiver no longer listens, and gets no further notifications.
}

# --- between the actors of one domain ------------------------------------------------------------------------------

struct Hear $kind(bytesMax = 256) {
  # `/dht` offers a contact to the bucket of `range`, which then sends a BucketHolds.

  range @0 :UInt8;
  contact @1 :Contact;
  answered @2 :Bool;
  # True: the contact has answered this node; false: it has only sent a request.
}

struct Located $kind(bytesMax = 128) {
  # The address at which other nodes can now dial this node: `/dht` reports it to `/dht/bucket`, which passes it on to
  # its buckets.

  contact @0 :Contact;
}

struct Missed $kind(bytesMax = 128) {
  # A contact of the bucket of `range` has not answered a request.

  range @0 :UInt8;
  node @1 :Data;

  forget @2 :Bool;
  # Whether to forget the contact at once: it misbehaved, the table has enough of its address group, or it is silent
  # while other nodes are not.
}

struct BucketHolds $kind(lane = control, bytesMax = 8192) {
  # A bucket reports its contacts after a change. Empty lists: the bucket ends.

  range @0 :UInt8;
  good @1 :List(Contact);
  rest @2 :List(Contact);
  settled @3 :Data;
  # The id of the offered contact, whether or not it was accepted; may be empty.
  heardMs @4 :List(UInt64);
  # Time since this node last received from each of `good`, in their order.
  claimed @5 :List(Contact);
  # Contacts whose address is not proven by an answer. `good` and `rest` have answered.
  silent @6 :List(Silent);
  # Contacts of `rest` that may be forgotten, unless this node is cut off.
  failing @7 :UInt16;
  # Number of contacts at the front of `rest` that are listed but do not answer.

  struct Silent {
    node @0 :Data;
    sinceMs @1 :UInt64;
    # Time since its second-last failure.
  }
}

struct Search $kind(bytesMax = 1048576) {
  # Asks `/dht` to search. Answered by SearchResult when the search has ended.

  key @0 :Data;

  goal :union {
    nodes @1 :Void;
    value @2 :UInt8;
    # The record in this space.
    providers @3 :UInt16;
    # The search ends after this many providers.
    store @4 :Publication;
    # The record is stored at all nodes that should store it.
    provide @5 :Void;
    # This node is announced there as a provider.
    region @9 :List(RegionItem);
    # Items near `key`, which one search serves. At most 64, and 512 KiB.
  }

  quorum @6 :UInt8;
  # For a mutable value: how many replicas must agree; 0 means 3.
  seconds @7 :UInt16;
  # Time limit in seconds; 0 means 30.
  explain @8 :Bool;
  # The result lists each request.

  keep @10 :Bool;
  # For a region and for provide: items that nodes have acknowledged are republished from now on, until Withdrawn.
}

struct RegionItem {
  key @0 :Data;
  record @1 :Data;
  # Empty: this node is announced there as a provider.
}

struct Publication {
  record @0 :Data;
  expected :union {
    any @1 :Void;
    sequence @2 :UInt64;
  }
}

struct CancelSearch $kind(lane = control, bytesMax = 64) {
  # `/dht` notifies a search that its requester no longer waits. The search answers with its results so far.
}

struct ProvidersFound $kind(bytesMax = 4096) {
  # A search reports each new provider to `/dht` as it is found.

  group @0 :UInt64;
  # The search's number at `/dht`.
  providers @1 :List(Contact);
}

struct SearchResult $kind(bytesMax = 1048576) {
  # The answer to Search.

  ending @0 :Text;
  # "found", "cached", "converged", "gave up", "nobody", "deadline" or "cancelled".

  nearest @1 :List(Contact);
  # Nodes that answered, nearest first.

  record @2 :Data;
  # The newest valid record found; empty: none.
  holders @3 :UInt16;
  # Number of nodes that have this record.

  providers @4 :List(Contact);

  asked @5 :UInt16;
  unanswered @6 :UInt16;
  hops @7 :UInt16;
  microseconds @8 :UInt64;

  stores @9 :UInt16;
  # Number of nodes that were asked to store the record or to note the provider, including this node.
  stored @10 :UInt16;
  # Number of those nodes that have done so.
  refusal @11 :StoreDone;
  # The most frequent refusal of other nodes, if any.

  questions @12 :List(Question);
  # With `explain`, in the order of sending.
  refused @13 :List(RefusedContact);

  heard @14 :List(HeardFrom);
  # Only for `/dht`: which nodes answered and how fast, and which did not.

  items @15 :List(Bool);
  # For a region: whether enough nodes have acknowledged each item, in the order of the items. A node that stores a
  # newer record, or the winning record of two with the same sequence, counts too.
  itemResults @16 :List(ItemResult);
  # The same for each item, with numbers of nodes.

  needed @17 :UInt16;
  # How many of the `stores` nodes must acknowledge it.
  ownFailure @18 :Text;
  # Why this node itself did not store it; empty: it did, or was not asked.

  lastsS @19 :UInt32;
  # Seconds for which the node with the record will still store it.
  lagging @20 :List(Reached);
  # Only for `/dht`: nodes that should store the mutable record, but have an older record or none.
  copyAt @21 :List(Reached);
  # Only for `/dht`: at most one node, which could have answered with a copy.

  silent @22 :UInt16;
  # If fewer nodes answered than there should be copies: number of nodes known to this node that did not answer in time.
  silentLately @23 :UInt16;
  # `silent` without the nodes that were silent for 30 s while at least as many other nodes answered.
  busy @24 :UInt16;
  # Number of the `silent` nodes that got no request or did not answer because this node or they were overloaded. If too
  # few other nodes answered, nothing is stored.
}

struct ItemResult {
  asked @0 :UInt16;
  stored @1 :UInt16;
  needed @2 :UInt16;
  refusal @3 :StoreDone;
  silent @4 :UInt16;
  busy @5 :UInt16;
  # As in SearchResult.
}

struct Reached {
  # A node that has answered.

  contact @0 :Contact;
  token @1 :Data;
}

struct Question {
  # One request of a search.

  contact @0 :Contact;
  path @1 :UInt8;
  depth @2 :UInt8;
  # 1: a contact of this node's routing table.
  distance @3 :Data;
  namedBy @4 :Data;
  # Empty: this node's routing table.
  chosen @5 :Text;
  # Why the node was chosen.
  fate @6 :Text;
  # "answered", "late", "failed" or "waiting".
  microseconds @7 :UInt64;
  hasValue @8 :Bool;
  sequence @9 :UInt64;
  taken @10 :UInt8;
  # Contacts accepted from its answer.
}

struct RefusedContact {
  node @0 :Data;
  namedBy @1 :Data;
  why @2 :Text;
}

struct HeardFrom {
  contact @0 :Contact;
  microseconds @1 :UInt32;
  # 0: it did not answer.
  token @2 :Data;
  # The token that it returned for a store.
  overdue @3 :Bool;
  # It did not answer within the usual response time before the search ended: it is slow or gone.
}

struct Published $kind(bytesMax = 73728) {
  # `/dht` reports to `/dht/republish` what this node has published, so that it stays in the network.

  what @0 :UInt8;
  # A space, or 4: this node as a provider.
  key @1 :Data;
  record @2 :Data;
  # Empty for a provider.
  hurry @3 :Bool;
  # At most one node is known to have the item (under-replicated), so it is republished soon.
}

struct LastSigned $kind(bytesMax = 64) {
  # Once its rows are read, `/dht/republish` reports to `/dht` the highest sequence that this node has published.

  sequence @0 :UInt64;
}

struct Withdrawn $kind(bytesMax = 256) {
  # Notifies `/dht` that an item is no longer published, and will expire.

  what @0 :UInt8;
  key @1 :Data;
}

struct ListPublished $kind(bytesMax = 128) {
  # Another domain asks `/dht/republish` which items are kept published. Answered by PublishedKeys, or `unavailable`
  # while its rows are being loaded.

  what @0 :UInt8;
  # As in Published.
  behind @1 :Data;
  # The page starts after this key; empty: at the first.
}

struct PublishedKeys $kind(bytesMax = 65536) {
  # The answer to ListPublished.

  keys @0 :List(Data);
  # At most 1,024, ascending.
  more @1 :Bool;
}

struct RepublishState $kind(from = [view, operate], bytesMax = 512) {
  # The inspector's view of `/dht/republish`.

  items @0 :UInt64;
  retries @1 :UInt32;
  # Failed regions, which are retried.
  lateMs @2 :UInt64;
  # How long due items have waited.
  regions @3 :UInt64;
  # Regions served since the start.
  republished @4 :UInt64;
  # Items in these regions that enough nodes have acknowledged.
  hurried @5 :UInt64;
  # Under-replicated items, which at most one node is known to have, and which were published in addition to the sweep.
}

struct FindIndexed $kind(bytesMax = 65536) {
  # `/dht/audit` asks `/dht` for its index entries of rows. Answered by Indexed.

  keyspace @0 :Text;
  keys @1 :List(Data);
}

struct Indexed $kind(bytesMax = 65536) {
  # The answer to FindIndexed, in the order of its keys.

  rows @0 :List(IndexedRow);
}

struct IndexedRow {
  present @0 :Bool;
  tag @1 :Data;
  # Tag of a record.
  changing @2 :Bool;
  # A change of the row is in progress.
}

struct ListIndexed $kind(bytesMax = 256) {
  # `/dht/audit` asks `/dht` for the keys of the rows that should exist. Answered by IndexedKeys.

  what @0 :UInt8;
  # A space, or 4: announcements.
  after @1 :Data;
  # The last key of the previous page; empty: from the start.
}

struct IndexedKeys $kind(bytesMax = 65536) {
  # The answer to ListIndexed: one page. Empty: there are no more keys.

  keys @0 :List(Data);
}

struct DropRows $kind(bytesMax = 65536) {
  # `/dht/audit` asks `/dht` to forget and erase rows; for published items it asks `/dht/republish`. Answered by
  # RowsDropped.

  keyspace @0 :Text;
  keys @1 :List(Data);
  expired @2 :Bool;
  # Whether the reason is that they have expired: then the rows stay while the clock is untrusted.
  sequences @3 :List(UInt64);
  # For published items, their sequences: an item that was put again since then, with a higher sequence, stays.
}

struct RowsDropped $kind(bytesMax = 65536) {
  # The answer to DropRows.

  dropped @0 :List(Bool);
  # In the order of its keys. A row that is being changed stays.
}

# --- operators -----------------------------------------------------------------------------------------------------

struct Put $kind(from = [operate], bytesMax = 131072) {
  # Stores a value. Answered by PutDone.

  space @0 :UInt8;
  # 1: this node's public key, with empty `value` and `name`; 2: a value signed by this node under `name`; 3: a value
  # under its hash.
  name @1 :Data;
  # At most 64 bytes.
  value @2 :Data;
  # At most 64 KiB.
  seconds @3 :UInt32;
  # Lifetime; 0: 48 h; at most seven days. Only for kv.
  readers @4 :List(Data);
  # Ed25519 keys of its readers, at most 16; empty: public.

  expected :union {
    any @5 :Void;
    sequence @6 :UInt64;
    # Only for kv: the newest value found must have this sequence, otherwise `conflict`; 0: no value may be stored. A
    # sequence is usually a date in milliseconds. A sequence more than a day ahead is `malformed`, unless the node
    # stores exactly that sequence.
  }
  explain @7 :Bool;
}

struct PutDone $kind(from = [operate], bytesMax = 1048576) {
  # The answer to Put and Provide.

  key @0 :Data;
  digest @1 :Data;
  # For cid: digest of the complete value.
  sequence @2 :UInt64;
  # For kv.
  search @3 :SearchResult;
}

struct Withdraw $kind(from = [operate], bytesMax = 256) {
  # Asks `/dht/republish` to stop publishing a value. Answered by WithdrawDone; `not_found` if it is not published.

  space @0 :UInt8;
  key @1 :Data;
  name @2 :Data;
  # For this node's own kv, instead of the key.
}

struct WithdrawDone $kind(from = [operate], bytesMax = 128) {
  # The answer to Withdraw: the value is not published again, even after a restart. Replicas store it until it expires.

  key @0 :Data;
}

struct GetValue $kind(from = [view, operate], bytesMax = 1024) {
  # Requests a value. Answered by GotValue; `not_found` if no node that should store it has it; `unavailable` if too few
  # of these nodes answered. With `explain` the error is inside the answer, so that the search can be shown.

  space @0 :UInt8;
  key @1 :Data;
  digest @2 :Data;
  # For cid, if the whole hash is known: 32 bytes.
  name @3 :Data;
  # For this node's own kv, instead of the key.
  quorum @4 :UInt8;
  explain @5 :Bool;
}

struct GotValue $kind(from = [view, operate], bytesMax = 1048576) {
  # The answer to GetValue.

  value @0 :Data;
  sealed @1 :Bool;
  # Sealed for readers other than this node: `value` is the container.
  owner @2 :Data;
  name @3 :Data;
  sequence @4 :UInt64;
  created @5 :Int64;
  expires @6 :Int64;
  # Unix seconds; for kv.
  search @7 :SearchResult;
  error @8 :Error;
  # Only with `explain`: why there is no value. Otherwise the error is the answer.
}

struct FindNearest $kind(from = [view, operate], bytesMax = 256) {
  # Requests the nodes nearest to an id. Answered by Nearest.

  target @0 :Data;
  explain @1 :Bool;
}

struct Nearest $kind(from = [view, operate], bytesMax = 1048576) {
  # The answer to FindNearest.

  search @0 :SearchResult;
}

struct Provide $kind(from = [operate], bytesMax = 256) {
  # Announces this node as a provider of an object. Answered by PutDone; `not_found` if the node does not store the
  # object.

  cid @0 :Data;
  # 32 bytes.
  explain @1 :Bool;
}

struct FindProviders $kind(from = [view, operate], bytesMax = 256) {
  # Asks which nodes provide an object. Answered by a stream of FoundProviders, which starts with the providers known to
  # this node.

  cid @0 :Data;
  # 32 bytes; or 20, the key itself.
  providersMax @1 :UInt16 = 20;
  explain @2 :Bool;
}

struct FoundProviders $kind(from = [view, operate], bytesMax = 1048576, whenFull = credit) {
  # An item of FindProviders.

  search @0 :SearchResult;
  # In the last item only: the whole search, with all providers.
  providers @1 :List(Contact);
  # Providers that no earlier item has named.
  last @2 :Bool;
}

struct PutMany $kind(from = [operate], bytesMax = 1048576) {
  # Stores several values. Keys near each other share a search. Answered by PutManyDone.

  items @0 :List(PutItem);
  # At most 64, and 512 KiB in total.
  seconds @1 :UInt32;
  # As in Put.
}

struct PutItem {
  space @0 :UInt8;
  # 2 or 3.
  name @1 :Data;
  value @2 :Data;
}

struct PutManyDone $kind(from = [operate], bytesMax = 1048576) {
  # The answer to PutMany: the result of each item, in their order.

  items @0 :List(PutOne);
}

struct PutOne {
  key @0 :Data;
  digest @1 :Data;
  sequence @2 :UInt64;
  # As in PutDone.
  stored @3 :UInt16;
  asked @4 :UInt16;
  error @5 :Error;
  # Null if enough nodes have stored it.
}

struct GetMany $kind(from = [view, operate], bytesMax = 65536) {
  # Requests several values. Keys near each other share a search. Answered by a stream of GotOne, in the order in which
  # values are found.

  items @0 :List(GetItem);
  # At most 64.
  quorum @1 :UInt8;
}

struct GetItem {
  # As in GetValue.

  space @0 :UInt8;
  key @1 :Data;
  digest @2 :Data;
  name @3 :Data;
}

struct GotOne $kind(from = [view, operate], bytesMax = 1048576, whenFull = credit) {
  # An item of GetMany, once for each of its items.

  item @0 :UInt16;
  # Its number, from 0.
  union {
    got @1 :GotValue;
    error @2 :Error;
  }
}

struct GetTable $kind(from = [view, operate], bytesMax = 64) {
  # Requests the routing table. Answered by TableRows.
}

struct TableRows $kind(from = [view, operate], bytesMax = 1048576) {
  # The answer to GetTable.

  buckets @0 :List(BucketRow);
  # By range; only buckets with a contact.
  nodes @1 :UInt64;
  # Estimated number of nodes in the network; 0: unknown.
  client @2 :Bool;
  # This node cannot receive requests, and is in no node's table.
}

struct BucketRow {
  range @0 :UInt8;
  # Leading bits that its contacts share with this node's id.
  contacts @1 :List(TableContact);
}

struct TableContact {
  contact @0 :Contact;
  lastSeenMs @1 :UInt64;
}

struct ListenTo $kind(from = [view, operate], bytesMax = 512) {
  # Asks `/dht/listen` for changes at a key, as a stream of Came, which starts with the current content.

  what @0 :UInt8;
  # As in Listen.
  key @1 :Data;
  name @2 :Data;
  # For this node's own kv, instead of the key.
  count @3 :UInt64;
  # The stream ends after this many items; 0: no limit.
  milliseconds @4 :UInt64;
  # The stream ends after this time; 0: no limit.
}

struct Came $kind(from = [view, operate], bytesMax = 131072, whenFull = credit) {
  # An item of ListenTo.

  union {
    nothing @0 :Void;
    # Sent every minute without another item.
    listening @1 :UInt16;
    # Sent once: the number of nodes that notify this node of changes. 0: this node polls them twice a minute.
    value @2 :GotValue;
    # Without its search. A slow reader misses values that were replaced by a newer value.
    provider @3 :Contact;
    ended @4 :ListenEnded;
    # The last item.
  }
}

struct ListenEnded {
  why @0 :Text;
  items @1 :UInt64;
  # Values or providers.
}

struct CheckHeld $kind(from = [view, operate], bytesMax = 64) {
  # Asks `/dht/audit` to read back every row that the DHT has stored. Answered by a stream of AuditItem. Changes
  # nothing.
}

struct CleanHeld $kind(from = [operate], bytesMax = 64) {
  # As CheckHeld, and also drops expired and unusable rows.
}

struct ListRows $kind(from = [view, operate], bytesMax = 64) {
  # Asks `/dht/audit` for a summary of each row. Answered by a stream of AuditItem. Does not report faults, as CheckHeld
  # does.

  space @0 :Text;
  # As in AuditSum; empty: all.
}

struct AuditItem $kind(from = [view, operate], bytesMax = 4096, whenFull = credit) {
  # An item of CheckHeld, CleanHeld and ListRows.

  union {
    progress @0 :UInt64;
    # Rows read so far, once a second.
    trouble @1 :RowTrouble;
    sum @2 :List(AuditSum);
    # The last item, by space.
    row @3 :RowSummary;
  }
}

struct RowSummary {
  # The content of a row.

  space @0 :Text;
  # As in AuditSum.
  what @1 :UInt8;
  # As in Published.
  key @2 :Data;
  # For a cid the complete hash.
  sequence @3 :UInt64;
  # For a kv; otherwise 0.
  name @4 :Data;
  # For a kv.
  whose @5 :Data;
  # For a kv its owner's public key; for an announcement the provider's id; otherwise empty.
  bytes @6 :UInt64;
  # Bytes of a record's value.
  expires @7 :UInt64;
  # Unix seconds; 0: a published item, which is republished while this node runs.
}

struct RowTrouble {
  space @0 :Text;
  # As in AuditSum.
  row @1 :Data;
  # Key of the row.
  what @2 :Text;
}

struct AuditSum {
  space @0 :Text;
  # "pk", "kv", "cid", "providers", or "published": items that this node keeps in the network.
  rows @1 :UInt64;
  bytes @2 :UInt64;
  # Bytes of keys and values.
  expired @3 :UInt64;
  troubles @4 :UInt64;
  removed @5 :UInt64;
  removedBytes @6 :UInt64;
}

# --- what the inspector shows --------------------------------------------------------------------------------------

struct DhtState $kind(from = [view, operate], bytesMax = 4096) {
  # The inspector's view of `/dht`.

  contacts @0 :UInt32;
  buckets @1 :UInt32;
  nodes @2 :UInt64;
  client @3 :Bool;
  searches @4 :UInt32;
  # In progress.
  searched @5 :UInt64;
  found @6 :UInt64;
  records @7 :UInt64;
  recordBytes @8 :UInt64;
  announcements @9 :UInt64;
  pings @10 :UInt64;
  findNodes @11 :UInt64;
  findValues @12 :UInt64;
  stores @13 :UInt64;
  addProviders @14 :UInt64;
  getProviders @15 :UInt64;
  # Requests of other nodes.
  hops @16 :UInt64;
  questions @17 :UInt64;
  # Sum over all searches.
  roundTripUs @18 :UInt64;
  # For an average node.
  refused @19 :UInt64;
  # Refused stores and announcements.
  listeners @20 :UInt32;
  # Nodes that are notified of changes, counted per key.
  notices @21 :UInt64;
  # Notices sent to them.
  unanswered @22 :UInt64;
  # How many of the `questions` were not answered.
  searchUs @23 :UInt64;
  # Total duration of all searches.
  cacheBytes @24 :UInt64;
  # Bytes of copies in memory.
  cacheHits @25 :UInt64;
  # Searches of this node answered from copies.
  cacheServed @26 :UInt64;
  # Requests of other nodes answered from copies.
  copiesLeft @27 :UInt64;
  # Copies that other nodes were asked to keep.
  repairs @28 :UInt64;
  # Stale replicas that received a newer record.
  repaired @29 :UInt64;
  # Stale replicas that have stored the newer record.
}

struct BucketState $kind(from = [view, operate], bytesMax = 8192) {
  # The inspector's view of a bucket.

  range @0 :UInt8;
  listed @1 :List(BucketContact);
  # Longest silent first.
  spares @2 :List(BucketContact);
}

struct BucketContact {
  node @0 :Text;
  address @1 :Text;
  heardMs @2 :UInt64;
  # Time since this node last received from the contact.
  failures @3 :UInt32;
}

struct LookupState $kind(from = [view, operate], bytesMax = 8192) {
  # The inspector's view of a search.

  target @0 :Text;
  goal @1 :Text;
  asked @2 :UInt32;
  inFlight @3 :UInt32;
  paths @4 :List(Text);
  # The latest answers: from which node, and after how long.
  phase @5 :Text;
  # "searching" or "storing".
  runsMs @6 :UInt64;
  # Time since it began.
  dueMs @7 :UInt64;
  # Time left until its deadline; 0 once it stores.
  holders @8 :UInt32;
  # Nodes that have answered with the newest record so far.
  stores @9 :UInt32;
  stored @10 :UInt32;
  # Nodes asked to store, and nodes that have stored.
}

struct ListenState $kind(from = [view, operate], bytesMax = 8192) {
  # The inspector's view of `/dht/listen`.

  places @0 :List(ListenedPlace);
  # At most 50.
  readers @1 :UInt32;
  notices @2 :UInt64;
  # From other nodes.
  unwanted @3 :UInt64;
  # Notices without a listener at this node, from unexpected nodes, or with unsuitable content.
}

struct ListenedPlace {
  key @0 :Text;
  leases @1 :UInt32;
  # Nodes that send notifications of changes.
  readers @2 :UInt32;
}

struct AuditState $kind(from = [view, operate], bytesMax = 512) {
  # The inspector's view of `/dht/audit`.

  running @0 :Bool;
  rows @1 :UInt64;
  # Rows read by the current audit, or by the previous audit.
  audits @2 :UInt64;
  # Audits started.
}
