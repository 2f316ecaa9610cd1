#include "actors/audit/logic/head.hpp"

#include <doctest/doctest.h>

#include "tests/actors/audit/records.hpp"

using namespace troupe;
using namespace troupe::audit;

TEST_CASE("audit head: an encoded head is read back, and other bytes are refused") {
  const Lines trail(7);
  Head head = trail.head;
  head.first = 5;
  head.first_prev = trail.marks[3].hash;
  const base::Bytes bytes = head.encode();
  CHECK(Head::decode(bytes) == head);
  CHECK(Head::decode(Head{}.encode()) == Head{});
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK(!Head::decode(base::ByteView(bytes).first(size)));
  base::Bytes longer = bytes;
  longer.push_back(0);
  CHECK(!Head::decode(longer));
  head.first = 0;
  CHECK(!Head::decode(head.encode()));
  head.first = 8;  // all records were removed, which a trail never does, but a trail without records may begin there
  CHECK(Head::decode(head.encode()));
  head.first = 9;
  CHECK(!Head::decode(head.encode()));
}

TEST_CASE("audit head: a complete trail has no bad record") {
  CHECK(!first_bad(Head{}, {}));
  for (const std::uint64_t count : {1u, 2u, 6u}) {
    const Lines trail(count);
    CHECK(!first_bad(trail.head, trail.lines));
  }
}

TEST_CASE("audit head: records after the last record that the store knows are accepted") {
  const Lines trail(6);
  for (std::uint64_t known = 0; known <= 6; ++known) CHECK(!first_bad(Lines(known).head, trail.lines));
}

TEST_CASE("audit head: the first record that was changed, removed or moved is named") {
  const Lines trail(6);
  for (std::uint64_t at = 1; at <= 6; ++at) {
    const auto place = static_cast<std::ptrdiff_t>(at - 1);
    CAPTURE(at);
    SUBCASE("changed") {
      auto lines = trail.lines;
      lines[at - 1][20] ^= 1;
      CHECK(first_bad(trail.head, lines) == at);
    }
    SUBCASE("changed, with a new hash") {
      auto lines = trail.lines;
      Mark before = at == 1 ? Mark{} : trail.marks[at - 2];
      lines[at - 1] = encode(record_of(99), before);
      CHECK(first_bad(trail.head, lines) == (at == 6 ? 6 : at + 1));  // the next record has the old hash
    }
    SUBCASE("removed") {
      auto lines = trail.lines;
      lines.erase(lines.begin() + place);
      CHECK(first_bad(trail.head, lines) == at);
    }
    SUBCASE("removed with all later records") {
      auto lines = trail.lines;
      lines.erase(lines.begin() + place, lines.end());
      CHECK(first_bad(trail.head, lines) == at);
    }
    SUBCASE("exchanged with the next record") {
      if (at == 6) continue;
      auto lines = trail.lines;
      std::swap(lines[at - 1], lines[at]);
      CHECK(first_bad(trail.head, lines) == at);
    }
    SUBCASE("repeated") {
      auto lines = trail.lines;
      lines.insert(lines.begin() + place, lines[at - 1]);
      CHECK(first_bad(trail.head, lines) == at + 1);
    }
    SUBCASE("after a line that is not a record") {
      auto lines = trail.lines;
      lines.insert(lines.begin() + place, "");
      CHECK(first_bad(trail.head, lines) == at);
    }
  }
}

TEST_CASE("audit head: a trail that was written again from a changed record on is found at its last record") {
  const Lines trail(6);
  std::vector<std::string> lines(trail.lines.begin(), trail.lines.begin() + 3);
  Mark last = trail.marks[2];
  for (std::uint64_t i = 4; i <= 6; ++i) lines.push_back(encode(record_of(i + 10), last));
  CHECK(first_bad(trail.head, lines) == 6);
}

TEST_CASE("audit head: a trail whose oldest records were given up is complete") {
  const Lines trail(6);
  Head head = trail.head;
  head.first = 4;
  head.first_prev = trail.marks[2].hash;
  const std::vector<std::string> kept(trail.lines.begin() + 3, trail.lines.end());
  CHECK(!first_bad(head, kept));
  SUBCASE("also if a crash left older records") { CHECK(!first_bad(head, trail.lines)); }
  SUBCASE("unless one more is missing") {
    CHECK(first_bad(head, std::vector<std::string>(kept.begin() + 1, kept.end())) == 4);
  }
  SUBCASE("unless it begins with another record") {
    Mark before{3, trail.marks[1].hash};
    auto lines = kept;
    lines[0] = encode(record_of(4), before);
    CHECK(first_bad(head, lines) == 4);
  }
  SUBCASE("all records missing") { CHECK(first_bad(head, {}) == 4); }
}

TEST_CASE("audit head: the verifier counts the intact records before the first bad record") {
  const Lines trail(6);
  Verifier verifier(trail.head);
  for (std::size_t i = 0; i < 6; ++i) verifier.take(i == 3 ? "x" : trail.lines[i]);
  CHECK(verifier.records() == 3);
  CHECK(verifier.bad() == 4);
}
