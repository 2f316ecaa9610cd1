#pragma once
// The files of a group as keys of its store: what clients write, and what each member says that it keeps.
//
// Keys    begin with a byte that no list of a client's keys shows. `file`: an entry; `held`: a member keeps it up.
// Values  version 1, or they cannot be read; a member passes over what it cannot read.
#include <optional>
#include <string>

#include "actors/files/api.hpp"
#include "actors/raft/api.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::catalogue {

inline constexpr const char* kPath = "/catalogue";

/// A file that the group has agreed to keep.
struct Entry {
  std::string name;  ///< at most 255 bytes of UTF-8; empty: it has none
  std::uint64_t bytes = 0;
  bool pinned = false;

  friend bool operator==(const Entry&, const Entry&) = default;
};

std::string entry_key(const files::Cid& cid);
std::string held_key(const files::Cid& cid, const base::NodeId& node);
/// Of all entries, and of all that is held.
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
/// `adopted`: for the group alone, and removed with the entry; otherwise it was put at that node before.
base::Bytes encode_held(bool adopted);
std::optional<bool> decode_held(base::ByteView bytes);

}  // namespace troupe::catalogue
