#include "actors/chain/logic/validators.hpp"

#include <capnp/message.h>
#include <rapidcheck.h>

#include <sstream>

#include "actors/chain/logic/rotation.hpp"
#include "messages/chain.capnp.h"
#include "runtime/base/fields.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

Validator validator(std::uint8_t number, std::uint64_t power) {
  return {base::NodeId{{number}}, base::PublicKey{{number, 7}}, power};
}

ValidatorSet set_of(const std::vector<std::uint64_t>& powers) {
  std::vector<Validator> all;
  for (const std::uint64_t power : powers) all.push_back(validator(static_cast<std::uint8_t>(all.size() + 1), power));
  return ValidatorSet::from(std::move(all)).value();
}

template <class Reader>
base::Bytes set_by_capnp(Reader reader) {
  const auto words = capnp::canonicalize(reader);
  const auto bytes = words.asBytes();
  return {bytes.begin(), bytes.end()};
}

base::Bytes rotation_by_capnp(const Rotation& rotation) {
  capnp::MallocMessageBuilder message;
  const auto& all = rotation.priorities();
  auto list = message.initRoot<wire::Rotation>().initPriorities(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setLow(static_cast<std::uint64_t>(all[i]));
    list[i].setHigh(static_cast<std::uint64_t>(all[i] >> 64));
  }
  return set_by_capnp(message.getRoot<wire::Rotation>().asReader());
}

std::optional<ValidatorsError> refusal(std::vector<Validator> all) {
  const auto set = ValidatorSet::from(std::move(all));
  return set.ok() ? std::nullopt : std::optional(set.error());
}

}  // namespace

TEST_CASE("validators: a set has one order, and each id and key once") {
  const ValidatorSet set = ValidatorSet::from({validator(3, 5), validator(1, 2), validator(2, 1)}).value();
  CHECK(set.at(0).id == validator(1, 0).id);
  CHECK(set.index_of(validator(3, 0).id) == 2);
  CHECK_FALSE(set.index_of(validator(4, 0).id));
  CHECK(set.power() == 8);
  CHECK(refusal({}) == ValidatorsError::none);
  CHECK(refusal({validator(1, 1), validator(1, 2)}) == ValidatorsError::twice);
  Validator same_key = validator(2, 1);
  same_key.key = validator(1, 1).key;
  CHECK(refusal({validator(1, 1), same_key}) == ValidatorsError::twice);
}

TEST_CASE("validators: limits hold at the limit and one beyond") {
  CHECK(refusal({validator(1, 0)}) == ValidatorsError::no_power);
  CHECK(refusal({validator(1, kPowerMax)}) == std::nullopt);
  CHECK(refusal({validator(1, kPowerMax), validator(2, 1)}) == ValidatorsError::too_much_power);
  CHECK(refusal({validator(1, ~std::uint64_t{0})}) == ValidatorsError::too_much_power);
  std::vector<Validator> many;
  for (std::size_t i = 0; i < kValidatorsMax; ++i) {
    many.push_back(validator(static_cast<std::uint8_t>(i), 1));
    many.back().id.bytes[1] = many.back().key.bytes[2] = static_cast<std::uint8_t>(i >> 8);
  }
  CHECK(refusal(many) == std::nullopt);
  many.push_back(validator(0, 1));
  many.back().id.bytes[2] = many.back().key.bytes[3] = 1;
  CHECK(refusal(many) == ValidatorsError::too_many);
}

TEST_CASE("validators: a quorum is more than two thirds, one correct is more than one third, also of huge powers") {
  const ValidatorSet six = set_of({1, 1, 1, 1, 1, 1});
  CHECK_FALSE(six.quorum(4));
  CHECK(six.quorum(5));
  CHECK_FALSE(six.one_correct(2));
  CHECK(six.one_correct(3));
  CHECK_FALSE(six.quorum(0));
  const std::uint64_t third = kPowerMax / 3;  // divides it
  REQUIRE(third * 3 + 1 == kPowerMax);
  const ValidatorSet huge = set_of({third, third, third});
  CHECK_FALSE(huge.quorum(2 * third));
  CHECK(huge.quorum(2 * third + 1));
  CHECK_FALSE(huge.one_correct(third));
  CHECK(huge.one_correct(third + 1));
}

