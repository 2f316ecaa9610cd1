@0xe3a96f0b58d1c274;
# The object store: messages between nodes about chunks and manifests, and requests of operators about files.
#
# Terms. A content is an object: a chunk or a manifest. An owner claims (reserves) an object at a holder, the storage
# node. The owner is the sender of the request: the peer of the link, or this node itself. Ids are hashes: a receiver
# compares bytes with their id before it uses them.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
using import "/messages/common.capnp".Contact;
$Cxx.namespace("troupe::files::wire");

# --- parts ---------------------------------------------------------------------------------------------------------

enum ContentKind {
  manifest @0;
  chunk @1;
}

struct Content {
  # The key of an object, in a fixed 40 bytes without pointers.

  id0 @0 :UInt64;
  id1 @1 :UInt64;
  id2 @2 :UInt64;
  id3 @3 :UInt64;
  # The 32 bytes of the chunk id or CID, each word little-endian.

  bytes @4 :UInt32;
  # For a chunk: its length, 1 to 2,097,152; for a manifest: 0. Anything else is `malformed`.

  kind @5 :ContentKind;
  # An unknown kind is `unsupported`.
}

enum ClaimKind {
  file @0;
  # The claim's name is a CID.
  put @1;
  # The claim's name is a put id: 32 random bytes instead of an unknown CID. Released when idle for an hour.
}

struct Claim {
  # The file or put for which the sender claims objects.

  kind @0 :ClaimKind;
  # An unknown kind is `unsupported`.

  name @1 :Data;
  # A CID or a put id: exactly 32 bytes, otherwise `malformed`.
}

struct Manifest {
  # The canonical manifest (messages/README.md, "Files"), never sent as a struct. Its canonical form, without a segment
  # table, is stored, sent as the bytes of an object, and hashed into the CID. New fields may only be added, and must be
  # zero for a file of format 1, so that its bytes stay the same.

  fileBytes @0 :UInt64;
  format @1 :UInt16;
  # 1; other values are `unsupported`.

  chunker @2 :UInt16;
  # 0: chunks of one size, except that the last may be shorter. Other values are `unsupported`.

  chunkBytes @3 :UInt32;
  # A power of two, 16 KiB to 2 MiB. A larger power is `unsupported`, anything else `malformed`.

  root @4 :Data;
  # The file's BEP 52 root: 32 bytes; absent for an empty file. It follows from the chunks: any other root is
  # `malformed`.

  chunks @5 :List(ManifestChunk);
  # The number of chunks follows from the file size and is at most 65,536. Absent for an empty file.
}

struct ManifestChunk {
  id0 @0 :UInt64;
  id1 @1 :UInt64;
  id2 @2 :UInt64;
  id3 @3 :UInt64;
  # The 32 bytes of the chunk id, each word little-endian.

  bytes @4 :UInt32;
  # The length that follows from file size and chunk size; any other length is `malformed`.
}

# --- between nodes, at /files/holder ----------------------------------------------------------------------------------

struct StoreContent $kind(from = [peer], bytesMax = 2622544) {
  # Stores an object under a claim of the sender. Answered by Stored once bytes and claim are synced. Repeating it is
  # harmless. `no_space`: the sender's quota or its share of `files.space` would be exceeded, or the disk is full.
  # `overloaded`: too many stores in progress, or too many claims (in total; 16 of the sender, or 1,024 of all nodes, on
  # one object). `refused`: the operator has released the sender. messages/README.md, "Limits", has the numbers.

  claim @0 :Claim;
  content @1 :Content;

  bytes @2 :Data;
  # The object itself, at most 2,621,520 bytes (the largest manifest); `corrupt` if it does not match its key. Empty:
  # the sender assumes that the storage node has it; otherwise `not_found`.
}

struct Stored $kind(from = [peer], bytesMax = 64) {
  # The object and the claim are synced.

  fresh @0 :Bool;
  # Whether the bytes were new; false if the storage node already had them.
}

struct BindClaim $kind(from = [peer], bytesMax = 256) {
  # A put has ended: its claims at this node become claims for `cid`. Answered by Bound once that is synced. Repeating
  # it is harmless. `not_found` if the node has no claims of the sender for the put or for the file.

  put @0 :Data;
  # The put id: exactly 32 bytes, otherwise `malformed`.

