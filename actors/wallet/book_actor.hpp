#pragma once
// The book at the node that keeps it: decides orders, commits them, and replies after the commit.
//
// Commit   one at a time. Orders that come during a commit are decided together on its result, and form the next
//          commit: one sync for all of them.
// Doubt    after a commit that failed or whose result is unknown, the book is read again. Its callers get an error;
//          repeating the same transfer gives the same result.
// Requests one transfer per request is in progress; later callers with the same request share its result.
// Kept     an account that a part of the program keeps is credited only by deposits which that part posts, and by
//          payments of other parts. The part is notified of each deposit until it has answered. Keepers take turns, and
//          kToldAtOnce of them are notified at a time.
// Memory   a row per account, and proposals. Postings are read on request.
// Limits   kWaitingMax orders wait; `proposals_max` proposals, of accounts that can pay what they propose, in quotas
//          per account and per caller (after a start the callers are unknown).
#include <deque>
#include <map>
#include <variant>

#include "actors/wallet/book_rows.hpp"
#include "actors/wallet/logic/ledger/audit.hpp"
#include "actors/wallet/logic/ledger/batch.hpp"
#include "actors/wallet/logic/ledger/turn_limit.hpp"
#include "actors/wallet/wallet_actor.hpp"
#include "messages/common.capnp.h"
#include "runtime/base/rate_budget.hpp"
#include "runtime/base/share_places.hpp"
#include "runtime/base/tellings.hpp"

