#include "apps/bench/held.hpp"

#include <thread>

#include "actors/inspect/inspect_actor.hpp"
#include "apps/cli/directory_access.hpp"
#include "runtime/net/links_actor.hpp"
#include "runtime/os/chance.hpp"

namespace troupe::bench {
namespace {

std::shared_ptr<const crypto::Identity> identity() {
  os::Chance chance;
  return std::make_shared<const crypto::Identity>(crypto::Identity::make(chance, 0));
}

}  // namespace

void Held::begin(Runner& runner) {
  net::NetSetup setup;
  setup.identity = identity();
  setup.control_path = apps::kControlSocket;
  pool_ = std::make_shared<net::Pool>(runner.node(), setup);
  runner.node().start(
      "links",
      [pool = pool_] { return std::make_unique<net::LinksActor>(pool, [](const base::Outcome<base::Endpoint>&) {}); },
      {.kind = net::LinksActor::kName});
  inspect::InspectActor::Setup inspector{.node = setup.identity->id(), .health = &health_};
  runner.node().start("inspect", [inspector] { return std::make_unique<inspect::InspectActor>(inspector); },
                      {.kind = inspect::InspectActor::kName, .placement = ports::Placement::own_thread});
}

void Held::keep_busy(Runner& runner) {
  static constexpr base::Duration kForever = std::chrono::hours{24};
  for (unsigned i = 0; i < std::max(std::thread::hardware_concurrency(), 1u); ++i) {
    const std::string number = std::to_string(i);
    const auto counter = runner.node().start("busy-counter-" + number, [] { return std::make_unique<Counter>(); },
                                             {.kind = Counter::kName});
    runner.node().start("busy-sender-" + number,
                        [counter] {
                          return std::make_unique<Sender<wire::Number, FillNumber>>(
                              counter, kSmallWindow, base::Duration(kForever), FillNumber{}, Figure{.what = "busy"},
                              [](Figure) {});
                        },
                        {.kind = Sender<wire::Number, FillNumber>::kName});
  }
}

}  // namespace troupe::bench
