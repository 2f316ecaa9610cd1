// Rows that wait for the store: in order, under what has changed since, and never lost to a commit that failed.
#include "actors/dht/logic/row_backlog.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "runtime/base/random.hpp"

using namespace troupe;
using namespace troupe::dht;
using base::Bytes;
using Rows = RowBacklog::Rows;

namespace {

RowChange saved(std::uint8_t key, Bytes value = {1}) { return {.save = {{{key}, std::move(value)}}, .erase = {}}; }
RowChange erased(std::uint8_t key) { return {.save = {}, .erase = {{{key}}}}; }

Rows written(RowBacklog& backlog) {
  const Rows* const rows = backlog.next();
  if (rows == nullptr) return {};
  Rows out = *rows;
  backlog.done();
  return out;
}

}  // namespace

TEST_CASE("row backlog: what is erased goes first, and what has changed since takes the place of what was") {
  RowBacklog backlog;
  CHECK(backlog.next() == nullptr);
  backlog.add(saved(1));
  backlog.add(saved(2));
  backlog.add(erased(3));
  backlog.add(erased(2));
  CHECK(backlog.erases());
  CHECK(written(backlog) == Rows{{{2}, {}}, {{3}, {}}});
  CHECK_FALSE(backlog.erases());
  REQUIRE(backlog.next() != nullptr);
  CHECK_FALSE(backlog.erases_now());
  CHECK(backlog.next() == nullptr);  // one at a time
  backlog.add(saved(1, {2}));
  CHECK(**backlog.find({1}) == Bytes{2});
  backlog.failed();  // what came since stays
  CHECK(**backlog.find({1}) == Bytes{2});
  CHECK(backlog.find({2}) == nullptr);
  backlog.again();
  CHECK(written(backlog) == Rows{{{1}, Bytes{2}}});
  CHECK(backlog.next() == nullptr);
}

TEST_CASE("row backlog: the lowest key is written with the last values") {
  RowBacklog backlog;
  backlog.add(saved(0));
  for (std::uint8_t key = 1; key < 100; ++key) backlog.add(saved(key, Bytes(60'000)));
  std::vector<bool> with_lowest;  // of each batch
  for (Rows rows = written(backlog); !rows.empty(); rows = written(backlog)) with_lowest.push_back(rows.contains({0}));
  CHECK(with_lowest == std::vector{false, false, true});
}

TEST_CASE("row backlog: values that fail keep back values, erasures that fail keep back all") {
  RowBacklog backlog;
  backlog.add(saved(1));
  REQUIRE(backlog.next() != nullptr);
  backlog.failed();
  backlog.add(saved(2));
  CHECK(backlog.next() == nullptr);
  backlog.add(erased(3));
  CHECK(written(backlog) == Rows{{{3}, {}}});
  CHECK(backlog.next() == nullptr);  // nothing says that there is room now
  backlog.add(erased(4));
  REQUIRE(backlog.next() != nullptr);
  backlog.failed();
  backlog.add(erased(5));
  CHECK(backlog.next() == nullptr);
  backlog.again();
  CHECK(written(backlog) == Rows{{{4}, {}}, {{5}, {}}});
  CHECK(written(backlog).size() == 2);
}

TEST_CASE("row backlog: while it is full erasures find room, and make some") {
  RowBacklog backlog;
  for (int i = 0; !backlog.full(); ++i)
    backlog.add(
        {.save = {{{1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}, Bytes(60'000)}}, .erase = {}});
  CHECK(backlog.has_room({1, 0, 0}, 60'000));
  CHECK_FALSE(backlog.has_room({1, 0, 0}, 60'001));
  CHECK_FALSE(backlog.has_room({3}, 0));
  backlog.add(erased(2));
  CHECK(backlog.full());
  CHECK(written(backlog) == Rows{{{2}, {}}});
  CHECK(backlog.full());
  backlog.add({.save = {}, .erase = {{{1, 0, 0}}}});
  CHECK_FALSE(backlog.full());
}

TEST_CASE("row backlog: whatever fails, what is written in the end is what was asked for last") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    RowBacklog backlog;
    std::map<Bytes, Bytes> disk, wanted;
    const Rows* rows = nullptr;
    const auto step = [&](bool fails) {
      if (rows == nullptr) rows = backlog.next();
      if (rows == nullptr) return false;
      if (fails) {
        backlog.failed();
      } else {
        for (const auto& [key, value] : *rows)
          if (value) disk[key] = *value;
          else disk.erase(key);
        backlog.done();
      }
      rows = nullptr;
      return true;
    };
    for (int i = 0; i < 300; ++i) {
      const Bytes key{static_cast<std::uint8_t>(random.below(8))};
      switch (random.below(6)) {
        case 0:
          wanted.erase(key);
          backlog.add({.save = {}, .erase = {{key}}});
          break;
        case 1: backlog.again(); break;
        case 2: rows = rows == nullptr ? backlog.next() : rows; break;
        case 3: step(random.chance(1, 2)); break;
        default:
          wanted[key] = {static_cast<std::uint8_t>(random.next())};
          backlog.add({.save = {{key, wanted[key]}}, .erase = {}});
      }
      for (std::uint8_t each = 0; each < 8; ++each) {  // the store under the backlog is what was asked for
        const auto* const waits = backlog.find({each});
        const auto there = disk.find({each});
        const std::optional<Bytes> seen = waits != nullptr      ? *waits
                                          : there != disk.end() ? std::optional(there->second)
                                                                : std::nullopt;
        const auto want = wanted.find({each});
        RC_ASSERT(seen == (want == wanted.end() ? std::nullopt : std::optional(want->second)));
      }
    }
    backlog.again();
    while (step(false)) {
    }
    RC_ASSERT(disk == wanted);
    RC_ASSERT(!backlog.erases());
    RC_ASSERT(!backlog.full());
  }));
}
