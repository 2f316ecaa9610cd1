#include "actors/chain/logic/machine.hpp"

#include <algorithm>

#include "actors/chain/logic/canonical.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::chain {
namespace {

using wallet::Amount;

constexpr unsigned kReceiptWords = 4;

/// Returns the burnt part of a fee, or nullopt if it exceeds Amount::kMax.
std::optional<Amount> burnt_by(const Approved& transaction, BaseFee base_fee) {
  if (std::holds_alternative<Faucet>(transaction.content().body)) return Amount();
  const wallet::Wide units = wallet::Wide{transaction.gas_needed().value} * base_fee.value;
  if (units > Amount::kMax) return std::nullopt;
  return Amount::of(static_cast<std::uint64_t>(units));
}

Outcome admissible_body(StateView& view, const Totals&, const Parameters&, const Transaction& content,
                        const Transfer& transfer, Amount fee, UnixMs) {
  if (view.account(content.payer()).balance < fee) return Outcome::fee_funds;
  const Amount balance = view.account(content.from).balance;
  const Amount left = content.fee_payer ? balance : balance - fee;
  return left < total_of(transfer) ? Outcome::funds : Outcome::done;
}

Outcome admissible_body(StateView& view, const Totals& totals, const Parameters& parameters, const Transaction& content,
                        const Faucet&, Amount, UnixMs time) {
  const UnixMs last = view.account(content.from).faucet;
  const UnixMs period = std::chrono::seconds(parameters[Param::faucet_period_s]);
  if (last != UnixMs{} && time - last < period) return Outcome::faucet_early;
  return totals.faucet_pot.units() < parameters[Param::faucet_amount] ? Outcome::faucet_empty : Outcome::done;
}

class BlockRun {
 public:
  BlockRun(StateView& view, const BlockContext& block)
      : view_(view), block_(block), parameters_(view.parameters()), totals_(view.totals()) {}

  Receipt run(const Approved& transaction) {
    const Transaction& content = transaction.content();
    Receipt out;
    out.id = transaction.id();
    out.outcome = admissible(view_, totals_, parameters_, transaction, block_.height, block_.time);
    if (refused(out.outcome) || view_.damage()) return out;
    out.gas = transaction.gas_needed();
    out.burnt = *burnt_by(transaction, totals_.base_fee);
    out.tip = content.tip;
    pay(content, out);
    ++view_.account(content.from).nonce.value;
    if (out.outcome == Outcome::done) std::visit([&](const auto& body) { apply(content, body); }, content.body);
    gas_.value += out.gas.value;
    return out;
  }

  Totals finish() {
    totals_.base_fee = next_base_fee(totals_.base_fee, gas_, parameters_);
    return totals_;
  }
  Gas gas() const { return gas_; }

 private:
  void pay(const Transaction& content, const Receipt& receipt) {
    Amount& payer = view_.account(content.payer()).balance;
    payer = payer - receipt.burnt - receipt.tip;
    totals_.supply = totals_.supply - receipt.burnt;
    totals_.burnt = totals_.burnt + receipt.burnt;
    if (receipt.tip == Amount()) return;
    Amount& proposer = view_.account(block_.proposer).balance;
    proposer = proposer + receipt.tip;
  }

  void apply(const Transaction& content, const Transfer& transfer) {
    Amount& from = view_.account(content.from).balance;
    from = from - total_of(transfer);
    for (const wallet::Credit& credit : transfer.credits) {
      Amount& to = view_.account(credit.to).balance;
      to = to + credit.amount;
    }
  }

  void apply(const Transaction& content, const Faucet&) {
    const Amount amount = Amount::of(parameters_[Param::faucet_amount]);
    totals_.faucet_pot = totals_.faucet_pot - amount;
    Account& account = view_.account(content.from);
    account.balance = account.balance + amount;
    account.faucet = block_.time;
  }

  StateView& view_;
  const BlockContext& block_;
  Parameters parameters_;
  Totals totals_;
  Gas gas_;
};

std::vector<TxId> tx_ids_of(std::span<const Approved> transactions) {
  std::vector<TxId> out;
  for (const Approved& one : transactions) out.push_back(one.id());
  return out;
}

/// Updates the validators, presence and evidence. Unchanged sets are not written, because each may have 32 KiB.
TreeChanges turned_validators(StateView& view, const BlockContext& block) {
  const auto now = view.validators(), next = view.next_validators();
  const auto rotation = view.rotation();
  const auto presence = view.presence();
  if (!now || !next || !rotation || !presence) return {};
  const Presence seen = after(*presence, {block.height, block.id, *now, block.commit, block.late});
  TreeChanges changes = changed_presence(*presence, seen, hash_of(*next));
  std::vector<base::NodeId> out = block.out;
  for (const Evidence& one : block.evidence) {
    out.push_back(accused(one));
    changes[evidence_key(accused(one))] = encode(Judged{block.height, crypto::sha256(encode(one))});
  }
  if (*next != *now) changes[state_key(StateKind::validators)] = encode(*next);
  const ValidatorSet later = next->without(out);
  if (later != *next) changes[state_key(StateKind::next_validators)] = encode(later);
  changes[state_key(StateKind::rotation)] = encode(rotation->next_height(*now, *next));
  return changes;
}

}  // namespace

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::done: return "done";
    case Outcome::funds: return "funds";
    case Outcome::nonce: return "nonce";
    case Outcome::expired: return "expired";
    case Outcome::gas: return "gas";
    case Outcome::price: return "price";
    case Outcome::fee_funds: return "fee funds";
    case Outcome::faucet_early: return "faucet early";
    case Outcome::faucet_empty: return "faucet empty";
  }
  return "unknown";
}

