#include "tests/apps/toy/toy.hpp"

#include <atomic>

#include "messages/common.capnp.h"
#include "messages/runtime.capnp.h"
#include "runtime/sim/workload.hpp"

namespace troupe::toy {
namespace {

constexpr std::string_view kGreetings[] = {"hello", "good evening"};
constexpr auto kGreeting = config::choice("toy.greeting", "hello", kGreetings, config::When::start,
                                          "what a visitor hears: hello or good evening");
constexpr auto kVisitorsMax = config::count("toy.visitors_max", "3", 1, 10, config::When::start, "visitors at a time");
constexpr auto kSettings = std::to_array<config::Setting>({kGreeting, kVisitorsMax});
constexpr std::string_view kHealthSources[] = {"toy"};

using Visitors = std::atomic<std::uint64_t>;

class ToyActor final : public runtime::Actor {
 public:
  ToyActor(std::string greeting, std::shared_ptr<Visitors> visitors, observe::Health& health, observe::DomainLog log)
      : greeting_(std::move(greeting)), visitors_(std::move(visitors)), health_(health), log_(std::move(log)) {}

  void receive(runtime::Handlers& on) override {
    on.ask<runtime::wire::AwaitReady, messages::wire::Nothing>(
        [](runtime::wire::AwaitReady::Reader, runtime::Reply<messages::wire::Nothing> reply) { reply.done(); });
  }
  void start() override {
    ++*visitors_;
    log_.info("opened", {{"greeting", greeting_}});
    health_.raise("toy", observe::HealthState::degraded, "nothing is sold");
  }

 private:
  const std::string greeting_;
  const std::shared_ptr<Visitors> visitors_;
  observe::Health& health_;
  const observe::DomainLog log_;
};

node::Domain make(const node::DomainParts& parts) {
  const auto visitors = std::make_shared<Visitors>(0);
  return {.name = "toy",
          .factory = [greeting = parts.settings.get(kGreeting), visitors, health = parts.health,
                      log = parts.domain_log] { return std::make_unique<ToyActor>(greeting, visitors, *health, log); },
          .options = {.kind = "toy"},
          .counters = [visitors]() -> observe::CounterTable {
            return {{"toy_visitors_total", "Visitors of the shop.", observe::MetricType::counter, *visitors}};
          }};
}

const sim::WorkloadSpec& workload() {
  static const sim::WorkloadSpec spec{.name = "toy", .operations = {{"visit", "enters the shop"}}};
  return spec;
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{
      .name = "toy", .settings = kSettings, .logs = true, .health = kHealthSources, .make = make, .workload = workload};
  return spec;
}

}  // namespace troupe::toy