  cid @1 :Data;
  # Exactly 32 bytes, otherwise `malformed`.
}

struct Bound $kind(from = [peer], bytesMax = 64) {
  # The claims are now for the file, and that is synced.

  contents @0 :UInt32;
  # How many objects the sender now claims for the file at this node.
}

struct ReleaseClaim $kind(from = [peer], bytesMax = 256) {
  # Ends a claim of the sender; objects without another claim are dropped. Answered by Released; a claim that does not
  # exist counts as ended.

  claim @0 :Claim;
}

struct Released $kind(from = [peer], bytesMax = 64) {
  # The claim has ended, and that is synced.

  contents @0 :UInt32;
  # How many objects the claim covered.
}

struct FetchContent $kind(from = [peer], bytesMax = 256) {
  # Requests an object, for any peer. Answered by Fetched. `not_found` if the node lacks the object; `corrupt` if its
  # copy is corrupted; `overloaded` above 16 requests in progress from one peer, or 128 from all peers.

  content @0 :Content;
}

struct Fetched $kind(from = [peer], bytesMax = 2622544) {
  # The answer to FetchContent.

  bytes @0 :Data;
  # The whole object, usually in a separate segment, after a far pointer. The requester verifies it; an object that does
  # not match its key counts against the sender.
}

struct HasContents $kind(from = [peer], bytesMax = 65536) {
  # Asks which of some objects the node has, without their bytes.

  contents @0 :List(Content);
  # 1 to 1,024; none or more is `malformed`.

  claimedFor @1 :Data;
  # 32 bytes, a CID: only objects that the sender claims for this file count. Empty: objects that any node claims.
  # Otherwise `malformed`.
}

struct Has $kind(from = [peer], bytesMax = 1024) {
  # Which of the objects the node has.

  present @0 :List(Bool);
  # One for each object, in their order. A list of another length counts as no answer.

  keptDays @1 :UInt16;
  # The requester's claims at this node end after this many days without a request from the requester. 0: unknown.
}

struct ContentOwner {
  # An owner for which this node stores an object: this node itself if it is an owner, otherwise any of the owners.

  id @0 :Data;
  # 20 bytes.

  group @1 :Data;
  # The address group of its last request: 16 bytes, zeros for this node.
}

struct Holds $kind(bytesMax = 256) {
  # `/files/holder` reports to `/files/announce` that an object has a new claim, or is gone.

  content @0 :Content;
  gone @1 :Bool;

  owner @2 :ContentOwner;
  # Owner of the claim; absent if the object is gone.
}

struct ListHeld $kind(bytesMax = 128) {
  # `/files/announce` requests the list of objects from `/files/holder`. Answered by HeldContents.

  behind @0 :Content;
  # The page starts after this object; absent: at the first object.
}

struct HeldContents $kind(bytesMax = 65536) {
  # The answer to ListHeld.

  contents @0 :List(Content);
  # At most 512, in their order.
  more @1 :Bool;

  owners @2 :List(ContentOwner);
  # One for each object, in their order.
}

struct FindPlaces $kind(bytesMax = 64) {
  # Asks `/files/places` for the nodes nearest to an object's position. Answered by Places.

  position @0 :Data;
  # 20 bytes, otherwise `malformed`.
}

struct Places $kind(bytesMax = 4096) {
  # The answer to FindPlaces.

  nodes @0 :List(Contact);
  # The result of a recent search around a nearby position, without this node: at most 40, in any order. Empty: the
  # network did not answer.
}

struct PlacesState $kind(from = [view, operate], bytesMax = 128) {
  # The inspector's view of `/files/places`.

  asked @0 :UInt64;
  searches @1 :UInt64;
  # Searches that the answers required.
  waiting @2 :UInt32;
  neighbourhoods @3 :UInt32;
  # Currently known neighbourhoods.
}

struct AnnounceState $kind(from = [view, operate], bytesMax = 256) {
  # The inspector's view of `/files/announce`.

  waiting @0 :UInt32;
  announced @1 :UInt64;
  failed @2 :UInt64;
  # Failed attempts, which are retried.
  dropped @3 :UInt64;
  # Objects that were not announced, because all slots or the owner's share of them are in use. Counted at each check.
  places @4 :UInt64;
  # Slots in use: by announced objects, and by announcements that ended in the last 48 hours.
}

