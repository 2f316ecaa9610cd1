// What is written of histories, and how much of this node their readers use.
#include <doctest/doctest.h>

#include "messages/store.capnp.h"
#include "tests/actors/registry/registry_fixture.hpp"

using namespace troupe;
using namespace troupe::registry;

namespace {

/// A store whose histories a test makes up. It keeps the keys of what is saved there.
struct FakeStore {
  using Scan = store::wire::Scan;
  using Slice = store::wire::Slice;

  std::function<void(Scan::Reader, Slice::Builder)> fill = [](Scan::Reader, Slice::Builder) {};
  bool waits = false;  ///< who reads histories is answered later
  std::vector<runtime::Reply<Slice>> waiting{};
  std::size_t scans = 0;
  std::vector<base::Bytes> saved{};

  void receive(runtime::Handlers& on) {
    on.ask<Scan, Slice>([this](Scan::Reader scan, runtime::Reply<Slice> reply) {
      if (text_of(scan.getKeyspace()) != kHistoryRows || scan.getFrom().size() <= 1)
        return reply.send([](Slice::Builder) {});
      ++scans;
      if (waits) waiting.push_back(std::move(reply));
      else reply.send([&](Slice::Builder out) { fill(scan, out); });
    });
    on.ask<store::wire::Commit, messages::wire::Nothing>(
        [this](store::wire::Commit::Reader commit, runtime::Reply<messages::wire::Nothing> reply) {
          for (const auto row : commit.getRows())
            if (text_of(row.getKeyspace()) == kHistoryRows && row.getValue().isPut())
              saved.emplace_back(row.getKey().begin(), row.getKey().end());
          reply.done();
        });
  }
  void answer() {
    for (auto& reply : std::exchange(waiting, {})) reply.send([](Slice::Builder) {});
  }
};

struct HistoryFixture {
  // Before the node ends, and while those are there who are answered then.
  ~HistoryFixture() {
    store.waiting.clear();
    node.stage.settle();
  }
  FakeStore store;
  RegistryFixture node{[this](test::Scripted&, runtime::Handlers& on) { store.receive(on); }};

  runtime::Envelope read(const base::NodeId& asker, const char* at, const base::NodeId& of) {
    auto& from =
        askers.emplace_back(std::make_unique<test::ForeignActor>(node, asker, Role::peer, base::Endpoint::parse(at)));
    return from->ask<wire::GetHistory>(node.registry,
                                       [&](wire::GetHistory::Builder out) { out.setNode(data_of(of.view())); });
  }
  std::vector<std::unique_ptr<test::ForeignActor>> askers{};
};

constexpr const char* kSite = "198.51.100.7:4000";

}  // namespace

TEST_CASE("history: a node that is displaced from the histories again and again has no row for each time") {
  HistoryFixture it;
  const TestNode key(1);
  // As many ids as there are histories and one more, the farthest from this node first.
  std::vector<std::pair<base::NodeId, std::uint32_t>> all;
  for (std::uint32_t nonce = 0; nonce <= kHistoriesMax; ++nonce)
    all.emplace_back(base::distance(it.node.settings.identity->id(), crypto::node_id(key.beat().key, nonce)), nonce);
  std::ranges::sort(all, std::greater());
  std::size_t taken_so_far = 0;
  for (const auto& [distance, nonce] : all) {
    Heartbeat said = key.beat(it.node.ms());
    said.nonce = nonce;
    test::ForeignActor own(it.node, said.id(), Role::peer);
    REQUIRE(taken(it.node.beat(own, sign(said, key.identity->key()))));
    if (++taken_so_far % 128 == 0) it.node.stage.run_for(1s);  // of the budget of signatures
  }
  it.node.stage.run_for(1s);
  CHECK(it.store.saved.empty());
}

