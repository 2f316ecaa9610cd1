#pragma once
// What tests of a chain begin with: keys by number, a genesis, and transactions that these keys have signed.
#include "actors/chain/logic/genesis.hpp"
#include "actors/chain/logic/transaction.hpp"
#include "tests/actors/wallet/keys.hpp"
#include "tests/support.hpp"

namespace troupe::chain {

using wallet::Amount;
using wallet::test_address;
using wallet::test_key;

inline wallet::Credit pay(std::uint8_t number, std::uint64_t amount) {
  return {test_address(number), Amount::of(amount)};
}

inline Authority authority(std::uint8_t number, base::ByteView message) {
  const crypto::SecretKey key = test_key(number);
  return {wallet::Policy::of_key(key.public_key()), {wallet::approval(key, message)}};
}

/// Founder `number` has node key 10 + number, consensus key 20 + number and wallet `number`.
inline Founder founder(std::uint8_t number, std::uint64_t stake) {
  const auto key = [&](int base) { return test_key(static_cast<std::uint8_t>(base + number)).public_key(); };
  return {key(10), 4u + number, key(20), test_address(number), Amount::of(stake)};
}

inline GenesisSignature genesis_signature(const Genesis& genesis, std::uint8_t number) {
  const base::Bytes message = signed_bytes(genesis);
  const auto by = [&](int base) { return test_key(static_cast<std::uint8_t>(base + number)).sign(message); };
  return {by(20), by(10), authority(number, message)};
}

/// As golden.py has it: founders 1 and 2, 500 for each of the addresses 1 and 3, a faucet.
inline Genesis golden_genesis() {
  auto made = found("golden-1", UnixMs(1'700'000'000'000), Purpose::test, Parameters(),
                    {{founder(1, 1'000), Amount::of(500)}, {founder(2, 2'000), Amount()}});
  REQUIRE(made.ok());
  Genesis out = std::move(made).value();
  out.balances[test_address(3)] = Amount::of(500);
  return out;
}

inline SignedTransaction sign(const Transaction& content, Fork fork, std::uint8_t from, std::uint8_t payer = 0) {
  const base::Bytes message = signed_bytes(content, fork);
  SignedTransaction out{content, authority(from, message), {}};
  if (payer != 0) out.fee_payer = authority(payer, message);
  return out;
}

/// The same with the gas that it needs.
inline Transaction with_gas(Transaction content, std::uint8_t from, std::uint8_t payer = 0) {
  content.gas = gas_of(sign(content, {}, from, payer));
  return content;
}

inline Transaction golden_transfer() {
  return {id_of(golden_genesis()),
          test_address(1),
          {3},
          {100},
          {5'000},
          Amount::of(9'000),
          Amount::of(10),
          Transfer{{pay(2, 95), pay(3, 5)}, "rent"},
          test_address(2)};
}

inline Transaction golden_faucet() {
  return {id_of(golden_genesis()), test_address(1), {0}, {100}, {5'000}, Amount(), Amount(), Faucet{}, {}};
}

inline constexpr Fork kGoldenFork{7};

}  // namespace troupe::chain