# --- operators -----------------------------------------------------------------------------------------------------

struct PutFile $kind(from = [operate], bytesMax = 1024) {
  # Starts a put: a stream of PutPiece from the requester, then the answer PutDone.

  name @0 :Text;
  # The name in `file ls`: at most 255 bytes of UTF-8 without control characters, not a path; empty for standard input.
  # Anything else is `refused`.

  replicas @1 :UInt8;
  # 1 to 16, otherwise `refused`; 0: the node's setting `files.replicas`.
}

struct PutPiece $kind(from = [operate], bytesMax = 1048640, whenFull = credit) {
  # Input of PutFile.

  bytes @0 :Data;
  # The next bytes of the file, at most 1 MiB; an empty piece is ignored.
}

struct PutDone $kind(from = [operate], bytesMax = 256) {
  # The file is stored: each of its objects is synced at no fewer than `replicasReached` nodes, and this node lists the
  # file.

  cid @0 :Data;
  bytes @1 :UInt64;
  chunks @2 :UInt32;
  replicasAsked @3 :UInt8;
  replicasReached @4 :UInt8;
  # At least 1. If it is lower than `replicasAsked`, too few nodes have accepted the file; the watch keeps trying.

  bytesFresh @5 :UInt64;
  # Bytes of the file, without repeated chunks.

  listed @6 :Bool;
  # Whether this node listed the file before.
}

struct GetFile $kind(from = [view, operate], bytesMax = 256) {
  # Requests a file. Answered by a stream of GetItem: first `start`, then pieces in order. It ends with `not_found` if
  # no node in the search has the file, with `unavailable` if a node that may have it did not answer, with `corrupt` if
  # all copies are corrupted.

  cid @0 :Data;
  # Exactly 32 bytes, otherwise `malformed`.

  part :union {
    whole @1 :Void;
    range @2 :Range;
  }
}

struct Range {
  first @0 :UInt64;
  last @1 :UInt64;
  # Bytes from zero, both inclusive. `first` after `last` or at the file's end is `refused`; `last` beyond the end means
  # the end.
}

struct GetItem $kind(from = [view, operate], bytesMax = 262400, whenFull = credit) {
  # What GetFile streams.

  union {
    start @0 :GetStart;
    piece @1 :Data;
    # The next bytes, 1 to 262,144; verified.
  }
}

struct GetStart {
  fileBytes @0 :UInt64;
  partBytes @1 :UInt64;
  # Total bytes of all pieces.
}

struct ListFiles $kind(from = [view, operate], bytesMax = 64) {
  # Requests the files that this node claims. Answered by a stream of FileRow, by CID.
}

struct FileRow $kind(from = [view, operate], bytesMax = 1024, whenFull = credit) {
  # What ListFiles streams: one file.

  cid @0 :Data;
  name @1 :Text;
  # Empty for standard input.

  bytes @2 :UInt64;
  chunks @3 :UInt32;
  replicas @4 :UInt8;
  # The number of wanted copies.

  pinned @5 :Bool;
  expires :union {
    none @6 :Void;
    at @7 :Int64;
    # Unix seconds.
  }
  addedAt @8 :Int64;
  # Unix seconds.

  replicasLive @9 :UInt8;
  # The lowest number of live copies of any of its objects, at the last check of the watch.

  copiesEndAt @10 :Int64;
  # Unix seconds: when the first of the file's storage nodes will delete its copies, unless this node contacts that node
  # before. 0: no other node stores the file, or none has reported a time.
}

struct ViewFile $kind(from = [view, operate], bytesMax = 256) {
  # Requests the objects of a file. Answered by a stream of ViewItem: the file's row if this node claims it, then its
  # manifest and chunks, in order of the file. `not_found` and `unavailable` as for GetFile.

  cid @0 :Data;
}

struct ViewItem $kind(from = [view, operate], bytesMax = 2048, whenFull = credit) {
  # What ViewFile streams.

  union {
    row @0 :FileRow;
    content @1 :ViewContent;
  }
}

struct ViewContent {
  content @0 :Content;
  offset @1 :UInt64;
  # Offset of the chunk in the file; 0 for the manifest.

  holders @2 :List(Data);
  # Ids of the nodes that have reported that they store the object: 20 bytes each, at most 16. Empty if this node does
  # not claim the file.
}

