#pragma once
// The effect of a block on the state. The same block on the same state gives the same root on every machine.
//
// Order   transactions run in the order of the block. Each of them is refused, fails or is done:
//         refused  it could not pay, or came at the wrong time: nothing changes, its nonce stays unused, no tip is paid
//         failed   it pays its fee and uses its nonce; nothing else changes
//         done     it pays its fee and uses its nonce, and its body takes effect
// Fee     gas used x base fee is burnt; the tip goes to the proposer's address. A faucet is free: it cannot fail.
// Base    fee of the next block: rises if this block used over half of block.gas, falls if less (next_base_fee()).
// Votes   the validators two heights later are those of the next height without `out` and the accused nodes, but at
//         least one stays. The state keeps a digest of the evidence. The rotation advances by one turn. The block
//         records precommits, and settles the height ten heights below (presence.hpp).
// Sum     StateSums states the invariant. execute() checks that accounts and pots lose exactly what is burnt.
#include <span>

#include "actors/chain/logic/header.hpp"
#include "actors/chain/logic/state.hpp"

namespace troupe::chain {

/// The numbers are stored in receipts.
enum class Outcome : std::uint16_t {
  done = 0,
  funds = 1,           ///< failed: the sender has less than the transfer's total
  nonce = 100,         ///< refused, like all outcomes below: not the sender's next nonce, but otherwise admissible
  expired = 101,       ///< its last height has passed
  gas = 102,           ///< its gas is not exactly what it needs
  price = 103,         ///< base fee and tip exceed its fee-max
  fee_funds = 104,     ///< the payer has less than the fee
  faucet_early = 105,  ///< the address got money less than faucet.period_s ago
  faucet_empty = 106,  ///< the pot has less than faucet.amount; always on a chain that is not for tests
};
std::string_view name(Outcome outcome);
inline bool refused(Outcome outcome) { return static_cast<std::uint16_t>(outcome) >= 100; }

struct Receipt {
  TxId id;
  Outcome outcome = Outcome::done;
  Gas gas;               ///< used
  wallet::Amount burnt;  ///< together with `tip`: the fee paid
  wallet::Amount tip;
  friend bool operator==(const Receipt&, const Receipt&) = default;
};
base::Bytes encode(const Receipt& receipt);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<Receipt> parse_receipt(base::ByteView bytes);

/// A block without its transactions, as the machine needs it.
struct BlockContext {
  BlockId id;
  Height height;
  UnixMs time{};
  wallet::Address proposer;  ///< gets the tips
  /// These nodes, like those accused in `evidence`, are no longer validators two heights later. Ids of nodes that are
  /// not validators are ignored.
  std::vector<base::NodeId> out{};
  // The lists of the block, checked by verify_commit(), judge_late() and judge_evidence().
  std::optional<Commit> commit{};  ///< for the parent; nullopt in block 1
  std::vector<SignedVote> late{};
  std::vector<Evidence> evidence{};
};
/// Returns the context of a whole block, or nullopt if an entry is malformed. Decodes its lists without verifying them.
std::optional<BlockContext> context_of(const Block& block, const wallet::Address& proposer);

struct Executed {
  TreeUpdate tree;
  std::vector<Receipt> receipts;  ///< one for each transaction, in order
  base::Digest receipts_root;     ///< RFC 6962, over the encoded receipts
  Gas gas;                        ///< used in total
  Totals totals;                  ///< after the block
};

/// The only BlockError is `repeated`: a transaction appears twice. It would run once, but it makes the block invalid.
using ExecuteError = std::variant<TreeDamage, BlockError>;

/// Runs a block on the state after its parent. The new rows are written under its height.
base::Result<Executed, ExecuteError> execute(const TreeRows& rows, const TreeRoot& root, const BlockContext& block,
                                             std::span<const Approved> transactions);

/// Returns the outcome that `transaction` would have as its sender's next transaction in a block of that height and
/// time. It may be in that block if this is `done` or `funds`. The nonce is checked last, so `nonce` means no other
/// objection. Reads what it needs through `view`.
Outcome admissible(StateView& view, const Totals& totals, const Parameters& parameters, const Approved& transaction,
                   Height height, UnixMs time);

/// Returns base fee and tip together, or nullopt if they reach 2^63.
std::optional<wallet::Amount> fee_of(const Approved& transaction, BaseFee base_fee);

/// Whether the transactions fit into one otherwise empty block: by bytes, by the gas that they need (and pay for), and
/// without repetition.
bool fits(const Parameters& parameters, std::span<const Approved> transactions);

/// Changes the fee by up to 1/8 but at least 1, within fee.base and kBaseFeeMax; not at all if exactly half of block.gas
/// was used. Source: EIP-1559.
BaseFee next_base_fee(BaseFee now, Gas used, const Parameters& parameters);

}  // namespace troupe::chain
