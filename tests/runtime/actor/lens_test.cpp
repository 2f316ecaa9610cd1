// What is kept of an actor while somebody looks: its ring of messages and errors, its quantiles, and the allowance.
#include "runtime/actor/lens.hpp"

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
using runtime::Lens;
using runtime::Lenses;

namespace {

std::unique_ptr<Lens> lens_of(Lenses& lenses) {
  auto lens = lenses.grant({}, kStart, 60s);
  REQUIRE(lens != nullptr);
  return lens;
}

}  // namespace

TEST_CASE("lens: it keeps the latest messages and errors, the latest first") {
  Lenses lenses;
  const auto lens = lens_of(lenses);
  CHECK(lens->messages().empty());
  CHECK(lens->errors().empty());
  for (std::uint64_t i = 0; i < Lens::kMessages + 5; ++i) {
    lens->note({.kind = &messages::kind_of<Number>(), .from = i, .trace = 2 * i, .took = 1us});
    const auto all = lens->messages();
    REQUIRE(all.size() == std::min<std::size_t>(i + 1, Lens::kMessages));
    for (std::size_t j = 0; j < all.size(); ++j) REQUIRE(all[j].from == i - j);
    CHECK(all.front().trace == 2 * i);
  }
  for (int i = 0; i < static_cast<int>(Lens::kErrors) + 3; ++i)
    lens->note(base::Error{Code::internal, "error " + std::to_string(i)}, kStart + std::chrono::seconds(i));
  const auto errors = lens->errors();
  REQUIRE(errors.size() == Lens::kErrors);
  CHECK(std::string_view(errors.front().text.data()) == "error 10");
  CHECK(errors.front().at == kStart + 10s);
  CHECK(std::string_view(errors.back().text.data()) == "error 3");
}

TEST_CASE("lens: the words of an error end within their room, and leave nothing of a longer one before") {
  Lenses lenses;
  const auto lens = lens_of(lenses);
  for (const std::size_t bytes : {std::size_t{0}, Lens::kErrorBytes - 1, Lens::kErrorBytes, std::size_t{100'000}}) {
    lens->note(base::Error{Code::internal, std::string(bytes, 'x')}, kStart);
    CHECK(std::string_view(lens->errors().front().text.data()).size() == std::min(bytes, Lens::kErrorBytes - 1));
  }
  for (std::size_t i = 0; i < Lens::kErrors; ++i) lens->note(base::Error{Code::internal, "short"}, kStart);
  for (const auto& error : lens->errors()) CHECK(std::string_view(error.text.data()) == "short");
}

TEST_CASE("lens: a quantile is not below the handler that it speaks of, and a quarter above it at most") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    base::Random random(seed);
    Lenses lenses;
    const auto lens = lens_of(lenses);
    CHECK(lens->quantile(0.99) == 0s);
    std::vector<Duration> lengths;
    const std::uint64_t count = 1 + random.below(400);
    const std::uint64_t powers = 1 + random.below(26);
    for (std::uint64_t i = 0; i < count; ++i) {
      lengths.push_back(std::chrono::microseconds(random.below(std::uint64_t{1} << random.below(powers))));
      lens->note({.took = lengths.back()});
    }
    std::ranges::sort(lengths);
    CHECK(lens->timed() == count);
    for (const double share : {0.0, 0.5, 0.9, 0.99, 1.0}) {
      const Duration meant = lengths[static_cast<std::size_t>(share * static_cast<double>(count - 1))];
      REQUIRE(lens->quantile(share) > meant);
      REQUIRE(lens->quantile(share) <= std::max<Duration>(meant + 1us, meant * 5 / 4));
    }
  }
}

TEST_CASE("lens: handlers of no time, and of more than the histogram knows, are counted in its ends") {
  Lenses lenses;
  const auto lens = lens_of(lenses);
  lens->note({.took = -1s});
  CHECK(lens->quantile(0.5) == 1us);
  for (int i = 0; i < 3; ++i) lens->note({.took = 24h});
  CHECK(lens->quantile(1.0) >= 67s);
  CHECK(lens->quantile(0.0) == 1us);
}

