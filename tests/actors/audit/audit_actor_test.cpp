// The audit trail as an actor, with a store and a disk that fails or loses power.
#include "actors/audit/audit_actor.hpp"

#include <doctest/doctest.h>

#include "actors/node/api.hpp"
#include "messages/codec.hpp"
#include "runtime/base/random.hpp"
#include "runtime/store/store_actor.hpp"
#include "tests/actors/audit/records.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::audit;
using namespace std::chrono_literals;
using base::Code;

namespace {

struct AuditFixture : test::ActorFixture {
  explicit AuditFixture(std::uint64_t seed = 1) : ActorFixture(seed) {
    settings.health = &health;
    begin();
  }
  void begin() {
    store = node.start("store", [] { return std::make_unique<store::StoreActor>("store"); });
    actor = node.start("audit", [this] { return std::make_unique<AuditActor>(settings); },
                       {.placement = ports::Placement::own_thread});
    stage.run_for(1s);
  }
  void end() {
    kill(std::exchange(actor, {}));
    kill(std::exchange(store, {}));
    stage.settle();
  }
  /// The process ends, and starts again.
  void restart() {
    end();
    disk.revoke();
    begin();
  }
  /// The power fails, and comes back.
  void crash(base::Random& power) {
    end();
    disk.crash(power);
    begin();
  }

  struct Said {
    std::optional<Mark> mark;
    std::optional<base::Error> error;
  };
  /// Sends records at once; the answers arrive while time passes.
  std::shared_ptr<std::vector<Said>> send(std::size_t count, const std::string& name = "n",
                                          const std::string& key = "token") {
    auto out = std::make_shared<std::vector<Said>>(count);
    inside([&](test::Scripted& self) {
      for (std::size_t i = 0; i < count; ++i)
        self.ask<wire::Append, wire::Appended>(
            actor, self.now() + 60s,
            [&](wire::Append::Builder to) {
              to.setKey(key);
              to.setAddress("127.0.0.1:40000");
              to.setCommand("kv put");
              to.setName(name + std::to_string(i));
              to.setPurpose("test");
              to.setStatus(200);
            },
            [out, i](runtime::Answer<wire::Appended> answer) {
              Said& said = (*out)[i];
              if (!answer.ok()) said.error = answer.error();
              else
                said.mark = Mark{answer.value().getSeq(),
                                 base::Digest::from(bytes_of(answer.value().getHash())).value_or(base::Digest{})};
            });
    });
    return out;
  }
  /// Sends one record and waits for the answer.
  Said append(const std::string& name = "n", const std::string& key = "token") {
    const auto out = send(1, name, key);
    stage.run_for(1s);
    return out->front();
  }
  void note(const char* who, const char* act, const char* outcome) {
    inside([&](test::Scripted& self) {
      self.tell<node::wire::Note>(actor,
                                  [&](node::wire::Note::Builder out) { node::fill(out, who, act, "what", outcome); });
    });
    stage.run_for(1s);
  }
  std::vector<std::string> lines(std::uint64_t since = 0, const std::string& key = "") {
    std::vector<std::string> out;
    base::Bytes next;
    do {
      bool answered = false;
      inside([&](test::Scripted& self) {
        self.ask<wire::ListRecords, wire::Records>(
            actor, self.now() + 5s,
            [&](wire::ListRecords::Builder to) {
              to.setSince(since);
              to.setKey(key);
              to.setNext(data_of(next));
            },
            [&](runtime::Answer<wire::Records> answer) {
              REQUIRE(answer.ok());
              for (const auto line : answer.value().getLines()) out.push_back(text_of(line));
              const auto more = bytes_of(answer.value().getNext());
              next.assign(more.begin(), more.end());
              answered = true;
            });
      });
      stage.run_for(1s);
      REQUIRE(answered);
    } while (!next.empty());
    return out;
  }
  Head head() {
    Head out;
    bool answered = false;
    inside([&](test::Scripted& self) {
      self.ask<wire::GetHead, wire::Head>(
          actor, self.now() + 5s, [](wire::GetHead::Builder) {},
          [&](runtime::Answer<wire::Head> answer) {
            REQUIRE(answer.ok());
            const auto digest = [](auto data) { return base::Digest::from(bytes_of(data)).value_or(base::Digest{}); };
            out.first = answer.value().getFirst();
            out.first_prev = digest(answer.value().getFirstPrev());
            out.last = {answer.value().getLast(), digest(answer.value().getLastHash())};
            answered = true;
          });
    });
    stage.run_for(1s);
    REQUIRE(answered);
    return out;
  }
  bool intact() { return !first_bad(head(), lines()); }

