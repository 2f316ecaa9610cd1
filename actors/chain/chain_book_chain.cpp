// Requests of the book to its chain: its state, the end of a transaction, and the credits in its blocks.
#include <algorithm>

#include "actors/chain/api.hpp"
#include "actors/chain/chain_book_actor.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kChainDue{5};         // our choice: the chain is at this node
constexpr std::chrono::seconds kFinalBlocksDue{20};  // our choice
constexpr std::chrono::seconds kFinalWait{10};       // our choice: less than the callers' wait for a transfer
constexpr std::chrono::hours kWatchIdle{24};         // for a chain with rare blocks
constexpr std::chrono::seconds kLookAgain{1};        // our choice
constexpr std::chrono::seconds kLookAnyway{10};      // our choice: finds blocks without a notice
constexpr std::uint64_t kSaveEveryBlocks = 256;      // our choice: at most that many are scanned again
constexpr std::size_t kNotedAtOnce = 512;            // our choice: credits per commit; a block may have 13,000
constexpr std::size_t kUntoldMax = 65'536;           // our choice: 13 MB, plus the credits of one more response
constexpr std::chrono::seconds kTellCreditDue{20};   // our choice
constexpr std::chrono::milliseconds kToldFlush{50};  // our choice: the wait of acknowledged credits for a commit

}  // namespace

void ChainBookActor::with_now(Then<Now> then) {
  ask<wire::GetChainStatus, wire::ChainStatus>(
      node().find(kPath), now() + kChainDue, [](wire::GetChainStatus::Builder) {},
      [then = std::move(then)](runtime::Answer<wire::ChainStatus> answer) mutable {
        if (!answer.ok()) return then(answer.error());
        const auto id = BlockId::from(bytes_of(answer.value().getId()));
        const auto supply = wallet::Amount::from(answer.value().getSupply());
        if (!id || !supply) return then(Error{Code::corrupt, "the chain sent an invalid response"});
        then(Now{*id, {answer.value().getHeight()}, answer.value().getBaseFee(), {answer.value().getFork()}, *supply});
      });
}

void ChainBookActor::with_account(const Address& on_chain, Then<Seen> then) {
  ask<wire::GetChainAccount, wire::ChainAccount>(
      node().find(kPath), now() + kChainDue,
      [&](wire::GetChainAccount::Builder out) { out.setAddress(data_of(on_chain.view())); },
      [then = std::move(then)](runtime::Answer<wire::ChainAccount> answer) mutable {
        if (!answer.ok()) return then(answer.error());
        const auto balance = wallet::Amount::from(answer.value().getAccount().getBalance());
        if (!balance) return then(Error{Code::corrupt, "the chain sent an invalid response"});
        then(Seen{*balance, {answer.value().getAccount().getNonce()}, {answer.value().getNextNonce()}});
      });
}

// -- the end of a transaction

struct ChainBookActor::Settling {
  TxId id;
  Height last;
  Then<Settled> then;
  Error why{};  ///< why it is not final yet

  /// Returns whether it is in a final block, and then reports its end.
  bool ended(wire::TransactionInfo::Reader info) {
    const auto end = end_in(info);
    if (end) then(*end);
    return end.has_value();
  }
};

/// Returns nullopt unless the transaction is in a final block.
std::optional<ChainBookActor::Settled> ChainBookActor::end_in(wire::TransactionInfo::Reader info) {
  const bool final = info.getState() == wire::TransactionState::FINAL;
  if (!final && info.getState() != wire::TransactionState::FAILED) return std::nullopt;
  return Settled{final ? Settled::How::final : Settled::How::failed,
                 {info.getHeight()},
                 info.getIndex(),
                 UnixMs(static_cast<std::int64_t>(info.getTime()))};
}

/// Submits it and waits for its block; submitting again changes nothing. After an error it is not final, but may be
/// later.
void ChainBookActor::settle(const SignedTransaction& transaction, Then<Settled> then,
                            base::Callback<void()> submitted) {
  const auto it = std::make_shared<Settling>();
  it->id = id_of(transaction.content);
  it->last = transaction.content.last_height;
  it->then = std::move(then);
  ask<wire::SubmitTransaction, wire::TransactionInfo>(
      node().find(kPath), now() + kChainDue,
      [&](wire::SubmitTransaction::Builder out) { out.setTransaction(data_of(chain::encode(transaction))); },
      [this, it, submitted = std::move(submitted)](runtime::Answer<wire::TransactionInfo> answer) mutable {
        if (submitted) submitted();
        if (!answer.ok()) {
          it->why = answer.error();
          return look_if_past(it);
        }
        if (!it->ended(answer.value())) wait(it);
      });
}

