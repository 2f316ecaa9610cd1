#pragma once
// Settings of a node's DHT; fixed for the life of the actors.
#include <memory>
#include <string>

#include "actors/dht/counters.hpp"
#include "actors/dht/logic/budgets.hpp"
#include "actors/dht/logic/held.hpp"
#include "actors/dht/logic/listeners.hpp"
#include "actors/dht/logic/listening.hpp"
#include "actors/dht/logic/providers.hpp"
#include "actors/dht/logic/republish.hpp"
#include "actors/dht/logic/table.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/store/left_free.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::dht {

inline constexpr std::chrono::seconds kSearchDue{30};  // default for a search
inline constexpr std::chrono::seconds kSearchDueMax{600};
inline constexpr std::chrono::seconds kStoreDue{5};    // for one node asked to store: a sync on a busy disk
inline constexpr std::chrono::seconds kCommitDue{30};  // for the local store
inline constexpr std::size_t kSearchesMax = 512;       // at once; our choice: at most 10,000 requests
inline constexpr std::size_t kDoubtedMax = 16;         // pinged at once; our choice: the next search pings the rest
inline constexpr std::size_t kRepairsMax = 64;         // at once; our choice: the next search repairs the rest
inline constexpr std::size_t kBatchesMax = 16;         // at once; our choice: each has up to 8 searches in progress

struct DhtSettings {
  std::shared_ptr<const crypto::Identity> identity;
  base::Endpoint endpoint;  ///< where other nodes reach this node; not dialable: a client, which only asks
  unsigned work_bits = crypto::kWorkBitsDefault;
  std::size_t copies = kContactsMax;  ///< nodes that store each record: 1 to kContactsMax
  GroupLimits groups;
  HeldLimits held;
  ProviderLimits providers;
  ListenerLimits listeners;
  BudgetLimits budgets;
  ListeningSettings listening;
  RepublishSettings republish;
  Values values = Values::on_disk;
  std::size_t cache_bytes_max = 1u << 20;  ///< for copies that searches leave; 0: no copies, here or elsewhere
  std::uint64_t left_to_self = store::kRecordsLeave;         ///< free space on the device that rows of other nodes must
                                                             ///< leave
  base::Duration refresh_period = std::chrono::minutes(1);   ///< between two checks for stale ranges
  base::Duration recover_period = std::chrono::seconds(30);  ///< longest time between two searches while there are too
                                                             ///< few contacts
  std::string peers = "/peers";
  std::string store = "/store";
  observe::Health* health = nullptr;  ///< outlives the actors; may be null
  observe::DomainLog log{};
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();

  store::Rows::Setup rows(std::string_view keyspace, const char* what) const {
    return {.store = values == Values::on_disk ? store : std::string(),
            .keyspace = std::string(keyspace),
            .what = what,
            .source = std::string(keyspace),
            .health = health,
            .unread_is = observe::HealthState::degraded,
            .leave = left_to_self};
  }
  /// Returns the same settings with another endpoint.
  std::shared_ptr<const DhtSettings> at(const base::Endpoint& where) const {
    auto out = std::make_shared<DhtSettings>(*this);
    out->endpoint = where;
    return out;
  }
};

}  // namespace troupe::dht
