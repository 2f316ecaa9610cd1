// What is kept of an actor while somebody looks: its ring of messages and errors, its quantiles, and the allowance.
#include "runtime/actor/recent_messages.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "messages/bench.capnp.h"
#include "runtime/base/random.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using base::Duration;
using base::Instant;
using bench::wire::Number;
using runtime::Handle;
using runtime::RecentMessages;
using runtime::RecentPool;

namespace {

std::unique_ptr<RecentMessages> recent_of(RecentPool& recent_pool) {
  auto recent = recent_pool.grant({}, kStart, 60s);
  REQUIRE(recent != nullptr);
  return recent;
}

}  // namespace

TEST_CASE("recent messages: it keeps the latest messages and errors, the latest first") {
  RecentPool recent_pool;
  const auto recent = recent_of(recent_pool);
  CHECK(recent->messages().empty());
  CHECK(recent->errors().empty());
  for (std::uint64_t i = 0; i < RecentMessages::kMessages + 5; ++i) {
    recent->note({.kind = &messages::kind_of<Number>(), .from = i, .trace = 2 * i, .took = 1us});
    const auto all = recent->messages();
    REQUIRE(all.size() == std::min<std::size_t>(i + 1, RecentMessages::kMessages));
    for (std::size_t j = 0; j < all.size(); ++j) REQUIRE(all[j].from == i - j);
    CHECK(all.front().trace == 2 * i);
  }
  for (int i = 0; i < static_cast<int>(RecentMessages::kErrors) + 3; ++i)
    recent->note(base::Error{Code::internal, "error " + std::to_string(i)}, kStart + std::chrono::seconds(i));
  const auto errors = recent->errors();
  REQUIRE(errors.size() == RecentMessages::kErrors);
  CHECK(std::string_view(errors.front().text.data()) == "error 10");
  CHECK(errors.front().at == kStart + 10s);
  CHECK(std::string_view(errors.back().text.data()) == "error 3");
}

TEST_CASE("recent messages: the words of an error end within their room, and leave nothing of a longer one before") {
  RecentPool recent_pool;
  const auto recent = recent_of(recent_pool);
  for (const std::size_t bytes :
       {std::size_t{0}, RecentMessages::kErrorBytes - 1, RecentMessages::kErrorBytes, std::size_t{100'000}}) {
    recent->note(base::Error{Code::internal, std::string(bytes, 'x')}, kStart);
    CHECK(std::string_view(recent->errors().front().text.data()).size() ==
          std::min(bytes, RecentMessages::kErrorBytes - 1));
  }
  for (std::size_t i = 0; i < RecentMessages::kErrors; ++i) recent->note(base::Error{Code::internal, "short"}, kStart);
  for (const auto& error : recent->errors()) CHECK(std::string_view(error.text.data()) == "short");
}

TEST_CASE("recent messages: a quantile is not below the handler that it speaks of, and a quarter above it at most") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    base::Random random(seed);
    RecentPool recent_pool;
    const auto recent = recent_of(recent_pool);
    CHECK(recent->quantile(0.99) == 0s);
    std::vector<Duration> lengths;
    const std::uint64_t count = 1 + random.below(400);
    const std::uint64_t powers = 1 + random.below(26);
    for (std::uint64_t i = 0; i < count; ++i) {
      lengths.push_back(std::chrono::microseconds(random.below(std::uint64_t{1} << random.below(powers))));
      recent->note({.took = lengths.back()});
    }
    std::ranges::sort(lengths);
    CHECK(recent->timed() == count);
    for (const double share : {0.0, 0.5, 0.9, 0.99, 1.0}) {
      const Duration meant = lengths[static_cast<std::size_t>(share * static_cast<double>(count - 1))];
      REQUIRE(recent->quantile(share) > meant);
      REQUIRE(recent->quantile(share) <= std::max<Duration>(meant + 1us, meant * 5 / 4));
    }
  }
}

TEST_CASE("recent messages: handlers of no time, and of more than the histogram knows, are counted in its ends") {
  RecentPool recent_pool;
  const auto recent = recent_of(recent_pool);
  recent->note({.took = -1s});
  CHECK(recent->quantile(0.5) == 1us);
  for (int i = 0; i < 3; ++i) recent->note({.took = 24h});
  CHECK(recent->quantile(1.0) >= 67s);
  CHECK(recent->quantile(0.0) == 1us);
}

