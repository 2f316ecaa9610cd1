@0xb19d3c52e8a0f647;
# The distributed hash table: what nodes ask each other, what its actors tell each other, and what operators ask.
#
# Words. A key is a point of the 160-bit space of node ids; a place is a space and a key; a record is what lies there
# (actors/dht/logic/record.hpp has its bytes). Ids and keys are 20 bytes, big-endian; another length is `malformed`.
# Questions between nodes go by datagram where they fit; where the answer does not, it goes over a link.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using import "/messages/common.capnp".Contact;
using import "/messages/common.capnp".Error;
$Cxx.namespace("troupe::dht::wire");

# --- parts ---------------------------------------------------------------------------------------------------------

struct Asker {
  # Who asks, so that it may be asked in turn.

  contact @0 :Contact;
  # Key and nonce are those of whoever sends, else `malformed`. Port 0: a client, which cannot be asked.
}

# --- between nodes -------------------------------------------------------------------------------------------------

struct Ping $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Are you there? Answered by Pong.

  asker @0 :Asker;
}

struct Pong $kind(from = [peer], bytesMax = 64) {
  # The answer to Ping: I am.
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
  # 8 bytes that whoever asked shows with a Store or an AddProvider within five minutes.
}

struct FindValue $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Asks for the record at a place, or the contacts nearest to its key. Answered by FoundValue.

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
  # Empty: the node does not hold one.
  contacts @1 :List(Contact);
  # As in Nodes. Fewer where they would keep the answer from a datagram that the record alone fits into.
  token @2 :Data;
  lastsS @3 :UInt32;
  # For so many seconds the node will still have the record. A copy that is made of it lasts no longer; 0: make none.
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
    # The record held now must have it; nothing held counts as a match, and so does this very record.
  }

  copyS @6 :UInt32;
  # 0: to be held. Else the record lies farther away, and the node is asked to keep a copy in memory, for so many
  # seconds at most and as long as it likes. Of what can change, /kv, there are no copies: `bad`.
}

struct StoreDone $kind(from = [peer], bytesMax = 256) {
  # The answer to Store: what has become of it. What is held is durable.

  result @0 :Result;
  present @1 :UInt64;
  # The sequence that is held, for older, tied and conflict.
  why @2 :Text;
  # For people, where the record is no good.

  enum Result {
    stored @0;
    older @1;
    # A newer one is held.
    tied @2;
    # Another one with the same sequence is held, and stays.
    conflict @3;
    # Another sequence is held than was expected.
    ownerFull @4;
    noSpace @5;
    bad @6;
    # Not valid at that key.
  }
}

struct AddProvider $kind(from = [peer], bytesMax = 256, datagram = true) {
  # The asker says that it has what belongs to `key`. Answered by Added. A wrong or old token is `refused`; a client
  # cannot provide: `malformed`.

  asker @0 :Asker;
  token @1 :Data;
  key @2 :Data;
}

struct Added $kind(from = [peer], bytesMax = 64) {
  # The answer to AddProvider: it is durable.
}

struct GetProviders $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Asks who provides `key`. Answered by Providers.

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
  # As in Nodes; no more than fit into a datagram with the providers.
  token @2 :Data;
}

struct Listen $kind(from = [peer], bytesMax = 256, datagram = true) {
  # Asks the node to tell the asker of what comes to a place, for a while. Answered by Listening. Asked again the while
  # begins anew.

  asker @0 :Asker;
  # Where it is told. The node pings it there before it tells it anything.
  token @1 :Data;
  what @2 :UInt8;
  # 2: the value of a /kv; 4: new providers. Another is `unsupported`.
  key @3 :Data;
  seconds @4 :UInt16;
  # How long; 0: no longer.
  knows @5 :Data;
  # The tag of the record that the asker has (logic/record.hpp); may be empty.
}

struct Listening $kind(from = [peer], bytesMax = 4096) {
  # The answer to Listen.

  seconds @0 :UInt16;
  # For so long the asker is told, at most five minutes. 0: it is not. It showed no good token, could not be reached
  # where it says it is, or too many listen.
  token @1 :Data;
  # As in Nodes.
  present @2 :Present;
}

struct Present {
  # What lies at a place.

  sequence @0 :UInt64;
  tag @1 :Data;
  # Of the record that is held; empty: none is.
  record @2 :Data;
  # Empty where the asker has it, or where it needs a link: then FindValue brings it.
  providers @3 :List(Contact);
  # At most 20.
}

struct Changed $kind(from = [peer], bytesMax = 4096, datagram = true) {
  # Tells a listener what has come, at `/dht/listen`. Answered by Noted; sent again if it is not. One at a time.

