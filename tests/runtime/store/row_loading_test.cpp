// When the rows of a keyspace are asked for again, and when reading ends.
#include "runtime/store/logic/row_loading.hpp"

#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::store;
using namespace std::chrono_literals;
using base::Bytes;
using base::Code;
using Step = RowLoading::Step;
using troupe::test::kStart;

namespace {}  // namespace

TEST_CASE("row loading: it goes on behind each slice, and is complete at the last one") {
  RowLoading loading(Unread::waits);
  CHECK_FALSE(loading.reading());
  CHECK(loading.begin({'d'}) == Step::ask);
  CHECK(loading.from() == Bytes{'d'});
  CHECK(loading.took(Bytes{'f'}) == Step::ask);
  CHECK(loading.from() == Bytes{'f'});
  CHECK_FALSE(loading.complete());
  CHECK(loading.took({}) == Step::end);
  CHECK(loading.complete());
  CHECK_FALSE(loading.reading());
}

TEST_CASE("row loading: what may pass is asked for again from the same key, twice as long later each time") {
  RowLoading loading(Unread::waits);
  loading.begin({});
  loading.took(Bytes{'f'});
  base::Instant now = kStart;
  for (const base::Duration wait : {500ms, 1'000ms, 2'000ms, 4'000ms, 5'000ms, 5'000ms}) {
    for (const Code code : {Code::unavailable}) CHECK(loading.failed(code, now) == Step::wait);
    CHECK(loading.retry_at() - now == wait);
    CHECK(loading.from() == Bytes{'f'});
    now = loading.retry_at();
  }
  SUBCASE("for as long as it takes") {
    for (int i = 0; i < 1'000; ++i) CHECK(loading.failed(Code::timeout, now + i * 1h) == Step::wait);
    CHECK(loading.reading());
  }
  SUBCASE("and a slice that is read begins anew") {
    loading.took(Bytes{'g'});
    CHECK(loading.failed(Code::internal, now) == Step::wait);
    CHECK(loading.retry_at() - now == kRetryMin);
  }
}

TEST_CASE("row loading: damage is not asked for again") {
  for (const Code code : {Code::corrupt, Code::unsupported}) {
    RowLoading loading(Unread::waits);
    loading.begin({});
    CHECK(loading.failed(code, kStart) == Step::end);
    CHECK_FALSE(loading.reading());
    CHECK_FALSE(loading.complete());
  }
}

TEST_CASE("row loading: an owner that goes on waits for its patience and no longer") {
  RowLoading loading(Unread::goes_on);
  loading.begin({});
  base::Instant now = kStart;
  while (loading.failed(Code::unavailable, now) == Step::wait) now = loading.retry_at();
  CHECK(now <= kStart + kLoadPatience);
  CHECK(loading.retry_at() > kStart + kLoadPatience);
  CHECK_FALSE(loading.reading());
  CHECK_FALSE(loading.complete());
}

TEST_CASE("row loading: patience begins with the errors, however long was read before") {
  RowLoading loading(Unread::goes_on);
  loading.begin({});
  CHECK(loading.failed(Code::unavailable, kStart) == Step::wait);
  CHECK(loading.took(Bytes{'d'}) == Step::ask);
  CHECK(loading.failed(Code::unavailable, kStart + 2 * kLoadPatience) == Step::wait);
}

TEST_CASE("row loading: a slice that leads nowhere, or back, is damage") {
  CHECK(next_slice(Bytes{'d'}, true, Bytes{'d', 0}).value() == Bytes{'d', 0});
  CHECK(next_slice(Bytes{'d'}, false, {}).value() == std::nullopt);
  for (const Bytes& next : {Bytes{}, Bytes{'c'}, Bytes{'d'}})
    CHECK(next_slice(Bytes{'d'}, true, next).error().code == Code::corrupt);
}
