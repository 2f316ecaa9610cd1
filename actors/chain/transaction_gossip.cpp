#include "actors/chain/transactions.hpp"
#include "actors/chain/wire.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Code;

constexpr std::chrono::seconds kGetDue{5};               // our choice
constexpr std::size_t kInFlightOfOneMax = 2'048;         // our choice: with all slots taken, half of InFlight::kMax
constexpr std::size_t kInFlightOfValidatorMax = 8'192;   // our choice: most transactions come from validators
constexpr std::uint32_t kIdsOfPiece = 128;               // of Neighbours::kServed: that many make about 64 KiB
constexpr std::size_t kListEntryBytes = 16;              // of a list in a message
constexpr std::size_t kGivenBytesMax = 2 * 1024 * 1024;  // messages/chain.capnp
constexpr std::chrono::milliseconds kTellEach{20};       // our choice: short compared to a block of that many
constexpr std::size_t kPoolToldAtOnce = 2'048;           // our choice: for all newcomers together
constexpr std::size_t kPoolToldToOne = 256;              // our choice: as fast as it may have them checked
constexpr std::chrono::milliseconds kPoolToldEach{50};   // our choice: a full pool takes 10 s
constexpr std::chrono::seconds kCrowdedWait{1};          // our choice: shorter than the timeout of a request
constexpr std::size_t kToldMax = 50'000;                 // our choice: of one height, per neighbour

std::uint32_t signatures_of(const SignedTransaction& transaction) {
  const auto more = transaction.fee_payer ? transaction.fee_payer->approvals.size() : 0;
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(transaction.from.approvals.size() + more));
}

}  // namespace

void TransactionGossip::receive(runtime::Handlers& on) {
  on.timer<TellTransactions>([this] { tell_transactions(); });
  on.timer<TellPool>([this] { tell_pool(); });
  on.timer<AskWanted>([this] { ask_wanted(); });
  on.tell<wire::HaveTransactions>([this](auto have) { hear_have(have); });
  on.ask<wire::GetTransactions, wire::Transactions>([this](auto ask, auto reply) { give(ask, std::move(reply)); });
}

void TransactionGossip::is_final(std::shared_ptr<const Candidate> block) {
  for (const Approved& one : *block->transactions) in_flight_.done(one.id());
  head_block_ = std::move(block);
}

void TransactionGossip::forget() {
  head_block_ = nullptr;
  to_tell_.clear();
}

// -- announcing

void TransactionGossip::came(Neighbour& neighbour) {
  neighbour.pool_from.emplace();
  after<TellPool>(base::Duration::zero());
}

/// Transactions after a gap are announced once it is filled: other nodes cannot use them, and they may never pay a fee.
void TransactionGossip::tell_what_may_go(const wallet::Address& sender) {
  const std::vector<TxId> ready = chain_.mempool.take_ready(sender);
  if (ready.empty()) return;
  to_tell_.insert(to_tell_.end(), ready.begin(), ready.end());
  after<TellTransactions>(std::max(tell_at_ - now(), base::Duration::zero()));
}

/// A single transaction is announced at once. A list waits for a while after the previous list: each list costs three
/// messages per neighbour, whatever its length.
void TransactionGossip::tell_transactions() {
  const std::vector<TxId> ids = std::exchange(to_tell_, {});
  if (ids.size() > 1) tell_at_ = now() + kTellEach;
  for (auto& [node_id, neighbour] : neighbours_.all()) {
    std::vector<TxId> news;
    for (const TxId& id : ids)
      if (neighbour.told.size() < kToldMax && neighbour.told.insert(id).second) news.push_back(id);
    tell_ids(neighbour, news);
  }
}

void TransactionGossip::tell_ids(const Neighbour& neighbour, std::span<const TxId> ids) {
  for (; !ids.empty(); ids = ids.subspan(std::min(ids.size(), kToldAtOnce)))
    tell<wire::HaveTransactions>(neighbour.handle, [&](wire::HaveTransactions::Builder out) {
      out.setChain(data_of(chain_.id.view()));
      const auto some = ids.first(std::min(ids.size(), kToldAtOnce));
      chain::write(out.initIds(size32(some)), {some.begin(), some.end()});
    });
}