  what @0 :UInt8;
  key @1 :Data;
  present @2 :Present;
  # Of providers, those that are new.
}

struct Noted $kind(from = [peer], bytesMax = 64) {
  # The answer to Changed.

  listens @0 :Bool;
  # False: it does not listen any more, and is told nothing more.
}

# --- between the actors of one domain ------------------------------------------------------------------------------

struct Hear $kind(bytesMax = 256) {
  # `/dht` offers a contact to the bucket of `range`, which tells BucketHolds or Settled.

  range @0 :UInt8;
  contact @1 :Contact;
  answered @2 :Bool;
  # It answered us; else it has only asked.
}

struct Located $kind(bytesMax = 128) {
  # `/dht` tells `/dht/bucket`, and that its buckets, where others can dial this node from now on.

  contact @0 :Contact;
}

struct Missed $kind(bytesMax = 128) {
  # A contact of the bucket of `range` has not answered somebody.

  range @0 :UInt8;
  node @1 :Data;

  forget @2 :Bool;
  # At once: it misbehaved, the table has enough of its address group, or it is silent while others are not.
}

struct BucketHolds $kind(lane = control, bytesMax = 8192) {
  # A bucket says what it holds after a change. Empty lists: it ends.

  range @0 :UInt8;
  good @1 :List(Contact);
  rest @2 :List(Contact);
  settled @3 :Data;
  # The id of the contact that it was offered, taken or not; may be empty.
  heardMs @4 :List(UInt64);
  # How long ago each of `good` was heard, in their order.
  claimed @5 :List(Contact);
  # Whose address is not proven by an answer. `good` and `rest` have answered.
  silent @6 :List(Silent);
  # Those of `rest` that may be forgotten, unless it is this node that is cut off.
  failing @7 :UInt16;
  # So many of `rest`, the first, have a place and do not answer.

  struct Silent {
    node @0 :Data;
    sinceMs @1 :UInt64;
    # How long ago it failed for the last time but one.
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
    # So many providers are enough.
    store @4 :Publication;
    # The record is stored at all nodes that should hold it.
    provide @5 :Void;
    # This node is announced there as a provider.
    region @9 :List(RegionItem);
    # All of these lie near `key`: one search serves them. At most 64, and 512 KiB.
  }

  quorum @6 :UInt8;
  # Of a value that changes: holders that have to agree; 0: 3.
  seconds @7 :UInt16;
  # At most so long; 0: 30.
  explain @8 :Bool;
  # With each question in the result.

  keep @10 :Bool;
  # Of a region and of provide: what is acknowledged is published again from now on, until it is Withdrawn.
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
  # `/dht` tells a search that nobody waits for it any more. It answers with what it has.
}

struct ProvidersFound $kind(bytesMax = 4096) {
  # A search tells `/dht` of providers that nobody had named before, as they come.

  group @0 :UInt64;
  # By which `/dht` knows the search.
  providers @1 :List(Contact);
}

struct SearchResult $kind(bytesMax = 1048576) {
  # The answer to Search.

  ending @0 :Text;
  # "found", "cached", "converged", "gave up", "nobody", "deadline" or "cancelled".

  nearest @1 :List(Contact);
  # Nodes that answered, nearest first.

  record @2 :Data;
  # The newest valid one found; empty: none.
  holders @3 :UInt16;
  # Nodes that have it.

  providers @4 :List(Contact);

  asked @5 :UInt16;
  unanswered @6 :UInt16;
  hops @7 :UInt16;
  microseconds @8 :UInt64;

  stores @9 :UInt16;
  # Nodes asked to store or to note a provider, this one included.
  stored @10 :UInt16;
  # Those that have.
  refusal @11 :StoreDone;
  # What most of the others said, if any said something.

  questions @12 :List(Question);
  # With `explain`, in the order asked.
  refused @13 :List(RefusedContact);

  heard @14 :List(HeardFrom);
  # For `/dht` alone: who answered how fast, and who did not.

  items @15 :List(Bool);
  # Of a region: which of its items enough nodes have acknowledged, in their order. One that holds a newer record,
  # or the one that stays of two with a number, counts.
  itemResults @16 :List(ItemResult);
  # The same, and how many they were.

  needed @17 :UInt16;
  # Of `stores`: so many have to acknowledge it.
  ownFailure @18 :Text;
  # Why this node's own store has not; empty: it has, or was not asked.

  lastsS @19 :UInt32;
  # For so long whoever had the record will have it.
  lagging @20 :List(Reached);
  # For `/dht` alone: nodes that should hold what changes and have an older record or none.
  copyAt @21 :List(Reached);
  # For `/dht` alone: none or one node that could have answered with a copy.

  silent @22 :UInt16;
  # Nodes that this one knew itself and that have not answered in time, where fewer have than there should be copies.
}

