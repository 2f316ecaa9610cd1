#include "actors/chain/neighbours.hpp"

#include <algorithm>

#include "actors/chain/api.hpp"
#include "messages/codec.hpp"
#include "runtime/actor/user.hpp"

namespace troupe::chain {
namespace {

using base::Code;

constexpr std::chrono::milliseconds kGreetEach{500};  // our choice
constexpr std::chrono::seconds kHeadDue{5};           // our choice
constexpr std::chrono::seconds kServedWaitMax{5};     // our choice: a node retries by itself

}  // namespace

// -- membership

Neighbour* Neighbours::find(const base::NodeId& id) {
  const auto at = all_.find(id);
  return at != all_.end() ? &at->second : nullptr;
}

runtime::Handle Neighbours::at(const base::NodeId& neighbour) const {
  const auto known = all_.find(neighbour);
  return known != all_.end() ? known->second.handle : chain_.settings.links->remote(neighbour, kPath);
}

void Neighbours::greet() {
  after<Greet>(kGreetEach);
  if (!chain_.ready || chain_.settings.dev) return;
  const std::map<base::NodeId, runtime::LinkInfo> linked = links();
  // A new link has another peer process, which knows nothing of the messages over the old link.
  std::vector<base::NodeId> gone;
  for (const auto& [id, one] : all_) {
    const auto link = linked.find(id);
    if (link == linked.end() || link->second.token != one.link) gone.push_back(id);
  }
  for (const base::NodeId& id : gone) leave(id);
  // For a moment a node may have two links, and messages may have used the other link than the recorded link.
  for (auto& [id, one] : all_) one.handle = chain_.settings.links->remote(id, kPath);
  const std::vector<Placed> others = placed();
  for (const auto& [id, link] : linked) {
    if (all_.contains(id) || strangers_.contains(id) || greeting_.contains(id)) continue;
    if (!place_of(link, others) || (greeting_.size() >= kMax && !chain_.is_validator(id))) continue;
    greeting_.insert(id);
    ask<wire::GetChainHead, wire::ChainHead>(
        chain_.settings.links->remote(id, kPath), now() + kHeadDue,
        [this](wire::GetChainHead::Builder out) { out.setChain(data_of(chain_.id.view())); },
        [this, id = id](runtime::Answer<wire::ChainHead> answer) {
          greeting_.erase(id);
          if (answer.ok() && chain_.ours(answer.value().getChain())) return heard_(id, answer.value());
          // It has another chain, or none: it is asked again once it has a new link.
          const bool lasting =
              !answer.ok() && (answer.error().code == Code::not_found || answer.error().code == Code::refused ||
                               answer.error().code == Code::unsupported);
          if (lasting) strangers_.insert(id);
        });
  }
  std::erase_if(strangers_, [&](const base::NodeId& id) { return !linked.contains(id); });
}

std::map<base::NodeId, runtime::LinkInfo> Neighbours::links() const {
  std::map<base::NodeId, runtime::LinkInfo> out;
  for (const runtime::LinkInfo& link : chain_.settings.links->rows())
    if (link.role == messages::Role::peer) out.emplace(link.node, link);
  return out;
}

Neighbours::Came Neighbours::hear(const base::NodeId& node_id, wire::ChainHead::Reader head) {
  const bool first = !all_.contains(node_id);
  std::optional<runtime::LinkInfo> link;
  if (first) {
    const auto links_now = links();
    const auto linked = links_now.find(node_id);
    const auto place = linked != links_now.end() ? place_of(linked->second, placed()) : std::nullopt;
    if (!place) return Came::no_place;
    if (*place != node_id) leave(*place);
    link = linked->second;
  }
  Neighbour& neighbour = all_[node_id];
  if (link) {
    neighbour.link = link->token;
    neighbour.group = base::group_of(link->contact.endpoint);
    neighbour.dialled = link->outbound;
    neighbour.handle = chain_.settings.links->remote(node_id, kPath);
    if (const auto known = departed_.came(node_id, now())) static_cast<Conduct&>(neighbour) = *known;
  }
  const Height told{head.getHeight()};
  // A chain that went back is shorter.
  if (neighbour.blocks.may_ask(now()))
    neighbour.height = neighbour.fork == Fork{head.getFork()} ? std::max(neighbour.height, told) : told;
  neighbour.fork = Fork{head.getFork()};
  neighbour.head_height = told;
  neighbour.head = BlockId::from(bytes_of(head.getBlock())).value_or(BlockId{});
  return first ? Came::first : Came::again;
}

/// Returns the neighbours that share the slots, without the validators.
std::vector<Placed> Neighbours::placed() const {
  std::vector<Placed> out;
  for (const auto& [id, one] : all_)
    if (!chain_.is_validator(id)) out.push_back({id, one.group, one.dialled});
  return out;
}

/// Returns the node that it replaces: itself if a slot is free, nullopt if it gets no slot. A validator always gets a
/// slot: otherwise other nodes could keep it away, and a validator without a slot anywhere would receive nothing.
std::optional<base::NodeId> Neighbours::place_of(const runtime::LinkInfo& link,
                                                 const std::vector<Placed>& others) const {
  if (chain_.is_validator(link.node)) return link.node;
  return place_for({link.node, base::group_of(link.contact.endpoint), link.outbound}, others, kMax);
}

void Neighbours::leave(const base::NodeId& id) {
  const auto gone = all_.extract(id);
  if (!gone.empty()) departed_.left(id, gone.mapped(), now());
}

// -- messages to neighbours

void Neighbours::write_head(wire::ChainHead::Builder out) const {
  out.setChain(data_of(chain_.id.view()));
  out.setHeight(chain_.ledger.head().height.value);
  out.setBlock(data_of(chain_.ledger.head().id.view()));
  out.setFork(chain_.fork.value);
}

void Neighbours::tell_head() {
  tell_all<wire::ChainHead>(std::nullopt, [this](wire::ChainHead::Builder out) { write_head(out); });
}

/// The maker of a message sends it to all its neighbours. If every receiver forwarded it to all, it would be sent n^2
/// times. A few per node reach the nodes without a link within some steps; VoteRepair resends what is lost.
void Neighbours::send_all(const std::optional<base::NodeId>& except, const runtime::Envelope& told) {
  if (!except || all_.size() <= kRelaysMax) {
    for (const auto& [node_id, neighbour] : all_)
      if (node_id != except) send(neighbour.handle, told);
    return;
  }
  for (std::size_t i = 0; i < kRelaysMax; ++i) {
    const auto at = std::next(all_.begin(), static_cast<std::ptrdiff_t>(random().below(all_.size())));
    if (at->first != except) send(at->second.handle, told);
  }
}

// -- conduct

Conduct* Neighbours::conduct(const base::NodeId& id) {
  if (const auto at = all_.find(id); at != all_.end()) return &at->second;
  return departed_.find(id);
}

std::vector<base::NodeId> Neighbours::by_rank(PeerScore Conduct::*with) const {
  std::vector<base::NodeId> out;
  for (const auto& [id, one] : all_) out.push_back(id);
  std::ranges::stable_sort(out, {}, [&](const base::NodeId& id) { return (all_.at(id).*with).rank(); });
  return out;
}

bool Neighbours::says_little(Code why) {
  return why == Code::overloaded || why == Code::unavailable || why == Code::dropped;
}

void Neighbours::missed(const base::NodeId& id, PeerScore Conduct::*with, Code why) {
  Conduct* const known = conduct(id);
  if (known == nullptr) return;
  if (says_little(why)) (known->*with).busy(now());
  else (known->*with).missed(now());
}

void Neighbours::distrust(const base::NodeId& id) {
  if (const auto at = all_.find(id); at != all_.end()) at->second.height = chain_.ledger.head().height;
  missed(id, &Conduct::blocks, Code::timeout);
}

// -- requests of other nodes, and violations

base::Error Neighbours::busy(base::Duration wait) {
  return {Code::overloaded, "other nodes have used up this node's rate limit",
          std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(wait, kServedWaitMax))};
}

