#include "tests/actors/inspect/inspect_fixture.hpp"

using namespace troupe;
using namespace troupe::inspect;

namespace {

/// What a follower asks for.
struct Wish {
  std::string pattern;
  std::uint64_t count = 0;
  std::uint64_t milliseconds = 0;
  bool all = false;
  std::uint64_t trace = 0;
};

/// An actor that follows messages and keeps what it is told.
struct Follower {
  Follower(InspectFixture& its_desk, const std::string& name, Wish wish) : fixture(its_desk) {
    handle = fixture.start(name, {}, [this, wish](Scripted& me) {
      self = &me;
      subscription = me.subscribe<wire::FollowMessages, wire::FollowItem>(
          fixture.inspector, 25h,
          [&](wire::FollowMessages::Builder question) {
            question.setPattern(wish.pattern);
            question.setCount(wish.count);
            question.setMilliseconds(wish.milliseconds);
            question.setAll(wish.all);
            question.setTrace(wish.trace);
          },
          [this](wire::FollowItem::Reader item) { take(item); },
          [this](const base::Result<void, base::Error>& last) {
            over = true;
            if (!last.ok()) error = last.error();
          });
    });
  }
  ~Follower() {
    // In its own context, as whoever drops it does.
    subscription.cancel();
    test::ActorFixture::kill(handle);
    fixture.actors.stage.settle();
  }
  struct Message {
    std::string path, other, kind;
    std::uint64_t kind_id = 0, trace = 0, bytes = 0, unix_ms = 0;
    wire::FollowedMessage::Way way{};
    wire::FollowedMessage::Form form{};
    base::Bytes words;
  };
  void take(wire::FollowItem::Reader item) {
    CHECK_FALSE(why);
    if (item.isNothing()) return;  // the stream lives
    if (item.isSchemas()) {
      schemas += item.getSchemas().size();
    } else if (item.isEnded()) {
      why = item.getEnded().getWhy().cStr();
      sent = item.getEnded().getMessages();
      dropped = item.getEnded().getDropped();
    } else {
      const auto in = item.getMessage();
      const auto words = in.getWords();
      messages.push_back({in.getPath().cStr(),
                          in.getOther().cStr(),
                          in.getKind().cStr(),
                          in.getKindId(),
                          in.getTrace(),
                          in.getBytes(),
                          in.getUnixMs(),
                          in.getWay(),
                          in.getForm(),
                          {words.begin(), words.end()}});
    }
  }
  bool refused(Code code) const { return over && error && error->code == code; }

  InspectFixture& fixture;
  Handle handle;
  Scripted* self = nullptr;
  runtime::Subscription subscription;
  std::vector<Message> messages;
  std::size_t schemas = 0;
  std::optional<std::string> why;
  std::uint64_t sent = 0, dropped = 0;
  bool over = false;
  std::optional<base::Error> error;
};

/// Two actors, of which one or both are followed.
struct Stalked : InspectFixture {
  Stalked() : InspectFixture(1h) {
    start("here", test::successor);
    start("there", test::successor);
  }
  std::uint32_t taps() { return actors.node.taps().edition(); }
  void tell_both(int times) {
    ask_number(others[0], times);
    ask_number(others[1], times);
  }
};

}  // namespace

TEST_CASE("inspect follow: messages of the actors that are meant come as they pass, with their types before them") {
  Stalked fixture;
  Follower follower(fixture, "follower", {"/here"});
  fixture.pass(1s);
  fixture.tell_both(2);
  fixture.pass(1s);
  REQUIRE(follower.messages.size() == 2);
  CHECK(follower.schemas == 1);
  for (const auto& one : follower.messages) {
    CHECK(one.path == "/here");
    CHECK(one.other == "/outside");
    CHECK(one.kind == "bench.Number");
    CHECK(one.kind_id == messages::kind_of<Number>().id);
    CHECK(one.way == wire::FollowedMessage::Way::IN);
    CHECK(one.form == wire::FollowedMessage::Form::MESSAGE);
    CHECK(one.words.size() == one.bytes);
    CHECK(one.bytes > 0);
    CHECK(one.unix_ms == static_cast<std::uint64_t>((fixture.clock.wall().since_origin() - 1s) / 1ms));
  }
  CHECK_FALSE(follower.over);
  CHECK(fixture.taps() != 0);
}

