// A search for providers: what each answer adds, so that no single node or address fills the list.
#include <algorithm>
#include <span>

#include "actors/dht/api.hpp"
#include "actors/dht/lookup_actor.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

constexpr std::size_t kToldAtOnce = 64;  // of 4,096 bytes (messages/dht.capnp: ProvidersFound)

}  // namespace

/// Takes at most a third of the wanted number from one answer, or from this node's store, which untrusted nodes fill
/// too. The rest follows at the end, so that no malicious node fills the whole list. Returns how many were taken now.
std::size_t LookupActor::take_providers(const std::vector<Contact>& named) {
  const std::size_t share = (providers_max_ + 2) / 3;
  std::size_t taken = 0;
  std::vector<Contact> rest;
  for (const Contact& one : named) {
    if (taken == share) rest.push_back(one);
    else taken += take_provider(one);
  }
  if (!rest.empty()) rest_.push_back(std::move(rest));
  if (start_.group == 0) return taken;
  const std::vector<Contact> fresh(providers_.end() - static_cast<std::ptrdiff_t>(taken), providers_.end());
  for (std::size_t at = 0; at < fresh.size(); at += kToldAtOnce) {
    const auto some = std::span(fresh).subspan(at, std::min(kToldAtOnce, fresh.size() - at));
    tell<wire::ProvidersFound>(node().find(kPath), [&](wire::ProvidersFound::Builder out) {
      out.setGroup(start_.group);
      write(out.initProviders(size32(some)), std::vector<Contact>(some.begin(), some.end()));
    });
  }
  return taken;
}

bool LookupActor::take_provider(const Contact& one) {
  if (providers_.size() >= providers_max_ || provider_ids_.contains(one.id)) return false;
  const GroupOf host_of{.v4_bits = 32, .v6_bits = 64, .ten_net = start_.settings->groups.group_of.ten_net};
  std::size_t& of_host = provider_hosts_[host_of(one.where.endpoint)];
  if (of_host == kProvidersOfHostMax) return false;
  ++of_host;
  provider_ids_.insert(one.id);
  providers_.push_back(one);
  return true;
}

/// Takes one of each answer in turn, while there is space.
void LookupActor::take_rest() {
  std::size_t longest = 0;
  for (const auto& rest : rest_) longest = std::max(longest, rest.size());
  for (std::size_t i = 0; i < longest; ++i)
    for (const auto& rest : rest_)
      if (i < rest.size()) take_provider(rest[i]);
  rest_.clear();
}

}  // namespace troupe::dht
