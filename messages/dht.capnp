@0xb19d3c52e8a0f647;
# The distributed hash table: what nodes ask each other, what its actors tell each other, and what operators ask.
#
# Words. A key is a point of the 160-bit space of node ids. A space and a key name a record
# (messages/README.md, "The DHT", has its bytes). Ids and keys are 20 bytes, big-endian; another length is `malformed`.
# Questions between nodes go by datagram if they fit. If the answer does not fit, the question goes over a link.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using import "/messages/common.capnp".Contact;
using import "/messages/common.capnp".Error;
$Cxx.namespace("troupe::dht::wire");

# --- parts ---------------------------------------------------------------------------------------------------------

struct Asker {
  # The asking node, so that it can be asked in turn.

  contact @0 :Contact;
  # Key and nonce of the sender, otherwise `malformed`. Port 0: a client, which cannot be asked.
}

# --- between nodes, at /dht; Changed at /dht/listen -------------------------------------------------------------------

struct Ping $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Asks whether the node is there. Answered by Pong.

  asker @0 :Asker;
}

struct Pong $kind(from = [peer], bytesMax = 64) {
  # The answer to Ping.
}

struct FindNode $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Asks for the contacts nearest to `target` that the node knows. Answered by Nodes.

  asker @0 :Asker;
  target @1 :Data;
  contactsMax @2 :UInt8 = 20;
  # 1 to 20. Zero is `malformed`; more counts as 20.
}

struct Nodes $kind(from = [peer], bytesMax = 2048) {
  # The answer to FindNode.

  contacts @0 :List(Contact);
  # Nearest first, at most 20; the reader takes no more. The answering node is not among them.

  token @1 :Data;
  # 8 bytes that the asker shows with a Store or an AddProvider within five minutes.
}

struct FindValue $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Asks for a record, or for the contacts nearest to its key. Answered by FoundValue.

  asker @0 :Asker;
  space @1 :UInt8;
  # 1 pk, 2 kv, 3 cid; another is `unsupported`.
  key @2 :Data;
  contactsMax @3 :UInt8 = 20;
  # As in FindNode.
}

struct FoundValue $kind(from = [peer], bytesMax = 73728) {
  # The answer to FindValue.

  record @0 :Data;
  # Empty: the node does not hold the record.
  contacts @1 :List(Contact);
  # As in Nodes. Fewer if the record fits into a datagram only without them.
  token @2 :Data;
  lastsS @3 :UInt32;
  # Seconds for which the node still has the record. A copy must not last longer; 0: make no copy.
}

struct Store $kind(from = [peer], bytesMax = 73728, datagram = true) {
  # Asks the node to hold a record. Answered by StoreDone. Asking again is harmless. A wrong or old token is `refused`.

  asker @0 :Asker;
  token @1 :Data;
  key @2 :Data;
  record @3 :Data;

  expected :union {
    any @4 :Void;
    sequence @5 :UInt64;
    # The held record must have it. No held record counts as a match, and so does an identical record.
  }

  copyS @6 :UInt32;
  # 0: the node is to hold the record. Otherwise the key belongs to other nodes, and this node is asked to keep a copy
  # in memory, for at most this many seconds. A record that can change, /kv, is never copied: `bad`.
}

struct StoreDone $kind(from = [peer], bytesMax = 256) {
  # The answer to Store: its result. A held record is durable.

  result @0 :Result;
  present @1 :UInt64;
  # The sequence that is held, for older, tied and conflict.
  why @2 :Text;
  # For people, if the record is invalid.

  enum Result {
    stored @0;
    older @1;
    # A newer record is held.
    tied @2;
    # Another record with the same sequence is held, and stays.
    conflict @3;
    # The held record has another sequence than expected.
    ownerFull @4;
    noSpace @5;
    bad @6;
    # Not valid at that key.
  }
}

struct AddProvider $kind(from = [peer], bytesMax = 256, datagram = true) {
  # The asker announces that it has the content of `key`. Answered by Added. A wrong or old token is `refused`; a client
  # cannot provide: `malformed`.

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
  # Asks the node to tell the asker of changes at a key for a while. Answered by Listening. Asking again restarts the
  # time.

  asker @0 :Asker;
  # Where it is told. The node pings that address before it tells it anything.
  token @1 :Data;
  what @2 :UInt8;
  # 2: the value of a /kv; 4: new providers. Another is `unsupported`.
  key @3 :Data;
  seconds @4 :UInt16;
  # How long; 0: stop.
  knows @5 :Data;
  # The tag of the record that the asker has (messages/README.md, "The DHT"); may be empty.
}

