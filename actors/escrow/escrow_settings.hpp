#pragma once
// An operator's settings of escrows.
#include "actors/durable/api.hpp"
#include "actors/escrow/logic/guards.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::escrow {

struct EscrowSettings {
  std::shared_ptr<runtime::Links> links;
  durable::Place book;
  Terms terms;  ///< of agreements made here
  GuardRules guards;
  std::uint32_t acts_per_minute = 60;  ///< per account
  Amount arbiter_bond_min = Amount::of(1);
  std::uint64_t snapshot_after = 256;             ///< makes a snapshot after so many entries of a log
  base::Duration idle = std::chrono::minutes(1);  ///< an escrow sleeps after being idle for so long
  observe::Health* health = nullptr;              ///< outlives the node
  observe::DomainLog log{};
};

using SharedSettings = std::shared_ptr<const EscrowSettings>;

}  // namespace troupe::escrow
