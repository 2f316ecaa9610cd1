#pragma once
// The network between the simulated nodes of one stage: listeners, latencies and cuts.
//
// Model   TCP as its users see it. Bytes arrive whole and in order, in pieces that the sender did not choose. Bytes
//         that a cut holds back arrive after it heals. A dial through a cut is retried until its deadline.
// Faults  cuts, clogs, narrow links and wrong bytes each affect one direction. Of overlapping faults, cuts are counted,
//         clogs add up, and the narrowest limit applies. A vanished machine sends nothing more: its peers wait, and are
//         reset once it is back. datagrams.hpp describes the faults of datagrams.
// Chance  the latency of a link is drawn once from [min, max] of Latency, pieces are drawn as they leave. Each link has
//         its own stream of chance, so that one link's traffic does not change another link's.
// Limits  kWindowBytes between a writer and a reader that does not read; further bytes stay unwritten.
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "runtime/base/endpoint.hpp"
#include "runtime/ports/network.hpp"
#include "runtime/sim/stage.hpp"

namespace troupe::sim {

class Connection;
class DatagramWays;

/// The address of a node without a port.
using Address = std::array<std::uint8_t, 16>;

/// Returns 10.0.x.y for the `number`-th node, in its mapped form.
Address address_of(std::uint16_t number);

inline constexpr std::size_t kWindowBytes = 256 * 1024;  // our choice: the initial window of a busy connection in Linux
inline constexpr std::chrono::microseconds kLoopbackTime{20};  // our choice: between two actors of one node
inline constexpr std::chrono::seconds kDialAgain{1};           // first retry of a SYN in Linux (RFC 6298 2)
inline constexpr std::uint16_t kFirstFreePort = 32'768;        // the first port that Linux gives for port 0
inline constexpr std::uint32_t kUserId = 1'000;                // the user of every process that dials a local socket

/// Faults per million datagrams that leave; datagrams.hpp describes them.
struct DatagramFaults {
  std::uint32_t loss = 0;   ///< never arrive
  std::uint32_t twice = 0;  ///< of the datagrams that are not lost: arrive twice
  std::uint32_t late = 0;   ///< of those and their copies, each independently: late by up to kLateMax
};

class Fabric : public std::enable_shared_from_this<Fabric> {
 public:
  struct Latency {
    base::Duration min = std::chrono::microseconds(200);  // one data centre
    base::Duration max = std::chrono::milliseconds(20);   // one continent
  };

  /// The stage must outlive all use of the fabric: streams of actors may keep the fabric until the stage ends.
  static std::shared_ptr<Fabric> make(Stage& stage, Latency latency);
  static std::shared_ptr<Fabric> make(Stage& stage) { return make(stage, Latency{}); }

  ~Fabric();
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;

  /// Makes `host` resolve to `address` everywhere.
  void name(std::string host, const Address& address) { names_[std::move(host)] = address; }

  /// Holds back everything that `from` sends to `to`, until heal() was called as often as cut(). Affects only that
  /// direction.
  void cut(const Address& from, const Address& to) { ++cuts_[{from, to}]; }
  void heal(const Address& from, const Address& to);
  void heal_all();
  /// Delays all traffic from one node to another by `longer` from now on; the negative value reverts that.
  void clog(const Address& from, const Address& to, base::Duration longer) { clogs_[{from, to}] += longer; }
  /// Limits the bytes per second, 1 or more, until widen() is called with the same number.
  void narrow(const Address& from, const Address& to, std::uint64_t bytes_per_second);
  void widen(const Address& from, const Address& to, std::uint64_t bytes_per_second);
  /// Changes one bit of the next piece from one node to another, and calls `hit` at that moment. A later plan for the
  /// same direction replaces this plan.
  void corrupt(const Address& from, const Address& to, std::function<void()> hit = {}) {
    corrupt_.insert_or_assign({from, to}, std::move(hit));
  }
  /// Forgets all plans of corrupt().
  void forgive() { corrupt_.clear(); }
  /// Sets the faults of datagrams that leave from now on, on all routes, in addition to the faults above.
  void datagrams(const DatagramFaults& faults);
  /// Lets a machine vanish silently, with all its sockets. Its streams get no more events.
  void vanish(const Address& node);
  /// Brings a machine back, which then resets every peer that still has an old stream open.
  void appear(const Address& node);
  /// Ends all streams between two nodes, and returns how many; both sides are notified at once.
  std::size_t reset(const Address& one, const Address& other);

