#include "runtime/ports/processes.hpp"

#include <algorithm>

#include "runtime/base/public_address.hpp"

namespace troupe::ports {

bool may_reach(const Reach& reach, const base::Endpoint& at) {
  const auto is_listed = [&](const base::Endpoint& one) {
    return one.address == at.address && (one.port == 0 || one.port == at.port);
  };
  if (std::ranges::any_of(reach.listed, is_listed)) return true;
  return base::is_public(at) && std::ranges::find(reach.own, at.address, &base::Endpoint::address) == reach.own.end();
}

}  // namespace troupe::ports