struct ItemResult {
  asked @0 :UInt16;
  stored @1 :UInt16;
  needed @2 :UInt16;
  refusal @3 :StoreDone;
  silent @4 :UInt16;
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
  # Contacts taken of its answer.
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
  # That it gave for a store.
  overdue @3 :Bool;
  # It has not answered in the time that answers take, and the search ended before it had more: slow or gone.
}

struct Published $kind(bytesMax = 73728) {
  # `/dht` tells `/dht/republish` what this node has published, so that it stays in the network.

  what @0 :UInt8;
  # A space, or 4: this node as a provider.
  key @1 :Data;
  record @2 :Data;
  # Empty for a provider.
  hurry @3 :Bool;
  # At most one node is known to have it: it is published again soon, until others have.
}

struct LastSigned $kind(bytesMax = 64) {
  # `/dht/republish` tells `/dht`, once its rows are read, the highest sequence that this node has published.

  sequence @0 :UInt64;
}

struct Withdrawn $kind(bytesMax = 256) {
  # Tells `/dht` that it is published no more, and left to expire.

  what @0 :UInt8;
  key @1 :Data;
}

struct ListPublished $kind(bytesMax = 128) {
  # Another domain asks `/dht/republish` what is kept published. Answered by PublishedKeys, or `unavailable` while its
  # rows are read.

  what @0 :UInt8;
  # As in Published.
  behind @1 :Data;
  # Keys after this one; empty: from the first on.
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
  # Regions that could not be served, and are tried again.
  lateMs @2 :UInt64;
  # How long what is due has waited.
  regions @3 :UInt64;
  # Served since the start.
  republished @4 :UInt64;
  # Items in them that enough nodes have acknowledged.
  hurried @5 :UInt64;
  # Items that at most one node is known to have: they are tried beside the sweep.
}

struct FindIndexed $kind(bytesMax = 65536) {
  # `/dht/audit` asks `/dht` what it knows of rows. Answered by Indexed.

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
  # `/dht/audit` asks `/dht` for the keys of the rows that there should be. Answered by IndexedKeys.

  what @0 :UInt8;
  # A space, or 4: announcements.
  after @1 :Data;
  # The last one of the page before; empty: from the start.
}

struct IndexedKeys $kind(bytesMax = 65536) {
  # The answer to ListIndexed: a page of them. Empty: there are no more.

  keys @0 :List(Data);
}

struct DropRows $kind(bytesMax = 65536) {
  # `/dht/audit` asks `/dht`, of what is published `/dht/republish`, to forget and erase rows. Answered by RowsDropped.

  keyspace @0 :Text;
  keys @1 :List(Data);
  expired @2 :Bool;
  # Because their time is over: they stay while the date is doubted.
  sequences @3 :List(UInt64);
  # Of what is published: what was put anew since, with a higher one, stays.
}

struct RowsDropped $kind(bytesMax = 65536) {
  # The answer to DropRows.

  dropped @0 :List(Bool);
  # In the order of its keys. One that is being changed stays.
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
  # How long it lasts; 0: 48 h; at most seven days. Of kv alone.
  readers @4 :List(Data);
  # Ed25519 keys of those who may read it, at most 16; empty: everybody.

