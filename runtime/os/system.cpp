#include "runtime/os/system.hpp"

#include <algorithm>
#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/actor/envelope_type.hpp"
#include "runtime/os/chance.hpp"
#include "runtime/os/clock.hpp"
#include "runtime/os/disk_watch.hpp"
#include "runtime/os/hardware.hpp"
#include "runtime/os/memory.hpp"
#include "runtime/os/network.hpp"
#include "runtime/os/processes.hpp"
#include "runtime/os/threads.hpp"
#include "runtime/os/watchdog.hpp"
#include "runtime/os/workers.hpp"

namespace troupe::os {
namespace {

constexpr std::chrono::minutes kPatience{5};        // a destructor cannot give up; a device with a longer sync is dead
constexpr std::chrono::milliseconds kLookAgain{1};  // while the last actors end

struct Config : caf::actor_system_config {
  explicit Config(const SystemOptions& options) {
    set("scheduler.max-throughput", kThroughputMax);
    set("scheduler.max-threads",
        options.workers > 0 ? options.workers : std::max<std::size_t>(std::thread::hardware_concurrency(), 1));
    load<WorkersCoordinator>();
    set("middleman.workers", std::size_t{0});  // of CAF's own protocol, which is not used
    configure_network(*this);
  }
};

}  // namespace

struct System::Parts {
  Parts(std::unique_ptr<ports::Disk> own_disk, const SystemOptions& options, std::optional<sandbox::Launcher> launcher)
      : config(options),
        system(config),
        disk(std::move(own_disk)),
        network(std::make_unique<Network>(system, clock, options.sockets, streams_max_for(raise_descriptor_limit()))),
        processes(std::make_unique<Processes>(std::move(launcher), clock)),
        node(std::make_unique<runtime::Node>(
            system, ports::World{clock, chance, *disk, *network, threads, base::kNoMutations, hardware, *processes},
            options.limits)) {
    if (options.watched) watchdog.emplace(*node);
    if (options.disk_lost) disk_watch.emplace(*disk, options.disk_lost);
  }

  Config config;
  Clock clock;  // outlives the workers, which end with `system` and read it after the last turn of an actor
  caf::actor_system system;
  Chance chance;
  Threads threads;
  Hardware hardware;
  std::unique_ptr<ports::Disk> disk;
  std::unique_ptr<Network> network;
  std::unique_ptr<Processes> processes;
  std::unique_ptr<runtime::Node> node;
  std::vector<std::unique_ptr<runtime::Node>> others;
  std::optional<Watchdog> watchdog;
  std::optional<DiskWatch> disk_watch;
};

System::System(std::unique_ptr<ports::Disk> disk, const SystemOptions& options,
               std::optional<sandbox::Launcher> launcher)
    : parts_(std::make_unique<Parts>(std::move(disk), options, std::move(launcher))) {
  keep_freed_memory();
}

System::~System() {
  if (parts_) end(kPatience);
}

runtime::Node& System::node() { return *parts_->node; }

runtime::Node& System::add_node(const runtime::NodeLimits& limits) {
  parts_->others.push_back(std::make_unique<runtime::Node>(parts_->system, parts_->node->world(), limits));
  return *parts_->others.back();
}

bool System::end(base::Duration at_most) {
  const base::Instant due = parts_->clock.now() + at_most;
  // Actors that start in the meantime are found in the next round.
  const auto none_of = [](runtime::Node& node) {
    node.registry().walk([](const runtime::Listing& listing) {
      caf::anon_send_exit(listing.handle, caf::exit_reason::kill);
      return true;
    });
    return node.registry().size() == 0;
  };
  const auto none_runs = [&] {
    bool none = none_of(*parts_->node);
    for (const auto& other : parts_->others) none = none_of(*other) && none;
    return none;
  };
  const auto none_is_left = [&] { return parts_->system.registry().running() == 0; };
  // The network ends between the two: no handler of ours runs any longer, and its brokers are counted.
  if (parts_->disk_watch) parts_->disk_watch->end();
  const auto none_watches = [&] { return !parts_->disk_watch || parts_->disk_watch->ended(); };
  const bool ended = wait_until(none_runs, due) && (parts_->network.reset(), wait_until(none_is_left, due)) &&
                     wait_until(none_watches, due);
  if (ended) parts_.reset();
  else [[maybe_unused]] auto* const left_behind = parts_.release();
  return ended;
}

bool System::wait_until(const std::function<bool()>& claim, base::Instant due) {
  while (!claim()) {
    if (parts_->clock.now() >= due) return false;
    std::this_thread::sleep_for(kLookAgain);
  }
  return true;
}

}  // namespace troupe::os
