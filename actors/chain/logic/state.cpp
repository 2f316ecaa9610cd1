#include "actors/chain/logic/state.hpp"

#include <algorithm>
#include <bit>

#include "actors/chain/logic/forms.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::chain {
namespace {

constexpr unsigned kAccountWords = 6, kTotalsWords = 4;

wallet::Wide wealth_of(const Account& account) {
  return wallet::Wide{account.balance.units()} + account.staked.units() + account.unbonding.units() +
         account.rewards.units();
}

bool is_kind(const Cell& leaf, StateKind kind) { return leaf.key.front() == static_cast<std::uint8_t>(kind); }

}  // namespace

base::Bytes state_key(StateKind kind) { return {static_cast<std::uint8_t>(kind)}; }

base::Bytes account_key(const wallet::Address& address) {
  base::Bytes out = state_key(StateKind::account);
  base::append(out, address.view());
  return out;
}

base::Bytes encode(const Account& account) {
  CanonStruct out;
  out.words = {account.balance.units(),   account.nonce.value,     account.staked.units(),
               account.unbonding.units(), account.rewards.units(), static_cast<std::uint64_t>(account.faucet.count())};
  return out.encode();
}

std::optional<Account> parse_account(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto root = in.root(kAccountWords, 0);
  Account out;
  out.balance = read_amount(in, root, 0);
  out.nonce = {in.word(root, 1)};
  out.staked = read_amount(in, root, 2);
  out.unbonding = read_amount(in, root, 3);
  out.rewards = read_amount(in, root, 4);
  out.faucet = UnixMs(static_cast<std::int64_t>(in.word(root, 5)));
  if (!in.ended() || out.faucet < UnixMs{}) return std::nullopt;
  return out;
}

base::Bytes encode(const Totals& totals) {
  CanonStruct out;
  out.words = {totals.supply.units(), totals.burnt.units(), totals.faucet_pot.units(), totals.base_fee.value};
  return out.encode();
}

std::optional<Totals> parse_totals(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto root = in.root(kTotalsWords, 0);
  Totals out;
  out.supply = read_amount(in, root, 0);
  out.burnt = read_amount(in, root, 1);
  out.faucet_pot = read_amount(in, root, 2);
  out.base_fee = {in.word(root, 3)};
  if (!in.ended() || out.base_fee.value > kBaseFeeMax) return std::nullopt;
  return out;
}

base::Bytes encode_log(const Frontier& log) {
  const base::Bytes bytes = log.encode();
  CanonStruct out;
  out.words = {log.size()};
  return out.data(base::ByteView(bytes).subspan(8)).encode();
}

std::optional<Frontier> parse_log(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto root = in.root(1, 1);
  base::Bytes form;
  base::append_number(form, in.word(root, 0));
  base::append(form, in.data(root, 0, kLogLevelsMax * 32));
  if (!in.ended()) return std::nullopt;
  return Frontier::decode(form);
}

ValidatorSet validators_of(const Genesis& genesis) {
  std::vector<Validator> out;
  for (const Founder& founder : genesis.founders)
    out.push_back({founder.node(), founder.consensus_key, founder.stake.units()});
  auto set = ValidatorSet::from(std::move(out));
  base::ensure(set.ok(), "the founders of a genesis without a flaw are a set of validators");
  return std::move(set).value();
}