TEST_CASE("validators: what is read is the one encoding of it") {
  const ValidatorSet set = set_of({3, 1, kPowerMax - 4});
  const base::Bytes good = encode(set);
  CHECK(good.size() == 3 * 8 + 3 * 64);
  CHECK(parse_validators(good) == set);
  for (std::size_t i = 0; i < good.size(); ++i) {
    CHECK_FALSE(parse_validators(base::ByteView(good).first(i)));
    base::Bytes changed = good;
    changed[i] ^= 0x40;
    if (const auto read = parse_validators(changed)) CHECK(encode(*read) == changed);
  }
  base::Bytes swapped = good;
  std::swap_ranges(swapped.begin() + 24, swapped.begin() + 88, swapped.begin() + 88);
  CHECK_FALSE(parse_validators(swapped));
  base::Bytes longer = good;
  longer.push_back(0);
  CHECK_FALSE(parse_validators(longer));
  longer = good;
  longer[24 + 20] = 1;  // behind the id, in its last word
  CHECK_FALSE(parse_validators(longer));
}

TEST_CASE("validators: a set and a rotation are what Cap'n Proto makes of the schema") {
  const ValidatorSet set = set_of({3, 1, kPowerMax - 4});
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<wire::Validators>().initValidators(3);
  for (unsigned i = 0; i < 3; ++i) {
    const Validator& one = set.at(i);
    const auto key = base::words_of(one.key.bytes);
    list[i].setId0(i + 1);  // the other bytes are 0
    list[i].setKey0(key[0]);
    list[i].setKey1(key[1]);
    list[i].setKey2(key[2]);
    list[i].setKey3(key[3]);
    list[i].setPower(one.power);
  }
  CHECK(encode(set) == set_by_capnp(message.getRoot<wire::Validators>().asReader()));
  const Rotation first(set), second = first.next_height(set, set);
  CHECK(encode(first) == rotation_by_capnp(first));  // a list of nothing but zeros
  CHECK(encode(second) == rotation_by_capnp(second));
}

TEST_CASE("validators: who is out is gone, and the strongest stays if all would go") {
  const ValidatorSet set = set_of({3, 5, 5, 1});
  const auto ids = [&](std::initializer_list<std::uint8_t> numbers) {
    std::vector<base::NodeId> out;
    for (const std::uint8_t number : numbers) out.push_back(validator(number, 0).id);
    return out;
  };
  const auto left = [&](std::initializer_list<std::uint8_t> out) { return set.without(ids(out)); };
  CHECK(left({}) == set);
  CHECK(left({9}) == set);
  CHECK(left({2, 2, 9}).size() == 3);
  CHECK(left({2, 3}).power() == 4);
  CHECK(left({1, 2, 3}) == ValidatorSet::from({validator(4, 1)}).value());
  CHECK(left({4, 3, 2, 1}) == ValidatorSet::from({validator(2, 5)}).value());
  CHECK(set_of({1}).without(ids({1})) == set_of({1}));
}

TEST_CASE("validators: a set of 500 fits into a value of the state, and one of 501 is not read") {
  std::vector<Validator> all;
  for (std::size_t i = 0; i < kValidatorsMax; ++i) {
    const auto low = static_cast<std::uint8_t>(i), high = static_cast<std::uint8_t>(i >> 8);
    all.push_back({base::NodeId{{high, low}}, base::PublicKey{{high, low}}, 1});
  }
  const ValidatorSet set = ValidatorSet::from(all).value();
  base::Bytes bytes = encode(set);
  CHECK(bytes.size() == kValidatorsBytesMax);
  CHECK(parse_validators(bytes) == set);
  CHECK(parse_rotation(encode(Rotation(set)), set) == Rotation(set));
  bytes.resize(bytes.size() + 64);
  const std::size_t last = bytes.size() - 64;
  bytes[last] = bytes[last + 24] = bytes[last + 56] = 0xff;  // id, key and power
  const std::uint64_t words = 501 * 8;                       // as the list's pointer and its tag have to say
  bytes[12] = static_cast<std::uint8_t>(words << 3 | 7), bytes[13] = static_cast<std::uint8_t>(words >> 5);
  bytes[14] = static_cast<std::uint8_t>(words >> 13);
  bytes[16] = static_cast<std::uint8_t>(501u << 2), bytes[17] = static_cast<std::uint8_t>(501u >> 6);
  CHECK_FALSE(parse_validators(bytes));
}