  observe::Health health;
  AuditSettings settings;
  runtime::Handle store, actor;
};

}  // namespace

TEST_CASE("audit: records are listed in order with the places of their answers") {
  AuditFixture it;
  CHECK(it.head() == Head{});
  CHECK(it.lines().empty());
  const auto said = it.send(20);
  it.stage.run_for(1s);
  const auto lines = it.lines();
  REQUIRE(lines.size() == 20);
  for (std::uint64_t i = 0; i < 20; ++i) {
    REQUIRE((*said)[i].mark);
    CHECK((*said)[i].mark->seq == i + 1);
    CHECK(parse_line(lines[i])->mark == (*said)[i].mark);
    CHECK(test::contains(lines[i], "\"name\":\"n" + std::to_string(i) + '"'));
  }
  CHECK(it.head().last == *said->back().mark);
  CHECK(it.intact());
  CHECK(it.health.reasons().empty());
}

TEST_CASE("audit: records that arrive together are synced together, before they are answered") {
  AuditFixture it;
  REQUIRE(it.append().mark);  // the file exists now
  const std::uint64_t before = it.disk.operations();
  REQUIRE(it.append().mark);
  const std::uint64_t alone = it.disk.operations() - before;
  const auto said = it.send(200);
  it.stage.run_for(1s);
  CHECK(said->back().mark);
  CHECK(it.disk.operations() - before - alone <= 2 * alone);
  CHECK(it.intact());
}

TEST_CASE("audit: an answered record survives a power failure at once after its answer") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    AuditFixture it;
    base::Random power(seed);
    REQUIRE(it.append("old").mark);
    const auto said = it.send(3, "new");
    while (!said->back().mark) it.stage.run_for(1ms);
    it.crash(power);
    const auto lines = it.lines();
    REQUIRE(lines.size() == 4);
    CHECK(test::contains(lines[3], "new2"));
    CHECK(it.intact());
    CHECK(it.append().mark->seq == 5);
    CHECK(it.health.reasons().empty());
  }
}

TEST_CASE("audit: a restart continues the chain, with the head that the store knows") {
  AuditFixture it;
  it.send(5);
  it.stage.run_for(1s);
  const Head head = it.head();
  it.restart();
  CHECK(it.head() == head);
  const auto next = it.append();
  REQUIRE(next.mark);
  CHECK(next.mark->seq == 6);
  CHECK(parse_line(it.lines().back())->prev == head.last.hash);
  CHECK(it.intact());
}

TEST_CASE("audit: a store without a head accepts the files as they are") {
  AuditFixture it;
  it.send(5);
  it.stage.run_for(1s);
  const Head head = it.head();
  it.end();
  REQUIRE(ports::remove_tree(it.disk, "store").ok());
  it.disk.revoke();
  it.begin();
  CHECK(it.head() == head);
  CHECK(it.append().mark->seq == 6);
  CHECK(it.intact());
}

TEST_CASE("audit: a note says what an operator did, and why it failed") {
  AuditFixture it;
  it.note("local", "drain", "done");
  it.note("aa", "ban", "no such peer");
  const auto lines = it.lines();
  REQUIRE(lines.size() == 2);
  CHECK(test::contains(lines[0], R"("key":"local","address":"","command":"drain","name":"what",)"));
  CHECK(test::contains(lines[0], R"("status":200,"rule":"")"));
  CHECK(test::contains(lines[1], R"("status":409,"rule":"no such peer")"));
  CHECK(it.intact());
}

