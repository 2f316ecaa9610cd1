// Rows of durable actors in a group: what a leader of an older term, or one with an old head, commits is void.
#include <doctest/doctest.h>

#include <deque>

#include "actors/durable/api.hpp"
#include "actors/raft/api.hpp"
#include "messages/codec.hpp"
#include "messages/raft.capnp.h"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using durable::Place;
using durable::Storage;

namespace {

using base::Bytes;
using base::Code;

/// The keys of a group, without the group.
struct Keys {
  std::map<Bytes, Bytes> rows;
  std::map<Bytes, std::uint64_t> changed;
  std::uint64_t revision = 0;

  static Bytes copy(capnp::Data::Reader data) {
    const auto view = bytes_of(data);
    return {view.begin(), view.end()};
  }
  void receive(runtime::Handlers& on) {
    on.ask<raft::wire::GetKey, raft::wire::GotKey>([this](raft::wire::GetKey::Reader ask, auto reply) {
      const auto at = rows.find(copy(ask.getKey()));
      reply.send([&](raft::wire::GotKey::Builder out) {
        out.setFound(at != rows.end());
        if (at == rows.end()) return;
        out.setValue(data_of(at->second));
        out.setRevision(changed.at(at->first));
      });
    });
    on.ask<raft::wire::Execute, raft::wire::Executed>([this](raft::wire::Execute::Reader ask, auto reply) {
      const auto txn = ask.getWhat().getTxn();
      bool holds = true;
      for (const auto one : txn.getConditions()) {
        const auto at = rows.find(copy(one.getKey()));
        if (one.isRevision()) holds = holds && one.getRevision() == (at == rows.end() ? 0 : changed.at(at->first));
        else
          holds =
              holds && (one.isAbsent() ? at == rows.end() : at != rows.end() && at->second == copy(one.getEquals()));
      }
      if (holds) {
        ++revision;
        for (const auto one : txn.getOperations()) {
          changed[copy(one.getKey())] = revision;
          if (one.isPut()) rows[copy(one.getKey())] = copy(one.getPut());
          else rows.erase(copy(one.getKey()));
        }
      }
      reply.send([&](raft::wire::Executed::Builder out) {
        out.setOutcome(holds ? raft::wire::Outcome::DONE : raft::wire::Outcome::CONFLICT);
        out.setRevision(revision);
      });
    });
  }
};

/// Leaders of two terms at one group.
struct Leaders {
  Leaders() {
    // As in a node, whose root starts the domains: their paths follow from that.
    fixture.start("node", {}, [this](test::Scripted& root) {
      root.spawn("raft", test::script({}, [this](test::Scripted& raft) {
                   raft.spawn("g", test::script([this](test::Scripted&, runtime::Handlers& on) { keys.receive(on); }));
                 }));
    });
    for (std::size_t i = 0; i < 2; ++i)
      fixture.start("leader" + std::to_string(i + 1), [this, i](test::Scripted& self, runtime::Handlers& on) {
        storage[i].emplace(self, Place{.kind = Place::Kind::group, .group = "g"}, "wallet", i + 1);
        on.tell<messages::wire::Nothing>([this, i](auto) { std::exchange(what, {})(*storage[i]); });
      });
    fixture.stage.settle();
  }
  /// How it ended, at the leader of that term.
  base::Outcome<void> ask(std::size_t term, std::function<void(Storage&, Storage::Then<void>)> question) {
    std::optional<base::Outcome<void>> out;
    what = [&](Storage& at) { question(at, [&](base::Outcome<void> done) { out = std::move(done); }); };
    fixture.inside([&](test::Scripted& self) {
      self.tell<messages::wire::Nothing>(self.node().find("/leader" + std::to_string(term)), [](auto) {});
    });
    REQUIRE(out);
    return *out;
  }
  base::Outcome<void> take(std::size_t term) {
    return ask(term, [](Storage& at, auto done) { at.take(std::move(done)); });
  }
  base::Outcome<void> confirm(std::size_t term) {
    return ask(term, [](Storage& at, auto done) { at.confirm(std::move(done)); });
  }
  base::Outcome<void> commit(std::size_t term, std::optional<Bytes> expected, const Bytes& head) {
    return ask(term, [&](Storage& at, auto done) {
      Storage::Commit commit{.head = {'h'}, .expected = expected};
      commit.rows[{'h'}] = head;
      at.commit(std::move(commit), std::move(done));
    });
  }

  base::Outcome<void> commit_at(std::uint64_t revision, std::optional<Bytes> head) {
    return ask(1, [&](Storage& at, auto done) {
      Storage::Commit commit{.head = {'h'}, .expected = {}, .rows = {}, .revision = revision};
      commit.rows[{'h'}] = std::move(head);
      at.commit(std::move(commit), std::move(done));
    });
  }

  Keys keys;
  std::array<std::optional<Storage>, 2> storage;
  std::function<void(Storage&)> what;
  test::ActorFixture fixture;
};

bool conflicts(const base::Outcome<void>& how) { return !how.ok() && how.error().code == Code::conflict; }

}  // namespace

TEST_CASE("durable storage: a commit of an older term is void, and so is one on a head that has changed") {
  Leaders leaders;
  CHECK(conflicts(leaders.commit(1, std::nullopt, {1})));  // before it has taken the rows
  CHECK(leaders.take(1).ok());
  CHECK(leaders.commit(1, std::nullopt, {1}).ok());
  CHECK(conflicts(leaders.commit(1, std::nullopt, {2})));
  CHECK(leaders.confirm(1).ok());
  CHECK(conflicts(leaders.confirm(2)));

  CHECK(leaders.take(2).ok());
  CHECK(leaders.take(2).ok());
  CHECK(conflicts(leaders.confirm(1)));
  CHECK(conflicts(leaders.commit(1, Bytes{1}, {2})));
  CHECK(conflicts(leaders.take(1)));
  CHECK(leaders.commit(2, Bytes{1}, {2}).ok());
  CHECK(conflicts(leaders.commit(2, Bytes{1}, {3})));
  CHECK(leaders.confirm(2).ok());
  // No key of them is one that a client lists.
  for (const auto& [key, value] : leaders.keys.rows) CHECK(key.front() == raft::kReservedKeys);
}

TEST_CASE(
    "durable storage: a head that is named by its revision is not sent again, and an old one makes a commit void") {
  Leaders leaders;
  CHECK(leaders.take(1).ok());
  CHECK(leaders.commit_at(0, Bytes{1}).ok());
  const std::uint64_t first = leaders.storage[0]->revision();
  CHECK(first > 0);
  CHECK(conflicts(leaders.commit_at(0, Bytes{2})));
  CHECK(leaders.commit_at(first, Bytes{1}).ok());  // the same bytes: another head
  CHECK(conflicts(leaders.commit_at(first, Bytes{2})));
  const auto read = [&] {
    const auto got = leaders.ask(1, [](Storage& at, auto done) {
      at.get({'h'}, [done = std::move(done)](const auto& row) mutable {
        done(row.ok() ? base::Outcome<void>() : base::Outcome<void>(row.error()));
      });
    });
    CHECK(got.ok());
    return leaders.storage[0]->revision();
  };
  CHECK(read() > first);
  CHECK(leaders.commit_at(read(), std::nullopt).ok());
  CHECK(read() == 0);
  CHECK(leaders.commit_at(0, Bytes{3}).ok());
}
