// The figure of `troupe bench chain` for the state only: blocks are executed and stored, without votes and links.
#include "actors/chain/ledger.hpp"
#include "actors/chain/settings.hpp"
#include "apps/chain/bench/figures.hpp"
#include "apps/chain/bench/money.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/store/store_actor.hpp"

namespace troupe::bench {
namespace {

constexpr std::size_t kSenders = 8'000;           // funded by the genesis, which can fund 10,000
constexpr std::size_t kFundings = 125;            // transfers of a block that creates accounts
constexpr std::size_t kFundingBlocks = 128;       // with 64 credits per transfer: 1,024,000 accounts
constexpr std::size_t kExecutedAtOnce = 2'000;    // in a block of 2,000,000 gas, the limit of a new chain
constexpr std::chrono::seconds kMillionMax{300};  // our choice: until the accounts exist

/// Blocks on a ledger of a million accounts. Signatures are made and verified before a block's time begins. The time
/// covers reading the block, executing it, and making it durable with the state root. The first block is not counted.
class ExecuteLoad final : public Measuring {
 public:
  static constexpr const char* kName = "execute-load";
  ExecuteLoad(std::shared_ptr<ChainMoney> money, std::shared_ptr<const chain::SignedGenesis> genesis,
              base::Duration span, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)),
        money_(std::move(money)),
        genesis_(std::move(genesis)),
        span_(span),
        chain_{id_of(genesis_->genesis()).bytes},
        ledger_(*this, nullptr, chain::ChainSettings{}.cache_bytes) {}

  void receive(runtime::Handlers& on) override {
    ledger_.receive<RowsAgain>(on);
    on.timer<NextBlock>([this] { next(); });
  }
  void start() override {
    ledger_.open(genesis_->genesis(), random().next(), [this](const base::Outcome<void>& read) {
      if (!read.ok()) return fail(read.error().message);
      next();
    });
  }
  void stop() override { ledger_.stop(); }

 private:
  struct RowsAgain {};
  struct NextBlock {};
  using Approved = std::vector<chain::Approved>;

  static wallet::Address receiver(std::uint64_t number) {
    wallet::Address out;
    out.bytes = crypto::sha256(base::as_bytes("bench receiver " + std::to_string(number))).bytes;
    return out;
  }
  bool makes_accounts() const { return ledger_.head().height.value < kFundingBlocks; }

  std::shared_ptr<const Approved> transfers() {
    constexpr std::uint64_t kReceivers = kFundingBlocks * kFundings * wallet::kCreditsMax;
    auto out = std::make_shared<Approved>();
    const auto add = [&](std::size_t from, std::vector<wallet::Credit> credits) {
      auto approved = chain::Approved::verify(money_->pay(from, std::move(credits)), chain_, {});
      base::ensure(approved.ok(), "a purse's own signature is valid");
      out->push_back(std::move(approved).value());
    };
    if (!makes_accounts()) {
      for (std::size_t i = 0; i < kExecutedAtOnce; ++i)
        add(random().below(kSenders), {{receiver(random().below(kReceivers)), wallet::Amount::of(1)}});
      return out;
    }
    for (std::size_t i = 0; i < kFundings; ++i) {
      std::vector<wallet::Credit> credits;
      for (std::size_t k = 0; k < wallet::kCreditsMax; ++k)
        credits.push_back({receiver(made_++), wallet::Amount::of(1'000)});
      add(i, std::move(credits));
    }
    return out;
  }

  void next() {
    const bool counts = !makes_accounts();
    const auto transactions = transfers();
    const auto block = std::make_shared<chain::Block>();
    chain::Header& header = block->header;
    header.height = ledger_.head().height.next();
    header.time = ledger_.head().time + chain::UnixMs{1};
    header.proposer = proposer();
    header.parent = ledger_.head().id;
    if (ledger_.head_commit()) block->commit = commit_entries(*ledger_.head_commit());
    seal(*block, *transactions);
    const auto bytes = std::make_shared<const base::Bytes>(encode(*block, *transactions));
    const auto context = context_of(*block, money_->address(0));
    base::ensure(context.has_value(), "a block that is made here can be decoded");
    const base::Instant from = now();
    ledger_.run(*context, transactions, [=, this](base::Outcome<std::shared_ptr<const chain::Executed>> ran) {
      if (!ran.ok()) return fail(ran.error().message);
      const auto executed = ran.value();
      for (const chain::Receipt& one : executed->receipts)
        if (one.outcome != chain::Outcome::done) return fail(std::string(name(one.outcome)));
      const chain::Commit commit{{{}, block->header.height, {}}, id_of(block->header), {{proposer(), {}}}};
      ledger_.append(*block, *bytes, commit, transactions, executed, [=, this](const base::Outcome<void>& kept) {
        if (!kept.ok()) return fail(kept.error().message);
        done(counts, transactions->size(), now() - from);
      });
    });
  }
  base::NodeId proposer() const { return genesis_->genesis().founders.front().node(); }

  void done(bool counts, std::size_t count, base::Duration took) {
    if (counts && std::exchange(warm_, true)) {
      executed_ += count;
      spent_ += took;
      figure_.delays.push_back(took);
    }
    if (spent_ < span_) return after<NextBlock>({});
    figure_.per_second = static_cast<double>(executed_) / std::chrono::duration<double>(spent_).count();
    end();
  }
  void fail(const std::string& why) {
    figure_.errors = 1;
    figure_.error = why;
    end();
  }

  const std::shared_ptr<ChainMoney> money_;
  const std::shared_ptr<const chain::SignedGenesis> genesis_;
  const base::Duration span_;
  const chain::ChainId chain_;
  chain::Ledger ledger_;
  std::uint64_t made_ = 0, executed_ = 0;
  bool warm_ = false;
  base::Duration spent_{0};
};

}  // namespace

Measurement<Figure> measure_execution(Runner& runner, base::Duration span) {
  const auto money = std::make_shared<ChainMoney>("sender", kSenders);
  const auto genesis = found_chain(1, {money});
  runner.node().start("store", [] { return std::make_unique<store::StoreActor>("execute-store"); },
                      {.kind = store::StoreActor::kName, .placement = ports::Placement::own_thread});
  const auto figure = runner.told<Figure>("execute-load", kMillionMax + 4 * span, [&](Measured measured) {
    return factory<ExecuteLoad>(money, genesis, span, Figure{.what = "chain.execute"}, measured);
  });
  return figure;
}

}  // namespace troupe::bench
