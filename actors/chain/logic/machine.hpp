#pragma once
// What a block does to the state. The same block on the same state gives the same root on each machine.
//
// Order   transactions one after another, as the block has them. Each is refused, fails or is done:
//         refused  it could not pay, or came at the wrong time: nothing changes, its nonce stays free
//         failed   it pays its fee and takes its nonce; nothing else changes
//         done     it pays its fee and takes its nonce, and its body happens
//         The proposer of a block gets no tip for refused ones; a pool drops those that nothing can come of later.
// Fee     gas used x base fee is burnt; the tip goes to the proposer's address. A faucet is free: it cannot fail.
// Base    of the next block: up by at most 1/8 if this one used more than half of block.gas, down by at most 1/8 if it
//         used less; by 1 at least. Between fee.base and kBaseFeeMax. Source: EIP-1559.
// Votes   after it the validators of the height after next are those of the next one without `out`; one stays at least.
//         The next height begins with the rotation that follows from this one's.
// Lies    a validator that the block's evidence accuses is one of `out`; the state keeps the digest of the evidence.
// Here    precommits of the parent's commit and late ones are recorded; the height ten below is settled (presence.hpp).
// Sum     held exact by StateSums; execute() checks that what accounts and pots gained is what was not burnt.
#include <span>

#include "actors/chain/logic/header.hpp"
#include "actors/chain/logic/state.hpp"

namespace troupe::chain {

/// The numbers stand in receipts.
enum class Outcome : std::uint16_t {
  done = 0,
  funds = 1,           ///< failed: the sender has less than the transfer's total
  nonce = 100,         ///< refused, as all that follow: not the sender's next number, and no other refusal
  expired = 101,       ///< its last height is past
  gas = 102,           ///< it allows itself another amount of gas than it needs
  price = 103,         ///< base fee and tip are more than its fee-max
  fee_funds = 104,     ///< its payer has less than the fee
  faucet_early = 105,  ///< the address got money less than faucet.period_s ago
  faucet_empty = 106,  ///< less than faucet.amount is in the pot; of a chain that is none for tests: always
};
std::string_view name(Outcome outcome);
inline bool refused(Outcome outcome) { return static_cast<std::uint16_t>(outcome) >= 100; }

struct Receipt {
  TxId id;
  Outcome outcome = Outcome::done;
  Gas gas;               ///< used
  wallet::Amount burnt;  ///< with `tip`, what was paid
  wallet::Amount tip;
  friend bool operator==(const Receipt&, const Receipt&) = default;
};
base::Bytes encode(const Receipt& receipt);
/// Nothing unless the bytes are what encode() gives.
std::optional<Receipt> parse_receipt(base::ByteView bytes);

/// What the machine knows of a block beside its transactions.
struct BlockContext {
  BlockId id;
  Height height;
  UnixMs time{};
  wallet::Address proposer;  ///< gets the tips
  /// Leave the validators, two heights later, and so do the accused of `evidence`. Those that are none are ignored.
  std::vector<base::NodeId> out{};
  // Its lists, judged by verify_commit(), judge_late() and judge_evidence().
  std::optional<Commit> commit{};  ///< of the parent; nothing in block 1
  std::vector<SignedVote> late{};
  std::vector<Evidence> evidence{};
};
/// That of a whole block, whose lists are read and not judged. Nothing if an entry of them cannot be read.
std::optional<BlockContext> context_of(const Block& block, const wallet::Address& proposer);

struct Executed {
  TreeUpdate tree;
  std::vector<Receipt> receipts;  ///< one for each transaction, in order
  base::Digest receipts_root;     ///< RFC 6962, over the receipts' bytes
  Gas gas;                        ///< used in all
  Totals totals;                  ///< after it
};

/// `repeated` is the only BlockError: one transaction twice. It would count once, but no block may have it.
using ExecuteError = std::variant<TreeDamage, BlockError>;

/// Runs a block on the state after its parent. Its rows are written under its height.
base::Result<Executed, ExecuteError> execute(const TreeRows& rows, const TreeRoot& root, const BlockContext& block,
                                             std::span<const Approved> transactions);

/// What would become of it as the next one of its sender in a block of that height and time; `done` or `funds`: it may
/// be in one. The nonce is asked last: `nonce` says that nothing else is against it. Reads what of the view it needs.
Outcome admissible(StateView& view, const Totals& totals, const Parameters& parameters, const Approved& transaction,
                   Height height, UnixMs time);

/// Base fee and tip together; nothing from 2^63 on.
std::optional<wallet::Amount> fee_of(const Approved& transaction, BaseFee base_fee);

/// Whether they may stand in one block that has nothing else: by the gas that they need, which their fees count too, by
/// their bytes, and none twice.
bool fits(const Parameters& parameters, std::span<const Approved> transactions);

BaseFee next_base_fee(BaseFee now, Gas used, const Parameters& parameters);

}  // namespace troupe::chain
