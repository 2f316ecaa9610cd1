// Transactions: taken, passed on, and waited for.
#include "actors/chain/chain_actor.hpp"
#include "actors/chain/wire.hpp"
#include "messages/words.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kGetDue{5};               // our choice
constexpr std::size_t kFetchingOfOneMax = 2'048;         // our choice: those of all that have a place are half of all
constexpr std::size_t kFetchingOfValidatorMax = 8'192;   // our choice: most come from them
constexpr std::uint32_t kIdsOfPiece = 128;               // of Neighbours::kServed: as many make about 64 KiB
constexpr std::size_t kListEntryBytes = 16;              // of a list in a message
constexpr std::size_t kGivenBytesMax = 2 * 1024 * 1024;  // messages/chain.capnp
constexpr std::chrono::milliseconds kTellEach{20};       // our choice: short beside a block of as many
constexpr std::size_t kPoolToldAtOnce = 2'048;           // our choice: to all newcomers together
constexpr std::size_t kPoolToldToOne = 256;              // our choice: as fast as it may have them checked
constexpr std::chrono::milliseconds kPoolToldEach{50};   // our choice: a full pool takes 10 s
constexpr std::chrono::seconds kCrowdedWait{1};          // our choice: shorter than an answer is waited for
constexpr std::chrono::milliseconds kOverdueEach{100};   // our choice
constexpr std::size_t kToldMax = 50'000;                 // our choice: of one height, to one neighbour
constexpr std::chrono::minutes kWaitMax{10};             // our choice

/// What a transaction is held against.
struct Weighed {
  Outcome outcome = Outcome::done;
  Standing standing;
};

std::uint32_t signatures_of(const SignedTransaction& transaction) {
  const auto more = transaction.fee_payer ? transaction.fee_payer->approvals.size() : 0;
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(transaction.from.approvals.size() + more));
}

Error error_of(const Weighed& seen, const Approved& one, BaseFee base_fee, Height head) {
  const Transaction& content = one.content();
  const auto fee = fee_of(one, base_fee);
  const std::string fee_now = fee ? fee->text() : "2^63 or more";
  switch (seen.outcome) {
    case Outcome::funds: {
      const auto* transfer = std::get_if<Transfer>(&content.body);
      return {Code::refused, "the sender has " + seen.standing.balance.text() + ", which is less than the amount, " +
                                 (transfer ? total_of(*transfer).text() : "0") + ", and the fee, " + fee_now};
    }
    case Outcome::fee_funds:
      return {Code::refused,
              "its payer has " + seen.standing.payer_balance.text() + ", which is less than the fee, " + fee_now};
    case Outcome::price:
      return {Code::refused, "its fee is " + fee_now + " now, more than the " + content.fee_max.text() +
                                 " that it allows at most (fee-max)"};
    case Outcome::expired:
      return {Code::refused, "its last height, " + std::to_string(content.last_height.value) +
                                 ", is past: the chain is at " + std::to_string(head.value)};
    case Outcome::gas: return {Code::refused, "it allows itself another amount of gas than it needs"};
    case Outcome::faucet_early: return {Code::refused, "this address got money from the faucet a short while ago"};
    case Outcome::faucet_empty: return {Code::refused, "the faucet is empty, or this chain has none"};
    default: return {Code::refused, std::string(name(seen.outcome))};
  }
}
Error error_of(MempoolError why) {
  switch (why) {
    case MempoolError::past: return {Code::conflict, "its nonce is taken by another transaction"};
    case MempoolError::ahead: return {Code::refused, "its nonce is too far ahead of the sender's next one"};
    case MempoolError::expired: return {Code::refused, "its last height is past"};
    case MempoolError::lasting: return {Code::refused, "its last height is too far away"};
    case MempoolError::gas: return {Code::refused, "it needs more gas than it allows itself, or than a block has"};
    case MempoolError::funds:
      return {Code::refused,
              "its sender has less than its amount and fee-max, or its payer less than all that waits here needs"};
    case MempoolError::cheap:
      return {Code::conflict, "another transaction with this nonce waits, and this one does not offer enough more"};
    case MempoolError::changed: return {Code::conflict, "what has this nonce was replaced too often"};
    case MempoolError::full:
      return {Code::overloaded, "the pool is full, and it offers no more than the others", std::chrono::seconds(5)};
    case MempoolError::known: break;
  }
  return {Code::refused, std::string(name(why))};
}
Error error_of(TransactionError why) {
  const Code code = why == TransactionError::authority || why == TransactionError::wrong_chain ? Code::refused
                    : why == TransactionError::unsupported                                     ? Code::unsupported
                                                                                               : Code::malformed;
  return {code, "the transaction: " + std::string(name(why))};
}

}  // namespace

