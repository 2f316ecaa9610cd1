@0xdd3b20433646038a;
# Output of `troupe file --json`. README.md has the rules of all outputs.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::output::wire");

struct Files {
  rows @0 :List(File);
}

struct File {
  cid @0 :Data;
  name @1 :Text;
  bytes @2 :UInt64;
  chunks @3 :UInt32;
  pinned @4 :Bool;
  expires :union {
    none @5 :Void;
    value @6 :UInt64;
    # Seconds since 1970.
  }
  copiesEnd :union {
    none @7 :Void;
    value @8 :UInt64;
    # Seconds since 1970: when the first storage node will delete its copies, unless this node contacts that node
    # before.
  }
}

struct GroupFiles {
  # `file ls --group`.

  rows @0 :List(GroupFile);
}

struct GroupFile {
  cid @0 :Data;
  name @1 :Text;
  bytes @2 :UInt64;
  members @3 :List(Data);
  # Nodes of the group that keep it available.
  missing @4 :List(Data);
  # Nodes of the group that have not fetched it yet.
  pinned @5 :Bool;
}

struct FilePut {
  # `file put`.

  cid @0 :Data;
  name @1 :Text;
  # Null for standard input.
  bytes @2 :UInt64;
  chunks @3 :UInt32;
  replicas @4 :UInt32;
  # The requested number of nodes.
  reached @5 :UInt32;
  # The number of nodes that have synced each part; if it is lower than `replicas`, the exit status is 3.
  bytesFresh @6 :UInt64;
  # Bytes of the file, without repeated chunks.
  listed @7 :Bool;
  # Whether this node listed the file before.
}

struct FileGot {
  # `file get -o FILE`.

  cid @0 :Data;
  file @1 :Text;
  bytes @2 :UInt64;
  # Bytes written.
  fileBytes @3 :UInt64;
  # Bytes of the whole file; with `--range`, not all of them were written.
}

enum ContentKind {
  manifest @0;
  chunk @1;
}

struct FileView {
  cid @0 :Data;
  listed @1 :Bool;
  # Whether this node has put the file; only then are the copies and the next five fields known.
  name @2 :Text;
  replicas :union {
    none @3 :Void;
    value @4 :UInt32;
  }
  live :union {
    none @5 :Void;
    value @6 :UInt32;
  }
  pinned @7 :Bool;
  expires :union {
    none @8 :Void;
    value @9 :UInt64;
    # Seconds since 1970.
  }
  bytes @10 :UInt64;
  chunks @11 :UInt32;
  nodes @12 :List(FileNode);
  contents @13 :List(FileContent);
  announced @14 :List(Data);
  # Nodes that announce in the DHT that they store the manifest; only for a file that is not listed.
}

struct FileNode {
  # The part of a file that a node stores.

  node @0 :Data;
  chunks @1 :UInt32;
  bytes @2 :UInt64;
  manifest @3 :Bool;
}

struct FileContent {
  kind @0 :ContentKind;
  id @1 :Data;
  offset @2 :UInt64;
  # Offset of a chunk in the file.
  bytes @3 :UInt32;
  # Size of a chunk; 0 for the manifest.
  holders @4 :List(Data);
  # Node ids.
}

struct FileCopy {
  # `file verify`: a line for each bad copy.

  node @0 :Data;
  kind @1 :ContentKind;
  id @2 :Data;
  state @3 :Text;
  # lacking, damaged, unknown (the node did not answer), repaired (the copy was corrupted, and has been replaced)
}

struct FileVerified {
  # `file verify`: the last line.

  summary @0 :Bool;
  # Always true: no other line has it.
  copies @1 :UInt64;
  sound @2 :UInt64;
  lacking @3 :UInt64;
  damaged @4 :UInt64;
  unknown @5 :UInt64;
  repaired @6 :UInt64;
  # How many of the damaged copies are repaired.
  bytes @7 :UInt64;
  # Bytes read, each object counted once.
}

struct FileRemoved {
  # `file rm`.

  cid @0 :Data;
  holders @1 :UInt32;
  # How many nodes must delete their copies.
}

struct FilePin {
  # `file pin` and `file unpin`.

  cid @0 :Data;
  pinned @1 :Bool;
}

struct FileOwners {
  # `file owners`.

  rows @0 :List(FileOwner);
}

struct FileOwner {
  owner @0 :Data;
  # The id of the node that put the stored objects.
  contents @1 :UInt64;
  bytes @2 :UInt64;
  # As counted towards its quota: each claim counts at least 4 KiB.
  claims @3 :UInt64;
  lastSeen @4 :UInt64;
  # Seconds since 1970, at the beginning of a day (UTC).
}

struct FileReleased {
  # `file release`.

  owner @0 :Data;
  claims @1 :UInt64;
  # How many claims have ended.
}