  /// Ends all streams with `other` only at `node`, as if a middlebox had dropped their state, and returns how many. The
  /// other side is reset once it sends.
  std::size_t half_open(const Address& node, const Address& other);

  /// Returns the number of streams with at least one open end.
  std::size_t streams() const;

  // For the ports and streams of the nodes.

  Stage& stage() { return stage_; }
  /// Returns the same latency each time, drawn again rather than stored: a million routes would fill 70 MB.
  base::Duration latency(const Address& from, const Address& to) const;
  bool is_cut(const Address& from, const Address& to) const { return cuts_.contains({from, to}); }
  bool is_gone(const Address& node) const { return gone_.contains(node); }
  DatagramWays& datagram_ways() { return *datagram_ways_; }
  std::uint16_t free_port();
  /// Returns how long a piece that leaves now waits for earlier pieces on a narrow link.
  base::Duration backlog(const Address& from, const Address& to) const;
  /// Returns when a piece that leaves now arrives, if it takes `latency` at best; may change a bit of it.
  base::Instant depart(const Address& from, const Address& to, base::Duration latency, base::Bytes& piece);
  std::optional<Address> resolve(const std::string& host, const Address& from) const;

  /// Returns the bound address, or nullopt if it is in use. Port 0 picks a free port.
  std::optional<base::Endpoint> bind(base::Endpoint at, const runtime::Handle& owner);
  bool bind(const Address& node, const std::string& path, const runtime::Handle& owner);
  /// Does nothing if another listener has the address now: the machine had vanished with the listener of `owner`.
  void unbind(const base::Endpoint& at, const caf::actor_addr& owner);
  void unbind(const Address& node, const std::string& path, const caf::actor_addr& owner);

  struct Dial {
    Address from{};
    base::Endpoint to;
    std::string path;  ///< of a local socket, which is dialled if this is not empty
    std::uint64_t ticket = 0;
    caf::weak_actor_ptr owner;
    bool done = false;
    Stage::Appointment patience{};         ///< the event at which the dial fails
    std::shared_ptr<Connection> accepted;  ///< accepted by the other side, before the dialler knows
  };
  void dial(const std::shared_ptr<Dial>& dial, base::Duration patience);
  /// Sends the failure of a dial at once, as a message.
  void fail(const std::shared_ptr<Dial>& dial, std::string why);

 private:
  Fabric(Stage& stage, Latency latency);
  void finish(Dial& dial);
  base::Instant depart(const Address& from, const Address& to);
  void knock(const std::shared_ptr<Dial>& dial);
  void answer(const std::shared_ptr<Dial>& dial);
  const caf::weak_actor_ptr* listener(const Dial& dial) const;
  void for_each(const std::function<bool(const Connection&)>& which, const std::function<void(Connection&)>& action);
  void for_each_at(const Address& node, const std::function<void(Connection&)>& action);
  void for_each_between(const Address& one, const Address& other, const std::function<void(Connection&)>& action);

  Stage& stage_;
  Latency latency_;
  std::map<std::string, Address> names_;
  using AddressPair = std::pair<Address, Address>;
  struct Narrow {
    std::multiset<std::uint64_t> bytes_per_second;  // never empty
    base::Instant free_at;
  };
  std::map<AddressPair, unsigned> cuts_;
  std::map<AddressPair, base::Duration> clogs_;
  std::map<AddressPair, Narrow> narrow_;
  std::map<AddressPair, std::function<void()>> corrupt_;  // the next piece, and the function to call
  std::set<Address> gone_;
  std::map<base::Endpoint, caf::weak_actor_ptr> listeners_;
  std::map<std::pair<Address, std::string>, caf::weak_actor_ptr> local_listeners_;
  std::vector<std::weak_ptr<Connection>> connections_;  // in the order of creation
  std::vector<std::weak_ptr<Dial>> dials_;              // in the order of creation
  std::uint16_t port_next_ = kFirstFreePort;
  std::unique_ptr<DatagramWays> datagram_ways_;
};

}  // namespace troupe::sim
