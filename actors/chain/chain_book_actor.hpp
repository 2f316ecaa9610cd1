#pragma once
// The account ledger on this node's chain (`ledger.book = chain`), at wallet::kChainBookPath: turns transfers into
// transactions, and answers when they are final.
//
// Kept     accounts without a key: this node derives a key for each, and its own account pays their fees.
// Own      the account of this node's key is handled in the same way, except that it pays its own fees.
// Parties  sign their own transactions (logic/book_transfer.hpp). These are submitted unchanged, in turn per account.
// Credits  to kept accounts are found by scanning each final block once. Keepers are notified of them.
// Rest     after a kept account's last payment, its remaining balance goes to the fund if it is at least kSweptMin.
// Doubt    after a commit with an unknown result, the rows are read again. A repeated request gets the same answer.
// Backup   a kept account whose nonce is above the nonce in its rows has made unknown payments: it pays no more.
// Limits   kWaitingMax orders, kAccountMax per account; kPartiesMax transactions of parties, kPartyMax per account, in
//          quotas per caller's network (unknown after a start). About 200 bytes of memory per followed account.
#include <deque>
#include <map>

#include "actors/chain/api.hpp"
#include "actors/chain/logic/book_transfer.hpp"
#include "actors/chain/settings.hpp"
#include "actors/durable/api.hpp"
#include "actors/wallet/codec.hpp"
#include "messages/chain.capnp.h"
#include "messages/common.capnp.h"
#include "runtime/base/share_budget.hpp"
#include "runtime/base/tellings.hpp"

namespace troupe::chain {

class ChainBookActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "chain book";
  static constexpr std::size_t kWaitingMax = 16'384;     // our choice, as for a book
  static constexpr std::size_t kWaitingOpenMax = 4'096;  // our choice
  static constexpr std::size_t kPartiesMax = 16'384;     // our choice: transactions whose last heights are not past
  static constexpr std::size_t kPartyMax = 64;           // our choice: as many as a pool holds (mempool.hpp)
  static constexpr std::size_t kAccountMax = 64;         // our choice: an airdrop sends several payments at once
  static constexpr std::size_t kToldAtOnce = 256;        // our choice, as for a book
  static constexpr std::uint64_t kSweptMin = 100'000;    // our choice: 64 fees at one unit per gas
  enum class Use : std::uint8_t { none, book };          ///< whether ledger.book is the chain
  ChainBookActor(ChainSettings settings, Use use);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;

 private:
  static constexpr const char* kHealth = "chain.book";
  static constexpr const char* kFeesHealth = kBookFeesHealth;
  static constexpr const char* kUntoldHealth = kBookCreditsHealth;
  struct Reopen {};
  struct Follow {};
  struct Look {};
  struct Tell {};
  struct Flush {};
  struct Again {};
  struct Fees {};
  using Address = wallet::Address;
  using Nothing = runtime::Reply<messages::wire::Nothing>;
  template <class T>
  using Then = base::Callback<void(base::Outcome<T>)>;