TEST_CASE("inspect follow: an answer is one, and whoever asks is followed as well as whoever is asked") {
  Stalked fixture;
  Follower follower(fixture, "follower", {"/outside"});
  fixture.ask_number(fixture.others[0]);
  fixture.pass(1s);
  REQUIRE(follower.messages.size() == 2);  // the first one is the actors's own
  CHECK(follower.messages[1].kind == "bench.Number");
  CHECK(follower.messages[1].form == wire::FollowedMessage::Form::ANSWER);
  CHECK(follower.messages[1].other == "/here");
}

TEST_CASE("inspect follow: a pattern that means all is refused, unless that is said") {
  Stalked fixture;
  for (const std::string pattern : {"", "  ", "/**", " /** ", "\t/**"}) {
    CAPTURE(pattern);
    Follower refused(fixture, "refused", {pattern});
    CHECK(refused.refused(Code::malformed));
    CHECK(has(refused.error->message, "--all"));
    CHECK(fixture.taps() == 0);
    Follower follower(fixture, "follower", {.pattern = pattern, .all = true});
    CHECK_FALSE(follower.over);
    fixture.tell_both(1);
    fixture.pass(1s);
    CHECK(follower.messages.size() >= 2);
    fixture.actors.inside([&](Scripted&) { follower.subscription.cancel(); });
    fixture.pass(1s);
  }
  for (const char* pattern : {"kind=", "//"}) {
    Follower wrong(fixture, "wrong", {.pattern = pattern, .all = true});
    CHECK(wrong.refused(Code::malformed));
    CHECK(has(wrong.error->message, "the pattern is wrong at character "));
  }
}