TEST_CASE("rotation: the turns are those of CometBFT's own test") {
  // cometbft types/validator_set_test.go, TestProposerSelection1: its names in the order of their bytes.
  const ValidatorSet set = set_of({/*bar*/ 300, /*baz*/ 330, /*foo*/ 1'000});
  const char* names[] = {"bar", "baz", "foo"};
  std::istringstream expected(
      "foo baz foo bar foo foo baz foo bar foo foo baz foo foo bar foo baz foo foo bar "
      "foo foo baz foo bar foo foo baz foo bar foo foo baz foo foo bar foo baz foo foo bar "
      "foo baz foo foo bar foo baz foo foo bar foo baz foo foo foo baz bar foo foo foo baz "
      "foo bar foo foo baz foo bar foo foo baz foo bar foo foo baz foo bar foo foo baz "
      "foo foo bar foo baz foo foo bar foo baz foo foo bar foo baz foo foo");
  Rotation rotation(set);
  int turns = 0;
  for (std::string name; expected >> name; ++turns) {
    CAPTURE(turns);
    CHECK(name == names[rotation.turn(set)]);
  }
  CHECK(turns == 99);
}

TEST_CASE("rotation: in as many turns as there is power each has as many as it has power, whatever the heights") {
  const ValidatorSet set = set_of({1, 5, 11, 3, 20});
  std::vector<std::uint64_t> within(set.size()), across(set.size());
  Rotation rounds(set), heights(set);
  for (std::uint64_t turn = 1; turn <= 100 * set.power(); ++turn) {
    ++within[rounds.turn(set)];
    Rotation first_round = heights;
    ++across[first_round.turn(set)];
    heights = heights.next_height(set, set);
    for (std::size_t i = 0; i < set.size(); ++i) {
      // At no time is anyone a whole turn or two away from its share.
      const auto due = static_cast<std::int64_t>(turn * set.at(i).power), one = static_cast<std::int64_t>(set.power());
      CHECK(std::abs(static_cast<std::int64_t>(within[i]) * one - due) <= 2 * one);
    }
  }
  for (std::size_t i = 0; i < set.size(); ++i) {
    CHECK(within[i] == 100 * set.at(i).power);
    CHECK(across[i] == within[i]);
  }
}

TEST_CASE("rotation: a validator that leaves and comes back waits, and has its share afterwards") {
  const ValidatorSet three = set_of({10, 10, 10}), two = set_of({10, 10});
  Rotation rotation = Rotation(three).next_height(three, two).next_height(two, three);
  CHECK(rotation.priorities()[2] < rotation.priorities()[0]);
  std::vector<int> turns(3);
  for (int i = 0; i < 30; ++i) ++turns[rotation.turn(three)];
  CHECK(turns[2] >= 8);
}

TEST_CASE("rotation: priorities stay within their bounds, and are read as they were written") {
  CHECK(rc::check("any sets in any order", [] {
    const auto some_powers = [] {
      auto powers = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::uint64_t>>(
          rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(1, 100), rc::gen::just(kPowerMax / 100))));
      powers.resize(std::min<std::size_t>(powers.size(), 20));
      return powers;
    };
    ValidatorSet set = set_of(some_powers());
    Rotation rotation(set);
    for (int height = 0; height < 12; ++height) {
      const ValidatorSet next = *rc::gen::arbitrary<bool>() ? set : set_of(some_powers());
      rotation = rotation.next_height(set, next);
      set = next;
      const base::Bytes bytes = encode(rotation);
      RC_ASSERT(parse_rotation(bytes, set) == rotation);  // which checks the bounds
      Rotation rounds = rotation;
      for (int round = 0; round < 5; ++round) RC_ASSERT(rounds.turn(set) < set.size());
    }
    base::Bytes wrong = encode(rotation);
    wrong.back() ^= 0x20;
    RC_ASSERT(!parse_rotation(wrong, set));
    wrong.resize(wrong.size() - 8);
    RC_ASSERT(!parse_rotation(wrong, set));
  }));
}
