#include <doctest/doctest.h>

#include "messages/common.capnp.h"
#include "messages/runtime.capnp.h"
#include "tests/runtime/actor/questions.hpp"

using namespace troupe;
using namespace troupe::test;
using namespace std::chrono_literals;
using base::Code;
using bench::wire::Latest;
using bench::wire::Number;
using messages::wire::Nothing;
using runtime::Answer;
using runtime::DeadLetter;
using runtime::Handle;
using runtime::Handlers;
using runtime::Reply;

TEST_CASE("actor: a question is answered, exactly once") {
  Theatre theatre;
  const Handle asked = theatre.start("asked", successor);
  Outcome outcome;
  theatre.inside([&](Scripted& self) { self.ask<Number, Number>(asked, self.now() + 1s, number(41), outcome.note()); });
  theatre.stage.run_for(10s);
  CHECK(outcome.calls == 1);
  CHECK(outcome.value == 42);
}

TEST_CASE("actor: a question without an answer ends with its deadline, at it and not before") {
  Theatre theatre;
  std::vector<Reply<Number>> kept;
  const Handle asked = theatre.start("asked", keeper(kept));
  Outcome outcome;
  theatre.inside([&](Scripted& self) { self.ask<Number, Number>(asked, self.now() + 5s, number(1), outcome.note()); });
  theatre.stage.run_for(5s - 1ns);
  CHECK(outcome.calls == 0);
  theatre.stage.run_for(1ns);
  CHECK(outcome.code == Code::timeout);
  SUBCASE("an answer after it is a dead letter") {
    theatre.inside([&](Scripted& self) { self.tell<Latest>(asked, number(2)); });
    CHECK(outcome.calls == 1);
    CHECK(theatre.node.dead_letters(DeadLetter::late_answer) == 1);
  }
  theatre.inside([&](Scripted& self) { self.tell<Latest>(asked, number(0)); });
}

TEST_CASE("actor: a reply that is dropped answers `dropped`") {
  Theatre theatre;
  const Handle asked = theatre.start(
      "asked", [](Scripted&, Handlers& on) { on.ask<Number, Number>([](Number::Reader, Reply<Number>) {}); });
  Outcome outcome;
  theatre.inside(
      [&](Scripted& self) { self.ask<Number, Number>(asked, base::Instant::max(), number(1), outcome.note()); });
  theatre.stage.settle();
  CHECK(outcome.code == Code::dropped);
}

TEST_CASE("actor: refuse answers the question at hand, and counts on a tell") {
  Theatre theatre;
  const Handle asked = theatre.start("asked", [](Scripted& self, Handlers& on) {
    on.ask<Number, Number>([&self](Number::Reader, Reply<Number>) { self.refuse({Code::conflict, "no"}); });
    on.tell<Latest>([&self](Latest::Reader) { self.refuse({Code::conflict, "no"}); });
  });
  Outcome outcome;
  theatre.inside(
      [&](Scripted& self) { self.ask<Number, Number>(asked, base::Instant::max(), number(1), outcome.note()); });
  theatre.inside([&](Scripted& self) { self.tell<Latest>(asked, number(1)); });
  theatre.stage.settle();
  CHECK(outcome.calls == 1);
  CHECK(outcome.code == Code::conflict);
  CHECK(theatre.node.dead_letters(DeadLetter::refused) == 1);
}

TEST_CASE("actor: a kind without a handler is `unsupported`, and a tell of it a dead letter") {
  Theatre theatre;
  const Handle deaf = theatre.start("deaf", {});
  Outcome outcome;
  theatre.inside(
      [&](Scripted& self) { self.ask<Number, Number>(deaf, base::Instant::max(), number(1), outcome.note()); });
  theatre.inside([&](Scripted& self) { self.tell<Number>(deaf, number(1)); });
  theatre.stage.settle();
  CHECK(outcome.code == Code::unsupported);
  CHECK(theatre.node.dead_letters(DeadLetter::unsupported) == 2);
}

