#pragma once
// The shapes of load as bare CAF actors. apps/bench/actors.hpp has the same shapes with `troupe`; both take their
// numbers from apps/bench/load.hpp.
#include <caf/all.hpp>
#include <chrono>
#include <cstdint>
#include <utility>

#include "apps/bench/figure.hpp"
#include "apps/bench/load.hpp"

namespace troupe::bench {

using counted_atom = caf::atom_constant<caf::atom("counted")>;

inline base::Instant read_clock() { return base::Instant(std::chrono::steady_clock::now().time_since_epoch()); }

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
caf::behavior one_way(caf::event_based_actor* self, caf::actor to, Window window, base::Duration span, Make make,
                      Figure* out) {
  auto progress = std::make_shared<Progress>(read_clock(), span);
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
    if (progress->done(window.burst, read_clock())) return send_burst();
    out->per_second = progress->per_second();
    self->quit();
  }};
}

/// Asks `to` for its number back, one question after the other for `span`, then writes `out` and ends.
class Asker : public caf::event_based_actor {
 public:
  Asker(caf::actor_config& config, caf::actor to, base::Duration span, std::uint64_t timed_each, Figure* out)
      : caf::event_based_actor(config),
        to_(std::move(to)),
        progress_(read_clock(), span),
        timed_each_(timed_each),
        out_(out) {}

  caf::behavior make_behavior() override {
    ask();
    return {[](counted_atom) {}};
  }

 private:
  void ask() {
    const bool timed = asked_++ % timed_each_ == 0;
    const auto from = timed ? read_clock() : base::Instant();
    request(to_, caf::infinite, asked_)
        .then(
            [this, timed, from](std::int64_t) {
              const base::Instant at = read_clock();
              const bool counts = timed && progress_.counts(from) && out_->delays.size() < kDelaysMax;
              if (counts) out_->delays.push_back(at - from);
              if (progress_.done(1, at)) return ask();
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
  Figure* out_;
  std::int64_t asked_ = 0;
};

inline caf::behavior echo(caf::event_based_actor*) {
  return {[](std::int64_t number) { return number; }};
}

}  // namespace troupe::bench
