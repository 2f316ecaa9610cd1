// Rows of an actor in virtual time, with a store that fails as the test says.
#include "runtime/store/rows.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "messages/codec.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/runtime/store/reasons.hpp"

using namespace troupe;
using namespace troupe::store;
using namespace std::chrono_literals;
using base::Bytes;
using base::Code;
using messages::wire::Nothing;
using test::ActorFixture;
using test::Scripted;

namespace {

using OnDisk = std::map<Bytes, Bytes>;
using Ended = std::vector<std::optional<Code>>;  // nothing: it went well

std::optional<Code> code_of(const base::Outcome<void>& how) {
  return how.ok() ? std::nullopt : std::optional(how.error().code);
}
Bytes copy(capnp::Data::Reader data) { return {data.begin(), data.end()}; }

class Owner final : public runtime::Actor {
 public:
  static constexpr const char* kName = "owner";
  Owner(Rows::Setup setup, std::function<void(Owner&)> begin)
      : rows(*this, std::move(setup)), begin_(std::move(begin)) {}

  void receive(runtime::Handlers& on) override {
    rows.receive<Again>(on);
    on.tell<Nothing>([this](Nothing::Reader) { std::exchange(order, {})(*this); });
  }
  void start() override { begin_(*this); }
  void stop() override { rows.stop(); }
  void check() const override { rows.check(); }

  Rows rows;
  std::function<void(Owner&)> order;

 private:
  struct Again {};
  std::function<void(Owner&)> begin_;
};

struct RowsFixture {
  RowsFixture() {
    setup.store = "/store";
    setup.keyspace = "test";
    setup.what = "the rows of the test";
    setup.source = "test.rows";
    setup.health = &told.health;
    actors.start("store", [this](Scripted&, runtime::Handlers& on) { serve(on); });
  }

  void open() {
    const auto make = [this] {
      auto made = std::make_unique<Owner>(setup, [this](Owner& self) { load(self); });
      owner = made.get();
      return made;
    };
    actors.start(
        "parent", [](Scripted&, runtime::Handlers&) {},
        [this, make](Scripted& self) {
          parent = &self;
          handle = self.spawn("owner", make);
        });
    actors.stage.settle();
  }
  void load(Owner& self) {
    self.rows.load(
        [this](base::ByteView key, base::ByteView value) {
          taken.emplace_back(key.begin(), key.end());
          return value.empty() ? Use::erase : Use::keep;
        },
        [this](const base::Outcome<void>& how) { loaded.push_back(code_of(how)); });
  }
  void inside(std::function<void(Owner&)> what) {
    owner->order = std::move(what);
    actors.inside([this](Scripted& self) { self.tell<Nothing>(handle, [](auto) {}); });
  }
  Rows::Done note() {
    return [this](const base::Outcome<void>& how) { ended.push_back(code_of(how)); };
  }
  void pass(base::Duration span) { actors.stage.run_for(span); }

  Reasons told;
  Rows::Setup setup;
  OnDisk disk;
  std::optional<base::Error> scans_fail, commits_fail;
  std::size_t slice_rows = 2;
  bool leads_back = false, silent = false, erasures_pass = false;
  std::size_t scans = 0, commits = 0;
  std::vector<std::size_t> commit_rows;
  std::vector<std::uint64_t> leave;
  std::vector<Bytes> taken;
  Ended loaded, ended;
  ActorFixture actors;
  Scripted* parent = nullptr;
  Owner* owner = nullptr;
  runtime::Handle handle;
  std::vector<runtime::Reply<Nothing>> kept;

