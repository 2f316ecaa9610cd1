#pragma once
// The two shapes of load: messages one way, with a bounded number under way, and questions one after the other.
//
// `troupe bench` uses the same shapes with the same numbers, or the figures could not be compared.
#include <caf/all.hpp>
#include <chrono>
#include <cstdint>
#include <utility>

#include "tools/bench/row.hpp"

namespace troupe::bench {

using Clock = std::chrono::steady_clock;
using counted_atom = caf::atom_constant<caf::atom("counted")>;

/// How messages one way are kept bounded: the receiver answers each burst with one message.
struct Window {
  std::uint64_t burst;       ///< messages for one answer
  std::uint64_t bursts_max;  ///< bursts under way
};
inline constexpr Window kSmallWindow{1'000, 8};  // of numbers and 256 B: 2 MiB at most
inline constexpr Window kLargeWindow{20, 8};     // of 64 KiB: 10 MiB at most

inline constexpr std::uint64_t kTimedEach = 16;       // one question in so many is timed: the clock costs 50 ns
inline constexpr auto kWarmUpShare = 10;              // the first tenth of the time is not counted
inline constexpr std::size_t kDelaysMax = 4'000'000;  // 32 MiB

struct Progress {
  Clock::time_point begin, counted_from, end;
  std::uint64_t sent = 0, acknowledged = 0, counted = 0;

  explicit Progress(Clock::duration span)
      : begin(Clock::now()), counted_from(begin + span / kWarmUpShare), end(begin + span) {}

  /// Notes that `count` are done. False once the time is over.
  bool done(std::uint64_t count) {
    acknowledged += count;
    const auto now = Clock::now();
    if (now >= end) return false;
    if (now >= counted_from) {
      if (!first_) first_ = now;
      else counted += count;
      last_ = now;
    }
    return true;
  }
  double per_second() const {
    if (!first_ || last_ <= *first_) return 0;
    return static_cast<double>(counted) / std::chrono::duration<double>(last_ - *first_).count();
  }

 private:
  std::optional<Clock::time_point> first_;
  Clock::time_point last_;
};

/// Counts messages of type `T`, and says so after each burst.
template <class T>
caf::behavior counter(caf::event_based_actor* self, Window window) {
  auto count = std::make_shared<std::uint64_t>(0);
  return {[=](const T&) {
    if (++*count % window.burst != 0) return;
    self->send(caf::actor_cast<caf::actor>(self->current_sender()), counted_atom::value);
  }};
}

/// Sends what `make()` gives to `to` for `span`, then writes `out` and ends.
template <class Make>
caf::behavior one_way(caf::event_based_actor* self, caf::actor to, Window window, Clock::duration span, Make make,
                      Row* out) {
  auto progress = std::make_shared<Progress>(span);
  const auto send_burst = [=] {
    for (std::uint64_t i = 0; i < window.burst; ++i) self->send(to, make());
  };
  self->monitor(to);
  self->set_down_handler([=](const caf::down_msg&) {
    out->errors += 1;
    self->quit();
  });
  for (std::uint64_t i = 0; i < window.bursts_max; ++i) send_burst();
  return {[=](counted_atom) {
    if (progress->done(window.burst)) return send_burst();
    out->per_second = progress->per_second();
    self->quit();
  }};
}

/// Asks `to` for its number back, one question after the other for `span`, then writes `out` and ends.
class Asker : public caf::event_based_actor {
 public:
  Asker(caf::actor_config& config, caf::actor to, Clock::duration span, std::uint64_t timed_each, Row* out)
      : caf::event_based_actor(config), to_(std::move(to)), progress_(span), timed_each_(timed_each), out_(out) {}

  caf::behavior make_behavior() override {
    ask();
    return {[](counted_atom) {}};
  }

 private:
  void ask() {
    const bool timed = asked_++ % timed_each_ == 0;
    const auto from = timed ? Clock::now() : Clock::time_point{};
    request(to_, caf::infinite, asked_)
        .then(
            [this, timed, from](std::int64_t) {
              const bool counts = timed && from >= progress_.counted_from && out_->delays.size() < kDelaysMax;
              if (counts) out_->delays.push_back(Clock::now() - from);
              if (progress_.done(1)) return ask();
              out_->per_second = progress_.per_second();
              quit();
            },
            [this](const caf::error&) {
              out_->errors += 1;
              quit();
            });
  }

  caf::actor to_;
  Progress progress_;
  std::uint64_t timed_each_;
  Row* out_;
  std::int64_t asked_ = 0;
};

inline caf::behavior echo(caf::event_based_actor*) {
  return {[](std::int64_t number) { return number; }};
}

}  // namespace troupe::bench