struct VerifyFile $kind(from = [view, operate], bytesMax = 256) {
  # Reads every copy of every object of a file at its storage nodes, and compares it with its id. Answered by a stream
  # of VerifyItem: an item for each bad copy, progress at most every second, and finally the sum. A corrupted copy at
  # this node is replaced by a good copy. `not_found` if this node neither claims nor stores the file; if it only stores
  # the file, only its own copies are read.

  cid @0 :Data;
  # Exactly 32 bytes, otherwise `malformed`. Empty: all objects that this node stores, for itself and for other nodes.
}

struct VerifyItem $kind(from = [view, operate], bytesMax = 512, whenFull = credit) {
  # What VerifyFile streams.

  union {
    copy @0 :VerifyCopy;
    progress @1 :VerifySum;
    sum @2 :VerifySum;
  }
}

struct VerifyCopy {
  content @0 :Content;
  node @1 :Data;
  # 20 bytes.

  state @2 :CopyState;
}

enum CopyState {
  sound @0;
  lacking @1;
  damaged @2;
  unknown @3;
  # The node did not answer.
  repaired @4;
  # It was corrupted at this node, and has been replaced.
}

struct VerifySum {
  copies @0 :UInt64;
  sound @1 :UInt64;
  lacking @2 :UInt64;
  damaged @3 :UInt64;
  unknown @4 :UInt64;
  bytes @5 :UInt64;
  # Bytes of the objects read, each counted once.

  bytesTotal @6 :UInt64;
  repaired @7 :UInt64;
  # Repaired copies, which also count as corrupted.
}

struct RemoveFile $kind(from = [operate], bytesMax = 256) {
  # Ends this node's claim on a file; `not_found` if it has none. Answered by FileRemoved once that is synced. Each
  # storage node is notified repeatedly until it answers.

  cid @0 :Data;
}

struct FileRemoved $kind(from = [operate], bytesMax = 64) {
  # This node no longer claims the file, and that is synced.

  holders @0 :UInt32;
  # How many nodes must release the file.
}

struct PinFile $kind(from = [operate], bytesMax = 256) {
  # Sets or removes the pin of a file that this node claims; `not_found` if it does not. Answered by Nothing.

  cid @0 :Data;
  pinned @1 :Bool;
}

struct ListOwners $kind(from = [view, operate], bytesMax = 128) {
  # Asks `/files/holder` for the owners of stored objects, by id. Answered by HeldOwners.

  behind @0 :Data;
  # The page starts after this owner: 20 bytes; empty: at the first. Otherwise `malformed`.
}

struct HeldOwners $kind(from = [peer, view, operate], bytesMax = 65536) {
  # The answer to ListOwners.

  owners @0 :List(HeldOwner);
  # At most 512, in their order; includes this node if it stores objects of its own.
  more @1 :Bool;
}

struct HeldOwner {
  owner @0 :Data;
  # 20 bytes.
  contents @1 :UInt64;
  bytes @2 :UInt64;
  # As counted towards the owner's quota: each claim counts at least 4 KiB.
  claims @3 :UInt64;
  lastSeen @4 :Int64;
  # Unix seconds at the beginning of the day (UTC) of the owner's last request.
}

struct ReleaseOwner $kind(from = [operate], bytesMax = 128) {
  # Asks `/files/holder` to end all claims of an owner, and to refuse that owner for `files.kept_days`. Answered by
  # OwnerReleased once that is synced; `not_found` if nothing is stored for the owner, `refused` for this node itself.

  owner @0 :Data;
  # 20 bytes, otherwise `malformed`.
}

struct OwnerReleased $kind(from = [peer, view, operate], bytesMax = 64) {
  # The claims have ended.

  claims @0 :UInt64;
  # How many claims have ended.
}

# --- between the actors of one node --------------------------------------------------------------------------------

struct PutHeld $kind(bytesMax = 1048576) {
  # A put reports to the catalogue which nodes store some of its objects under the put id. Answered by Nothing.

  put @0 :Data;
  contents @1 :List(HeldContent);
  # At most 1,024.
}

struct HeldContent {
  content @0 :Content;
  holders @1 :List(Data);
  # Node ids of 20 bytes, at most 16.
}

struct PutBinds $kind(bytesMax = 65536) {
  # A put is about to bind its claims to `cid` at these nodes. Answered by Nothing once a row records that, because the
  # claims must be released if the put fails at this node.

