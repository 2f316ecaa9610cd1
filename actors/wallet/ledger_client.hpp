#pragma once
// Sends deposits and payments until the ledger has given its final answer. The owner makes each durable first, and
// sends it again after a start.
//
// Deposit  of another account, which has signed it: ends when it is posted, or refused for good (base::is_final). Those
//          that are put off are sent again one at a time, in turn; once one has ended, all of them are. If
//          the owner follows the account, the ledger takes its deposits, and refuses all other payments to the account.
// Payment  of an account without a key, one at a time: ends when it is posted.
// Repeat   the transfer is the request: the ledger posts it once. One that is being sent is not sent twice.
// Limits   where a transfer costs the ledger's node a fee, kUnknownAMinute deposits a minute whose asker is not known.
#include <atomic>
#include <map>
#include <memory>

#include "actors/wallet/words.hpp"
#include "runtime/actor/part.hpp"
#include "runtime/base/backoff.hpp"
#include "runtime/observe/domain_log.hpp"

namespace troupe::wallet {

class LedgerClient final : public runtime::Part {
 public:
  /// Our choice: a chain may put deposits off without end, and each is work for the book that no asker's share pays for.
  static constexpr std::uint32_t kUnknownAMinute = 960;
  static constexpr std::chrono::seconds kAgainMax{30};  // our choice
  struct Settings {
    observe::DomainLog log{};
    base::Duration again_min = std::chrono::seconds(1);  ///< our choice
    /// Deposits in this minute whose asker is not known, of all owners that share it; null: they are not limited.
    std::shared_ptr<std::atomic<std::uint32_t>> unknown{};
  };
  /// The sequence of the posting.
  using Done = base::Callback<void(const base::Outcome<std::uint64_t>&)>;
  using Answer = runtime::Answer<wire::Posted>;
  LedgerClient(runtime::Actor& owner, Settings settings) : Part(owner), settings_(std::move(settings)) {}

  /// Call it in the owner's receive(). The timers are empty structs that only this object uses.
  template <class DepositAgain, class PayAgain>
  void receive(runtime::Handlers& on) {
    wait_to_deposit_ = [](LedgerClient& self, base::Duration delay) { self.after<DepositAgain>(delay); };
    wait_to_pay_ = [](LedgerClient& self, base::Duration delay) { self.after<PayAgain>(delay); };
    on.timer<DepositAgain>([this] { deposit_next(); });
    on.timer<PayAgain>([this] { send_payment(); });
  }

  /// Returns false if `given` cannot be read. `asker`: for whom it is posted, or nullopt if a start has forgotten that.
  /// A deposit without an asker waits for its turn.
  bool deposit(const SignedBytes& given, std::optional<runtime::Caller> asker, Done done);
  /// Whether that refusal ends a payment all the same.
  using Ends = bool (*)(const Answer& refusal);
  /// From the account of `kind` and `id`. While another payment is being sent it changes nothing.
  void pay(std::string kind, base::ByteView id, const Transfer& transfer, Done done, Ends ends = nullptr);
  /// Once, whatever the answer is.
  void pay_once(const std::string& kind, base::ByteView id, const Transfer& transfer,
                base::Callback<void(Answer&)> answered);
  /// The owner reads its rows again: nothing is sent again, and no answer is passed on.
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
  std::uint64_t run_ = 0;  // answers to an earlier one are ignored
  std::map<TransferId, Deposit> deposits_;
  std::map<TransferId, base::Instant> put_off_;      // and not sent before
  TransferId tried_;                                 // the last deposit put off that had its turn
  base::Instant deposit_at_ = base::Instant::max();  // when deposit_next() runs
  base::Instant deposits_from_{};                    // the ledger has put all deposits off until then
  std::optional<Payment> payment_;
  base::Backoff deposits_again_{settings_.again_min, kAgainMax}, pays_again_{settings_.again_min, kAgainMax};
};

}  // namespace troupe::wallet
