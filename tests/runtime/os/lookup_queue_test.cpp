#include "runtime/os/lookup_queue.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::os;

namespace {

std::uint64_t taken(LookupQueue& queue) {
  const auto question = queue.take();
  return question ? question->number : 0;
}

}  // namespace

TEST_CASE("look-ups: names of one owner that hang leave a thread to the others") {
  LookupQueue queue;
  constexpr std::uint64_t kBad = 7, kGood = 8;
  for (std::uint64_t number = 1; number <= 3; ++number) queue.add({number, kBad});
  queue.add({4, kGood});
  queue.add({5, 0});
  queue.add({6, 0});
  const auto hangs = queue.take();
  REQUIRE(hangs);
  CHECK(hangs->number == 1);
  CHECK(taken(queue) == 4);
  CHECK(taken(queue) == 5);
  CHECK(taken(queue) == 6);
  CHECK_FALSE(queue.ready());
  CHECK(taken(queue) == 0);
  queue.done(*hangs);
  CHECK(queue.ready());
  queue.forget(2);
  CHECK(taken(queue) == 3);
}
