#pragma once
// Reports faults of a store to people: as reasons of the node's health, which the node also logs.
//
// Reasons `SOURCE`, failing, while the store refuses writes; `SOURCE.damage`, degraded, while anything in it is
//         damaged. If a store cannot be opened or read, the domains that need it report that: their requests get the
//         error, and they know what it means for the node.
// Refusal The reason is cleared once blobs as large as the refused blobs are stored, at least kStoredAfter later. It is
//         also cleared when the store would accept new blobs and nothing was refused for kRefusalMemory. So a nearly
//         full device does not raise and clear the reason with each commit. A changed cause is reported at most once
//         per kRefusalMemory.
// Owner   One StoreActor; not thread-safe.
#include <string>

#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/store/store.hpp"

namespace troupe::store {

inline constexpr std::chrono::seconds kRefusalMemory{30};  // our choice: at most two changes per minute
inline constexpr std::chrono::seconds kStoredAfter{1};     // our choice
inline constexpr std::size_t kFilesToldMax = 8;  // our choice: their names fit into a reason; others are counted

/// Where a store reports its faults.
struct StoreTold {
  observe::Health* health = nullptr;  ///< outlives the actor; null: nothing is reported
  std::string mend;                   ///< how damaged blobs are repaired, for people; empty: they are not repaired
};

class StoreReport {
 public:
  /// Clears the reasons that an earlier incarnation raised under `source`.
  StoreReport(StoreTold told, std::string source);

  /// Records that a commit with `blob_bytes` of blobs was refused, for a cause that affects other commits too.
  void refused(const base::Error& why, std::size_t blob_bytes, base::Instant now);
  /// Records that a commit with `blob_bytes` of blobs is stored.
  void stored(std::size_t blob_bytes, base::Instant now);
  /// Records a check of the store. `failure`: why writes are refused at present; empty: they are accepted.
  void looked(const std::string& failure, base::Instant now);
  /// Returns whether a refusal was reported that has not ended.
  bool refuses() const { return refuses_; }

  void damage(const StoreDamage& found);
  /// Returns whether damage was reported that still exists.
  bool damaged() const { return damaged_; }

 private:
  void refusal_is_over();
  void raise(const std::string& source, observe::HealthState state, const std::string& text);
  void clear(const std::string& source);

  StoreTold told_;
  std::string source_;
  std::string damage_source_;
  bool refuses_ = false;
  bool damaged_ = false;
  base::Instant refused_at_;
  std::size_t refused_bytes_ = 0;  // blob bytes of the largest refused commit since the refusal began
  std::string refused_for_;        // the reported cause, and when it was reported
  base::Instant told_at_;
};

}  // namespace troupe::store
