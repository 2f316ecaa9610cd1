#include "actors/task/checks_actor.hpp"

#include <doctest/doctest.h>

#include "messages/codec.hpp"
#include "messages/reputation.capnp.h"
#include "runtime/sim/hardware.hpp"
#include "tests/actors/registry/nodes.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::task;
using namespace std::chrono_literals;
using registry::TestNode;

namespace {

/// `/checks` at a node that watches one other, whose worker says what the test wants.
struct ChecksActorFixture : test::ActorFixture {
  enum class Answer : std::uint8_t { right, wrong, nothing, fails, no, absent };

  ChecksActorFixture() {
    settings.identity = std::make_shared<const crypto::Identity>(crypto::Identity::make(ports.world().chance, 0));
    settings.work_bits = 0;
    settings.each_node_alone = true;
    settings.check_rounds = 64;
    settings.registry = "/list";
    told = worker.registration();
    told.capabilities = {{"arch", ports.world().hardware.has().arch}, {"tasks", "any"}};
    start("registry", [this](test::Scripted&, runtime::Handlers& on) {
      on.ask<registry::wire::ListWatched, registry::wire::WatchedPage>(
          [this](registry::wire::ListWatched::Reader, runtime::Reply<registry::wire::WatchedPage> reply) {
            reply.send([this](registry::wire::WatchedPage::Builder out) {
              auto rows = out.initRows(1 + size32(strangers));
              auto row = rows[0];
              row.setRegistration(data_of(*sign(told, worker.identity->key())));
              row.setHeartbeat(data_of(worker.signed_beat()));
              row.setStatus(status);
              auto vouches = row.initVouches(vouch.empty() ? 0 : 1);
              if (!vouch.empty()) vouches.set(0, data_of(vouch));
              for (unsigned i = 0; i < strangers.size(); ++i) {
                registry::Registration one = strangers[i].registration();
                one.capabilities = told.capabilities;
                rows[1 + i].setRegistration(data_of(*sign(one, strangers[i].identity->key())));
                rows[1 + i].setHeartbeat(data_of(strangers[i].signed_beat()));
              }
            });
          });
    });
    start("list", [this](test::Scripted&, runtime::Handlers& on) {
      on.ask<registry::wire::NoteFinding, registry::wire::FindingNoted>(
          [this](registry::wire::NoteFinding::Reader found, runtime::Reply<registry::wire::FindingNoted> reply) {
            CHECK(*node_of(found.getNode()) == worker.id());
            CHECK(found.getAnswer().size() == base::Digest::kBytes);
            ++(found.getRight() ? right : wrong);
            reply.send([&](registry::wire::FindingNoted::Builder out) {
              if (found.getRight()) out.setVouch(data_of(base::as_bytes("a vouch")));
            });
          });
    });
    start("reputation", [this](test::Scripted&, runtime::Handlers& on) {
      on.ask<reputation::wire::Observe, reputation::wire::Reported>(
          [this](reputation::wire::Observe::Reader seen, runtime::Reply<reputation::wire::Reported> reply) {
            observed = text_of(seen.getEvent());
            reply.done();
          });
    });
    start("files", [this](test::Scripted&, runtime::Handlers& on) {
      on.intake<files::wire::PutFile, files::wire::PutPiece, files::wire::PutDone>(
          [this](files::wire::PutFile::Reader, runtime::Intake<files::wire::PutPiece, files::wire::PutDone> opened) {
            storing = std::move(opened);
            storing.on_item(
                [this](files::wire::PutPiece::Reader piece) { stored += base::as_text(bytes_of(piece.getBytes())); });
            storing.on_end([this](const base::Result<void, base::Error>&) {
              storing.reply([](files::wire::PutDone::Builder) {});
            });
          });
    });
    const auto there = start("there", [this](test::Scripted&, runtime::Handlers& on) {
      on.stream<wire::RunAttempt, wire::AttemptItem>(
          [this](wire::RunAttempt::Reader asked, runtime::Sink<wire::AttemptItem> to) { run(asked, std::move(to)); });
      on.ask<registry::wire::HandVouch, registry::wire::VouchTaken>(
          [this](registry::wire::HandVouch::Reader one, runtime::Reply<registry::wire::VouchTaken> reply) {
            handed += base::as_text(bytes_of(one.getVouch()));
            ++hands;
            if (takes) reply.done();
            else untaken.push_back(std::move(reply));
          });
    });
    const auto stranger = start("stranger", [this](test::Scripted&, runtime::Handlers& on) {
      on.stream<wire::RunAttempt, wire::AttemptItem>(
          [this](wire::RunAttempt::Reader, runtime::Sink<wire::AttemptItem> to) {
            if (strangers_begin) to.push([](wire::AttemptItem::Builder out) { out.setBegan(); });
            waiting.push_back(std::move(to));
          });
    });
    node.remotes_at = [this, there, stranger](const base::Contact& contact, const std::string&) {
      return contact.key == worker.identity->public_key() ? there : stranger;
    };
  }

