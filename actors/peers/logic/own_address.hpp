#pragma once
// At which address the others see this node, if it listens at all of its addresses and nobody told it which counts.
//
// Voices  each linked peer says at which address it sees us: where our link comes from, or where it dialled us. What it
//         says counts only within its own scope: a public address is seen from public ones, a private one from the same
//         kind of network, a loopback one from this machine.
// Rule    an address is taken once peers of kVoicesMin groups name it, and more than name any other of its family and
//         scope. The widest scope goes first; what was taken stays while that is so. So a single voice moves nothing,
//         nor do many of one operator.
// Groups  what one operator usually holds (contact.hpp). Private and loopback addresses are as many groups as hosts and
//         ports: who can speak from there is at home.
// Limits  a voice a link.
// Source  the same idea in the libp2p specification, "AutoNAT" and "identify": observed addresses.
// Owner   the actor `peers`; not thread-safe. Reads no clock and sends nothing.
#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "actors/peers/logic/contact.hpp"

namespace troupe::peers {

inline constexpr std::size_t kVoicesMin =
    2;  // issue 5, part 1: our choice of two or three, for networks of three nodes

class OwnAddress {
 public:
  using Address = std::array<std::uint8_t, 16>;

  /// `listening` is what this node listens at: one that is not unspecified needs no voices, and heeds none.
  explicit OwnAddress(const base::Endpoint& listening);

  /// A peer, linked from or at `remote`, sees us at `seen`. Returns whether at() is another now.
  bool said(const base::NodeId& peer, const base::Endpoint& remote, const Address& seen);
  /// The link to that peer has ended. What is agreed stays.
  void forget(const base::NodeId& peer) { voices_.erase(peer); }

  /// Where others can dial us: the address agreed on with our own port, or what we listen at if that is one address.
  /// Not dialable: it is not known, or we do not listen.
  base::Endpoint at() const;

 private:
  struct Voice {
    base::Endpoint group;
    Address address;
  };
  bool settle();

  base::Endpoint listening_;
  bool open_;  // it is for others to say
  std::map<base::NodeId, Voice> voices_;
  std::optional<Address> agreed_;
};

}  // namespace troupe::peers
