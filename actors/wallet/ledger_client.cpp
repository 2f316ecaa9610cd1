#include "actors/wallet/ledger_client.hpp"

#include "messages/codec.hpp"

namespace troupe::wallet {
namespace {

constexpr std::chrono::seconds kPostDue{20};      // our choice: then sent again
constexpr std::chrono::minutes kUnknownLater{1};  // until the next minute's count begins

base::Outcome<std::uint64_t> end_of(LedgerClient::Answer& answer) {
  if (!answer.ok()) return answer.error();
  return answer.value().getSequence();
}

}  // namespace

void LedgerClient::forget() {
  ++run_;
  deposits_.clear();
  put_off_.clear();
  deposit_at_ = base::Instant::max();
  deposits_from_ = {};
  payment_.reset();
}

// -- deposits

bool LedgerClient::deposit(const SignedBytes& given, std::optional<runtime::Caller> asker, Done done) {
  auto transfer = decode_transfer(given.bytes);
  if (!transfer) return false;
  const TransferId id = id_of(*transfer);
  const bool known = asker.has_value();
  const auto [at, fresh] = deposits_.try_emplace(id, given, std::move(*transfer), std::move(asker), std::move(done));
  if (!fresh) {
    Deposit& waiting = at->second;
    if (waiting.asker || !asker) return true;
    waiting.asker = std::move(asker);
    if (put_off_.erase(id) > 0) send_deposit(id);
    return true;
  }
  if (known) send_deposit(id);
  else put_off(id, settings_.again_min);
  return true;
}

bool LedgerClient::send_deposit(const TransferId& id) {
  const Deposit& it = deposits_.at(id);
  if (settings_.unknown && !it.asker && settings_.unknown->fetch_add(1) >= kUnknownAMinute) {
    put_off(id, kUnknownLater);
    return false;
  }
  ask_for<wire::PostTransfer, wire::Posted>(
      it.asker.value_or(runtime::Caller{}), node().find(kPath), now() + kPostDue,
      [&](wire::PostTransfer::Builder out) {
        write(out.initTransfer(), it.transfer, it.given.policy, it.given.approvals, it.given.on_chain);
        out.setToNoKey(true);
      },
      [this, id, run = run_](Answer answer) {
        if (run != run_) return;
        if (!answer.ok() && !base::is_final(answer.error().code)) {
          const base::Duration delay = deposits_again_.next(answer.error());
          deposits_from_ = now() + delay;
          return put_off(id, delay);
        }
        deposits_again_.reset();
        auto ended = deposits_.extract(id);
        for (const auto& [other, due] : std::exchange(put_off_, {})) send_deposit(other);
        ended.mapped().done(end_of(answer));
      });
  return true;
}

void LedgerClient::put_off(const TransferId& id, base::Duration delay) {
  put_off_[id] = now() + delay;
  wait(put_off_[id]);
}

void LedgerClient::wait(base::Instant due) {
  const base::Instant at = std::max(due, deposits_from_);
  if (at >= deposit_at_) return;
  deposit_at_ = at;
  wait_to_deposit_(*this, std::max(at - now(), base::Duration::zero()));
}

/// Sends one postponed deposit that is due, in turn. What delays one deposit delays all, and each is work for the ledger.
void LedgerClient::deposit_next() {
  deposit_at_ = base::Instant::max();
  base::Instant earliest = base::Instant::max();
  for (std::size_t left = put_off_.size(); left > 0; --left) {
    auto next = put_off_.upper_bound(tried_);
    if (next == put_off_.end()) next = put_off_.begin();
    tried_ = next->first;
    if (next->second > now()) {
      earliest = std::min(earliest, next->second);
      continue;
    }
    put_off_.erase(next);
    if (send_deposit(tried_)) return;
  }
  if (earliest != base::Instant::max()) wait(earliest);
}

// -- payments

void LedgerClient::pay(std::string kind, base::ByteView id, const Transfer& transfer, Done done, Ends ends) {
  if (payment_) return;
  payment_.emplace(std::move(kind), base::Bytes(id.begin(), id.end()), transfer, std::move(done), ends);
  send_payment();
}

void LedgerClient::send_payment() {
  if (!payment_ || std::exchange(payment_->asked, true)) return;
  pay_once(payment_->kind, payment_->id, payment_->transfer, [this](Answer& answer) {
    if (!answer.ok() && !(payment_->ends != nullptr && payment_->ends(answer))) {
      settings_.log.warn("sending a payment again", {{"kind", payment_->kind},
                                                     {"account", base::hex(payment_->id)},
                                                     {"why", std::string_view(answer.error().message)}});
      payment_->asked = false;
      return wait_to_pay_(*this, pays_again_.next(answer.error()));
    }
    pays_again_.reset();
    Done done = std::move(payment_->done);
    payment_.reset();
    done(end_of(answer));
  });
}

void LedgerClient::pay_once(const std::string& kind, base::ByteView id, const Transfer& transfer,
                            base::Callback<void(Answer&)> answered) {
  ask<wire::PayFrom, wire::Posted>(
      node().find(kPath), now() + kPostDue,
      [&](wire::PayFrom::Builder out) {
        out.setTransfer(data_of(encode(transfer)));
        out.setKind(kind);
        out.setId(data_of(id));
      },
      [this, run = run_, answered = std::move(answered)](Answer answer) mutable {
        if (run == run_) answered(answer);
      });
}

}  // namespace troupe::wallet