/// A new neighbour may lack the transactions that wait here. Only it is sent their ids, at a limited rate, because a
/// node may reconnect as often as it likes, and the pool may be full.
void TransactionGossip::tell_pool() {
  const auto waits = [](const auto& one) { return one.second.pool_from.has_value(); };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(neighbours_.all(), waits));
  if (count == 0) return;
  const std::size_t most = std::clamp<std::size_t>(kPoolToldAtOnce / count, 1, kPoolToldToOne);
  for (auto& [node_id, neighbour] : neighbours_.all()) {
    if (!neighbour.pool_from) continue;
    const auto some = chain_.mempool.some(*neighbour.pool_from, most);
    std::vector<TxId> news;
    for (const Approved* one : some) {
      if (chain_.mempool.gapped(one->id()) || neighbour.told.size() >= kToldMax) continue;
      if (neighbour.told.insert(one->id()).second) news.push_back(one->id());
    }
    tell_ids(neighbour, news);
    if (some.size() < most) neighbour.pool_from.reset();
    else neighbour.pool_from = Mempool::Cursor{some.back()->content().from, {some.back()->content().nonce.value + 1}};
  }
  if (std::ranges::any_of(neighbours_.all(), waits)) after<TellPool>(kPoolToldEach);
}

// -- requesting

void TransactionGossip::hear_have(wire::HaveTransactions::Reader have) {
  const auto from = caller().node;
  if (!from || !neighbours_.told_ours(have.getChain())) return;
  Neighbour* const neighbour = neighbours_.find(*from);
  if (neighbour == nullptr) return;
  // Ids that are dropped here are announced by other nodes, or again by their sender.
  const base::User<base::NodeId> teller{*from, neighbour->group, chain_.is_validator(*from)};
  if (told_rate_.take(teller, now(), std::min<std::uint32_t>(have.getIds().size(), kToldAtOnce))) return;
  const auto told = read_ids(have.getIds(), kToldAtOnce);
  if (!told) return neighbours_.accuse(*from, net::wire::Violation::MALFORMED, "too many or malformed transaction ids");
  const std::size_t most = asked_at_most(*from);
  bool more = false;
  for (const TxId& id : *told) {
    const bool here = chain_.mempool.find(id) != nullptr || (head_block_ && head_block_->find(id) != nullptr);
    if (!here && !neighbour->to_ask.told(id, most)) continue;
    more = more || !here;
    // Only transactions that exist, or may exist, are remembered.
    if (neighbour->told.size() < kToldMax) neighbour->told.insert(id);
  }
  if (more) ask_wanted(*from, *neighbour);
}

std::size_t TransactionGossip::asked_at_most(const base::NodeId& from) const {
  return chain_.is_validator(from) ? kInFlightOfValidatorMax : kInFlightOfOneMax;
}

/// Returns nullopt if the rate limit allows the checks, otherwise how long to wait. Validators have a separate limit:
/// the chain needs their transactions, and a malicious validator cannot use up other nodes' share.
std::optional<base::Duration> TransactionGossip::may_check(const base::NodeId& id, const Neighbour& neighbour,
                                                           std::uint32_t signatures) {
  auto& budget = chain_.is_validator(id) ? checked_of_validators_ : checked_;
  return budget.take({id, neighbour.group, false}, now(), signatures);
}

InFlight::Trust TransactionGossip::trust_in(const base::NodeId& id, const Neighbour& neighbour) const {
  return chain_.is_validator(id) || neighbour.dialled ? InFlight::Trust::chosen : InFlight::Trust::stranger;
}

/// Overdue requests to untrusted nodes count as not delivered: otherwise such nodes could block a transaction again and
/// again.
void TransactionGossip::pass_overdue() {
  for (const auto& [id, from, to] : in_flight_.take_overdue(now())) {
    if (Conduct* const sender = neighbours_.conduct(from)) sender->ungiven.spend(now());
    auto next = std::optional(to);
    while (next && neighbours_.find(*next) == nullptr) next = in_flight_.pass_on(id, now());
    if (next) neighbours_.find(*next)->to_ask.first({id, 0});
  }
  if (in_flight_.overdue_at() != base::Instant::max()) ask_wanted_at(in_flight_.overdue_at());
}