TEST_CASE("audit: a note with long texts is cut to the largest size of the message") {
  AuditFixture it;
  it.note("local", std::string(5'000, 'a').c_str(), std::string(5'000, 'o').c_str());
  REQUIRE(it.lines().size() == 1);
  CHECK(test::contains(it.lines()[0], std::string(node::kNoteBytesMax, 'a')));
}

TEST_CASE("audit: records of a key or from a time on are listed alone") {
  AuditFixture it;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(it.append("a", "00000000000000aa").mark);
    REQUIRE(it.append("b", "00000000000000bb").mark);
  }
  CHECK(it.lines(0, "00000000000000aa").size() == 3);
  CHECK(it.lines(0, "00000000000000a").empty());
  CHECK(it.lines(0, "none").empty());
  const auto all = it.lines();
  const std::uint64_t third = parse_line(all[2])->unix_ms;
  CHECK(it.lines(third).size() == 4);
  CHECK(it.lines(third + 1).size() == 3);
  CHECK(it.lines(third, "00000000000000aa").size() == 2);
  CHECK(it.lines(~std::uint64_t{0}).empty());
}

TEST_CASE("audit: times never go back, also after the clock was set back and after a restart") {
  AuditFixture it;
  REQUIRE(it.append().mark);
  it.ports.clock().step(-1h);
  REQUIRE(it.append().mark);
  it.restart();
  it.ports.clock().step(-1h);
  REQUIRE(it.append().mark);
  const auto lines = it.lines();
  REQUIRE(lines.size() == 3);
  CHECK(parse_line(lines[1])->unix_ms == parse_line(lines[0])->unix_ms);
  CHECK(parse_line(lines[2])->unix_ms == parse_line(lines[0])->unix_ms);
}

TEST_CASE("audit: a failed write is refused and reported, and tried again while records wait") {
  for (const auto what : {sim::DiskOperation::write, sim::DiskOperation::sync}) {
    AuditFixture it;
    REQUIRE(it.append("first").mark);
    it.disk.fail(what, ports::DiskError::io);
    const auto refused = it.append("refused");
    REQUIRE(refused.error);
    CHECK(refused.error->code == Code::unavailable);
    CHECK(refused.error->retry_after == AuditActor::kRetry);
    REQUIRE(it.health.reasons().size() == 1);
    CHECK(it.health.reasons()[0].source == kHealthSource);
    CHECK(it.lines().size() == 1);  // what was written is still listed
    const auto waits = it.send(2, "waits");
    it.stage.run_for(1s);
    CHECK(!waits->front().mark);
    CHECK(!waits->front().error);
    it.stage.run_for(AuditActor::kRetry);
    CHECK(waits->front().mark->seq == 2);
    CHECK(it.health.reasons().empty());
    CHECK(it.lines().size() == 3);
    CHECK(it.intact());
  }
}

TEST_CASE("audit: a full disk refuses records as `no_space`, until it has space again") {
  AuditFixture it;
  REQUIRE(it.append().mark);
  const std::uint64_t full = it.disk.used_bytes() + 50;
  it.disk.limit(full);
  const auto refused = it.append();
  REQUIRE(refused.error);
  CHECK(refused.error->code == Code::no_space);
  const auto again = it.send(1);
  it.stage.run_for(2 * AuditActor::kRetry);
  CHECK(again->front().error->code == Code::no_space);
  it.disk.lift(full);
  const auto last = it.send(1);
  it.stage.run_for(2 * AuditActor::kRetry);
  CHECK(last->front().mark->seq == 2);
  CHECK(it.intact());
}