  /// The state of the chain.
  struct Now {
    BlockId id;
    Height height;
    std::uint64_t base_fee = 0;
    Fork fork;
    wallet::Amount supply;
  };
  /// An account after the latest block.
  struct Seen {
    wallet::Amount balance;
    Nonce nonce, next;  ///< `next`: after waiting transactions
  };
  struct Posted {
    wallet::TransferId id;
    std::uint64_t sequence = 0;
    UnixMs time{};
  };
  using Done = base::Callback<void(const base::Outcome<Posted>&)>;
  /// The end of a transaction.
  struct Settled {
    enum class How : std::uint8_t { final, failed, expired };
    How how{};
    Height height;
    std::uint32_t index = 0;
    UnixMs time{};
  };
  struct Settling;
  /// A transfer from an account whose key this node has.
  struct Wanted {
    wallet::Transfer transfer;
    bool to_no_key = false;
    std::optional<base::Digest> request{};
    Done done;
  };
  /// The pending transaction of such an account. It is durable before it is submitted, and is submitted again until it
  /// is final or its last height is past. Only then is the next transaction made.
  struct Bound {
    wallet::TransferId transfer;
    SignedTransaction transaction;
  };
  struct Paying {
    std::optional<Bound> bound{};
    std::multimap<wallet::TransferNumber, Wanted> waiting{};
    bool busy = false;
    base::Instant not_before{};
    base::Duration backoff{};
  };
  /// The part of the program that keeps an account, and the path at which it is notified of credits.
  struct Keeper {
    std::string kind;
    base::Digest id;
    std::string path;
    Address on_chain;
    friend bool operator==(const Keeper&, const Keeper&) = default;
  };
  struct Credit {
    Address account;
    std::uint64_t sequence = 0;
    wallet::TransferId transfer;
    Address from;
    wallet::Amount amount;
  };
  /// A transaction of a party that was submitted, or is about to be, and the callers that wait for its end.
  struct Party {
    struct Waiting {
      wallet::TransferId id;
      Done done;
    };
    base::User<Address> by{};  ///< its sender, and the caller's network
    Height last{};
    bool kept = false;   ///< it is durable, and may have been submitted
    bool taken = false;  ///< the chain may have accepted and forwarded it
    bool busy = false;
    std::vector<Waiting> waiting{};
  };
  using Submitted = std::shared_ptr<const SignedTransaction>;
  using Untold = base::Tellings<Address, Credit>;  // keyed by their rows
  struct Write {
    std::map<base::Bytes, std::optional<base::Bytes>> rows;
    std::optional<Height> looked{};
    base::Callback<void(const base::Outcome<void>&)> done;
  };
  struct Found;
  static base::Bytes encode(const Keeper& keeper);
  static std::optional<Keeper> decode_keeper(base::ByteView bytes);
  static base::Bytes encode(const Credit& credit);
  static std::optional<Credit> decode_credit(base::ByteView bytes);
  static base::Bytes encode(const Posted& posted);
  static std::optional<Posted> decode_posted(base::ByteView bytes);

  // Rows (chain_book_actor.cpp).
  void open();
  void found(std::uint64_t commits, Height looked);
  void load_from(std::size_t index);
  void load(char kind, base::Callback<void()> then);
  bool keep(char kind, const durable::Storage::Row& row);
  void opened();
  void reopen(const base::Error& why);
  void write(Write write);
  void flush();
  base::Bytes head_row(std::uint64_t commits, Height looked) const;

  // Requests that read (chain_book_actor.cpp).
  void book(runtime::Reply<wallet::wire::BookIs> reply);
  void account(wallet::wire::GetAccount::Reader ask, runtime::Reply<wallet::wire::AccountIs> reply);
  void follow(wallet::wire::Follow::Reader ask, Nothing reply);
  /// Sends the remaining balance to the fund, because nobody can refuse a payment on a chain. This node pays the fee.
  void sweep(const Address& account, Nothing reply);

  // Transfers (chain_book_payments.cpp).
  void post(wallet::wire::PostTransfer::Reader ask, runtime::Reply<wallet::wire::Posted> reply);
  void pay_from(wallet::wire::PayFrom::Reader ask, runtime::Reply<wallet::wire::Posted> reply);
  static Done answer_to(runtime::Reply<wallet::wire::Posted> reply);
  /// Makes the transaction durable before it is submitted. From then on it is refused only if it fails in a block or
  /// its last height is past. A transaction that the chain refuses at once is forgotten, as is one with a gap before
  /// its nonce. A transaction that a part of this node posts for another caller gets no reserved slot.
  void post_of_party(const wallet::Signed& given, const runtime::Caller& from, bool to_no_key, Done done);
  void try_of_party(Submitted it);
  bool may_come(const TxId& id);
  void try_dry(Submitted it);
  void keep_of_party(Submitted it);
  void pursue_of_party(const Submitted& it);
  void tried_of_party(const TxId& id, const Address& account);
  void end_of_party(const TxId& id, const base::Outcome<Settled>& how);
  void answer_parties(const TxId& id, const base::Outcome<Posted>& how);
  void forget_parties();
  void look_up_request(Wanted wanted);
  void want(Wanted wanted);
  void next(const Address& account);
  void judge(const Address& account, const std::optional<KeptAccount>& known);
  void bind(const Address& account, std::optional<KeptAccount> known);
  void sign_and_keep(const Address& account, const std::optional<KeptAccount>& known, const Now& now,
                     const Seen& sender, const Seen& payer);
  void pursue(const Address& account);
  void ended(const Address& account, const Settled& how);
  void rest(const Address& account);
  void refuse_waiting(const Address& account, const base::Error& why);
  void failed(const Address& account, const base::Error& why);
  void answer_paid(const Address& account, Wanted wanted);
  void go_on();
  void clear_health() const;
  void lacks_fees(const std::string& why, wallet::Amount needed);
  void look_at_fees();

