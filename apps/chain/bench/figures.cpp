// The figures of `troupe bench chain`.
#include "apps/chain/bench/figures.hpp"

#include <algorithm>
#include <thread>

#include "actors/peers/api.hpp"
#include "apps/bench/ask_once.hpp"
#include "apps/chain/bench/cluster.hpp"
#include "apps/chain/bench/load.hpp"

namespace troupe::bench {
namespace {

constexpr std::size_t kPayers = 4'000;         // our choice: for the load; each has two or three waiting payments
constexpr std::size_t kClients = 64;           // our choice: accounts from which one client pays in turn
constexpr std::size_t kPaymentsMax = 600'000;  // our choice: 300 MiB
constexpr double kBeyondLimit = 1.2;           // payments made, divided by the verifications possible in that time
constexpr std::size_t kPauses = 3;             // our choice
constexpr std::chrono::seconds kCaughtUp{2};   // our choice: a restarted node takes part again

const char* const kOfProcesses[] = {"chain.verify", "chain.transfer", "chain.sync",
                                    "chain.final",  "chain.pause",    "chain.execute"};
const char* const kOfOneProcess[] = {"chain.verify", "chain.transfer", "chain.final", "chain.gossip"};

double span_seconds(base::Duration span) { return std::chrono::duration<double>(span).count(); }
double processors() { return std::max(1u, std::thread::hardware_concurrency()); }

Figure verified_figure(double each) { return {.what = "chain.verify", .per_second = 1 / each}; }

/// Returns the payments per second that the processors can verify, if each node verifies each payment once.
double limit_of(const ChainPlan& plan, double verify_each) {
  return processors() / (static_cast<double>(std::max(plan.validators, plan.nodes)) * verify_each);
}

/// At most half a second's payments at the limit: waiting payments are final soon after the span, also on a slow
/// machine.
std::size_t pending_max(const ChainPlan& plan, double verify_each) {
  const double waiting = limit_of(plan, verify_each) * std::min(span_seconds(plan.span), 0.5);
  return std::clamp(static_cast<std::size_t>(waiting), ChainLoad::kPendingMin, ChainLoad::kPendingMax);
}

/// Returns the payments for the whole span: no more can become final than can be verified.
std::shared_ptr<const std::vector<Payment>> payments_for(const ChainPlan& plan, double verify_each, ChainMoney& money) {
  const double most = kBeyondLimit * limit_of(plan, verify_each) * span_seconds(plan.span);
  const std::size_t count = std::min(kPaymentsMax, static_cast<std::size_t>(most) + pending_max(plan, verify_each));
  auto out = std::make_shared<std::vector<Payment>>();
  out->reserve(count);
  for (std::size_t i = 0; i < count; ++i) out->push_back(money.pay(i % money.accounts()));
  return out;
}

struct Loaded {
  Figure figure;
  std::shared_ptr<BlockSizes> blocks;
  std::uint64_t transfers() const {
    std::uint64_t out = 0;
    for (const auto& [height, count] : *blocks) out += count;
    return out;
  }
};

Measurement<Loaded> load_chain(Runner& runner, const ChainPlan& plan, double verify_each, ChainMoney& money,
                               std::vector<runtime::Handle> to) {
  const auto blocks = std::make_shared<BlockSizes>();
  const std::size_t clients = to.size() * ChainLoad::kInFlight;
  const runtime::Handle watched = to.front();
  auto figure = runner.measure<ChainLoad>("chain-load", plan.span, {.what = "chain.transfer", .clients = clients},
                                          ChainLoad::Plan{.to = std::move(to),
                                                          .watched = watched,
                                                          .payments = payments_for(plan, verify_each, money),
                                                          .accounts = money.accounts(),
                                                          .pending_max = pending_max(plan, verify_each),
                                                          .blocks = blocks,
                                                          .span = plan.span});
  if (!figure.ok()) return figure.error();
  figure.value().ratio = figure.value().per_second.value_or(0) / limit_of(plan, verify_each);
  return Loaded{std::move(figure).value(), blocks};
}

Measurement<Figure> final_payments(Runner& runner, const ChainPlan& plan, const std::shared_ptr<ChainMoney>& client,
                                   const runtime::Handle& to) {
  return runner.measure<ChainFinal>("chain-final", plan.span, {.what = "chain.final"}, to, client, plan.span);
}

// -- processes

std::function<runtime::Handle(std::size_t)> chains_of(NodeProcesses& processes) {
  return [&processes](std::size_t node) { return processes.service(node, chain::kPath); };
}

Measurement<Figure> sync_chain(Runner& runner, NodeProcesses& processes, std::size_t node, const Loaded& loaded,
                               double verify_each) {
  const double before = processes.cpu_seconds(node);
  auto figure = runner.measure<ChainSync>("chain-sync", {}, {.what = "chain.sync"},
                                          ChainSync::Plan{.chain = processes.service(node, chain::kPath),
                                                          .peers = processes.service(node, peers::kPath),
                                                          .other = processes.address(0),
                                                          .blocks = loaded.blocks});
  if (!figure.ok()) return figure;
  Figure& out = figure.value();
  const double used = (processes.cpu_seconds(node) - before) / std::max(out.seconds.value_or(0), 1e-9);
  out.ratio = out.per_second.value_or(0) * verify_each / std::max(1.0, used);
  return figure;
}

Measurement<Figure> pauses(os::Waker& waker, Runner& runner, ChainNodes& nodes, const ChainPlan& plan) {
  std::vector<base::NodeId> validators;
  for (std::size_t i = 0; i < plan.validators; ++i) validators.push_back(chain_identity(i).id());
  NodeProcesses& processes = *nodes.processes;
  Figure out{.what = "chain.pause"};
  std::vector<double> longest;
  for (std::size_t i = 0; i < kPauses; ++i) {
    const auto ended = std::make_shared<std::size_t>(0);
    const std::function<void(std::size_t)> end = [&processes, ended](std::size_t node) {
      *ended = node;
      processes.kill(node);
    };
    const auto figure =
        runner.measure<ChainPause>("chain-pause", 2 * ChainPause::kSpan, {.what = "chain.pause"},
                                   processes.service(0, chain::kPath), nodes.client, ChainPause::Plan{validators, end});
    if (!figure.ok()) return figure.error();
    if (figure.value().errors > 0) return figure;
    longest.push_back(span_seconds(figure.value().delays.front()));
    if (auto again = processes.restart(waker, *ended); !again.ok()) return again.error();
    for (std::size_t other = 0; other < plan.nodes; ++other)
      if (other != *ended)
        if (auto linked = processes.connect(runner, *ended, other); !linked.ok()) return linked.error();
    if (auto met = await_neighbours(runner, plan.nodes, chains_of(processes)); !met.ok()) return met.error();
    if (auto paused = runner.pause(kCaughtUp); !paused.ok()) return paused.error();
  }
  std::ranges::sort(longest);
  out.seconds = longest[kPauses / 2];
  out.seconds_max = longest.back();
  return out;
}

}  // namespace

bool ChainPlan::wants(std::string_view what) const {
  // With fewer than four validators none may be missing.
  if (only.empty()) return what != "chain.pause" || validators >= 4;
  return (',' + only + ',').find(',' + std::string(what) + ',') != std::string::npos;
}

std::string ChainPlan::unknown() const {
  const auto is_one = [this](std::string_view name) {
    if (in_one_process()) return std::ranges::find(kOfOneProcess, name) != std::end(kOfOneProcess);
    return std::ranges::find(kOfProcesses, name) != std::end(kOfProcesses) &&
           (name != "chain.pause" || validators >= 4);
  };
  for (std::size_t from = 0; from < only.size();) {
    const std::size_t end = std::min(only.find(',', from), only.size());
    if (const std::string name = only.substr(from, end - from); !is_one(name)) return name;
    from = end + 1;
  }
  return {};
}

Measurement<ChainNodes> ChainNodes::start(const apps::Commands& table, const ScratchFolder& folder,
                                          const ChainPlan& plan) {
  ChainNodes out{std::make_shared<ChainMoney>("payer", kPayers), std::make_shared<ChainMoney>("client", kClients), {}};
  const auto genesis = found_chain(plan.validators, {out.load, out.client});
  for (std::size_t node = 0; node <= plan.nodes; ++node) {
    const std::string data = NodeProcesses::data_below(folder, node);
    if (auto settled = settle_chain_node(data, *genesis, node, plan.validators); !settled.ok()) return settled.error();
  }
  // Their ids have no proof of work, and they run no tasks: otherwise other nodes would check their honesty for
  // seconds.
  auto processes = NodeProcesses::start(table, folder, plan.nodes + 1, {"identity.work_bits=0", "task.slots=0"});
  if (!processes.ok()) return processes.error();
  out.processes = std::move(processes).value();
  return out;
}

Measurement<Figures> measure_chain(os::Waker& waker, Runner& runner, ChainNodes& nodes, const ChainPlan& plan) {
  NodeProcesses& processes = *nodes.processes;
  const double each = verify_seconds();
  Figures out;
  if (plan.wants("chain.verify")) out.push_back(verified_figure(each));
  if (auto begun = processes.begin(waker, runner); !begun.ok()) return begun.error();
  for (std::size_t node = 1; node < plan.nodes; ++node)
    for (std::size_t other = 0; other < node; ++other)
      if (auto linked = processes.connect(runner, node, other); !linked.ok()) return linked.error();
  if (auto met = await_neighbours(runner, plan.nodes, chains_of(processes)); !met.ok()) return met.error();
  const auto add = [&out](Measurement<Figure> figure) -> Measurement<void> {
    if (!figure.ok()) return figure.error();
    out.push_back(std::move(figure).value());
    return {};
  };
  const std::size_t follower = plan.nodes;
  if (plan.wants("chain.transfer") || plan.wants("chain.sync")) {
    std::vector<runtime::Handle> to;
    for (std::size_t node = 0; node < plan.nodes; ++node) to.push_back(processes.service(node, chain::kPath));
    const auto loaded = load_chain(runner, plan, each, *nodes.load, std::move(to));
    if (!loaded.ok()) return loaded.error();
    if (plan.wants("chain.transfer")) out.push_back(loaded.value().figure);
    if (loaded.value().figure.errors == 0 && plan.wants("chain.sync"))
      if (auto added = add(sync_chain(runner, processes, follower, loaded.value(), each)); !added.ok())
        return added.error();
  }
  processes.kill(follower);
  if (plan.wants("chain.final"))
    if (auto added = add(final_payments(runner, plan, nodes.client, processes.service(0, chain::kPath))); !added.ok())
      return added.error();
  if (plan.wants("chain.pause"))
    if (auto added = add(pauses(waker, runner, nodes, plan)); !added.ok()) return added.error();
  if (!plan.wants("chain.execute")) return out;
  for (std::size_t node = 0; node < plan.nodes; ++node) processes.kill(node);
  if (auto added = add(measure_execution(runner, plan.span)); !added.ok()) return added.error();
  return out;
}

Measurement<Figures> measure_chain_inside(Runner& runner, const ChainPlan& plan) {
  const double each = verify_seconds();
  const auto payer = std::make_shared<ChainMoney>("payer", kPayers);
  const auto client = std::make_shared<ChainMoney>("client", kClients);
  const auto cluster =
      ChainCluster::start(runner, found_chain(plan.validators, {payer, client}), plan.nodes, plan.validators);
  if (!cluster.ok()) return cluster.error();
  const ChainCluster& nodes = *cluster.value();
  Figures out;
  if (plan.wants("chain.verify")) out.push_back(verified_figure(each));
  if (plan.wants("chain.transfer") || plan.wants("chain.gossip")) {
    std::vector<runtime::Handle> to;
    for (std::size_t node = 0; node < plan.validators; ++node) to.push_back(nodes.chain(node));
    const auto loaded = load_chain(runner, plan, each, *payer, std::move(to));
    if (!loaded.ok()) return loaded.error();
    if (plan.wants("chain.transfer")) out.push_back(loaded.value().figure);
    if (plan.wants("chain.gossip")) {
      // Each transaction was submitted at one node, and reached all other nodes.
      Figure gossip{.what = "chain.gossip", .clients = plan.nodes, .errors = loaded.value().figure.errors};
      gossip.error = loaded.value().figure.error;
      std::uint64_t received = 0;
      for (std::size_t node = 0; node < nodes.size(); ++node) received += nodes.received(node);
      const double due = static_cast<double>(loaded.value().transfers()) * static_cast<double>(nodes.size() - 1);
      gossip.ratio = due > 0 ? static_cast<double>(received) / due : 0;
      out.push_back(gossip);
    }
  }
  if (plan.wants("chain.final")) {
    auto figure = final_payments(runner, plan, client, nodes.chain(0));
    if (!figure.ok()) return figure.error();
    out.push_back(std::move(figure).value());
  }
  return out;
}

}  // namespace troupe::bench