std::optional<base::Duration> Neighbours::too_much(std::uint32_t pieces) {
  auto user = runtime::user_of(caller());
  if (user.reserved) return std::nullopt;
  user.reserved = chain_.is_validator(user.id);
  const auto wait = served_.take(user, now(), pieces);
  if (wait) ++chain_.settings.counters->refused;
  return wait;
}

void Neighbours::accuse(const base::NodeId& id, net::wire::Violation how, std::string_view what) {
  ++chain_.settings.counters->lies;
  const std::string hex = id.hex();
  chain_.settings.log.warn("a node violated the protocol", {{"node", std::string_view(hex)}, {"what", what}});
  tell<net::wire::Misbehaved>(node().find(net::kPeersPath),
                              [&](net::wire::Misbehaved::Builder out) { net::write_misbehaved(out, id, how, what); });
}

void Neighbours::accuse_caller(net::wire::Violation how, std::string_view what) {
  const runtime::Caller from = caller();
  if (from.role == messages::Role::peer && from.node) accuse(*from.node, how, what);
}

/// A neighbour has its slot; messages of other nodes use their quotas. Before the chain is read there are no quotas.
bool Neighbours::heeds_caller() {
  if (!chain_.ready) return false;
  const auto from = caller().node;
  return !from || all_.contains(*from) || !too_much(1);
}