  // The chain (chain_book_chain.cpp).
  void with_now(Then<Now> then);
  void with_account(const Address& on_chain, Then<Seen> then);
  static std::optional<Settled> end_in(wire::TransactionInfo::Reader info);
  void settle(const SignedTransaction& transaction, Then<Settled> then, base::Callback<void()> submitted = {});
  void wait(std::shared_ptr<Settling> settling);
  void look_if_past(std::shared_ptr<Settling> settling);
  void watch_chain();
  void look();
  void look_again(base::Duration delay);
  void judge_found(std::shared_ptr<Found> found);
  /// Writes the credits, except those from kept accounts. Splits them if a block has too many for one commit.
  void note(std::shared_ptr<Found> found);
  void note_some(std::shared_ptr<Found> found);
  /// Notifies keepers of their credits, in order, until they acknowledge; kToldAtOnce accounts at a time.
  void tell();
  void tell(Untold::Next credit);

  crypto::SecretKey key_of(const Address& account) const;
  /// Returns the chain address of a kept account.
  Address kept(const Address& account) const { return wallet::address_of(key_of(account).public_key()); }
  Counterpart on_chain(bool to_no_key) const;
  Counterpart in_book() const;
  Address own() const { return own_policy_.address(); }

  const ChainSettings settings_;
  const Use use_;
  const ChainId chain_;
  const wallet::BookId book_;
  const wallet::Policy own_policy_;
  durable::Storage storage_;
  std::uint64_t run_ = 0;  // callbacks of an earlier run are ignored
  durable::Opening open_{kWaitingOpenMax, "the accounts"};
  bool committing_ = false, looking_ = false, look_more_ = false, lacks_fees_ = false, again_ = false, held_up_ = false;
  runtime::Subscription watching_;

  std::map<Address, Address> known_;    // accounts of the book itself: the fund and the arbiters
  std::map<Address, Keeper> followed_;  // kept accounts, by their addresses in the book
  std::map<Address, Address> in_book_;  // from the chain address of each of these accounts to its address in the book
  std::map<Address, Paying> paying_;    // transfers in progress and waiting
  std::map<TxId, Party> parties_;
  std::map<Address, std::deque<Submitted>> trying_;       // of parties_, by account; only the first is being tried
  std::map<TxId, base::Instant> ahead_;                   // transactions after a gap: when each was first requested
  base::ShareBudget<Address> party_places_{kPartiesMax};  // slots of parties_
  /// Credits that their keepers have not acknowledged. Retry delays: our choice.
  Untold untold_{kToldAtOnce, {std::chrono::milliseconds(200), std::chrono::seconds(30)}};
  std::size_t orders_ = 0;  // waiting orders
  wallet::Amount fees_needed_;
  Height looked_, saved_;  // `looked_`: the last block that was scanned; `saved_`: the same, as saved in the rows
  std::uint64_t commits_ = 0;
  std::optional<base::Bytes> head_row_;
  std::deque<Write> writes_;
  std::vector<base::Bytes> told_;  // rows of acknowledged credits, to be erased
};

}  // namespace troupe::chain
