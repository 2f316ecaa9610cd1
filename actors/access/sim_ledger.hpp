#pragma once
// What the nodes of a simulation have acknowledged about keys and what belongs to them.
//
// Owner   one workload. A ledger belongs to an identity, which is on its node's disk.
// Doubt   while a change is in progress, and after a change without an answer, the ledger says nothing about its subject.
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "actors/access/logic/key.hpp"
#include "runtime/base/time.hpp"

namespace troupe::access {

inline constexpr std::int64_t kSimKeys = 6;       // that exist at once; our choice: few, so that they conflict
inline constexpr std::int64_t kSimThings = 8;     // of each kind
inline constexpr std::int64_t kSimRequests = 12;  // of each key
inline constexpr std::int64_t kSimPatterns = 4;
inline constexpr std::int64_t kSimKinds = 5;

/// A key that an operator makes, and makes again after it was revoked.
struct SimKey {
  std::uint64_t made = 0;  ///< how often it was revoked: each time it gets another secret
  std::string id;          ///< empty until it is acknowledged
  bool revoking = false;   ///< a request to revoke it was sent
  std::map<std::int64_t, std::optional<Grant>> grants{};  ///< acknowledged, by pattern; nullopt: taken back
  std::set<std::int64_t> granting{};                      ///< patterns with a request in progress
};

struct SimThing {
  std::set<std::string> owners;  ///< acknowledged, with no request to release it since
  std::uint64_t releases = 0;    ///< requests to release it so far
  std::uint64_t releasing = 0;   ///< of these, in progress
};

struct SimLedger {
  std::array<SimKey, kSimKeys> keys{};
  std::map<std::string, base::Duration> revoked{};  ///< ids, with the time of the acknowledgement
  std::map<Thing, SimThing> things{};
  std::map<base::Digest, base::Digest> requests{};  ///< acknowledged requests with their contents
  std::set<std::size_t> machines{};                 ///< on which the identity has been

  bool exists(const SimKey& key) const { return !key.id.empty() && !key.revoking; }
  /// Ends the requests that got no answer because their node has died.
  void died() {
    for (SimKey& key : keys) key.granting.clear();
    for (auto& [thing, about] : things) about.releasing = 0;
  }
};

}  // namespace troupe::access
