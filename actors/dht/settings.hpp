#pragma once
// What a node says about its part of the DHT. Fixed for the life of the actors.
#include <memory>
#include <string>

#include "actors/dht/logic/held.hpp"
#include "actors/dht/logic/listeners.hpp"
#include "actors/dht/logic/listening.hpp"
#include "actors/dht/logic/providers.hpp"
#include "actors/dht/logic/republish.hpp"
#include "actors/dht/logic/table.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::dht {

inline constexpr std::chrono::seconds kSearchDue{30};  // of a search that names no time
inline constexpr std::chrono::seconds kSearchDueMax{600};
inline constexpr std::chrono::seconds kStoreDue{5};    // of one node asked to store: a sync on a busy disk
inline constexpr std::chrono::seconds kCommitDue{30};  // of our own store
inline constexpr std::size_t kSearchesMax = 512;       // at once; our choice: 10,000 questions at most

struct DhtSettings {
  std::shared_ptr<const crypto::Identity> identity;
  base::Endpoint endpoint;  ///< where others reach this node; not dialable: a client, which only asks
  unsigned work_bits = crypto::kWorkBitsDefault;
  std::size_t copies = kContactsMax;  ///< nodes that hold what lies at a key: 1 to kContactsMax
  GroupLimits groups;
  HeldLimits held;
  ProviderLimits providers;
  ListenerLimits listeners;
  ListeningSettings listening;
  RepublishSettings republish;
  Values values = Values::on_disk;
  base::Duration refresh_period = std::chrono::minutes(1);   ///< between two looks for stale ranges
  base::Duration recover_period = std::chrono::seconds(30);  ///< between two tries with too few contacts
  std::string peers = "/peers";
  std::string store = "/store";
  observe::Health* health = nullptr;  ///< outlives the actors; null: nobody is told

  /// The same at another address.
  std::shared_ptr<const DhtSettings> at(const base::Endpoint& where) const {
    auto out = std::make_shared<DhtSettings>(*this);
    out->endpoint = where;
    return out;
  }
};

}  // namespace troupe::dht
