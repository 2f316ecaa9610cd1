// The figures of `troupe bench kv`.
#include <algorithm>

#include "apps/bench/figures.hpp"
#include "apps/bench/node_processes.hpp"
#include "messages/codec.hpp"
#include "messages/raft.capnp.h"
#include "runtime/sim/linearizable.hpp"

namespace troupe::bench {
namespace {

namespace words = raft::wire;

constexpr std::size_t kKvKeys = 100'000;  // as in the benchmark of etcd
constexpr std::size_t kKvValueBytes = 256;
constexpr std::size_t kKvWatched = 16;  // our choice: one in this many keys is checked for linearizability

std::string key_of(std::uint64_t number) {
  std::string out = "key-00000000";
  for (std::size_t at = out.size(); number > 0 && at > 4; number /= 10)
    out[--at] = static_cast<char>('0' + number % 10);
  return out;
}

void write_put(words::Execute::Builder out, const std::string& key, std::uint8_t filling) {
  auto operation = out.initWhat().initTxn().initOperations(1)[0];
  operation.setKey(data_of(base::as_bytes(key)));
  auto value = operation.initPut(kKvValueBytes);
  std::fill(value.begin(), value.end(), filling);
}

class KvLoad final : public Measuring {
 public:
  static constexpr const char* kName = "kv-load";
  enum class What : std::uint8_t { put, get, stale };
  using Noted = std::optional<sim::History::Number>;
  struct Plan {
    runtime::Handle to;
    What what = What::put;
    std::size_t clients = 1;
    base::Duration span{0};
    std::uint64_t count = UINT64_MAX;   ///< whichever is reached first
    sim::History* history = nullptr;    ///< records the operations on watched keys
    std::uint64_t* answered = nullptr;  ///< counts successes, also before measuring begins
  };
  KvLoad(Plan plan, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), plan_(plan) {}

  void start() override {
    progress_.emplace(now(), plan_.span);
    under_way_ = plan_.clients;
    for (std::size_t i = 0; i < plan_.clients; ++i) next();
  }

 private:
  void next() {
    if (over_ || begun_ == plan_.count) {
      if (--under_way_ == 0) end();
      return;
    }
    const std::uint64_t number = plan_.count == UINT64_MAX ? random().below(kKvKeys) : begun_ % kKvKeys;
    ++begun_;
    const bool watched = plan_.history != nullptr && number % kKvWatched == 0;
    if (plan_.what == What::put) put(key_of(number), watched);
    else get(key_of(number), watched);
  }
  /// The value of a record is one byte, repeated.
  Noted note(const std::string& key, sim::Did did, sim::Value value) {
    return plan_.history->begin({.key = key, .did = did, .value = std::move(value)});
  }
  void put(const std::string& key, bool watched) {
    const auto filling = static_cast<std::uint8_t>(random().next());
    const Noted noted = watched ? note(key, sim::Did::write, std::string(1, static_cast<char>(filling))) : Noted();
    ask<words::Execute, words::Executed>(
        plan_.to, now() + kDue, [&](words::Execute::Builder out) { write_put(out, key, filling); },
        [this, from = now(), noted](runtime::Answer<words::Executed> answer) {
          const bool ok = answer.ok() && answer.value().getOutcome() == words::Outcome::DONE;
          if (noted && ok) plan_.history->answered(*noted);
          done(from, ok ? "" : answer.ok() ? "a put was not executed" : answer.error().message);
        });
  }
  void get(const std::string& key, bool watched) {
    const Noted noted = watched && plan_.what == What::get ? note(key, sim::Did::read, {}) : Noted();
    ask<words::GetKey, words::GotKey>(
        plan_.to, now() + kDue,
        [&](words::GetKey::Builder out) {
          out.setKey(data_of(base::as_bytes(key)));
          out.setStale(plan_.what == What::stale);
        },
        [this, from = now(), noted](runtime::Answer<words::GotKey> answer) {
          if (noted && answer.ok()) {
            const auto value = answer.value().getValue();
            plan_.history->answered_read(*noted, answer.value().getFound()
                                                     ? sim::Value(std::string(1, static_cast<char>(value[0])))
                                                     : std::nullopt);
          }
          done(from, answer.ok() ? "" : answer.error().message);
        });
  }
  void done(base::Instant from, const std::string& why) {
    const base::Instant at = now();
    if (why.empty()) {
      note_delay(from, at);
      if (plan_.answered != nullptr) ++*plan_.answered;
    } else if (figure_.errors++ == 0) figure_.error = why;
    if (!progress_->done(1, at)) over_ = true;
    next();
  }

  const Plan plan_;
  std::size_t under_way_ = 0;
  std::uint64_t begun_ = 0;
  bool over_ = false;
};

constexpr std::size_t kFailovers = 10;
constexpr std::chrono::milliseconds kFailoverCalm{500};  // of successful puts before
constexpr std::chrono::seconds kFailoverSpan{3};

/// One put after another at one member; after a while the leader is killed. Its one delay is the longest time without a
/// successful put since then.
class KvFailover final : public Measuring {
 public:
  static constexpr const char* kName = "kv-failover";
  KvFailover(runtime::Handle to, std::function<void()> happens, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), to_(std::move(to)), happens_(std::move(happens)) {}
  void start() override {
    begun_ = last_ = now();
    next();
  }

