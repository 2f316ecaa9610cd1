#pragma once
// Accounts of money at this node, at kPath: serves the book where this node keeps it, and passes on what is asked of it
// elsewhere.
//
// Spawns  `book` while this node holds the seat (actors/durable/api.hpp).
// Trust   who issues: an operator at the local socket of the book's node, or of a member of its group.
#include "actors/durable/api.hpp"
#include "actors/wallet/api.hpp"
#include "messages/wallet.capnp.h"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"

namespace troupe::wallet {

struct WalletSettings {
  std::shared_ptr<net::Pool> pool;
  durable::Place book;
  observe::Health* health = nullptr;  ///< outlives the node
  observe::DomainLog log{};
};

class WalletActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "wallet";
  explicit WalletActor(WalletSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;

 private:
  struct Follow {};
  struct Again {};
  void take(const runtime::Envelope& question, runtime::AnyReply reply);
  void ask_book(const runtime::Envelope& question, runtime::AnyReply reply);
  bool may_issue() const;
  void begin();
  void end();

  const WalletSettings settings_;
  durable::Seat seat_;
  durable::Gateway gateway_;
  runtime::Handle book_;
  std::uint64_t books_ = 0;  // ever: a name is free only once its actor has ended
};

}  // namespace troupe::wallet
