#include "apps/sim/keeper.hpp"

namespace troupe::apps {

void Keeper::start_in(std::size_t node, base::Duration after) {
  const std::uint64_t decision = ++homes_[node].decision;
  world_.stage().after(after, [this, node, decision] {
    if (homes_[node].decision == decision && !up(node)) start(node);
  });
}

void Keeper::start(std::size_t node) {
  const auto begun = world_.start(node);
  if (begun.ok()) return told_.tell(node, "starts");
  told_.tell(node, "does not start: " + begun.error().message);
  start_in(node, kStartAgain);
}

void Keeper::end(std::size_t node, End how) {
  const std::uint64_t decision = ++homes_[node].decision;
  if (!up(node)) return;
  if (how == End::process) world_.machine(node).kill();
  else world_.machine(node).lose_power();
  // Otherwise its power had failed already, and ended() has reported it.
  if (homes_[node].decision == decision) told_.died(node);
}

void Keeper::ended(std::size_t node) {
  ++homes_[node].decision;
  told_.died(node);
}

}  // namespace troupe::apps