struct Listening $kind(from = [peer], bytesMax = 4096) {
  # The answer to Listen.

  seconds @0 :UInt16;
  # How long the asker is told, at most five minutes. 0: it is not told, because its token is bad, it could not be
  # reached at its address, or too many nodes listen.
  token @1 :Data;
  # As in Nodes.
  present @2 :Present;
}

struct Present {
  # The current content of a key.

  sequence @0 :UInt64;
  tag @1 :Data;
  # Of the held record; empty: no record is held.
  record @2 :Data;
  # Empty if the asker has it, or if it needs a link: then FindValue brings it.
  providers @3 :List(Contact);
  # At most 20.
}

struct Changed $kind(from = [peer], bytesMax = 4096, datagram = true) {
  # Tells a listener of a change, at `/dht/listen`. Answered by Noted; sent again without an answer. One at a time.

  what @0 :UInt8;
  key @1 :Data;
  present @2 :Present;
  # Only new providers.
}

struct Noted $kind(from = [peer], bytesMax = 64) {
  # The answer to Changed.

  listens @0 :Bool;
  # False: the receiver does not listen any more, and is told nothing more.
}

# --- between the actors of one domain ------------------------------------------------------------------------------

struct Hear $kind(bytesMax = 256) {
  # `/dht` offers a contact to the bucket of `range`, which tells BucketHolds or Settled.

  range @0 :UInt8;
  contact @1 :Contact;
  answered @2 :Bool;
  # True: it has answered us; false: it has only asked.
}

struct Located $kind(bytesMax = 128) {
  # `/dht` tells `/dht/bucket`, which tells its buckets, where others can dial this node from now on.

  contact @0 :Contact;
}

struct Missed $kind(bytesMax = 128) {
  # A contact of the bucket of `range` has not answered a question.

  range @0 :UInt8;
  node @1 :Data;

  forget @2 :Bool;
  # At once: it misbehaved, the table has enough of its address group, or it is silent while others are not.
}

struct BucketHolds $kind(lane = control, bytesMax = 8192) {
  # A bucket reports its contacts after a change. Empty lists: the bucket ends.

  range @0 :UInt8;
  good @1 :List(Contact);
  rest @2 :List(Contact);
  settled @3 :Data;
  # The id of the contact that was offered, whether it was taken or not; may be empty.
  heardMs @4 :List(UInt64);
  # How long ago each of `good` was heard, in their order.
  claimed @5 :List(Contact);
  # Contacts whose address is not proven by an answer. `good` and `rest` have answered.
  silent @6 :List(Silent);
  # Contacts of `rest` that may be forgotten, unless this node itself is cut off.
  failing @7 :UInt16;
  # This many contacts at the front of `rest` are listed and do not answer.

  struct Silent {
    node @0 :Data;
    sinceMs @1 :UInt64;
    # How long ago its last failure but one was.
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
    # The search ends with this many providers.
    store @4 :Publication;
    # The record is stored at all nodes that should hold it.
    provide @5 :Void;
    # This node is announced there as a provider.
    region @9 :List(RegionItem);
    # Items near `key`, which one search serves. At most 64, and 512 KiB.
  }

  quorum @6 :UInt8;
  # For a mutable value: how many holders have to agree; 0: 3.
  seconds @7 :UInt16;
  # Time limit; 0: 30.
  explain @8 :Bool;
  # The result lists each question.

  keep @10 :Bool;
  # For a region and for provide: what is acknowledged is published again from now on, until Withdrawn.
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
  # `/dht` tells a search that its asker does not wait any more. The search answers with what it has.
}

struct ProvidersFound $kind(bytesMax = 4096) {
  # A search tells `/dht` of each new provider as it is found.

  group @0 :UInt64;
  # The number by which `/dht` knows the search.
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
  # Nodes that have this record.

  providers @4 :List(Contact);

  asked @5 :UInt16;
  unanswered @6 :UInt16;
  hops @7 :UInt16;
  microseconds @8 :UInt64;

  stores @9 :UInt16;
  # Nodes asked to store or to note a provider, this node included.
  stored @10 :UInt16;
  # Nodes that have done so.
  refusal @11 :StoreDone;
  # The most frequent refusal of the others, if any.

  questions @12 :List(Question);
  # With `explain`, in the order asked.
  refused @13 :List(RefusedContact);

  heard @14 :List(HeardFrom);
  # For `/dht` alone: which nodes answered and how fast, and which did not.

