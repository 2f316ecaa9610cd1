#pragma once
// The actors that measure for `troupe bench`. They are written like the actors of a domain.
//
// Order   a Count request is queued after the messages sent before it, so its response shows that all of them have
//         arrived.
// Errors  a lost message or a refused request counts in Figure::errors and ends the measurement.
#include <functional>

#include "apps/bench/figure.hpp"
#include "apps/bench/load.hpp"
#include "messages/bench.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::bench {

inline constexpr std::chrono::seconds kDue{60};  // the deadline of each request, as long as a patient domain would set

/// Called once with the result, in the actor's own context.
using Measured = std::function<void(Figure)>;

/// Returns a factory of actors `T(args...)`, each built from its own copies.
template <class T, class... Args>
runtime::Factory factory(Args... args) {
  return [=] { return std::make_unique<T>(args...); };
}

/// An actor that starts to measure by itself, and ends when it has reported its figure.
class Measuring : public runtime::Actor {
 public:
  Measuring(Figure figure, Measured measured) : figure_(std::move(figure)), measured_(std::move(measured)) {}
  void receive(runtime::Handlers&) override {}

 protected:
  /// Records the delay of an operation from `from` to `at`, unless it began during the warm-up.
  void note_delay(base::Instant from, base::Instant at) {
    if (progress_->counts(from) && figure_.delays.size() < kDelaysMax) figure_.delays.push_back(at - from);
  }
  void end() {
    if (progress_) figure_.per_second = progress_->per_second();
    measured_(std::move(figure_));
    finish();
  }

  Figure figure_;
  std::optional<Progress> progress_;

 private:
  const Measured measured_;
};

/// Counts the messages that it receives, and reports the count on request.
class Counter final : public runtime::Actor {
 public:
  static constexpr const char* kName = "counter";
  void receive(runtime::Handlers& on) override;

 private:
  std::uint64_t count_ = 0;
};

/// Sends each number back to its sender.
class Echo final : public runtime::Actor {
 public:
  static constexpr const char* kName = "echo";
  void receive(runtime::Handlers& on) override;
};

/// Sends a Counter messages of kind `T`, each built by `Fill`.
template <class T, class Fill>
class Sender final : public Measuring {
 public:
  static constexpr const char* kName = "sender";
  Sender(runtime::Handle to, Window window, base::Duration span, Fill fill, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)),
        to_(std::move(to)),
        window_(window),
        span_(span),
        fill_(std::move(fill)) {}

  void start() override {
    progress_.emplace(now(), span_);
    for (std::uint64_t i = 0; i < window_.bursts_max; ++i) send_burst();
  }

 private:
  void send_burst() {
    for (std::uint64_t i = 0; i < window_.burst; ++i) tell<T>(to_, fill_);
    ask<wire::Count, wire::Counted>(
        to_, now() + kDue, [](wire::Count::Builder) {},
        [this](runtime::Answer<wire::Counted> answer) {
          expected_ += window_.burst;
          if (over_) return;
          if (!answer.ok() || answer.value().getCount() != expected_) figure_.errors += 1;
          else if (progress_->done(window_.burst, now())) return send_burst();
          over_ = true;
          end();
        });
  }

  const runtime::Handle to_;
  const Window window_;
  const base::Duration span_;
  Fill fill_;
  std::uint64_t expected_ = 0;  // sent and counted so far
  bool over_ = false;
};

struct FillNumber {
  void operator()(wire::Number::Builder number) { number.setValue(++last); }
  std::uint64_t last = 0;
};
struct FillParcel {
  void operator()(wire::Parcel::Builder parcel) const {
    auto data = parcel.initData(static_cast<unsigned>(bytes));
    std::fill(data.begin(), data.end(), std::uint8_t{7});
  }
  std::size_t bytes;
};

/// Asks an Echo for a number, one request after another.
class Asker final : public Measuring {
 public:
  static constexpr const char* kName = "asker";
  struct Until {  // whichever comes first
    base::Duration span = std::chrono::hours{24};
    std::uint64_t asked_max = UINT64_MAX;
  };
  Asker(runtime::Handle to, Until until, std::uint64_t timed_each, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)),
        to_(std::move(to)),
        until_(std::move(until)),
        timed_each_(timed_each) {}
  void start() override;

 private:
  void ask_next();

  const runtime::Handle to_;
  const Until until_;
  const std::uint64_t timed_each_;
  std::uint64_t asked_ = 0;
};

/// Asks each actor in `all` for a number, all at once. An actor that does not respond within `due` is an error.
class Roll final : public Measuring {
 public:
  static constexpr const char* kName = "roll";
  Roll(std::vector<runtime::Handle> all, base::Duration due, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), all_(std::move(all)), due_(due) {}
  void start() override;

 private:
  const std::vector<runtime::Handle> all_;
  const base::Duration due_;
  std::size_t answered_ = 0;
};

/// Blocks in the handler of its first message until it is released. Needs its own thread.
class Stopped final : public runtime::Actor {
 public:
  static constexpr const char* kName = "stopped";
  explicit Stopped(std::function<void()> wait) : wait_(std::move(wait)) {}
  void receive(runtime::Handlers& on) override;

 private:
  const std::function<void()> wait_;
};

/// Sends numbers to `to`, accepted or not, and after each burst sends a timed request to an Echo.
class Flood final : public Measuring {
 public:
  static constexpr const char* kName = "flood";
  Flood(runtime::Handle to, runtime::Handle echo, std::uint64_t count, Figure figure, Measured measured)
      : Measuring(std::move(figure), std::move(measured)), to_(std::move(to)), echo_(std::move(echo)), count_(count) {}
  void start() override;

 private:
  void send_burst();

  const runtime::Handle to_, echo_;
  const std::uint64_t count_;
  std::uint64_t told_ = 0;
  base::Instant begin_;
};

/// Does nothing, and reports once that it exists.
class Idle final : public runtime::Actor {
 public:
  static constexpr const char* kName = "idle";
  explicit Idle(std::function<void()> there) : there_(std::move(there)) {}
  void receive(runtime::Handlers&) override {}
  void start() override { there_(); }

 private:
  const std::function<void()> there_;
};

}  // namespace troupe::bench