  void run(wire::RunAttempt::Reader asked, runtime::Sink<wire::AttemptItem> to) {
    const auto order = read_order(bytes_of(asked.getOrder()), 0);
    REQUIRE(order.ok());
    CHECK(is_check(order.value()));
    const Spot spot = *spot_of(order.value().arguments);
    CHECK(seeds.insert(spot.seed).second);
    if (answer == Answer::absent) return to.fail({base::Code::not_found, "no program"});
    if (answer == Answer::no) return to.fail({base::Code::refused, "no"});
    to.push([](wire::AttemptItem::Builder out) { out.setBegan(); });
    std::string text = answer_of(spot);
    if (answer == Answer::wrong) text[5] ^= 1;
    to.push(
        [&](wire::AttemptItem::Builder out) { out.initPrinted().setBytes(data_of(base::as_bytes(text).first(3))); });
    to.push(
        [&](wire::AttemptItem::Builder out) { out.initPrinted().setBytes(data_of(base::as_bytes(text).subspan(3))); });
    if (answer == Answer::nothing) {
      silent.push_back(std::move(to));
      return;
    }
    to.push(
        [&](wire::AttemptItem::Builder out) { out.initEnded().getHow().setExited(answer == Answer::fails ? 1 : 0); });
    to.end();
  }
  void begin() {
    checks = node.start("checks", [this] { return std::make_unique<ChecksActor>(settings); });
    stage.run_for(10s);
  }

  /// Strangers tell each second that the check waits.
  void let_wait(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      for (auto& one : waiting)
        if (one.ready()) one.push([](wire::AttemptItem::Builder out) { out.setWaits(); });
      stage.run_for(1s);
    }
  }

  TaskSettings settings;
  TestNode worker{1};
  std::vector<TestNode> strangers;
  std::vector<runtime::Sink<wire::AttemptItem>> waiting;
  bool strangers_begin = false;
  registry::Registration told;
  registry::wire::Status status = registry::wire::Status::HEALTHY;
  base::Bytes vouch;
  Answer answer = Answer::right;
  std::set<Spot::Seed> seeds;
  std::vector<runtime::Sink<wire::AttemptItem>> silent;
  std::size_t right = 0, wrong = 0, hands = 0;
  bool takes = true;
  std::vector<runtime::Reply<registry::wire::VouchTaken>> untaken;
  std::string handed, observed, stored;
  runtime::Intake<files::wire::PutPiece, files::wire::PutDone> storing;
  runtime::Handle checks;
};

}  // namespace

TEST_CASE("checks: a right answer is told, once, and the vouch handed to the node") {
  ChecksActorFixture it;
  it.begin();
  CHECK(it.right == 1);
  CHECK(it.handed == "a vouch");
  it.stage.run_for(1h);
  CHECK(it.seeds.size() == 1);
  it.stage.run_for(23h);
  CHECK(it.seeds.size() == 2);
  CHECK(it.right == 2);
  CHECK(it.wrong == 0);
  CHECK(it.observed.empty());
  CHECK(it.settings.counters->checks_right == 2);
}