namespace troupe::wallet {

class BookActor final : public runtime::Actor, private BookRows {
 public:
  static constexpr const char* kName = "book";
  static constexpr std::size_t kWaitingMax = 16'384;     // our choice: some seconds of orders
  static constexpr std::size_t kWaitingOpenMax = 4'096;  // our choice
  static constexpr base::Rate kPaged{4'096, 16'384};     // our choice: postings read for other nodes; each is one read
  static constexpr std::size_t kReadAtOnce = 2'048;     // our choice: such reads at a time; part of the store's mailbox
  static constexpr base::Rate kFresh{16, 1'024};        // our choice: accounts created by other nodes, 20 MB per hour
  static constexpr base::Rate kBegun{64, 32'768};       // our choice: accounts created per kind of kept payer: 8 MB
  static constexpr std::size_t kToldAtOnce = 256;       // our choice: a small part of a mailbox
  static constexpr std::size_t kSpendersMax = 100'000;  // our choice: accounts counted per minute
  static constexpr std::uint32_t kPostingsMax = 256;    // messages/wallet.capnp
  static constexpr std::uint32_t kAccountsMax = 512;    // messages/wallet.capnp
  struct Setup {
    WalletSettings settings;
    durable::Place place;
    std::uint64_t term = 0;
    /// Set if the book cannot be read.
    std::shared_ptr<std::optional<base::Error>> damaged = std::make_shared<std::optional<base::Error>>();
  };
  explicit BookActor(Setup setup);

  void receive(runtime::Handlers& on) override;
  void start() override { open(); }
  void stop() override;
  void check() const override;

 private:
  struct Reopen {};
  struct Tell {};
  struct Flush {};
  struct AuditAgain {};
  struct Minute {};
  using Nothing = runtime::Reply<messages::wire::Nothing>;
  using Done = base::Callback<void(const base::Outcome<rows::PostedAt>&)>;
  struct PostWanted {
    Order order;
    std::optional<rows::Mark> request{};
    std::optional<TransferId> proposal{};  ///< the proposal whose last signature approved the order
    bool expected = false;                 ///< posted by a part of the program, which may credit kept accounts
  };
  struct IssueWanted {
    Transfer transfer;  ///< numbered when it is decided
    rows::Mark request;
  };
  struct KeeperWanted {
    Address account;
    rows::Keeper keeper;
  };
  struct ProposalWanted {
    TransferId id;
  };
  /// A requested commit.
  struct Wanted {
    std::variant<PostWanted, IssueWanted, KeeperWanted, ProposalWanted> what;
    Done done;

    /// Returns null if no money moves.
    const Transfer* transfer() const;
    std::optional<rows::Mark> request() const;
    std::optional<TransferId> proposal() const;
  };
  struct Ended {
    Wanted wanted;
    base::Outcome<rows::PostedAt> outcome;
  };
  struct Round;
  struct Same {
    base::Digest content;
    Done done;
  };
  using User = base::User<base::NodeId>;
  using KeeperId = std::pair<std::string, base::Digest>;
  using Untold = base::Tellings<KeeperId, rows::Untold>;  // keyed by their rows
  struct Counted;
  struct Paging;

  // BookRows: durable state.
  AccountRow account(const Address& address) const override;
  std::optional<TransferId> posted(const Address&, TransferNumber) const override { return std::nullopt; }

  // Opening (book_actor_open.cpp).
  void open();
  void found(Genesis genesis);
  void load(char kind, base::Callback<void()> then);
  bool keep(char kind, const durable::Storage::Row& row);
  void opened();
  void reopen(const base::Error& why);

  // Orders (book_actor.cpp).
  void want(Wanted wanted);
  void look_up_request(Wanted wanted);
  void enqueue(Wanted wanted);
  void look_up_number(Wanted wanted);
  void finish_request(const Wanted& wanted, const base::Outcome<rows::PostedAt>& outcome);
  void end(Wanted& wanted, const base::Outcome<rows::PostedAt>& outcome);
  void pump();
  void decide_all(Round& round);
  void decide(Round& round, Wanted wanted);
  /// Returns whether it credits an account that a part of the program keeps, or will keep after `round`.
  bool pays_kept(const Round& round, const Transfer& transfer) const;
  void take(Round& round, Wanted& wanted, const Order& order);
  void write_proposal(Round& round, const Wanted& wanted) const;
  void write_accounts(Round& round) const;
  void apply(Round& round);
  void post(wire::PostTransfer::Reader ask, runtime::Reply<wire::Posted> reply);
  void issue(wire::Issue::Reader ask, runtime::Reply<wire::Posted> reply);
  void pay_from(wire::PayFrom::Reader ask, runtime::Reply<wire::Posted> reply);
  void follow(wire::Follow::Reader ask, Nothing reply);
  void propose(wire::Propose::Reader ask, runtime::Reply<wire::ProposalIs> reply);
  void sign(wire::SignProposal::Reader ask, runtime::Reply<wire::ProposalIs> reply);
  void hold(const TransferId& id, const base::User<Address>& by);
  void forget(const TransferId& id);
  void expire_proposals();
  void proposed(const TransferId& id, std::optional<Proposal> before,
                base::Result<std::optional<Order>, ProposalError> result, const User& by,
                runtime::Reply<wire::ProposalIs> reply);
  void as_before(const TransferId& id, std::optional<Proposal> before);
  void untold(const Posting& posting, durable::Storage::Commit& commit,
              std::map<base::Bytes, rows::Untold>& fresh) const;
  void note(const base::Bytes& key, rows::Untold untold);
  void tell();
  void tell(Untold::Next credit);

  // Requests that read, and the audit (book_actor_answers.cpp).
  void answers(runtime::Handlers& on);
  void book(runtime::Reply<wire::BookIs>& reply) const;
  void accounts(const Address& from, runtime::Reply<wire::Accounts>& reply) const;
  void postings(wire::ListPostings::Reader ask, runtime::Reply<wire::Postings> reply);
  void read_postings(std::vector<std::uint64_t> sequences, bool more, bool own, runtime::Reply<wire::Postings> reply);
  void audit(runtime::Reply<wire::BookChecked> reply);
  void audit_next();
  void audit_on(std::shared_ptr<Counted> counted, const base::Bytes& from);
  void write(wire::AccountRow::Builder out, const Address& address) const;
  void write(wire::ProposalIs::Builder out, const TransferId& id, const Proposal& proposal) const;

  bool within_rate(const Address& account);
  /// Returns whether a part of the program keeps the account.
  bool kept(const Address& address) const;
  /// Returns the number of credits to new accounts.
  std::uint32_t fresh_in(const Transfer& transfer) const;
  std::optional<base::Error> too_many_begun(const Transfer& transfer, const std::string& kind);
  std::optional<base::Error> too_much(const Transfer& transfer, const User& by);

  UnixMs time() const;
  Address owner() const;
  Address issuance() const { return issuance_of(genesis_.id()); }

  const Setup setup_;
  durable::Storage storage_;
  std::uint64_t run_ = 0;  // answers to an earlier run are ignored
  durable::Opening open_{kWaitingOpenMax, "the book"};
  bool committing_ = false;

  Genesis genesis_;
  Head head_;
  std::uint64_t commits_ = 0;
  std::optional<base::Bytes> head_row_;
  std::map<Address, rows::Account> accounts_;
  Proposals proposals_;
  base::SharePlaces<TransferId, Address> places_{setup_.settings.proposals_max};  // of proposals_, by account
  /// Credits that their keepers have not acknowledged. Retry delays: our choice.
  Untold untold_{kToldAtOnce, {std::chrono::milliseconds(200), std::chrono::seconds(30)}};
  std::vector<base::Bytes> told_;  // rows of acknowledged credits and of expired proposals, to be erased

  std::map<Address, std::uint32_t> spending_;  // transfers of this minute
  std::map<std::string, TurnLimit> begun_;     // accounts created, by the kind of the payer
  base::RateBudget<base::NodeId> fresh_{kFresh, base::Instant{}};
  base::RateBudget<base::NodeId> paged_{kPaged, base::Instant{}};
  std::size_t postings_read_ = 0;  // reads in progress

  bool auditing_ = false;
  base::Instant audit_free_{};                               // when the next audit may begin
  std::vector<runtime::Reply<wire::BookChecked>> auditors_;  // waiting for the next audit
  std::deque<Wanted> queue_;
  std::map<rows::Mark, std::vector<Same>> requests_;  // in progress
};

}  // namespace troupe::wallet
