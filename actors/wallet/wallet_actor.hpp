#pragma once
// Accounts of money, at kPath: serves the book if this node keeps it, and otherwise passes requests on to the node that
// keeps it.
//
// Spawns  `book` while this node holds the seat (actors/durable/api.hpp); `own`, this node's account (own_actor.hpp).
// Chain   with `ledger.book = chain`, requests to the book go to kChainBookPath, which turns transfers into
//         transactions.
// Moved   a node that has a book with postings, and whose `ledger.book` names another place, sends no requests there.
// Rate    WalletSettings::strangers_per_second limits orders from other nodes, because each order adds permanent rows
//         and costs the sender nothing. It counts units of kUnitBytes, in quotas (runtime/base/rate_budget.hpp).
// Health  kLedgerHealth is raised when the book's place has not answered for kUnreachableMax.
// Trust   only an operator at the local socket of the book's node, or of a member of its group, issues money.
#include "actors/durable/api.hpp"
#include "actors/wallet/api.hpp"
#include "messages/wallet.capnp.h"
#include "runtime/base/rate_budget.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::wallet {

/// A second's budget covers the reserve and the largest order, which is 33 units (durable::Home::kUnitBytes).
inline constexpr std::uint32_t kStrangersMin = 64;

inline constexpr const char* kLedgerHealth = "ledger";
inline constexpr std::chrono::seconds kLedgerLookPeriod{10};  // our choice
inline constexpr std::chrono::seconds kUnreachableMax{20};    // our choice: many elections

struct WalletSettings {
  std::shared_ptr<runtime::Links> links;
  std::shared_ptr<const crypto::Identity> identity;
  durable::Place book;
  Amount own_daily;                             ///< the most that the node's own account spends in a day
  std::uint32_t transfers_per_minute = 60'000;  ///< per account that has keys
  std::size_t proposals_max = 16'384;           ///< in all accounts together: 16 MiB (our choice)
  std::uint32_t strangers_per_second = 1'024;   ///< from all other nodes, at least kStrangersMin; bursts of twice that
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
  std::optional<durable::Storage> own_, chain_;  // rows of a book and of chain accounts that this node may have kept
  bool moved_ = false, left_chain_ = false;
  std::optional<base::Instant> unreachable_since_;
  /// The reason why this node's book cannot be read.
  std::shared_ptr<std::optional<base::Error>> damaged_ = std::make_shared<std::optional<base::Error>>();
};

}  // namespace troupe::wallet
