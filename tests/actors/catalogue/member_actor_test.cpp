#include "actors/catalogue/member_actor.hpp"

#include <doctest/doctest.h>

#include "messages/words.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::catalogue;
using namespace std::chrono_literals;

namespace {

/// A member of a catalogue, at a node whose group has no rows; each load of them is noted.
struct MemberFixture : test::ActorFixture {
  MemberFixture() {
    settings.self.bytes[0] = 7;
    // As in a node, whose root starts the domains: their paths follow from that.
    start("node", {}, [this](test::Scripted& root) {
      root.spawn("raft", test::script({}, [this](test::Scripted& raft) {
                   raft.spawn("group", test::script([this](test::Scripted&, runtime::Handlers& on) { serve(on); }));
                 }));
    });
    start("files", [](test::Scripted&, runtime::Handlers& on) {
      on.stream<files::wire::ListFiles, files::wire::FileRow>(
          [](files::wire::ListFiles::Reader, runtime::Sink<files::wire::FileRow> to) { to.end(); });
    });
    stage.settle();
    node.start("member", [this] { return std::make_unique<MemberActor>(settings, "group"); });
    stage.run_for(1s);
  }
  void serve(runtime::Handlers& on) {
    on.ask<raft::wire::RangeKeys, raft::wire::KeyRows>(
        [this](raft::wire::RangeKeys::Reader asked, runtime::Reply<raft::wire::KeyRows> reply) {
          stale.push_back(asked.getStale());
          reply.send([this](raft::wire::KeyRows::Builder out) { out.setRevision(revision); });
        });
    on.stream<raft::wire::WatchKeys, raft::wire::KeyChange>(
        [this](raft::wire::WatchKeys::Reader asked, runtime::Sink<raft::wire::KeyChange> to) {
          watched_from.push_back(asked.getRevision());
          watch = std::move(to);
        });
  }
  void end_watch() {
    watch.fail({base::Code::unavailable, "no"});
    stage.run_for(2 * kRetry);
  }

  CatalogueSettings settings;
  std::uint64_t revision = 5;
  std::vector<bool> stale;
  std::vector<std::uint64_t> watched_from;
  runtime::Sink<raft::wire::KeyChange> watch;
};

}  // namespace

TEST_CASE("catalogue: the leader is asked for all rows once, then this member, so that a group may sleep") {
  MemberFixture it;
  CHECK(it.stale == std::vector<bool>{false});
  CHECK(it.watched_from == std::vector<std::uint64_t>{6});
  it.stage.run_for(kWatchIdle + 2 * kRetry);
  CHECK(it.stale == std::vector<bool>{false, true});
  CHECK(it.watched_from == std::vector<std::uint64_t>{6, 6});
}

TEST_CASE("catalogue: what this member shows is not taken if it is older than what was seen, and the leader is asked") {
  MemberFixture it;
  it.watch.push([](raft::wire::KeyChange::Builder out) {
    out.setRevision(9);
    out.setKey(data_of(base::as_bytes("x")));
  });
  it.stage.run_for(1s);
  it.end_watch();  // the rows are of revision 5
  CHECK(it.stale == std::vector<bool>{false, true, false});
  CHECK(it.watched_from.size() == 2);
  it.revision = 10;
  it.end_watch();
  CHECK(it.stale.back());
  CHECK(it.watched_from.back() == 11);
}