TEST_CASE("lens: the allowance is never passed, and given back") {
  Lenses lenses;
  std::vector<std::unique_ptr<Lens>> all;
  while (auto lens = lenses.grant({}, kStart, 60s)) {
    all.push_back(std::move(lens));
    REQUIRE(lenses.bytes() <= runtime::kLensBytesMax);
  }
  CHECK(all.size() == runtime::kLensBytesMax / sizeof(Lens));
  CHECK(lenses.bytes() == all.size() * sizeof(Lens));
  CHECK(lenses.grant({}, kStart, 60s) == nullptr);
  CHECK(lenses.bytes() == all.size() * sizeof(Lens));
  all.pop_back();
  all.push_back(lenses.grant({}, kStart, 60s));
  CHECK(all.back() != nullptr);
  CHECK(lenses.grant({}, kStart, 60s) == nullptr);
  all.clear();
  CHECK(lenses.bytes() == 0);
}

TEST_CASE("lens: many threads that want the last of the allowance do not pass it together") {
  Lenses lenses;
  std::array<std::vector<std::unique_ptr<Lens>>, 4> taken;
  std::vector<std::thread> threads;
  for (auto& mine : taken)
    threads.emplace_back([&lenses, &mine] {
      while (auto lens = lenses.grant({}, kStart, 60s)) mine.push_back(std::move(lens));
    });
  for (auto& thread : threads) thread.join();
  std::size_t all = 0;
  for (const auto& mine : taken) all += mine.size();
  CHECK(all <= runtime::kLensBytesMax / sizeof(Lens));
  CHECK(all * sizeof(Lens) == lenses.bytes());
  for (auto& mine : taken) mine.clear();
  CHECK(lenses.bytes() == 0);
}

TEST_CASE("lens: one whose node has gone may still be dropped") {
  std::unique_ptr<Lens> lens;
  {
    Lenses lenses;
    lens = lens_of(lenses);
  }
  CHECK(lens->began == kStart);  // it does not lie in what has gone
  lens.reset();
  CHECK(lens == nullptr);
}

TEST_CASE("lens: whose time is over is named once, unless it is kept") {
  ActorFixture actors;
  const Handle one = actors.start("one", successor), other = actors.start("other", successor);
  actors.stage.settle();
  Lenses lenses;
  const auto first = lenses.grant(one, kStart, 60s), second = lenses.grant(other, kStart, 600s);
  CHECK(first->began == kStart);
  CHECK(first->lapses == kStart + 60s);
  CHECK(lenses.lapsed(kStart + 60s - 1ns).empty());
  CHECK(lenses.lapsed(kStart + 60s) == std::vector<Handle>{one});
  CHECK(lenses.lapsed(kStart + 60s).empty());
  lenses.keep(*first, one, kStart + 90s);
  CHECK(lenses.lapsed(kStart + 89s).empty());
  CHECK(lenses.lapsed(kStart + 600s) == std::vector<Handle>{one, other});
}

TEST_CASE("lens: an actor that has ended gives back its lens while its address is still held, and is not named") {
  ActorFixture actors;
  const Handle alone = actors.start("alone", [](Scripted&, runtime::Handlers& on) {
    on.tell<Number>([](Number::Reader) { throw std::runtime_error("broke"); });
  });
  actors.stage.settle();
  CHECK(actors.node.lenses().bytes() == 0);
  actors.inside([&](Scripted& self) { self.tell<Number>(alone, number(1)); });
  CHECK(actors.node.find("/alone") == nullptr);
  CHECK(actors.node.lenses().bytes() == 0);
  CHECK(actors.node.lenses().granted() == 0);  // without an inspector that asks for those that lapsed
}
