#pragma once
// A node with an inspector, in virtual time, and an operator's questions to it.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/inspect/inspect_actor.hpp"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/actor/ticking_clock.hpp"

namespace troupe::inspect {

using namespace std::chrono_literals;
using base::Code;
using bench::wire::Latest;
using bench::wire::Number;
using runtime::Handle;
using runtime::Handlers;
using runtime::Reply;
using test::number;
using test::Scripted;

/// An answer that is kept: its root, or the error.
template <class A>
struct Got {
  Got() = default;
  explicit Got(const runtime::Answer<A>& answer) {
    if (!answer.ok()) error = answer.error();
    else take(answer.envelope());
  }
  void take(runtime::Envelope from) {
    envelope = std::move(from);
    reading = std::make_unique<runtime::Envelope::Reading<A>>(envelope);
  }
  typename A::Reader operator*() const {
    REQUIRE(reading != nullptr);
    return reading->root();
  }
  bool refused(Code code) const { return error && error->code == code; }

  std::optional<base::Error> error;
  runtime::Envelope envelope;
  std::unique_ptr<runtime::Envelope::Reading<A>> reading;
};

struct InspectFixture {
  explicit InspectFixture(base::Duration period = 2s, runtime::NodeLimits limits = {})
      : actors(1, limits, test::with_ticking_clock),
        clock(static_cast<test::TickingClock&>(actors.node.world().clock)) {
    InspectActor::Setup setup;
    setup.node.bytes.fill(7);
    setup.period = period;
    setup.health = &health;
    setup.surveyed = [this](const Totals& totals) { surveys.push_back(totals); };
    runtime::SpawnOptions options;
    options.kind = InspectActor::kName;
    inspector = actors.node.start(
        "inspect", [setup] { return std::make_unique<InspectActor>(setup); }, options);
    actors.stage.settle();
  }
  ~InspectFixture() {
    for (const auto id : parked) actors.stage.unpark(id);
    others.clear();
  }

  void pass(base::Duration time) { actors.stage.run_for(time); }
  Handle start(std::string name, Scripted::Receive receive = {}, Scripted::Start begin = {}) {
    others.push_back(actors.start(std::move(name), std::move(receive), std::move(begin)));
    actors.stage.settle();
    return others.back();
  }
  /// An actor that has its messages read to it no more: they wait.
  Handle hung(const std::string& name) {
    const Handle out = start(name, test::successor);
    actors.stage.park(out.id());
    parked.push_back(out.id());
    return out;
  }
  /// Starts an actor that keeps the notes for the audit trail: "WHO ACT WHAT OUTCOME".
  void start_audit() {
    start("audit", [this](Scripted&, Handlers& on) {
      on.tell<node::wire::Note>([this](node::wire::Note::Reader note) {
        const auto text = [](capnp::Text::Reader from) { return std::string(from.cStr()) + ' '; };
        audited.push_back(text(note.getWho()) + text(note.getAct()) + text(note.getWhat()) + note.getOutcome().cStr());
      });
    });
  }
  void ask_number(const Handle& whom, int times = 1) {
    actors.inside([&](Scripted& self) {
      for (int i = 0; i < times; ++i) self.ask<Number, Number>(whom, self.now() + 24h, number(1), [](auto) {});
    });
  }

  /// Asks the inspector; the answer may come later.
  template <class Q, class A, class Fill>
  std::shared_ptr<Got<A>> ask(Fill fill) {
    auto got = std::make_shared<Got<A>>();
    actors.inside([&](Scripted& self) {
      self.ask<Q, A>(inspector, self.now() + 1h, fill,
                     [got](const runtime::Answer<A>& answer) { *got = Got<A>(answer); });
    });
    return got;
  }
  std::shared_ptr<Got<wire::ActorRows>> list(const std::string& filter = "", const std::string& top = "",
                                             std::uint32_t limit = 0) {
    return ask<wire::ListActors, wire::ActorRows>([&](wire::ListActors::Builder question) {
      question.setFilter(filter);
      question.setTop(top);
      question.setLimit(limit);
    });
  }
  std::shared_ptr<Got<wire::EndedRows>> list_ended(const std::string& filter = "", std::uint32_t limit = 0) {
    return ask<wire::ListEnded, wire::EndedRows>([&](wire::ListEnded::Builder question) {
      question.setFilter(filter);
      question.setLimit(limit);
    });
  }
  std::shared_ptr<Got<wire::Looked>> look_at(const std::string& path) {
    return ask<wire::LookAt, wire::Looked>([&](wire::LookAt::Builder question) { question.setPath(path); });
  }

  /// The reason that was raised, if it is the only one and of that warning; else what there is instead.
  std::string only(Warning warning) const {
    const auto reasons = health.reasons();
    if (reasons.size() == 1 && reasons[0].source == name(warning)) return reasons[0].text;
    std::string all = "not alone:";
    for (const auto& one : reasons) all += " [" + one.source + "] " + one.text;
    return all;
  }
  bool well() const { return health.reasons().empty(); }

  // What actors use outlives them; what belongs to them is given back before they end.
  observe::Health health;
  std::vector<std::string> audited;
  std::vector<Totals> surveys;
  test::ActorFixture actors;
  test::TickingClock& clock;
  Handle inspector;
  std::vector<Handle> others;
  std::vector<sim::ActorNumber> parked;
};

inline std::vector<std::string> paths(wire::ActorRows::Reader rows) {
  std::vector<std::string> out;
  for (const auto row : rows.getActors()) out.emplace_back(row.getPath().cStr());
  return out;
}

/// The row of an answer that must have one.
inline wire::ActorRow::Reader only_row(const Got<wire::ActorRows>& got) {
  REQUIRE((*got).getActors().size() == 1);
  return (*got).getActors()[0];
}

inline bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace troupe::inspect
