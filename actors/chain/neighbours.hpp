#pragma once
// The neighbours of `/chain`: linked peers that have the same chain. Also limits the rate of other nodes' requests, and
// reports malicious nodes.
//
// Places  each validator has a reserved slot; at most kMax other nodes share the other slots (logic/places.hpp).
// Conduct misses are remembered after a node's link ends (logic/departed.hpp).
// Served  kServed for the requests of all other nodes together, with quotas per node and address group.
// Lies    messages that no honest node sends are reported to `/peers`, which bans their senders.
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

inline constexpr std::size_t kAskedAtOnceMax = 4;  // our choice: one silent node does not delay the others
inline constexpr std::size_t kPieceBytes = 64 * 1024;

/// The part of a neighbour's record that a new link does not reset.
struct Conduct {
  static constexpr base::Rate kUngiven{200, 2'000};  // our choice: per neighbour

  base::Instant compare_due{}, forks_due{};                                       // earliest times of the next requests
  PeerScore blocks{}, commits{}, forks{};                                         // one score for each kind of request
  base::Instant mended{};                                                         // when it was last sent missing votes
  base::RateLimit ungiven{kUngiven.per_second, kUngiven.burst, base::Instant{}};  // ids announced but not delivered
};

struct Neighbour : Conduct {
  runtime::Handle handle;
  base::Digest link;  // its token
  base::AddressGroup group{};
  bool dialled = false;  // this node opened the connection
  Height height;
  std::set<TxId> told;  // ids announced to or by this neighbour in the current height
  ToAsk to_ask;
  /// Position in the pool from which the ids that were waiting when this neighbour linked are sent next.
  std::optional<Mempool::Cursor> pool_from;
  Fork fork{};
  Height head_height{};  // as last announced
  BlockId head{};
};

class Neighbours final : public runtime::Part {
 public:
  static constexpr std::size_t kMax = 50;       // without the validators; more would need a mesh
  static constexpr std::size_t kRelaysMax = 6;  // our choice: random nodes to which messages are forwarded
  /// Limit for all other nodes together, in pieces of kPieceBytes per second: 50 MiB/s, with bursts of 100 MiB.
  static constexpr base::Rate kServed{800, 1'600};

  struct Greet {};
  using HeadHeard = std::function<void(const base::NodeId&, wire::ChainHead::Reader)>;

  /// `heard`: called with the head of a node that may become a neighbour.
  Neighbours(runtime::Actor& owner, LocalChain& chain, HeadHeard heard)
      : Part(owner), chain_(chain), heard_(std::move(heard)) {}

  std::map<base::NodeId, Neighbour>& all() { return all_; }
  const std::map<base::NodeId, Neighbour>& all() const { return all_; }
  /// Returns null if it is not a neighbour.
  Neighbour* find(const base::NodeId& id);
  /// Returns a handle for requests to a node, which need not be a neighbour. A received notice carries no such handle.
  runtime::Handle at(const base::NodeId& id) const;

  /// Periodically asks linked nodes for their heads.
  void greet();
  enum class Came : std::uint8_t {
    no_place,
    first,  ///< it is now a neighbour
    again,
  };
  Came hear(const base::NodeId& id, wire::ChainHead::Reader head);

  void write_head(wire::ChainHead::Builder out) const;
  void tell_head();
  template <class Message, class Fill>
  void tell_all(const std::optional<base::NodeId>& except, Fill&& fill) {
    if (!all_.empty()) send_all(except, runtime::Envelope::build<Message>({.trace = trace()}, fill));  // once
  }

  /// Returns null unless the node is a neighbour, or was one recently.
  Conduct* conduct(const base::NodeId& id);
  /// Returns the neighbours, those with the fewest misses first.
  std::vector<base::NodeId> by_rank(PeerScore Conduct::*with) const;
  /// Whether the error says little about the node: its link is gone, or the node is busy.
  static bool says_little(base::Code why);
  /// Records that the node did not deliver what it was asked for.
  void missed(const base::NodeId& id, PeerScore Conduct::*with, base::Code why);
  /// Records that the node did not deliver the blocks that it had announced. Until it may be asked again, it counts as
  /// being at this node's height, whatever it announces.
  void distrust(const base::NodeId& id);

  /// Takes `pieces` from the rate limit, or returns how long the caller must wait.
  std::optional<base::Duration> too_much(std::uint32_t pieces);
  /// Refuses the request if the limit is exceeded.
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

  /// Decides whether to check the signatures of a transaction.
  using MayCheck = std::function<bool(const TxId&, const SignedTransaction&)>;
  /// Returns the transactions that a neighbour sent, verified. Checks each id once, because a check may need many
  /// signatures, and stops after a protocol violation.
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