TEST_CASE("inspect follow: it ends by itself, and says why") {
  Stalked fixture;
  SUBCASE("after as many messages as were asked for") {
    for (const std::uint64_t count : {std::uint64_t{1}, std::uint64_t{5}}) {
      Follower follower(fixture, "follower", {.pattern = "/here", .count = count});
      fixture.pass(1h);
      CHECK_FALSE(follower.over);
      fixture.tell_both(7);
      fixture.pass(1s);
      CHECK(follower.messages.size() == count);
      CHECK(follower.why == "the requested number of messages has come");
      CHECK(follower.sent == count);
      CHECK(follower.over);
      CHECK_FALSE(follower.error);
      CHECK(fixture.taps() == 0);
    }
  }
  SUBCASE("after its time") {
    Follower follower(fixture, "follower", {.pattern = "/here", .milliseconds = 2'500});
    fixture.tell_both(3);
    fixture.pass(2'499ms);
    CHECK_FALSE(follower.over);
    fixture.pass(100ms);
    CHECK(follower.why == "the requested time is over");
    CHECK(follower.sent == 3);
    CHECK(follower.messages.size() == 3);
    CHECK(fixture.taps() == 0);
  }
  SUBCASE("after 100 messages, or 10 seconds, if nothing is said") {
    Follower one(fixture, "one", {"/here"});
    Follower other(fixture, "other", {"/there"});
    fixture.ask_number(fixture.others[0], 130);
    fixture.pass(1s);
    CHECK(one.messages.size() == 100);
    CHECK(one.over);
    fixture.pass(8s);
    CHECK_FALSE(other.over);
    fixture.pass(2s);
    CHECK(other.why == "the requested time is over");
  }
  SUBCASE("and whatever number uses up its credit, it is no fault of the reader") {
    for (std::uint64_t count = 60; count < 70; ++count) {
      CAPTURE(count);
      Follower follower(fixture, "follower", {.pattern = "/here", .count = count});
      fixture.ask_number(fixture.others[0], 80);
      fixture.pass(1s);
      CHECK(follower.messages.size() == count);
      CHECK_FALSE(follower.error);
      CHECK(follower.why == "the requested number of messages has come");
    }
  }
  SUBCASE("with the node") {
    Follower follower(fixture, "follower", {"/here"});
    test::ActorFixture::kill(fixture.inspector);
    fixture.pass(1s);
    CHECK(follower.over);
    CHECK(fixture.taps() == 0);
  }
}

TEST_CASE("inspect follow: nothing stays open once the reader is gone") {
  Stalked fixture;
  Follower follower(fixture, "follower", {.pattern = "/here", .milliseconds = 3'600'000});
  fixture.pass(1s);
  REQUIRE(fixture.taps() != 0);
  SUBCASE("it cancels") {
    fixture.actors.inside([&](Scripted&) { follower.subscription.cancel(); });
  }
  SUBCASE("it ends") { test::ActorFixture::kill(follower.handle); }
  fixture.pass(kFollowPeriod * 2);
  CHECK(fixture.taps() == 0);
  fixture.tell_both(1);
  CHECK(follower.messages.empty());
}

TEST_CASE("inspect follow: whatever ends the inspector closes its taps") {
  Stalked fixture;
  fixture.actors.node.on_fatal = [](const base::Error&) {};
  Handle inspector;
  fixture.start("top", {}, [&](Scripted& self) {
    InspectActor::Setup setup;
    setup.period = 1h;
    inspector = self.spawn("second", runtime::Factory([setup] { return std::make_unique<InspectActor>(setup); }));
  });
  std::swap(inspector, fixture.inspector);
  Follower follower(fixture, "follower", {.pattern = "/here", .milliseconds = 3'600'000});
  REQUIRE(fixture.taps() != 0);
  // It is dropped as for a restart of its family, without a word before.
  fixture.actors.inside([&](Scripted& self) {
    self.tell<runtime::wire::Suspend>(fixture.inspector, [](runtime::wire::Suspend::Builder) {});
  });
  fixture.pass(1s);
  CHECK(follower.over);
  CHECK(fixture.taps() == 0);
  fixture.inspector = {};
}

TEST_CASE("inspect follow: what a slow reader does not take is dropped, and it is told how much that was") {
  Stalked fixture;
  Follower follower(fixture, "follower", {.pattern = "/here", .milliseconds = 60'000});
  follower.subscription.pause();
  for (int i = 0; i < 50; ++i) {
    fixture.ask_number(fixture.others[0], 100);
    fixture.pass(100ms);
  }
  CHECK(follower.messages.size() < 100);
  SUBCASE("it goes on in time") {
    fixture.actors.inside([&](Scripted&) { follower.subscription.resume(); });
    fixture.pass(56s);
    CHECK(follower.why == "the requested time is over");
    CHECK(follower.messages.size() == follower.sent);
    CHECK(follower.sent >= 1'000);
    CHECK(follower.dropped > 0);
    CHECK(follower.sent + follower.dropped == 5'000);
  }
  SUBCASE("it never does") {
    fixture.pass(56s);
    CHECK_FALSE(follower.over);
    fixture.pass(2s);
    CHECK(follower.over);
    REQUIRE(follower.error);
    CHECK(follower.error->code == Code::overloaded);
    CHECK(has(follower.error->message, "the requested time is over"));
    CHECK(fixture.taps() == 0);
  }
}

TEST_CASE("inspect follow: a burst that a tap has no room for is counted as dropped") {
  Stalked fixture;
  Follower follower(fixture, "follower", {.pattern = "/here", .milliseconds = 10'000});
  fixture.ask_number(fixture.others[0], 1'500);
  fixture.pass(11s);
  CHECK(follower.sent == runtime::kTappedMax);
  CHECK(follower.messages.size() == runtime::kTappedMax);
  CHECK(follower.dropped == 500);
}

TEST_CASE("inspect follow: four may follow, the fifth is refused until one of them ends") {
  Stalked fixture;
  std::vector<std::unique_ptr<Follower>> four;
  for (std::size_t i = 0; i < runtime::kTapsMax; ++i)
    four.push_back(
        std::make_unique<Follower>(fixture, "follower" + std::to_string(i), Wish{.pattern = "/here", .count = 9}));
  Follower fifth(fixture, "fifth", {"/here"});
  REQUIRE(fifth.refused(Code::overloaded));
  CHECK(has(fifth.error->message, "too many message streams"));
  CHECK(fifth.error->retry_after == 1s);
  fixture.ask_number(fixture.others[0], 3);
  fixture.pass(1s);
  for (const auto& one : four) CHECK(one->messages.size() == 3);
  four.pop_back();
  fixture.pass(1s);
  Follower sixth(fixture, "sixth", {"/here"});
  CHECK_FALSE(sixth.over);
}

TEST_CASE("inspect follow: items of those who follow are not followed, or they would never end") {
  Stalked fixture;
  Follower own(fixture, "own", {.pattern = "", .milliseconds = 5'000, .all = true});
  Follower other(fixture, "other", {.pattern = "/own", .milliseconds = 5'000});
  fixture.tell_both(10);
  fixture.pass(10s);
  CHECK(own.over);
  CHECK(other.over);
  for (const auto* follower : {&own, &other})
    for (const auto& one : follower->messages) CHECK(one.kind_id != messages::kind_of<wire::FollowItem>().id);
  CHECK(own.messages.size() >= 40);  // questions and answers
  CHECK(own.messages.size() < 60);
  CHECK(own.dropped == 0);
}

TEST_CASE("inspect follow: one trace is followed wherever it goes, and nothing else") {
  using bench::wire::Parcel;
  Stalked fixture;
  const Handle first = fixture.start("first", [&](Scripted& self, Handlers& on) {
    on.tell<Parcel>([&](Parcel::Reader) {
      self.ask<Number, Number>(fixture.others[0], self.now() + 1h, number(1), [](const auto&) {});
    });
  });
  Follower follower(fixture, "follower", {.pattern = "", .milliseconds = 5'000, .trace = 77});
  for (const std::uint64_t trace : {76, 77, 78}) {
    fixture.actors.inside([&](Scripted& self) {
      self.send(first, runtime::Envelope::build<Parcel>({.trace = {trace, 0}}, [](Parcel::Builder) {}));
    });
  }
  fixture.tell_both(1);
  fixture.pass(1s);
  std::vector<std::string> ways;
  for (const auto& one : follower.messages) {
    CHECK(one.trace == 77);
    ways.push_back(one.path);
  }
  CHECK(ways == std::vector<std::string>{"/first", "/here", "/first"});
}

TEST_CASE("inspect follow: a message above 64 KiB is told without its words") {
  Stalked fixture;
  const Handle parcels = fixture.start(
      "parcels", [](Scripted&, Handlers& on) { on.tell<bench::wire::Parcel>([](bench::wire::Parcel::Reader) {}); });
  Follower follower(fixture, "follower", {"/parcels"});
  fixture.actors.inside([&](Scripted& self) {
    for (const unsigned size : {60'000u, 70'000u, 1u << 20})
      self.tell<bench::wire::Parcel>(parcels, [&](bench::wire::Parcel::Builder out) { out.initData(size); });
  });
  fixture.pass(1s);
  REQUIRE(follower.messages.size() == 3);
  CHECK(follower.messages[0].words.size() == follower.messages[0].bytes);
  CHECK(follower.messages[1].words.empty());
  CHECK(follower.messages[2].words.empty());
  CHECK(follower.messages[2].bytes > 1u << 20);
}
