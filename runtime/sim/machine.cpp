#include "runtime/sim/machine.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include "runtime/base/ensure.hpp"

namespace troupe::sim {

Machine::Machine(Stage& stage, std::shared_ptr<Fabric> fabric, std::uint16_t number, MachineOptions options)
    : stage_(stage), fabric_(std::move(fabric)), number_(number), options_(options), disk_(options.disk_bytes) {}

Machine::~Machine() {
  kill();
  // The actors of its lives refer to them until they have ended.
  stage_.settle();
}

runtime::Node& Machine::boot() {
  base::ensure(!up_, "a machine is booted when it is off");
  fabric_->appear(address());
  NodePorts& ports = stage_.keep<NodePorts>(stage_, fabric_, number_, disk_, *options_.mutations, options_.drift_ppm);
  lives_.push_back(std::make_unique<Life>(ports, stage_.system(), options_.limits));
  up_ = true;
  return node();
}

void Machine::kill() {
  if (!up_) return;
  disk_.revoke();
  end_life();
}

void Machine::lose_power() {
  if (!up_) return;
  fabric_->vanish(address());
  disk_.crash(stage_.stream("power." + std::to_string(number_)));
  end_life();
}

/// Their messages wait behind the order to end, which goes first.
void Machine::end_life() {
  resume();
  up_ = false;
  std::vector<runtime::Handle> all;
  node().registry().walk([&](const runtime::Listing& one) { return all.push_back(one.handle), true; });
  for (const auto& one : all) caf::anon_send_exit(one, caf::exit_reason::kill);
}

void Machine::pause() {
  if (!up_ || !paused_.empty()) return;
  node().registry().walk([&](const runtime::Listing& one) { return paused_.push_back(one.handle.id()), true; });
  for (const ActorNumber actor : paused_) stage_.park(actor);
}

void Machine::resume() {
  for (const ActorNumber actor : paused_) stage_.unpark(actor);
  paused_.clear();
}

}  // namespace troupe::sim
