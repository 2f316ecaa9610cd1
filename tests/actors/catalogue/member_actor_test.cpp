#include "actors/catalogue/member_actor.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "messages/codec.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::catalogue;
using namespace std::chrono_literals;

namespace {

files::Cid cid(std::uint8_t number) {
  files::Cid out;
  out.bytes.fill(number);
  return out;
}

/// A member of a catalogue, at a node whose group has `files`; each load of them is noted.
struct MemberFixture : test::ActorFixture {
  explicit MemberFixture(std::uint8_t count = 0, std::set<files::Cid> without = {})
      : files_(count), lost(std::move(without)) {
    settings.self.bytes[0] = 7;
    // As in a node, whose root starts the domains: their paths follow from that.
    start("node", {}, [this](test::Scripted& root) {
      root.spawn("raft", test::script({}, [this](test::Scripted& raft) {
                   raft.spawn("group", test::script([this](test::Scripted&, runtime::Handlers& on) { serve(on); }));
                 }));
    });
    start("files", [this](test::Scripted& self, runtime::Handlers& on) { serve_files(self, on); });
    stage.settle();
    node.start("member", [this] { return std::make_unique<MemberActor>(settings, "group"); });
    stage.run_for(1s);
  }
  void serve(runtime::Handlers& on) {
    on.ask<raft::wire::RangeKeys, raft::wire::KeyRows>(
        [this](raft::wire::RangeKeys::Reader asked, runtime::Reply<raft::wire::KeyRows> reply) {
          const auto prefix = text(asked.getPrefix());
          ranged.insert(prefix);
          if (prefix == entry_prefix()) stale.push_back(asked.getStale());
          reply.send([&](raft::wire::KeyRows::Builder out) {
            out.setRevision(revision);
            auto list = out.initRows(prefix == entry_prefix() ? files_ : 0);
            if (prefix == held_prefix()) {
              list = out.initRows(static_cast<unsigned>(kept.size()));
              for (unsigned i = 0; i < list.size(); ++i) {
                list[i].setKey(data_of(base::as_bytes(held_key(kept[i], settings.self))));
                list[i].setValue(data_of(encode_held(true)));
              }
              return;
            }
            for (std::uint8_t i = 0; i < list.size(); ++i) {
              list[i].setKey(data_of(base::as_bytes(entry_key(cid(i + 1)))));
              list[i].setValue(data_of(encode(Entry{})));
            }
          });
        });
    on.ask<raft::wire::Execute, raft::wire::Executed>(
        [this](raft::wire::Execute::Reader asked, runtime::Reply<raft::wire::Executed> reply) {
          if (const auto held = read_held_key(text(asked.getWhat().getTxn().getOperations()[0].getKey())))
            kept.push_back(held->cid);
          reply.send([](raft::wire::Executed::Builder out) { out.setOutcome(raft::wire::Outcome::DONE); });
        });
    on.stream<raft::wire::WatchKeys, raft::wire::KeyChange>(
        [this](raft::wire::WatchKeys::Reader asked, runtime::Sink<raft::wire::KeyChange> to) {
          watched.insert(text(asked.getPrefix()));
          if (text(asked.getPrefix()) != entry_prefix()) return other_watches.push_back(std::move(to));
          watched_from.push_back(asked.getRevision());
          watch = std::move(to);
        });
  }
  /// The content of files that are not `lost` is at hand; what is put has the content that was read last.
  void serve_files(test::Scripted& self, runtime::Handlers& on) {
    on.stream<files::wire::ListFiles, files::wire::FileRow>(
        [this](files::wire::ListFiles::Reader, runtime::Sink<files::wire::FileRow> to) {
          for (const files::Cid& one : own)
            to.push([&](files::wire::FileRow::Builder out) { out.setCid(data_of(one.view())); });
          to.end();
        });
    on.stream<files::wire::GetFile, files::wire::GetItem>(
        [this, &self](files::wire::GetFile::Reader asked, runtime::Sink<files::wire::GetItem> to) {
          read = *files::Cid::from(bytes_of(asked.getCid()));
          tries[read].push_back(self.now());
          if (lost.contains(read)) to.fail({base::Code::not_found, "all asked nodes lack the file"});
          else to.end();
        });
    on.intake<files::wire::PutFile, files::wire::PutPiece, files::wire::PutDone>(
        [this](files::wire::PutFile::Reader, runtime::Intake<files::wire::PutPiece, files::wire::PutDone> opened) {
          put = std::move(opened);
          put.on_item([](files::wire::PutPiece::Reader) {});
          put.on_end([this](base::Result<void, base::Error> ended) {
            if (!ended.ok()) return;
            own.insert(read);
            put.reply([this](files::wire::PutDone::Builder out) { out.setCid(data_of(read.view())); });
          });
        });
  }
  static std::string text(capnp::Data::Reader data) { return std::string(base::as_text(bytes_of(data))); }
  void end_watch() {
    watch.fail({base::Code::unavailable, "no"});
    stage.run_for(2 * kRetry);
  }

  CatalogueSettings settings;
  std::uint64_t revision = 5;
  std::vector<bool> stale;
  std::vector<std::uint64_t> watched_from;
  std::set<std::string> ranged, watched;  // prefixes
  std::vector<runtime::Sink<raft::wire::KeyChange>> other_watches;
  const std::uint8_t files_;  // how many
  std::set<files::Cid> lost;
  std::map<files::Cid, std::vector<base::Instant>> tries;
  std::vector<files::Cid> kept;  // as the rows of the group say
  std::set<files::Cid> own;
  files::Cid read;
  runtime::Intake<files::wire::PutPiece, files::wire::PutDone> put;
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

TEST_CASE("catalogue: of the rows of a group a member reads and watches those of files alone") {
  MemberFixture it;
  const std::set<std::string> of_files{entry_prefix(), held_prefix()};
  CHECK(it.ranged == of_files);
  CHECK(it.watched == of_files);
}

TEST_CASE("catalogue: a file whose content is lost holds up no other, and is tried again later each time") {
  MemberFixture it(4, {cid(1), cid(3)});
  it.stage.run_for(30s);
  CHECK(it.kept == std::vector<files::Cid>{cid(2), cid(4)});
  it.stage.run_for(1h);
  for (const auto& one : {cid(1), cid(3)}) {
    const auto& tries = it.tries.at(one);
    CHECK(tries.size() > 6);
    CHECK(tries.size() < 20);
    CHECK(tries.back() - tries[tries.size() - 2] >= kRetryMax);
  }
  CHECK(it.tries.at(cid(2)).size() == 1);

  SUBCASE("it is had when it is there again") {
    it.lost.clear();
    it.stage.run_for(2 * kRetryMax);
  }
  SUBCASE("it is tried at once when its entry changes") {
    it.lost.clear();
    for (const std::uint8_t number : std::initializer_list<std::uint8_t>{1, 3})
      it.watch.push([&](raft::wire::KeyChange::Builder out) {
        out.setRevision(9);
        out.setKey(data_of(base::as_bytes(entry_key(cid(number)))));
        out.setValue(data_of(encode(Entry{.name = "again"})));
      });
    it.revision = 9;
    it.stage.run_for(4 * kRetry);
  }
  CHECK(it.kept.size() == 4);
}