/// Asks the neighbours in turns, so that none always comes first for the freed capacity.
void TransactionGossip::ask_wanted() {
  ask_wanted_at_ = base::Instant::max();
  pass_overdue();
  const bool crowded = now() >= crowded_at_;
  if (crowded) crowded_at_ = now() + kCrowdedWait;
  std::vector<base::NodeId> waiting;
  for (auto& [id, neighbour] : neighbours_.all()) {
    if (crowded) neighbour.to_ask.look_again();
    if (neighbour.to_ask.has_crowded()) ask_wanted_at(crowded_at_);
    if (!neighbour.to_ask.empty()) waiting.push_back(id);
  }
  std::rotate(waiting.begin(), std::ranges::upper_bound(waiting, asked_last_), waiting.end());
  if (!waiting.empty()) asked_last_ = waiting.front();
  for (const base::NodeId& id : waiting) ask_wanted(id, neighbours_.all().at(id));
}

void TransactionGossip::ask_wanted_at(base::Instant when) {
  if (when >= ask_wanted_at_) return;
  ask_wanted_at_ = when;
  after<AskWanted>(when - now());
}

/// Requests what the neighbour has announced, limited by what it fails to deliver. Blocks in flight may have all of it.
void TransactionGossip::ask_wanted(const base::NodeId& from, Neighbour& neighbour) {
  ToAsk& to_ask = neighbour.to_ask;
  if (to_ask.empty()) return;
  if (sync_.has_blocks()) return ask_wanted_at(now() + BlockSync::kSyncPatience);
  if (const auto wait = neighbour.ungiven.wait(now()); wait > base::Duration::zero())
    return ask_wanted_at(now() + std::clamp<base::Duration>(wait, kTellEach, kGetDue));
  // Failures become known only later, so at most as many are in flight as it may leave undelivered.
  std::uint32_t most = Conduct::kUngiven.burst;
  while (most > 1 && neighbour.ungiven.wait(now(), most) > base::Duration::zero()) most /= 2;
  Asked asked;
  while (!to_ask.empty() && asked.size() < most) {
    const auto [id, signatures] = to_ask.next();
    if (chain_.mempool.find(id) == nullptr) {
      // The signatures of a deferred transaction are charged before it is requested again.
      if (signatures > 0)
        if (const auto wait = may_check(from, neighbour, signatures)) {
          ask_wanted_at(now() + std::clamp<base::Duration>(*wait, kTellEach, kGetDue));
          break;
        }
      const bool passed_on = in_flight_.asked(id, from);
      const auto heard = passed_on ? InFlight::Told::asked
                                   : in_flight_.told(id, from, trust_in(from, neighbour), asked_at_most(from), now());
      if (heard == InFlight::Told::full) {
        ask_wanted_at(now() + kCrowdedWait);  // or when a response frees space
        break;
      }
      if (heard == InFlight::Told::crowded && to_ask.put_aside(id))
        ask_wanted_at(std::max(crowded_at_, now() + kTellEach));
      if (heard == InFlight::Told::asked) asked.emplace(id, signatures);
    }
    to_ask.pop();
  }
  if (!asked.empty()) get_transactions(from, std::move(asked));
  if (in_flight_.overdue_at() != base::Instant::max()) ask_wanted_at(std::max(now(), in_flight_.overdue_at()));
  // The rest is requested with the response, or without it.
  if (!to_ask.empty()) ask_wanted_at(now() + kCrowdedWait);
}

void TransactionGossip::get_transactions(const base::NodeId& from, Asked asked) {
  ask<wire::GetTransactions, wire::Transactions>(
      neighbours_.at(from), now() + kGetDue,
      [&](wire::GetTransactions::Builder out) {
        out.setChain(data_of(chain_.id.view()));
        std::vector<TxId> ids;
        for (const auto& [id, signatures] : asked) ids.push_back(id);
        chain::write(out.initIds(size32(ids)), ids);
      },
      [this, asked, from](runtime::Answer<wire::Transactions> answer) mutable {
        got_transactions(from, std::move(asked), std::move(answer));
      });
}