 private:
  void serve(runtime::Handlers& on) {
    on.ask<wire::Scan, wire::Slice>([this](wire::Scan::Reader scan, runtime::Reply<wire::Slice> reply) {
      ++scans;
      if (scans_fail) return reply.refuse(*scans_fail);
      reply.send([&](wire::Slice::Builder out) {
        auto at = disk.lower_bound(copy(scan.getFrom()));
        const auto left = static_cast<std::size_t>(std::distance(at, disk.end()));
        auto list = out.initRows(static_cast<unsigned>(std::min(left, slice_rows)));
        for (unsigned i = 0; i < list.size(); ++i, ++at) {
          list[i].setKey(data_of(at->first));
          list[i].setValue(data_of(at->second));
        }
        out.setMore(at != disk.end());
        if (at != disk.end()) out.setNext(data_of(leads_back ? Bytes() : at->first));
      });
    });
    on.ask<wire::Get, wire::Found>([this](wire::Get::Reader get, runtime::Reply<wire::Found> reply) {
      if (scans_fail) return reply.refuse(*scans_fail);
      const auto row = disk.find(copy(get.getKey()));
      if (row == disk.end()) return reply.refuse({Code::not_found, "no such row"});
      reply.send([&](wire::Found::Builder out) { out.setValue(data_of(row->second)); });
    });
    on.ask<wire::Commit, Nothing>([this](wire::Commit::Reader commit, runtime::Reply<Nothing> reply) {
      ++commits;
      commit_rows.push_back(commit.getRows().size());
      leave.push_back(commit.getLeave());
      const bool erases = commit.getRows().size() > 0 && commit.getRows()[0].getValue().isErase();
      if (commits_fail && !(erasures_pass && erases)) return reply.refuse(*commits_fail);
      for (const auto row : commit.getRows()) {
        CHECK(row.getKeyspace() == "test");
        if (row.getValue().isErase()) disk.erase(copy(row.getKey()));
        else disk[copy(row.getKey())] = copy(row.getValue().getPut());
      }
      if (silent) return kept.push_back(std::move(reply));
      reply.done();
    });
  }
};

RowChange saved(std::uint8_t key, std::uint8_t value = 1) { return {.save = {{{key}, {value}}}, .erase = {}}; }

const base::Error kNoDevice{Code::unavailable, "no device", {}};
const base::Error kFull{Code::no_space, "the disk is full", {}};
const base::Error kRotten{Code::corrupt, "000012.ldb is damaged", {}};

}  // namespace

TEST_CASE("rows: all slices are read, and what is of no use is erased") {
  RowsFixture one;
  for (std::uint8_t key = 0; key < 7; ++key) one.disk[{key}] = {key};
  one.disk[{3}] = one.disk[{6}] = {};
  one.open();
  CHECK(one.taken.size() == 7);
  CHECK(one.loaded == Ended{std::nullopt});
  CHECK(one.disk.size() == 5);
  CHECK(one.owner->rows.complete());
  CHECK(one.told.changes == 0);
}

TEST_CASE("rows: a store that cannot be read is a reason of health with its cause, until it can") {
  RowsFixture one;
  for (std::uint8_t key = 0; key < 5; ++key) one.disk[{key}] = {1};
  one.scans_fail = kNoDevice;
  one.open();
  CHECK(one.told.reason("test.rows") == "the rows of the test cannot be read: no device");
  CHECK(one.told.health.state() == observe::HealthState::failing);
  CHECK(one.owner->rows.refusal().code == Code::unavailable);
  CHECK(one.owner->rows.refusal().retry_after == kRetryMin);

  SUBCASE("for as long as it takes, asked less and less often") {
    one.pass(60s);
    CHECK(one.scans <= 16);
    CHECK(one.told.changes == 1);
    CHECK(one.loaded.empty());
    one.scans_fail.reset();
    one.pass(kRetryMax);
    CHECK(one.loaded == Ended{std::nullopt});
    CHECK(one.taken.size() == 5);
    CHECK(one.told.health.state() == observe::HealthState::ok);
  }
  SUBCASE("which is said once it is known, to those who wait for it") {
    bool settled = false;
    one.inside([&](Owner& self) { self.rows.when_settled([&] { settled = true; }); });
    CHECK(settled);
  }
}

TEST_CASE("rows: damaged rows are not asked for again, and the owner is told") {
  RowsFixture one;
  for (std::uint8_t key = 0; key < 5; ++key) one.disk[{key}] = {1};
  SUBCASE("by the store") {
    one.scans_fail = kRotten;
    one.open();
    CHECK(one.owner->rows.refusal().message == "the rows of the test cannot be read: 000012.ldb is damaged");
  }
  SUBCASE("by a slice that leads back") {
    one.leads_back = true;
    one.open();
    CHECK(one.taken.empty());
  }
  CHECK(one.loaded == Ended{Code::corrupt});
  CHECK(one.owner->rows.refusal().code == Code::corrupt);
  one.pass(10min);
  CHECK(one.scans == 1);
  CHECK_FALSE(one.told.reason("test.rows").empty());
  CHECK(one.loaded.size() == 1);
}

