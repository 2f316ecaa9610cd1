#pragma once
// A single request that a command makes while it measures: the runner waits for the response.
#include <atomic>

#include "apps/bench/runner.hpp"

namespace troupe::bench {

inline constexpr std::chrono::seconds kAskedMax{30};  // our choice

/// Sends one request, and passes the response to a runner.
template <class Q, class A>
class AskOnce final : public runtime::Actor {
 public:
  using Fill = std::function<void(typename Q::Builder)>;
  using Tell = std::function<void(base::Outcome<runtime::Envelope>)>;
  static constexpr const char* kName = "ask-once";
  AskOnce(runtime::Handle to, Fill fill, Tell tell)
      : to_(std::move(to)), fill_(std::move(fill)), tell_(std::move(tell)) {}
  void receive(runtime::Handlers&) override {}
  void start() override {
    ask<Q, A>(to_, now() + kAskedMax, fill_, [this](const runtime::Answer<A>& answer) {
      if (answer.ok()) tell_(answer.envelope());
      else tell_(answer.error());
      finish();
    });
  }

 private:
  const runtime::Handle to_;
  const Fill fill_;
  const Tell tell_;
};

/// Returns a unique name for each asker.
inline std::string next_asker() {
  static std::atomic<int> asked{0};
  return "asks" + std::to_string(++asked);
}

template <class Q, class A>
Measurement<base::Outcome<runtime::Envelope>> ask_once(Runner& runner, const runtime::Handle& to,
                                                       std::function<void(typename Q::Builder)> fill) {
  return runner.told<base::Outcome<runtime::Envelope>>(next_asker(), kAskedMax, [&](auto tell) {
    return factory<AskOnce<Q, A>>(to, fill, std::function<void(base::Outcome<runtime::Envelope>)>(tell));
  });
}

}  // namespace troupe::bench
