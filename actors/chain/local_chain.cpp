#include "actors/chain/local_chain.hpp"

#include "messages/codec.hpp"

namespace troupe::chain {

LocalChain::LocalChain(runtime::Actor& owner, ChainSettings given)
    : settings(std::move(given)), ledger(owner, settings.health, settings.cache_bytes) {
  if (exists()) id = {id_of(genesis()).bytes};
}

bool LocalChain::ours(capnp::Data::Reader chain) const {
  return exists() && ChainId::from(bytes_of(chain)) == std::optional(id);
}

std::optional<base::NodeId> LocalChain::validator_here() const {
  const ValidatorSet& validators = *ledger.next().validators;
  const auto index = validators.index_of(settings.self());
  return index && key == validators.at(*index).key ? std::optional(settings.self()) : std::nullopt;
}

wallet::Address LocalChain::owner_of(const base::NodeId& validator) const {
  for (const Founder& one : genesis().founders)
    if (one.node() == validator) return one.address;
  return wallet::address_of(settings.identity->public_key());
}

base::Error LocalChain::not_kept(Height height) const {
  return {base::Code::not_found, "the state of height " + std::to_string(height.value) +
                                     " is not kept; the states of heights " +
                                     std::to_string(ledger.lowest_state().value) + " to " +
                                     std::to_string(ledger.head().height.value) + " are"};
}

base::Error LocalChain::unready() const {
  if (!exists()) return {base::Code::not_found, "this node has no chain: start it with --chain"};
  if (damaged) return *damaged;
  return {base::Code::unavailable, "the chain is still being read", std::chrono::milliseconds(200)};
}

void LocalChain::hear_evidence(const Block& block) {
  for (const base::Bytes& entry : block.evidence)
    if (auto one = parse_evidence(entry)) evidence.emplace(chain::accused(*one), std::move(*one));
}

}  // namespace troupe::chain