TEST_CASE("rows: an owner that goes on without its rows is told after its patience, and a write clears the reason") {
  RowsFixture one;
  one.setup.unread = Unread::goes_on;
  one.scans_fail = kNoDevice;
  one.open();
  one.pass(kLoadPatience);
  CHECK(one.loaded == Ended{Code::unavailable});
  const auto scans = one.scans;
  one.pass(60s);
  CHECK(one.scans == scans);
  CHECK_FALSE(one.told.reason("test.rows").empty());
  one.inside([](Owner& self) { self.rows.write(saved(1)); });
  CHECK(one.told.reason("test.rows").empty());
}

TEST_CASE("rows: what is saved for strangers leaves a part of the device free, what is erased or own does not") {
  RowsFixture one;
  one.setup.leave = 1'000;
  one.setup.leave_kept = 700;
  one.open();
  one.inside([&](Owner& self) {
    self.rows.save_row({1}, saved(1), one.note(), Whose::strangers);
    self.rows.save_row({1}, RowChange{.save = {}, .erase = {{1}}}, one.note(), Whose::strangers);
    self.rows.save_row({2}, saved(2), one.note());
    self.rows.save(std::make_shared<const RowChange>(saved(3)), one.note(), {}, Whose::strangers);
    self.rows.save_row({5}, saved(5), one.note(), Whose::strangers_kept);
    self.rows.write(saved(4));
  });
  CHECK(one.ended == Ended(5));
  CHECK(one.leave == std::vector<std::uint64_t>{1'000, 0, 0, 1'000, 700, 0});
}

TEST_CASE("rows: a change is saved in one commit if it fits, and the owner is told how it ended") {
  RowsFixture one;
  one.disk[{9}] = {1};
  one.open();
  SUBCASE("well") {
    one.inside([&](Owner& self) { self.rows.save(RowChange{.save = {{{1}, {2}}}, .erase = {{9}}}, one.note()); });
    CHECK(one.ended == Ended{std::nullopt});
    CHECK(one.disk == OnDisk{{{1}, {2}}});
    CHECK(one.commits == 1);
  }
  SUBCASE("with a value that its owner keeps as well") {
    RowChange change = saved(1);
    change.shared.push_back({{3}, std::make_shared<const base::Bytes>(base::Bytes{4})});
    const OnDisk both{{{1}, change.save.front().value}, {{3}, {4}}, {{9}, {1}}};
    one.inside([&](Owner& self) { self.rows.save(change, one.note()); });
    CHECK(one.ended == Ended{std::nullopt});
    CHECK(one.disk == both);
    CHECK(one.commits == 1);
  }
  SUBCASE("with nothing to do") {
    one.inside([&](Owner& self) { self.rows.save(RowChange(), one.note()); });
    CHECK(one.ended == Ended{std::nullopt});
    CHECK(one.commits == 0);
  }
  SUBCASE("not at all, which is no reason of health: the store has its own") {
    one.commits_fail = kFull;
    one.inside([&](Owner& self) { self.rows.save(saved(1), one.note()); });
    CHECK(one.ended == Ended{Code::no_space});
    CHECK(one.told.changes == 0);
  }
  SUBCASE("as nobody knows") {
    one.silent = true;
    one.inside([&](Owner& self) { self.rows.save(saved(1), one.note()); });
    one.pass(kSaveDue);
    CHECK(one.ended == Ended{Code::unknown_outcome});
  }
}

