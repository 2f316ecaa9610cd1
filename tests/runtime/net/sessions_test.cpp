#include "runtime/net/logic/sessions.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <vector>

#include "runtime/base/ensure.hpp"

using namespace troupe;
using net::Session;
using net::Sessions;

namespace {

base::PublicKey key(std::size_t number) {
  base::PublicKey out;
  out.bytes[0] = static_cast<std::uint8_t>(number);
  out.bytes[1] = static_cast<std::uint8_t>(number >> 8);
  return out;
}

Session session(std::uint32_t work_nonce) {
  return {.id = {}, .work_nonce = work_nonce, .keys = {}, .questions = {1, 1, {}}, .proven = {}};
}

}  // namespace

TEST_CASE("net: the session that was used least lately makes room for one more than the most") {
  Sessions sessions(net::kSessionsMax);
  for (std::uint32_t i = 0; i < net::kSessionsMax; ++i) sessions.put(key(i), session(i));
  CHECK(sessions.size() == net::kSessionsMax);
  REQUIRE(sessions.use(key(0)) != nullptr);
  REQUIRE(sessions.find(key(1)) != nullptr);  // finding is no use
  sessions.put(key(5000), session(5000));
  CHECK(sessions.size() == net::kSessionsMax);
  CHECK(sessions.find(key(0)) != nullptr);
  CHECK(sessions.find(key(1)) == nullptr);
  CHECK(sessions.find(key(5000))->work_nonce == 5000);
  CHECK(sessions.use(key(1)) == nullptr);
}

TEST_CASE("net: room for no session is a broken invariant") { CHECK_THROWS_AS(Sessions(0), base::InvariantBroken); }

TEST_CASE("net: sessions are those of a list that is searched from end to end") {
  const bool held = rc::check([] {
    constexpr std::size_t kMax = 4;
    Sessions sessions(kMax);
    std::vector<std::pair<base::PublicKey, std::uint32_t>> oldest_first;
    for (std::uint32_t step = 0; step < 100; ++step) {
      const base::PublicKey which = key(*rc::gen::inRange<std::size_t>(0, 8));
      const auto known = std::ranges::find(oldest_first, which, &std::pair<base::PublicKey, std::uint32_t>::first);
      const bool there = known != oldest_first.end();
      if (*rc::gen::arbitrary<bool>()) {
        if (there) oldest_first.erase(known);
        if (oldest_first.size() == kMax) oldest_first.erase(oldest_first.begin());
        oldest_first.emplace_back(which, step);
        RC_ASSERT(sessions.put(which, session(step)).work_nonce == step);
      } else {
        const Session* const used = sessions.use(which);
        RC_ASSERT((used != nullptr) == there);
        if (there) {
          RC_ASSERT(used->work_nonce == known->second);
          std::rotate(known, known + 1, oldest_first.end());
        }
      }
      RC_ASSERT(sessions.size() == oldest_first.size());
      for (const auto& [listed, nonce] : oldest_first) RC_ASSERT(sessions.find(listed)->work_nonce == nonce);
    }
  });
  CHECK(held);
}
