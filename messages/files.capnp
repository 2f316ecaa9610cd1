@0xe3a96f0b58d1c274;
# The content store: what nodes ask each other about chunks and manifests, and what operators ask about files.
#
# Words. A content is a chunk or a manifest. An owner claims it at a holder. The owner is the sender: the peer of the
# link, or the node itself. Ids are hashes: a receiver compares bytes with their id before it uses them.

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
  # The key of a content, in a fixed 40 bytes without pointers.

  id0 @0 :UInt64;
  id1 @1 :UInt64;
  id2 @2 :UInt64;
  id3 @3 :UInt64;
  # The 32 bytes of the chunk id or CID, each word little-endian.

  bytes @4 :UInt32;
  # Of a chunk: its length, 1 to 2,097,152; of a manifest: 0. Anything else is `malformed`.

  kind @5 :ContentKind;
  # An unknown kind is `unsupported`.
}

enum ClaimKind {
  file @0;
  # The claim's name is a CID.
  put @1;
  # The claim's name is a put id: 32 random bytes in place of a CID that is not known yet. Released when idle for an
  # hour.
}

struct Claim {
  # The file or put for which the sender claims contents.

  kind @0 :ClaimKind;
  # An unknown one is `unsupported`.

  name @1 :Data;
  # A CID or a put id: exactly 32 bytes, otherwise `malformed`.
}

struct Manifest {
  # The canonical manifest (messages/README.md, "Files"): never sent as a struct. Its canonical form, without a
  # segment table, is what is stored, sent as the bytes of a content, and hashed into the CID. New fields are only
  # added, and are zero for a file of format 1, so that its bytes stay the same.

  fileBytes @0 :UInt64;
  format @1 :UInt16;
  # 1; another is `unsupported`.

  chunker @2 :UInt16;
  # 0: chunks of one size, the last one shorter. Another is `unsupported`.

  chunkBytes @3 :UInt32;
  # A power of two, 16 KiB to 2 MiB. A larger power is `unsupported`, anything else `malformed`.

  root @4 :Data;
  # The file's BEP 52 root: 32 bytes; absent for an empty file. It follows from the chunks: another is `malformed`.

  chunks @5 :List(ManifestChunk);
  # Their number follows from the size, at most 65,536; absent for an empty file.
}

struct ManifestChunk {
  id0 @0 :UInt64;
  id1 @1 :UInt64;
  id2 @2 :UInt64;
  id3 @3 :UInt64;
  # The 32 bytes of the chunk id, each word little-endian.

  bytes @4 :UInt32;
  # The length that size and chunk size give; another is `malformed`.
}

# --- between nodes, at /files/holder ----------------------------------------------------------------------------------

struct StoreContent $kind(from = [peer], bytesMax = 2622544) {
  # Stores a content under a claim of the sender. Answered by Stored once bytes and claim are synced. Asking again is
  # harmless. Over the sender's quota, its share of `files.space`, or a full disk: `no_space`; too many claims (of all,
  # 16 of the sender on one content, 1,024 of all on it) or stores under way: `overloaded`; `refused` if the holder's
  # operator has released the sender. messages/README.md, "Limits", has the numbers.

  claim @0 :Claim;
  content @1 :Content;

  bytes @2 :Data;
  # The content itself, at most 2,621,520 bytes (the largest manifest); `corrupt` if it does not match its key. Empty:
  # the sender assumes that the holder has it; `not_found` if it has not.
}

struct Stored $kind(from = [peer], bytesMax = 64) {
  # The content and the claim are synced.

  fresh @0 :Bool;
  # Whether the holder had to keep the bytes; false if it had them before.
}

struct BindClaim $kind(from = [peer], bytesMax = 256) {
  # A put has ended: its claims at this holder become claims for `cid`. Answered once that is synced. Asking again is
  # harmless. `not_found` if the holder has neither claims of that put nor of that file.

  put @0 :Data;
  # The put id: exactly 32 bytes, otherwise `malformed`.

  cid @1 :Data;
  # Exactly 32 bytes, otherwise `malformed`.
}

struct Bound $kind(from = [peer], bytesMax = 64) {
  # The claims are for the file now, and that is synced.

  contents @0 :UInt32;
  # How many contents the sender claims for the file at this holder now.
}

struct ReleaseClaim $kind(from = [peer], bytesMax = 256) {
  # Ends a claim of the sender; contents without another claim are dropped. A claim that does not exist has ended.

  claim @0 :Claim;
}

