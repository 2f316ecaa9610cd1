#pragma once
// The content of the state tree: its keys and values, and a view that buffers changes of accounts.
//
// Keys    one byte of kind, then an id: StateKind.
// Values  canonical Cap'n Proto of `Account`, `Totals`, `Parameters`, `BlockLog`, `Validators`, `Rotation`, `Presence`,
//         `Absences` and `Judged` in messages/chain.capnp.
// Sum     balances, stakes, unbonding, rewards and pots add up to the supply at every height, so none overflows.
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
  account = 1,     ///< followed by the address
  totals = 2,      ///< no id
  parameters = 3,  ///< no id
  block_log = 4,   ///< no id: the ids of all blocks up to the state's height
  // Without an id:
  validators = 5,       ///< of the next height
  next_validators = 6,  ///< of the height after it
  rotation = 7,         ///< with which the next height begins
  presence = 8,         ///< heights that are not settled
  absences = 9,         ///< how many heights each validator has missed

  // Followed by an id:
  past_validators = 10,  ///< its hash: a validator set that a height of the presence has, but the next height does not
  evidence = 11,         ///< a node's id: the record of the proof that it signed twice
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
  UnixMs faucet{};  ///< time of the block whose faucet paid it last; 0: never

  friend bool operator==(const Account&, const Account&) = default;
};

/// Price of one unit of gas.
struct BaseFee {
  std::uint64_t value = 0;  ///< at most kBaseFeeMax
  friend auto operator<=>(const BaseFee&, const BaseFee&) = default;
};

struct Totals {
  wallet::Amount supply;
  wallet::Amount burnt;  ///< since the genesis
  wallet::Amount faucet_pot;
  BaseFee base_fee;  ///< for the next block
  friend bool operator==(const Totals&, const Totals&) = default;
};

base::Bytes encode(const Account& account);
base::Bytes encode(const Totals& totals);
/// Encodes the log as a value of the state.
base::Bytes encode_log(const Frontier& log);
// Each returns nullopt unless the bytes are the canonical encoding.
std::optional<Account> parse_account(base::ByteView bytes);
std::optional<Totals> parse_totals(base::ByteView bytes);
std::optional<Frontier> parse_log(base::ByteView bytes);

/// Returns the validators of heights 1 and 2: the founders, with their stake as their power.
ValidatorSet validators_of(const Genesis& genesis);
/// Returns the state of height 0.
TreeChanges state_of(const Genesis& genesis);

/// Returns the presence leaves that a block changes. `next`: hash of the validators of the height after the block.
TreeChanges changed_presence(const Presence& before, const Presence& after, const base::Digest& next);

/// The state of a height, with pending changes. If damage() is set, everything read since is invalid.
class StateView {
 public:
  /// `rows` must outlive it.
  StateView(const TreeRows& rows, const TreeRoot& root) : rows_(rows), root_(root) {}
  StateView(const StateView&) = delete;
  StateView& operator=(const StateView&) = delete;

  /// Returns a missing account as zeros. The reference is valid as long as the view.
  Account& account(const wallet::Address& address);
  Totals totals();
  Parameters parameters();
  Frontier log();
  // Each returns nullopt if rows are damaged.
  std::optional<ValidatorSet> validators() { return validators_at(StateKind::validators); }
  std::optional<ValidatorSet> next_validators() { return validators_at(StateKind::next_validators); }
  std::optional<Rotation> rotation();
  std::optional<Presence> presence();
  /// Returns the record of the proof that a validator signed twice, if any.
  std::optional<Judged> evidence_of(const base::NodeId& validator);
  /// Returns the validators of the next two heights against which there is evidence. One lookup per validator.
  std::set<base::NodeId> judged();

  /// Returns the accounts that changed.
  TreeChanges changed_accounts() const;
  /// Returns by how much the total of all accounts read so far has grown; negative if it has shrunk.
  __extension__ __int128 gain() const;

  const std::optional<TreeDamage>& damage() const { return damage_; }

 private:
  struct Seen {
    Account before;
    Account now;
  };
  std::optional<base::Bytes> read(const base::Bytes& key);
  std::optional<ValidatorSet> validators_at(StateKind kind);
  /// Records an invalid value. Its row is not known here, so the error names the top row.
  void damaged() { damage_ = damage_.value_or(TreeDamage{{root_.version, 0, {}}}); }

  const TreeRows& rows_;
  TreeRoot root_;
  using Accounts = std::map<wallet::Address, Seen>;  // not hashed: senders choose the addresses
  Accounts accounts_;
  Accounts::value_type* last_ = nullptr;  // a transaction asks for its sender six times
  std::optional<TreeDamage> damage_;
};

/// The sums over a whole state.
struct StateSums {
  std::uint64_t accounts = 0;
  wallet::Wide balances = 0;
  wallet::Wide staked = 0;
  wallet::Wide unbonding = 0;
  wallet::Wide rewards = 0;
  wallet::Amount pots;
  wallet::Amount supply;

  /// Whether the invariant of the ledger holds.
  bool exact() const { return balances + staked + unbonding + rewards + pots.units() == supply.units(); }
};
/// Reads every leaf.
base::Result<StateSums, TreeDamage> sums_of(const TreeRows& rows, const TreeRoot& root);

}  // namespace troupe::chain
