// Two bare CAF actors in one process: a number one way, and a number asked back.
#include "tools/bench/programs.hpp"
#include "tools/bench/shapes.hpp"

namespace troupe::bench {

Figures bench_actors(std::chrono::milliseconds span) {
  caf::actor_system_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  Figures out{{.what = "actor.oneway.caf"}, {.what = "actor.ask.caf"}};
  {
    const auto sink = system.spawn(counter<std::int64_t>, kSmallWindow);
    const auto number = std::make_shared<std::int64_t>(0);
    self->wait_for(system.spawn([&](caf::event_based_actor* source) {
      return one_way(
          source, sink, kSmallWindow, span, [number] { return ++*number; }, &out[0]);
    }));
    caf::anon_send_exit(sink, caf::exit_reason::user_shutdown);
  }
  {
    const auto answering = system.spawn(echo);
    self->wait_for(system.spawn<Asker>(answering, span, kTimedEach, &out[1]));
    caf::anon_send_exit(answering, caf::exit_reason::user_shutdown);
  }
  return out;
}

}  // namespace troupe::bench
