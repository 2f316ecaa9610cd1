// The node that `--hold` keeps.
#include <thread>

#include "actors/inspect/inspect_actor.hpp"
#include "apps/bench/figures.hpp"
#include "apps/cli/directory_access.hpp"
#include "runtime/net/links_actor.hpp"

namespace troupe::bench {

void HeldNode::begin(Runner& runner) {
  net::NetSetup setup;
  setup.identity = new_identity();
  setup.control_path = apps::kControlSocket;
  pool_ = std::make_shared<net::Pool>(runner.node(), setup);
  const auto told = [](const base::Outcome<base::Endpoint>&) {};
  runner.node().start("links", factory<net::LinksActor>(pool_, told), {.kind = net::LinksActor::kName});
  inspect::InspectActor::Setup inspector{.node = setup.identity->id(), .health = &health_};
  runner.node().start("inspect", factory<inspect::InspectActor>(inspector),
                      {.kind = inspect::InspectActor::kName, .placement = ports::Placement::own_thread});
}

void HeldNode::keep_busy(Runner& runner) {
  static constexpr base::Duration kForever = std::chrono::hours{24};
  for (unsigned i = 0; i < std::max(std::thread::hardware_concurrency(), 1u); ++i) {
    const std::string number = std::to_string(i);
    const auto counter = runner.node().start("busy-counter-" + number, factory<Counter>(), {.kind = Counter::kName});
    using Numbers = Sender<wire::Number, FillNumber>;
    const auto busy = factory<Numbers>(counter, kSmallWindow, base::Duration(kForever), FillNumber{},
                                       Figure{.what = "busy"}, [](Figure) {});
    runner.node().start("busy-sender-" + number, busy, {.kind = Numbers::kName});
  }
}

}  // namespace troupe::bench