  expected :union {
    any @5 :Void;
    sequence @6 :UInt64;
    # Of kv alone: the newest value found must have it, else `conflict`; 0: nothing may be held. A date in milliseconds,
    # usually. More than a day ahead it is `malformed`, unless the node holds that one.
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

struct GetValue $kind(from = [view, operate], bytesMax = 1024) {
  # Asks for a value. Answered by GotValue; `not_found` if no node that should hold it has one, `unavailable` if too few
  # of them answered to say so: with `explain` in the answer, so that how it was sought can be shown.

  space @0 :UInt8;
  key @1 :Data;
  digest @2 :Data;
  # Of cid, if all of it is known: 32 bytes.
  name @3 :Data;
  # In place of the key: of this node's own kv.
  quorum @4 :UInt8;
  explain @5 :Bool;
}

struct GotValue $kind(from = [view, operate], bytesMax = 1048576) {
  # The answer to GetValue.

  value @0 :Data;
  sealed @1 :Bool;
  # It is for readers of whom this node is none: `value` is the container.
  owner @2 :Data;
  name @3 :Data;
  sequence @4 :UInt64;
  created @5 :Int64;
  expires @6 :Int64;
  # Unix seconds; of kv.
  search @7 :SearchResult;
  error @8 :Error;
  # With `explain` alone: why there is no value. Without it the error is the answer.
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
  # Announces this node as a provider of a content. Answered by PutDone; `not_found` if the node does not hold it.

  cid @0 :Data;
  # 32 bytes.
  explain @1 :Bool;
}

struct FindProviders $kind(from = [view, operate], bytesMax = 256) {
  # Asks who provides a content. A stream of FoundProviders, which begins with those that this node knows.

  cid @0 :Data;
  # 32 bytes; or 20, the key itself.
  providersMax @1 :UInt16 = 20;
  explain @2 :Bool;
}

struct FoundProviders $kind(from = [view, operate], bytesMax = 1048576, whenFull = credit) {
  # What FindProviders streams.

  search @0 :SearchResult;
  # Of the last item alone: how the search went, with all of them.
  providers @1 :List(Contact);
  # That no item before has named.
  last @2 :Bool;
}

struct PutMany $kind(from = [operate], bytesMax = 1048576) {
  # Stores several values. Keys that lie near each other share a search. Answered by PutManyDone.

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
  # The answer to PutMany: what has become of each, in their order.

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
  # None: enough nodes have it.
}

struct GetMany $kind(from = [view, operate], bytesMax = 65536) {
  # Asks for several values. Keys that lie near each other share a search for the nodes there. A stream of GotOne, in
  # the order in which they come.

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
  # How many there seem to be in the network; 0: not known.
  client @2 :Bool;
  # This node cannot be asked, and stands in nobody's table.
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
  # Asks `/dht/listen` for what comes to a place, as a stream of Came: what is there first.

  what @0 :UInt8;
  # As in Listen.
  key @1 :Data;
  name @2 :Data;
  # In place of the key: of this node's own kv.
  count @3 :UInt64;
  # Ends after so many; 0: it does not.
  milliseconds @4 :UInt64;
  # Ends then; 0: it does not.
}

struct Came $kind(from = [view, operate], bytesMax = 131072, whenFull = credit) {
  # An item of ListenTo.

  union {
    nothing @0 :Void;
    # Sent each minute in which nothing else is.
    listening @1 :UInt16;
    # Once: so many nodes tell this one of changes. 0: it asks them itself, twice a minute.
    value @2 :GotValue;
    # Without its search. A reader that is slow misses values which a newer one has replaced.
    provider @3 :Contact;
    ended @4 :ListenEnded;
    # The last one.
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
  # The same, and drops what has expired and what cannot be used.
}

struct ListRows $kind(from = [view, operate], bytesMax = 64) {
  # Asks it for what its rows say, as a stream of AuditItem. Troubles are for CheckHeld.

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
    # The last one, by space.
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
  # Of a cid the whole hash.
  sequence @3 :UInt64;
  # Of a kv; else 0.
  name @4 :Data;
  # Of a kv.
  whose @5 :Data;
  # Of a kv its owner's public key; of an announcement the provider's id; of the others empty.
  bytes @6 :UInt64;
  # Of a record's value.
  expires @7 :UInt64;
  # Unix seconds; 0: what is published is published again for as long as this node runs.
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
  # "pk", "kv", "cid", "providers", or "published": what this node itself keeps in the network.
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
  # Stores and announcements that were not taken.
  listeners @20 :UInt32;
  # Nodes that are told of changes, each place for itself.
  notices @21 :UInt64;
  # Sent to them.
  unanswered @22 :UInt64;
  # Of `questions`.
  searchUs @23 :UInt64;
  # That all searches took together.
  cacheBytes @24 :UInt64;
  # Of copies in memory.
  cacheHits @25 :UInt64;
  # Searches of this node that they answered.
  cacheServed @26 :UInt64;
  # Questions of other nodes that they answered.
  copiesLeft @27 :UInt64;
  # Copies that other nodes were asked to keep.
  repairs @28 :UInt64;
  # Nodes that lagged behind and were given a newer record.
  repaired @29 :UInt64;
  # Those that have taken it.
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
  # The latest answers: who, and after how long.
  phase @5 :Text;
  # "searching" or "storing".
  runsMs @6 :UInt64;
  # Since it began.
  dueMs @7 :UInt64;
  # Until it ends whatever comes; 0 once it stores.
  holders @8 :UInt32;
  # That have answered with the newest record so far.
  stores @9 :UInt32;
  stored @10 :UInt32;
  # Nodes asked to store, and those that have.
}

struct ListenState $kind(from = [view, operate], bytesMax = 8192) {
  # What the inspector shows of `/dht/listen`.

  places @0 :List(ListenedPlace);
  # At most 50.
  readers @1 :UInt32;
  notices @2 :UInt64;
  # Of other nodes.
  unwanted @3 :UInt64;
  # Of them those for which nobody listens, from nodes that were not asked, or with what does not belong there.
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
  # Read of the one that runs, or ran last.
  audits @2 :UInt64;
  # Begun.
}
