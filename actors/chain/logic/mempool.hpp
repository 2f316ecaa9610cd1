#pragma once
// Transactions that wait for a block.
//
// Lanes   payments, contracts. Each lane may use its share of a block (kShare); the rest goes to the best transactions.
// Order   by nonce for each sender, without a gap; among senders by tip per gas, then fee-max per gas, then arrival.
// Worth   at most the worth of the sender's worst earlier transaction; after a gap, below all without a gap.
// Replace needs a tip and a fee-max that are not lower, and a tip higher by 1 or a fee-max higher by 10 %.
// Full    above kPoolBytesMax or kPoolCountMax the worst is dropped; a new transaction that is not better is refused.
// Funds   a payer's balance, as last reported, covers all fees that it pays here. A transaction that its sender's
//         balance does not cover waits as if after a gap. Later arrivals cannot reduce what is covered (uncovers()).
// Choice  stops after kRefusedMax inadmissible transactions, which the caller drops.
// Limits  kSenderMax nonces per sender, from its next nonce on; kReplacementsMax per nonce; kLifeMax heights.
// Trust   a transaction is Approved; the caller has checked admissible() except for the nonce.
#include <functional>
#include <map>
#include <set>

#include "actors/chain/logic/header.hpp"
#include "actors/chain/logic/state.hpp"
#include "actors/chain/logic/transaction.hpp"

namespace troupe::chain {

inline constexpr std::size_t kSenderMax = 64;
inline constexpr std::size_t kPoolBytesMax = 32u << 20;  // our choice: 16 of the largest blocks
inline constexpr std::size_t kPoolCountMax = 50'000;     // our choice: the same, at 650 bytes each
inline constexpr std::uint64_t kLifeMax = 100'000;       // our choice, in heights: over two days at 2 s per block
inline constexpr std::size_t kReplacementsMax = 16;      // our choice: 1.1^16 is 4.6 times the first fee-max
inline constexpr std::size_t kRefusedMax = 4'096;        // our choice: about 0.1 s of a proposer's time

enum class Lane : std::uint8_t { payments, contracts };
inline constexpr std::size_t kLanes = 2;
/// In percent of a block, by lane; the best of both lanes share the rest.
inline constexpr std::array<std::uint64_t, kLanes> kShare{50, 40};

Lane lane_of(const Transaction& transaction);

struct MempoolLimits {
  std::size_t bytes = kPoolBytesMax;
  std::size_t count = kPoolCountMax;
  std::size_t refused = kRefusedMax;
};

enum class MempoolError : std::uint8_t {
  known,    ///< already in the pool
  past,     ///< a final transaction has used its nonce
  ahead,    ///< its nonce is too far from the sender's next nonce
  expired,  ///< its last height has passed
  lasting,  ///< its last height is more than kLifeMax away
  gas,      ///< its gas is not exactly what it needs, or exceeds a block's gas
  funds,    ///< sender lacks amount and fee-max, or payer lacks all fees it pays here; or waiting transactions would
            ///< lose cover
  cheap,    ///< its nonce is in use here, and it does not offer enough more
  changed,  ///< its nonce was replaced kReplacementsMax times
  full,     ///< the pool is full, and it is not better than the worst transaction here
};
std::string_view name(MempoolError error);

/// Sender and payer according to the state.
struct Standing {
  Nonce next;                    ///< of its sender
  wallet::Amount balance;        ///< of its sender
  wallet::Amount payer_balance;  ///< equal to `balance` if the sender pays
};

/// The transactions for a block, in order.
struct Picked {
  std::vector<Approved> transactions;
  std::size_t looked = 0;       ///< transactions that were examined
  std::vector<TxId> refused{};  ///< inadmissible transactions, if they ended the choice; otherwise empty
};

using Admissible = std::function<bool(const Approved&)>;

class Mempool {
 public:
  explicit Mempool(MempoolLimits limits = {}) : limits_(limits) {}

  /// `height` is the latest final height, `block_gas` the parameter. Errors change nothing.
  base::Result<void, MempoolError> add(Approved transaction, const Standing& standing, Height height, Gas block_gas);
  base::Result<void, MempoolError> add(Approved transaction, Lane lane, const Standing& standing, Height height,
                                       Gas block_gas);
  /// Returns the result that add() would give now.
  base::Result<void, MempoolError> would_add(const Approved& transaction, const Standing& standing, Height height,
                                             Gas block_gas) const;
  /// Whether add() would refuse it in every state, because of the pool's content. Called before signatures are
  /// verified.
  bool is_of_no_use(const Transaction& transaction, Height height) const;

  /// Returns transactions for a block that need at most `gas` and `bytes` in total, counted by entry_bytes(); `bytes`
  /// is bytes_left() of the block (header.hpp). Removes nothing. Calls `admissible` for each transaction that would be
  /// next, in order, and takes those for which it returns true, so `admissible` may keep state. If it returns false,
  /// the sender's later transactions are not in this block. An empty function admits all.
  Picked pick(Gas gas, std::size_t bytes, BaseFee base_fee, Height height, const Admissible& admissible = {}) const;

  /// A final block has changed this account. Drops its transactions with a nonce below `next`, and the last
  /// transactions that it pays for, if its balance no longer covers them.
  void settle(const wallet::Address& address, Nonce next, wallet::Amount balance);
  /// Drops a transaction that the machine refuses, and its sender's later transactions. Does nothing if it is not here.
  void drop(const TxId& id);
  /// Drops transactions that can be in no block after `height`.
  void expire(Height height);

