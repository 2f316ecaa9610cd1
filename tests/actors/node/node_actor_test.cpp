#include "actors/node/node_actor.hpp"

#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::node;
using namespace std::chrono_literals;
using base::Code;
using test::Scripted;

namespace {

/// Keeps the lines that were logged.
class Lines final : public observe::LogSink {
 public:
  explicit Lines(std::vector<std::string>& out) : out_(out) {}
  bool write(observe::LogLevel, std::string_view line) override {
    out_.emplace_back(line);
    return true;
  }

 private:
  std::vector<std::string>& out_;
};

/// A domain that notes its start and its end.
class Noted final : public runtime::Actor {
 public:
  Noted(std::vector<std::string>& notes, std::string name, bool breaks)
      : notes_(notes), name_(std::move(name)), breaks_(breaks) {}
  void receive(runtime::Handlers&) override {}
  void start() override {
    notes_.push_back("start " + name_);
    base::ensure(!breaks_, "this domain is whole");
  }
  void stop() override { notes_.push_back("stop " + name_); }

 private:
  std::vector<std::string>& notes_;
  std::string name_;
  bool breaks_;
};

struct Root {
  explicit Root(std::vector<Domain> domains) {
    NodeActor::Setup setup;
    setup.id.bytes.fill(7);
    setup.name = "seven";
    setup.domains = std::move(domains);
    setup.listen = [] { return std::string("127.0.0.1:4000"); };
    setup.peers = [] { return std::size_t{2}; };
    setup.health = &health;
    setup.log = &log;
    setup.incomplete = [this](bool on) { incomplete.push_back(on); };
    setup.serving = [this] { notes.push_back("serving"); };
    setup.drained = [this] { notes.push_back("drained"); };
    actors.node.on_fatal = [this](const base::Error& why) { fatal = why; };
    handle = actors.node.start("node", [setup] { return std::make_unique<NodeActor>(setup); });
    actors.stage.settle();
  }
  static Domain noted(std::vector<std::string>& notes, const std::string& name, int* breaks = nullptr) {
    return {name, [&notes, name, breaks] {
              return std::make_unique<Noted>(notes, name, breaks != nullptr && (*breaks)-- > 0);
            }};
  }
  void drain() {
    actors.inside([this](Scripted& self) { self.tell<wire::Drain>(handle, [](wire::Drain::Builder) {}); });
  }
  /// The status as `read` sees it.
  template <class F>
  void status(F read) {
    bool answered = false;
    actors.inside([&](Scripted& self) {
      self.ask<wire::GetStatus, wire::NodeStatus>(
          handle, self.now() + 1s, [](wire::GetStatus::Builder) {},
          [&, read](runtime::Answer<wire::NodeStatus> answer) {
            REQUIRE(answer.ok());
            answered = true;
            read(answer.value());
          });
    });
    CHECK(answered);
  }
  /// What setting a log level is refused with; none if it is set.
  std::optional<Code> set_level(const std::string& level, const std::string& domain) {
    std::optional<Code> refused;
    actors.inside([&](Scripted& self) {
      self.ask<wire::SetLogLevel, messages::wire::Nothing>(
          handle, self.now() + 1s,
          [&](wire::SetLogLevel::Builder order) {
            order.setLevel(level);
            order.setDomain(domain);
          },
          [&](const runtime::Answer<messages::wire::Nothing>& answer) {
            if (!answer.ok()) refused = answer.error().code;
          });
    });
    return refused;
  }

  std::vector<std::string> notes;
  std::vector<bool> incomplete;
  std::vector<std::string> lines;
  observe::Health health;
  observe::Log log{std::make_unique<Lines>(lines), observe::LogFormat::text, [] { return base::WallTime{}; }};
  std::optional<base::Error> fatal;
  runtime::Handle handle;
  test::ActorFixture actors;
};

using Notes = std::vector<std::string>;

}  // namespace

TEST_CASE("node: domains start one after the other, at the top of the paths, and end in reverse") {
  Notes notes;
  Root root({Root::noted(notes, "store"), Root::noted(notes, "links"), Root::noted(notes, "peers")});
  CHECK(notes == Notes{"start store", "start links", "start peers"});
  CHECK(root.notes == Notes{"serving"});
  CHECK(root.incomplete == std::vector<bool>{true, false});
  for (const char* path : {"/node", "/store", "/links", "/peers"}) CHECK(root.actors.node.find(path));
  notes.clear();
  root.drain();
  CHECK(notes == Notes{"stop peers", "stop links", "stop store"});
  CHECK(root.notes == Notes{"serving", "drained"});
  CHECK(root.incomplete == std::vector<bool>{true, false, true});
  for (const char* path : {"/node", "/store", "/links", "/peers"}) CHECK_FALSE(root.actors.node.find(path));
  CHECK_FALSE(root.fatal);
}

TEST_CASE("node: a node without domains serves and ends as well") {
  Root root({});
  CHECK(root.notes == Notes{"serving"});
  root.drain();
  CHECK(root.notes == Notes{"serving", "drained"});
}

TEST_CASE("node: the next domain waits until the one before it is up") {
  Notes notes;
  int breaks = 1;
  Root root({Root::noted(notes, "store", &breaks), Root::noted(notes, "links")});
  CHECK(notes == Notes{"start store"});
  CHECK(root.notes.empty());
  root.status([](wire::NodeStatus::Reader status) { CHECK(status.getStage() == wire::Stage::STARTING); });
  root.actors.stage.run_for(3s);
  CHECK(notes == Notes{"start store", "start store", "start links"});
  CHECK(root.notes == Notes{"serving"});
}

