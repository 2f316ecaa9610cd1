#pragma once
// What the nodes of `troupe bench chain` are asked: payments in number, one after the other, and to catch up.
//
// Final   a payment is counted when the watched node reports its block, so in lumps of a block.
// Errors  a payment that a node refuses, unless its pool is full: then it is given again.
#include <deque>
#include <map>
#include <set>

#include "apps/chain/bench/money.hpp"
#include "messages/chain.capnp.h"

namespace troupe::bench {

/// Transactions of each height that was watched. One actor at a time has it.
using BlockSizes = std::map<std::uint64_t, std::uint64_t>;

/// Payments that were signed before, at several nodes at once: each account pays at one node, in order.
class ChainLoad final : public Measuring {
 public:
  static constexpr const char* kName = "chain-load";
  static constexpr std::size_t kInFlight = 128;       // our choice: half of what a link may have
  static constexpr std::size_t kPendingMin = 200;     // our choice
  static constexpr std::size_t kPendingMax = 10'000;  // our choice: some blocks of the largest size
  struct Plan {
    std::vector<runtime::Handle> to;
    runtime::Handle watched;
    std::shared_ptr<const std::vector<Payment>> payments;
    std::size_t accounts = 1;               ///< payment i is one of account i % accounts
    std::size_t pending_max = kPendingMax;  ///< submitted and not final yet, at most
    std::shared_ptr<BlockSizes> blocks;
    base::Duration span{0};
  };
  ChainLoad(Plan plan, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), plan_(std::move(plan)) {}

  void receive(runtime::Handlers& on) override;
  void start() override;

 private:
  struct Again {};
  struct Late {};
  struct Queue {
    std::deque<std::size_t> payments;
    std::size_t in_flight = 0;
    bool full = false;  // its pool was: it is asked again a moment later
  };
  void fill(std::size_t node);
  void submit(std::size_t node, std::size_t payment);
  void take(chain::wire::BlockInfo::Reader block);
  void refuse(const std::string& why);
  bool spent() const;
  void end_if_final();

  const Plan plan_;
  std::vector<Queue> queues_;
  runtime::Subscription watch_;
  std::uint64_t pending_ = 0;  // submitted and not final yet
  bool over_ = false, ended_ = false;
};

/// One payment after the other at one node, each until it is final.
class ChainClient : public Measuring {
 public:
  ChainClient(runtime::Handle to, std::shared_ptr<ChainMoney> money, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), to_(std::move(to)), money_(std::move(money)) {}

 protected:
  void pay_next();
  /// A payment is final; or `why` not. Returns whether to make another payment.
  virtual bool paid(base::Instant from, const std::string& why) = 0;

  const runtime::Handle to_;

 private:
  void wait_for(const chain::TxId& id, base::Instant from);
  void over(base::Instant from, const std::string& why) {
    if (paid(from, why)) pay_next();
  }
  const std::shared_ptr<ChainMoney> money_;
  std::size_t account_ = 0;
};

/// Its delays are from the send to the final block.
class ChainFinal final : public ChainClient {
 public:
  static constexpr const char* kName = "chain-final";
  ChainFinal(runtime::Handle to, std::shared_ptr<ChainMoney> money, base::Duration span, Figure figure,
             Measured measured)
      : ChainClient(std::move(to), std::move(money), std::move(figure), std::move(measured)), span_(span) {}
  void start() override;

 private:
  bool paid(base::Instant from, const std::string& why) override;
  const base::Duration span_;
};

/// One payment after the other, until the next proposer is ended. Its one delay is the longest time without a block
/// from then on. The node that is asked continues.
class ChainPause final : public ChainClient {
 public:
  static constexpr const char* kName = "chain-pause";
  static constexpr std::chrono::seconds kSpan{8};  // our choice: each validator was to propose some times
  struct Plan {
    std::vector<base::NodeId> validators;   ///< the validator that is asked is the first
    std::function<void(std::size_t)> ends;  ///< that validator
  };
  ChainPause(runtime::Handle to, std::shared_ptr<ChainMoney> money, Plan plan, Figure figure, Measured measured)
      : ChainClient(std::move(to), std::move(money), std::move(figure), std::move(measured)), plan_(std::move(plan)) {}
  void start() override;

 private:
  bool paid(base::Instant from, const std::string& why) override;
  void take(chain::wire::BlockInfo::Reader block);

  const Plan plan_;
  runtime::Subscription watch_;
  std::deque<base::NodeId> proposers_;  // of the latest blocks
  base::Instant begun_, last_, ended_;
  bool killed_ = false;
  base::Duration longest_{0};
};

/// A node that has missed all so far is linked to one of the others: how fast it takes their blocks.
class ChainSync final : public Measuring {
 public:
  static constexpr const char* kName = "chain-sync";
  static constexpr std::chrono::milliseconds kLook{5};  // our choice: between two questions for its height
  struct Plan {
    runtime::Handle chain, peers;
    std::string other;  ///< to which it is linked: ID@HOST:PORT
    std::shared_ptr<const BlockSizes> blocks;
  };
  ChainSync(Plan plan, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), plan_(std::move(plan)) {}
  void receive(runtime::Handlers& on) override {
    on.timer<Look>([this] { look(); });
  }
  void start() override;

 private:
  struct Look {};
  void look();
  void fail(const std::string& why);

  const Plan plan_;
  base::Instant none_;  // when it was last seen without a block
};

}  // namespace troupe::bench
