#pragma once
// Who provides a content, told as it is found: what the search takes of those that this node knows at once, then of
// each answer (ProvidersFound), which names the search by its group.
#include <map>
#include <memory>

#include "actors/dht/head.hpp"

namespace troupe::dht {

class ProviderStreams final : public runtime::Part {
 public:
  ProviderStreams(runtime::Actor& owner, Head& head) : Part(owner), head_(head) {}

  void find(wire::FindProviders::Reader question, runtime::Sink<wire::FoundProviders> sink);
  void found(wire::ProvidersFound::Reader more);

 private:
  struct Stream;

  Head& head_;
  std::map<std::uint64_t, std::shared_ptr<Stream>> streams_;  // by the groups of their searches
};

}  // namespace troupe::dht