TEST_CASE("node: it serves, and the next domain starts, once the one before says that it serves") {
  Notes notes;
  runtime::Reply<messages::wire::Nothing> asked;
  struct Loaded {};
  const Domain slow{"files", test::script(
                                 [&](Scripted&, runtime::Handlers& on) {
                                   on.ask<runtime::wire::AwaitReady, messages::wire::Nothing>(
                                       [&](auto, auto reply) { asked = std::move(reply); });
                                   on.timer<Loaded>([&] { asked.done(); });
                                 },
                                 [](Scripted& self) { self.after<Loaded>(25s); })};
  Root root({slow, Root::noted(notes, "last")});
  root.actors.stage.run_for(24s);
  root.status([](wire::NodeStatus::Reader status) { CHECK(status.getStage() == wire::Stage::STARTING); });
  CHECK(notes.empty());
  // Whoever looks at the log sees what is waited for.
  CHECK(std::any_of(root.lines.begin(), root.lines.end(), [](const std::string& line) {
    return line.find("is not ready yet") != std::string::npos && line.find("files") != std::string::npos;
  }));
  root.actors.stage.run_for(1s);
  CHECK(notes == Notes{"start last"});
  CHECK(root.notes == Notes{"serving"});
  asked = {};
}

TEST_CASE("node: it can be drained while it starts") {
  Notes notes;
  int breaks = 1;
  Root root({Root::noted(notes, "store", &breaks), Root::noted(notes, "links")});
  root.drain();
  root.actors.stage.run_for(5s);
  CHECK(root.notes == Notes{"drained"});
  CHECK_FALSE(root.actors.node.find("/store"));
}

TEST_CASE("node: a domain that keeps breaking is fatal, and so is one that ends by itself") {
  Notes notes;
  SUBCASE("keeps breaking") {
    struct Soon {};
    Root root({{"store", test::script(
                             [](Scripted&, runtime::Handlers& on) {
                               on.timer<Soon>([] { base::ensure(false, "this domain is whole"); });
                             },
                             [](Scripted& self) { self.after<Soon>(1ms); })}});
    root.actors.stage.run_for(60s);
    REQUIRE(root.fatal);
    CHECK(root.fatal->message.find("keeps failing") != std::string::npos);
  }
  SUBCASE("ends") {
    Root root({{"links", test::script({}, [](Scripted& self) { self.finish(); })}});
    root.actors.stage.run_for(1s);
    REQUIRE(root.fatal);
    CHECK(root.fatal->message.find("a domain ends when the node does") != std::string::npos);
  }
}

TEST_CASE("node: status tells who it is and how it is") {
  Notes notes;
  Root root({Root::noted(notes, "store")});
  root.actors.stage.run_for(90s);
  root.status([](wire::NodeStatus::Reader status) {
    CHECK(status.getNode().size() == 20);
    CHECK(status.getNode()[0] == 7);
    CHECK(std::string(status.getName()) == "seven");
    CHECK(status.getVersion().size() > 0);
    CHECK(status.getUptimeS() == 90);
    CHECK(std::string(status.getListen()) == "127.0.0.1:4000");
    CHECK(status.getPeers() == 2);
    CHECK(status.getActors() == 3);  // the root, its domain, and who asks
    CHECK(status.getHealth() == wire::Health::OK);
    CHECK(status.getReasons().size() == 0);
    CHECK(status.getStage() == wire::Stage::SERVING);
  });
  root.health.raise("disk", observe::HealthState::failing, "it is full");
  root.status([](wire::NodeStatus::Reader status) {
    CHECK(status.getHealth() == wire::Health::FAILING);
    REQUIRE(status.getReasons().size() == 1);
    CHECK(std::string(status.getReasons()[0].getSource()) == "disk");
    CHECK(std::string(status.getReasons()[0].getText()) == "it is full");
  });
}

TEST_CASE("node: a status with as many and as long reasons as there may be fits its kind") {
  Root root({});
  for (std::size_t i = 0; i <= observe::kReasonsMax; ++i)
    root.health.raise("source-" + std::to_string(i), observe::HealthState::degraded, std::string(5'000, 'x'));
  root.status([](wire::NodeStatus::Reader status) { CHECK(status.getReasons().size() == observe::kReasonsMax + 1); });
}

TEST_CASE("node: log levels change for all and for one domain, and nonsense is refused") {
  Root root({});
  CHECK(root.set_level("warn", "") == std::nullopt);
  CHECK(root.log.level("links") == observe::LogLevel::warn);
  CHECK(root.set_level("trace", "links") == std::nullopt);
  CHECK(root.log.level("links") == observe::LogLevel::trace);
  CHECK(root.log.level("config") == observe::LogLevel::warn);

  CHECK(root.set_level("loud", "") == Code::malformed);
  CHECK(root.set_level("", "") == Code::malformed);
  for (const std::string& domain :
       {std::string("link"), std::string("Links"), std::string("a b"), std::string(100, 'a')})
    CHECK(root.set_level("info", domain) == Code::not_found);
}

TEST_CASE("node: operators reach the status, and only those who may operate the rest") {
  Root root({});
  const auto service = root.actors.node.service(kPath);
  REQUIRE(service);
  CHECK(service->offers(&messages::kind_of<wire::GetStatus>()));
  CHECK(service->offers(&messages::kind_of<wire::SetLogLevel>()));
  CHECK_FALSE(service->offers(&messages::kind_of<wire::Drain>()));
  CHECK(messages::may_send(messages::kind_of<wire::GetStatus>(), messages::Role::view));
  CHECK_FALSE(messages::may_send(messages::kind_of<wire::SetLogLevel>(), messages::Role::view));
  CHECK_FALSE(messages::may_send(messages::kind_of<wire::GetStatus>(), messages::Role::peer));
}