TEST_CASE("rows: of a large change what is saved goes first, and meets what is erased in one commit") {
  RowsFixture one;
  one.open();
  RowChange large;
  for (std::size_t i = 0; i < kSaveRows + 10; ++i) {
    const Bytes key{1, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    large.save.push_back({key, {1}});
    large.erase.push_back({2, key[1], key[2]});
  }
  one.inside([&](Owner& self) { self.rows.save(large, one.note()); });
  CHECK(one.ended == Ended{std::nullopt});
  CHECK(one.commit_rows == std::vector<std::size_t>{kSaveRows, 10 + kSaveRows, 10});
  CHECK(one.disk.size() == kSaveRows + 10);
}

TEST_CASE("rows: an owner whose doubt ends it reads its rows anew") {
  RowsFixture one;
  one.setup.doubt = Doubt::ends_owner;
  one.open();
  one.silent = true;
  one.inside([&](Owner& self) { self.rows.save(saved(1), one.note()); });
  one.pass(kSaveDue + 1min);
  CHECK(one.ended.empty());
  CHECK(one.loaded.size() == 2);
  CHECK(one.taken == std::vector<Bytes>{{1}});
}

TEST_CASE("rows: what changes nothing waits for the change of that row that is under way") {
  RowsFixture one;
  one.open();
  one.silent = true;
  one.inside([&](Owner& self) {
    self.rows.save_row({1}, saved(1), one.note());
    self.rows.save_row({1}, {}, one.note());
    self.rows.save_row({2}, {}, one.note());
    CHECK(self.rows.changing({1}));
  });
  CHECK(one.ended.size() == 1);                             // of row 2
  one.actors.inside([&](Scripted&) { one.kept.clear(); });  // dropped: without an answer
  CHECK(one.ended == Ended{std::nullopt, Code::unknown_outcome, Code::unknown_outcome});
  CHECK_FALSE(one.owner->rows.changing({1}));
}

TEST_CASE("rows: what is written behind is tried again until the store takes it") {
  RowsFixture one;
  one.open();
  one.commits_fail = kFull;
  one.inside([&](Owner& self) { self.rows.write(saved(1)); });
  for (std::uint8_t key = 2; key < 50; ++key) one.inside([&](Owner& self) { self.rows.write(saved(key)); });
  CHECK(one.commits == 1);
  CHECK(one.told.reason("test.rows") == "the rows of the test cannot be saved: the disk is full");
  one.pass(60s);
  CHECK(one.commits <= 16);
  CHECK(one.owner->rows.writes_failed() == one.commits);
  one.commits_fail.reset();
  one.pass(kRetryMax);
  CHECK(one.disk.size() == 49);
  CHECK(one.told.reason("test.rows").empty());
}

TEST_CASE("rows: who waits for an erasure hears of its end, or that it failed once") {
  RowsFixture one;
  one.disk[{9}] = {1};
  one.open();
  const auto erase = [&](Owner& self) { self.rows.write({.save = {}, .erase = {{9}}}, one.note()); };
  SUBCASE("done") {
    one.inside(erase);
    CHECK(one.ended == Ended{std::nullopt});
  }
  SUBCASE("failed, and done later") {
    one.commits_fail = kFull;
    one.inside(erase);
    CHECK(one.ended == Ended{Code::no_space});
    one.commits_fail.reset();
    one.pass(kRetryMax);
  }
  CHECK(one.disk.empty());
}

TEST_CASE("rows: who waits for an erasure waits for no commit of values") {
  RowsFixture one;
  one.disk[{1}] = {1};
  one.open();
  one.silent = true;
  one.inside([](Owner& self) { self.rows.write(saved(1)); });
  one.silent = false;  // but that one is not answered
  one.inside([&](Owner& self) { self.rows.write({.save = {}, .erase = {{1}}}, one.note()); });
  CHECK(one.ended == Ended{std::nullopt});
  CHECK(one.disk.empty());
  one.actors.inside([&](Scripted&) { one.kept.clear(); });  // the values are not written, and do not come back
  one.pass(kRetryMax);
  CHECK(one.disk.empty());
}

TEST_CASE("rows: what waits behind a commit is the last word of an owner that is stopped") {
  RowsFixture one;
  one.open();
  one.silent = true;
  one.inside([](Owner& self) {
    self.rows.write(saved(1));
    self.rows.write(saved(2));
  });
  CHECK(one.disk.size() == 1);
  one.actors.inside([&](Scripted&) { one.parent->stop_child(one.handle); });
  CHECK(one.disk.size() == 2);
  one.actors.inside([&](Scripted&) { one.kept.clear(); });
}

TEST_CASE("rows: a reason of health stays while erasures are taken and values are not") {
  RowsFixture one;
  one.open();
  one.commits_fail = kFull;
  one.inside([&](Owner& self) { self.rows.write(saved(1)); });
  one.pass(1s);
  CHECK(one.told.health.reasons().size() == 1);
  one.erasures_pass = true;
  one.inside([&](Owner& self) { self.rows.write({.save = {}, .erase = {{7}}}); });
  one.pass(1s);
  CHECK(one.told.health.reasons().size() == 1);
  one.commits_fail.reset();
  one.pass(kRetryMax);
  CHECK(one.told.health.reasons().empty());
}

TEST_CASE("rows: without a store nothing is read, and all is saved") {
  RowsFixture one;
  one.setup.store.clear();
  one.disk[{9}] = {1};
  one.open();
  CHECK(one.loaded == Ended{std::nullopt});
  one.inside([&](Owner& self) {
    self.rows.save(saved(1), one.note());
    self.rows.write(saved(2), one.note());
  });
  CHECK(one.ended == Ended{std::nullopt, std::nullopt});
  CHECK(one.scans + one.commits == 0);
}
