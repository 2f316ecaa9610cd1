#pragma once
// What stands in the state tree: keys, values, and a view in which accounts are changed before they are written.
//
// Keys    one byte of kind, then an id: StateKind.
// Values  canonical Cap'n Proto of `Account`, `Totals`, `Parameters`, `BlockLog`, `Validators`, `Rotation`,
//         `Presence`, `Absences` and `Judged` in messages/chain.capnp.
// Sum     balances, stakes, unbonding, rewards and pots are the supply, at each height. So none of them overflows.
#include <map>

#include "actors/chain/logic/evidence.hpp"
#include "actors/chain/logic/genesis.hpp"
#include "actors/chain/logic/merkle_log.hpp"
#include "actors/chain/logic/presence.hpp"
#include "actors/chain/logic/rotation.hpp"
#include "actors/chain/logic/transaction.hpp"
#include "actors/chain/logic/tree.hpp"

namespace troupe::chain {

enum class StateKind : std::uint8_t {
  account = 1,     ///< then the address
  totals = 2,      ///< alone
  parameters = 3,  ///< alone
  block_log = 4,   ///< alone: the ids of all blocks up to the height of the state
  // Each alone:
  validators = 5,       ///< of the next height
  next_validators = 6,  ///< of the height after it
  rotation = 7,         ///< with which the next height begins
  presence = 8,         ///< the heights that are not settled
  absences = 9,         ///< how many heights each validator has missed

  // Then an id each:
  past_validators = 10,  ///< its hash: a set that one of these heights has, and the next height has not
  evidence = 11,         ///< of a node: what proved that it lies
};
static_assert(kValidatorsBytesMax <= kTreeValueBytesMax && kAbsencesBytesMax <= kTreeValueBytesMax &&
              kPresenceBytesMax <= kTreeValueBytesMax);

base::Bytes state_key(StateKind kind);
base::Bytes account_key(const wallet::Address& address);
base::Bytes past_validators_key(const base::Digest& hash);
base::Bytes evidence_key(const base::NodeId& validator);

struct Account {
  wallet::Amount balance;
  Nonce nonce;  ///< of its next transaction
  wallet::Amount staked;
  wallet::Amount unbonding;
  wallet::Amount rewards;
  UnixMs faucet{};  ///< time of the block that gave it money from the faucet; 0: none did

  friend bool operator==(const Account&, const Account&) = default;
};

/// Of one unit of gas.
struct BaseFee {
  std::uint64_t value = 0;  ///< at most kBaseFeeMax
  friend auto operator<=>(const BaseFee&, const BaseFee&) = default;
};

struct Totals {
  wallet::Amount supply;
  wallet::Amount burnt;  ///< since the genesis
  wallet::Amount faucet_pot;
  BaseFee base_fee;  ///< in the next block
  friend bool operator==(const Totals&, const Totals&) = default;
};

base::Bytes encode(const Account& account);
base::Bytes encode(const Totals& totals);
/// As a value of the state.
base::Bytes encode_log(const Frontier& log);
// Nothing unless the bytes are what encode() gives.
std::optional<Account> parse_account(base::ByteView bytes);
std::optional<Totals> parse_totals(base::ByteView bytes);
std::optional<Frontier> parse_log(base::ByteView bytes);

/// Those of heights 1 and 2: the founders, each with its stake as its power.
ValidatorSet validators_of(const Genesis& genesis);
/// The state that a chain begins with, of height 0.
TreeChanges state_of(const Genesis& genesis);

/// The leaves of the presence that a block changes. `next`: the hash of the validators of the height after it.
TreeChanges changed_presence(const Presence& before, const Presence& after, const base::Digest& next);

/// The state of a height, and changes of it. Damage is noted: then all that was read since is void.
class StateView {
 public:
  /// `rows` outlives it.
  StateView(const TreeRows& rows, const TreeRoot& root) : rows_(rows), root_(root) {}
  StateView(const StateView&) = delete;
  StateView& operator=(const StateView&) = delete;

  /// An account that is not there is one of zeros. Valid as long as the view.
  Account& account(const wallet::Address& address);
  Totals totals();
  Parameters parameters();
  Frontier log();
  // Nothing if there is damage.
  std::optional<ValidatorSet> validators() { return validators_at(StateKind::validators); }
  std::optional<ValidatorSet> next_validators() { return validators_at(StateKind::next_validators); }
  std::optional<Rotation> rotation();
  std::optional<Presence> presence();
  /// What proved that a validator lies.
  std::optional<Judged> evidence_of(const base::NodeId& validator);
  /// The validators of the next height and of the one after it that were proved to lie. A look-up for each of them.
  std::set<base::NodeId> judged();

  /// The accounts that are not what they were.
  TreeChanges changed_accounts() const;
  /// What all accounts that were looked at have more than before, which is negative if it is less.
  __extension__ __int128 gain() const;

  const std::optional<TreeDamage>& damage() const { return damage_; }

 private:
  struct Seen {
    Account before;
    Account now;
  };
  std::optional<base::Bytes> read(const base::Bytes& key);
  std::optional<ValidatorSet> validators_at(StateKind kind);
  /// A value that is none: the row of it is not known here, so the one at the top is named.
  void damaged() { damage_ = damage_.value_or(TreeDamage{{root_.version, 0, {}}}); }

  const TreeRows& rows_;
  TreeRoot root_;
  using Accounts = std::map<wallet::Address, Seen>;  // not by hash: senders choose the addresses
  Accounts accounts_;
  Accounts::value_type* last_ = nullptr;  // a transaction asks for its sender six times
  std::optional<TreeDamage> damage_;
};

/// The whole of a state, added up.
struct StateSums {
  std::uint64_t accounts = 0;
  wallet::Wide balances = 0;
  wallet::Wide staked = 0;
  wallet::Wide unbonding = 0;
  wallet::Wide rewards = 0;
  wallet::Amount pots;
  wallet::Amount supply;

  /// The invariant of the ledger.
  bool exact() const { return balances + staked + unbonding + rewards + pots.units() == supply.units(); }
};
/// Reads every leaf.
base::Result<StateSums, TreeDamage> sums_of(const TreeRows& rows, const TreeRoot& root);

}  // namespace troupe::chain
