#pragma once
// The requests of `troupe bench chain` to its nodes: many payments, single payments, and catching up.
//
// Final   a payment is counted when the watched node reports its block, so the count grows in steps of a block.
// Errors  a payment that a node refuses is an error, unless its pool is full: then it is submitted again.
#include <deque>
#include <map>
#include <set>

#include "apps/chain/bench/money.hpp"
#include "messages/chain.capnp.h"

namespace troupe::bench {

/// Number of transactions at each watched height. Used by one actor at a time.
using BlockSizes = std::map<std::uint64_t, std::uint64_t>;

/// Sends payments that were signed in advance, at several nodes at once: each account pays at one node, in order.
class ChainLoad final : public Measuring {
 public:
  static constexpr const char* kName = "chain-load";
  static constexpr std::size_t kInFlight = 128;       // our choice: half of a link's limit
  static constexpr std::size_t kPendingMin = 200;     // our choice
  static constexpr std::size_t kPendingMax = 10'000;  // our choice: some blocks of the largest size
  struct Plan {
    std::vector<runtime::Handle> to;
    runtime::Handle watched;
    std::shared_ptr<const std::vector<Payment>> payments;
    std::size_t accounts = 1;               ///< payment i is from account i % accounts
    std::size_t pending_max = kPendingMax;  ///< limit of submitted payments that are not final yet
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
    bool full = false;  // the node's pool was full: it is asked again a moment later
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
  std::uint64_t pending_ = 0;  // submitted, not final yet
  bool over_ = false, ended_ = false;
};

/// Makes one payment after another at one node, each once the last is final.
class ChainClient : public Measuring {
 public:
  ChainClient(runtime::Handle to, std::shared_ptr<ChainMoney> money, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), to_(std::move(to)), money_(std::move(money)) {}

 protected:
  void pay_next();
  /// Called when a payment is final, or when it has failed because of `why`. Returns whether to make another payment.
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

/// Measures delays from the send to the final block.
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

/// Makes one payment after another, then kills the next proposer. Its only delay is the longest time without a block
/// from then on. The node that receives the payments is not killed.
class ChainPause final : public ChainClient {
 public:
  static constexpr const char* kName = "chain-pause";
  static constexpr std::chrono::seconds kSpan{8};  // our choice: each validator should propose several times
  struct Plan {
    std::vector<base::NodeId> validators;   ///< the first validator receives the payments
    std::function<void(std::size_t)> ends;  ///< kills that validator
  };
  ChainPause(runtime::Handle to, std::shared_ptr<ChainMoney> money, Plan plan, Figure figure, Measured measured)
      : ChainClient(std::move(to), std::move(money), std::move(figure), std::move(measured)), plan_(std::move(plan)) {}
  void start() override;

 private:
  bool paid(base::Instant from, const std::string& why) override;
  void take(chain::wire::BlockInfo::Reader block);

  const Plan plan_;
  runtime::Subscription watch_;
  std::deque<base::NodeId> proposers_;  // proposers of the latest blocks
  base::Instant begun_, last_, ended_;
  bool killed_ = false;
  base::Duration longest_{0};
};

/// Links a node that has no blocks to another node, and measures how fast it gets the other node's blocks.
class ChainSync final : public Measuring {
 public:
  static constexpr const char* kName = "chain-sync";
  static constexpr std::chrono::milliseconds kLook{5};  // our choice: between two requests for its height
  struct Plan {
    runtime::Handle chain, peers;
    std::string other;  ///< node to which the new node is linked: ID@HOST:PORT
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
  base::Instant none_;  // when the new node was last seen without a block
};

}  // namespace troupe::bench