  /// Return null if it is not here.
  const Approved* find(const TxId& id) const;
  const Approved* find(const wallet::Address& sender, Nonce nonce) const;
  /// Whether it is here, but waits for a missing nonce or for money.
  bool gapped(const TxId& id) const;
  /// Returns a sender's transactions that are ready for a block and may be announced to other nodes, each only once.
  std::vector<TxId> take_ready(const wallet::Address& sender);
  /// Returns the next nonce that a sender can use, given its next nonce in the state.
  Nonce next_free(const wallet::Address& address, Nonce next) const;
  /// Position of a scan over all transactions: it continues at the first transaction with this sender and nonce, or
  /// after.
  struct Cursor {
    wallet::Address sender{};
    Nonce nonce{};
  };
  /// Returns some waiting transactions from there on, sorted by sender and nonce.
  std::vector<const Approved*> some(const Cursor& from, std::size_t most) const;
  std::size_t count() const { return places_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry;
  /// Better transactions come first.
  struct Worth {
    bool gapped;  ///< an earlier nonce is missing, or money for this and the earlier transactions
    std::uint64_t tip, fee_max, gas, arrival;
    /// The worth of the entry by itself.
    explicit Worth(const Entry& entry);
    bool operator<(const Worth& other) const;
  };
  struct Entry {
    Approved transaction;
    Lane lane;
    std::uint64_t arrival;
    std::size_t replacements;       ///< how often its nonce was replaced
    std::optional<Worth> ranked{};  ///< its position in ranked_
    bool taken = false;             ///< returned by take_ready()
  };
  struct Queue {
    Nonce next;              ///< of the sender, as last reported; no entry is before it
    wallet::Amount balance;  ///< of the sender, as last reported
    std::map<Nonce, Entry> entries;
  };
  struct Place {
    wallet::Address sender;
    Nonce nonce;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Listed {
    Place place;
    const Entry* entry;  ///< points into its queue
  };
  /// The changes that let a transaction in.
  struct Entrance {
    Entry entry;
    Standing standing;
    std::set<Place> leaving;  ///< transactions that are dropped for it
  };
  /// Orders one sender's transactions by nonce, because none is worth more than an earlier one.
  struct Ranked {
    Worth worth;
    Place place;
    bool operator<(const Ranked& other) const;
  };
  struct Payer {
    wallet::Amount reserved;
    wallet::Amount for_others;  ///< the part of `reserved` for other senders' transactions
    std::set<Place> places;
  };
  /// The entries of a lane. Filling a block ends when the remaining space is below the smallest entry.
  struct Sizes {
    std::multiset<std::uint64_t> gas;
    std::multiset<std::size_t> bytes;  ///< as they count in a block
    bool fit(std::uint64_t gas_left, std::size_t bytes_left) const;
  };
  class Filling;
  class Descent;

  const Entry& at(const Place& place) const { return queues_.at(place.sender).entries.at(place.nonce); }
  const Entry* held(const Place& place) const;
  std::optional<MempoolError> refusal(const Transaction& content, Nonce next, Height height) const;
  base::Result<Entrance, MempoolError> entrance(Approved transaction, Lane lane, const Standing& standing,
                                                Height height, Gas block_gas) const;
  bool covered(const Transaction& transaction, const Entry* replaced, const Standing& standing) const;
  /// Whether the entry would reduce how many transactions of its sender or its payer can be in a block. Such an entry
  /// is refused: otherwise a transaction that evicted others might never pay (DETER: Li, Wang and Tang, CCS 2021). A
  /// sender's balance must cover a transaction, all its earlier ones, and the fees that it pays for other senders.
  bool uncovers(const Entry& entry, const Entry* replaced, const Standing& standing) const;
  /// Returns how much of a balance is left for its owner's own transactions.
  wallet::Wide own_money(const wallet::Address& owner, wallet::Amount balance) const;
  /// Counts a sender's transactions from the nonce `next` up to the first gap. `other` replaces the entry with its
  /// nonce.
  std::size_t ready(const wallet::Address& sender, Nonce next, wallet::Wide money, const Entry* other) const;
  /// Returns the entry's worth, given its sender's earlier transactions from the next nonce on.
  Worth worth_at(const Entry& entry, const Place& place, const Standing& standing) const;
  /// Returns the transactions to drop for the entry, including the replaced one and those with used nonces, or nullopt
  /// if the entry is not better than the rest.
  std::optional<std::set<Place>> room_for(const Entry& entry, const Place& place, const Standing& standing,
                                          const Entry* replaced) const;
  std::set<Place> from(const Place& place) const;
  std::set<Place> before(const wallet::Address& sender, Nonce nonce) const;
  /// Returns the last transactions that the address pays for beyond its balance, and their senders' later transactions.
  std::set<Place> unpaid(const wallet::Address& address, wallet::Amount balance) const;
  void insert(const Place& place, Entry entry, const Standing& standing);
  void remove(const std::set<Place>& places);
  void erase(const Place& place);
  /// Recomputes the worth of a sender's entries.
  void rank(const wallet::Address& sender);
  void check() const;

  MempoolLimits limits_;
  std::map<wallet::Address, Queue> queues_;
  std::map<TxId, Listed> places_;
  std::set<Ranked> ranked_;
  std::map<wallet::Address, Payer> payers_;
  std::set<std::pair<Height, Place>> ends_;  // by last height
  std::array<Sizes, kLanes> sizes_;
  std::size_t bytes_ = 0;
  std::uint64_t arrivals_ = 0;
};

}  // namespace troupe::chain