TEST_CASE("actor: who asks an actor that has ended, or ends, hears `unavailable`") {
  Theatre theatre;
  std::vector<Reply<Number>> kept;
  const Handle asked = theatre.start("asked", keeper(kept));
  std::array<Outcome, 3> outcomes;
  const auto ask_all = [&](Scripted& self) {
    for (Outcome& outcome : outcomes) self.ask<Number, Number>(asked, base::Instant::max(), number(1), outcome.note());
  };
  SUBCASE("before the question") {
    caf::anon_send_exit(asked, caf::exit_reason::kill);
    theatre.stage.settle();
    theatre.inside(ask_all);
  }
  SUBCASE("with questions unread") {
    theatre.inside([&](Scripted& self) {
      ask_all(self);
      self.send(asked, runtime::Envelope::build<runtime::wire::Stop>({}, [](auto) {}));
    });
  }
  for (const Outcome& outcome : outcomes) {
    CHECK(outcome.calls == 1);
    CHECK(outcome.code == Code::unavailable);
  }
}

TEST_CASE("actor: nobody to ask is `unavailable`, from the mailbox and not inside ask") {
  Theatre theatre;
  Outcome outcome;
  theatre.inside(
      [&](Scripted& self) { self.ask<Number, Number>(Handle{}, base::Instant::max(), number(1), outcome.note()); });
  CHECK(outcome.code == Code::unavailable);
}

TEST_CASE("actor: questions beyond the limit of pending ones are `overloaded`") {
  Theatre theatre(1, {.asks_max = 3});
  std::vector<Reply<Number>> kept;
  const Handle asked = theatre.start("asked", keeper(kept));
  std::array<Outcome, 4> outcomes;
  theatre.inside([&](Scripted& self) {
    for (Outcome& outcome : outcomes) self.ask<Number, Number>(asked, base::Instant::max(), number(1), outcome.note());
  });
  CHECK(outcomes[2].calls == 0);
  CHECK(outcomes[3].code == Code::overloaded);
  theatre.inside([&](Scripted& self) { self.tell<Latest>(asked, number(0)); });
  CHECK(outcomes[0].code == Code::dropped);
}

TEST_CASE("actor: work whose deadline has passed is dropped unrun and counted") {
  Theatre theatre;
  int ran = 0;
  const Handle asked = theatre.start("asked", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([&](Number::Reader, Reply<Number> reply) {
      ++ran;
      reply.send(number(1));
    });
  });
  Outcome outcome;
  theatre.inside([&](Scripted& self) { self.ask<Number, Number>(asked, self.now(), number(1), outcome.note()); });
  theatre.stage.settle();
  CHECK(ran == 0);
  CHECK(theatre.node.dead_letters(DeadLetter::expired) == 1);
  theatre.stage.run_for(1ns);
  CHECK(outcome.code == Code::timeout);
}

TEST_CASE("actor: a full mailbox answers questions `overloaded` and drops tells, and counts both") {
  Theatre theatre(1, {.mailbox_max = 10});
  std::uint64_t told = 0;
  const Handle slow = theatre.start("slow", [&](Scripted& self, Handlers& on) {
    successor(self, on);
    on.tell<Latest>([&](Latest::Reader) {});
  });
  const Handle counts =
      theatre.start("counts", [&](Scripted&, Handlers& on) { on.tell<Number>([&](Number::Reader) { ++told; }); });
  std::array<Outcome, 12> outcomes;
  theatre.inside([&](Scripted& self) {
    for (int i = 0; i < 25; ++i) self.tell<Number>(counts, number(1));
    for (Outcome& outcome : outcomes) self.ask<Number, Number>(slow, base::Instant::max(), number(1), outcome.note());
    CHECK(theatre.record("/slow")->depth() == 10);
  });
  CHECK(told == 10);
  CHECK(theatre.node.dead_letters(DeadLetter::full) == 15);
  CHECK(outcomes[9].value == 2);
  CHECK(outcomes[10].code == Code::overloaded);
  CHECK(outcomes[11].code == Code::overloaded);
  CHECK(theatre.record("/slow")->depth() == 0);
  CHECK(theatre.record("/slow")->refused_full == 2);
}

