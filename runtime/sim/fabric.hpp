#pragma once
// The network between the simulated nodes of one stage: who listens where, how long a byte travels, what is cut.
//
// Model   TCP as its users see it. Bytes arrive whole and in order, in pieces that the sender did not choose; what a
//         cut holds back arrives after it heals. A dial through a cut is tried again until its deadline.
// Faults  cuts, clogs, narrow links and wrong bytes each concern one direction. Of those that overlap cuts are counted,
//         clogs add up, and the narrowest counts. A machine that vanishes says nothing more: who sends to it waits, and
//         is reset once it is back. What becomes of datagrams says datagrams.hpp.
// Chance  latency of a link is drawn once from [latency_min, latency_max], and pieces are drawn as they leave, from
//         streams named by the link, so that one link's traffic does not change another's.
// Limits  kWindowBytes between a writer and a reader that does not read; the rest stays unwritten.
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

/// 10.0.x.y for the `number`-th node, in its mapped form.
Address address_of(std::uint16_t number);

inline constexpr std::size_t kWindowBytes = 256 * 1024;  // our choice: what Linux grants a busy connection at first
inline constexpr std::chrono::microseconds kLoopbackTime{20};  // our choice: between two actors of one node
inline constexpr std::chrono::seconds kDialAgain{1};           // first retry of a SYN in Linux (RFC 6298 2)
inline constexpr std::uint16_t kFirstFreePort = 32'768;        // what Linux gives for port 0 starts here
inline constexpr std::uint32_t kUserId = 1'000;                // of all that dial a local socket

/// How many of a million datagrams that leave meet with what; datagrams.hpp says how.
struct DatagramFaults {
  std::uint32_t loss = 0;   ///< never arrive
  std::uint32_t twice = 0;  ///< of the others: arrive twice
  std::uint32_t late = 0;   ///< of those and their doubles, each by itself: later by up to kLateMax
};

class Fabric : public std::enable_shared_from_this<Fabric> {
 public:
  struct Latency {
    base::Duration min = std::chrono::microseconds(200);  // one data centre
    base::Duration max = std::chrono::milliseconds(20);   // one continent
  };

  /// The stage outlives the fabric's use: streams of actors may keep the fabric until the stage ends.
  static std::shared_ptr<Fabric> make(Stage& stage, Latency latency);
  static std::shared_ptr<Fabric> make(Stage& stage) { return make(stage, Latency{}); }

  ~Fabric();
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;

  /// Makes `host` resolve to `address` everywhere.
  void name(std::string host, const Address& address) { names_[std::move(host)] = address; }

  /// Holds back everything from one node to another until heal() was called as often. The other direction is its own.
  void cut(const Address& from, const Address& to) { ++cuts_[{from, to}]; }
  void heal(const Address& from, const Address& to);
  void heal_all();
  /// What leaves one node for another from now on travels `longer`; a negative one takes that back.
  void clog(const Address& from, const Address& to, base::Duration longer) { clogs_[{from, to}] += longer; }
  /// Lets at most that many bytes a second through, 1 or more, until widen() was called with the same number.
  void narrow(const Address& from, const Address& to, std::uint64_t bytes_per_second);
  void widen(const Address& from, const Address& to, std::uint64_t bytes_per_second);
  /// Changes one bit of the next piece that leaves one node for another, and calls `hit` as it does. A later plan for
  /// the same way takes its place.
  void corrupt(const Address& from, const Address& to, std::function<void()> hit = {}) {
    corrupt_.insert_or_assign({from, to}, std::move(hit));
  }
  /// Forgets all plans of corrupt().
  void forgive() { corrupt_.clear(); }
  /// What befalls datagrams that leave from now on, on all ways and beside the above.
  void datagrams(const DatagramFaults& faults);
  /// The machine is gone without a word, with all that it had bound. Its streams hear nothing more.
  void vanish(const Address& node);
  /// It is back, and resets every peer that still believes in a stream of before.
  void appear(const Address& node);
  /// Ends all streams between two nodes, and says how many; both sides learn it at once.
  std::size_t reset(const Address& one, const Address& other);

  /// Ends all streams with `other` at `node` alone, as when something between them has forgotten them, and says how
  /// many. The other side is reset once it sends.
  std::size_t half_open(const Address& node, const Address& other);

  /// Streams of which at least one end is open.
  std::size_t streams() const;

  // What the ports and streams of the nodes use.

  Stage& stage() { return stage_; }
  /// The same each time: it is drawn again rather than kept, for a million ways would fill 70 MB.
  base::Duration latency(const Address& from, const Address& to) const;
  bool is_cut(const Address& from, const Address& to) const { return cuts_.contains({from, to}); }
  bool is_gone(const Address& node) const { return gone_.contains(node); }
  DatagramWays& datagram_ways() { return *datagram_ways_; }
  std::uint16_t free_port();
  /// How long what leaves now waits for those before it on a narrow way.
  base::Duration backlog(const Address& from, const Address& to) const;
  /// When a piece that leaves now on that way, which takes `latency` at best, arrives, and what it is by then.
  base::Instant depart(const Address& from, const Address& to, base::Duration latency, base::Bytes& piece);
  std::optional<Address> resolve(const std::string& host, const Address& from) const;

  /// The place that was bound; nothing if it is taken. Port 0 picks a free one.
  std::optional<base::Endpoint> bind(base::Endpoint at, const runtime::Handle& owner);
  bool bind(const Address& node, const std::string& path, const runtime::Handle& owner);
  /// Nothing happens if another listener is there by now: its machine had vanished with the place.
  void unbind(const base::Endpoint& at, const caf::actor_addr& owner);
  void unbind(const Address& node, const std::string& path, const caf::actor_addr& owner);

  struct Dial {
    Address from{};
    base::Endpoint to;
    std::string path;  ///< of a local socket, which is then dialled instead
    std::uint64_t ticket = 0;
    caf::weak_actor_ptr owner;
    bool done = false;
    Stage::Appointment patience{};         ///< when it fails
    std::shared_ptr<Connection> accepted;  ///< by the other side, not yet known to the dialler
  };
  void dial(const std::shared_ptr<Dial>& dial, base::Duration patience);
  /// Answers at once, by a message.
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
  std::map<AddressPair, std::function<void()>> corrupt_;  // the next piece, and who hears of it
  std::set<Address> gone_;
  std::map<base::Endpoint, caf::weak_actor_ptr> listeners_;
  std::map<std::pair<Address, std::string>, caf::weak_actor_ptr> local_listeners_;
  std::vector<std::weak_ptr<Connection>> connections_;  // in the order of their making
  std::vector<std::weak_ptr<Dial>> dials_;              // likewise
  std::uint16_t port_next_ = kFirstFreePort;
  std::unique_ptr<DatagramWays> datagram_ways_;
};

}  // namespace troupe::sim