struct Released $kind(from = [peer], bytesMax = 64) {
  # The claim has ended, and that is synced.

  contents @0 :UInt32;
  # How many contents the claim held.
}

struct FetchContent $kind(from = [peer], bytesMax = 256) {
  # Asks for a content. Any peer may ask. `not_found` if the holder lacks it; `corrupt` if it had it and found it
  # damaged; `overloaded` beyond 16 questions of one peer under way, or 128 of all.

  content @0 :Content;
}

struct Fetched $kind(from = [peer], bytesMax = 2622544) {
  # A content that a holder has.

  bytes @0 :Data;
  # The whole content, mostly in a segment of its own, behind a far pointer. The asker verifies it; a content that does
  # not match its key counts against the sender.
}

struct HasContents $kind(from = [peer], bytesMax = 65536) {
  # Asks which of some contents the holder has, without their bytes.

  contents @0 :List(Content);
  # 1 to 1,024; none or more is `malformed`.

  claimedFor @1 :Data;
  # 32 bytes, a CID: only contents that the sender claims for this file. Empty: claimed by any node. Otherwise
  # `malformed`.
}

struct Has $kind(from = [peer], bytesMax = 1024) {
  # Which of the contents the holder has.

  present @0 :List(Bool);
  # One for each content, in their order. A list of another length counts as no answer.

  keptDays @1 :UInt16;
  # The asker's claims here end after this many days without a question of it. 0: the holder does not say.
}

struct ContentOwner {
  # For which owner a holder has a content: this node if it is one of the owners, otherwise one of them.

  id @0 :Data;
  # 20 bytes.

  group @1 :Data;
  # The address group from which it asked last: 16 bytes, zeros for this node.
}

struct Holds $kind(bytesMax = 256) {
  # A holder tells `/files/announce` that a content has a new claim, or is gone.

  content @0 :Content;
  gone @1 :Bool;

  owner @2 :ContentOwner;
  # Of the claim; absent if the content is gone.
}

struct ListHeld $kind(bytesMax = 128) {
  # `/files/announce` asks the holder for its contents. Answered by HeldContents.

  behind @0 :Content;
  # The page starts after this content; absent: at the first.
}

struct HeldContents $kind(bytesMax = 65536) {
  # The answer to ListHeld.

  contents @0 :List(Content);
  # At most 512, in their order.
  more @1 :Bool;

  owners @2 :List(ContentOwner);
  # One for each content, in their order.
}

struct FindPlaces $kind(bytesMax = 64) {
  # Asks `/files/places` for the nodes nearest to a content's position. Answered by Places.

  position @0 :Data;
  # 20 bytes, otherwise `malformed`.
}

struct Places $kind(bytesMax = 4096) {
  # The answer to FindPlaces.

  nodes @0 :List(Contact);
  # As a search of the last seconds found them around a nearby position, without this node: at most 40, in any order.
  # Empty: the network did not answer.
}

struct PlacesState $kind(from = [view, operate], bytesMax = 128) {
  # What the inspector shows of `/files/places`.

  asked @0 :UInt64;
  searches @1 :UInt64;
  # Searches that were needed for the answers.
  waiting @2 :UInt32;
  neighbourhoods @3 :UInt32;
  # Neighbourhoods that are known at present.
}

struct AnnounceState $kind(from = [view, operate], bytesMax = 256) {
  # What the inspector shows of `/files/announce`.

  waiting @0 :UInt32;
  announced @1 :UInt64;
  failed @2 :UInt64;
  # Failed attempts; they are repeated.
  dropped @3 :UInt64;
  # Not announced: all places are taken, or the owner's share of them. Counted at each look.
  places @4 :UInt64;
  # That are taken: by contents that are announced, and by those that ended in the last 48 hours.
}

# --- operators -----------------------------------------------------------------------------------------------------

struct PutFile $kind(from = [operate], bytesMax = 1024) {
  # Starts a put: a stream of PutPiece from the asker, then the answer PutDone.

  name @0 :Text;
  # How `file ls` shows it: at most 255 bytes of UTF-8 without control characters, no path; empty for standard input.
  # Anything else is `refused`.

  replicas @1 :UInt8;
  # 1 to 16, otherwise `refused`; 0: as many as the node's setting `files.replicas` says.
}

struct PutPiece $kind(from = [operate], bytesMax = 1048640, whenFull = credit) {
  # Input of PutFile.

  bytes @0 :Data;
  # The next bytes of the file, at most 1 MiB; an empty piece is ignored.
}