void ChainActor::submit(wire::SubmitTransaction::Reader ask, runtime::Reply<wire::TransactionInfo> reply) {
  auto parsed = parse_signed_transaction(bytes_of(ask.getTransaction()));
  if (!parsed.ok()) return reply.refuse(error_of(parsed.error()));
  auto approved = Approved::verify(std::move(parsed).value(), chain_.id, chain_.fork);
  if (!approved.ok()) return reply.refuse(error_of(approved.error()));
  const TxId id = approved.value().id();
  const bool dry = ask.getDry();
  admit(std::move(approved).value(), {.dry = dry, .fresh = ask.getFresh()},
        [this, id, dry, reply = std::move(reply)](const base::Outcome<void>& done) mutable {
          if (!done.ok()) return refuse_unless_final(id, done.error(), std::move(reply));
          const Approved* waiting = dry ? nullptr : chain_.mempool.find(id);
          reply.send([&](wire::TransactionInfo::Builder out) {
            if (waiting != nullptr) write_pending(out, *waiting);
            else out.setId(data_of(id.view()));
          });
        });
}

/// A transaction that is final has taken its nonce. So only one that is refused may be final, and is looked for.
void ChainActor::refuse_unless_final(const TxId& id, const Error& why, runtime::Reply<wire::TransactionInfo> reply) {
  chain_.ledger.location_of(
      id, [this, why, reply = std::move(reply)](const base::Outcome<std::optional<rows::Location>>& at) mutable {
        if (at.ok() && at.value()) return answer_final(*at.value(), std::move(reply));
        reply.refuse(at.ok() ? why : at.error());
      });
}

void ChainActor::admit(Approved transaction, const Admission& how, Admitted done) {
  if (chain_.mempool.find(transaction.id()) != nullptr) return done({});
  const auto seen = std::make_shared<Weighed>();
  const auto one = std::make_shared<const Approved>(std::move(transaction));
  chain_.ledger.with_rows(
      [this, one, seen] {
        const rows::Head& head = chain_.ledger.head();
        const NextBlock& next = chain_.ledger.next();
        StateView view = chain_.ledger.view();
        seen->outcome = admissible(view, next.totals, next.parameters, *one, head.height.next(),
                                   std::max(unix_ms(), head.time + UnixMs{1}));
        const Account& sender = view.account(one->content().from);
        seen->standing = {sender.nonce, sender.balance, view.account(one->content().payer()).balance};
        return !view.damage();
      },
      [this, one, seen, how, fork = chain_.fork, done = std::move(done)](const base::Outcome<void>& read) mutable {
        if (!read.ok()) return done(read.error());
        if (fork != chain_.fork)
          return done(Error{Code::refused, "the chain went on as another fork: sign it for that"});
        if (seen->outcome != Outcome::done && seen->outcome != Outcome::nonce)
          return done(error_of(*seen, *one, chain_.ledger.next().totals.base_fee, chain_.ledger.head().height));
        if (seen->standing.next > one->content().nonce) return done(error_of(MempoolError::past));
        const Gas block_gas{chain_.ledger.next().parameters[Param::block_gas]};
        const Height head = chain_.ledger.head().height;
        if (how.fresh && chain_.mempool.find(one->content().from, one->content().nonce) != nullptr &&
            chain_.mempool.find(one->id()) == nullptr)
          return done(Error{Code::conflict, "another transaction with this nonce waits"});
        const auto added = how.dry ? chain_.mempool.would_add(*one, seen->standing, head, block_gas)
                                   : chain_.mempool.add(*one, seen->standing, head, block_gas);
        if (!added.ok() && added.error() != MempoolError::known) return done(error_of(added.error()));
        if (how.dry) return done({});
        chain_.settings.counters->pending = chain_.mempool.count();
        if (!chain_.mempool.gapped(one->id())) barren_ = false;  // what no block can have hurries none
        if (how.from) {
          if (const auto at = neighbours_.all().find(*how.from); at != neighbours_.all().end())
            at->second.told.insert(one->id());
        }
        tell_what_may_go(one->content().from);
        done({});
        begin_if_due();
      });
}