  items @15 :List(Bool);
  # Of a region: which of its items enough nodes have acknowledged, in their order. A node that holds a newer record, or
  # the winning record of two with the same sequence, counts.
  itemResults @16 :List(ItemResult);
  # The same, with numbers of nodes.

  needed @17 :UInt16;
  # How many of `stores` have to acknowledge it.
  ownFailure @18 :Text;
  # Why this node's own store did not store it; empty: it did, or was not asked.

  lastsS @19 :UInt32;
  # Seconds for which the holder that had the record still has it.
  lagging @20 :List(Reached);
  # For `/dht` alone: nodes that should hold the mutable record, and have an older record or none.
  copyAt @21 :List(Reached);
  # For `/dht` alone: at most one node, which could have answered with a copy.

  silent @22 :UInt16;
  # Nodes that this node knew itself and that did not answer in time, if fewer nodes answered than there should be
  # copies.
  silentLately @23 :UInt16;
  # Of these, without those that have been silent for half a minute while at least as many others answered.
  busy @24 :UInt16;
  # Of `silent`, the nodes that could not be asked or did not answer because this node or they had too much to do. If too
  # few others answered, nothing is stored.
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
  # One question of a search.

  contact @0 :Contact;
  path @1 :UInt8;
  depth @2 :UInt8;
  # 1: a contact of our own table.
  distance @3 :Data;
  namedBy @4 :Data;
  # Empty: our own table.
  chosen @5 :Text;
  # Why it was asked.
  fate @6 :Text;
  # "answered", "late", "failed" or "waiting".
  microseconds @7 :UInt64;
  hasValue @8 :Bool;
  sequence @9 :UInt64;
  taken @10 :UInt8;
  # Contacts taken from its answer.
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
  # The token that it gave for a store.
  overdue @3 :Bool;
  # It did not answer within the usual time of answers, and the search ended then: it is slow or gone.
}

struct Published $kind(bytesMax = 73728) {
  # `/dht` tells `/dht/republish` what this node has published, so that it stays in the network.

  what @0 :UInt8;
  # A space, or 4: this node as a provider.
  key @1 :Data;
  record @2 :Data;
  # Empty for a provider.
  hurry @3 :Bool;
  # At most one node is known to have it (under-replicated): it is published again soon.
}

struct LastSigned $kind(bytesMax = 64) {
  # `/dht/republish` tells `/dht`, once its rows are read, the highest sequence that this node has published.

  sequence @0 :UInt64;
}

struct Withdrawn $kind(bytesMax = 256) {
  # Tells `/dht` that an item is not published any more, and expires.

  what @0 :UInt8;
  key @1 :Data;
}

struct ListPublished $kind(bytesMax = 128) {
  # Another domain asks `/dht/republish` what is kept published. Answered by PublishedKeys, or `unavailable` while its
  # rows are read.

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
  # What the inspector shows of `/dht/republish`.

  items @0 :UInt64;
  retries @1 :UInt32;
  # Regions that failed, and are tried again.
  lateMs @2 :UInt64;
  # How long due items have waited.
  regions @3 :UInt64;
  # Served since the start.
  republished @4 :UInt64;
  # Items in these regions that enough nodes have acknowledged.
  hurried @5 :UInt64;
  # Under-replicated items, which at most one node is known to have: they are published besides the sweep.
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
  # Of a record.
  changing @2 :Bool;
  # A change of the row is under way.
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
  # Because they have expired: such rows stay while the clock is not trusted.
  sequences @3 :List(UInt64);
  # For published items: an item that was put again since, with a higher sequence, stays.
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
  # 1: this node's own key, `value` and `name` are empty; 2: signed by this node under `name`; 3: under its hash.
  name @1 :Data;
  # At most 64 bytes.
  value @2 :Data;
  # At most 64 KiB.
  seconds @3 :UInt32;
  # How long it lasts; 0: 48 h; at most seven days. For kv alone.
  readers @4 :List(Data);
  # Ed25519 keys of its readers, at most 16; empty: public.

  expected :union {
    any @5 :Void;
    sequence @6 :UInt64;
    # Of kv alone: the newest value found must have it, otherwise `conflict`; 0: no value may be held. A sequence is
    # usually a date in milliseconds. More than a day ahead it is `malformed`, unless the node holds exactly that
    # sequence.
  }
  explain @7 :Bool;
}

struct PutDone $kind(from = [operate], bytesMax = 1048576) {
  # The answer to Put and Provide.

  key @0 :Data;
  digest @1 :Data;
  # Of the value in full, for cid.
  sequence @2 :UInt64;
  # Of kv.
  search @3 :SearchResult;
}

