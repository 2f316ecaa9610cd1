// How `chain blocks` and `validator show` print evidence.
#include "apps/chain/evidence.hpp"

#include <sstream>

#include "apps/cli/json.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::apps;

namespace {

std::string evidence_line(const chain::Evidence& evidence) {
  JsonLine<output::wire::ChainEvidence> line;
  chains::write_evidence(*line, evidence);
  std::ostringstream out;
  line.print(out);
  return out.str();
}

}  // namespace

TEST_CASE("apps chain: evidence is printed as its validator, its height and what was signed twice") {
  base::NodeId liar;
  liar.bytes.fill(0xab);
  const chain::Place place{chain::Fork{}, chain::Height{7}, chain::Round{2}};
  chain::BlockId one, other;
  one.bytes.fill(1);
  other.bytes.fill(2);
  std::string id;
  for (std::size_t i = 0; i < base::NodeId::kBytes; ++i) id += "ab";

  SUBCASE("two votes") {
    const chain::Evidence evidence{chain::Evidence::Pair<chain::Vote>{
        {{place, chain::Step::precommit, one}, liar, {}}, {{place, chain::Step::precommit, other}, liar, {}}}};
    CHECK(evidence_line(evidence) == "{\"validator\":\"" + id + "\",\"height\":7,\"kind\":\"votes\"}\n");
  }
  SUBCASE("two proposals") {
    const chain::Evidence evidence{chain::Evidence::Pair<chain::Proposal>{
        {{.place = place, .block = one}, liar, {}}, {{.place = place, .block = other}, liar, {}}}};
    CHECK(evidence_line(evidence) == "{\"validator\":\"" + id + "\",\"height\":7,\"kind\":\"proposals\"}\n");
  }
}