TEST_CASE("recent messages: the allowance is never passed, and given back") {
  RecentPool recent_pool;
  std::vector<std::unique_ptr<RecentMessages>> all;
  while (auto recent = recent_pool.grant({}, kStart, 60s)) {
    all.push_back(std::move(recent));
    REQUIRE(recent_pool.bytes() <= runtime::kRecentBytesMax);
  }
  CHECK(all.size() == runtime::kRecentBytesMax / sizeof(RecentMessages));
  CHECK(recent_pool.bytes() == all.size() * sizeof(RecentMessages));
  CHECK(recent_pool.grant({}, kStart, 60s) == nullptr);
  CHECK(recent_pool.bytes() == all.size() * sizeof(RecentMessages));
  all.pop_back();
  all.push_back(recent_pool.grant({}, kStart, 60s));
  CHECK(all.back() != nullptr);
  CHECK(recent_pool.grant({}, kStart, 60s) == nullptr);
  all.clear();
  CHECK(recent_pool.bytes() == 0);
}

TEST_CASE("recent messages: many threads that want the last of the allowance do not pass it together") {
  RecentPool recent_pool;
  std::array<std::vector<std::unique_ptr<RecentMessages>>, 4> taken;
  std::vector<std::thread> threads;
  for (auto& mine : taken)
    threads.emplace_back([&recent_pool, &mine] {
      while (auto recent = recent_pool.grant({}, kStart, 60s)) mine.push_back(std::move(recent));
    });
  for (auto& thread : threads) thread.join();
  std::size_t all = 0;
  for (const auto& mine : taken) all += mine.size();
  CHECK(all <= runtime::kRecentBytesMax / sizeof(RecentMessages));
  CHECK(all * sizeof(RecentMessages) == recent_pool.bytes());
  for (auto& mine : taken) mine.clear();
  CHECK(recent_pool.bytes() == 0);
}

TEST_CASE("recent messages: one whose node has gone may still be dropped") {
  std::unique_ptr<RecentMessages> recent;
  {
    RecentPool recent_pool;
    recent = recent_of(recent_pool);
  }
  CHECK(recent->began == kStart);  // it does not lie in what has gone
  recent.reset();
  CHECK(recent == nullptr);
}

TEST_CASE("recent messages: whose time is over is named once, unless it is kept") {
  ActorFixture actors;
  const Handle one = actors.start("one", successor), other = actors.start("other", successor);
  actors.stage.settle();
  RecentPool recent_pool;
  const auto first = recent_pool.grant(one, kStart, 60s), second = recent_pool.grant(other, kStart, 600s);
  CHECK(first->began == kStart);
  CHECK(first->lapses == kStart + 60s);
  CHECK(recent_pool.lapsed(kStart + 60s - 1ns).empty());
  CHECK(recent_pool.lapsed(kStart + 60s) == std::vector<Handle>{one});
  CHECK(recent_pool.lapsed(kStart + 60s).empty());
  recent_pool.keep(*first, one, kStart + 90s);
  CHECK(recent_pool.lapsed(kStart + 89s).empty());
  CHECK(recent_pool.lapsed(kStart + 600s) == std::vector<Handle>{one, other});
}

TEST_CASE(
    "recent messages: an actor that has ended gives back its allowance while its address is still held, and is not "
    "named") {
  ActorFixture actors;
  const Handle alone = actors.start("alone", [](Scripted&, runtime::Handlers& on) {
    on.tell<Number>([](Number::Reader) { throw std::runtime_error("broke"); });
  });
  actors.stage.settle();
  CHECK(actors.node.recent_pool().bytes() == 0);
  actors.inside([&](Scripted& self) { self.tell<Number>(alone, number(1)); });
  CHECK(actors.node.find("/alone") == nullptr);
  CHECK(actors.node.recent_pool().bytes() == 0);
  CHECK(actors.node.recent_pool().granted() == 0);  // without an inspector that asks for those that lapsed
}
