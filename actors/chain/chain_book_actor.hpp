#pragma once
// The account ledger (book) if it is this node's chain (`ledger.book = chain`), at wallet::kChainBookPath.
//
// Kept     accounts without a key, for which this node derives keys and pays fees, and the account of its own key. One
//          transaction per account at a time, durable before it is submitted, until it is final or expired.
// Parties  sign their transactions (logic/book_transfer.hpp), which are submitted unchanged, one per account at a time.
//          Once durable, they fail only in a block, by expiry, or if the chain refuses them at once.
// Credits  each final block is scanned once for credits, except from followed accounts. Parts are notified, kToldAtOnce
//          accounts at a time, until they respond.
// Rest     after the last payment of an account, a rest of at least kSweptMin goes to the fund; this node pays the fee.
// Doubt    after a commit with unknown result the rows are reread; callers retry and get the same result.
// Backup   an account without a key stops paying if its nonce is above the recorded one: it has made unknown payments.
// Limits   kWaitingMax orders, kPartiesMax transactions of parties; about 200 bytes of memory per followed account.
#include <deque>
#include <map>

#include "actors/chain/api.hpp"
#include "actors/chain/logic/book_transfer.hpp"
#include "actors/chain/settings.hpp"
#include "actors/durable/api.hpp"
#include "actors/wallet/words.hpp"
#include "messages/chain.capnp.h"
#include "messages/common.capnp.h"
#include "runtime/base/share_budget.hpp"
#include "runtime/base/tellings.hpp"

namespace troupe::chain {

class ChainBookActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "chain book";
  static constexpr std::size_t kWaitingMax = 16'384;     // our choice, as that of a book
  static constexpr std::size_t kWaitingOpenMax = 4'096;  // our choice
  static constexpr std::size_t kPartiesMax = 16'384;     // our choice: submitted, and their last heights not past
  static constexpr std::size_t kPartyMax = 64;           // our choice: as many as wait in a pool (mempool.hpp)
  static constexpr std::size_t kAccountMax = 64;         // our choice: an airdrop sends several payments at once
  static constexpr std::size_t kToldAtOnce = 256;        // our choice, as a book
  static constexpr std::uint64_t kSweptMin = 100'000;    // our choice: 64 fees, where a unit of gas costs one
  enum class Use : std::uint8_t { none, book };          ///< whether ledger.book names the chain
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

  /// What the chain says of itself now.
  struct Now {
    BlockId id;
    Height height;
    std::uint64_t base_fee = 0;
    Fork fork;
    wallet::Amount supply;
  };
  /// An account as it is after the latest block.
  struct Seen {
    wallet::Amount balance;
    Nonce nonce, next;  ///< `next`: after those that wait
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
  /// A transfer of an account whose key is here.
  struct Wanted {
    wallet::Transfer transfer;
    bool to_no_key = false;
    std::optional<base::Digest> request{};
    Done done;
  };
  /// The transaction under way of such an account.
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
  /// Which part keeps an account, and where it is told of credits.
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
  /// The transaction of a party that was submitted, or is about to be, and who waits for its end.
  struct Party {
    struct Waiting {
      wallet::TransferId id;
      Done done;
    };
    base::User<Address> by{};  ///< its sender, and where it was asked from
    Height last{};
    bool kept = false;   ///< durable: it may have been submitted
    bool taken = false;  ///< the chain may have taken it, and passed it on
    bool busy = false;
    std::vector<Waiting> waiting{};
  };
  using Submitted = std::shared_ptr<const SignedTransaction>;
  using Untold = base::Tellings<Address, Credit>;  // by the keys of their rows
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

  // What is asked (chain_book_actor.cpp).
  void book(runtime::Reply<wallet::wire::BookIs> reply);
  void account(wallet::wire::GetAccount::Reader ask, runtime::Reply<wallet::wire::AccountIs> reply);
  void follow(wallet::wire::Follow::Reader ask, Nothing reply);
  void sweep(const Address& account, Nothing reply);

  // Transfers (chain_book_payments.cpp).
  void post(wallet::wire::PostTransfer::Reader ask, runtime::Reply<wallet::wire::Posted> reply);
  void pay_from(wallet::wire::PayFrom::Reader ask, runtime::Reply<wallet::wire::Posted> reply);
  static Done answer_to(runtime::Reply<wallet::wire::Posted> reply);
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
  void note(std::shared_ptr<Found> found);
  void note_some(std::shared_ptr<Found> found);
  void tell();
  void tell(Untold::Next credit);

  crypto::SecretKey key_of(const Address& account) const;
  /// Of an account that belongs to no key.
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
  std::uint64_t run_ = 0;  // answers to an earlier one are ignored
  durable::Opening open_{kWaitingOpenMax, "the accounts"};
  bool committing_ = false, looking_ = false, look_more_ = false, lacks_fees_ = false, again_ = false, held_up_ = false;
  runtime::Subscription watching_;

  std::map<Address, Address> known_;    // accounts of the book itself, that of the fund and that of the arbiters
  std::map<Address, Keeper> followed_;  // by their addresses in the book
  std::map<Address, Address> in_book_;  // addresses on the chain of all of these
  std::map<Address, Paying> paying_;    // what is under way, and who waits
  std::map<TxId, Party> parties_;
  std::map<Address, std::deque<Submitted>> trying_;       // of parties_, by account: the first one is under way
  std::map<TxId, base::Instant> ahead_;                   // first asked for then, while one before it was missing
  base::ShareBudget<Address> party_places_{kPartiesMax};  // of parties_
  /// Credits. Our choice.
  Untold untold_{kToldAtOnce, {std::chrono::milliseconds(200), std::chrono::seconds(30)}};
  std::size_t orders_ = 0;  // that wait
  wallet::Amount fees_needed_;
  Height looked_, saved_;  // blocks up to it were looked at; in the rows
  std::uint64_t commits_ = 0;
  std::optional<base::Bytes> head_row_;
  std::deque<Write> writes_;
  std::vector<base::Bytes> told_;  // rows of credits to erase
};

}  // namespace troupe::chain
