#pragma once
// What validators say at one place, as golden.py has it, and what each kind of canonical bytes has to hold to.
#include <rapidcheck.h>

#include "actors/chain/logic/evidence.hpp"
#include "tests/actors/chain/chains.hpp"

namespace troupe::chain {

inline BlockId filled_block(std::uint8_t byte) {
  BlockId out;
  out.bytes.fill(byte);
  return out;
}

inline const Place kGoldenPlace{kGoldenFork, {9}, {2}};
inline const Vote kGoldenVote{kGoldenPlace, Step::precommit, filled_block(0xb1)};
inline const Vote kGoldenNil{kGoldenPlace, Step::precommit, {}};
inline const Proposal kGoldenProposal{kGoldenPlace, {}, filled_block(0xb1), UnixMs{1'700'000'001'000}};
inline const Proposal kGoldenAgain{kGoldenPlace, Round{0}, filled_block(0xb1), UnixMs{1'700'000'001'000}};

/// By the consensus key of a founder.
template <class Content>
Signed<Content> said_by(std::uint8_t number, const Content& content) {
  const auto key = test_key(static_cast<std::uint8_t>(20 + number));
  return {content, founder(number, 1).node(), key.sign(signed_bytes(id_of(golden_genesis()), content))};
}

inline bool by_key(const base::PublicKey& key, base::ByteView bytes, const crypto::Signature& signature) {
  return crypto::verify(key, bytes, signature);
}

inline ValidatorSet founders_of_golden() {
  std::vector<Validator> all;
  for (const std::uint8_t number : {std::uint8_t{1}, std::uint8_t{2}}) {
    const Founder one = founder(number, number * 1'000u);
    all.push_back({one.node(), one.consensus_key, one.stake.units()});
  }
  return ValidatorSet::from(std::move(all)).value();
}

inline Place some_place() {
  return {Fork{*rc::gen::arbitrary<std::uint32_t>()}, Height{*rc::gen::arbitrary<std::uint64_t>()},
          Round{*rc::gen::arbitrary<std::uint32_t>()}};
}
template <class Fixed>
Fixed some_fixed() {
  Fixed out;
  for (auto& byte : out.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  return out;
}
inline Vote some_vote() {
  return {some_place(), *rc::gen::element(Step::prevote, Step::precommit),
          *rc::gen::arbitrary<bool>() ? Choice(some_fixed<BlockId>()) : std::nullopt};
}
inline Proposal some_proposal() {
  return {some_place(),
          *rc::gen::arbitrary<bool>() ? std::optional(Round{*rc::gen::arbitrary<std::uint32_t>()}) : std::nullopt,
          some_fixed<BlockId>(), UnixMs(*rc::gen::inRange<std::int64_t>(0, kTimeMax.count() + 1))};
}
template <class Content>
Signed<Content> some_signed(const Content& content) {
  return {content, some_fixed<base::NodeId>(), some_fixed<crypto::Signature>()};
}

/// Cut or longer bytes are not read; with a bit turned they are refused, or are the one form of what they say.
template <class Parse>
void check_one_form(const base::Bytes& good, Parse parse) {
  CHECK(parse(good).has_value());
  for (std::size_t i = 0; i < good.size(); ++i) {
    CHECK_FALSE(parse(base::ByteView(good).first(i)).has_value());
    for (int bit = 0; bit < 8; ++bit) {
      base::Bytes changed = good;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ 1 << bit);
      if (const auto read = parse(changed)) CHECK(encode(*read) == changed);
    }
  }
  base::Bytes longer = good;
  longer.resize(good.size() + 8);
  CHECK_FALSE(parse(longer).has_value());
}

}  // namespace troupe::chain
