#pragma once
// Rows of the store as the logic decides on them: ask for a Change, write it and sync, then apply exactly its rows.
//
// Keys    the first byte says what a row is; the rest are fixed fields, numbers little-endian:
//           c  content key (37) · owner (20) · claim kind (1) · claim name (32)   -> bytes stored (4)     claims.hpp
//           c  owner (20)                                                         -> owner, format 2      owners.hpp
//           c                                                                     -> days, format 2       owners.hpp
//           f  CID (32)                                                           -> entry                catalogue.hpp
//           h  CID (32) · content key (37)                                        -> holders, 20 each
//           k  node (20)                                                          -> day (4) · days (2)
//           n  CID (32) · node (20)                                               -> nothing
//           p  put id (32)                                                        -> Unix seconds (8)
//           r  claim kind (1) · claim name (32) · node (20)                       -> Unix seconds (8)
//         A content key is kind (1) · id (32) · bytes (4). Format 1 had no rows of owners and days.
#include <cstdint>
#include <optional>
#include <vector>

#include "actors/files/api.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/base/time.hpp"
#include "runtime/store/logic/row_change.hpp"

namespace troupe::files {

inline constexpr std::size_t kContentKeyBytes = 1 + 32 + 4;

using store::Row;
using Change = store::RowChange;

inline constexpr std::uint32_t kDayMax = 80'000;  // the year 2189: with a setting's days it still fits into WallTime

/// Returns days since 1970, in UTC. A clock that was never set gives 0.
std::uint32_t day_of(base::WallTime when);

enum class RowError : std::uint8_t {
  corrupt,  ///< not a row that this program wrote
};

/// The purpose of an owner's claim.
enum class ClaimKind : std::uint8_t {
  file = 0,  ///< name is a CID
  put = 1,   ///< name is a PutId: a put whose CID is not known yet
};

struct Claim {
  base::NodeId owner;
  ClaimKind kind = ClaimKind::file;
  base::Digest name;

  friend auto operator<=>(const Claim&, const Claim&) = default;
  static Claim file(const base::NodeId& owner, const Cid& cid) { return {owner, ClaimKind::file, {cid.bytes}}; }
  static Claim put(const base::NodeId& owner, const PutId& id) { return {owner, ClaimKind::put, {id.bytes}}; }
};

/// Appends the 37 bytes of a content key.
void append_key(base::Bytes& out, const ContentKey& key);

/// Takes fields from the front of a row's bytes.
class RowReader : public base::FieldReader {
 public:
  using FieldReader::FieldReader;

  std::uint8_t byte() { return number<std::uint8_t>(); }
  std::uint32_t number32() { return number<std::uint32_t>(); }
  std::uint64_t number64() { return number<std::uint64_t>(); }
  base::NodeId node() { return fixed<base::NodeId>(); }
  base::Digest digest() { return fixed<base::Digest>(); }
  ContentKey content();
  ClaimKind claim_kind();
};

}  // namespace troupe::files
