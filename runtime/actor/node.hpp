#pragma once
// What all actors of one node share: its ports, its registry, its published services, its counters.
//
// Owner   whoever starts the node; outlives every actor of it.
// Safety  any thread, but for the setters named "before start".
#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "messages/kinds.hpp"
#include "runtime/actor/alarms.hpp"
#include "runtime/actor/ended.hpp"
#include "runtime/actor/logic/supervisor.hpp"
#include "runtime/actor/recent_messages.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/actor/rest.hpp"
#include "runtime/actor/taps.hpp"
#include "runtime/actor/turns.hpp"
#include "runtime/actor/watchers.hpp"
#include "runtime/base/contact.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/ports/world.hpp"

namespace caf {
class actor_system;
}

namespace troupe::runtime {

class Actor;
class Envelope;
class Host;

/// Sees what is said in a node: for simulations, which tell two runs apart by it.
class Witness {
 public:
  virtual ~Witness() = default;
  /// An actor takes an envelope out of its mailbox. `to` and `from` are CAF's numbers of actors; zero: nobody.
  virtual void taken(std::uint64_t to, std::uint64_t from, const Envelope& envelope) = 0;
  /// An actor that has neither broken nor ended has dealt with whatever its mailbox held next.
  virtual void handled(std::string_view path, const Actor& actor) = 0;
};
using Factory = std::function<std::unique_ptr<Actor>()>;

/// Why a message reached nobody.
enum class DeadLetter : std::uint8_t {
  expired,      ///< its deadline had passed before its turn came
  full,         ///< a tell above the receiver's limit
  unsupported,  ///< a kind that the receiver does not know
  malformed,    ///< foreign words that break their schema
  refused,      ///< a tell that the receiver's logic rejected
  late_answer,  ///< an answer that nobody waits for any more
  gone,         ///< a tell to an actor that waits for its restart for too long, or has ended
};
inline constexpr std::size_t kDeadLetterReasons = 7;

struct NodeLimits {
  std::size_t mailbox_max = 10'000;  ///< messages waiting in one actor
  std::size_t asks_max = 100'000;    ///< questions of one actor that wait for an answer
  std::size_t streams_max = 1'000;   ///< open streams of one actor, both ends counted
  /// Whether the messages of each actor are counted. False only to measure what that costs: then `mailbox_max`, which
  /// is enforced by these counts, holds nobody back.
  bool counting = true;
};

struct SpawnOptions {
  const char* kind = "actor";  ///< what the inspector calls it: a constant of the program
  logic::OnFailure on_failure = logic::OnFailure::restart;
  logic::RestartPolicy children = {};  ///< what this actor does about its own children
  ports::Placement placement = ports::Placement::shared;
  std::size_t mailbox_max = 0;  ///< zero: the node's
};

/// An actor that may be reached from other nodes, for the kinds it named and the roles of each kind.
struct Service {
  Handle handle;
  std::vector<const messages::KindInfo*> kinds;
  bool offers(const messages::KindInfo* kind) const;
};

/// The state that an actor shows, taken without a message. For simulations, whose actors all run in one thread, and
/// not from within a handler. Nothing if it shows none.
std::optional<Envelope> state_of(const Handle& actor);

class Node {
 public:
  Node(caf::actor_system& system, ports::World world, NodeLimits limits = {});
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Starts an actor without a parent, at "/" and its name. When it breaks it ends, and `on_fatal` (set before start)
  /// is told, unless its option is OnFailure::stop.
  Handle start(std::string name, Factory factory, SpawnOptions options = {});
  /// The same at a path of several parts.
  Handle start_at(std::string path, Factory factory, SpawnOptions options = {});
  std::function<void(const base::Error&)> on_fatal = [](const base::Error&) {};
  /// Told of every failure of an actor, from its own thread (set before start). For the log.
  std::function<void(std::string_view path, const base::Error&)> on_failure = [](std::string_view, const base::Error&) {
  };