TEST_CASE("actor: without counting everything is handled, nothing is counted and no mailbox is full") {
  Theatre theatre(1, {.mailbox_max = 10, .counting = false});
  int handled = 0;
  const Handle slow = theatre.start("slow", [&](Scripted&, Handlers& on) {
    on.ask<Number, Number>([](Number::Reader, Reply<Number> reply) { reply.done(); });
    on.tell<Latest>([&](Latest::Reader) { ++handled; });
    on.tell<Nothing>([&](Nothing::Reader) { ++handled; });
  });
  Outcome outcome;
  theatre.inside([&](Scripted& self) {
    for (int i = 0; i < 20; ++i) self.tell<Nothing>(slow, [](Nothing::Builder) {});
    for (int i = 0; i < 3; ++i) self.tell<Latest>(slow, number(7));
    self.ask<Number, Number>(slow, self.now() + 1s, number(1), outcome.note());
  });
  CHECK(handled == 21);
  CHECK(outcome.calls == 1);
  CHECK_FALSE(outcome.code);
  CHECK(theatre.node.dead_letters(DeadLetter::full) == 0);
  CHECK(theatre.record("/slow")->received == 0);
  CHECK(theatre.record("/slow")->handled == 0);
  CHECK(theatre.record("/slow")->depth() == 0);
  CHECK(theatre.record("/outside")->answers == 0);
}

TEST_CASE("actor: of a keep_latest kind only the newest of each sender waits") {
  Theatre theatre;
  std::vector<std::uint64_t> heard;
  const Handle listener = theatre.start("listener", [&](Scripted&, Handlers& on) {
    on.tell<Latest>([&](Latest::Reader latest) { heard.push_back(latest.getValue()); });
  });
  theatre.inside([&](Scripted& self) {
    for (std::uint64_t i = 0; i < 1000; ++i) self.tell<Latest>(listener, number(i));
    CHECK(theatre.record("/listener")->depth() == 1);
  });
  CHECK(heard == std::vector<std::uint64_t>{999});
  theatre.inside([&](Scripted& self) { self.tell<Latest>(listener, number(5)); });
  theatre.stage.settle();
  CHECK(heard.back() == 5);
}

TEST_CASE("actor: 10,000,000 tells at a stopped actor leave a bounded queue") {
  Theatre theatre;
  const Handle stopped =
      theatre.start("stopped", [](Scripted&, Handlers& on) { on.tell<Number>([](Number::Reader) {}); });
  const auto envelope = runtime::Envelope::build<Number>({}, number(1));
  theatre.inside([&](Scripted& self) {
    for (int i = 0; i < 10'000'000; ++i) self.send(stopped, envelope);
    CHECK(theatre.record("/stopped")->depth() == theatre.node.limits().mailbox_max);
  });
  CHECK(theatre.node.dead_letters(DeadLetter::full) == 10'000'000 - theatre.node.limits().mailbox_max);
}

TEST_CASE("actor: 1,000,000 answered asks with a deadline of 60 s leave nothing behind") {
  Theatre theatre;
  const Handle asked = theatre.start("asked", successor);
  struct Asker {
    Handle asked;
    Scripted* self = nullptr;
    std::uint64_t left = 1'000'000;
    void next() {
      if (left-- == 0) return;
      self->ask<Number, Number>(asked, self->now() + 60s, number(left), [this](Answer<Number> answer) {
        if (answer.ok()) next();
      });
    }
  } asker{asked};
  theatre.inside([&](Scripted& self) {
    asker.self = &self;
    asker.next();
  });
  CHECK(asker.left == std::uint64_t(-1));
  CHECK(theatre.ports.clock().sleepers() <= 1);
}

TEST_CASE("actor: a timer runs once, is replaced by the same tag, and can be cancelled") {
  struct Tick {};
  struct Tock {};
  Theatre theatre;
  int ticks = 0, tocks = 0;
  Scripted* self = nullptr;
  theatre.start(
      "timed",
      [&](Scripted&, Handlers& on) {
        on.timer<Tick>([&] { ++ticks; });
        on.timer<Tock>([&] { ++tocks; });
      },
      [&](Scripted& begun) {
        self = &begun;
        begun.after<Tick>(10s);
        begun.after<Tick>(20s);
        begun.after<Tock>(5s);
        begun.cancel<Tock>();
      });
  theatre.stage.run_for(20s - 1ns);
  CHECK(ticks == 0);
  theatre.stage.run_for(1h);
  CHECK(ticks == 1);
  CHECK(tocks == 0);
}

