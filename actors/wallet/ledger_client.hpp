#pragma once
// Sends deposits and payments until the ledger has given its final answer. The owner commits each of them first, and
// sends it again after a start.
//
// Deposit  from another account, which has signed it. It ends when it is posted, or refused for good (base::is_final).
//          Postponed deposits are sent again in turn, one at a time; once one has ended, all of them are sent. If the
//          owner follows the account, the ledger accepts only deposits that the owner sends, and no other payments to
//          the account.
// Payment  from an account without a key, one at a time. It ends when it is posted.
// Repeat   the transfer is the request: the ledger posts it once. A transfer in flight is not sent twice.
// Limits   if transfers cost the ledger's node a fee, kUnknownAMinute deposits per minute whose askers are unknown.
#include <atomic>
#include <map>
#include <memory>

#include "actors/wallet/codec.hpp"
#include "runtime/actor/part.hpp"
#include "runtime/base/backoff.hpp"
#include "runtime/observe/domain_log.hpp"

namespace troupe::wallet {

class LedgerClient final : public runtime::Part {
 public:
  /// Our choice. A chain may postpone deposits forever, and the book's work on them counts against no asker's quota.
  static constexpr std::uint32_t kUnknownAMinute = 960;
  static constexpr std::chrono::seconds kAgainMax{30};  // our choice
  struct Settings {
    observe::DomainLog log{};
    base::Duration again_min = std::chrono::seconds(1);  ///< our choice
    /// The number of deposits with unknown askers in this minute, shared by several owners; null: no limit.
    std::shared_ptr<std::atomic<std::uint32_t>> unknown{};
  };
  /// Gets the sequence of the posting.
  using Done = base::Callback<void(const base::Outcome<std::uint64_t>&)>;
  using Answer = runtime::Answer<wire::Posted>;
  LedgerClient(runtime::Actor& owner, Settings settings) : Part(owner), settings_(std::move(settings)) {}

  /// Registers the timers. Call it in the owner's receive(). The timers are empty structs that only this object uses.
  template <class DepositAgain, class PayAgain>
  void receive(runtime::Handlers& on) {
    wait_to_deposit_ = [](LedgerClient& self, base::Duration delay) { self.after<DepositAgain>(delay); };
    wait_to_pay_ = [](LedgerClient& self, base::Duration delay) { self.after<PayAgain>(delay); };
    on.timer<DepositAgain>([this] { deposit_next(); });
    on.timer<PayAgain>([this] { send_payment(); });
  }

  /// Returns false if `given` cannot be decoded. `asker`: the caller for whom it is posted, or nullopt if it is unknown
  /// after a start. A deposit without an asker waits for its turn.
  bool deposit(const SignedBytes& given, std::optional<runtime::Caller> asker, Done done);
  /// Returns whether this refusal ends a payment.
  using Ends = bool (*)(const Answer& refusal);
  /// Pays from the account of `kind` and `id`. Does nothing while another payment is in progress.
  void pay(std::string kind, base::ByteView id, const Transfer& transfer, Done done, Ends ends = nullptr);
  /// Sends a payment once, whatever the answer is.
  void pay_once(const std::string& kind, base::ByteView id, const Transfer& transfer,
                base::Callback<void(Answer&)> answered);
  /// Forgets all transfers, because the owner reads its rows again: sends none again and passes no answer on.
  void forget();

 private:
  struct Deposit {
    SignedBytes given;
    Transfer transfer;
    std::optional<runtime::Caller> asker;
    Done done;
  };
  struct Payment {
    std::string kind;
    base::Bytes id;
    Transfer transfer;
    Done done;
    Ends ends = nullptr;
    bool asked = false;
  };
  /// Returns false, and puts the deposit off, if too many deposits without an asker were sent in this minute.
  bool send_deposit(const TransferId& id);
  void put_off(const TransferId& id, base::Duration delay);
  /// Runs deposit_next() at that time, or earlier.
  void wait(base::Instant due);
  void deposit_next();
  void send_payment();

  const Settings settings_;
  void (*wait_to_deposit_)(LedgerClient&, base::Duration) = nullptr;
  void (*wait_to_pay_)(LedgerClient&, base::Duration) = nullptr;
  std::uint64_t run_ = 0;  // answers to an earlier run are ignored
  std::map<TransferId, Deposit> deposits_;
  std::map<TransferId, base::Instant> put_off_;      // postponed deposits; not sent before that time
  TransferId tried_;                                 // the postponed deposit that had the last turn
  base::Instant deposit_at_ = base::Instant::max();  // when deposit_next() runs
  base::Instant deposits_from_{};                    // the ledger has postponed all deposits until then
  std::optional<Payment> payment_;
  base::Backoff deposits_again_{settings_.again_min, kAgainMax}, pays_again_{settings_.again_min, kAgainMax};
};

}  // namespace troupe::wallet
