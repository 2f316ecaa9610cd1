#pragma once
// Transactions that wait for a block.
//
// Lanes   payments, contracts. Each may have its share of a block (kShare); what a lane leaves goes to the best of the
//         other.
// Order   of a sender by nonce, without a gap; among senders by tip for each gas, then by fee-max for each gas, then by
//         arrival.
// Worth   a transaction is worth no more than the worst that its sender has before it, and behind a gap less than any
//         other: what cannot be in a block yet keeps out nothing that can.
// Replace another one of a sender's nonce takes its place if neither its tip nor its fee-max is lower, and the tip is
//         higher by 1 or the fee-max by 10 %; kReplacementsMax times for a nonce.
// Full    beyond kPoolBytesMax or kPoolCountMax what is worth least is dropped; what is not better than that, or comes
//         after it, is refused. A sender has kSenderMax, within as many nonces from its next one on.
// Funds   the fees of all that one address pays for are within its balance, as it was last told. What a sender's
//         balance does not cover, with all that it has before it and the fees that it pays for others, waits as behind
//         a gap. Nothing that comes later takes the cover from what has it: else what has pushed out others would never
//         be paid (DETER: Li, Wang and Tang, CCS 2021).
// Choice  for a block it ends at kRefusedMax that are not admissible. The caller drops these: what can be in no block
//         keeps nothing else out of it.
// Expire  what is past its last height is dropped; that is kLifeMax heights away at most.
// Trust   a transaction is Approved; whether it is admissible() now was asked by the caller, but for its nonce.
#include <functional>
#include <map>
#include <set>

#include "actors/chain/logic/header.hpp"
#include "actors/chain/logic/state.hpp"
#include "actors/chain/logic/transaction.hpp"

namespace troupe::chain {

inline constexpr std::size_t kSenderMax = 64;
inline constexpr std::size_t kPoolBytesMax = 32u << 20;  // our choice: 16 of the largest blocks
inline constexpr std::size_t kPoolCountMax = 50'000;     // our choice: of 650 bytes each, the same
inline constexpr std::uint64_t kLifeMax = 100'000;       // our choice, in heights: over two days of blocks of 2 s
inline constexpr std::size_t kReplacementsMax = 16;      // our choice: 1.1^16 is 4.6 times the first fee-max
inline constexpr std::size_t kRefusedMax = 4'096;        // our choice: about 0.1 s of who builds a block

enum class Lane : std::uint8_t { payments, contracts };
inline constexpr std::size_t kLanes = 2;
/// In percent of a block, by lane; the rest is for the best of both.
inline constexpr std::array<std::uint64_t, kLanes> kShare{50, 40};

Lane lane_of(const Transaction& transaction);

struct MempoolLimits {
  std::size_t bytes = kPoolBytesMax;
  std::size_t count = kPoolCountMax;
  std::size_t refused = kRefusedMax;
};

enum class MempoolError : std::uint8_t {
  known,    ///< it is here
  past,     ///< its nonce has been taken by a final transaction
  ahead,    ///< its nonce is too far from the sender's next one
  expired,  ///< it can be in no later block
  lasting,  ///< its last height is more than kLifeMax away
  gas,      ///< it allows itself another amount of gas than it needs, or needs more than a block has
  funds,    ///< its sender lacks amount and fee-max, or its payer the fees of all that it pays for here; or it
            ///< would take the cover from what waits
  cheap,    ///< another one of its nonce is here, and this one does not offer enough more
  changed,  ///< what has its nonce was replaced kReplacementsMax times
  full,     ///< there is no room, and it is not better than the worst one here
};
std::string_view name(MempoolError error);

/// What the state says of the sender and the payer.
struct Standing {
  Nonce next;                    ///< of its sender
  wallet::Amount balance;        ///< of its sender
  wallet::Amount payer_balance;  ///< the same, if the sender pays
};

/// What is to be put into a block, in order.
struct Picked {
  std::vector<Approved> transactions;
  std::size_t looked = 0;       ///< transactions that were looked at for it
  std::vector<TxId> refused{};  ///< those that were not admissible, if they ended the choice; otherwise empty
};

using Admissible = std::function<bool(const Approved&)>;

class Mempool {
 public:
  explicit Mempool(MempoolLimits limits = {}) : limits_(limits) {}

  /// `height` is that of the latest final block, `block_gas` the parameter. Errors change nothing.
  base::Result<void, MempoolError> add(Approved transaction, const Standing& standing, Height height, Gas block_gas);
  base::Result<void, MempoolError> add(Approved transaction, Lane lane, const Standing& standing, Height height,
                                       Gas block_gas);
  /// What add() would say of it now.
  base::Result<void, MempoolError> would_add(const Approved& transaction, const Standing& standing, Height height,
                                             Gas block_gas) const;
  /// Whether add() would refuse it for what is here, whatever the state says: before its signatures are looked at.
  bool is_of_no_use(const Transaction& transaction, Height height) const;