void ChainBookActor::wait(std::shared_ptr<Settling> it) {
  ask<wire::GetTransaction, wire::TransactionInfo>(
      node().find(kPath), now() + kFinalWait + kChainDue,
      [&](wire::GetTransaction::Builder out) {
        out.setId(data_of(it->id.view()));
        out.setWaitMs(std::chrono::milliseconds(kFinalWait).count());
      },
      [this, it](runtime::Answer<wire::TransactionInfo> answer) {
        if (answer.ok() && it->ended(answer.value())) return;
        it->why = answer.ok() ? Error{Code::unavailable, "the transaction waits for a block"} : answer.error();
        look_if_past(it);
      });
}

/// Checks whether its last height is final: no later block can contain it, so it never will be in a block.
void ChainBookActor::look_if_past(std::shared_ptr<Settling> it) {
  with_now([this, it](const base::Outcome<Now>& now) {
    if (!now.ok() || now.value().height < it->last) return it->then(it->why);
    ask<wire::GetTransaction, wire::TransactionInfo>(
        node().find(kPath), this->now() + kChainDue,
        [&](wire::GetTransaction::Builder out) { out.setId(data_of(it->id.view())); },
        [it](runtime::Answer<wire::TransactionInfo> answer) {
          if (answer.ok() && it->ended(answer.value())) return;
          if (!answer.ok() && answer.error().code != Code::not_found) return it->then(it->why);
          it->then(Settled{.how = Settled::How::expired});
        });
  });
}

// -- credits of kept accounts

/// Transactions in final blocks that credit kept accounts.
struct ChainBookActor::Found {
  struct One {
    Height height;
    std::uint32_t index = 0;
    TxId id;
    wallet::Transfer transfer;
  };
  std::uint64_t run = 0;
  Height last;
  std::vector<One> all;
  std::size_t at = 0;
  std::vector<Credit> credits{};
  std::size_t noted = 0;  ///< of credits, in rows
  std::vector<Bytes> keys{};
};

void ChainBookActor::watch_chain() {
  if (!open_) return;
  watching_ = subscribe<wire::WatchChain, wire::ChainBlock>(
      node().find(kPath), kWatchIdle, [](wire::WatchChain::Builder) {}, [this](wire::ChainBlock::Reader) { look(); },
      [this](const base::Result<void, Error>&) { after<Follow>(kLookAgain); });
  look();
}

void ChainBookActor::look_again(base::Duration delay) {
  looking_ = false;
  after<Look>(delay);
}

void ChainBookActor::look() {
  if (!open_) return;
  if (std::exchange(looking_, true)) {
    look_more_ = true;
    return;
  }
  const bool held_up = untold_.size() >= kUntoldMax;
  if (settings_.health != nullptr && held_up != std::exchange(held_up_, held_up)) {
    if (held_up)
      settings_.health->raise(kUntoldHealth, observe::HealthState::degraded,
                              "escrows and other parts of this node have not accepted 65,536 credits yet: later blocks "
                              "of the chain wait to be scanned");
    else settings_.health->clear(kUntoldHealth);
  }
  if (held_up) return look_again(kLookAgain);
  ask<wire::GetBlocks, wire::FinalBlocks>(
      node().find(kPath), now() + kFinalBlocksDue,
      [this](wire::GetBlocks::Builder out) {
        out.setChain(data_of(chain_.view()));
        out.setFrom(looked_.next().value);
      },
      [this, run = run_](runtime::Answer<wire::FinalBlocks> answer) {
        if (run != run_) return;
        if (!answer.ok()) return look_again(kLookAgain);
        if (answer.value().getRows().size() == 0)
          return look_again(std::exchange(look_more_, false) ? base::Duration::zero() : kLookAnyway);
        const auto found = std::make_shared<Found>();
        found->run = run;
        found->last = looked_;
        for (const auto row : answer.value().getRows()) {
          const auto block = parse_block(bytes_of(row.getBlock()));
          if (!block.ok() || block.value().header.height != found->last.next()) break;
          found->last = block.value().header.height;
          for (std::uint32_t i = 0; i < block.value().transactions.size(); ++i) {
            const Transaction& content = block.value().transactions[i].content;
            const auto* body = std::get_if<Transfer>(&content.body);
            if (body == nullptr) continue;
            const auto ours = [this](const wallet::Credit& credit) {
              const auto at = in_book_.find(credit.to);
              return at != in_book_.end() && followed_.contains(at->second);
            };
            if (std::ranges::none_of(body->credits, ours)) continue;
            if (auto transfer = transfer_of(content, book_, in_book()))
              found->all.push_back({found->last, i, id_of(content), std::move(*transfer)});
          }
        }
        if (found->last == looked_) return look_again(kLookAnyway);  // damage: the chain reports it
        judge_found(found);
      });
}

