#include "actors/chain/logic/genesis.hpp"

#include <rapidcheck.h>

#include "actors/chain/logic/times.hpp"
#include "tests/actors/chain/chains.hpp"
#include "tests/actors/chain/golden.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

SignedGenesis signed_by(const Genesis& genesis, std::initializer_list<std::uint8_t> founders) {
  SignedGenesis out(genesis);
  for (const std::uint8_t number : founders)
    CHECK(out.sign(founder(number, 1).node(), genesis_signature(genesis, number)));
  return out;
}

std::optional<GenesisError> error_of(const Genesis& genesis) {
  const auto parsed = parse_genesis(encode(genesis));
  CHECK(flaw(genesis).has_value() != parsed.ok());
  if (parsed.ok()) return std::nullopt;
  return parsed.error();
}

}  // namespace

TEST_CASE("chain genesis: the bytes are those of another program") {
  const Genesis genesis = golden_genesis();
  CHECK(base::hex(encode(genesis)) == golden::kGenesis);
  CHECK(base::hex(signed_by(genesis, {1, 2}).encode()) == golden::kSignedGenesis);
  CHECK(base::hex(encode(Founding{founder(1, 1'000), Amount::of(500)})) == golden::kFounding);
  CHECK(base::hex(encode(Parameters())) == golden::kParameters);
  CHECK(parse_genesis(test::bytes_of_hex(golden::kGenesis)).value() == genesis);
  CHECK(SignedGenesis::parse(test::bytes_of_hex(golden::kSignedGenesis)).value().signatures().size() == 2);
  CHECK(parse_founding(test::bytes_of_hex(golden::kFounding)) == Founding{founder(1, 1'000), Amount::of(500)});
  CHECK(parse_parameters(test::bytes_of_hex(golden::kParameters)) == Parameters());
}

TEST_CASE("chain genesis: the spans of consensus are its parameters") {
  Parameters parameters;
  const Times initial = times_of(parameters), expected;
  CHECK(initial == expected);
  const std::pair<Param, UnixMs Times::*> spans[] = {{Param::consensus_propose_ms, &Times::propose},
                                                     {Param::consensus_prevote_ms, &Times::prevote},
                                                     {Param::consensus_precommit_ms, &Times::precommit},
                                                     {Param::block_precision_ms, &Times::precision},
                                                     {Param::block_delay_ms, &Times::delay}};
  for (const auto& [param, span] : spans) {
    Parameters changed;
    REQUIRE(changed.set(param, 777));
    Times other = expected;
    other.*span = UnixMs{777};
    CHECK(times_of(changed) == other);
  }
}

TEST_CASE("chain genesis: it is founded by more than 2/3 of the stake, and by no less") {
  const auto make = [](std::uint64_t one, std::uint64_t two) {
    return found("test", {}, Purpose::real, {}, {{founder(1, one), {}}, {founder(2, two), {}}}).value();
  };
  CHECK_FALSE(signed_by(make(1, 2), {2}).founded());
  CHECK(signed_by(make(1, 3), {2}).founded());
  CHECK_FALSE(signed_by(make(1, 3), {1}).founded());
  CHECK_FALSE(signed_by(make(1, 3), {}).founded());
  CHECK(signed_by(make(1, 2), {1, 2}).founded());
  CHECK(signed_by(make(Amount::kMax / 3 - 1, Amount::kMax / 3 * 2 + 1), {2}).founded());
}

TEST_CASE("chain genesis: a signature counts with all three keys of its founder, for this genesis") {
  const Genesis genesis = golden_genesis();
  SignedGenesis all(genesis);
  GenesisSignature signature = genesis_signature(genesis, 1);
  base::NodeId node = founder(1, 1).node();
  SUBCASE("consensus key") { signature.consensus = genesis_signature(genesis, 2).consensus; }
  SUBCASE("node key") { signature.node = signature.consensus; }
  SUBCASE("wallet") { signature.wallet = genesis_signature(genesis, 2).wallet; }
  SUBCASE("no approval") { signature.wallet.approvals.clear(); }
  SUBCASE("another founder") { node = founder(2, 1).node(); }
  SUBCASE("a stranger") { node = founder(3, 1).node(); }
  SUBCASE("another genesis") {
    Genesis other = genesis;
    other.name = "other";
    signature = genesis_signature(other, 1);
  }
  CHECK_FALSE(all.sign(node, signature));
  CHECK(all.signatures().empty());
}

TEST_CASE("chain genesis: to sign again changes nothing, also with other approvals or a wrong signature") {
  const auto policy = wallet::Policy::of_signers(2, {test_address(1), test_address(2), test_address(3)}).value();
  Genesis genesis = golden_genesis();
  genesis.founders[0].address = policy.address();
  const base::NodeId node = genesis.founders[0].node();
  const std::uint8_t number = node == founder(1, 1).node() ? 1 : 2;
  const auto by = [&](std::vector<std::uint8_t> keys) {
    GenesisSignature out = genesis_signature(genesis, number);
    out.wallet = {policy, {}};
    for (const std::uint8_t key : keys)
      out.wallet.approvals.push_back(wallet::approval(test_key(key), signed_bytes(genesis)));
    std::ranges::sort(out.wallet.approvals, {}, &wallet::Approval::key);
    return out;
  };
  SignedGenesis file(genesis);
  CHECK_FALSE(file.sign(node, by({1, 2, 3})));  // a third one is not asked for
  REQUIRE(file.sign(node, by({1, 2})));
  const base::Bytes bytes = file.encode();
  CHECK(file.sign(node, by({1, 2})));
  CHECK(file.sign(node, by({2, 3})));
  CHECK_FALSE(file.sign(node, by({2})));
  CHECK(file.encode() == bytes);
  CHECK(SignedGenesis::parse(bytes).value().encode() == bytes);
}

TEST_CASE("chain genesis: a file with a signature that is not valid is refused, one with fewer is not") {
  const Genesis genesis = golden_genesis();
  for (const SignedGenesis& one : {signed_by(genesis, {}), signed_by(genesis, {2}), signed_by(genesis, {1, 2})}) {
    const auto parsed = SignedGenesis::parse(one.encode());
    REQUIRE(parsed.ok());
    CHECK(parsed.value().signatures() == one.signatures());
    CHECK(parsed.value().genesis() == genesis);
  }
  base::Bytes bytes = signed_by(genesis, {1, 2}).encode();
  bytes.back() ^= 1;  // of the last signature
  CHECK(SignedGenesis::parse(bytes).error() == GenesisError::malformed);
}

TEST_CASE("chain genesis: names, founders, balances and the supply are within their bounds") {
  Genesis genesis = golden_genesis();
  CHECK(supply_of(genesis).units() == 3'000 + 1'000 + 1'000'000'000'000'000);
  SUBCASE("name") {
    for (const char* name : {"", "A", "a_b", "a b", "123456789012345678901234567890123"}) {
      genesis.name = name;
      CHECK(flaw(genesis) == GenesisError::name);
      CHECK_FALSE(parse_genesis(encode(genesis)).ok());
    }
    genesis.name = "12345678901234567890123456789-ab";
    CHECK_FALSE(flaw(genesis).has_value());
  }
  SUBCASE("time") {
    genesis.time = UnixMs(-1);
    CHECK(flaw(genesis) == GenesisError::time);
    CHECK_FALSE(parse_genesis(encode(genesis)).ok());
    genesis.time = UnixMs::max();
    CHECK(error_of(genesis) == GenesisError::time);
  }
  SUBCASE("no founder") {
    genesis.founders.clear();
    CHECK(error_of(genesis) == GenesisError::founders);
  }
  SUBCASE("founders out of order") {
    std::swap(genesis.founders[0], genesis.founders[1]);
    CHECK(error_of(genesis) == GenesisError::founders);
  }
  SUBCASE("no stake") {
    genesis.founders[0].stake = Amount();
    CHECK(error_of(genesis) == GenesisError::founders);
  }
  SUBCASE("one key for two") {
    genesis.founders[0].consensus_key = genesis.founders[1].node_key;
    CHECK(error_of(genesis) == GenesisError::founders);
  }
  SUBCASE("a balance of 0") {
    genesis.balances[test_address(5)] = Amount();
    CHECK(error_of(genesis) == GenesisError::balances);
  }
  SUBCASE("supply") {
    genesis.balances[test_address(5)] = Amount::of(Amount::kMax - supply_of(genesis).units());
    CHECK_FALSE(error_of(genesis).has_value());
    genesis.balances[test_address(6)] = Amount::of(1);
    CHECK(error_of(genesis) == GenesisError::supply);
  }
}

TEST_CASE("chain genesis: a chain that is none for tests has no pot, and founders of one wallet add up") {
  const auto made = found("real", {}, Purpose::real, {},
                          {{founder(1, 5), Amount::of(1)},
                           {[] {
                              Founder out = founder(2, 6);
                              out.address = test_address(1);
                              return out;
                            }(),
                            Amount::of(2)}});
  REQUIRE(made.ok());
  CHECK(supply_of(made.value()) == Amount::of(14));
  CHECK(made.value().balances == std::map<wallet::Address, Amount>{{test_address(1), Amount::of(3)}});
  CHECK(found("real", {}, Purpose::real, {}, {{founder(1, 5), {}}, {founder(1, 5), {}}}).error() ==
        GenesisError::founders);
}

TEST_CASE("chain genesis: parameters have names, initial values and bounds") {
  Parameters parameters;
  for (std::size_t i = 0; i < kParams; ++i) {
    const auto param = static_cast<Param>(i);
    const ParamInfo& about = info(param);
    CAPTURE(about.name);
    CHECK(param_named(about.name) == param);
    CHECK(parameters[param] == about.initial);
    CHECK(parameters.set(param, about.min));
    CHECK(parameters.set(param, about.max));
    CHECK(parse_parameters(encode(parameters)) == parameters);
    CHECK_FALSE(parameters.set(param, about.max + 1));
    if (about.min > 0) CHECK_FALSE(parameters.set(param, about.min - 1));
    CHECK(parameters[param] == about.max);
  }
  CHECK_FALSE(param_named("block").has_value());
  CHECK_FALSE(parse_parameters(base::Bytes(8)).has_value());
}

TEST_CASE("chain genesis: changed, cut and random bytes are refused, or are the bytes of another one") {
  const SignedGenesis whole = signed_by(golden_genesis(), {2});
  CHECK(rc::check([&] {
    base::Bytes bytes = *rc::gen::arbitrary<bool>() ? whole.encode() : encode(whole.genesis());
    switch (*rc::gen::inRange(0, 3)) {
      case 0: bytes = *rc::gen::arbitrary<base::Bytes>(); break;
      case 1: bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size())); break;
      default: bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<std::uint8_t>();
    }
    const auto genesis = parse_genesis(bytes);
    if (genesis.ok()) RC_ASSERT(encode(genesis.value()) == bytes);
    const auto file = SignedGenesis::parse(bytes);
    if (file.ok()) RC_ASSERT(file.value().encode() == bytes);
    if (const auto founding = parse_founding(bytes)) RC_ASSERT(encode(*founding) == bytes);
    if (const auto parameters = parse_parameters(bytes)) RC_ASSERT(encode(*parameters) == bytes);
  }));
}
