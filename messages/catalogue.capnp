@0xfa72dbaeda2e9b3b;
# The catalogue of files of a group, at the group's members. Its rows are keys of the group (actors/catalogue/api.hpp).

using Cxx = import "/capnp/c++.capnp";
using import "/messages/annotations.capnp".kind;

$Cxx.namespace("troupe::catalogue::wire");

struct CatalogueState $kind(from = [peer, view, operate], bytesMax = 128) {
  # The inspector's view of `/catalogue`.

  groups @0 :UInt32;
}

struct MemberState $kind(from = [peer, view, operate], bytesMax = 256) {
  # The inspector's view of `/catalogue/NAME`: one group at this member.

  entries @0 :UInt32;
  held @1 :UInt32;
  # Entries whose files this member keeps available.
  adopting @2 :Data;
  # The file that is being fetched; empty: none.
  failed @3 :UInt64;
  # Fetches that failed.
}
