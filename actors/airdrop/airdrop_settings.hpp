#pragma once
// A node's settings of airdrops.
#include "actors/airdrop/logic/airdrop.hpp"
#include "actors/durable/api.hpp"
#include "runtime/observe/domain_log.hpp"

namespace troupe::airdrop {

struct AirdropSettings {
  std::shared_ptr<runtime::Links> links;
  durable::Place book;
  UnixMs objections{0};                ///< how long objections are open
  std::size_t unfinished_max = 1'024;  ///< in all: each may hold 10 MiB of objections (our choice)
  observe::DomainLog log{};
};

}  // namespace troupe::airdrop