  /// For a block: transactions that need no more gas in all, and no more than `bytes`, each counted by entry_bytes():
  /// that is bytes_left() of the block (header.hpp). Takes nothing away. `admissible` is asked of each one that would be taken next, in their order, and what it says "yes" to is
  /// taken: so it may keep a state. "No" ends the sender's queue for this block. An empty function admits all.
  Picked pick(Gas gas, std::size_t bytes, BaseFee base_fee, Height height, const Admissible& admissible = {}) const;

  /// A final block has changed this account: what has a nonce below `next` is dropped, and the last of what the account
  /// pays for if its balance does not cover it any more.
  void settle(const wallet::Address& address, Nonce next, wallet::Amount balance);
  /// Drops what the machine refuses, with all that its sender has after it. Harmless if it is not here.
  void drop(const TxId& id);
  /// Drops what can be in no block after `height`.
  void expire(Height height);

  /// Null if it is not here.
  const Approved* find(const TxId& id) const;
  const Approved* find(const wallet::Address& sender, Nonce nonce) const;
  /// Whether it is here, and behind a nonce or money that is missing.
  bool gapped(const TxId& id) const;
  /// Those of a sender that are behind no gap, each once: they can be in a block, and be told to others.
  std::vector<TxId> take_ready(const wallet::Address& sender);
  /// The next nonce that a sender can use, given its next one in the state.
  Nonce next_free(const wallet::Address& address, Nonce next) const;
  /// Where a walk of all stands: at what comes first from there on, by sender and nonce.
  struct Cursor {
    wallet::Address sender{};
    Nonce nonce{};
  };
  /// Some that wait from there on: by sender, in order.
  std::vector<const Approved*> some(const Cursor& from, std::size_t most) const;
  std::size_t count() const { return places_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry;
  /// Better ones come first.
  struct Worth {
    bool gapped;  ///< an earlier nonce is missing, or money for what comes up to it
    std::uint64_t tip, fee_max, gas, arrival;
    /// By itself.
    explicit Worth(const Entry& entry);
    bool operator<(const Worth& other) const;
  };
  struct Entry {
    Approved transaction;
    Lane lane;
    std::uint64_t arrival;
    std::size_t replacements;       ///< earlier ones of its nonce
    std::optional<Worth> ranked{};  ///< as it stands in ranked_
    bool taken = false;             ///< by take_ready()
  };
  struct Queue {
    Nonce next;              ///< of the sender, as it was last told; no entry is before it
    wallet::Amount balance;  ///< of the sender, as it was last told
    std::map<Nonce, Entry> entries;
  };
  struct Place {
    wallet::Address sender;
    Nonce nonce;
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Listed {
    Place place;
    const Entry* entry;  ///< in its queue
  };
  /// How one gets in.
  struct Entrance {
    Entry entry;
    Standing standing;
    std::set<Place> leaving;  ///< what goes for it
  };
  /// Those of one sender by nonce, because none is worth more than what is before it.
  struct Ranked {
    Worth worth;
    Place place;
    bool operator<(const Ranked& other) const;
  };
  struct Payer {
    wallet::Amount reserved;
    wallet::Amount for_others;  ///< of that, what others send
    std::set<Place> places;
  };
  /// Of the entries of a lane; what is left of a block below the least one ends its filling.
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
  /// Whether of its sender or its payer fewer could be in a block with it than without.
  bool uncovers(const Entry& entry, const Entry* replaced, const Standing& standing) const;
  /// What is left of a balance for what its owner sends.
  wallet::Wide own_money(const wallet::Address& owner, wallet::Amount balance) const;
  /// How many of a sender are behind no gap, from the nonce `next` on; if `other` stood in the place of its nonce.
  std::size_t ready(const wallet::Address& sender, Nonce next, wallet::Wide money, const Entry* other) const;
  /// What it would be worth with what its sender has before it, from its next nonce on.
  Worth worth_at(const Entry& entry, const Place& place, const Standing& standing) const;
  /// What has to go for it, with the one that it replaces and what is past; nothing if it is not better than the rest.
  std::optional<std::set<Place>> room_for(const Entry& entry, const Place& place, const Standing& standing,
                                          const Entry* replaced) const;
  std::set<Place> from(const Place& place) const;
  std::set<Place> before(const wallet::Address& sender, Nonce nonce) const;
  /// The last of what it pays for, with what follows that, beyond what the balance covers.
  std::set<Place> unpaid(const wallet::Address& address, wallet::Amount balance) const;
  void insert(const Place& place, Entry entry, const Standing& standing);
  void remove(const std::set<Place>& places);
  void erase(const Place& place);
  /// Each entry of a sender as it is worth now.
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
