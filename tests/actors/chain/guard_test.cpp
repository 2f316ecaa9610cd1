#include "actors/chain/logic/guard.hpp"

#include <map>

#include "runtime/base/random.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

constexpr BlockId kOne{{1}}, kTwo{{2}};

Place at(std::uint64_t height, std::uint32_t round, std::uint32_t fork = 0) {
  return {Fork{fork}, Height{height}, Round{round}};
}
Vote prevote(const Place& place, const Choice& choice) { return {place, Step::prevote, choice}; }
Vote precommit(const Place& place, const Choice& choice) { return {place, Step::precommit, choice}; }

template <class Content>
std::optional<GuardError> refusal(const Guard& guard, const Content& content) {
  const auto may = guard.may(content);
  return may.ok() ? std::nullopt : std::optional(may.error());
}

}  // namespace

TEST_CASE("guard: a second content for a step is refused, the same one is fine, an older one is not") {
  Guard guard;
  guard.record(prevote(at(5, 2), kOne), {}, {});
  CHECK(refusal(guard, prevote(at(5, 2), kOne)) == std::nullopt);
  CHECK(refusal(guard, prevote(at(5, 2), kTwo)) == GuardError::second);
  CHECK(refusal(guard, prevote(at(5, 2), std::nullopt)) == GuardError::second);
  CHECK(refusal(guard, Proposal{at(5, 2), {}, kOne}) == GuardError::older);
  CHECK(refusal(guard, precommit(at(5, 2), kTwo)) == std::nullopt);
  CHECK(refusal(guard, prevote(at(5, 1), kOne)) == GuardError::older);
  CHECK(refusal(guard, precommit(at(4, 9), kOne)) == GuardError::older);
  CHECK(refusal(guard, prevote(at(5, 3), kTwo)) == std::nullopt);
  CHECK(refusal(guard, prevote(at(6, 0), kTwo)) == std::nullopt);
  CHECK(refusal(guard, prevote(at(1, 0, 1), kTwo)) == std::nullopt);  // of a later fork
  CHECK_THROWS(guard.record(prevote(at(5, 2), kTwo), {}, {}));

  SUBCASE("after the precommit a prevote that was signed is signed again, another one is not") {
    guard.record(precommit(at(5, 2), std::nullopt), {}, {});
    CHECK(refusal(guard, prevote(at(5, 2), kOne)) == std::nullopt);
    CHECK(refusal(guard, prevote(at(5, 2), kTwo)) == GuardError::second);
    CHECK(refusal(guard, precommit(at(5, 2), kOne)) == GuardError::second);
    CHECK(guard.vote(Step::precommit) == precommit(at(5, 2), std::nullopt));
  }
  SUBCASE("a precommit without a prevote before it leaves no room for one") {
    guard.record(precommit(at(5, 3), kOne), {}, {});
    CHECK(refusal(guard, prevote(at(5, 3), kOne)) == GuardError::older);
  }
}

TEST_CASE("guard: two proposals of a round are not signed") {
  Guard guard;
  const Proposal first{at(1, 0), {}, kOne, UnixMs{10}};
  guard.record(first, {}, {});
  CHECK(guard.step() == Step::propose);
  CHECK(refusal(guard, first) == std::nullopt);
  Proposal later = first;
  later.time = UnixMs{11};
  CHECK(refusal(guard, later) == GuardError::second);
  CHECK(refusal(guard, prevote(at(1, 0), kTwo)) == std::nullopt);
}

TEST_CASE("guard: it names the blocks of its lock, its valid value and its proposal, and no others") {
  constexpr BlockId kThree{{3}};
  Guard guard;
  CHECK(guard.blocks().empty());
  guard.record(Proposal{at(5, 2), Round{1}, kOne, UnixMs{77}}, Proven{Round{0}, kTwo}, Proven{Round{1}, kThree});
  guard.record(prevote(at(5, 2), std::nullopt), Proven{Round{0}, kTwo}, Proven{Round{1}, kThree});
  CHECK(guard.blocks() == std::set{kOne, kTwo, kThree});
  guard.record(prevote(at(5, 3), kOne), Proven{Round{0}, kTwo}, Proven{Round{0}, kTwo});
  CHECK(guard.blocks() == std::set{kTwo});  // what is prevoted alone may be lost
}

TEST_CASE("guard: past a height nothing up to it is signed") {
  const Guard guard = Guard::past(Fork{2}, Height{9});
  CHECK(refusal(guard, precommit(at(9, 99, 2), kOne)) == GuardError::older);
  CHECK(refusal(guard, precommit(at(50, 0, 1), kOne)) == GuardError::older);
  CHECK(refusal(guard, prevote(at(10, 0, 2), kOne)) == std::nullopt);
}

TEST_CASE("guard: what is read is the one encoding of a guard that can be") {
  Guard guard;
  guard.record(Proposal{at(5, 2), Round{1}, kOne, UnixMs{77}}, {}, Proven{Round{1}, kOne});
  guard.record(prevote(at(5, 2), kOne), {}, Proven{Round{1}, kOne});
  guard.record(precommit(at(5, 2), kOne), Proven{Round{2}, kOne}, Proven{Round{2}, kOne});
  Guard nil;
  nil.record(prevote(at(5, 2), std::nullopt), {}, {});
  for (const Guard& good : {guard, nil, Guard{}, Guard::past(Fork{}, Height{4})}) {
    const base::Bytes bytes = encode(good);
    CHECK(bytes.size() <= 250);
    CHECK(decode_guard(bytes) == good);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      CHECK_FALSE(decode_guard(base::ByteView(bytes).first(i)));
      for (const int by : {0x01, 0x02, 0x80}) {
        base::Bytes changed = bytes;
        changed[i] = static_cast<std::uint8_t>(changed[i] ^ by);
        if (const auto read = decode_guard(changed)) CHECK(encode(*read) == changed);
      }
    }
  }
  SUBCASE("a lock without a valid value, or of a later round than the guard's, cannot be") {
    Guard bad;
    bad.record(prevote(at(5, 2), kOne), Proven{Round{1}, kOne}, {});
    CHECK_FALSE(decode_guard(encode(bad)));
    bad.record(prevote(at(5, 2), kOne), Proven{Round{3}, kOne}, Proven{Round{3}, kOne});
    CHECK_FALSE(decode_guard(encode(bad)));
  }
}

TEST_CASE("guard: over any history no two contents of one step are let through") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    base::Random random(seed);
    Guard guard;
    std::map<std::pair<Place, Step>, Choice> all;
    std::pair<Place, Step> last{};
    for (int i = 0; i < 200; ++i) {
      const Vote vote{at(1 + random.below(2), static_cast<std::uint32_t>(random.below(3)),
                         static_cast<std::uint32_t>(random.below(2))),
                      random.chance(1, 2) ? Step::prevote : Step::precommit,
                      random.chance(1, 3) ? Choice{} : Choice(BlockId{{static_cast<std::uint8_t>(random.below(2))}})};
      if (!guard.may(vote).ok()) continue;
      const std::pair key{vote.place, vote.step};
      const auto [known, fresh] = all.try_emplace(key, vote.choice);
      CHECK(known->second == vote.choice);
      if (fresh) CHECK(key > last);
      last = std::max(last, key);
      guard.record(vote, {}, {});
      guard = decode_guard(encode(guard)).value();  // a crash
    }
  }
}
