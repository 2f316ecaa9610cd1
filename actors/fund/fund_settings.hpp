#pragma once
// A node's settings of a fund.
#include "actors/durable/api.hpp"
#include "actors/fund/logic/fund.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::fund {

struct FundSettings {
  std::shared_ptr<runtime::Links> links;
  durable::Place book;
  std::vector<Address> signers;       ///< of a new fund; empty: the book's owner
  std::size_t threshold = 1;          ///< of a new fund
  Amount daily_cap;                   ///< 0: no limit
  observe::Health* health = nullptr;  ///< outlives the node
  observe::DomainLog log{};
};

inline constexpr const char* kHealthSource = "fund.state";

}  // namespace troupe::fund
