#include "actors/reputation/logic/score.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/actors/reputation/events.hpp"

using namespace troupe;
using namespace troupe::reputation;

namespace {

Score folded(const std::vector<Event>& events) {
  Score out;
  for (const Event& event : events) out.fold(event, id_of(sign(event, test_key())));
  return out;
}

}  // namespace

TEST_CASE("score: whose score is nearest to a stranger's today fades first, and none with many events") {
  std::map<base::NodeId, Score> scores;
  const auto add = [&](std::uint8_t id, Thousandths value, std::uint64_t day, std::uint32_t events) {
    base::NodeId node;
    node.bytes[0] = id;
    scores[node] = {.value = value, .day = day, .events = events, .last_ms = day * kDayMs};
  };
  add(1, 15'000, 90, 1);
  add(2, 7'000, 0, 1);                       // 8.5 by then
  add(3, 5'000, 89, 1);                      // as far as 1, and older
  add(4, kStart, 90, kFadingEventsMax + 1);  // much is known of it
  add(5, 100'000, 90, 1);
  const auto names = [&](std::size_t count) {
    std::string out;
    for (const Fading& one : fading(scores, 90, count)) out += std::to_string(one.node.bytes[0]);
    return out;
  };
  CHECK(names(2) == "23");
  CHECK(names(9) == "2315");
}

TEST_CASE("score: points are added, and cut at 0 and 100") {
  CHECK(points(Score{}.value) == 10);
  CHECK(folded({test_event(1, 10)}).value == 20'000);
  CHECK(folded({test_event(1, -50)}).value == 0);
  CHECK(folded({test_event(1, 100)}).value == 100'000);
  Score score;
  CHECK_FALSE(score.fold(test_event(1, 90), {}));
  CHECK(score.fold(test_event(2, 1), {}));
  // Cutting does not commute: that is why events have an order.
  CHECK(folded({test_event(1, 100), test_event(2, -10)}).value == 90'000);
  CHECK(folded({test_event(1, -10), test_event(2, 100)}).value == 100'000);
}

TEST_CASE("score: it goes back to 10, by half in 90 days, from above and from below") {
  CHECK(decayed(100'000, 0) == 100'000);
  CHECK(decayed(100'000, 90) == 55'000);
  CHECK(decayed(100'000, 180) == 32'500);
  CHECK(decayed(0, 90) == 5'000);
  CHECK(decayed(kStart, 12'345) == kStart);
  CHECK(decayed(100'000, 90 * 64) == kStart);
  CHECK(decayed(0, UINT64_MAX) == kStart);
}

TEST_CASE("score: the table is what it says, to a thousandth of a point") {
  for (std::uint64_t days = 0; days < 400; ++days) {
    const double right = 10'000 + 90'000 * std::exp2(-static_cast<double>(days) / 90);
    CHECK(std::abs(decayed(100'000, days) - right) <= 2);
    if (days > 0) CHECK(decayed(100'000, days) <= decayed(100'000, days - 1));
  }
}

TEST_CASE("score: whole days count, and a new event counts on its own day") {
  Score score = folded({test_event(10 * kDayMs + kDayMs - 1, 90)});
  CHECK(score.on(10) == 100'000);
  CHECK(score.on(11) < 100'000);
  CHECK(score.on(9) == 100'000);  // a clock that went back
  CHECK(score.on(100) == 55'000);
  score.fold(test_event(100 * kDayMs, 5), {});
  CHECK(score.value == 60'000);
}

TEST_CASE("score: it is rounded half up for people") {
  CHECK(points(10'499) == 10);
  CHECK(points(10'500) == 11);
  CHECK(points(0) == 0);
  CHECK(points(99'500) == 100);
}

TEST_CASE("score: an event before the last one is late") {
  const Score score = folded({test_event(5, 1)});
  EventId other = score.last;
  CHECK(score.is_late(4, other));
  CHECK(score.is_late(5, other));
  CHECK_FALSE(score.is_late(6, {}));
  other.bytes[0] ^= 0xff;
  CHECK(score.is_late(5, other) == (other < score.last));
  CHECK_FALSE(Score{}.is_late(0, {}));
}

TEST_CASE("score: its row is read back, and another one refused") {
  const Score score = folded({test_event(kDayMs * 20'000, 7)});
  const base::Bytes row = score.encode();
  CHECK(Score::decode(row) == score);
  for (std::size_t cut = 0; cut < row.size(); ++cut) CHECK_FALSE(Score::decode(base::ByteView(row).first(cut)));
  Score wrong = score;
  wrong.value = kMost + 1;
  CHECK_FALSE(Score::decode(wrong.encode()));
}
