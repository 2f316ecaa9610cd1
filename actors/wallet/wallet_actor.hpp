#pragma once
// Accounts of money, at kPath: serves the book if this node keeps it, and otherwise passes requests on to the node that
// keeps it.
//
// Spawns  `book` while this node holds the seat (actors/durable/api.hpp); `own`, its own account (own_actor.hpp).
// Chain   with `ledger.book = chain` what is asked of the book is asked of kChainBookPath, which turns transfers into
//         transactions.
// Moved   a node that keeps a book with postings, and whose `ledger.book` names another place, asks nothing there.
// Rate    WalletSettings::strangers_per_second of what other nodes order: each order is rows for ever, and costs them
//         nothing. Units of kUnitBytes, in shares (runtime/base/rate_budget.hpp).
// Health  kLedgerHealth is a reason while the book's place has not answered for kUnreachableMax.
// Trust   who issues: an operator at the local socket of the book's node, or of a member of its group.
#include "actors/durable/api.hpp"
#include "actors/wallet/api.hpp"
#include "messages/wallet.capnp.h"
#include "runtime/base/rate_budget.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::wallet {

/// The largest order is 33 units (durable::Home::kUnitBytes), and the budget of a second holds it beside its reserve.
inline constexpr std::uint32_t kStrangersMin = 64;

inline constexpr const char* kLedgerHealth = "ledger";
inline constexpr std::chrono::seconds kLedgerLookPeriod{10};  // our choice
inline constexpr std::chrono::seconds kUnreachableMax{20};    // our choice: many elections

struct WalletSettings {
  std::shared_ptr<runtime::Links> links;
  std::shared_ptr<const crypto::Identity> identity;
  durable::Place book;
  Amount own_daily;                             ///< what the node's own account spends in a day
  std::uint32_t transfers_per_minute = 60'000;  ///< of an account that a key spends from
  std::size_t proposals_max = 16'384;           ///< of all accounts: 16 MiB (our choice)
  std::uint32_t strangers_per_second = 1'024;   ///< of all other nodes, at least kStrangersMin; twice as many at once
  observe::Health* health = nullptr;            ///< outlives the node
  observe::DomainLog log{};
};

class WalletActor final : public durable::Home {
 public:
  static constexpr const char* kName = "wallet";
  explicit WalletActor(const WalletSettings& settings)
      : Home(settings.book, settings.links, kPath, "book",
             base::Rate{settings.strangers_per_second, 2 * settings.strangers_per_second}),
        settings_(settings) {}

  void receive(runtime::Handlers& on) override;

 private:
  struct LookAtLedger {};
  void publish() override;
  runtime::Handle begin_child(const std::string& name) override;
  std::optional<base::Error> refusal(const runtime::Envelope& question) override;

  void look_for_own_book();
  void look_at_ledger();
  void ledger_is(const std::string& unreachable_why);

  const WalletSettings settings_;
  std::optional<durable::Storage> own_, chain_;  // of a book, and accounts on the chain, that this node may have kept
  bool moved_ = false, left_chain_ = false;
  std::optional<base::Instant> unreachable_since_;
  /// Why the book here cannot be read.
  std::shared_ptr<std::optional<base::Error>> damaged_ = std::make_shared<std::optional<base::Error>>();
};

}  // namespace troupe::wallet
