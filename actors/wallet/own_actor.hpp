#pragma once
// The account of this node's own key, at kOwnPath: small sums for payments that the node makes by itself.
//
// Turns    one transfer at a time, because the next number is known only after the end of the current transfer. A part
//          of the node that got a transfer reports its result (Spent); the wait ends after kSpendDue.
// Limit    parts of the node spend at most WalletSettings::own_daily per UTC day; an operator is limited only by the
//          balance. A transfer that may still be posted counts as spent. The count is durable before a transfer is
//          handed out.
// Patience a request that has waited for kAskedFor is dropped, because its caller has given up.
// Source   the hot wallet of an exchange.
#include <deque>
#include <variant>

#include "actors/wallet/wallet_actor.hpp"

namespace troupe::wallet {

/// The sum spent on a day.
struct OwnSpent {
  std::uint64_t day = 0;  ///< days since 1970, in UTC
  Amount spent;

  /// Returns the part of `daily` that is left on the day `today`.
  Amount left(std::uint64_t today, Amount daily) const {
    return today == day ? minus(daily, spent).value_or(Amount()) : daily;
  }
  base::Bytes encode() const;
  static std::optional<OwnSpent> decode(base::ByteView bytes);
  friend bool operator==(const OwnSpent&, const OwnSpent&) = default;
};

class OwnActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "own account";
  static constexpr std::size_t kWaitingMax = 1'024;     // our choice
  static constexpr std::chrono::seconds kSpendDue{30};  // messages/wallet.capnp
  static constexpr std::chrono::seconds kAskedFor{50};  // our choice: less than the time for which callers wait
  explicit OwnActor(WalletSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;

 private:
  struct Reload {};
  struct Overdue {};
  using GiveTo = runtime::Reply<wire::Spending>;
  using PostFor = runtime::Reply<wire::Posted>;
  struct Waiting {
    Credit credit;
    std::string memo, request;
    std::variant<GiveTo, PostFor> reply;
    base::Instant came{};
    bool by_operator() const { return std::holds_alternative<PostFor>(reply); }
    void refuse(const base::Error& why) {
      std::visit([&](auto& to) { to.refuse(why); }, reply);
    }
  };
  void load();
  void want(Waiting waiting);
  void next();
  void spend(Waiting waiting, const BookId& book, TransferNumber number);
  void give(const Transfer& transfer, GiveTo& to);
  void post(const Transfer& transfer, const std::string& request, PostFor to);
  /// Ends the current transfer. A sum that was not posted may be spent again.
  void ended(bool posted);
  std::uint64_t today() const;
  Amount spent_today() const;
  void write_signed(wire::SignedTransfer::Builder to, const Transfer& transfer) const;

  const WalletSettings settings_;
  const Policy policy_;
  durable::Storage storage_;
  durable::StateRow<OwnSpent> row_;
  std::deque<Waiting> queue_;
  bool busy_ = false;
  std::optional<Transfer> current_;
};

}  // namespace troupe::wallet
