#include "actors/node/status.hpp"

namespace troupe::node {
namespace {

wire::Health wire_health(observe::HealthState state) {
  switch (state) {
    case observe::HealthState::ok: return wire::Health::OK;
    case observe::HealthState::degraded: return wire::Health::DEGRADED;
    case observe::HealthState::failing: return wire::Health::FAILING;
  }
  return wire::Health::FAILING;
}

}  // namespace

void write_health(wire::NodeStatus::Builder out, const observe::Health& health) {
  out.setHealth(wire_health(health.state()));
  const auto reasons = health.reasons();
  auto rows = out.initReasons(static_cast<unsigned>(reasons.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    rows[i].setSource(reasons[i].source.c_str());
    rows[i].setText(reasons[i].text.c_str());
  }
}

}  // namespace troupe::node
