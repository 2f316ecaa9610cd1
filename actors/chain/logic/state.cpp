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

base::Bytes past_validators_key(const base::Digest& hash) {
  base::Bytes out = state_key(StateKind::past_validators);
  base::append(out, hash.view());
  return out;
}

base::Bytes evidence_key(const base::NodeId& validator) {
  base::Bytes out = state_key(StateKind::evidence);
  base::append(out, validator.view());
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
  base::ensure(set.ok(), "the founders of a genesis without a flaw are a validator set");
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
  const Presence presence = presence_of(validators);
  out[state_key(StateKind::presence)] = encode(presence.heights);
  out[state_key(StateKind::absences)] = encode(presence.absences);
  return out;
}

TreeChanges changed_presence(const Presence& before, const Presence& after, const base::Digest& next) {
  const base::Digest& now = after.heights.back().validators;
  const auto kept = [](const Presence& presence, const base::Digest& current, const base::Digest& hash) {
    return hash != current && presence.sets.contains(hash);
  };
  TreeChanges out;
  out[state_key(StateKind::presence)] = encode(after.heights);
  if (after.absences != before.absences) out[state_key(StateKind::absences)] = encode(after.absences);
  for (const auto& [hash, set] : before.sets)
    if (kept(before, now, hash) && !kept(after, next, hash)) out[past_validators_key(hash)] = std::nullopt;
  for (const auto& [hash, set] : after.sets)
    if (kept(after, next, hash) && !kept(before, now, hash)) out[past_validators_key(hash)] = encode(set);
  return out;
}

std::optional<base::Bytes> StateView::read(const base::Bytes& key) {
  auto found = find(rows_, root_, key);
  if (found.ok()) return std::move(found).value();
  damage_ = damage_.value_or(found.error());
  return std::nullopt;
}

Account& StateView::account(const wallet::Address& address) {
  if (last_ != nullptr && last_->first == address) return last_->second.now;
  const auto [at, added] = accounts_.try_emplace(address);
  last_ = &*at;
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

std::optional<Presence> StateView::presence() {
  const auto current = validators();
  const auto heights = read(state_key(StateKind::presence)), absences = read(state_key(StateKind::absences));
  auto seen = heights ? parse_attendances(*heights) : std::nullopt;
  auto missed = absences ? parse_absences(*absences) : std::nullopt;
  if (!current || !seen || !missed) {
    damaged();
    return std::nullopt;
  }
  Presence out{std::move(*seen), std::move(*missed), {}};
  const base::Digest now = hash_of(*current);
  for (const Attendance& one : out.heights) {
    if (out.sets.contains(one.validators)) continue;
    const auto bytes = one.validators == now ? std::nullopt : read(past_validators_key(one.validators));
    auto set = one.validators == now ? current : bytes ? parse_validators(*bytes) : std::nullopt;
    if (!set) {
      damaged();
      return std::nullopt;
    }
    out.sets.emplace(one.validators, std::move(*set));
  }
  return out;
}

std::optional<Judged> StateView::evidence_of(const base::NodeId& validator) {
  const auto bytes = read(evidence_key(validator));
  if (!bytes) return std::nullopt;
  const auto out = parse_judged(*bytes);
  if (!out) damaged();
  return out;
}

std::set<base::NodeId> StateView::judged() {
  std::set<base::NodeId> out;
  for (const auto& set : {validators(), next_validators()}) {
    if (!set) continue;
    for (const Validator& one : set->all())
      if (!out.contains(one.id) && evidence_of(one.id)) out.insert(one.id);
  }
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
