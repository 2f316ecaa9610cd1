#pragma once
// Airdrops and the fund in one simulation run: parties with accounts, clients at any node, a group's book.
//
// Breaks  the invariants in the spec (sim.cpp); each actor's own check() does the rest.
// Drops   a list of recipients that get no other payments. Plans: 0 paid; 1 the owner strikes a recipient; 2 the owner
//         keeps a recipient; 3 the only recipient of a list is struck; 4 the list never comes.
// Votes   payments of the fund to an account without other payments. Plans: 0 two sign; 1 one signs; 2 all three sign.
// Clients a party's clients repeat its signed requests, with the same bytes, until their end is known.
// Whole   each airdrop and each vote ends, if a majority of the group is left, and no clock was set back by more than
//         the length of a run.
// Owner   one run.
#include <deque>
#include <map>
#include <set>

#include "actors/airdrop/api.hpp"
#include "actors/escrow/sim_client.hpp"
#include "actors/fund/api.hpp"
#include "actors/wallet/codec.hpp"

namespace troupe::airdrop {

inline constexpr std::int64_t kSimParties = 5;
inline constexpr std::int64_t kSimSigners = 3;  // the first parties
inline constexpr std::size_t kSimThreshold = 2;
inline constexpr std::int64_t kSimDailyCap = 150;
inline constexpr std::int64_t kSimAmountMax = 60;
enum class DropPlan : std::uint8_t { paid, strikes, keeps, strikes_all, no_list };
inline constexpr std::int64_t kSimDropPlans = 5;
enum class VotePlan : std::uint8_t { two_sign, one_signs, all_sign };
inline constexpr std::int64_t kSimVotePlans = 3;

/// Returns the address of a party. It is the same in each run, because node settings name the signers.
Address sim_party(std::size_t party);

class AirdropWorkload final : public escrow::BookWorld {
 public:
  AirdropWorkload(sim::Nodes& nodes, const sim::Scenario& scenario);

  void perform(const sim::Operation& operation) override;
  void died(std::size_t node) override;
  void probe() override;
  std::vector<std::string> waits() const override;

 private:
  struct Account {
    crypto::SecretKey key;
    Address address;
    bool funded = false;
    bool asking = false;
    bool creating = false;  // an airdrop's deposit has the next number
  };
  enum class Step : std::uint8_t { create, page, object, decide, watch };
  struct Drop {
    std::size_t index = 0, owner = 0;
    DropPlan plan{};
    std::vector<Recipient> list;
    Terms terms;
    AirdropId id;
    std::optional<wallet::Transfer> deposit{};
    Step step = Step::create;
    bool struck = false;  // the strike of the first recipient was acknowledged
    bool asking = false, over = false;
  };
  struct Vote {
    std::size_t index = 0, by = 0;
    VotePlan plan{};
    fund::Content content;
    fund::ProposalId id;
    bool proposed = false, asking = false, over = false;
    std::size_t signers = 0;  // asked so far
  };
  /// The postings of one account.
  struct Paid {
    std::map<Address, wallet::Wide> in, out;
    std::map<Address, std::size_t> credits;  // of `out`
    std::set<std::uint64_t> numbers;
  };

  void push(std::size_t node);
  void next_number(std::size_t node, Account& account, base::Callback<void(wallet::TransferNumber)> then);
  void drop(std::size_t node, std::size_t owner, std::int64_t plan, std::int64_t recipients);
  void go_on(Drop& drop, std::size_t node);
  void create(Drop& drop, std::size_t node);
  void give_page(Drop& drop, std::size_t node);
  void object(Drop& drop, std::size_t node);
  void decide(Drop& drop, std::size_t node);
  void look(Drop& drop, std::size_t node);
  void judge(Drop& drop, const Paid& paid, bool returned);
  void vote(std::size_t node, std::size_t by, std::int64_t amount, std::int64_t plan);
  void go_on(Vote& vote, std::size_t node);
  void sign(Vote& vote, std::size_t node);
  void look(Vote& vote, std::size_t node);
  void judge(Vote& vote, const Paid& paid, bool was_paid);
  void read_postings(std::size_t node, const Address& account, std::uint64_t before, std::shared_ptr<Paid> paid,
                     base::Callback<void(const Paid*)> then);
  void book_is_whole(std::size_t node) override;
  void audit_fund(std::size_t node, std::shared_ptr<fund::Fund> fund, std::shared_ptr<std::vector<fund::Entry>> log);
  void judge(const std::vector<fund::Entry>& log);

  std::vector<Account> accounts_;
  std::deque<Drop> drops_;
  std::deque<Vote> votes_;
  bool fund_paid_ = false, paying_fund_ = false;
};

}  // namespace troupe::airdrop