TEST_CASE("audit: while the disk fails, a limited number of records waits, and more are refused at once") {
  AuditFixture it;
  REQUIRE(it.append().mark);
  it.disk.fail(sim::DiskOperation::sync, ports::DiskError::io);
  REQUIRE(it.append().error);
  const auto said = it.send(AuditActor::kWaitingMax + 1);
  it.stage.run_for(1s);
  CHECK(!(*said)[AuditActor::kWaitingMax - 1].error);
  REQUIRE(said->back().error);
  CHECK(said->back().error->code == Code::unavailable);
  it.stage.run_for(AuditActor::kRetry);
  CHECK((*said)[0].mark->seq == 2);
  CHECK((*said)[AuditActor::kWaitingMax - 1].mark->seq == AuditActor::kWaitingMax + 1);
  CHECK(it.intact());
}

TEST_CASE("audit: above the number of records that may wait for one moment, a record is refused as `overloaded`") {
  AuditFixture it;
  const auto said = it.send(AuditActor::kWaitingMax + 1);
  it.stage.run_for(1s);
  CHECK((*said)[AuditActor::kWaitingMax - 1].mark->seq == AuditActor::kWaitingMax);
  REQUIRE(said->back().error);
  CHECK(said->back().error->code == Code::overloaded);
  CHECK(it.append().mark->seq == AuditActor::kWaitingMax + 1);
  CHECK(it.intact());
}

TEST_CASE("audit: a record of a command without a key has its sender as the key") {
  AuditFixture it;
  REQUIRE(it.append("n", "").mark);
  CHECK(parse_line(it.lines()[0])->key == "local");
}

TEST_CASE("audit: a trail that another program changed is a health reason, and verification names it") {
  AuditFixture it;
  it.send(4);
  it.stage.run_for(1s);
  it.end();
  REQUIRE(it.disk.corrupt("audit/0000000000000001.jsonl", 300, 1));
  it.disk.revoke();
  it.begin();
  REQUIRE(it.health.reasons().size() == 1);
  CHECK(it.health.reasons()[0].source == kHealthSource);
  CHECK(it.health.reasons()[0].state == observe::HealthState::degraded);
  CHECK(test::contains(it.health.reasons()[0].text, "records of the trail were changed"));
  CHECK(it.append().mark->seq == 5);
  CHECK(first_bad(it.head(), it.lines()) == 2);
  CHECK(it.lines().size() == 5);  // with the changed line
}

TEST_CASE("audit: above the limit, the oldest records go, and the rest is complete, also after a crash") {
  AuditFixture it;
  it.settings.limits = {.bytes_max = 20'000, .file_bytes = 4'000};
  it.restart();
  for (int i = 0; i < 20; ++i) {
    it.send(20);
    it.stage.run_for(1s);
  }
  const Head head = it.head();
  CHECK(head.first > 1);
  CHECK(parse_line(it.lines().front())->mark.seq == head.first);
  CHECK(it.intact());
  base::Random power(3);
  it.crash(power);
  CHECK(it.head() == head);
  CHECK(it.intact());
}

TEST_CASE("audit: power failures at any moment lose no answered record") {
  for (std::uint64_t seed = 0; seed < test::rounds(100, 10); ++seed) {
    AuditFixture it(seed + 1);
    it.settings.limits.file_bytes = 2'000;
    base::Random power(seed);
    std::vector<Mark> answered;
    for (int life = 0; life < 3; ++life) {
      it.disk.halt_after(power.below(40));
      for (int i = 0; i < 8; ++i) {
        const auto said = it.send(1 + power.below(4));
        it.stage.run_for(std::chrono::milliseconds(power.below(1'500)));
        for (const auto& one : *said)
          if (one.mark) answered.push_back(*one.mark);
      }
      it.crash(power);
      it.stage.run_for(2 * AuditActor::kRetry);
      const auto lines = it.lines();
      CHECK(it.intact());
      for (const Mark& mark : answered) {
        REQUIRE(mark.seq <= lines.size());
        CHECK(parse_line(lines[mark.seq - 1])->mark == mark);
      }
    }
  }
}
