#include "runtime/base/tellings.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/support.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using base::Bytes;
using base::Instant;

namespace {

constexpr Instant kNow{100s};
const base::Error kBusy{base::Code::overloaded, "busy"};

/// Who is told next, and what; "-": none now.
std::string next(base::Tellings<int, std::string>& all, Instant now = kNow) {
  const auto one = all.next(now);
  return one ? std::to_string(one->to) + " " + one->what : "-";
}

}  // namespace

TEST_CASE("tellings: each is told one thing after another, and all have their turns, few at a time") {
  base::Tellings<int, std::string> all(2, {1s, 4s});
  all.put(1, Bytes{2}, "b");
  all.put(1, Bytes{1}, "a");
  all.put(1, Bytes{1}, "the same again");
  all.put(2, Bytes{1}, "c");
  all.put(3, Bytes{1}, "d");
  CHECK(all.size() == 4);
  CHECK(next(all) == "1 a");
  CHECK(next(all) == "2 c");
  CHECK(next(all) == "-");
  CHECK(all.asked() == 2);
  all.told(1, Bytes{1});
  CHECK(next(all) == "3 d");
  all.told(3, Bytes{1});
  CHECK(next(all) == "1 b");
  all.told(1, Bytes{2});
  all.told(2, Bytes{1});
  CHECK(next(all) == "-");
  CHECK(all.size() == 0);
  CHECK(all.asked() == 0);
}

TEST_CASE("tellings: who has not taken it is told again, later each time, and holds no other up") {
  base::Tellings<int, std::string> all(1, {1s, 4s});
  all.put(1, Bytes{1}, "a");
  all.put(2, Bytes{1}, "b");
  CHECK_FALSE(all.wait(kNow));
  CHECK(next(all) == "1 a");
  all.not_told(1, kNow, kBusy);
  CHECK(next(all) == "2 b");
  all.told(2, Bytes{1});
  all.put(1, Bytes{0}, "came later, and is first");
  CHECK(next(all) == "-");
  CHECK(all.wait(kNow) == base::Duration(1s));
  CHECK(next(all, kNow + 1s - 1ns) == "-");
  CHECK(next(all, kNow + 1s) == "1 came later, and is first");
  all.not_told(1, kNow + 1s, kBusy);
  CHECK(all.wait(kNow + 1s) == base::Duration(2s));
  all.clear();
  CHECK(all.size() == 0);
  CHECK(next(all, kNow + 1h) == "-");
}