  /// Told of every envelope, if it is not null; set before start, and outlives every actor of the node.
  Witness* witness = nullptr;

  /// What the node runs on, if that is simulated (host.hpp); set before start, and outlives every actor of the node.
  Host* host = nullptr;

  const ports::World& world() const { return world_; }
  caf::actor_system& system() { return system_; }
  const NodeLimits& limits() const { return limits_; }
  Registry& registry() { return registry_; }
  const Registry& registry() const { return registry_; }
  Handle find(std::string_view path) const { return registry_.find(path); }

  /// Makes the actor reachable from links under `path`, for questions and tells of these kinds.
  template <class... Kinds>
  void publish(std::string path, Handle handle) {
    publish(std::move(path), Service{std::move(handle), {&messages::kind_of<Kinds>()...}});
  }
  void publish(std::string path, Service service);
  /// Null if no service of that path is published.
  std::shared_ptr<const Service> service(std::string_view path) const;

  /// What an inspector sees beside the registry.
  EndedActors& ended() { return ended_; }
  const EndedActors& ended() const { return ended_; }
  Alarms& alarms() { return alarms_; }
  const Alarms& alarms() const { return alarms_; }
  RecentPool& recent_pool() { return recent_pool_; }
  Watchers& watchers() { return watchers_; }
  Taps& taps() { return taps_; }
  /// The span of one more handler of a traced message; never zero. Set `span_salt` before start: spans of several nodes
  /// meet in one trace.
  std::uint32_t next_span() {
    const std::uint32_t span = span_salt + 0x9e3779b1u * spans_.fetch_add(1, std::memory_order_relaxed);
    return span == 0 ? next_span() : span;
  }
  std::uint32_t span_salt = 1;
  Rest& rest() { return rest_; }

  /// Messages that have been in their handlers for long, as whoever watches the threads last saw them; none in a
  /// simulation, where a handler takes no time.
  std::vector<LongTurn> long_turns() const;
  void set_long_turns(std::vector<LongTurn> turns);

  /// A handle for the service `path` on another node; dials on first use. Null before a network is there.
  Handle remote(const base::NodeId& id, const std::string& path) const;
  /// The same of a node whose id has been checked, where it says that it lives: asked by datagram where question and
  /// answer fit into one, and else over a link, which is dialled for it.
  Handle reach(const base::Contact& contact, const std::string& path) const;
  /// The same over a link alone: for what is large anyway.
  Handle remote(const base::Contact& contact, const std::string& path) const;
  /// How these find their way; set once by runtime/net, before start.
  std::function<Handle(const base::NodeId&, const std::string&)> remotes;
  std::function<Handle(const base::Contact&, const std::string&)> reaches;
  std::function<Handle(const base::Contact&, const std::string&)> remotes_at;
  /// Names handles of actors on other nodes for people, those of them that are among `numbers` of CAF (in rising
  /// order). Set once by runtime/net, before start; empty before a network is there.
  std::function<std::map<std::uint64_t, std::string>(const std::vector<std::uint64_t>& numbers)> remote_names;

  void count(DeadLetter reason) {
    dead_letters_[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t dead_letters(DeadLetter reason) const {
    return dead_letters_[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);
  }

 private:
  caf::actor_system& system_;
  ports::World world_;
  NodeLimits limits_;
  Registry registry_;
  mutable std::mutex services_lock_;
  std::map<std::string, std::shared_ptr<const Service>, std::less<>> services_;
  std::array<std::atomic<std::uint64_t>, kDeadLetterReasons> dead_letters_{};
  EndedActors ended_;
  Rest rest_;
  Alarms alarms_{&rest_};
  RecentPool recent_pool_;
  Watchers watchers_;
  Taps taps_;
  std::atomic<std::uint32_t> spans_{0};
  mutable std::mutex long_turns_lock_;
  std::vector<LongTurn> long_turns_;
};

}  // namespace troupe::runtime
