#pragma once
// The domain `peers` in one world: people connect, drop and list, and the network must become whole again.
//
// Breaks  strangers   a list or an answer names an id that no machine ever had, or the node itself
//         answered    a person asked for one id and was linked to another
//         held-off    a peer that a person dropped is linked within ten minutes
//         remembered  a peer whose row was saved is not known any more
//         honest      a peer is banned where no node lies
//         book        more peers are known than the setting allows
// Whole   each node has healthy links to as many others as it wants links, or to all; all of them hang together.
// Lost    a node that lost its rows has forgotten which peers it knew.
// Owner   one world.
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
inline constexpr std::size_t kSimRowsALook = 64;           // our choice: worlds of the tests have fewer
inline constexpr std::chrono::minutes kSimShortWorld{10};  // our choice: in longer ones some wait for kRetryMax

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
  /// What one life of `/peers` has shown.
  struct Memory {
    bool loading = true;
    bool saved = false;
    std::size_t unseen = 0;  // how often its rows may come to rest before they are looked at again
  };

  /// A client whose success is acknowledged to the world.
  sim::Client& begin_counted(std::size_t node, std::string what);
  /// `then` gets null if there was no answer.
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
  std::set<std::uint16_t> breaking_;  // nodes whose actors a fault breaks: what is only in memory may go
  std::vector<Drop> drops_;
  std::map<std::size_t, Memory> memories_;
  std::map<base::NodeId, std::vector<base::NodeId>> saved_;  // proven peers whose rows a node has on its disk, by id
  std::map<std::size_t, SeenPeers> seen_;                    // by the last probe that was answered
  std::set<std::size_t> probing_;
};

}  // namespace troupe::peers
