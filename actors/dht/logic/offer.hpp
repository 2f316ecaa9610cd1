#pragma once
// A validated record with the fields that a node's index needs; and its row.
//
// Row     keyspace kRecordRows. Key: space (1) · key (20). Value: version 1 (1) · stored at, Unix seconds (8) · id of
//         the node that stored it (20) · the record (record.hpp).
#include <optional>
#include <string_view>

#include "actors/dht/logic/group.hpp"
#include "actors/dht/logic/record.hpp"
#include "actors/dht/logic/rows.hpp"
#include "runtime/base/result.hpp"

namespace troupe::dht {

inline constexpr std::string_view kRecordRows = "dht.records";

/// The owner whose quota a record uses: the first 20 bytes of a /kv owner's key; otherwise the node that stored it
/// first.
using Owner = base::FixedBytes<struct OwnerTag, 20>;

struct Offer {
  RecordKey place;
  std::uint64_t sequence = 0;
  Tag tag;
  Owner owner;
  base::NodeId from;               ///< the node that stored it
  std::optional<Group> network{};  ///< its real address group, if known; never a claimed one
  base::WallTime expires;          ///< the record's own end; never, unless it is a /kv
  base::Bytes encoded;
};

/// Parses and validates a record that `from` wants to store under `key`. Fails like parse() and validate().
base::Result<Offer, RecordError> admit(base::ByteView encoded, const Key& key, const base::NodeId& from,
                                       base::WallTime wall, unsigned work_bits);

base::Bytes row_key(const RecordKey& place);
store::Row row_of(const Offer& offer, base::WallTime stored_at);

/// A row's value; only its layout was checked.
struct RecordRow {
  base::WallTime stored_at;
  base::NodeId from;
  base::ByteView encoded;  ///< points into the bytes that were read
};
std::optional<RecordRow> read_row(base::ByteView value);
std::optional<RecordKey> read_row_key(base::ByteView key);

}  // namespace troupe::dht
