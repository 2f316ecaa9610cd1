// The figures of `troupe bench task` about the registry.
#include "apps/registry/bench/figures.hpp"

#include <algorithm>

#include "actors/registry/api.hpp"
#include "apps/bench/ran.hpp"
#include "messages/codec.hpp"
#include "messages/registry.capnp.h"
#include "runtime/crypto/hash.hpp"

namespace troupe::bench {
namespace {

constexpr std::size_t kNodes = 10'000;        // the issue on tasks
constexpr std::chrono::seconds kPeriod{60};   // the default of registry.heartbeat
constexpr std::chrono::seconds kCounted{20};  // our choice: 3,333 heartbeats
constexpr std::chrono::seconds kDue{30};      // for one response
constexpr std::size_t kAtOnce = 64;           // our choice
constexpr std::size_t kLists = 5;             // our choice: the median counts

/// Ten thousand nodes that exist only as keys, and send their heartbeats as a network would: one every 6 ms. They join
/// as fast as they can. So their first round, a whole period, is not counted: most of them are late in it.
class RegistryLoad final : public Measuring {
 public:
  static constexpr const char* kName = "registry-load";
  RegistryLoad(runtime::Handle registry, std::function<double()> cpu_seconds, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), registry_(registry), cpu_seconds_(std::move(cpu_seconds)) {}

  void receive(runtime::Handlers& on) override {
    on.timer<Next>([this] { beat_in_turn(); });
  }
  void start() override {
    for (std::size_t i = 0; i < kNodes; ++i) {
      crypto::Seed seed;
      seed.bytes = crypto::sha256(base::as_bytes("node " + std::to_string(i))).bytes;
      keys_.emplace_back(seed);
    }
    began_ = now();
    for (std::size_t i = 0; i < kAtOnce; ++i) enter();
  }

 private:
  struct Next {};
  std::uint64_t unix_ms() { return static_cast<std::uint64_t>(wall().since_origin() / std::chrono::milliseconds(1)); }
  void fail(const std::string& why) {
    if (std::exchange(failed_, true)) return;
    figure_.errors = 1;
    figure_.error = why;
    end();
  }
  template <class Then>
  void tell_beat(std::size_t number, Then then) {
    const crypto::SecretKey& key = keys_[number];
    registry::Heartbeat beat{.key = key.public_key(), .number = unix_ms(), .unix_ms = unix_ms()};
    beat.up_ms = 1'000;
    beat.load = 100;
    beat.memory = 300;
    beat.registration = 1;
    ask<registry::wire::Beat, registry::wire::BeatNoted>(
        registry_, now() + kDue, [&](registry::wire::Beat::Builder out) { out.setHeartbeat(data_of(sign(beat, key))); },
        [this, then = std::move(then)](const runtime::Answer<registry::wire::BeatNoted>& noted) mutable {
          if (!noted.ok()) return fail(noted.error().message);
          then();
        });
  }
  void enter() {
    if (entering_ == kNodes) return;
    const std::size_t number = entering_++;
    tell_beat(number, [this, number] {
      const crypto::SecretKey& key = keys_[number];
      registry::Registration what{.key = key.public_key(), .sequence = 1};
      what.version = "0.1.0";
      what.capabilities = {{"arch", "x86_64"}, {"cpu", std::uint64_t{4}}, {"memory", std::uint64_t{16} << 30}};
      ask<registry::wire::OfferRegistration, registry::wire::BeatNoted>(
          registry_, now() + kDue,
          [&](registry::wire::OfferRegistration::Builder out) { out.setRegistration(data_of(*sign(what, key))); },
          [this](const runtime::Answer<registry::wire::BeatNoted>& noted) {
            if (!noted.ok()) return fail(noted.error().message);
            if (++entered_ < kNodes) return enter();
            // The first of them sends its next heartbeat a period after its first.
            after<Next>(std::max<base::Duration>(began_ + kPeriod - now(), base::Duration::zero()));
          });
    });
  }
  /// Sends the heartbeats that are due, as many as fit into the elapsed time.
  void beat_in_turn() {
    if (failed_) return;
    if (!turn_) turn_ = now();
    const base::Duration passed = std::min<base::Duration>(now() - *turn_, kPeriod + kCounted);
    if (!counting_ && passed >= kPeriod) {
      counting_ = now();
      used_before_ = cpu_seconds_();
      told_before_ = told_;
    }
    const auto due = static_cast<std::size_t>(kNodes * passed.count() / base::Duration(kPeriod).count());
    for (; told_ < due; ++told_) tell_beat(told_ % kNodes, [] {});
    constexpr std::chrono::milliseconds kPause{6};
    if (passed < kPeriod + kCounted) return after<Next>(kPause);
    const double used = cpu_seconds_() - used_before_;
    figure_.ratio = used / std::chrono::duration<double>(now() - *counting_).count();
    figure_.cpu_ms_each = 1'000 * used / static_cast<double>(told_ - told_before_);
    end();
  }

  const runtime::Handle registry_;
  const std::function<double()> cpu_seconds_;
  std::vector<crypto::SecretKey> keys_;
  std::size_t entering_ = 0, entered_ = 0, told_ = 0, told_before_ = 0;
  base::Instant began_;
  std::optional<base::Instant> turn_, counting_;
  double used_before_ = 0;
  bool failed_ = false;
};

}  // namespace

Measurement<Figures> measure_registry(os::Waker& waker, Runner& runner, NodeProcesses& processes) {
  if (auto begun = processes.begin(waker, runner); !begun.ok()) return begun.error();
  auto fed =
      runner.measure<RegistryLoad>("registry-load", 3 * kPeriod + kCounted, {.what = "registry.fed", .clients = kNodes},
                                   processes.service(0, registry::kPath),
                                   std::function<double()>([&processes] { return processes.cpu_seconds(0); }));
  if (!fed.ok()) return fed.error();
  Figures out{fed.value()};
  if (out.front().errors > 0) return out;
  Figure list{.what = "registry.ls", .clients = kNodes};
  std::vector<double> seconds;
  for (std::size_t i = 0; i < kLists; ++i) {
    const Ran ran = run_troupe(runner, {"registry", "ls", "--data", processes.data(0), "--json"});
    if (!ran.done) {
      list.errors = 1;
      list.error = "`troupe registry ls` did not end with 0";
    }
    seconds.push_back(ran.seconds);
  }
  std::ranges::sort(seconds);
  list.seconds = seconds[kLists / 2];
  list.seconds_max = seconds.back();
  out.push_back(list);
  return out;
}

}  // namespace troupe::bench