TEST_CASE("history: ids of one site, however near, leave places to nodes of others") {
  HistoryFixture it;
  const TestNode key(1);
  std::vector<std::pair<base::NodeId, std::uint32_t>> all;
  for (std::uint32_t nonce = 0; nonce <= kHistoriesMax; ++nonce)
    all.emplace_back(base::distance(it.node.settings.identity->id(), crypto::node_id(key.beat().key, nonce)), nonce);
  std::ranges::sort(all);
  const auto beat = [&](std::uint32_t nonce, const char* at) {
    Heartbeat said = key.beat(it.node.ms());
    said.nonce = nonce;
    test::ForeignActor own(it.node, said.id(), Role::peer, base::Endpoint::parse(at));
    return taken(it.node.beat(own, sign(said, key.identity->key())));
  };
  const std::uint32_t farthest = all.back().second;
  all.pop_back();
  std::size_t taken_so_far = 0;
  for (const auto& [distance, nonce] : all) {
    REQUIRE(beat(nonce, kSite));
    if (++taken_so_far % 64 == 0) it.node.stage.run_for(1s);  // of the budget of signatures
  }
  const base::NodeId id = crypto::node_id(key.beat().key, farthest);
  const auto blocks = [&] {
    const auto answer = it.read(TestNode(2).id(), "192.0.2.1:4000", id);
    REQUIRE(answer.kind() == &messages::kind_of<wire::History>());
    return runtime::Envelope::Reading<wire::History>(answer).root().getBlocks().size();
  };
  REQUIRE(beat(farthest, "203.0.113.1:4000"));
  CHECK(blocks() == 1);
  // It is the farthest, and stays: those of the crowd displace each other.
  Heartbeat said = key.beat(it.node.ms());
  said.nonce = kHistoriesMax + 1;
  for (; base::distance(it.node.settings.identity->id(), said.id()) > all.back().first; ++said.nonce) {
  }
  REQUIRE(beat(said.nonce, kSite));
  CHECK(blocks() == 1);
}

TEST_CASE("history: each hour of a node is one row") {
  HistoryFixture it;
  const TestNode node(1);
  test::ForeignActor own(it.node, node.id(), Role::peer);
  for (int minute = 0; minute < 130; ++minute) {
    REQUIRE(taken(it.node.beat(own, node.signed_beat(it.node.ms()))));
    it.node.stage.run_for(60s);
  }
  CHECK(it.store.saved.size() == 2);
}

TEST_CASE("history: a reader of rows without end is told the last ones of as many as are read") {
  HistoryFixture it;
  const TestNode asker(1), of(2);
  constexpr std::size_t kRows = 64, kBytes = 4'096;
  std::uint32_t row = 0;
  it.store.fill = [&](FakeStore::Scan::Reader scan, FakeStore::Slice::Builder out) {
    auto rows = out.initRows(kRows);
    for (unsigned i = 0; i < kRows; ++i, ++row) {
      base::Bytes key(of.id().view().begin(), of.id().view().end());
      for (int shift = 24; shift >= 0; shift -= 8) key.push_back(static_cast<std::uint8_t>(row >> shift));
      base::Bytes value(kBytes);
      value[0] = static_cast<std::uint8_t>(row);
      value[1] = static_cast<std::uint8_t>(row >> 8);
      rows[i].setKey(data_of(key));
      rows[i].setValue(data_of(value));
    }
    REQUIRE(it.store.scans < 100);
    base::Bytes next(scan.getFrom().begin(), scan.getFrom().end());
    next.back() = static_cast<std::uint8_t>(next.back() + 1);
    out.setMore(true);
    out.setNext(data_of(next));
  };
  const auto answer = it.read(asker.id(), kSite, of.id());
  REQUIRE(answer.kind() == &messages::kind_of<wire::History>());
  CHECK(it.store.scans == 9);
  CHECK(answer.bytes().size() < 1u << 20);
  CHECK(answer.bytes().size() > 900u << 10);
}

TEST_CASE("history: readers have places by site, and a place is free once its walk has ended") {
  HistoryFixture it;
  const TestNode of(1), other(2);
  it.store.waits = true;
  const auto is_refused = [&](const base::NodeId& asker, const char* at) {
    const std::size_t before = it.store.waiting.size();
    const auto answer = it.read(asker, at, of.id());
    return it.store.waiting.size() == before && refused(answer, base::Code::overloaded);
  };
  const auto crowd = [&] {
    std::size_t refusals = 0;
    for (std::uint8_t i = 10; i < 110; ++i) refusals += is_refused(TestNode(i).id(), kSite);
    return refusals;
  };
  CHECK(crowd() == 100 - RegistryActor::kWalksMax / 2);
  CHECK(it.store.waiting.size() == RegistryActor::kWalksMax / 2);
  // Their askers have given up by now, and what they asked for is still being read.
  it.node.stage.run_for(9s);
  CHECK(crowd() == 100);
  CHECK_FALSE(is_refused(other.id(), "203.0.113.1:4000"));
  it.store.answer();
  it.node.stage.settle();
  CHECK(crowd() == 100 - RegistryActor::kWalksMax / 2);
}
