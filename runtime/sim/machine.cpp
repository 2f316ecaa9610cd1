#include "runtime/sim/machine.hpp"

#include <utility>

#include "runtime/base/ensure.hpp"

namespace troupe::sim {

Machine::Machine(Stage& stage, std::shared_ptr<Fabric> fabric, std::uint16_t number, MachineOptions options)
    : stage_(stage), fabric_(std::move(fabric)), number_(number), options_(options), disk_(options.disk_bytes) {}

Machine::~Machine() {
  then_ = {};
  kill();
  // The actors of its lives refer to them until they have ended.
  stage_.settle();
}

runtime::Node& Machine::boot() {
  base::ensure(!up_, "a machine is booted when it is off");
  fabric_->appear(address());
  // Kept by the stage like the ports, for the actors that end last.
  DiskView& view = stage_.keep<DiskView>(disk_);
  NodePorts& ports = stage_.keep<NodePorts>(stage_, fabric_, number_, view, *options_.mutations, options_.drift_ppm);
  ports.processes().use(*options_.programs);
  lives_.push_back(std::make_unique<Life>(stage_, disk_, ports, options_.limits, [this] { power_failed(); }));
  lives_.back()->slow(rest_);
  up_ = true;
  return node();
}

void Machine::kill() {
  if (!up_) return;
  if (disk_.halted()) return power_failed();
  disk_.revoke();
  end_life();
}

void Machine::lose_power() {
  if (!up_) return;
  then_ = {};
  fabric_->vanish(address());
  disk_.crash(stage_.stream("power." + std::to_string(number_)));
  end_life();
}

void Machine::lose_power_at(std::uint64_t operations, std::function<void()> then) {
  if (!up_) return;
  disk_.halt_after(operations);
  then_ = std::move(then);
}

void Machine::power_failed() {
  const auto then = std::exchange(then_, {});
  lose_power();
  if (then) then();
}

void Machine::end_life() {
  up_ = false;
  lives_.back()->end();
}

void Machine::pause() {
  if (up_) lives_.back()->pause();
}

void Machine::resume() {
  if (up_) lives_.back()->resume();
}

void Machine::break_next(std::uint64_t nth, Life::MayBreak may, std::function<void()> hit) {
  if (up_) lives_.back()->break_next(nth, std::move(may), std::move(hit));
}

void Machine::slow(base::Duration longer) {
  rest_ += longer;
  if (up_) lives_.back()->slow(rest_);
}

}  // namespace troupe::sim