TEST_CASE("actor: a throw answers `internal`, and address and queue survive the restart") {
  Theatre theatre;
  int built = 0;
  Handle child;
  theatre.start("parent", {}, [&](Scripted& parent) {
    child = parent.spawn("child", script(
                                      [&](Scripted&, Handlers& on) {
                                        on.ask<Number, Number>([&](Number::Reader question, Reply<Number> reply) {
                                          if (question.getValue() == 13) throw std::runtime_error("unlucky");
                                          reply.send(number(question.getValue() + 1));
                                        });
                                      },
                                      [&](Scripted&) { ++built; }));
  });
  theatre.stage.settle();
  Outcome first, queued, late;
  theatre.inside([&](Scripted& self) {
    self.ask<Number, Number>(child, base::Instant::max(), number(13), first.note());
    self.ask<Number, Number>(child, base::Instant::max(), number(1), queued.note());
  });
  CHECK(first.code == Code::internal);
  CHECK(queued.calls == 0);
  theatre.inside(
      [&](Scripted& self) { self.ask<Number, Number>(child, base::Instant::max(), number(1), late.note()); });
  theatre.stage.settle();
  CHECK(late.code == Code::unavailable);
  theatre.stage.run_for(1s);
  CHECK(queued.value == 2);
  CHECK(built == 2);
  CHECK(theatre.record("/child")->restarts == 1);
  CHECK(theatre.record("/child")->last_error == Code::internal);
  CHECK(theatre.node.find("/child") == child);
}

TEST_CASE("actor: replies, timers and asks of an earlier incarnation are void") {
  struct Tick {};
  Theatre theatre;
  int ticks = 0, answers = 0;
  std::vector<Reply<Number>> silent_kept;
  const Handle silent = theatre.start("silent", keeper(silent_kept));
  Handle child;
  theatre.start("parent", {}, [&](Scripted& parent) {
    child = parent.spawn("child", [&] {
      struct Holder {
        std::vector<Reply<Number>> kept;
        bool first = true;
      };
      auto holder = std::make_shared<Holder>();
      return std::make_unique<Scripted>([&, holder](Scripted& self, Handlers& on) {
        on.timer<Tick>([&] { ++ticks; });
        on.ask<Number, Number>([holder, &self, &silent, &answers](Number::Reader question, Reply<Number> reply) {
          if (question.getValue() == 13) throw std::runtime_error("unlucky");
          holder->kept.push_back(std::move(reply));
          self.after<Tick>(10s);
          self.ask<Number, Number>(silent, base::Instant::max(), number(0), [&answers](Answer<Number>) { ++answers; });
        });
      });
    });
  });
  theatre.stage.settle();
  Outcome held, broke;
  theatre.inside(
      [&](Scripted& self) { self.ask<Number, Number>(child, base::Instant::max(), number(1), held.note()); });
  theatre.stage.settle();
  theatre.inside(
      [&](Scripted& self) { self.ask<Number, Number>(child, base::Instant::max(), number(13), broke.note()); });
  theatre.stage.run_for(60s);
  CHECK(held.code == Code::internal);
  CHECK(broke.code == Code::internal);
  CHECK(ticks == 0);
  theatre.inside([&](Scripted& self) { self.tell<Latest>(silent, number(0)); });
  CHECK(answers == 0);
}

TEST_CASE("actor: a storm of restarts escalates to the parent, and at the root it is fatal") {
  Theatre theatre;
  std::optional<base::Error> fatal;
  theatre.node.on_fatal = [&](const base::Error& error) { fatal = error; };
  Handle child;
  int parents = 0;
  runtime::SpawnOptions once;
  once.children.restarts_max = 1;
  const auto breaks = script(
      [](Scripted&, Handlers& on) { on.tell<Number>([](Number::Reader) { throw std::runtime_error("always"); }); });
  const auto parent = script({}, [&](Scripted& self) {
    ++parents;
    child = self.spawn("child", breaks);
  });
  theatre.node.start("root", script({}, [&](Scripted& root) { root.spawn("parent", parent, once); }), once);
  theatre.stage.settle();
  const auto provoke = [&] {
    theatre.inside([&](Scripted& self) { self.tell<Number>(child, number(1)); });
    theatre.stage.run_for(1s);
  };
  provoke();
  CHECK(parents == 1);
  provoke();
  CHECK(parents == 2);
  CHECK_FALSE(fatal.has_value());
  provoke();
  provoke();
  REQUIRE(fatal.has_value());
  CHECK(fatal->code == Code::internal);
  CHECK(theatre.node.find("/root") == nullptr);
}

