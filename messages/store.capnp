@0x9a3d70e6c4b1f528;
# The data that a store actor (runtime/store) keeps for the domains of its node: rows in keyspaces, and blobs by id. All
# of it stays inside the node.

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;
$Cxx.namespace("troupe::store::wire");

struct Commit $kind(bytesMax = 4194304) {
  # Changes rows and blobs, all or none. Answered by Nothing when the change is durable; later requests see it. Commits
  # that wait together share a sync. Nothing was done after the errors `no_space`, `unavailable` (the device failed),
  # `malformed` (above the limits of runtime/store) and `refused`. After `unknown_outcome` the device has failed at the
  # last step: once the store accepts writes again, either all or nothing of the commit is stored.

  rows @0 :List(Change);
  keep @1 :List(Blob);
  # Blobs to store. An id that is already stored costs nothing, because the id determines the bytes.

  drop @2 :List(Data);
  # Ids of blobs to drop, 32 bytes each. An id that is not stored is ignored; an id that is also kept stays. A commit
  # that keeps no blob, and puts at most as many rows as it erases rows and drops blobs, with at most 256 KiB, works on
  # a full disk. The first such commit that meets a quota may be refused together with the commits that share its sync;
  # a second attempt works.

  leave @3 :UInt64;
  # `no_space` unless this many bytes of the device stay free, in addition to the bytes that the commit keeps. It is
  # larger than the store's own reserve, so that work for other nodes never uses up space that this node needs. Such a
  # refusal is not a fault of the store.
}

struct Change {
  keyspace @0 :Text;
  # A constant name of the domain: 1 to 32 of a-z 0-9 - . _, otherwise `malformed`. A name that begins with a dot is
  # reserved for the store: `refused`.

  key @1 :Data;
  # 0 to 1024 bytes.

  value :union {
    erase @2 :Void;
    put @3 :Data;
    # 0 to 1 MiB.
  }
}

struct Blob {
  id @0 :Data;
  # 32 bytes.

  bytes @1 :Data;
  # 0 to 2 MiB.
}

struct Get $kind(bytesMax = 2048) {
  # Answered by Found, or `not_found`.

  keyspace @0 :Text;
  key @1 :Data;
}

struct Found $kind(bytesMax = 1049600) {
  # Answers Get.

  value @0 :Data;
}

struct GetRows $kind(bytesMax = 294912) {
  # Requests several rows by their keys. Answered by FoundRows.

  keyspace @0 :Text;
  keys @1 :List(Data);
  # At most 256.
}

struct FoundRows $kind(bytesMax = 3145728) {
  # Answers GetRows.

  rows @0 :List(FoundRow);
  # In the order of the keys: all rows, or as many as fit into 1 MiB, but at least one.
}

struct FoundRow {
  union {
    absent @0 :Void;
    value @1 :Data;
  }
}

struct Scan $kind(bytesMax = 4096) {
  # Requests rows in the order of their keys. Answered by Slice.

  keyspace @0 :Text;
  from @1 :Data;
  # The first key, inclusive.
  prefix @2 :Data;
  # Only keys that begin with this prefix.
  rowsMax @3 :UInt32 = 1000;
  # At most 4096; zero counts as one.

  bytesMax @4 :UInt32 = 1048576;
  # Sum of keys and values, at most 3 MiB; a larger first row is the only row.
}

struct Slice $kind(bytesMax = 4194304) {
  # Answers Scan.

  rows @0 :List(Row);
  more @1 :Bool;
  next @2 :Data;
  # Where to continue, if `more`.
}

struct Row {
  key @0 :Data;
  value @1 :Data;
}

struct Read $kind(bytesMax = 128) {
  # Requests a blob. Answered by Blobbed, `not_found`, or `corrupt`: it is stored, but its checksum is wrong.

  id @0 :Data;
}

struct Blobbed $kind(bytesMax = 2097408) {
  # Answers Read.

  bytes @0 :Data;
}

struct Has $kind(bytesMax = 65536) {
  # Asks which of these blobs are stored. Answered by Held.

  ids @0 :List(Data);
}

struct Held $kind(bytesMax = 65536) {
  # Answers Has.

  held @0 :List(Bool);
  # In the order of the ids.
}

struct Usage $kind(bytesMax = 64) {
  # Requests how full the store is. Answered by Used.
}

struct Used $kind(bytesMax = 2048) {
  # Answers Usage.

  blobs @0 :UInt64;
  blobBytes @1 :UInt64;
  # Number and bytes of the stored blobs. Both grow for a while after a start, until all blobs are counted.
  deadBytes @2 :UInt64;
  # Dropped, but not yet reclaimed; zero until all blobs are counted.
  freeBytes @3 :UInt64;
  # Free bytes of the device.
  failure @4 :Text;
  # Why writes are refused at present, at most 1024 bytes; empty: they are accepted.
  damages @5 :UInt32;
  # Damaged places found at a start or while reading.
}

struct CheckBlobs $kind(bytesMax = 256) {
  # Reads blobs and compares their checksums, in slices. Answered by Checked.

  from @0 :Data;
  # The first id, inclusive; empty: from the start.
}

struct Checked $kind(bytesMax = 65536) {
  # Answers CheckBlobs.

  more @0 :Bool;
  next @1 :Data;
  # Where to continue, if `more`.

  checked @2 :UInt64;
  damaged @3 :List(Data);
  # Ids of blobs that cannot be read; they stay damaged until a commit keeps or drops them.
}

struct StoreState $kind(from = [view, operate], bytesMax = 2048) {
  # The inspector's view of a store.

  keyspaces @0 :UInt32;
  # Keyspaces used since the start.

  blobs @1 :UInt64;
  blobBytes @2 :UInt64;
  deadBytes @3 :UInt64;
  counted @4 :Bool;
  # Whether the three fields above are complete.

  failure @5 :Text;
  # As in Used; also why the store could not be opened.

  damages @6 :UInt32;
  commits @7 :UInt64;
  # Commits answered since the start, including errors.

  groups @8 :UInt64;
  # Syncs that the commits shared.

  ballastBytes @9 :UInt64;
  # Space reserved for a full device; less than usual after some of it was needed, until there is space again.
}