 private:
  void next() {
    const base::Instant at = now();
    if (at >= begun_ + kFailoverSpan && last_ > happened_) {
      figure_.delays.push_back(longest_);
      return end();
    }
    if (!happened_since_ && at >= begun_ + kFailoverCalm) {
      happened_since_ = true;
      happened_ = last_ = at;
      happens_();
    }
    ask<words::Execute, words::Executed>(
        to_, at + kDue, [&](words::Execute::Builder out) { write_put(out, key_of(0), 1); },
        [this](const runtime::Answer<words::Executed>& answer) {
          if (answer.ok()) {
            if (happened_since_) longest_ = std::max(longest_, now() - last_);
            last_ = now();
          }
          next();
        });
  }
  const runtime::Handle to_;
  const std::function<void()> happens_;
  bool happened_since_ = false;
  base::Instant begun_, happened_, last_;
  base::Duration longest_{0};
};

/// Returns the syncs of all members' logs since they began.
Measurement<std::uint64_t> syncs_of(Runner& runner, NodeProcesses& processes) {
  std::uint64_t out = 0;
  for (std::size_t node = 0; node < kKvNodes; ++node) {
    const auto made = processes.log_syncs(runner, node);
    if (!made.ok()) return made.error();
    out += made.value();
  }
  return out;
}

/// Adds to `figure` how often the members synced per put. A put is acknowledged once a majority has synced it, possibly
/// a different majority per put. With `clients` puts at once a sync covers at most that many. With fewer syncs in
/// total, some put is on too few disks.
void compare_syncs(Figure& figure, std::uint64_t made, std::uint64_t puts) {
  constexpr std::uint64_t kMajority = kKvNodes / 2 + 1;
  if (puts > 0) figure.syncs_each = static_cast<double>(made) / static_cast<double>(puts);
  if (made * figure.clients >= kMajority * puts || figure.errors > 0) return;
  figure.errors = 1;
  figure.error = "the members synced " + std::to_string(made) + " times for " + std::to_string(puts) + " puts";
}

double seconds_of(base::Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Measurement<Figures> measure_kv_failover(os::Waker& waker, Runner& runner, NodeProcesses& processes) {
  if (auto made = processes.make_group(waker, runner); !made.ok()) return made.error();
  std::vector<base::Duration> gaps;
  for (std::size_t i = 0; i < kFailovers; ++i) {
    const auto leads = processes.leader(runner);
    if (!leads.ok()) return leads.error();
    const std::size_t killed = leads.value();
    const std::function<void()> kill = [&processes, killed] { processes.kill(killed); };
    auto figure = runner.measure<KvFailover>("kv-failover", kFailoverSpan, {.what = "kv.failover"},
                                             processes.member((killed + 1) % kKvNodes), kill);
    if (!figure.ok()) return figure.error();
    gaps.push_back(figure.value().delays.front());
    if (auto again = processes.restart(waker, killed); !again.ok()) return again.error();
    if (auto paused = runner.pause(std::chrono::seconds(1)); !paused.ok()) return paused.error();
  }
  std::ranges::sort(gaps);
  Figure out{.what = "kv.failover"};
  out.seconds = seconds_of((gaps[kFailovers / 2 - 1] + gaps[kFailovers / 2]) / 2);
  out.seconds_max = seconds_of(gaps.back());
  return Figures{out};
}

Measurement<Figures> measure_kv_memory(os::Waker& waker, Runner& runner, NodeProcesses& processes, std::uint64_t puts) {
  if (auto made = processes.make_group(waker, runner); !made.ok()) return made.error();
  const auto leads = processes.leader(runner);
  if (!leads.ok()) return leads.error();
  constexpr std::chrono::hours kLong{24};
  auto figure = runner.measure<KvLoad>(
      "kv-load", kLong, {.what = "kv.memory", .clients = 128},
      KvLoad::Plan{.to = processes.member(leads.value()), .clients = 128, .span = kLong, .count = puts});
  if (!figure.ok()) return figure.error();
  Figure out{.what = "kv.memory", .clients = 128, .errors = figure.value().errors, .error = figure.value().error};
  out.resident_bytes = processes.resident_bytes_max();
  out.mib = static_cast<double>(*out.resident_bytes) / (1 << 20);
  return Figures{out};
}

Measurement<Figures> measure_kv(os::Waker& waker, Runner& runner, NodeProcesses& processes, base::Duration span) {
  if (auto made = processes.make_group(waker, runner); !made.ok()) return made.error();
  Figures out;
  sim::History history;
  struct One {
    const char* what;
    KvLoad::What does;
  };
  for (const One& one :
       {One{"kv.put", KvLoad::What::put}, One{"kv.get", KvLoad::What::get}, One{"kv.stale", KvLoad::What::stale}}) {
    for (const std::size_t clients : {1, 16, 128}) {
      const auto leads = processes.leader(runner);
      if (!leads.ok()) return leads.error();
      const bool puts = one.does == KvLoad::What::put;
      const auto before = puts ? syncs_of(runner, processes) : Measurement<std::uint64_t>(std::uint64_t{0});
      if (!before.ok()) return before.error();
      std::uint64_t answered = 0;
      auto figure = runner.measure<KvLoad>("kv-load", span, {.what = one.what, .clients = clients},
                                           KvLoad::Plan{.to = processes.member(leads.value()),
                                                        .what = one.does,
                                                        .clients = clients,
                                                        .span = span,
                                                        .history = &history,
                                                        .answered = &answered});
      if (!figure.ok()) return figure.error();
      if (puts) {
        const auto after = syncs_of(runner, processes);
        if (!after.ok()) return after.error();
        compare_syncs(figure.value(), after.value() - before.value(), answered);
      }
      out.push_back(std::move(figure).value());
    }
  }
  const auto found = sim::linearizable(history.operations());
  if (found.verdict != sim::Verdict::holds)
    return Failure{{base::Code::internal, "no order explains what clients saw of " + found.key}};
  return out;
}

}  // namespace troupe::bench
