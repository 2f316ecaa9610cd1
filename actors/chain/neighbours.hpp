#pragma once
// The neighbours of `/chain`, which are linked peers that have the same chain; what other nodes may ask of this node; and
// reports of nodes that lie.
//
// Places  each validator has a place; at most kMax other nodes share the rest (logic/places.hpp).
// Conduct what a node missed outlives its link (logic/departed.hpp).
// Served  kServed for all that other nodes ask, shared by node and site.
// Lies    what no honest node sends is reported to `/peers`, which bans.
#include <functional>
#include <map>
#include <set>

#include "actors/chain/local_chain.hpp"
#include "actors/chain/logic/departed.hpp"
#include "actors/chain/logic/peer_score.hpp"
#include "actors/chain/logic/places.hpp"
#include "actors/chain/logic/to_ask.hpp"
#include "messages/chain.capnp.h"
#include "runtime/base/rate_budget.hpp"
#include "runtime/base/rate_limit.hpp"
#include "runtime/net/misbehaved.hpp"

namespace troupe::chain {

inline constexpr std::size_t kAskedAtOnceMax = 4;  // our choice: a silent node holds up no other node
inline constexpr std::size_t kPieceBytes = 64 * 1024;

/// What a new link does not change.
struct Conduct {
  static constexpr base::Rate kUngiven{200, 2'000};  // our choice: of one neighbour

  base::Instant compare_due{}, forks_due{};                                       // not before
  PeerScore blocks{}, commits{}, forks{};                                         // with what it was asked for
  base::Instant mended{};                                                         // when it was last sent what it lacks
  base::RateLimit ungiven{kUngiven.per_second, kUngiven.burst, base::Instant{}};  // ids that it told and did not give
};

struct Neighbour : Conduct {
  runtime::Handle handle;
  base::Digest link;  // its token
  base::AddressGroup group{};
  bool dialled = false;  // by this node
  Height height;
  std::set<TxId> told;  // this height's, by us or by it
  ToAsk to_ask;
  /// From where in the pool it gets the ids of what waited here when it came.
  std::optional<Mempool::Cursor> pool_from;
  Fork fork{};
  Height head_height{};  // as it told last
  BlockId head{};
};

class Neighbours final : public runtime::Part {
 public:
  static constexpr std::size_t kMax = 50;       // without the validators; more need a mesh
  static constexpr std::size_t kRelaysMax = 6;  // our choice: nodes at random that get what another node made
  /// What all other nodes are given a second, in pieces of kPieceBytes: 50 MiB, and twice that in a burst.
  static constexpr base::Rate kServed{800, 1'600};

  struct Greet {};
  using HeadHeard = std::function<void(const base::NodeId&, wire::ChainHead::Reader)>;

  /// `heard`: what a node answers that may become a neighbour.
  Neighbours(runtime::Actor& owner, LocalChain& chain, HeadHeard heard)
      : Part(owner), chain_(chain), heard_(std::move(heard)) {}

  std::map<base::NodeId, Neighbour>& all() { return all_; }
  const std::map<base::NodeId, Neighbour>& all() const { return all_; }
  /// Null if it is not a neighbour.
  Neighbour* find(const base::NodeId& id);
  /// Where it is asked: a notice names no sender.
  runtime::Handle at(const base::NodeId& id) const;

  /// Asks linked nodes for their heads, again and again.
  void greet();
  enum class Came : std::uint8_t {
    no_place,
    first,  ///< it is a neighbour from now on
    again,
  };
  Came hear(const base::NodeId& id, wire::ChainHead::Reader head);

  void write_head(wire::ChainHead::Builder out) const;
  void tell_head();
  template <class Message, class Fill>
  void tell_all(const std::optional<base::NodeId>& except, Fill&& fill) {
    if (!all_.empty()) send_all(except, runtime::Envelope::build<Message>({.trace = trace()}, fill));  // once
  }

  /// Null if it neither is a neighbour nor was one lately.
  Conduct* conduct(const base::NodeId& id);
  /// Those first that have missed least.
  std::vector<base::NodeId> by_rank(PeerScore Conduct::*with) const;
  /// A link that is gone, or a node that does much, says little of what it told.
  static bool says_little(base::Code why);
  /// It did not give what it was asked for.
  void missed(const base::NodeId& id, PeerScore Conduct::*with, base::Code why);
  /// It has not given the blocks that it had promised: it counts as no further than this node, and is not believed for a
  /// while.
  void distrust(const base::NodeId& id);

  /// Takes `pieces` of what this node does for other nodes; otherwise how long the caller waits.
  std::optional<base::Duration> too_much(std::uint32_t pieces);
  /// The question is refused then.
  template <class A>
  bool refuse_much(std::uint32_t pieces, runtime::Reply<A>& reply) {
    const auto wait = too_much(pieces);
    if (wait) reply.refuse(busy(*wait));
    return wait.has_value();
  }
  bool heeds_caller();
  bool told_ours(capnp::Data::Reader chain);
  void accuse(const base::NodeId& id, net::wire::Violation how, std::string_view what);
  void accuse_caller(net::wire::Violation how, std::string_view what);

  /// Whether the signatures of a transaction are checked.
  using MayCheck = std::function<bool(const TxId&, const SignedTransaction&)>;
  /// Returns the approved transactions that a neighbour has sent for ids. Checks each id once, because an approval may
  /// take many signatures, and no more after a lie.
  std::vector<Approved> read_given(const base::NodeId& from, wire::Transactions::Reader answer,
                                   const std::set<TxId>& asked, const MayCheck& may = {});

 private:
  std::map<base::NodeId, runtime::LinkInfo> links() const;
  std::vector<Placed> placed() const;
  std::optional<base::NodeId> place_of(const runtime::LinkInfo& link, const std::vector<Placed>& others) const;
  void leave(const base::NodeId& id);
  void send_all(const std::optional<base::NodeId>& except, const runtime::Envelope& told);
  bool forged(const SignedTransaction& transaction) const;
  static base::Error busy(base::Duration wait);

  LocalChain& chain_;
  const HeadHeard heard_;
  std::map<base::NodeId, Neighbour> all_;
  Departed<Conduct> departed_;
  std::set<base::NodeId> greeting_, strangers_;
  base::RateBudget<base::NodeId> served_{kServed, base::Instant{}};
};

}  // namespace troupe::chain
