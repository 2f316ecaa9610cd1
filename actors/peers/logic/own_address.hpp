#pragma once
// The address at which other nodes see this node, if it listens at all addresses and none is configured.
//
// Voices  each linked peer says at which address it sees this node. A voice counts only within its own scope: public,
//         private or loopback.
// Rule    an address is accepted once peers of kVoicesMin groups name it, and more groups than any other address of its
//         family and scope. The widest scope is preferred.
// Choice  an attacker controls how many nodes dial this node. So once kVoicesMin groups of peers that this node chose
//         to dial agree on an address, only peers that it chose can change the address, even after the first are gone.
// Groups  ranges that one operator usually has (contact.hpp), so that many voices of one operator change nothing.
// Source  libp2p specification, "AutoNAT" and "identify": observed addresses. README.md, "The own address".
// Limits  one voice per link.
// Owner   the actor `peers`; not thread-safe. Reads no clock and sends nothing.
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "actors/peers/logic/contact.hpp"

namespace troupe::peers {

inline constexpr std::size_t kVoicesMin =
    2;  // issue 5, part 1: two or three; our choice, so that networks of three nodes work

/// Which side chose to create the link of a voice.
enum class Choice : std::uint8_t { ours, theirs };

class OwnAddress {
 public:
  using Address = std::array<std::uint8_t, 16>;

  /// `listening` is the address at which this node listens. Unless it is unspecified, voices are ignored.
  explicit OwnAddress(const base::Endpoint& listening);

  /// Notes that `peer`, linked from or at `remote`, sees this node at `seen`. Returns whether at() has changed.
  bool said(const base::NodeId& peer, const base::Endpoint& remote, const Address& seen, Choice choice);
  /// Forgets a peer whose link has ended. The agreed address stays.
  void forget(const base::NodeId& peer) { fewer_ = voices_.erase(peer) > 0 || fewer_; }

  /// Returns where other nodes can dial this node: the agreed address with our port, or the address at which it
  /// listens. Not dialable: the address is unknown, or this node does not listen.
  base::Endpoint at() const;
  /// Returns whether peers have yet to agree on the address.
  bool unknown() const { return open_ && !agreed_; }

 private:
  struct Voice {
    base::Endpoint group;
    Address address;
    Choice choice;
    friend bool operator==(const Voice&, const Voice&) = default;
  };
  /// How many groups name an address.
  struct Named {
    std::set<base::Endpoint> all{};
    std::set<base::Endpoint> chosen{};  ///< groups of peers that this node chose
    bool settled() const { return chosen.size() >= kVoicesMin; }
    /// Returns the sort key, whose first number decides.
    std::pair<std::size_t, std::size_t> weight() const {
      return settled() ? std::pair(chosen.size(), std::size_t{0}) : std::pair(std::size_t{0}, all.size());
    }
  };
  bool settle();

  base::Endpoint listening_;
  bool open_;  // the address is decided by voices
  std::map<base::NodeId, Voice> voices_;
  bool fewer_ = false;  // voices have been removed since the last count
  std::optional<Address> agreed_;
  bool by_chosen_ = false;  // agreed on by peers that this node chose, even if they are gone
};

}  // namespace troupe::peers