/// Skips transactions without an effect in this block: failed or refused. A refused transaction may be in another
/// block, wait, or be unknown: the chain knows a transaction only by the block in which it used its nonce, which is
/// durable before the block is passed on. Other errors prove nothing.
void ChainBookActor::judge_found(std::shared_ptr<Found> found) {
  if (found->at == found->all.size()) return note(std::move(found));
  ask<wire::GetTransaction, wire::TransactionInfo>(
      node().find(kPath), now() + kChainDue,
      [&](wire::GetTransaction::Builder out) { out.setId(data_of(found->all[found->at].id.view())); },
      [this, found](runtime::Answer<wire::TransactionInfo> answer) {
        if (found->run != run_) return;
        if (!answer.ok() && answer.error().code != Code::not_found) return look_again(kLookAgain);
        const Found::One& one = found->all[found->at++];
        const bool done = answer.ok() && answer.value().getState() == wire::TransactionState::FINAL &&
                          answer.value().getHeight() == one.height.value && answer.value().getIndex() == one.index;
        // No act announces payments of other kept accounts.
        if (!done || followed_.contains(one.transfer.from)) return judge_found(found);
        std::map<Address, Credit> credited;
        for (const wallet::Credit& credit : one.transfer.credits) {
          if (!followed_.contains(credit.to)) continue;
          const auto [at, first] = credited.try_emplace(credit.to);
          if (first)
            at->second = {credit.to, sequence_of(one.height, one.index), id_of(one.transfer), one.transfer.from,
                          credit.amount};
          else at->second.amount = at->second.amount + credit.amount;
        }
        for (const auto& [address, credit] : credited) found->credits.push_back(credit);
        judge_found(found);
      });
}

void ChainBookActor::note(std::shared_ptr<Found> found) {
  if (found->credits.empty() && found->last.value < saved_.value + kSaveEveryBlocks) {
    looked_ = found->last;
    looking_ = false;
    forget_parties();
    return look();
  }
  // A number within its transaction gives the same row, even if a half-written block is scanned again.
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < found->credits.size(); ++i) {
    number = i > 0 && found->credits[i].sequence == found->credits[i - 1].sequence ? number + 1 : 0;
    Bytes key{'o'};
    durable::append_ordered(key, found->credits[i].sequence);
    durable::append_ordered(key, number);
    found->keys.push_back(std::move(key));
  }
  note_some(std::move(found));
}

/// Writes some credits. The blocks count as scanned with their last credit, and notices begin only then, so that a
/// repeated scan causes no second notice.
void ChainBookActor::note_some(std::shared_ptr<Found> found) {
  Write one;
  for (std::size_t n = 0; n < kNotedAtOnce && found->noted < found->credits.size(); ++n, ++found->noted)
    one.rows[found->keys[found->noted]] = encode(found->credits[found->noted]);
  const bool all = found->noted == found->credits.size();
  if (all) one.looked = found->last;
  one.done = [this, found, all](const base::Outcome<void>& done) {
    if (!done.ok()) return;  // the rows are read again
    if (!all) return note_some(found);
    looked_ = found->last;
    looking_ = false;
    for (std::size_t i = 0; i < found->credits.size(); ++i)
      untold_.put(found->credits[i].account, std::move(found->keys[i]), found->credits[i]);
    forget_parties();
    tell();
    look();
  };
  write(std::move(one));
}

/// Notifies the keepers in turn, and few at once, so that mailboxes have space for other requests.
void ChainBookActor::tell() {
  if (!open_) return;
  while (auto credit = untold_.next(now())) tell(std::move(*credit));
  if (const auto wait = untold_.wait(now())) after<Tell>(*wait);
}

void ChainBookActor::tell(Untold::Next next) {
  const Credit& credit = next.what;
  const Keeper& keeper = followed_.at(next.to);
  ask<wallet::wire::Credited, messages::wire::Nothing>(
      node().find(keeper.path), now() + kTellCreditDue,
      [&](wallet::wire::Credited::Builder out) {
        out.setKind(keeper.kind);
        out.setId(data_of(keeper.id.view()));
        out.setSequence(credit.sequence);
        out.setTransfer(data_of(credit.transfer.view()));
        out.setFrom(data_of(credit.from.view()));
        out.setAmount(credit.amount.units());
      },
      [this, to = next.to, key = next.key, run = run_](const runtime::Answer<messages::wire::Nothing>& answer) {
        if (run != run_) return;
        if (answer.ok()) {
          untold_.told(to, key);
          told_.push_back(key);
          after<Flush>(kToldFlush);
        } else {
          untold_.not_told(to, now(), answer.error());
        }
        tell();
      });
}

}  // namespace troupe::chain
