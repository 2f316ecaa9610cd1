// What other nodes may ask of this one, who may be a neighbour, and what becomes of those who lie.
#include <algorithm>

#include "actors/chain/chain_actor.hpp"
#include "messages/words.hpp"
#include "runtime/actor/user.hpp"

namespace troupe::chain {
namespace {

using base::Code;
using base::Error;

constexpr std::chrono::seconds kServedWaitMax{5};  // our choice: a node asks again by itself

}  // namespace

// -- how much

/// Takes `pieces` of what this node does for others. Else how long the caller waits.
std::optional<base::Duration> ChainActor::too_much(std::uint32_t pieces) {
  auto user = runtime::user_of(caller());
  if (user.reserved) return std::nullopt;
  user.reserved = chain_.is_validator(user.id);
  const auto wait = served_.take(user, now(), pieces);
  if (wait) ++chain_.settings.counters->refused;
  return wait;
}

/// The question is refused then.
template <class A>
bool ChainActor::refuse_much(std::uint32_t pieces, runtime::Reply<A>& reply) {
  const auto wait = too_much(pieces);
  if (!wait) return false;
  reply.refuse({Code::overloaded, "this node gives others no more of its chain at a time",
                std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kServedWaitMax))});
  return true;
}
template bool ChainActor::refuse_much(std::uint32_t, runtime::Reply<wire::FinalBlocks>&);
template bool ChainActor::refuse_much(std::uint32_t, runtime::Reply<wire::Transactions>&);
template bool ChainActor::refuse_much(std::uint32_t, runtime::Reply<wire::PushProposal>&);
template bool ChainActor::refuse_much(std::uint32_t, runtime::Reply<wire::LatestVote>&);
template bool ChainActor::refuse_much(std::uint32_t, runtime::Reply<wire::Forks>&);
template bool ChainActor::refuse_much(std::uint32_t, runtime::Reply<wire::TreeRow>&);

// -- who

/// Those that share the places beside the validators.
std::vector<Placed> ChainActor::placed() const {
  std::vector<Placed> out;
  for (const auto& [id, one] : neighbours_)
    if (!chain_.is_validator(id)) out.push_back({id, one.group, one.dialled});
  return out;
}

/// Whose place it takes: its own id if one is free; nothing: there is none for it. A validator always has one: others
/// could keep it away otherwise, and one that has a place at no other hears nothing.
std::optional<base::NodeId> ChainActor::place_of(const runtime::LinkInfo& link,
                                                 const std::vector<Placed>& others) const {
  if (chain_.is_validator(link.node)) return link.node;
  return place_for({link.node, base::group_of(link.contact.endpoint), link.outbound}, others, kNeighboursMax);
}

void ChainActor::leave(const base::NodeId& id) {
  const auto gone = neighbours_.extract(id);
  if (!gone.empty()) departed_.left(id, gone.mapped(), now());
}

ChainActor::Conduct* ChainActor::conduct(const base::NodeId& id) {
  if (const auto at = neighbours_.find(id); at != neighbours_.end()) return &at->second;
  return departed_.find(id);
}

/// It has not given the blocks that it told of: it counts as no further than this node, and is not believed for a
/// while.
void ChainActor::distrust(const base::NodeId& id) {
  if (const auto at = neighbours_.find(id); at != neighbours_.end()) at->second.height = chain_.ledger.head().height;
  missed(id, &Conduct::blocks, Code::timeout);
}

std::vector<base::NodeId> ChainActor::by_rank(Patience Conduct::*with) const {
  std::vector<base::NodeId> out;
  for (const auto& [id, one] : neighbours_) out.push_back(id);
  std::ranges::stable_sort(out, {}, [&](const base::NodeId& id) { return (neighbours_.at(id).*with).rank(); });
  return out;
}

/// A link that is gone, or a node that does much, says little of what it told.
bool ChainActor::says_little(Code why) {
  return why == Code::overloaded || why == Code::unavailable || why == Code::dropped;
}