TreeChanges state_of(const Genesis& genesis) {
  std::map<wallet::Address, Account> accounts;
  for (const auto& [address, balance] : genesis.balances) accounts[address].balance = balance;
  for (const Founder& founder : genesis.founders) {
    Account& account = accounts[founder.address];
    account.staked = account.staked + founder.stake;
  }
  TreeChanges out;
  for (const auto& [address, account] : accounts) out[account_key(address)] = encode(account);
  Totals totals;
  totals.supply = supply_of(genesis);
  if (genesis.purpose == Purpose::test) totals.faucet_pot = wallet::Amount::of(genesis.parameters[Param::faucet_pot]);
  totals.base_fee = {genesis.parameters[Param::fee_base]};
  Frontier log;
  log.append(id_of(genesis).view());
  out[state_key(StateKind::totals)] = encode(totals);
  out[state_key(StateKind::parameters)] = encode(genesis.parameters);
  out[state_key(StateKind::block_log)] = encode_log(log);
  const ValidatorSet validators = validators_of(genesis);
  for (const StateKind kind : {StateKind::validators, StateKind::next_validators})
    out[state_key(kind)] = encode(validators);
  out[state_key(StateKind::rotation)] = encode(Rotation(validators));
  return out;
}

std::optional<base::Bytes> StateView::read(const base::Bytes& key) {
  auto found = find(rows_, root_, key);
  if (found.ok()) return std::move(found).value();
  damage_ = damage_.value_or(found.error());
  return std::nullopt;
}

Account& StateView::account(const wallet::Address& address) {
  const auto [at, added] = accounts_.try_emplace(address);
  if (added) {
    if (const auto bytes = read(account_key(address))) {
      const auto account = parse_account(*bytes);
      if (!account) damaged();
      at->second.before = at->second.now = account.value_or(Account{});
    }
  }
  return at->second.now;
}

Totals StateView::totals() {
  const auto bytes = read(state_key(StateKind::totals));
  const auto out = bytes ? parse_totals(*bytes) : std::nullopt;
  if (!out) damaged();
  return out.value_or(Totals{});
}

Parameters StateView::parameters() {
  const auto bytes = read(state_key(StateKind::parameters));
  const auto out = bytes ? parse_parameters(*bytes) : std::nullopt;
  if (!out) damaged();
  return out.value_or(Parameters());
}

Frontier StateView::log() {
  const auto bytes = read(state_key(StateKind::block_log));
  const auto out = bytes ? parse_log(*bytes) : std::nullopt;
  if (!out) damaged();
  return out.value_or(Frontier());
}

std::optional<ValidatorSet> StateView::validators_at(StateKind kind) {
  const auto bytes = read(state_key(kind));
  auto out = bytes ? parse_validators(*bytes) : std::nullopt;
  if (!out) damaged();
  return out;
}

std::optional<Rotation> StateView::rotation() {
  const auto set = validators();
  const auto bytes = read(state_key(StateKind::rotation));
  auto out = set && bytes ? parse_rotation(*bytes, *set) : std::nullopt;
  if (!out) damaged();
  return out;
}

TreeChanges StateView::changed_accounts() const {
  TreeChanges out;
  for (const auto& [address, seen] : accounts_)
    if (seen.now != seen.before) out[account_key(address)] = encode(seen.now);
  return out;
}

__extension__ __int128 StateView::gain() const {
  __extension__ __int128 out = 0;
  for (const auto& [address, seen] : accounts_) {
    out += wealth_of(seen.now);
    out -= wealth_of(seen.before);
  }
  return out;
}

base::Result<StateSums, TreeDamage> sums_of(const TreeRows& rows, const TreeRoot& root) {
  StateSums out;
  StateView view(rows, root);
  bool whole = true;
  const auto walked = each_leaf(rows, root, {}, [&](const Cell& leaf) {
    if (!is_kind(leaf, StateKind::account)) return true;
    const auto account = parse_account(leaf.value);
    whole = account.has_value();
    if (!whole) return false;
    ++out.accounts;
    out.balances += account->balance.units();
    out.staked += account->staked.units();
    out.unbonding += account->unbonding.units();
    out.rewards += account->rewards.units();
    return true;
  });
  if (!walked.ok()) return walked.error();
  const Totals totals = view.totals();
  if (view.damage()) return *view.damage();
  if (!whole) return TreeDamage{{root.version, 0, {}}};
  out.pots = totals.faucet_pot;
  out.supply = totals.supply;
  return out;
}

}  // namespace troupe::chain
