#pragma once
// An actor from a lambda. (CAF's own way to spawn one binds a reference to null, which the sanitizer stops at.)
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <functional>
#include <utility>

namespace troupe::test {

class BehaviorActor final : public caf::event_based_actor {
 public:
  using Script = std::function<caf::behavior(caf::event_based_actor*)>;
  BehaviorActor(caf::actor_config& config, Script script)
      : caf::event_based_actor(config), script_(std::move(script)) {}
  caf::behavior make_behavior() override { return script_(this); }

 private:
  Script script_;
};

inline caf::actor spawn_scripted(caf::actor_system& system, BehaviorActor::Script script) {
  return system.spawn<BehaviorActor>(std::move(script));
}

}  // namespace troupe::test