TEST_CASE("actor: siblings restart with it under one_for_all, and only those after it under rest_for_one") {
  for (const auto strategy : {runtime::logic::Strategy::all_for_one, runtime::logic::Strategy::rest_for_one}) {
    Theatre theatre;
    std::array<int, 3> built{};
    std::array<Handle, 3> children;
    runtime::SpawnOptions options;
    options.children.strategy = strategy;
    theatre.node.start("parent",
                       script({},
                              [&](Scripted& parent) {
                                for (std::size_t i = 0; i < 3; ++i)
                                  children[i] = parent.spawn(
                                      "c" + std::to_string(i),
                                      script(
                                          [](Scripted&, Handlers& on) {
                                            on.tell<Number>([](Number::Reader) { throw std::runtime_error("once"); });
                                          },
                                          [&built, i](Scripted&) { ++built[i]; }));
                              }),
                       options);
    theatre.stage.settle();
    theatre.inside([&](Scripted& self) { self.tell<Number>(children[1], number(1)); });
    theatre.stage.run_for(5s);
    CHECK(built[0] == (strategy == runtime::logic::Strategy::all_for_one ? 2 : 1));
    CHECK(built[1] == 2);
    CHECK(built[2] == 2);
  }
}

TEST_CASE("actor: one that ends takes its children along and leaves the registry") {
  Theatre theatre;
  const Handle parent = theatre.start("parent", {}, [&](Scripted& self) {
    self.spawn("child", script(successor, [](Scripted& child) { child.spawn("grandchild", script(successor)); }));
  });
  theatre.inside([](Scripted&) {});
  CHECK(theatre.node.find("/child/grandchild") != nullptr);
  CHECK(theatre.node.registry().size() == 4);
  bool told = false;
  theatre.inside([&](Scripted& self) {
    self.on_down = [&](const Handle& whom, const std::optional<base::Error>& why) {
      told = whom == parent && !why.has_value();
    };
    self.watch(parent);
    self.send(parent, runtime::Envelope::build<runtime::wire::Stop>({}, [](auto) {}));
  });
  CHECK(told);
  CHECK(theatre.node.find("/child/grandchild") == nullptr);
  CHECK(theatre.node.registry().size() == 1);
}

TEST_CASE("actor: describe shows the state between two messages") {
  Theatre theatre;
  std::uint64_t count = 0;
  const Handle counter = theatre.start("counter", [&](Scripted&, Handlers& on) {
    on.tell<Number>([&](Number::Reader more) { count += more.getValue(); });
    on.describe<Number>([&](Number::Builder state) { state.setValue(count); });
  });
  Outcome seen;
  theatre.inside([&](Scripted& self) { self.tell<Number>(counter, number(7)); });
  theatre.stage.settle();
  theatre.inside([&](Scripted& self) {
    self.ask<runtime::wire::Describe, Number>(
        counter, base::Instant::max(), [](auto) {}, seen.note());
  });
  CHECK(seen.value == 7);
}

TEST_CASE("actor: broken pointers in foreign words are the sender's fault and restart nobody") {
  Theatre theatre;
  int built = 0;
  const Handle reader = theatre.start(
      "reader",
      [&](Scripted&, Handlers& on) {
        on.ask<bench::wire::Parcel, Number>([](bench::wire::Parcel::Reader parcel, Reply<Number> reply) {
          reply.send(number(parcel.getData().size()));
        });
      },
      [&](Scripted&) { ++built; });
  auto good = runtime::Envelope::build<bench::wire::Parcel>({}, [](auto out) { out.initData(64); });
  auto words = kj::heapArray<capnp::word>(good.words());
  words.asBytes()[16 + 8 + 3] = 0x7f;  // the list pointer of `data` now points far outside
  runtime::Header head = good.header();
  head.origin = runtime::Origin::foreign;
  Code code{};
  class Probe final : public runtime::Actor {
   public:
    Probe(Handle to, runtime::Envelope question, Code& seen)
        : to_(std::move(to)), question_(std::move(question)), code_(seen) {}
    void receive(Handlers&) override {}
    void start() override {
      request(to_, question_, [this](const runtime::Envelope& answer) { code_ = runtime::read_error(answer).code; });
    }

   private:
    Handle to_;
    runtime::Envelope question_;
    Code& code_;
  };
  const auto bad = runtime::Envelope::from_words(head, words.asPtr());
  theatre.node.start("probe", [&] { return std::make_unique<Probe>(reader, bad, code); });
  theatre.stage.settle();
  CHECK(code == Code::malformed);
  CHECK(built == 1);
  CHECK(theatre.node.dead_letters(DeadLetter::malformed) == 1);
}
