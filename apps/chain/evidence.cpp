#include "apps/chain/evidence.hpp"

#include "messages/codec.hpp"

namespace troupe::apps::chains {

std::string_view kind_name(const chain::Evidence& evidence) {
  return std::holds_alternative<chain::Evidence::Pair<chain::Vote>>(evidence.pair) ? "votes" : "proposals";
}

void write_evidence(output::wire::ChainEvidence::Builder out, const chain::Evidence& evidence) {
  out.setValidator(data_of(accused(evidence).view()));
  out.setHeight(place_of(evidence).height.value);
  out.setKind(std::string(kind_name(evidence)));
}

}  // namespace troupe::apps::chains
