// The figures of `troupe bench actor`.
#include <atomic>
#include <future>

#include "apps/bench/figures.hpp"

namespace troupe::bench {
namespace {

constexpr std::chrono::seconds kIdleMax{300};     // for a million actors on a busy machine
constexpr std::chrono::seconds kCountedMax{300};  // for ten million messages
constexpr std::uint64_t kAskedBefore = 10'000;    // requests that bring memory to its working size

}  // namespace

Measurement<Figures> measure_actors(Runner& runner, base::Duration span) {
  Figures out;
  const auto counter = runner.node().start("counter", factory<Counter>(), {.kind = Counter::kName});
  auto one_way = runner.measure<Sender<wire::Number, FillNumber>>("sender", span, {.what = "actor.oneway"}, counter,
                                                                  kSmallWindow, span, FillNumber{});
  if (!one_way.ok()) return one_way.error();
  out.push_back(std::move(one_way).value());
  const auto echo = runner.node().start("echo", factory<Echo>(), {.kind = Echo::kName});
  auto asked =
      runner.measure<Asker>("asker", span, {.what = "actor.ask"}, echo, Asker::Until{.span = span}, kTimedEach);
  if (!asked.ok()) return asked.error();
  out.push_back(std::move(asked).value());
  return out;
}

Measurement<Figure> measure_idle_actors(Runner& runner, std::size_t count) {
  const auto there = std::make_shared<std::atomic<std::size_t>>(0);
  const std::uint64_t before = resident_bytes();
  const base::Instant begin = runner.now();
  const auto last_rings = [there, count, &runner] {
    if (there->fetch_add(1) + 1 == count) runner.ring();
  };
  for (std::size_t i = 0; i < count; ++i)
    runner.node().start("idle-" + std::to_string(i), factory<Idle>(std::function<void()>(last_rings)),
                        {.kind = Idle::kName});
  const auto all = runner.wait_until("starting the actors", kIdleMax, [&] { return there->load() == count; });
  if (!all.ok()) return all.error();
  return Figure{.what = "actor.idle",
                .clients = count,
                .per_second = static_cast<double>(count) / std::chrono::duration<double>(runner.now() - begin).count(),
                .resident_bytes = growth(before, resident_bytes(), count)};
}

Measurement<Figure> measure_stopped_actor(Runner& runner, std::uint64_t count, std::shared_ptr<void>* kept) {
  const auto release = std::make_shared<std::promise<void>>();
  const std::function<void()> wait = [released = release->get_future().share()] { released.wait(); };
  runtime::SpawnOptions options{.kind = Stopped::kName, .placement = ports::Placement::own_thread};
  if (kept != nullptr) options.mailbox_max = kHeldMailboxMax;
  const auto stopped = runner.node().start("stopped", factory<Stopped>(wait), options);
  // The actor is released at any exit: the system could not end with it.
  const std::shared_ptr<void> let_go(nullptr, [release](void*) { release->set_value(); });
  if (kept != nullptr) *kept = let_go;
  const auto echo = runner.node().start("status", factory<Echo>(), {.kind = Echo::kName});
  const std::uint64_t before = resident_bytes();
  auto flooded = runner.measure<Flood>("flood", kCountedMax, {.what = "actor.stopped"}, stopped, echo, count);
  if (flooded.ok()) flooded.value().resident_bytes = growth(before, resident_bytes(), 1);
  return flooded;
}

Measurement<Figure> measure_answered(Runner& runner, std::uint64_t count) {
  const auto echo = runner.node().start("answering", factory<Echo>(), {.kind = Echo::kName});
  const auto ask = [&](const std::string& name, std::uint64_t questions) {
    return runner.measure<Asker>(name, kCountedMax, {.what = "actor.answered"}, echo,
                                 Asker::Until{.asked_max = questions}, UINT64_MAX);
  };
  const auto warm = ask("asker-before", kAskedBefore);
  if (!warm.ok()) return warm.error();
  const std::uint64_t before = resident_bytes();
  auto asked = ask("asker-of-all", count);
  if (!asked.ok()) return asked.error();
  Figure out = std::move(asked).value();
  out.delays.clear();
  out.resident_bytes = growth(before, resident_bytes(), 1);
  return out;
}

}  // namespace troupe::bench