// -- passed on

/// What stands behind a gap is told once that is filled: others have no use of it, and it may cost no fee, ever.
void ChainActor::tell_what_may_go(const wallet::Address& sender) {
  const std::vector<TxId> ready = chain_.mempool.take_ready(sender);
  if (ready.empty()) return;
  to_tell_.insert(to_tell_.end(), ready.begin(), ready.end());
  tell_soon();
}

void ChainActor::tell_soon() { after<TellTransactions>(std::max(tell_at_ - now(), base::Duration::zero())); }

/// One alone is told at once. Where they come in number, a list is a while after the one before: each costs three
/// messages with each neighbour, however long it is.
void ChainActor::tell_transactions() {
  const std::vector<TxId> ids = std::exchange(to_tell_, {});
  if (ids.size() > 1) tell_at_ = now() + kTellEach;
  for (auto& [node_id, neighbour] : neighbours_.all()) {
    std::vector<TxId> news;
    for (const TxId& id : ids)
      if (neighbour.told.size() < kToldMax && neighbour.told.insert(id).second) news.push_back(id);
    tell_ids(neighbour, news);
  }
}

void ChainActor::tell_ids(const Neighbour& neighbour, std::span<const TxId> ids) {
  for (; !ids.empty(); ids = ids.subspan(std::min(ids.size(), kToldAtOnce)))
    tell<wire::HaveTransactions>(neighbour.handle, [&](wire::HaveTransactions::Builder out) {
      out.setChain(data_of(chain_.id.view()));
      const auto some = ids.first(std::min(ids.size(), kToldAtOnce));
      chain::write(out.initIds(size32(some)), {some.begin(), some.end()});
    });
}