struct Withdraw $kind(from = [operate], bytesMax = 256) {
  # Asks `/dht/republish` to publish a value no more. Answered by WithdrawDone; `not_found` if it is not published.

  space @0 :UInt8;
  key @1 :Data;
  name @2 :Data;
  # Instead of the key, for this node's own kv.
}

struct WithdrawDone $kind(from = [operate], bytesMax = 128) {
  # The answer to Withdraw: a restart will not publish it either. Holders have it until it expires.

  key @0 :Data;
}

struct GetValue $kind(from = [view, operate], bytesMax = 1024) {
  # Asks for a value. Answered by GotValue; `not_found` if no node that should hold it has one; `unavailable` if too few
  # of these nodes answered. With `explain` such an error is inside the answer, so that the search can be shown.

  space @0 :UInt8;
  key @1 :Data;
  digest @2 :Data;
  # For cid, if the whole hash is known: 32 bytes.
  name @3 :Data;
  # Instead of the key, for this node's own kv.
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
  # Unix seconds; of kv.
  search @7 :SearchResult;
  error @8 :Error;
  # Only with `explain`: why there is no value. Otherwise the error is the answer.
}

struct FindNearest $kind(from = [view, operate], bytesMax = 256) {
  # Asks for the nodes nearest to an id. Answered by Nearest.

  target @0 :Data;
  explain @1 :Bool;
}

struct Nearest $kind(from = [view, operate], bytesMax = 1048576) {
  # The answer to FindNearest.

  search @0 :SearchResult;
}

struct Provide $kind(from = [operate], bytesMax = 256) {
  # Announces this node as a provider of a content. Answered by PutDone; `not_found` if the node does not hold the
  # content.

  cid @0 :Data;
  # 32 bytes.
  explain @1 :Bool;
}

struct FindProviders $kind(from = [view, operate], bytesMax = 256) {
  # Asks which nodes provide a content. A stream of FoundProviders, which starts with those that this node knows.

  cid @0 :Data;
  # 32 bytes; or 20, the key itself.
  providersMax @1 :UInt16 = 20;
  explain @2 :Bool;
}

struct FoundProviders $kind(from = [view, operate], bytesMax = 1048576, whenFull = credit) {
  # What FindProviders streams.

  search @0 :SearchResult;
  # In the last item only: the whole search, with all providers.
  providers @1 :List(Contact);
  # Providers that no earlier item has named.
  last @2 :Bool;
}

struct PutMany $kind(from = [operate], bytesMax = 1048576) {
  # Stores several values. Keys near each other share a search. Answered by PutManyDone.

  items @0 :List(PutItem);
  # At most 64, and 512 KiB in all.
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
  # Null: enough nodes have it.
}

struct GetMany $kind(from = [view, operate], bytesMax = 65536) {
  # Asks for several values. Keys near each other share a search for the nodes there. A stream of GotOne, in the order
  # in which values are found.

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
  # What GetMany streams, once for each of its items.

  item @0 :UInt16;
  # Its number, from 0.
  union {
    got @1 :GotValue;
    error @2 :Error;
  }
}

struct GetTable $kind(from = [view, operate], bytesMax = 64) {
  # Asks for the routing table. Answered by TableRows.
}

struct TableRows $kind(from = [view, operate], bytesMax = 1048576) {
  # The answer to GetTable.

  buckets @0 :List(BucketRow);
  # By range, those that hold a contact.
  nodes @1 :UInt64;
  # Estimated number of nodes in the network; 0: not known.
  client @2 :Bool;
  # This node cannot be asked, and is in no node's table.
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
  # Instead of the key, for this node's own kv.
  count @3 :UInt64;
  # The stream ends after this many items; 0: no limit.
  milliseconds @4 :UInt64;
  # The stream ends after this time; 0: no limit.
}

struct Came $kind(from = [view, operate], bytesMax = 131072, whenFull = credit) {
  # An item of ListenTo.

  union {
    nothing @0 :Void;
    # Sent in each minute without another item.
    listening @1 :UInt16;
    # Sent once: the number of nodes that tell this node of changes. 0: it asks them itself, twice a minute.
    value @2 :GotValue;
    # Without its search. A slow reader misses values that a newer value has replaced.
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
  # Asks `/dht/audit` to read back every row that the DHT has stored, as a stream of AuditItem. Changes nothing.
}

struct CleanHeld $kind(from = [operate], bytesMax = 64) {
  # As CheckHeld, and also drops expired and unusable rows.
}

struct ListRows $kind(from = [view, operate], bytesMax = 64) {
  # Asks `/dht/audit` for a summary of each row, as a stream of AuditItem. CheckHeld reports faults.

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
  # What a row is about.