struct PutDone $kind(from = [operate], bytesMax = 256) {
  # The file is stored: each of its contents is synced at `reached` nodes at least, and listed by this node.

  cid @0 :Data;
  bytes @1 :UInt64;
  chunks @2 :UInt32;
  replicasAsked @3 :UInt8;
  replicasReached @4 :UInt8;
  # At least 1. Fewer than asked: not enough nodes accepted it; the watch keeps trying.

  bytesFresh @5 :UInt64;
  # Bytes of the file, without chunks that repeat an earlier chunk of it.
}

struct GetFile $kind(from = [view, operate], bytesMax = 256) {
  # A stream of GetItem: first `start`, then pieces in order. It ends with `not_found` if all asked nodes lack the file,
  # with `unavailable` if a node that may have it did not answer, with `corrupt` if all copies are damaged.

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
  # Bytes from zero, both included. `first` beyond `last` or at the file's end is `refused`; `last` beyond the end is
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
  # The bytes of all pieces together.
}

struct ListFiles $kind(from = [view, operate], bytesMax = 64) {
  # A stream of FileRow: the files that this node claims, by CID.
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
  # The minimum over its contents, when the watch last checked.

  copiesEndAt @10 :Int64;
  # Unix seconds: when the first of its holders ends its copies, unless it hears of this node before. 0: no other node
  # holds the file, or none has said.
}

struct ViewFile $kind(from = [view, operate], bytesMax = 256) {
  # A stream of ViewItem: the file's row if this node claims it, then its manifest and chunks, in order of the file.
  # `not_found` and `unavailable` as for GetFile.

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
  # Of the chunk in the file; 0 for the manifest.

  holders @2 :List(Data);
  # Ids of the nodes that have said that they hold the content: 20 bytes each, at most 16. Empty if this node does not
  # claim the file.
}

struct VerifyFile $kind(from = [view, operate], bytesMax = 256) {
  # Reads every copy of every content at its holders and compares it with its id. A stream of VerifyItem: one for each
  # copy that is not sound, progress at most every second, and the sum last. A damaged copy at this node is replaced
  # from a sound copy. `not_found` if this node neither claims nor holds the file; if it only holds the file,
  # only its own copies are read.

  cid @0 :Data;
  # Exactly 32 bytes, otherwise `malformed`. Empty: all contents that this node stores, for itself and for others.
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
  # It was damaged at this node, and has been replaced.
}

struct VerifySum {
  copies @0 :UInt64;
  sound @1 :UInt64;
  lacking @2 :UInt64;
  damaged @3 :UInt64;
  unknown @4 :UInt64;
  bytes @5 :UInt64;
  # Bytes of the contents read, each counted once.

  bytesTotal @6 :UInt64;
  repaired @7 :UInt64;
  # Repaired copies, which also count as damaged.
}

struct RemoveFile $kind(from = [operate], bytesMax = 256) {
  # Ends this node's claim on a file; `not_found` if it has none. Answered by FileRemoved once that is synced. The
  # holders are told until they answer.

  cid @0 :Data;
}

struct FileRemoved $kind(from = [operate], bytesMax = 64) {
  # The file is no longer claimed by this node, and that is synced.

  holders @0 :UInt32;
  # How many nodes have to release it.
}

struct PinFile $kind(from = [operate], bytesMax = 256) {
  # Sets or takes away the pin of a file that this node claims; `not_found` if it does not. Answered by Nothing.

  cid @0 :Data;
  pinned @1 :Bool;
}

struct ListOwners $kind(from = [view, operate], bytesMax = 128) {
  # Asks `/files/holder` for which owners it holds contents, by id. Answered by HeldOwners.

  behind @0 :Data;
  # The page starts after this owner: 20 bytes; empty: at the first. Otherwise `malformed`.
}

struct HeldOwners $kind(from = [peer, view, operate], bytesMax = 65536) {
  # The answer to ListOwners.

  owners @0 :List(HeldOwner);
  # At most 512, in their order; this node is one of them if it holds something of its own.
  more @1 :Bool;
}

struct HeldOwner {
  owner @0 :Data;
  # 20 bytes.
  contents @1 :UInt64;
  bytes @2 :UInt64;
  # As they count against the owner's quota: each claim counts at least 4 KiB.
  claims @3 :UInt64;
  lastSeen @4 :Int64;
  # Unix seconds at the begin of the day (UTC) on which the owner was heard last.
}

