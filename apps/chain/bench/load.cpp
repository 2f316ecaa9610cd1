#include "apps/chain/bench/load.hpp"

#include "actors/chain/logic/header.hpp"
#include "messages/codec.hpp"
#include "messages/peers.capnp.h"

namespace troupe::bench {
namespace {

namespace chain_words = chain::wire;

constexpr std::chrono::hours kBlocksIdle{1};
constexpr std::chrono::milliseconds kPoolAgain{20};     // our choice: about a block
constexpr std::chrono::seconds kFinalMax{40};           // our choice: until all waiting payments are final
constexpr std::chrono::milliseconds kPauseCalm{1'000};  // our choice: time of normal blocks before
constexpr std::uint32_t kFinalWaitMs = 30'000;

void write_submitted(chain_words::SubmitTransaction::Builder out, const Payment& payment) {
  out.setTransaction(data_of(payment.bytes));
}

}  // namespace

// -- many

void ChainLoad::receive(runtime::Handlers& on) {
  on.timer<Again>([this] {
    for (std::size_t node = 0; node < queues_.size(); ++node) {
      queues_[node].full = false;
      fill(node);
    }
  });
  on.timer<Late>([this] {
    if (ended_) return;
    refuse(std::to_string(pending_) + " payments are not final");
    ended_ = true;
    end();
  });
}

void ChainLoad::start() {
  queues_.resize(plan_.to.size());
  for (std::size_t i = 0; i < plan_.payments->size(); ++i)
    queues_[i % plan_.accounts % queues_.size()].payments.push_back(i);
  watch_ = subscribe<chain_words::WatchChain, chain_words::ChainBlock>(
      plan_.watched, kBlocksIdle, [](chain_words::WatchChain::Builder) {},
      [this](chain_words::ChainBlock::Reader block) { take(block.getInfo()); },
      [this](const base::Outcome<void>& ended) {
        if (!ended.ok() && !ended_) refuse(ended.error().message);
      });
  progress_.emplace(now(), plan_.span);
  for (std::size_t node = 0; node < queues_.size(); ++node) fill(node);
  after<Late>(plan_.span + kFinalMax);
}

void ChainLoad::fill(std::size_t node) {
  Queue& queue = queues_[node];
  while (!over_ && !queue.full && queue.in_flight < kInFlight && !queue.payments.empty() &&
         pending_ < plan_.pending_max) {
    const std::size_t payment = queue.payments.front();
    queue.payments.pop_front();
    submit(node, payment);
  }
}

void ChainLoad::submit(std::size_t node, std::size_t payment) {
  ++queues_[node].in_flight;
  ++pending_;
  ask<chain_words::SubmitTransaction, chain_words::TransactionInfo>(
      plan_.to[node], now() + kDue,
      [&](chain_words::SubmitTransaction::Builder out) { write_submitted(out, (*plan_.payments)[payment]); },
      [this, node, payment](const runtime::Answer<chain_words::TransactionInfo>& answer) {
        Queue& queue = queues_[node];
        --queue.in_flight;
        if (!answer.ok()) {
          pending_ -= std::min<std::uint64_t>(pending_, 1);
          if (answer.error().code == base::Code::overloaded) {
            queue.payments.push_front(payment);
            queue.full = true;
            after<Again>(kPoolAgain);
          } else {
            refuse(answer.error().message);
          }
        }
        fill(node);
        end_if_final();
      });
}

void ChainLoad::take(chain_words::BlockInfo::Reader block) {
  const std::uint64_t count = block.getTransactions().size() / chain::TxId::kBytes;
  (*plan_.blocks)[block.getHeight()] = count;
  pending_ -= std::min(pending_, count);
  if (!progress_->done(count, now())) over_ = true;
  for (std::size_t node = 0; node < queues_.size(); ++node) fill(node);
  end_if_final();
}

bool ChainLoad::spent() const {
  return std::ranges::all_of(queues_, [](const Queue& one) { return one.payments.empty() && one.in_flight == 0; });
}

/// Waiting payments are put into blocks before the next figure begins.
void ChainLoad::end_if_final() {
  const bool none_asked = std::ranges::all_of(queues_, [](const Queue& one) { return one.in_flight == 0; });
  if (ended_ || pending_ > 0 || !none_asked || !(over_ || spent())) return;
  ended_ = true;
  end();
}

void ChainLoad::refuse(const std::string& why) {
  if (figure_.errors++ == 0) figure_.error = why;
}

// -- one after another

void ChainClient::pay_next() {
  const Payment payment = money_->pay(account_++ % money_->accounts());
  ask<chain_words::SubmitTransaction, chain_words::TransactionInfo>(
      to_, now() + kDue, [&](chain_words::SubmitTransaction::Builder out) { write_submitted(out, payment); },
      [this, id = payment.id, from = now()](const runtime::Answer<chain_words::TransactionInfo>& answer) {
        if (!answer.ok()) return over(from, answer.error().message);
        wait_for(id, from);
      });
}

void ChainClient::wait_for(const chain::TxId& id, base::Instant from) {
  ask<chain_words::GetTransaction, chain_words::TransactionInfo>(
      to_, now() + kDue,
      [&](chain_words::GetTransaction::Builder out) {
        out.setId(data_of(id.view()));
        out.setWaitMs(kFinalWaitMs);
      },
      [this, from](runtime::Answer<chain_words::TransactionInfo> answer) {
        if (!answer.ok()) return over(from, answer.error().message);
        over(from, answer.value().getState() == chain_words::TransactionState::FINAL ? "" : "a payment is not final");
      });
}

void ChainFinal::start() {
  progress_.emplace(now(), span_);
  pay_next();
}

bool ChainFinal::paid(base::Instant from, const std::string& why) {
  const base::Instant at = now();
  if (why.empty()) note_delay(from, at);
  else if (figure_.errors++ == 0) figure_.error = why;
  if (progress_->done(1, at) && why.empty()) return true;
  end();
  return false;
}

// -- a proposer is killed

void ChainPause::start() {
  begun_ = last_ = now();
  watch_ = subscribe<chain_words::WatchChain, chain_words::ChainBlock>(
      to_, kBlocksIdle, [](chain_words::WatchChain::Builder) {},
      [this](chain_words::ChainBlock::Reader block) { take(block.getInfo()); },
      [this](const base::Outcome<void>& ended) {
        if (!ended.ok() && figure_.errors++ == 0) figure_.error = ended.error().message;
      });
  pay_next();
}

void ChainPause::take(chain_words::BlockInfo::Reader block) {
  const base::Instant at = now();
  if (killed_) longest_ = std::max(longest_, at - last_);
  last_ = at;
  const auto header = chain::parse_header(bytes_of(block.getHeader()));
  if (killed_ || !header) return;
  const std::size_t validators = plan_.validators.size();
  proposers_.push_back(header->proposer);
  if (proposers_.size() > validators) proposers_.pop_front();
  // Validators with equal stake propose in turn: the next proposer is the validator with the oldest turn.
  if (at < begun_ + kPauseCalm || proposers_.size() < validators) return;
  if (std::set<base::NodeId>(proposers_.begin(), proposers_.end()).size() < validators) return;
  const auto next = std::ranges::find(plan_.validators, proposers_.front());
  if (next == plan_.validators.begin() || next == plan_.validators.end()) return;
  killed_ = true;
  ended_ = at;
  plan_.ends(static_cast<std::size_t>(next - plan_.validators.begin()));
}

bool ChainPause::paid(base::Instant, const std::string& why) {
  const base::Instant at = now();
  if (!why.empty() && figure_.errors++ == 0) figure_.error = why;
  const bool late = !killed_ && at > begun_ + kSpan;  // no validator's turn was seen
  if (late && figure_.errors++ == 0) figure_.error = "validators do not propose in turn";
  if (why.empty() && !late && (!killed_ || at < ended_ + kSpan)) return true;
  figure_.delays.push_back(longest_);
  end();
  return false;
}

// -- a node that catches up

void ChainSync::start() {
  none_ = now();
  ask<peers::wire::ConnectPeer, peers::wire::Connected>(
      plan_.peers, now() + kDue, [this](peers::wire::ConnectPeer::Builder out) { out.setTarget(plan_.other); },
      [this](const runtime::Answer<peers::wire::Connected>& linked) {
        if (!linked.ok() && linked.error().code != base::Code::conflict) fail(linked.error().message);
      });
  look();
}

void ChainSync::look() {
  ask<chain_words::GetChainStatus, chain_words::ChainStatus>(
      plan_.chain, now() + kDue, [](chain_words::GetChainStatus::Builder) {},
      [this](runtime::Answer<chain_words::ChainStatus> status) {
        const base::Instant at = now();
        if (!status.ok()) return fail(status.error().message);
        const std::uint64_t height = status.value().getHeight();
        if (height == 0) none_ = at;
        if (plan_.blocks->empty() || height < plan_.blocks->rbegin()->first) return after<Look>(kLook);
        std::uint64_t transactions = 0;
        for (const auto& [of, count] : *plan_.blocks) transactions += count;
        figure_.seconds = std::chrono::duration<double>(at - none_).count();
        figure_.per_second = static_cast<double>(transactions) / *figure_.seconds;
        end();
      });
}

void ChainSync::fail(const std::string& why) {
  if (figure_.errors++ > 0) return;
  figure_.error = why;
  end();
}

}  // namespace troupe::bench
