#include "apps/bench/held.hpp"

#include <thread>

#include "actors/inspect/inspect_actor.hpp"
#include "actors/node/node_actor.hpp"
#include "apps/bench/actors.hpp"
#include "apps/cli/directory_access.hpp"
#include "apps/host/domains.hpp"
#include "apps/host/node_log.hpp"
#include "runtime/net/links_actor.hpp"
#include "runtime/observe/log_sink.hpp"

namespace troupe::bench {
namespace {

constexpr std::uint64_t kLogBytes = 1 << 20;  // our choice: the log lives as long as the folder

}  // namespace

Measurement<void> HeldNode::begin(Runner& runner, const ScratchFolder& folder) {
  auto sink = observe::file_sink(folder.path() + "/node.log", kLogBytes, 1);
  if (!sink.ok())
    return Failure{{base::Code::internal, "cannot write " + folder.path() + "/node.log: " + sink.error()},
                   "no node was kept running",
                   {},
                   Exit::failed};
  const auto& clock = runner.node().world().clock;
  log_ = std::make_unique<observe::Log>(
      std::move(sink).value(), observe::LogFormat::text, [&clock] { return clock.wall(); }, apps::domain_logs());
  apps::log_changes(health_, *log_);
  net::NetSetup setup;
  setup.identity = new_identity();
  setup.control_path = apps::kControlSocket;
  pool_ = std::make_shared<net::Pool>(runner.node(), setup);
  const auto told = [](const base::Outcome<base::Endpoint>&) {};
  runner.node().start("links", factory<net::LinksActor>(pool_, told), {.kind = net::LinksActor::kName});
  inspect::InspectActor::Setup inspector{.node = setup.identity->id(), .health = &health_};
  runner.node().start("inspect", factory<inspect::InspectActor>(inspector),
                      {.kind = inspect::InspectActor::kName, .placement = ports::Placement::own_thread});
  node::NodeActor::Setup root{.id = setup.identity->id(),
                              .name = "bench",
                              .listen = [] { return std::string(); },
                              .peers = [] { return std::size_t{0}; },
                              .seats = [pool = pool_] { return pool->seats().taken; },
                              .health = &health_,
                              .log = log_.get(),
                              .drained =
                                  [this, &runner] {
                                    ended_ = true;
                                    runner.ring();
                                  }};
  runner.node().start("node", factory<node::NodeActor>(root), {.kind = node::NodeActor::kName});
  return {};
}

namespace {

/// Returns numbers, each after blocking its thread for a while: a blocking handler, as domains should not have.
class Worker final : public runtime::Actor {
 public:
  static constexpr const char* kName = "worker";
  explicit Worker(base::Duration each) : each_(each) {}
  void receive(runtime::Handlers& on) override {
    on.ask<wire::Number, wire::Number>([this](wire::Number::Reader question, runtime::Reply<wire::Number> reply) {
      if (each_ > base::Duration::zero()) std::this_thread::sleep_for(each_);
      reply.send([value = question.getValue()](wire::Number::Builder out) { out.setValue(value); });
    });
  }

 private:
  const base::Duration each_;
};

/// Asks each worker in turn, whether it has responded or not.
class Foreman final : public runtime::Actor {
 public:
  static constexpr const char* kName = "foreman";
  explicit Foreman(std::vector<runtime::Handle> workers) : workers_(std::move(workers)) {}
  void receive(runtime::Handlers& on) override {
    on.timer<Round>([this] { round(); });
  }
  void start() override { round(); }

 private:
  struct Round {};
  static constexpr std::chrono::milliseconds kEach{20};
  static constexpr std::chrono::seconds kDue{30};
  void round() {
    for (const auto& worker : workers_)
      ask<wire::Number, wire::Number>(
          worker, now() + kDue, [](wire::Number::Builder out) { out.setValue(1); },
          [](const runtime::Answer<wire::Number>&) {});
    after<Round>(kEach);
  }
  const std::vector<runtime::Handle> workers_;
};

}  // namespace

void HeldNode::keep_slow(Runner& runner, base::Duration each) {
  constexpr int kWorkers = 8, kSlow = 4;
  std::vector<runtime::Handle> workers;
  for (int i = 0; i < kWorkers; ++i)
    workers.push_back(runner.node().start("worker-" + std::to_string(i + 1),
                                          factory<Worker>(i == kSlow ? each : base::Duration::zero()),
                                          {.kind = Worker::kName}));
  runner.node().start("foreman", factory<Foreman>(workers), {.kind = Foreman::kName});
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