void ChainActor::missed(const base::NodeId& id, Patience Conduct::*with, Code why) {
  Conduct* const known = conduct(id);
  if (known == nullptr) return;
  if (says_little(why)) (known->*with).busy(now());
  else (known->*with).missed(now());
}

/// Whether this node is about to get blocks. Who promises them and does not give them holds up nothing for long.
bool ChainActor::catching_up() const { return !synced_.empty() || now() < blocks_awaited_to_; }

// -- who lies

void ChainActor::accuse(const base::NodeId& id, net::wire::Violation how, std::string_view what) {
  ++chain_.settings.counters->lies;
  const std::string hex = id.hex();
  chain_.settings.log.warn("a node has sent what no honest node sends",
                           {{"node", std::string_view(hex)}, {"what", what}});
  tell<net::wire::Misbehaved>(node().find(net::kPeersPath),
                              [&](net::wire::Misbehaved::Builder out) { net::write_misbehaved(out, id, how, what); });
}

void ChainActor::accuse_caller(net::wire::Violation how, std::string_view what) {
  const runtime::Caller from = caller();
  if (from.role == messages::Role::peer && from.node) accuse(*from.node, how, what);
}

/// A neighbour has its place; what any other node tells is of its share. Before the chain is read there are no shares.
bool ChainActor::heeds_caller() {
  if (!chain_.ready) return false;
  const auto from = caller().node;
  return !from || neighbours_.contains(*from) || !too_much(1);
}

/// Whether what is told is of this chain. Neighbours know each other's, so another one is a lie.
bool ChainActor::told_ours(capnp::Data::Reader chain) {
  if (!chain_.ready) return false;
  if (chain_.ours(chain)) return true;
  accuse_caller(net::wire::Violation::MALFORMED, "a message of another chain");
  return false;
}

/// A transaction that was not approved for this fork: signed for none near it either. A node that is ahead, or behind,
/// passes on what was signed for its own.
bool ChainActor::forged(const SignedTransaction& transaction) const {
  const auto approved = [&](Fork fork) { return Approved::verify(transaction, chain_.id, fork).ok(); };
  return !approved(Fork{chain_.fork.value + 1}) && (chain_.fork.value == 0 || !approved(Fork{chain_.fork.value - 1}));
}

/// What a neighbour has sent for ids: what is approved of it. Each id is looked at once, for an approval may take many
/// signatures; after a lie, nothing.
std::vector<Approved> ChainActor::read_given(const base::NodeId& from, wire::Transactions::Reader answer,
                                             const std::set<TxId>& asked, const MayCheck& may) {
  const auto list = answer.getList();
  chain_.settings.counters->received += list.size();
  std::vector<Approved> out;
  if (list.size() > asked.size()) {
    accuse(from, net::wire::Violation::MALFORMED, "more transactions than it was asked for");
    return out;
  }
  const auto neighbour = neighbours_.find(from);
  const bool of_fork = neighbour != neighbours_.end() && neighbour->second.fork == chain_.fork;
  std::set<TxId> seen;
  for (const auto bytes : list) {
    auto parsed = parse_signed_transaction(bytes_of(bytes));
    if (!parsed.ok()) {
      accuse(from, net::wire::Violation::MALFORMED, "bytes that are no transaction");
      break;
    }
    const TxId id = id_of(parsed.value().content);
    if (!asked.contains(id)) {
      accuse(from, net::wire::Violation::BAD_RECORD, "a transaction that it was not asked for");
      break;
    }
    if (!seen.insert(id).second) continue;
    if (may && !may(id, parsed.value())) continue;
    auto approved = Approved::verify(parsed.value(), chain_.id, chain_.fork);
    if (approved.ok()) {
      out.push_back(std::move(approved).value());
    } else if (!of_fork) {
      break;  // it is ahead or behind, as all of it may be
    } else if (forged(parsed.value())) {
      accuse(from, net::wire::Violation::BAD_RECORD, "a transaction that no key has signed");
      break;
    }
  }
  return out;
}

}  // namespace troupe::chain
