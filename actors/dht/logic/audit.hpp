#pragma once
// Verifies the DHT's rows on disk, one by one: whether this program wrote each row for its key, and whether all of them
// together are within the limits. The rules are those for rows that are read at the start. The owner compares the rows
// with its index (audit_actor.hpp).
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
  expired,     ///< its lifetime is over
  unreadable,  ///< not a row that this program wrote
  misplaced,   ///< belongs under another key
  forged,      ///< not signed by its owner, or its id lacks the work
  unindexed,   ///< on disk, but not in the index
  differs,     ///< the record on disk is not the indexed record
  missing,     ///< in the index, but not on disk
  over_limit,  ///< exceeds a limit
};
/// Returns the text for people.
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
  std::optional<Owner> owner{};  ///< whose quota it counts towards: a record's owner, or the provider
  std::uint64_t counted = 0;     ///< bytes of the record
  bool is_item = true;           ///< false: a note of the republish sweep, which counts towards no limit
};

/// Verifies a row of one of kAuditedKeyspaces. An unreadable row counts as kv, or as its keyspace's own space.
JudgedRow judge(std::string_view keyspace, base::ByteView key, base::ByteView row, base::WallTime wall,
                const AuditTerms& terms);

struct AuditSums {
  std::uint64_t rows = 0, bytes = 0, expired = 0, troubles = 0, removed = 0, removed_bytes = 0;
};

class Audit {
 public:
  explicit Audit(AuditTerms terms) : terms_(terms) {}

  /// Counts a row that was read. Its problem, if any, is counted by trouble().
  void read(const JudgedRow& row, base::ByteView key, std::size_t row_bytes);
  /// Counts a row that is listed; it counts towards no limit.
  void listed(AuditSpace space, std::size_t row_bytes);
  void trouble(AuditSpace space) { ++of(space).troubles; }
  void removed(AuditSpace space, std::size_t row_bytes);

  struct Excess {
    AuditSpace space;
    base::Bytes whose;  ///< an owner, a provider or a key; empty: the whole space
  };
  /// Returns which limits are exceeded; call it after all rows were read.
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
  std::array<Use, 3> spaces_;  // of valid records
  std::map<Owner, Use> owners_;
  std::map<Owner, std::uint64_t> providers_;
  std::map<Key, std::uint64_t> announced_;  // per key
  std::uint64_t rows_ = 0;
};

}  // namespace troupe::dht
