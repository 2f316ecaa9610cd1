#pragma once
// Says what is wrong with a store, to people: by reasons of the node's health, which the node also logs.
//
// Reasons `SOURCE`, failing, while it refuses what it was asked to write; `SOURCE.damage`, degraded, while anything in
//         it is damaged. A store that cannot be opened or whose rows cannot be read is a reason of those who need it:
//         each of their questions is answered with it, and they know what it means for the node.
// Refusal is over once blobs as large as those refused are stored, kStoredAfter or more later. It is also over when the
//         store would take new blobs again and nothing was refused for kRefusalMemory. So a device on the brink does not
//         raise and clear with each commit. Another reason of it is told once in kRefusalMemory.
// Owner   one StoreActor; not thread-safe.
#include <string>

#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/store/store.hpp"

namespace troupe::store {

inline constexpr std::chrono::seconds kRefusalMemory{30};  // our choice: two changes a minute at most
inline constexpr std::chrono::seconds kStoredAfter{1};     // our choice
inline constexpr std::size_t kFilesToldMax = 8;            // our choice: their names fit a reason; the rest is a number

/// Whom a store tells.
struct StoreTold {
  observe::Health* health = nullptr;  ///< outlives the actor; null: nobody is told
  std::string mend;                   ///< what mends damaged blobs, for people; empty: nothing does
};

class StoreReport {
 public:
  /// Takes back what an earlier incarnation has said under `source`.
  StoreReport(StoreTold told, std::string source);

  /// A commit with blobs of so many bytes was refused for what will refuse others.
  void refused(const base::Error& why, std::size_t blob_bytes, base::Instant now);
  /// A commit with blobs of so many bytes is stored.
  void stored(std::size_t blob_bytes, base::Instant now);
  /// `failure`: why writes are refused at present; empty: they are not.
  void looked(const std::string& failure, base::Instant now);
  /// Whether a refusal was told, and not yet that it is over.
  bool refuses() const { return refuses_; }

  void damage(const StoreDamage& found);
  /// Whether damage was told that is still there.
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
  std::size_t refused_bytes_ = 0;  // the most of one commit since the refusal began
  std::string refused_for_;        // what was told of it, and when
  base::Instant told_at_;
};

}  // namespace troupe::store