struct ReleaseOwner $kind(from = [operate], bytesMax = 128) {
  # Asks `/files/holder` to end all claims of an owner, and to refuse that owner for `files.kept_days`. Answered by
  # OwnerReleased once that is synced; `not_found` if nothing is held for it, `refused` for this node itself.

  owner @0 :Data;
  # 20 bytes, otherwise `malformed`.
}

struct OwnerReleased $kind(from = [peer, view, operate], bytesMax = 64) {
  # The claims have ended.

  claims @0 :UInt64;
  # How many there were.
}

# --- between the actors of one node --------------------------------------------------------------------------------

struct PutHeld $kind(bytesMax = 1048576) {
  # A put tells the catalogue which nodes hold some of its contents under the put id. Answered by Nothing.

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
  # A put is about to bind its claims to `cid` at these nodes. Answered by Nothing once a row records it, because the
  # claims must be released if the put ends here.

  put @0 :Data;
  cid @1 :Data;
  nodes @2 :List(Data);
  # Node ids of 20 bytes, at most 1,024.
}

struct PutEnds $kind(bytesMax = 131072) {
  # A put has bound its claims, and asks to list its file. Answered by PutListed once that is synced.

  put @0 :Data;
  cid @1 :Data;
  name @2 :Text;
  bytes @3 :UInt64;
  chunks @4 :UInt32;
  replicas @5 :UInt8;
  unbound @6 :List(Data);
  # Nodes that may have claims for the put and did not say that they bound them: they do not count as holders.
}

struct PutListed $kind(bytesMax = 64) {
  # The file is listed.

  replicas @0 :UInt8;
  # The minimum of holders over its contents, at least 1.
}

struct PutFails $kind(bytesMax = 65536) {
  # A put has failed. Answered by Nothing once a row records that these nodes have to release its claims.

  put @0 :Data;
  nodes @1 :List(Data);
  # Node ids of 20 bytes, at most 1,024.
}

struct StoresTook $kind(bytesMax = 65536) {
  # A put tells how long nodes took for its stores, a get how long for its reads.

  nodes @0 :List(NodeTook);
  # At most 1,024.
  reads @1 :Bool;
}

struct NodeTook {
  node @0 :Data;
  # 20 bytes.
  micros @1 :UInt32;
  # The longest of its last stores or reads; 0: it left one unanswered for longer than it usually takes.
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
  # Replaces a damaged content of this node; the bytes have been verified. Answered by Nothing once it is synced;
  # `not_found` if no node claims it here.

  content @0 :Content;
  bytes @1 :Data;
}

# --- what the inspector shows --------------------------------------------------------------------------------------

struct FilesState $kind(from = [view, operate], bytesMax = 512) {
  # What the inspector shows of the catalogue: the files of this node.

  loading @0 :Bool;
  # Its rows are still being read.

  files @1 :UInt32;
  contentsOwned @2 :UInt32;
  contentsShort @3 :UInt32;
  # Contents with fewer live copies than wanted, when the watch last checked.

  contentsLost @4 :UInt32;
  # Contents without any live copy.

  releases @5 :UInt32;
  # Claims that other nodes still have to end.

  putsUnderWay @6 :UInt32;
  streamsUnderWay @7 :UInt32;
  # Gets, views and verifies.

  copiesUnderWay @8 :Bool;
  # The watch is restoring copies.
}

struct HolderState $kind(from = [view, operate], bytesMax = 256) {
  # What the inspector shows of what this node holds, for itself and for others.

  loading @0 :Bool;
  contents @1 :UInt64;
  bytes @2 :UInt64;
  claims @3 :UInt64;
  badDigests @4 :UInt64;
  # Received contents that did not match their key.

  damaged @5 :UInt64;
  # Contents that cannot be read and are not repaired yet.

  commitsUnderWay @6 :UInt32;
  readsUnderWay @7 :UInt32;
  putsClaimed @8 :UInt32;
  # Puts that have claims here and are not bound to a file yet.
}

struct PutState $kind(from = [view, operate], bytesMax = 256) {
  # What the inspector shows of a put.

  bytes @0 :UInt64;
  # Read so far.

  bytesHeld @1 :UInt64;
  # In memory, waiting for copies to be synced.

  replicasAsked @2 :UInt8;
  replicasReached @3 :UInt8;
  # The minimum over the contents so far; zero before the first.
}

struct GetState $kind(from = [view, operate], bytesMax = 128) {
  # What the inspector shows of a get.

  bytes @0 :UInt64;
  # Passed on so far.

  badAnswers @1 :UInt64;
  # Contents that did not match their key.
}