/// Whether the message belongs to this chain. Neighbours know each other's chain, so another chain is a violation.
bool Neighbours::told_ours(capnp::Data::Reader chain) {
  if (!chain_.ready) return false;
  if (chain_.ours(chain)) return true;
  accuse_caller(net::wire::Violation::MALFORMED, "a message of another chain");
  return false;
}

/// Whether a transaction without valid signatures for this fork also has none for the forks next to it. A node that is
/// ahead or behind forwards transactions that were signed for its own fork.
bool Neighbours::forged(const SignedTransaction& transaction) const {
  const auto approved = [&](Fork fork) { return Approved::verify(transaction, chain_.id, fork).ok(); };
  return !approved(Fork{chain_.fork.value + 1}) && (chain_.fork.value == 0 || !approved(Fork{chain_.fork.value - 1}));
}

std::vector<Approved> Neighbours::read_given(const base::NodeId& from, wire::Transactions::Reader answer,
                                             const std::set<TxId>& asked, const MayCheck& may) {
  const auto list = answer.getList();
  chain_.settings.counters->received += list.size();
  std::vector<Approved> out;
  if (list.size() > asked.size()) {
    accuse(from, net::wire::Violation::MALFORMED, "more transactions than requested");
    return out;
  }
  const auto neighbour = all_.find(from);
  const bool of_fork = neighbour != all_.end() && neighbour->second.fork == chain_.fork;
  std::set<TxId> seen;
  for (const auto bytes : list) {
    auto parsed = parse_signed_transaction(bytes_of(bytes));
    if (!parsed.ok()) {
      accuse(from, net::wire::Violation::MALFORMED, "a malformed transaction");
      break;
    }
    const TxId id = id_of(parsed.value().content);
    if (!asked.contains(id)) {
      accuse(from, net::wire::Violation::BAD_RECORD, "a transaction that was not requested");
      break;
    }
    if (!seen.insert(id).second) continue;
    if (may && !may(id, parsed.value())) continue;
    auto approved = Approved::verify(parsed.value(), chain_.id, chain_.fork);
    if (approved.ok()) {
      out.push_back(std::move(approved).value());
    } else if (!of_fork) {
      break;  // it is ahead or behind, and so may be all its transactions
    } else if (forged(parsed.value())) {
      accuse(from, net::wire::Violation::BAD_RECORD, "a transaction that no key has signed");
      break;
    }
  }
  return out;
}

}  // namespace troupe::chain
