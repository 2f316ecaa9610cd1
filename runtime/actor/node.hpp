#pragma once
// The shared parts of all actors of a node: its ports, its registry, its published services, its counters.
//
// Owner   the code that starts the node; outlives every actor of it.
// Safety  any thread, except the setters named "before start".
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

/// Sees every message of a node: simulations compare two runs by these calls.
class Witness {
 public:
  virtual ~Witness() = default;
  /// An actor takes an envelope from its mailbox. `to` and `from` are CAF's numbers of actors; zero: no actor.
  virtual void taken(std::uint64_t to, std::uint64_t from, const Envelope& envelope) = 0;
  /// An actor has handled the next element of its mailbox, and has neither broken nor ended.
  virtual void handled(std::string_view path, const Actor& actor) = 0;
};
using Factory = std::function<std::unique_ptr<Actor>()>;

/// Why a message was not handled.
enum class DeadLetter : std::uint8_t {
  expired,      ///< its deadline passed while it waited
  full,         ///< a tell above the receiver's limit
  unsupported,  ///< a kind that the receiver does not know
  malformed,    ///< foreign words that break their schema
  refused,      ///< a tell, rejected by the receiver's logic
  late_answer,  ///< a response for which no caller waits any longer
  gone,         ///< a tell to an actor that has ended, or whose restart takes too long
};
inline constexpr std::size_t kDeadLetterReasons = 7;

struct NodeLimits {
  std::size_t mailbox_max = 10'000;  ///< messages waiting in one actor
  std::size_t asks_max = 100'000;    ///< requests of one actor that wait for a response
  std::size_t streams_max = 1'000;   ///< open streams of one actor, both ends counted
  /// Whether the messages of each actor are counted. False only to measure the cost of counting: then `mailbox_max`,
  /// which needs these counts, has no effect.
  bool counting = true;
};

struct SpawnOptions {
  const char* kind = "actor";  ///< its name in the inspector: a constant of the program
  logic::OnFailure on_failure = logic::OnFailure::restart;
  logic::RestartPolicy children = {};  ///< how this actor supervises its own children
  ports::Placement placement = ports::Placement::shared;
  std::size_t mailbox_max = 0;  ///< zero: the node's
};

/// An actor that other nodes may reach, with the kinds that it accepts and for the roles of each kind.
struct Service {
  Handle handle;
  std::vector<const messages::KindInfo*> kinds;
  bool offers(const messages::KindInfo* kind) const;
};

/// Returns the state that an actor shows to inspectors, or nullopt if it shows none. Sends no message. For simulations,
/// whose actors all run in one thread; do not call it within a handler.
std::optional<Envelope> state_of(const Handle& actor);

class Node {
 public:
  Node(caf::actor_system& system, ports::World world, NodeLimits limits = {});
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Starts an actor without a parent at "/" and its name. If it breaks, it ends and `on_fatal` (set before start) is
  /// called, unless its option is OnFailure::stop.
  Handle start(std::string name, Factory factory, SpawnOptions options = {});
  /// Does the same at a path of several parts.
  Handle start_at(std::string path, Factory factory, SpawnOptions options = {});
  std::function<void(const base::Error&)> on_fatal = [](const base::Error&) {};
  /// Called for every failure of an actor, on the thread that runs the actor (set before start). For the log.
  std::function<void(std::string_view path, const base::Error&)> on_failure = [](std::string_view, const base::Error&) {
  };

  /// Called for every envelope, unless it is null. Set before start; outlives every actor of the node.
  Witness* witness = nullptr;

  /// The host of the node, if it is simulated (host.hpp). Set before start; outlives every actor of the node.
  Host* host = nullptr;

  const ports::World& world() const { return world_; }
  caf::actor_system& system() { return system_; }
  const NodeLimits& limits() const { return limits_; }
  Registry& registry() { return registry_; }
  const Registry& registry() const { return registry_; }
  Handle find(std::string_view path) const { return registry_.find(path); }

  /// Makes the actor reachable from links under `path`, for these kinds of requests and tells.
  template <class... Kinds>
  void publish(std::string path, Handle handle) {
    publish(std::move(path), Service{std::move(handle), {&messages::kind_of<Kinds>()...}});
  }
  void publish(std::string path, Service service);
  /// Returns null if no service of that path is published.
  std::shared_ptr<const Service> service(std::string_view path) const;

  /// More data for inspectors, in addition to the registry.
  EndedActors& ended() { return ended_; }
  const EndedActors& ended() const { return ended_; }
  Alarms& alarms() { return alarms_; }
  const Alarms& alarms() const { return alarms_; }
  RecentPool& recent_pool() { return recent_pool_; }
  Watchers& watchers() { return watchers_; }
  Taps& taps() { return taps_; }
  /// Returns a new span for a handler of a traced message; never zero. Set `span_salt` before start, because one trace
  /// has spans of several nodes.
  std::uint32_t next_span() {
    const std::uint32_t span = span_salt + 0x9e3779b1u * spans_.fetch_add(1, std::memory_order_relaxed);
    return span == 0 ? next_span() : span;
  }
  std::uint32_t span_salt = 1;
  Rest& rest() { return rest_; }

  /// Returns the messages that had been in their handlers for long at the last scan of the threads. Empty in a
  /// simulation, where a handler takes no time.
  std::vector<LongTurn> long_turns() const;
  void set_long_turns(std::vector<LongTurn> turns);

  /// Returns a handle for the service `path` on another node; dials on first use. Null before the network exists.
  Handle remote(const base::NodeId& id, const std::string& path) const;
  /// Does the same for a contact whose id has been checked, at the address that it names. Uses datagrams if request and
  /// response fit into one, otherwise a link, which is dialled for it.
  Handle reach(const base::Contact& contact, const std::string& path) const;
  /// Does the same, only over a link: for large messages.
  Handle remote(const base::Contact& contact, const std::string& path) const;
  /// The implementations of the three functions above; set once by runtime/net, before start.
  std::function<Handle(const base::NodeId&, const std::string&)> remotes;
  std::function<Handle(const base::Contact&, const std::string&)> reaches;
  std::function<Handle(const base::Contact&, const std::string&)> remotes_at;
  /// Returns readable names of the actors on other nodes whose CAF numbers are among `numbers` (in rising order). Set
  /// once by runtime/net, before start; empty before the network exists.
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
