#pragma once
// Specs of domains, and the operators' requests to the root actor at the path kPath: GetStatus, SetLogLevel.
//
// To add a domain: apps/manual/new-domain.md.
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/node.capnp.h"
#include "runtime/actor/actor.hpp"
#include "runtime/actor/links.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/observe/counter_table.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::crypto {
class Identity;
}
namespace troupe::net {
class Datagrams;
class Pool;
}  // namespace troupe::net
namespace troupe::sim {
struct WorkloadSpec;
}

namespace troupe::node {

inline constexpr const char* kPath = "/node";
inline constexpr const char* kNotesPath = "/audit";  ///< takes Note

/// The address at which the node serves: set by `/links`, read everywhere. Safe from any thread.
class Serving {
 public:
  void set(const base::Endpoint& at) {
    const std::lock_guard hold(lock_);
    at_ = at;
  }
  std::optional<base::Endpoint> at() const {
    const std::lock_guard hold(lock_);
    return at_;
  }
  /// Returns "HOST:PORT", empty before the node listens.
  std::string text() const {
    const auto where = at();
    return where ? where->text() : std::string();
  }

 private:
  mutable std::mutex lock_;
  std::optional<base::Endpoint> at_;
};

inline constexpr std::size_t kNoteBytesMax = 512;  // of each text

/// Fills a note for kNotesPath; texts that are too long are cut.
inline void fill(wire::Note::Builder out, std::string_view who, std::string_view act, std::string_view what,
                 std::string_view outcome) {
  out.setWho(std::string(who.substr(0, kNoteBytesMax)));
  out.setAct(std::string(act.substr(0, kNoteBytesMax)));
  out.setWhat(std::string(what.substr(0, kNoteBytesMax)));
  out.setOutcome(std::string(outcome.substr(0, kNoteBytesMax)));
}

/// A process's use of its machine; zero where the kernel does not report it.
struct ProcessUsage {
  base::Duration cpu{0};  ///< of all threads, since the start
  std::uint64_t resident_bytes = 0, descriptors_open = 0, descriptors_max = 0;
};

/// What a node passes to each of its domains.
struct DomainParts {
  const config::Settings& settings;  ///< of the whole node; read only during make()
  std::shared_ptr<runtime::Links> links;
  std::shared_ptr<const crypto::Identity> identity;
  unsigned work_bits = 0;                     ///< zero bits that a node id must show
  std::shared_ptr<net::Pool> pool;            ///< for the links and datagrams that the host adds
  std::shared_ptr<net::Datagrams> datagrams;  ///< for the links and datagrams that the host adds
  std::shared_ptr<Serving> serving;
  std::optional<base::Endpoint> advertise{};  ///< the advertised address; nullopt: where it serves
  observe::Health* health = nullptr;          ///< outlives the node
  observe::Log* log = nullptr;                ///< outlives the node; a domain has domain_log
  observe::DomainLog domain_log{};            ///< for the domain that is made
  /// Reports that the node cannot listen at its address; before it has served; any thread.
  std::function<void(const base::Error&)> cannot_listen{};
  /// Returns a small file of the data directory, as it was at the start; empty in a simulation without one.
  std::function<std::optional<base::Bytes>(std::string_view name)> kept{};
  /// Returns this process's use of the machine; any thread; empty in a simulation.
  std::function<ProcessUsage()> process_usage{};
  bool each_node_alone = false;  ///< each node counts as its own address group: its address does not show its operator

  /// Returns the advertised address of this node. For a domain's factory: a port that the system picked is known only
  /// then.
  std::function<base::Endpoint()> own_endpoint() const {
    return [serving = serving, told = advertise.value_or(base::Endpoint{})] {
      return told.port != 0 ? told : serving->at().value_or(base::Endpoint{});
    };
  }
};

/// A domain of one node: its head actor, at "/" and the name of the spec, and its counters.
struct Domain {
  std::string name;
  runtime::Factory factory;
  runtime::SpawnOptions options = {};
  /// Read from any thread, also after the node has ended; empty: no counters.
  std::function<observe::CounterTable()> counters{};
  /// Receives settings that changed while the node runs, in the main thread; empty: none of its settings may change.
  std::function<void(const config::Settings&)> reloaded{};
};

/// The program's description of a domain. Its texts outlive the process's main().
struct DomainSpec {
  std::string_view name;  ///< for the path of its head and for its log
  /// A key that belongs to another domain breaks an invariant when the process starts.
  std::span<const config::Setting> settings{};
  bool logs = false;                                 ///< `troupe log LEVEL NAME` sets a level for it
  std::span<const std::string_view> health{};        ///< sources under which its actors raise reasons
  Domain (*make)(const DomainParts&) = nullptr;      ///< null: the root itself, which the host makes
  const sim::WorkloadSpec& (*workload)() = nullptr;  ///< the operations of `troupe sim NAME`; null: none
};

}  // namespace troupe::node
