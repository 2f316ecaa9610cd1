#pragma once
// Settings of a node for its part of the registry. Fixed for the life of the actors, except for the thresholds.
#include <memory>
#include <mutex>
#include <string>

#include "actors/registry/counters.hpp"
#include "actors/registry/logic/judges.hpp"
#include "actors/registry/logic/watch.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/store/left_free.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::registry {

inline constexpr const char* kRows = "registry";  // keyspaces, and health sources
inline constexpr const char* kHistoryRows = "registry-history";
inline constexpr std::chrono::seconds kAnswerDue{10};  // for one node's response
inline constexpr std::chrono::seconds kSearchDue{40};  // of the DHT, whose own limit is 30 s
/// Our choice: a week of a node is 150 KiB, and a node of a large network watches some ten other nodes.
inline constexpr std::size_t kHistoriesMax = 1'024;

/// Thresholds that an operator may change while the node runs. Safe from any thread.
class SharedThresholds {
 public:
  void set(const Thresholds& thresholds) {
    const std::lock_guard hold(lock_);
    thresholds_ = thresholds;
  }
  Thresholds get() const {
    const std::lock_guard hold(lock_);
    return thresholds_;
  }

 private:
  mutable std::mutex lock_;
  Thresholds thresholds_;
};

struct RegistrySettings {
  std::shared_ptr<const crypto::Identity> identity;
  unsigned work_bits = crypto::kWorkBitsDefault;
  bool active = true;       ///< false: the node is in no list, and watches no other node
  Watched::Limits watched;  ///< without its thresholds: see `thresholds`
  std::shared_ptr<SharedThresholds> thresholds = std::make_shared<SharedThresholds>();
  std::uint32_t beats_per_second = 1'024;  ///< verified, of all other nodes together
  std::optional<Owner> owner;              ///< nullopt: the node's key
  std::optional<std::uint64_t> price;      ///< until an operator sets another price
  std::string version;                     ///< of the program
  Judges::Groups groups = Judges::Groups::count;
  std::string store = "/store";
  std::string reputation = "/reputation";
  observe::Health* health = nullptr;  ///< outlives the actors; null: no reports
  observe::DomainLog log{};
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();

  /// Returns the group by which judges and watchers are counted, for a node at that address.
  base::AddressGroup group_of(const base::NodeId& id, const base::Endpoint& at) const {
    return groups == Judges::Groups::are_strangers ? group_alone(id) : registry::group_of(id, at);
  }
  store::Rows::Setup rows(const char* keyspace, const char* what) const {
    return {.store = store,
            .keyspace = keyspace,
            .what = what,
            .source = keyspace,
            .health = health,
            .unread_is = observe::HealthState::degraded,
            .leave = store::kRecordsLeave};
  }
};

}  // namespace troupe::registry
