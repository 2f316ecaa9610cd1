#pragma once
// Whole nodes in one simulated world: the actors of `troupe node`, from the root down, on machines of runtime/sim.
//
// Life    start() does for a machine what `troupe node` does for a process: format, lock, identity, settings, links,
//         domains. Data on the machine's disk survives from life to life.
// Chance  the seed decides everything: identities, latencies, the order of messages. The stage's hash covers kind,
//         sender, receiver and bytes of every envelope, every write to a disk, and every random draw of a node.
// Owner   one thread. Several worlds may exist at once.
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "apps/host/compose.hpp"
#include "runtime/actor/external_actor.hpp"
#include "runtime/base/error.hpp"
#include "runtime/observe/log.hpp"
#include "runtime/sim/machine.hpp"
#include "runtime/sim/open_keys.hpp"
#include "runtime/sim/scenario.hpp"
#include "runtime/sim/workload.hpp"

namespace troupe::apps {

inline constexpr std::uint16_t kWorldPort = 4'000;     // where every node listens
inline constexpr std::size_t kWorldLogLinesMax = 100;  // the last lines of one life; our choice: a screen or two

using sim::node_name;

struct WorldOptions {
  std::uint64_t seed = 1;
  std::uint16_t nodes = 5;
  sim::Policy policy = sim::Policy::random;
  sim::Fabric::Latency latency = {};
  bool tls = false;
  /// Settings of every node: a key and its value, as --set takes them.
  std::map<std::string, std::string> settings{};
  sim::MachineOptions machines{};
  /// Files of each node before its first start (WorkloadSpec::files); null: none.
  std::vector<sim::GivenFile> (*files)(std::size_t node, std::size_t nodes) = nullptr;
  /// Drift of each node's clock; missing entries are 0.
  std::vector<std::int32_t> drift_ppm{};
  /// Domains of each node; must outlive the world.
  const DomainSpecs* domains = &apps::domains();
};

/// An actor that broke.
struct Break {
  std::size_t node = 0;
  std::string path;
  std::string why;
  bool invariant = false;  ///< an invariant of the program broke; otherwise its device did not report a result
};

/// The last message that an actor took out of its mailbox. The numbers of actors are the stage's; zero: no actor.
struct Taken {
  sim::ActorNumber to = 0;
  sim::ActorNumber from = 0;
  const messages::KindInfo* kind = nullptr;  ///< of an envelope; null for wakeups and stream events
  std::uint64_t event = 0;                   ///< number of that event
};

/// Receives the events of a world as they happen.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void broke(const Break& what) { (void)what; }
  /// Called when a node cannot continue: a real process would exit now.
  virtual void gave_up(std::size_t node, const std::string& why) { (void)node, (void)why; }
  virtual void handled(std::size_t node, std::string_view path, const runtime::Actor& actor) {
    (void)node, (void)path, (void)actor;
  }
};

class World final {
 public:
  /// `observer` outlives the world; null: none.
  explicit World(WorldOptions options, Observer* observer = nullptr);
  ~World();
  /// Ends all lives; reports of their actors during shutdown are still delivered.
  void close();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  sim::Stage& stage() { return stage_; }
  sim::Fabric& fabric() { return *fabric_; }
  std::size_t size() const { return at_.size(); }
  /// Returns the machine of a node; only exchange() moves a node.
  sim::Machine& machine(std::size_t node) { return slot(node).machine; }

  /// Starts a node on a machine that is off; it joins through the first node of the world, the first node through the
  /// second. A failed start leaves the machine off.
  base::Outcome<void> start(std::size_t node);

  /// Whether the node is up and all its domains report that they serve.
  bool serving(std::size_t node) const;
  /// Gives a node that is off an empty disk: its next start creates a new identity.
  void wipe(std::size_t node);
  /// Exchanges the disks of two nodes that are off: each has the other's address from its next start on.
  void exchange(std::size_t one, std::size_t other);

  /// Returns the node's id, or nullopt before its first start, or before the first start on an empty disk.
  std::optional<base::NodeId> id(std::size_t node) const { return ids_[node]; }
  /// Whether a node of this world has, or ever had, that identity.
  bool existed(const base::NodeId& id) const { return ever_.contains(id); }
  /// Returns the node that has that identity now.
  std::optional<std::size_t> find(const base::NodeId& id) const;
  /// Whether an identity of this world no longer belongs to any node.
  bool any_gone() const;
  const observe::Health& health(std::size_t node) const { return lives(node).back()->health; }
  /// Returns the domains of the node's latest life.
  const std::vector<node::Domain>& domains(std::size_t node) const { return lives(node).back()->domains; }
  std::deque<std::string> log(std::size_t node) const {
    return lives(node).empty() ? std::deque<std::string>{} : *lives(node).back()->lines;
  }

  /// Runs `what` in an actor of that node, which must be up; the stage must run for it.
  void inside(std::size_t node, runtime::ExternalActor::What what);

  const Taken& last_taken() const { return taken_; }
  /// A function that is called for each envelope that an actor receives, before it is handled; null ends that.
  using OnTaken = std::function<void(const Taken& what, const runtime::Envelope& envelope)>;
  void tell_taken(OnTaken told) { on_taken_ = std::move(told); }
  /// Records the names of actors from now on.
  void keep_names() { keeps_names_ = true; }
  /// Returns "n2 /files", or the actor's number if the actor was not seen since keep_names().
  std::string name(sim::ActorNumber actor) const;

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
    std::shared_ptr<node::Serving> serving_at = std::make_shared<node::Serving>();
    std::shared_ptr<net::Pool> pool;
    std::shared_ptr<net::Datagrams> datagrams;
    std::optional<runtime::ExternalActor> outside;
    std::vector<node::Domain> domains;
    bool serving = false;
  };
  struct NodeSlot final : runtime::Witness {
    NodeSlot(World& its_world, std::uint16_t number, const sim::MachineOptions& options)
        : world(its_world), machine(its_world.stage_, its_world.fabric_, number, options) {}
    void taken(std::uint64_t to, std::uint64_t from, const runtime::Envelope& envelope) override;
    void handled(std::string_view path, const runtime::Actor& actor) override;
    World& world;
    std::size_t node = 0;                      // node whose disk the machine has
    std::vector<std::unique_ptr<Life>> lives;  // must outlive the actors, which `machine` ends
    sim::Machine machine;
  };
  NodeSlot& slot(std::size_t node) { return slots_[at_[node]]; }
  const NodeSlot& slot(std::size_t node) const { return slots_[at_[node]]; }
  const std::vector<std::unique_ptr<Life>>& lives(std::size_t node) const { return slot(node).lives; }
  config::Settings settings_of(std::size_t node) const;
  base::Outcome<void> begin(std::size_t node, Life& life);
  void broke(std::size_t node, std::string_view path, const base::Error& why);

  const WorldOptions options_;
  std::optional<sim::OpenSignatures> signatures_;  // unless the world has TLS
  sim::Stage stage_;
  std::shared_ptr<sim::Fabric> fabric_;
  std::deque<NodeSlot> slots_;
  std::vector<std::size_t> at_;  // slot of each node
  std::vector<std::optional<base::NodeId>> ids_;
  std::map<base::NodeId, std::size_t> ever_;  // last node with each identity
  std::set<std::size_t> given_;               // nodes that have received their files
  Observer* observer_;
  std::vector<Break> breaks_;
  Taken taken_;
  OnTaken on_taken_;
  bool keeps_names_ = false;
  std::map<sim::ActorNumber, std::string> names_;
};

}  // namespace troupe::apps