  put @0 :Data;
  cid @1 :Data;
  nodes @2 :List(Data);
  # Node ids of 20 bytes, at most 1,024.
}

struct PutEnds $kind(bytesMax = 131072) {
  # A put has bound its claims, and wants its file listed. Answered by PutListed once that is synced.

  put @0 :Data;
  cid @1 :Data;
  name @2 :Text;
  bytes @3 :UInt64;
  chunks @4 :UInt32;
  replicas @5 :UInt8;
  unbound @6 :List(Data);
  # Nodes that may have claims for the put, but did not confirm that they are bound: they do not count as storage nodes.
}

struct PutListed $kind(bytesMax = 64) {
  # The file is listed.

  replicas @0 :UInt8;
  # The lowest number of copies of any of its objects, at least 1.
  listed @1 :Bool;
  # Whether the file was listed before.
}

struct PutFails $kind(bytesMax = 65536) {
  # A put has failed. Answered by Nothing once a row records that these nodes must release its claims.

  put @0 :Data;
  nodes @1 :List(Data);
  # Node ids of 20 bytes, at most 1,024.
}

struct StoresTook $kind(bytesMax = 65536) {
  # A put reports how long nodes took to store, a get how long they took to read.

  nodes @0 :List(NodeTook);
  # At most 1,024.
  reads @1 :Bool;
}

struct NodeTook {
  node @0 :Data;
  # 20 bytes.
  micros @1 :UInt32;
  # The longest of the node's last stores or reads; 0: a request has been unanswered for longer than usual.
}

struct CopyMade $kind(bytesMax = 256) {
  # A copy that the watch wanted is stored at `node`. Answered by Nothing once a row records it.

  cid @0 :Data;
  content @1 :Content;
  node @2 :Data;
}

struct CopyRefused $kind(bytesMax = 128) {
  # A node refused a copy that the watch wanted there.

  node @0 :Data;
}

struct MendContent $kind(bytesMax = 2622544) {
  # Replaces a corrupted object of this node with bytes that have been verified. Answered by Nothing once they are
  # synced; `not_found` if no node claims the object at this node.

  content @0 :Content;
  bytes @1 :Data;
}

# --- what the inspector shows --------------------------------------------------------------------------------------

struct FilesState $kind(from = [view, operate], bytesMax = 512) {
  # The inspector's view of the catalogue: the files of this node.

  loading @0 :Bool;
  # Its rows are still being loaded.

  files @1 :UInt32;
  contentsOwned @2 :UInt32;
  contentsShort @3 :UInt32;
  # Objects with fewer live copies than wanted, at the last check of the watch.

  contentsLost @4 :UInt32;
  # Objects without a live copy.

  releases @5 :UInt32;
  # Claims that other nodes still have to end.

  putsUnderWay @6 :UInt32;
  streamsUnderWay @7 :UInt32;
  # Gets, views and verifies.

  copiesUnderWay @8 :Bool;
  # The watch is restoring copies.
}

struct HolderState $kind(from = [view, operate], bytesMax = 256) {
  # The inspector's view of the objects that this node stores, for itself and for other nodes.

  loading @0 :Bool;
  contents @1 :UInt64;
  bytes @2 :UInt64;
  claims @3 :UInt64;
  badDigests @4 :UInt64;
  # Received objects that did not match their key.

  damaged @5 :UInt64;
  # Objects that cannot be read and are not repaired yet.

  commitsUnderWay @6 :UInt32;
  readsUnderWay @7 :UInt32;
  putsClaimed @8 :UInt32;
  # Puts that have claims here and are not bound to a file yet.
}

struct PutState $kind(from = [view, operate], bytesMax = 256) {
  # The inspector's view of a put.

  bytes @0 :UInt64;
  # Bytes read so far.

  bytesHeld @1 :UInt64;
  # Bytes in memory that wait for copies to be synced.

  replicasAsked @2 :UInt8;
  replicasReached @3 :UInt8;
  # The lowest number of copies of any object so far; zero before the first object.
}

struct GetState $kind(from = [view, operate], bytesMax = 128) {
  # The inspector's view of a get.

  bytes @0 :UInt64;
  # Bytes passed on so far.

  badAnswers @1 :UInt64;
  # Objects that did not match their key.
}