/// Transactions that a neighbour does not deliver are requested from the next node that announced them.
void TransactionGossip::got_transactions(const base::NodeId& from, Asked asked,
                                         runtime::Answer<wire::Transactions> answer) {
  std::set<TxId> given, ids;
  std::map<TxId, std::uint32_t> put_off;  // with their signatures
  for (const auto& [id, signatures] : asked) ids.insert(id);
  std::size_t bytes = 0;
  // Only the bytes show how many signatures a transaction has. Transactions that the pool would refuse are not checked.
  const auto may = [&](const TxId& id, const SignedTransaction& one) {
    given.insert(id);
    if (chain_.mempool.is_of_no_use(one.content, chain_.ledger.head().height)) return false;
    const std::uint32_t signatures = signatures_of(one), counted = asked.at(id);
    const Neighbour* const neighbour = neighbours_.find(from);
    if (signatures <= counted || neighbour == nullptr) return true;
    if (!may_check(from, *neighbour, signatures - counted)) return true;
    put_off.emplace(id, signatures);
    return false;
  };
  std::set<TxId> admitted;
  if (answer.ok()) {
    for (Approved& one : neighbours_.read_given(from, answer.value(), ids, may)) {
      const TxId id = one.id();
      admitted.insert(id);
      bytes += one.bytes() + kListEntryBytes;
      // It counts as in flight until it waits here, so that no other neighbour is asked for it.
      pool_.admit(std::move(one), {.from = from}, [this, id](const base::Outcome<void>&) {
        in_flight_.done(id);
        ask_wanted_at(now() + kTellEach);
      });
    }
  }
  // A neighbour whose response was full may have the rest.
  const bool cut_off = answer.ok() && bytes + kTransactionBytesMax + kListEntryBytes > kGivenBytesMax;
  std::set<base::NodeId> next_ones{from};
  std::uint32_t ungiven = 0;
  for (const TxId& id : ids) {
    if (admitted.contains(id) || !in_flight_.asked(id, from)) continue;
    const auto later = put_off.find(id);
    const bool again = later != put_off.end() || (cut_off && !given.contains(id));
    if (!again && !given.contains(id) && assembly_.known(id) == nullptr) ++ungiven;
    auto next = again ? std::optional(from) : in_flight_.pass_on(id, now());
    while (next && neighbours_.find(*next) == nullptr) next = in_flight_.pass_on(id, now());
    if (!next) continue;
    neighbours_.find(*next)->to_ask.first({id, later == put_off.end() ? 0 : later->second});
    next_ones.insert(*next);
  }
  if (Conduct* const sender = neighbours_.conduct(from)) sender->ungiven.spend(now(), ungiven);
  for (const base::NodeId& next : next_ones)
    if (Neighbour* const to = neighbours_.find(next)) ask_wanted(next, *to);
}

// -- sending

void TransactionGossip::give(wire::GetTransactions::Reader ask, runtime::Reply<wire::Transactions> reply) {
  if (!chain_.ready || !chain_.ours(ask.getChain()))
    return reply.refuse({Code::not_found, "this node has another chain"});
  const auto asked = read_ids(ask.getIds(), kGivenAtOnce);
  if (!asked) {
    neighbours_.accuse_caller(net::wire::Violation::MALFORMED, "too many or malformed transaction ids in a request");
    return reply.refuse({Code::malformed, "too many or malformed ids: a request has at most 2,048 ids of 32 bytes"});
  }
  // First charges the lookups, then the bytes beyond that: an id may be unknown, or belong to a large transaction.
  const std::size_t looked = asked->size() / kIdsOfPiece + 1;
  if (neighbours_.refuse_much(static_cast<std::uint32_t>(looked), reply)) return;
  std::vector<const Approved*> out;
  std::size_t bytes = 0;
  std::set<TxId> seen;
  for (const TxId& id : *asked) {
    const Approved* const one = seen.insert(id).second ? assembly_.known(id) : nullptr;
    if (one == nullptr) continue;
    bytes += one->bytes() + kListEntryBytes;
    if (bytes > kGivenBytesMax) break;
    out.push_back(one);
  }
  const std::size_t given = bytes / kPieceBytes + 1;
  if (given > looked && neighbours_.refuse_much(static_cast<std::uint32_t>(given - looked), reply)) return;
  reply.send([&](wire::Transactions::Builder answer) {
    auto list = answer.initList(size32(out));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(out[i]->encoded()));
  });
}

}  // namespace troupe::chain
