#pragma once
// Two simulated nodes, as a Place for the contracts of the network (tests/runtime/os/network_contract.hpp).
#include <functional>
#include <memory>
#include <string>

#include "runtime/sim/network.hpp"

namespace troupe::test {

class SimPlace {
 public:
  static constexpr std::size_t kMuch = 4 * sim::kWindowBytes;
  explicit SimPlace(std::uint64_t seed = 11) : stage_(seed) {}

  caf::actor_system& system() { return stage_.system(); }
  sim::Stage& stage() { return stage_; }
  sim::Fabric& fabric() { return *fabric_; }
  sim::Clock& clock() { return near_clock_; }
  sim::Clock& far_clock() { return far_clock_; }
  sim::Network& near() { return near_; }
  sim::Network& far() { return far_; }
  std::string near_host() const { return "10.0.0.1"; }
  std::string far_host() const { return "10.0.0.2"; }
  base::HostPort silent() {
    fabric_->cut(sim::address_of(1), sim::address_of(3));
    return {"10.0.0.3", 9};
  }
  std::uint16_t closed_port() const { return 9; }
  bool until(const std::function<bool()>& claim) { return stage_.run_until(claim, std::chrono::minutes(1)); }
  void settle() { stage_.run_for(std::chrono::seconds(1)); }
  std::size_t streams() const { return fabric_->streams(); }

 private:
  sim::Stage stage_;
  std::shared_ptr<sim::Fabric> fabric_ = sim::Fabric::make(stage_);
  sim::Clock& near_clock_ = stage_.keep<sim::Clock>(stage_, std::chrono::hours(1));
  sim::Clock& far_clock_ = stage_.keep<sim::Clock>(stage_, std::chrono::hours(2));
  sim::Network& near_ = stage_.keep<sim::Network>(fabric_, sim::address_of(1), near_clock_);
  sim::Network& far_ = stage_.keep<sim::Network>(fabric_, sim::address_of(2), far_clock_);
};

}  // namespace troupe::test
