#include "runtime/base/backoff.hpp"

#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using base::Backoff;
using base::Code;
using base::Error;

TEST_CASE("backoff: twice as long each time up to the longest, and anew once it was done") {
  Backoff backoff(1s, 5s);
  const Error busy{Code::overloaded, "busy"};
  CHECK(backoff.next(busy) == 1s);
  CHECK(backoff.next(busy) == 2s);
  CHECK(backoff.next(busy) == 4s);
  CHECK(backoff.next(busy) == 5s);
  CHECK(backoff.next(busy) == 5s);
  backoff.reset();
  CHECK(backoff.next(busy) == 1s);
}

TEST_CASE("backoff: not less than the other side has said, and not for longer than the longest") {
  Backoff backoff(1s, 5s);
  CHECK(backoff.next({Code::overloaded, "busy", 3s}) == 3s);
  CHECK(backoff.next({Code::overloaded, "busy", 1s}) == 2s);
  CHECK(backoff.next({Code::overloaded, "busy", 1h}) == 5s);
}
