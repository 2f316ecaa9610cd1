#pragma once
// Whole nodes in one simulated world: what `troupe node` runs, from the root actor down, on machines of runtime/sim.
//
// Life    start() does for a machine what the command does for a process: format, lock, identity, settings, links,
//         domains. What the machine's disk holds from before is taken up.
// Chance  all of it follows from the seed: identities, latencies, the order of messages. The stage's hash covers kind,
//         sender, receiver and words of every envelope, every write to a disk, and every draw of a node.
// Owner   one thread. Worlds may live beside each other.
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/compose.hpp"
#include "runtime/base/error.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/os/outside.hpp"
#include "runtime/sim/machine.hpp"

namespace troupe::apps {

inline constexpr std::uint16_t kWorldPort = 4'000;     // where every node listens
inline constexpr std::size_t kWorldLogLinesMax = 100;  // of one life, the last ones; our choice: a screen or two

struct WorldOptions {
  std::uint64_t seed = 1;
  std::uint16_t nodes = 5;
  sim::Policy policy = sim::Policy::random;
  sim::Fabric::Latency latency = {};
  bool tls = false;
  /// Of every node: a key and its value, as --set takes them.
  std::vector<std::pair<std::string, std::string>> settings{};
  sim::MachineOptions machines{};
};

/// An actor that broke: no fault of the world makes one do that.
struct Break {
  std::size_t node = 0;
  std::string path;
  std::string why;
};

class World final : private runtime::Witness {
 public:
  explicit World(WorldOptions options);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  sim::Stage& stage() { return stage_; }
  sim::Fabric& fabric() { return *fabric_; }
  std::size_t size() const { return houses_.size(); }
  sim::Machine& machine(std::size_t node) { return houses_[node].machine; }

  /// Starts a node on a machine that is off; it joins through the first node of the world, the first through the
  /// second. Errors: those of a start; then the machine is off again.
  base::Outcome<void> start(std::size_t node);

  /// Whether it is up and all its domains have said that they serve.
  bool serving(std::size_t node) const;
  /// Of its present or last life; before the first: nothing.
  std::optional<base::NodeId> id(std::size_t node) const;
  const observe::Health& health(std::size_t node) const { return lives(node).back()->health; }
  const std::deque<std::string>& log(std::size_t node) const { return *lives(node).back()->lines; }

  /// Runs `what` in an actor of that node, which must be up; the stage has to run for it.
  void inside(std::size_t node, os::Outside::What what);

  const std::vector<Break>& breaks() const { return breaks_; }

 private:
  struct Life {
    explicit Life(config::Settings its_settings) : settings(std::move(its_settings)) {}
    config::Settings settings;
    std::unique_ptr<ports::DiskLock> lock;
    std::shared_ptr<std::deque<std::string>> lines = std::make_shared<std::deque<std::string>>();
    std::unique_ptr<observe::Log> log;
    observe::Health health;
    std::shared_ptr<const crypto::Identity> identity;
    std::shared_ptr<Serving> serving_at = std::make_shared<Serving>();
    std::shared_ptr<net::Pool> pool;
    std::optional<os::Outside> outside;
    bool serving = false;
  };
  struct House {
    House(sim::Stage& stage, const std::shared_ptr<sim::Fabric>& fabric, std::uint16_t number,
          const sim::MachineOptions& options)
        : machine(stage, fabric, number, options) {}
    std::vector<std::unique_ptr<Life>> lives;  // outlive the actors, which the machine ends
    sim::Machine machine;
  };
  const std::vector<std::unique_ptr<Life>>& lives(std::size_t node) const { return houses_[node].lives; }
  void taken(std::uint64_t to, std::uint64_t from, const runtime::Envelope& envelope) override;
  config::Settings settings_of(std::size_t node) const;
  base::Outcome<void> begin(std::size_t node, Life& life);

  const WorldOptions options_;
  sim::Stage stage_;
  std::shared_ptr<sim::Fabric> fabric_;
  std::deque<House> houses_;
  std::vector<Break> breaks_;
};

}  // namespace troupe::apps