/// What waits here may be news to who has just come. It alone is told, and so much at a time, for a node comes as often
/// as it likes, and the pool may be full.
void ChainActor::tell_pool() {
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

void ChainActor::hear_have(wire::HaveTransactions::Reader have) {
  const auto from = caller().node;
  if (!from || !neighbours_.told_ours(have.getChain())) return;
  const auto at = neighbours_.all().find(*from);
  if (at == neighbours_.all().end()) return;
  // What is not read is told by others, or by its sender again.
  const base::User<base::NodeId> teller{*from, at->second.group, chain_.is_validator(*from)};
  if (told_rate_.take(teller, now(), std::min<std::uint32_t>(have.getIds().size(), kToldAtOnce))) return;
  const auto told = read_ids(have.getIds(), kToldAtOnce);
  if (!told)
    return neighbours_.accuse(*from, net::wire::Violation::MALFORMED,
                              "more ids than a node tells, or one that is none");
  Neighbour& neighbour = at->second;
  const std::size_t most = asked_at_most(*from);
  bool more = false;
  for (const TxId& id : *told) {
    const bool here = chain_.mempool.find(id) != nullptr || (head_block_ && head_block_->find(id) != nullptr);
    if (!here && !neighbour.to_ask.told(id, most)) continue;
    more = more || !here;
    // Only what there is, or may be, is remembered.
    if (neighbour.told.size() < kToldMax) neighbour.told.insert(id);
  }
  if (more) ask_wanted(*from, neighbour);
}

std::size_t ChainActor::asked_at_most(const base::NodeId& from) const {
  return chain_.is_validator(from) ? kFetchingOfValidatorMax : kFetchingOfOneMax;
}

/// Nothing if it has its part; else for how long it waits. Validators have a budget of their own: the chain needs what
/// they tell, and one that lies takes nothing from others.
std::optional<base::Duration> ChainActor::may_check(const base::NodeId& id, const Neighbour& neighbour,
                                                    std::uint32_t signatures) {
  auto& budget = chain_.is_validator(id) ? checked_of_validators_ : checked_;
  return budget.take({id, neighbour.group, false}, now(), signatures);
}

Fetching::Trust ChainActor::trust_in(const base::NodeId& id, const Neighbour& neighbour) const {
  return chain_.is_validator(id) || neighbour.dialled ? Fetching::Trust::chosen : Fetching::Trust::stranger;
}

/// What strangers told first and have not given yet counts as not given: they would keep it away again and again.
void ChainActor::pass_overdue() {
  for (const auto& [id, from, to] : fetching_.take_overdue(now())) {
    if (Conduct* const sender = neighbours_.conduct(from)) sender->ungiven.spend(now());
    auto next = std::optional(to);
    while (next && !neighbours_.all().contains(*next)) next = fetching_.pass_on(id, now());
    if (next) neighbours_.all().at(*next).to_ask.first({id, 0});
  }
  if (fetching_.overdue_at() != base::Instant::max()) ask_wanted_at(fetching_.overdue_at());
}

/// Each that waits, in turns, so that none is always the first to have what comes back.
void ChainActor::ask_wanted() {
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

void ChainActor::ask_wanted_at(base::Instant when) {
  if (when >= ask_wanted_at_) return;
  ask_wanted_at_ = when;
  after<AskWanted>(when - now());
}

/// Asks for what it has told, as far as it gives what it tells. Blocks that are on their way may have all of it.
void ChainActor::ask_wanted(const base::NodeId& from, Neighbour& neighbour) {
  ToAsk& to_ask = neighbour.to_ask;
  if (to_ask.empty()) return;
  if (sync_.has_blocks()) return ask_wanted_at(now() + BlockSync::kSyncPatience);
  if (const auto wait = neighbour.ungiven.wait(now()); wait > base::Duration::zero())
    return ask_wanted_at(now() + std::clamp<base::Duration>(wait, kTellEach, kGetDue));
  // What it does not give is known only later: at a time no more than it may leave ungiven.
  std::uint32_t most = Conduct::kUngiven.burst;
  while (most > 1 && neighbour.ungiven.wait(now(), most) > base::Duration::zero()) most /= 2;
  Asked asked;
  while (!to_ask.empty() && asked.size() < most) {
    const auto [id, signatures] = to_ask.next();
    if (chain_.mempool.find(id) == nullptr) {
      // What was put off has its signatures counted before it is asked for again.
      if (signatures > 0)
        if (const auto wait = may_check(from, neighbour, signatures)) {
          ask_wanted_at(now() + std::clamp<base::Duration>(*wait, kTellEach, kGetDue));
          break;
        }
      const bool passed_on = fetching_.asked(id, from);
      const auto heard = passed_on ? Fetching::Told::asked
                                   : fetching_.told(id, from, trust_in(from, neighbour), asked_at_most(from), now());
      if (heard == Fetching::Told::full) {
        ask_wanted_at(now() + kCrowdedWait);  // or an answer makes room before
        break;
      }
      if (heard == Fetching::Told::crowded && to_ask.put_aside(id))
        ask_wanted_at(std::max(crowded_at_, now() + kTellEach));
      if (heard == Fetching::Told::asked) asked.emplace(id, signatures);
    }
    to_ask.pop();
  }
  if (!asked.empty()) get_transactions(from, std::move(asked));
  if (fetching_.overdue_at() != base::Instant::max()) ask_wanted_at(std::max(now(), fetching_.overdue_at()));
  // What is left is asked for with the answer, or without one.
  if (!to_ask.empty()) ask_wanted_at(now() + kCrowdedWait);
}

void ChainActor::get_transactions(const base::NodeId& from, Asked asked) {
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

/// What one neighbour does not give is asked of the next one that has told it.
void ChainActor::got_transactions(const base::NodeId& from, Asked asked, runtime::Answer<wire::Transactions> answer) {
  std::set<TxId> given, ids;
  std::map<TxId, std::uint32_t> put_off;  // with their signatures
  for (const auto& [id, signatures] : asked) ids.insert(id);
  std::size_t bytes = 0;
  // How many signatures one has only its bytes tell; and what the pool would refuse is not worth one.
  const auto may = [&](const TxId& id, const SignedTransaction& one) {
    given.insert(id);
    if (chain_.mempool.is_of_no_use(one.content, chain_.ledger.head().height)) return false;
    const std::uint32_t signatures = signatures_of(one), counted = asked.at(id);
    const auto neighbour = neighbours_.all().find(from);
    if (signatures <= counted || neighbour == neighbours_.all().end()) return true;
    if (!may_check(from, neighbour->second, signatures - counted)) return true;
    put_off.emplace(id, signatures);
    return false;
  };
  std::set<TxId> admitted;
  if (answer.ok()) {
    for (Approved& one : neighbours_.read_given(from, answer.value(), ids, may)) {
      const TxId id = one.id();
      admitted.insert(id);
      bytes += one.bytes() + kListEntryBytes;
      // It is under way until it waits here, so that no other neighbour is asked for it meanwhile.
      admit(std::move(one), {.from = from}, [this, id](const base::Outcome<void>&) {
        fetching_.done(id);
        ask_wanted_at(now() + kTellEach);
      });
    }
  }
  // Who gave as much as an answer holds may have the rest.
  const bool cut_off = answer.ok() && bytes + kTransactionBytesMax + kListEntryBytes > kGivenBytesMax;
  std::set<base::NodeId> next_ones{from};
  std::uint32_t ungiven = 0;
  for (const TxId& id : ids) {
    if (admitted.contains(id) || !fetching_.asked(id, from)) continue;
    const auto later = put_off.find(id);
    const bool again = later != put_off.end() || (cut_off && !given.contains(id));
    if (!again && !given.contains(id) && assembly_.known(id) == nullptr) ++ungiven;
    auto next = again ? std::optional(from) : fetching_.pass_on(id, now());
    while (next && !neighbours_.all().contains(*next)) next = fetching_.pass_on(id, now());
    if (!next) continue;
    neighbours_.all().at(*next).to_ask.first({id, later == put_off.end() ? 0 : later->second});
    next_ones.insert(*next);
  }
  if (Conduct* const sender = neighbours_.conduct(from)) sender->ungiven.spend(now(), ungiven);
  for (const base::NodeId& next : next_ones)
    if (const auto to = neighbours_.all().find(next); to != neighbours_.all().end()) ask_wanted(next, to->second);
}

void ChainActor::give(wire::GetTransactions::Reader ask, runtime::Reply<wire::Transactions> reply) {
  if (!chain_.ready || !chain_.ours(ask.getChain()))
    return reply.refuse({Code::not_found, "this node has another chain"});
  const auto asked = read_ids(ask.getIds(), kGivenAtOnce);
  if (!asked) {
    neighbours_.accuse_caller(net::wire::Violation::MALFORMED, "more ids than a node asks for, or one that is none");
    return reply.refuse({Code::malformed, "at most 2,048 ids of 32 bytes are asked for at once"});
  }
  // First for what it looks up, then for what it gives beyond that: an id may be that of none, or of a large one.
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

// -- waited for

void ChainActor::answer(const TxId& id, runtime::Reply<wire::TransactionInfo> reply, base::Duration wait) {
  chain_.ledger.location_of(
      id, [this, id, wait, reply = std::move(reply)](base::Outcome<std::optional<rows::Location>> at) mutable {
        if (!at.ok()) return reply.refuse(at.error());
        if (at.value()) return answer_final(*at.value(), std::move(reply));
        const Approved* waiting = chain_.mempool.find(id);
        if (wait > base::Duration::zero() && waiters_.size() < kWaitersMax) {
          waiters_.emplace(
              id, Waiter{now() + std::min<base::Duration>(wait, kWaitMax), waiting != nullptr, std::move(reply)});
          return look_for_overdue();
        }
        if (waiting == nullptr) return reply.refuse({Code::not_found, "no transaction of this id is known here"});
        reply.send([&](wire::TransactionInfo::Builder out) { write_pending(out, *waiting); });
      });
}

void ChainActor::write_pending(wire::TransactionInfo::Builder out, const Approved& one) const {
  const Bytes content = encode(one.content());
  out.setId(data_of(one.id().view()));
  out.setState(wire::TransactionState::PENDING);
  out.setTransaction(data_of(content));
}

void ChainActor::answer_final(const rows::Location& at, runtime::Reply<wire::TransactionInfo> reply) {
  read_block(at.height, [this, at, reply = std::move(reply)](
                            const base::Outcome<std::shared_ptr<const ReadBlock>>& read) mutable {
    if (!read.ok()) return reply.refuse(read.error());
    const auto& block = read.value()->block;  // clang 15 has no bindings in lambdas
    const auto& receipts = read.value()->receipts;
    if (at.index >= block.transactions.size() || at.index >= receipts.size())
      return reply.refuse({Code::corrupt, "its block cannot be read"});
    reply.send([&](wire::TransactionInfo::Builder out) { write_final(out, block, at.index, receipts[at.index]); });
  });
}

/// Who asks for all transactions of a block, one by one, has it read once.
void ChainActor::read_block(Height height, BlockRead then) {
  if (last_read_.second && last_read_.first == height) return then(last_read_.second);
  auto& waiting = blocks_read_[{chain_.fork, height}];
  waiting.push_back(std::move(then));
  if (waiting.size() > 1) return;
  chain_.ledger.block(height, [this, height, fork = chain_.fork](base::Outcome<std::optional<FinalRow>> row) {
    if (!row.ok()) return block_read({fork, height}, row.error());
    if (!row.value()) return block_read({fork, height}, Error{Code::corrupt, "its block is missing"});
    chain_.ledger.receipts(height, [this, height, fork,
                                    bytes = std::move(row.value()->block)](base::Outcome<std::vector<Bytes>> receipts) {
      if (!receipts.ok()) return block_read({fork, height}, receipts.error());
      auto block = parse_block(bytes);
      if (!block.ok()) return block_read({fork, height}, Error{Code::corrupt, "its block cannot be read"});
      auto read = std::make_shared<const ReadBlock>(ReadBlock{std::move(block).value(), std::move(receipts).value()});
      if (fork == chain_.fork) last_read_ = {height, read};
      block_read({fork, height}, std::move(read));
    });
  });
}

void ChainActor::block_read(const std::pair<Fork, Height>& at,
                            const base::Outcome<std::shared_ptr<const ReadBlock>>& read) {
  auto waiting = blocks_read_.extract(at);
  for (auto& then : waiting.mapped()) then(read);
}

void ChainActor::write_final(wire::TransactionInfo::Builder out, const Block& block, std::uint32_t index,
                             const Bytes& receipt_bytes) const {
  const auto receipt = parse_receipt(receipt_bytes);
  const Bytes content = encode(block.transactions[index].content);
  const TxId id = id_of(block.transactions[index].content);
  const bool done = receipt && receipt->outcome == Outcome::done;
  out.setId(data_of(id.view()));
  out.setState(done ? wire::TransactionState::FINAL : wire::TransactionState::FAILED);
  out.setHeight(block.header.height.value);
  out.setIndex(index);
  out.setReceipt(data_of(receipt_bytes));
  out.setTransaction(data_of(content));
  out.setTime(static_cast<std::uint64_t>(block.header.time.count()));
  out.setConfirmations(chain_.ledger.head().height.value - block.header.height.value + 1);
}

void ChainActor::tell_waiters(const TxId& id) {
  const auto [first, last] = waiters_.equal_range(id);
  std::vector<runtime::Reply<wire::TransactionInfo>> told;
  for (auto at = first; at != last; ++at) told.push_back(std::move(at->second.reply));
  waiters_.erase(first, last);
  for (auto& reply : told) answer(id, std::move(reply), {});
}

/// Soon, however many come to wait meanwhile.
void ChainActor::look_for_overdue() {
  if (!std::exchange(overdue_armed_, true)) after<Waiters>(kOverdueEach);
}

void ChainActor::overdue() {
  overdue_armed_ = false;
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    const Approved* waiting = chain_.mempool.find(at->first);
    at->second.pending = at->second.pending || waiting != nullptr;
    // Neither here nor in a block, although it waited: its last height has passed, or another one took its nonce.
    const bool gone = at->second.pending && waiting == nullptr && !chain_.finishing;
    if (!gone && at->second.due > now()) {
      ++at;
      continue;
    }
    auto reply = std::move(at->second.reply);
    const TxId id = at->first;
    at = waiters_.erase(at);
    if (gone)
      chain_.ledger.location_of(
          id, [this, id, reply = std::move(reply)](base::Outcome<std::optional<rows::Location>> where) mutable {
            if (where.ok() && where.value()) return answer_final(*where.value(), std::move(reply));
            reply.send([&](wire::TransactionInfo::Builder out) {
              out.setId(data_of(id.view()));
              out.setState(wire::TransactionState::EXPIRED);
            });
          });
    else answer(id, std::move(reply), {});
  }
  std::erase_if(account_waiters_, [this](AccountWaiter& one) {
    if (one.due > now()) return false;
    one.reply.refuse(
        {Code::timeout,
         "no block has followed that would prove it: too few validators are heard, or this node follows none"});
    return true;
  });
  if (!waiters_.empty() || !account_waiters_.empty()) look_for_overdue();
}

}  // namespace troupe::chain