TEST_CASE("checks: a node that lies never gets a vouch, and its reputation suffers") {
  ChecksActorFixture it;
  it.answer = ChecksActorFixture::Answer::wrong;
  it.begin();
  CHECK(it.wrong == 1);
  it.stage.run_for(24h);
  CHECK(it.wrong > 20);
  CHECK(it.right == 0);
  CHECK(it.handed.empty());
  CHECK(it.observed == "malicious_behavior");
}

TEST_CASE("checks: no answer, and a program that fails, say nothing of a node; it is asked again") {
  ChecksActorFixture it;
  for (const auto answer :
       {ChecksActorFixture::Answer::nothing, ChecksActorFixture::Answer::fails, ChecksActorFixture::Answer::no}) {
    it.answer = answer;
    const std::size_t before = it.seeds.size();
    if (!it.checks) it.begin();
    it.stage.run_for(2h);
    CHECK(it.seeds.size() > before + 1);
    CHECK(it.right + it.wrong == 0);
  }
  it.answer = ChecksActorFixture::Answer::right;
  it.stage.run_for(1h);
  CHECK(it.right == 1);
}

TEST_CASE("checks: for a node that lacks the program it is stored as a file, once") {
  ChecksActorFixture it;
  it.answer = ChecksActorFixture::Answer::absent;
  it.begin();
  CHECK(it.stored == base::as_text(spot_program()));
  it.stage.run_for(1h);
  CHECK(it.seeds.size() > 1);
  CHECK(it.stored.size() == spot_program().size());
}

TEST_CASE("checks: a node without tasks, offline, of another processor or known to be right is not checked") {
  ChecksActorFixture it;
  SUBCASE("without tasks") { it.told.capabilities.pop_back(); }
  SUBCASE("offline") { it.status = registry::wire::Status::OFFLINE; }
  SUBCASE("of another processor") { it.told.capabilities[0].value = "m68k"; }
  SUBCASE("it cannot be dialled") { it.told.at.port = 0; }
  SUBCASE("this node's own vouch is there, of before a restart") {
    const auto now_ms = static_cast<std::uint64_t>(it.ports.world().clock.wall().since_origin() / 1ms);
    const registry::Vouch own{.by = it.settings.identity->public_key(),
                              .by_nonce = it.settings.identity->nonce(),
                              .node = it.worker.id(),
                              .unix_ms = now_ms - 3'600'000};
    it.vouch = sign(own, it.settings.identity->key());
  }
  it.begin();
  it.stage.run_for(1h);
  CHECK(it.seeds.empty());
}

TEST_CASE("checks: one that does not begin or end does not keep others waiting for long, and may wait if none do") {
  ChecksActorFixture it;
  it.strangers.emplace_back(std::uint8_t{2});
  it.strangers.emplace_back(std::uint8_t{3});
  it.status = registry::wire::Status::OFFLINE;
  SUBCASE("it does not begin") {}
  SUBCASE("it has begun") { it.strangers_begin = true; }
  it.begin();
  CHECK(it.waiting.size() == 2);
  if (!it.strangers_begin) it.let_wait(60);
  CHECK(it.waiting.size() == 2);
  it.status = registry::wire::Status::HEALTHY;
  it.let_wait(40);
  CHECK(it.right == 1);
}

TEST_CASE("checks: a vouch that its node does not take is handed once at a time, and later and later") {
  ChecksActorFixture it;
  it.takes = false;
  it.begin();
  CHECK(it.hands == 1);
  it.stage.run_for(1h);
  CHECK(it.hands > 10);
  CHECK(it.hands < 25);
  it.takes = true;
  it.stage.run_for(10min);
  const std::size_t taken = it.hands;
  it.stage.run_for(1h);
  CHECK(it.hands == taken);
}
