#pragma once
// What the DHT has on disk, row by row: whether this program wrote each row for its place, and whether all of them
// together are within the limits. The rules are those for rows that are read at the start. Whether the index agrees is
// decided by its owner (audit_actor.hpp).
#include <array>
#include <map>
#include <string_view>
#include <vector>

#include "actors/dht/logic/held.hpp"
#include "actors/dht/logic/providers.hpp"
#include "actors/dht/logic/republish.hpp"

namespace troupe::dht {

inline constexpr std::string_view kAuditedKeyspaces[] = {kRecordRows, kProviderRows, kPublishedRows};

enum class AuditSpace : std::uint8_t { pk, kv, cid, providers, published };
inline constexpr std::size_t kAuditSpaces = 5;
std::string_view name(AuditSpace space);
AuditSpace space_of_record(Space space);

enum class RowState : std::uint8_t {
  sound,
  expired,     ///< its time is over
  unreadable,  ///< no row that this program wrote
  misplaced,   ///< belongs under another key
  forged,      ///< not signed by its owner, or without the work of its id
  unindexed,   ///< on disk, and not known to this node
  differs,     ///< on disk another record than this node knows of
  missing,     ///< known to this node, and not on disk
  over_limit,  ///< more than a limit allows
};
/// For people.
std::string_view text_of(RowState state);
constexpr bool is_trouble(RowState state) { return state > RowState::expired; }

struct AuditTerms {
  unsigned work_bits = 0;
  HeldLimits held{};
  ProviderLimits providers{};
};

struct JudgedRow {
  AuditSpace space = AuditSpace::kv;
  RowState state = RowState::sound;
  std::optional<Tag> tag{};      ///< of a record
  std::optional<Owner> owner{};  ///< that it counts for: of a record, or the provider itself
  std::uint64_t counted = 0;     ///< bytes of the record
  bool is_item = true;           ///< else it is a note of the sweep over what is published, and is counted nowhere
};

/// Judges a row of one of kAuditedKeyspaces. What cannot be read at all counts as kv, or as the others of its keyspace.
JudgedRow judge(std::string_view keyspace, base::ByteView key, base::ByteView row, base::WallTime wall,
                const AuditTerms& terms);

struct AuditSums {
  std::uint64_t rows = 0, bytes = 0, expired = 0, troubles = 0, removed = 0, removed_bytes = 0;
};

class Audit {
 public:
  explicit Audit(AuditTerms terms) : terms_(terms) {}

  /// A row was read. Its trouble, if it has one, is noted by trouble().
  void read(const JudgedRow& row, base::ByteView key, std::size_t row_bytes);
  /// The same of one that is listed, which is held against no limit.
  void listed(AuditSpace space, std::size_t row_bytes);
  void trouble(AuditSpace space) { ++of(space).troubles; }
  void removed(AuditSpace space, std::size_t row_bytes);

  struct Excess {
    AuditSpace space;
    base::Bytes whose;  ///< an owner, a provider or a key; empty: all of that space together
  };
  /// After all rows were read.
  std::vector<Excess> over_limits() const;

  const AuditSums& sums(AuditSpace space) const { return sums_[static_cast<std::size_t>(space)]; }
  std::uint64_t rows() const { return rows_; }

 private:
  struct Use {
    std::uint64_t bytes = 0, records = 0;
  };
  AuditSums& of(AuditSpace space) { return sums_[static_cast<std::size_t>(space)]; }

  AuditTerms terms_;
  std::array<AuditSums, kAuditSpaces> sums_;
  std::array<Use, 3> spaces_;  // of records that are sound
  std::map<Owner, Use> owners_;
  std::map<Owner, std::uint64_t> providers_;
  std::map<Key, std::uint64_t> announced_;  // of each key
  std::uint64_t rows_ = 0;
};

}  // namespace troupe::dht