base::Bytes encode(const Receipt& receipt) {
  CanonStruct out;
  out.words = {receipt.gas.value, receipt.burnt.units(), receipt.tip.units(),
               static_cast<std::uint64_t>(receipt.outcome)};
  return out.data(receipt.id.view()).encode();
}

std::optional<Receipt> parse_receipt(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto root = in.root(kReceiptWords, 1);
  Receipt out;
  out.gas = {in.word(root, 0)};
  const auto burnt = Amount::from(in.word(root, 1)), tip = Amount::from(in.word(root, 2));
  const std::uint64_t code = in.word(root, 3);
  out.id = in.fixed<TxId>(root, 0);
  out.outcome = static_cast<Outcome>(static_cast<std::uint16_t>(code));
  if (!in.ended() || !burnt || !tip || code >> 16 != 0 || name(out.outcome) == "unknown") return std::nullopt;
  out.burnt = *burnt;
  out.tip = *tip;
  return out;
}

std::optional<BlockContext> context_of(const Block& block, const wallet::Address& proposer) {
  BlockContext out{id_of(block.header), block.header.height, block.header.time, proposer};
  if (!block.commit.empty()) {
    out.commit = commit_of(block.commit);
    if (!out.commit) return std::nullopt;
  }
  for (const base::Bytes& entry : block.late) {
    auto vote = parse_signed_vote(entry);
    if (!vote) return std::nullopt;
    out.late.push_back(std::move(*vote));
  }
  for (const base::Bytes& entry : block.evidence) {
    auto evidence = parse_evidence(entry);
    if (!evidence) return std::nullopt;
    out.evidence.push_back(std::move(*evidence));
  }
  return out;
}

std::optional<Amount> fee_of(const Approved& transaction, BaseFee base_fee) {
  const auto burnt = burnt_by(transaction, base_fee);
  return burnt ? plus(*burnt, transaction.content().tip) : std::nullopt;
}

Outcome admissible(StateView& view, const Totals& totals, const Parameters& parameters, const Approved& transaction,
                   Height height, UnixMs time) {
  const Transaction& content = transaction.content();
  if (content.last_height < height) return Outcome::expired;
  if (content.gas != transaction.gas_needed()) return Outcome::gas;
  const auto fee = fee_of(transaction, totals.base_fee);
  if (!fee || *fee > content.fee_max) return Outcome::price;
  const Outcome out =
      std::visit([&](const auto& body) { return admissible_body(view, totals, parameters, content, body, *fee, time); },
                 content.body);
  if (refused(out)) return out;
  return view.account(content.from).nonce == content.nonce ? out : Outcome::nonce;
}

base::Result<Executed, ExecuteError> execute(const TreeRows& rows, const TreeRoot& root, const BlockContext& block,
                                             std::span<const Approved> transactions) {
  if (has_twice(tx_ids_of(transactions))) return ExecuteError(BlockError::repeated);
  StateView view(rows, root);
  const Totals before = view.totals();
  BlockRun run(view, block);
  Executed out;
  Frontier receipts;
  for (const Approved& transaction : transactions) {
    out.receipts.push_back(run.run(transaction));
    receipts.append(encode(out.receipts.back()));
    if (view.damage()) return ExecuteError(*view.damage());
  }
  out.receipts_root = receipts.root();
  out.gas = run.gas();
  out.totals = run.finish();
  Frontier log = view.log();
  log.append(block.id.view());
  TreeChanges changes = turned_validators(view, block);
  if (view.damage()) return ExecuteError(*view.damage());
  base::ensure(view.gain() + out.totals.faucet_pot.units() + before.supply.units() ==
                   __int128{before.faucet_pot.units()} + out.totals.supply.units(),
               "money that a block does not burn is in an account or a pot");
  changes.merge(view.changed_accounts());
  changes[state_key(StateKind::totals)] = encode(out.totals);
  changes[state_key(StateKind::block_log)] = encode_log(log);
  auto tree = update(rows, root, block.height, changes);
  if (!tree.ok()) return ExecuteError(tree.error());
  out.tree = std::move(tree).value();
  return out;
}

bool fits(const Parameters& parameters, std::span<const Approved> transactions) {
  wallet::Wide gas = 0, bytes = kBlockFrameBytes;
  for (const Approved& one : transactions) {
    gas += one.gas_needed().value;
    bytes += entry_bytes(one.bytes());
  }
  if (has_twice(tx_ids_of(transactions))) return false;
  return gas <= parameters[Param::block_gas] && bytes <= parameters[Param::block_bytes];
}

BaseFee next_base_fee(BaseFee now, Gas used, const Parameters& parameters) {
  const std::uint64_t target = parameters[Param::block_gas] / 2;
  const bool up = used.value > target;
  const std::uint64_t away = up ? std::min(used.value - target, target) : target - used.value;
  const auto part = static_cast<std::uint64_t>(wallet::Wide{now.value} * away / target / 8);
  const std::uint64_t change = away == 0 ? 0 : std::max<std::uint64_t>(part, 1);
  const std::uint64_t next = up ? now.value + change : now.value - std::min(now.value, change);
  return {std::clamp(next, parameters[Param::fee_base], kBaseFeeMax)};
}

}  // namespace troupe::chain
