#pragma once
// What the settings of a node say of airdrops.
#include "actors/airdrop/logic/airdrop.hpp"
#include "actors/durable/api.hpp"
#include "runtime/observe/domain_log.hpp"

namespace troupe::airdrop {

struct AirdropSettings {
  std::shared_ptr<net::Pool> pool;
  durable::Place book;
  UnixMs objections{0};  ///< for how long they are heard
  observe::DomainLog log{};
};

}  // namespace troupe::airdrop
