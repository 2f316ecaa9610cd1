#pragma once
// The domain `escrow` in one simulation run: parties with wallets, clients at any node, a group's book.
//
// Breaks  the invariants in the spec (sim.cpp); each actor's own check() does the rest.
// Plans   0 accepted; 1 the provider deposits nothing; 2 it does not deliver; 3 disputed and agreed; 4 disputed, then
//         silent; 5 progress, then cancelled by both; 6 not signed; 7 the buyer is silent.
// Jobs    escrows of tasks (sim_jobs.cpp): 0 all agree; 1 a provider resigns; 2 a provider is silent; 3 a provider
//         lies; 4 not settled.
// Clients a party's clients repeat its signed requests, with the same bytes, until their end is known.
// Whole   each begun escrow is over and confirmed, if a majority of the group is left, and no clock was set back by
//         more than the length of a run.
// Owner   one run.
#include <deque>
#include <map>
#include <set>

#include "actors/escrow/api.hpp"
#include "actors/escrow/codec.hpp"
#include "actors/escrow/sim_client.hpp"

namespace troupe::escrow {

inline constexpr std::int64_t kSimParties = 6;
inline constexpr std::int64_t kSimPlans = 8;
enum class JobPlan : std::uint8_t { agree, resigns, silent, lies, not_settled };
inline constexpr std::int64_t kSimJobPlans = 5;

class EscrowWorkload final : public BookWorld {
 public:
  EscrowWorkload(sim::Nodes& nodes, const sim::Scenario& scenario);

  void perform(const sim::Operation& operation) override;
  void died(std::size_t node) override;
  void probe() override;
  std::vector<std::string> waits() const override;

 private:
  struct Account {
    crypto::SecretKey key;
    Address address;
    bool funded = false, arbiter = false;
    /// Sent until its end is known; until then this account sends nothing else.
    std::optional<wallet::Transfer> sending{};
    bool asking = false;
  };
  enum class Step : std::uint8_t {
    open,
    sign,
    fund,
    start,
    deliver,
    accept,
    progress,
    dispute,
    propose,
    agree,
    cancel
  };
  struct Stride {
    Party by;
    Step step;
  };
  struct SignedStep {
    Act act;
    std::optional<wallet::Transfer> deposit{};
  };
  struct Trade {
    std::size_t index = 0, buyer = 0, provider = 0;
    Agreement agreement;
    EscrowId id;
    std::vector<Stride> plan;
    std::size_t at = 0;  // of the plan
    EachParty<std::uint64_t> numbers{};
    std::optional<SignedStep> signed_step{};
    bool asking = false, opened = false, over = false, checking = false;
    std::uint64_t acknowledged = 0;  // entries of its log
    std::vector<SignedStep> done{};
  };

  /// A task that three other parties do for a party.
  struct Job {
    std::size_t index = 0, buyer = 0;
    JobPlan plan{};
    TaskAgreement agreement;
    TaskEscrowId id;
    UnixMs due{0};
    std::size_t at = 0;                         // of its steps
    std::optional<wallet::Transfer> deposit{};  // of the current step
    bool asking = false, begun = false, over = false, checking = false;
  };

  void learned(wire::TermsAre::Reader are) override;
  void trade(std::size_t node, std::size_t buyer, std::size_t provider, std::int64_t plan);
  void push(std::size_t node);
  void go_on(Trade& trade, std::size_t node);
  void fund(Trade& trade, std::size_t node, Party by);
  void send_step(Trade& trade, std::size_t node);
  void stepped(Trade& trade, const SignedStep& step, const sim::MaybeError& error, std::uint64_t sequence,
               std::size_t node);
  std::optional<What> what_of(const Trade& trade, const Stride& stride) const;
  void job(std::size_t node, std::size_t buyer, std::int64_t plan);
  Account& provider(const Job& job, std::size_t number);
  void go_on(Job& job, std::size_t node);
  void learn_due(Job& job, std::size_t node);
  void prepare_deposit(Job& job, std::size_t node);
  void send(Job& job, std::size_t node, const Account& by, decltype(TaskAct::what) what);
  void look(Job& job, std::size_t node);
  void look_at_account(Job& job, std::size_t node);
  void send(std::size_t node, std::size_t from, std::size_t to);
  void send_on(std::size_t node, Account& account);
  void replay(std::size_t node);
  void look(Trade& trade, std::size_t node, std::shared_ptr<Replay> before, std::uint64_t least);
  void judge(Trade& trade, const Replay& replay, std::uint64_t least, std::size_t node);
  void join(std::size_t party, std::size_t node);
  void rule(Trade& trade, const Address& arbiter, std::size_t node);
  Account& account(const Trade& trade, Party by) {
    return accounts_[by == Party::buyer ? trade.buyer : trade.provider];
  }
  Reveal reveal_of(const Trade& trade, Party by) const;
  void write(wire::SignedAct::Builder out, const Account& account, const Act& act) const;

  std::vector<Account> accounts_;
  std::deque<Trade> trades_;
  std::deque<Job> jobs_;
  std::optional<Terms> terms_;
};

}  // namespace troupe::escrow
