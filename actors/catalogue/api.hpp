#pragma once
// The files of a group as keys of its store: entries that clients write, and rows in which members report their files.
//
// Keys    start with a byte that lists of client keys omit. A `file` key is an entry; a
//         `held` key says that a member maintains the file.
// Values  have version 1; a member skips values that it cannot read.
#include <optional>
#include <string>

#include "actors/files/api.hpp"
#include "actors/raft/api.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::catalogue {

inline constexpr const char* kPath = "/catalogue";

/// A file that the group has agreed to keep.
struct Entry {
  std::string name;  ///< at most 255 bytes of UTF-8; empty: no name
  std::uint64_t bytes = 0;
  bool pinned = false;

  friend bool operator==(const Entry&, const Entry&) = default;
};

std::string entry_key(const files::Cid& cid);
std::string held_key(const files::Cid& cid, const base::NodeId& node);
/// Return the key prefixes of all entries, and of all members' rows.
std::string entry_prefix();
std::string held_prefix();

std::optional<files::Cid> read_entry_key(std::string_view key);
struct Held {
  files::Cid cid;
  base::NodeId node;
};
std::optional<Held> read_held_key(std::string_view key);

base::Bytes encode(const Entry& entry);
std::optional<Entry> decode_entry(base::ByteView bytes);
/// Encodes a member's row. `adopted`: the node owns the file only for the group, and removes it with the entry.
/// Otherwise it owned the file before.
base::Bytes encode_held(bool adopted);
std::optional<bool> decode_held(base::ByteView bytes);

}  // namespace troupe::catalogue
