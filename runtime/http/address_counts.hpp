#pragma once
// The connections from each address: an IPv4 address, or a /64 for IPv6, because one subscriber has a whole /64.
//
// Exempt  loopback addresses, and proxies, which connect for many clients.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "runtime/base/address_group.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::http {

class AddressCounts {
 public:
  /// The ports of `proxies` are not used.
  AddressCounts(std::size_t per_address_max, std::vector<base::Endpoint> proxies)
      : per_address_max_(per_address_max), proxies_(std::move(proxies)) {}

  /// Counts a connection, or returns false if its address has the most connections already.
  bool enter(const base::Endpoint& from) {
    if (is_exempt(from)) return true;
    const auto before = counts_.find(base::line_of(from));
    const std::size_t count = before == counts_.end() ? 0 : before->second;
    if (count >= per_address_max_) return false;
    counts_[base::line_of(from)] = count + 1;
    return true;
  }

  /// Ends a connection that enter() has counted.
  void leave(const base::Endpoint& from) {
    if (is_exempt(from)) return;
    const auto here = counts_.find(base::line_of(from));
    base::ensure(here != counts_.end(), "a connection that ends was counted");
    if (--here->second == 0) counts_.erase(here);
  }

 private:
  bool is_exempt(const base::Endpoint& from) const {
    return from.is_loopback() || std::ranges::find(proxies_, from.address, &base::Endpoint::address) != proxies_.end();
  }

  const std::size_t per_address_max_;
  const std::vector<base::Endpoint> proxies_;
  std::map<base::AddressGroup, std::size_t> counts_;
};

}  // namespace troupe::http
