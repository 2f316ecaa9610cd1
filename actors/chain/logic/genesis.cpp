#include "actors/chain/logic/genesis.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "actors/chain/logic/forms.hpp"
#include "actors/chain/logic/header.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::chain {
namespace {

constexpr std::string_view kGenesisDomain = "troupe genesis v1";
constexpr unsigned kFounderWords = 2, kFounderPointers = 3;
constexpr unsigned kGenesisWords = 2, kGenesisPointers = 4;

CanonStruct form_of(const Founder& founder) {
  CanonStruct out;
  out.words = {founder.stake.units(), founder.node_nonce};
  out.data(founder.node_key.view()).data(founder.consensus_key.view()).data(founder.address.view());
  return out;
}

Founder read_founder(CanonReader& in, const CanonReader::Object& from) {
  Founder out;
  out.stake = read_amount(in, from, 0);
  out.node_nonce = static_cast<std::uint32_t>(in.word(from, 1));
  if (in.word(from, 1) >> 32 != 0) in.fail();
  out.node_key = in.fixed<base::PublicKey>(from, 0);
  out.consensus_key = in.fixed<base::PublicKey>(from, 1);
  out.address = in.fixed<wallet::Address>(from, 2);
  return out;
}

bool is_chain_name(std::string_view name) {
  return !name.empty() && name.size() <= kChainNameMax &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool are_founders(const std::vector<Founder>& founders) {
  if (founders.empty() || founders.size() > kFoundersMax) return false;
  std::set<base::PublicKey> keys;
  std::optional<base::NodeId> last;
  for (const Founder& founder : founders) {
    const base::NodeId node = founder.node();
    if ((last && !(*last < node)) || founder.stake == wallet::Amount()) return false;
    if (!keys.insert(founder.node_key).second || !keys.insert(founder.consensus_key).second) return false;
    last = node;
  }
  return true;
}

std::optional<wallet::Amount> checked_supply(const Genesis& genesis) {
  std::optional<wallet::Amount> sum = wallet::Amount();
  const auto add = [&](wallet::Amount amount) {
    if (sum) sum = plus(*sum, amount);
  };
  for (const Founder& founder : genesis.founders) add(founder.stake);
  for (const auto& [address, balance] : genesis.balances) add(balance);
  if (genesis.purpose == Purpose::test) add(wallet::Amount::of(genesis.parameters[Param::faucet_pot]));
  return sum;
}

bool has_signed(base::ByteView message, const Founder& founder, const GenesisSignature& signature) {
  return crypto::verify(founder.consensus_key, message, signature.consensus) &&
         crypto::verify(founder.node_key, message, signature.node) &&
         speaks_for(signature.wallet, founder.address, message);
}

}  // namespace

base::NodeId Founder::node() const { return crypto::node_id(node_key, node_nonce); }

base::Bytes encode(const Founding& founding) {
  CanonStruct out;
  out.words = {founding.balance.units()};
  out.object(form_of(founding.founder));
  return out.encode();
}

std::optional<Founding> parse_founding(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto root = in.root(1, 1);
  Founding out;
  out.balance = read_amount(in, root, 0);
  out.founder = read_founder(in, in.object(root, 0, kFounderWords, kFounderPointers));
  if (!in.ended()) return std::nullopt;
  return out;
}

std::optional<GenesisError> flaw(const Genesis& genesis) {
  if (!is_chain_name(genesis.name)) return GenesisError::name;
  if (genesis.time < UnixMs{} || genesis.time > kBlockTimeMax) return GenesisError::time;
  if (!are_founders(genesis.founders)) return GenesisError::founders;
  const auto is_zero = [](const auto& one) { return one.second == wallet::Amount(); };
  if (genesis.balances.size() > kBalancesMax || std::ranges::any_of(genesis.balances, is_zero))
    return GenesisError::balances;
  if (!checked_supply(genesis)) return GenesisError::supply;
  return std::nullopt;
}

wallet::Amount supply_of(const Genesis& genesis) {
  const auto sum = checked_supply(genesis);
  base::ensure(sum.has_value(), "the supply of a genesis without a flaw is below 2^63");
  return *sum;
}

base::Result<Genesis, GenesisError> found(std::string name, UnixMs time, Purpose purpose, const Parameters& parameters,
                                          const std::vector<Founding>& foundings) {
  Genesis out{std::move(name), time, purpose, parameters, {}, {}};
  for (const Founding& one : foundings) {
    out.founders.push_back(one.founder);
    if (one.balance == wallet::Amount()) continue;
    wallet::Amount& balance = out.balances[one.founder.address];
    const auto sum = plus(balance, one.balance);
    if (!sum) return GenesisError::supply;
    balance = *sum;
  }
  std::ranges::sort(out.founders, {}, &Founder::node);
  if (const auto wrong = flaw(out)) return *wrong;
  return out;
}

base::Bytes encode(const Genesis& genesis) {
  std::vector<CanonStruct> founders, balances;
  for (const Founder& founder : genesis.founders) founders.push_back(form_of(founder));
  for (const auto& [address, amount] : genesis.balances) {
    balances.push_back({{amount.units()}, {}});
    balances.back().data(address.view());
  }
  CanonStruct out;
  out.words = {static_cast<std::uint64_t>(genesis.time.count()),
               std::uint64_t{genesis.purpose == Purpose::test} << 16 | kGenesisVersion};
  out.data(base::as_bytes(genesis.name)).object(form_of(genesis.parameters));
  out.object_list(std::move(founders)).object_list(std::move(balances));
  return out.encode();
}

base::Result<Genesis, GenesisError> parse_genesis(base::ByteView bytes) {
  if (bytes.size() > kGenesisBytesMax) return GenesisError::malformed;
  CanonReader in(bytes);
  const auto root = in.root(kGenesisWords, kGenesisPointers);
  Genesis out;
  const std::uint64_t time = in.word(root, 0), form = in.word(root, 1);
  if (time >> 63 != 0 || (form & ~(std::uint64_t{1} << 16)) != kGenesisVersion) return GenesisError::malformed;
  out.time = UnixMs(static_cast<std::int64_t>(time));
  out.purpose = form >> 16 == 0 ? Purpose::real : Purpose::test;
  out.name = base::as_text(in.data(root, 0, kChainNameMax));
  out.parameters = read_parameters(in, in.object(root, 1, kParameterWords, 0));
  const auto founders = in.list(root, 2, kFoundersMax, kFounderWords, kFounderPointers);
  for (unsigned i = 0; i < founders.count && in.ok(); ++i) out.founders.push_back(read_founder(in, founders[i]));
  const auto balances = in.list(root, 3, kBalancesMax, 1, 1);
  for (unsigned i = 0; i < balances.count && in.ok(); ++i) {
    const auto amount = read_amount(in, balances[i], 0);
    const auto address = in.fixed<wallet::Address>(balances[i], 0);
    if (!out.balances.empty() && !(out.balances.rbegin()->first < address)) in.fail();
    out.balances.emplace_hint(out.balances.end(), address, amount);
  }
  if (!in.ended()) return GenesisError::malformed;
  if (const auto wrong = flaw(out)) return *wrong;
  return out;
}

ChainId id_of(const Genesis& genesis) { return {crypto::sha256(encode(genesis)).bytes}; }

base::Bytes signed_bytes(const Genesis& genesis) { return signed_bytes(kGenesisDomain, id_of(genesis), Fork{}, {}); }

bool verify(const Genesis& genesis, const Founder& founder, const GenesisSignature& signature) {
  return has_signed(signed_bytes(genesis), founder, signature);
}

bool SignedGenesis::sign(const base::NodeId& node, GenesisSignature signature) {
  const auto founder = std::ranges::find(genesis_.founders, node, &Founder::node);
  if (founder == genesis_.founders.end() || !has_signed(message_, *founder, signature)) return false;
  signatures_.try_emplace(node, std::move(signature));
  return true;
}

bool SignedGenesis::founded() const {
  wallet::Wide all = 0, signed_stake = 0;
  for (const Founder& founder : genesis_.founders) {
    all += founder.stake.units();
    if (signatures_.contains(founder.node())) signed_stake += founder.stake.units();
  }
  return signed_stake * 3 > all * 2;
}

base::Bytes SignedGenesis::encode() const {
  std::vector<CanonStruct> list;
  for (const auto& [node, signature] : signatures_) {
    list.emplace_back().data(node.view()).data(signature.consensus.view()).data(signature.node.view());
    list.back().object(form_of(signature.wallet));
  }
  return CanonStruct().data(chain::encode(genesis_)).object_list(std::move(list)).encode();
}

base::Result<SignedGenesis, GenesisError> SignedGenesis::parse(base::ByteView bytes) {
  if (bytes.size() > kGenesisBytesMax) return GenesisError::malformed;
  CanonReader in(bytes);
  const auto root = in.root(0, 2);
  auto genesis = parse_genesis(in.data(root, 0, kGenesisBytesMax));
  if (!genesis.ok()) return genesis.error();
  SignedGenesis out(std::move(genesis).value());
  const auto list = in.list(root, 1, kFoundersMax, 0, 4);
  for (unsigned i = 0; i < list.count && in.ok(); ++i) {
    const auto node = in.fixed<base::NodeId>(list[i], 0);
    const auto consensus = in.fixed<crypto::Signature>(list[i], 1);
    const auto by_node = in.fixed<crypto::Signature>(list[i], 2);
    auto wallet = read_authority(in, in.object(list[i], 3, 0, kAuthorityPointers));
    const bool rising = out.signatures_.empty() || out.signatures_.rbegin()->first < node;
    if (!wallet || !rising || !out.sign(node, {consensus, by_node, std::move(*wallet)})) in.fail();
  }
  if (!in.ended()) return GenesisError::malformed;
  return out;
}

}  // namespace troupe::chain