  space @0 :Text;
  # As in AuditSum.
  what @1 :UInt8;
  # As in Published.
  key @2 :Data;
  # For a cid the whole hash.
  sequence @3 :UInt64;
  # Of a kv; otherwise 0.
  name @4 :Data;
  # Of a kv.
  whose @5 :Data;
  # For a kv its owner's public key; for an announcement the provider's id; otherwise empty.
  bytes @6 :UInt64;
  # Of a record's value.
  expires @7 :UInt64;
  # Unix seconds; 0: a published item, which is published again as long as this node runs.
}

struct RowTrouble {
  space @0 :Text;
  # As in AuditSum.
  row @1 :Data;
  # Its key.
  what @2 :Text;
}

struct AuditSum {
  space @0 :Text;
  # "pk", "kv", "cid", "providers", or "published": items that this node keeps in the network.
  rows @1 :UInt64;
  bytes @2 :UInt64;
  # Of keys and values.
  expired @3 :UInt64;
  troubles @4 :UInt64;
  removed @5 :UInt64;
  removedBytes @6 :UInt64;
}

# --- what the inspector shows --------------------------------------------------------------------------------------

struct DhtState $kind(from = [view, operate], bytesMax = 4096) {
  # What the inspector shows of `/dht`.

  contacts @0 :UInt32;
  buckets @1 :UInt32;
  nodes @2 :UInt64;
  client @3 :Bool;
  searches @4 :UInt32;
  # Under way.
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
  # Questions of other nodes.
  hops @16 :UInt64;
  questions @17 :UInt64;
  # Of all searches together.
  roundTripUs @18 :UInt64;
  # To an average node.
  refused @19 :UInt64;
  # Refused stores and announcements.
  listeners @20 :UInt32;
  # Nodes that are told of changes, counted for each key.
  notices @21 :UInt64;
  # Sent to them.
  unanswered @22 :UInt64;
  # Of `questions`.
  searchUs @23 :UInt64;
  # Duration of all searches together.
  cacheBytes @24 :UInt64;
  # Of copies in memory.
  cacheHits @25 :UInt64;
  # Searches of this node that copies answered.
  cacheServed @26 :UInt64;
  # Questions of other nodes that copies answered.
  copiesLeft @27 :UInt64;
  # Copies that other nodes were asked to keep.
  repairs @28 :UInt64;
  # Stale replicas that were sent a newer record.
  repaired @29 :UInt64;
  # Stale replicas that have stored it.
}

struct BucketState $kind(from = [view, operate], bytesMax = 8192) {
  # What the inspector shows of a bucket.

  range @0 :UInt8;
  listed @1 :List(BucketContact);
  # Longest silent first.
  spares @2 :List(BucketContact);
}

struct BucketContact {
  node @0 :Text;
  address @1 :Text;
  heardMs @2 :UInt64;
  # Ago.
  failures @3 :UInt32;
}

struct LookupState $kind(from = [view, operate], bytesMax = 8192) {
  # What the inspector shows of a search.

  target @0 :Text;
  goal @1 :Text;
  asked @2 :UInt32;
  inFlight @3 :UInt32;
  paths @4 :List(Text);
  # The latest answers: from which node, and after how long.
  phase @5 :Text;
  # "searching" or "storing".
  runsMs @6 :UInt64;
  # Since it began.
  dueMs @7 :UInt64;
  # Time left until its deadline; 0 once it stores.
  holders @8 :UInt32;
  # Nodes that have answered with the newest record so far.
  stores @9 :UInt32;
  stored @10 :UInt32;
  # Nodes asked to store, and nodes that have stored.
}

struct ListenState $kind(from = [view, operate], bytesMax = 8192) {
  # What the inspector shows of `/dht/listen`.

  places @0 :List(ListenedPlace);
  # At most 50.
  readers @1 :UInt32;
  notices @2 :UInt64;
  # Of other nodes.
  unwanted @3 :UInt64;
  # Notices without a listener here, from nodes that were not asked, or with unsuitable content.
}

struct ListenedPlace {
  key @0 :Text;
  leases @1 :UInt32;
  # Nodes that tell of changes.
  readers @2 :UInt32;
}

struct AuditState $kind(from = [view, operate], bytesMax = 512) {
  # What the inspector shows of `/dht/audit`.

  running @0 :Bool;
  rows @1 :UInt64;
  # Rows read by the current audit, or by the last one.
  audits @2 :UInt64;
  # Audits started.
}
