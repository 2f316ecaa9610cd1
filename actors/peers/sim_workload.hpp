#pragma once
// The domain `peers` in one simulation run: operators connect, drop and list; the network must become connected again.
//
// Breaks  strangers   a list or an answer names an id that no machine ever had, or the node itself
//         answered    an operator asked for one id and was linked to another
//         held-off    a peer that an operator dropped is linked within ten minutes
//         remembered  a peer whose row was saved is no longer known
//         honest      a peer is banned although no node lies
//         book        more peers are known than the setting allows
// Whole   each node has healthy links to as many nodes as it wants links, or to all; the network is connected.
// Lost    a node that lost its rows has forgotten which peers it knew.
// Owner   one run.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/peers/logic/decisions.hpp"
#include "messages/peers.capnp.h"
#include "runtime/sim/clients.hpp"

namespace troupe::peers {

inline constexpr std::chrono::seconds kSimAnswer{30};      // our choice: longer than a dial
inline constexpr std::chrono::minutes kSimHoldOff{9};      // our choice: kHoldOff by the slowest clock
inline constexpr std::chrono::hours kSimMemory{23};        // our choice: below kSilenceMax by the fastest clock
inline constexpr std::size_t kSimRowsALook = 64;           // our choice: runs of the tests have fewer rows
inline constexpr std::chrono::minutes kSimShortWorld{10};  // our choice: in longer runs some nodes wait for kRetryMax

class PeersWorkload final : public sim::Workload, private sim::Clients<sim::Client> {
 public:
  PeersWorkload(sim::Nodes& nodes, const sim::Scenario& scenario);

  void perform(const sim::Operation& operation) override;
  void died(std::size_t node) override;
  void handled(std::size_t node, std::string_view path, const runtime::Actor& actor) override;
  void probe() override;
  std::vector<std::string> waits() const override;

 private:
  struct SeenPeer {
    base::NodeId id;
    std::string address;
    wire::PeerState state = wire::PeerState::KNOWN;
    bool linked() const {
      return state == wire::PeerState::LINKED || state == wire::PeerState::HEALTHY ||
             state == wire::PeerState::UNHEALTHY;
    }
  };
  using SeenPeers = std::vector<SeenPeer>;
  struct Drop {
    base::NodeId by;
    base::NodeId peer;
    base::Duration at{};
  };
  /// What one incarnation of `/peers` has shown.
  struct Memory {
    bool loading = true;
    bool saved = false;
    std::size_t unseen = 0;  // how often its rows may settle before the next check
  };

  /// Starts a client whose success counts as progress of the run.
  sim::Client& begin_counted(std::size_t node, std::string what);
  /// Lists a node's peers. `then` gets null if there was no answer.
  void list(sim::Client& client, std::function<void(const SeenPeers*)> then);
  void connect(std::size_t node, std::size_t to, bool pinned, const SeenPeers& rows);
  void drop(std::size_t node, std::size_t to);
  void check_list(std::size_t node, base::Duration asked_at, const SeenPeers& rows);
  std::string name_of(const base::NodeId& id) const;
  std::set<std::size_t> healthy(std::size_t node) const;
  bool held_off(std::size_t one, std::size_t other) const;
  std::vector<std::string> parts() const;

  const bool all_honest_;  // no other domain's workload, in which a node may lie
  const base::Duration time_;
  const std::size_t links_target_;
  const std::size_t known_max_;
  std::set<std::uint16_t> breaking_;  // nodes whose actors a fault breaks: data that is only in memory may be lost
  std::vector<Drop> drops_;
  std::map<std::size_t, Memory> memories_;
  std::map<base::NodeId, std::vector<base::NodeId>> saved_;  // proven peers whose rows a node has on its disk, by id
  std::map<std::size_t, SeenPeers> seen_;                    // by the last answered probe
  std::set<std::size_t> probing_;
};

}  // namespace troupe::peers
