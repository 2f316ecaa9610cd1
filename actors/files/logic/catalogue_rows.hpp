#pragma once
// The bytes of the catalogue's rows (rows.hpp lists their keys).
//
// Entry   format (1 byte, 1) · file size (8) · chunks (4) · replicas (1) · flags (1; 1 pinned, 2 expires) · added (8,
//         Unix seconds) · expires (8, Unix seconds or 0) · name (the rest)
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "actors/files/logic/catalogue.hpp"

namespace troupe::files {

base::Bytes entry_key(const Cid& cid);
base::Bytes holders_key(const Cid& cid, const ContentKey& key);
base::Bytes claimed_at_key(const Cid& cid, const base::NodeId& node);
base::Bytes kept_key(const base::NodeId& node);
base::Bytes put_key(const PutId& put);
base::Bytes release_key(const Release& release);

Row entry_row(const Entry& entry);
Row holders_row(const Cid& cid, const ContentKey& key, std::span<const base::NodeId> holders);
Row claimed_at_row(const Cid& cid, const base::NodeId& node);
Row kept_row(const base::NodeId& node, const Kept& kept);
Row put_row(const PutId& put, base::WallTime begun);
Row release_row(const Release& release, base::WallTime since);

/// The parts of a catalogue key.
struct HoldersKey {
  Cid cid;
  ContentKey key;
};
struct ClaimedAtKey {
  Cid cid;
  base::NodeId node;
};
struct KeptKey {
  base::NodeId node;
};
using CatalogueKey = std::variant<Cid, HoldersKey, ClaimedAtKey, PutId, Release, KeptKey>;

/// Returns nullopt unless all of `key` has one of the six forms.
std::optional<CatalogueKey> parse_catalogue_key(base::ByteView key);

/// Returns the entry of the file `cid`, or nullopt unless `value` is what entry_row writes.
std::optional<Entry> parse_entry(const Cid& cid, base::ByteView value);
/// Returns at most kReplicasMax different nodes (empty if the last holder lost the object), or nullopt if malformed.
std::optional<std::vector<base::NodeId>> parse_holders(base::ByteView value);
std::optional<Kept> parse_kept(base::ByteView value);
/// Returns whole seconds since 1970 that a WallTime can hold, or nullopt if malformed.
std::optional<base::WallTime> parse_seconds(base::ByteView value);

}  // namespace troupe::files
