// Changes that wait for the store: in order, under what has changed since, and never lost to a commit that failed.
#include "runtime/store/logic/write_behind.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "runtime/base/random.hpp"

using namespace troupe;
using namespace troupe::store;
using base::Bytes;
using Changes = WriteBehind::Changes;

namespace {

RowChange saving(std::uint8_t key, Bytes value = {1}) { return {.save = {{{key}, std::move(value)}}, .erase = {}}; }
RowChange erased(std::uint8_t key) { return {.save = {}, .erase = {{{key}}}}; }

Changes written(WriteBehind& behind) {
  const Changes* const rows = behind.next();
  if (rows == nullptr) return {};
  Changes out = *rows;
  behind.done();
  return out;
}

}  // namespace

TEST_CASE("write-behind: what is erased goes first, and what has changed since takes the place of what was") {
  WriteBehind behind;
  CHECK(behind.next() == nullptr);
  behind.add(saving(1));
  behind.add(saving(2));
  behind.add(erased(3));
  behind.add(erased(2));
  CHECK(behind.erases());
  CHECK(written(behind) == Changes{{{2}, {}}, {{3}, {}}});
  CHECK_FALSE(behind.erases());
  REQUIRE(behind.next() != nullptr);
  CHECK_FALSE(behind.erases_now());
  CHECK(behind.next() == nullptr);  // one at a time
  behind.add(saving(1, {2}));
  CHECK(**behind.find({1}) == Bytes{2});
  behind.failed();  // what came since stays
  CHECK(**behind.find({1}) == Bytes{2});
  CHECK(behind.find({2}) == nullptr);
  behind.again();
  CHECK(written(behind) == Changes{{{1}, Bytes{2}}});
  CHECK(behind.next() == nullptr);
}

TEST_CASE("write-behind: the lowest key is written with the last values") {
  WriteBehind behind;
  behind.add(saving(0));
  for (std::uint8_t key = 1; key < 100; ++key) behind.add(saving(key, Bytes(60'000)));
  std::size_t batches = 0;
  for (Changes rows = written(behind); !rows.empty(); rows = written(behind), ++batches)
    if (rows.contains({0})) CHECK(behind.next() == nullptr);
  CHECK(batches == 3);
}

TEST_CASE("write-behind: values that fail keep back values, erasures that fail keep back all") {
  WriteBehind behind;
  behind.add(saving(1));
  REQUIRE(behind.next() != nullptr);
  behind.failed();
  behind.add(saving(2));
  CHECK(behind.next() == nullptr);
  behind.add(erased(3));
  CHECK(written(behind) == Changes{{{3}, {}}});
  CHECK(behind.next() == nullptr);  // nothing says that there is room now
  behind.add(erased(4));
  REQUIRE(behind.next() != nullptr);
  behind.failed();
  behind.add(erased(5));
  CHECK(behind.next() == nullptr);
  behind.again();
  CHECK(written(behind) == Changes{{{4}, {}}, {{5}, {}}});
  CHECK(written(behind).size() == 2);
}

TEST_CASE("write-behind: while it is full erasures find room, and make some") {
  WriteBehind behind;
  for (int i = 0; !behind.full(); ++i)
    behind.add(
        {.save = {{{1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}, Bytes(60'000)}}, .erase = {}});
  CHECK(behind.has_room({1, 0, 0}, 60'000));
  CHECK_FALSE(behind.has_room({1, 0, 0}, 60'001));
  CHECK_FALSE(behind.has_room({3}, 0));
  behind.add(erased(2));
  CHECK(behind.full());
  CHECK(written(behind) == Changes{{{2}, {}}});
  CHECK(behind.full());
  behind.add({.save = {}, .erase = {{{1, 0, 0}}}});
  CHECK_FALSE(behind.full());
}

TEST_CASE("write-behind: whatever fails, what is written in the end is what was asked for last") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    WriteBehind behind;
    std::map<Bytes, Bytes> disk, wanted;
    const Changes* rows = nullptr;
    const auto step = [&](bool fails) {
      if (rows == nullptr) rows = behind.next();
      if (rows == nullptr) return false;
      if (fails) {
        behind.failed();
      } else {
        for (const auto& [key, value] : *rows)
          if (value) disk[key] = *value;
          else disk.erase(key);
        behind.done();
      }
      rows = nullptr;
      return true;
    };
    for (int i = 0; i < 300; ++i) {
      const Bytes key{static_cast<std::uint8_t>(random.below(8))};
      switch (random.below(6)) {
        case 0:
          wanted.erase(key);
          behind.add({.save = {}, .erase = {{key}}});
          break;
        case 1: behind.again(); break;
        case 2: rows = rows == nullptr ? behind.next() : rows; break;
        case 3: step(random.chance(1, 2)); break;
        default:
          wanted[key] = {static_cast<std::uint8_t>(random.next())};
          behind.add({.save = {{key, wanted[key]}}, .erase = {}});
      }
      for (std::uint8_t each = 0; each < 8; ++each) {  // the store under the behind is what was asked for
        const auto* const waits = behind.find({each});
        const auto there = disk.find({each});
        const std::optional<Bytes> seen = waits != nullptr      ? *waits
                                          : there != disk.end() ? std::optional(there->second)
                                                                : std::nullopt;
        const auto want = wanted.find({each});
        RC_ASSERT(seen == (want == wanted.end() ? std::nullopt : std::optional(want->second)));
      }
    }
    behind.again();
    while (step(false)) {
    }
    RC_ASSERT(disk == wanted);
    RC_ASSERT(!behind.erases());
    RC_ASSERT(!behind.full());
  }));
}
