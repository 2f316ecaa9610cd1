#include "apps/bench/actors.hpp"

namespace troupe::bench {

void Counter::receive(runtime::Handlers& on) {
  on.tell<wire::Number>([this](wire::Number::Reader) { ++count_; });
  on.tell<wire::Parcel>([this](wire::Parcel::Reader) { ++count_; });
  on.ask<wire::Count, wire::Counted>([this](wire::Count::Reader, runtime::Reply<wire::Counted> reply) {
    reply.send([this](wire::Counted::Builder counted) { counted.setCount(count_); });
  });
}

void Echo::receive(runtime::Handlers& on) {
  on.ask<wire::Number, wire::Number>([](wire::Number::Reader number, runtime::Reply<wire::Number> reply) {
    reply.send([&](wire::Number::Builder answer) { answer.setValue(number.getValue()); });
  });
}

void Asker::start() {
  progress_.emplace(now(), until_.span);
  ask_next();
}

void Asker::ask_next() {
  const base::Instant from = now();
  const bool timed = asked_++ % timed_each_ == 0;
  ask<wire::Number, wire::Number>(
      to_, from + kDue, [this](wire::Number::Builder number) { number.setValue(asked_); },
      [this, timed, from](runtime::Answer<wire::Number> answer) {
        if (!answer.ok() || answer.value().getValue() != asked_) {
          figure_.errors += 1;
          return end();
        }
        const base::Instant at = now();
        if (timed) note_delay(from, at);
        if (!progress_->done(1, at) || asked_ >= until_.asked_max) return end();
        ask_next();
      });
}

void Roll::start() {
  const base::Instant from = now();
  for (const auto& one : all_) {
    ask<wire::Number, wire::Number>(
        one, from + due_, [](wire::Number::Builder number) { number.setValue(1); },
        [this, from](runtime::Answer<wire::Number> answer) {
          if (answer.ok()) figure_.delays.push_back(now() - from);
          else figure_.errors += 1;
          if (++answered_ == all_.size()) end();
        });
  }
}

void Stopped::receive(runtime::Handlers& on) {
  on.tell<wire::Number>([this](wire::Number::Reader) { wait_(); });
}

void Flood::start() {
  begin_ = now();
  send_burst();
}

void Flood::send_burst() {
  for (std::uint64_t i = 0; i < kSmallWindow.burst && told_ < count_; ++i, ++told_)
    tell<wire::Number>(to_, [](wire::Number::Builder number) { number.setValue(1); });
  const base::Instant from = now();
  ask<wire::Number, wire::Number>(
      echo_, from + kDue, [](wire::Number::Builder number) { number.setValue(1); },
      [this, from](runtime::Answer<wire::Number> answer) {
        const base::Instant at = now();
        if (answer.ok()) figure_.delays.push_back(at - from);
        else figure_.errors += 1;
        if (answer.ok() && told_ < count_) return send_burst();
        figure_.per_second = static_cast<double>(told_) / std::chrono::duration<double>(at - begin_).count();
        end();
      });
}

}  // namespace troupe::bench
