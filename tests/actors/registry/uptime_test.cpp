#include "actors/registry/logic/uptime.hpp"

#include <doctest/doctest.h>

#include "tests/actors/registry/nodes.hpp"

using namespace troupe;
using namespace troupe::registry;

namespace {

constexpr std::uint32_t kFirstHour = 500'000;

Sample at(std::uint32_t hour, std::uint32_t minute, Status status = Status::healthy) {
  return {.unix_ms = (kFirstHour + hour) * kUnixHourMs + minute * 60'000, .status = status};
}

}  // namespace

TEST_CASE("uptime: an hour counts in which a node was heard and never found offline") {
  const std::vector<Sample> samples{at(0, 5),  at(0, 30), at(1, 1),  at(1, 9, Status::offline),
                                    at(1, 50), at(3, 0),  at(4, 10), at(4, 12, Status::unhealthy)};
  const auto heard = [](std::span<const Sample> all, std::uint32_t from, std::uint32_t until, std::size_t part) {
    HoursHeard out(from, until);
    for (; all.size() > part; all = all.subspan(part)) out.take(all.first(part));
    out.take(all);
    return out.count();
  };
  for (const std::size_t part : {1u, 3u, 8u}) {
    CHECK(heard(samples, kFirstHour, kFirstHour + 24, part) == 3);
    CHECK(heard(samples, kFirstHour + 1, kFirstHour + 4, part) == 1);
    CHECK(heard(samples, kFirstHour + 4, kFirstHour + 5, part) == 1);
    CHECK(heard(samples, kFirstHour + 5, kFirstHour + 24, part) == 0);
  }
  CHECK(heard({}, 0, UINT32_MAX, 1) == 0);
}

TEST_CASE("uptime: what a watcher has signed is read back, and each changed byte and each cut is refused") {
  const TestNode watcher(1), node(2);
  const Uptime said{watcher.identity->public_key(), 0, node.id(), kFirstHour, kFirstHour + 24, 20};
  const base::Bytes bytes = sign(said, watcher.identity->key());
  REQUIRE(read_uptime(bytes, 0).ok());
  CHECK(read_uptime(bytes, 0).value() == said);
  CHECK(read_uptime(bytes, 0).value().watcher() == watcher.id());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    base::Bytes changed = bytes;
    changed[i] ^= 1;
    CHECK_FALSE(read_uptime(changed, 0).ok());
    CHECK_FALSE(read_uptime(base::ByteView(bytes).first(i), 0).ok());
  }
  Uptime more = said;
  more.hours = 25;
  CHECK_FALSE(read_uptime(sign(more, watcher.identity->key()), 0).ok());
  more = said;
  more.until = more.from - 1;
  CHECK_FALSE(read_uptime(sign(more, watcher.identity->key()), 0).ok());
}

TEST_CASE("uptime: a site is signed where it is known, and without it what earlier versions read") {
  const TestNode watcher(1), node(2);
  Uptime said{watcher.identity->public_key(), 0, node.id(), kFirstHour, kFirstHour + 24, 20};
  said.site.prefix[0] = 198;
  CHECK(read_uptime(sign(said, watcher.identity->key()), 0).value() == said);
  CHECK(base::as_text(sign(said, watcher.identity->key())).starts_with("troupe uptime v2"));
  said.site = {};
  const base::Bytes old = sign(said, watcher.identity->key());
  CHECK(base::as_text(old).starts_with("troupe uptime v1"));
  CHECK(read_uptime(old, 0).value() == said);
}
