#pragma once
// Settings of a node for the reputations that it keeps. Fixed for the life of the actor.
#include <map>
#include <memory>
#include <string>

#include "actors/reputation/api.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::reputation {

inline constexpr const char* kRows = "reputation";
inline constexpr const char* kEventRows = "reputation-events";

struct ReputationSettings {
  std::shared_ptr<const crypto::Identity> identity;
  std::map<std::string, std::int8_t> rules;  ///< of this node
  std::size_t nodes_max = 100'000;           ///< our choice: 10 MiB of memory
  std::string store = "/store";
  std::string registry = "/registry/list";
  observe::Health* health = nullptr;  ///< outlives the actors; null: no reports
  observe::DomainLog log{};

  /// Returns the setup of rows. Scores and events use one keyspace, so that one commit has an event and its score.
  store::Rows::Setup rows(const char* source, const char* what) const {
    return {.store = store,
            .keyspace = kRows,
            .what = what,
            .source = source,
            .health = health,
            .unread_is = observe::HealthState::degraded,
            .doubt = store::Doubt::ends_owner};
  }
};

}  // namespace troupe::reputation
