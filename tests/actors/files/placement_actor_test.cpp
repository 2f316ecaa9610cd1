// Files where there is a DHT: where contents go, and what is told of them. The DHT itself is a script.
#include <doctest/doctest.h>

#include <algorithm>

#include "actors/files/announce_actor.hpp"
#include "tests/actors/files/files_cluster.hpp"

using namespace troupe;
using namespace troupe::files;

namespace {

/// What one node's DHT knows: every member, if it wants to, and what it was told to keep announced. Survives its node.
struct Directory {
  std::size_t finds_max = 20;
  std::size_t searches = 0;          // for nodes
  bool takes = true;                 // announcements
  std::set<base::NodeId> refused{};  // those that it never takes
  std::set<base::NodeId> announced{};
};

/// A cluster whose nodes know each other through their DHT alone.
struct City {
  explicit City(std::size_t count, std::function<void(FilesSettings&)> tune = {})
      : directories(count), cluster(count, std::move(tune)) {
    for (std::size_t i = 0; i < count; ++i) {
      cluster[i].lonely = true;
      cluster[i].dht = [this, i](test::Scripted&, runtime::Handlers& on) { act(i, on); };
      cluster[i].republish = [this, i](test::Scripted&, runtime::Handlers& on) { keep(directories[i], on); };
      cluster.restart(i);
    }
  }
  std::vector<std::size_t> nearest_houses(const base::NodeId& position) {
    std::vector<std::size_t> out(cluster.members.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = i;
    std::ranges::sort(out, {}, [&](std::size_t i) { return base::distance(cluster[i].id(), position); });
    return out;
  }
  bool holds(std::size_t i, const ContentKey& key) {
    bool out = false;
    cluster.ask<wire::HasContents, wire::Has>(
        i, kHolderPath, [&](wire::HasContents::Builder question) { write(question.initContents(1)[0], key); },
        [&](wire::Has::Reader has) { out = has.getPresent()[0]; });
    return out;
  }
  std::vector<ContentKey> contents(std::size_t i) {
    std::vector<ContentKey> out;
    cluster.ask<wire::ListHeld, wire::HeldContents>(
        i, kHolderPath, [](auto) {},
        [&](wire::HeldContents::Reader held) {
          for (const auto one : held.getContents()) out.push_back(read_content(one).value());
        });
    return out;
  }
  std::set<base::NodeId> positions(std::size_t i) {
    std::set<base::NodeId> out;
    for (const ContentKey& key : contents(i)) out.insert(key.position());
    return out;
  }

  std::vector<Directory> directories;
  FilesCluster cluster;

 private:
  void act(std::size_t self, runtime::Handlers& on) {
    Directory& own = directories[self];
    on.ask<dht::wire::Search, dht::wire::SearchResult>(
        [this, self, &own](dht::wire::Search::Reader search, runtime::Reply<dht::wire::SearchResult> reply) {
          const auto goal = search.getGoal();
          if (goal.isRegion()) {
            const auto region = goal.getRegion();  // once: each reading counts against the message's limit
            reply.send([&](dht::wire::SearchResult::Builder out) {
              auto items = out.initItems(region.size());
              for (unsigned i = 0; i < items.size(); ++i) {
                const auto key = *base::NodeId::from(bytes_of(region[i].getKey()));
                items.set(i, own.takes && !own.refused.contains(key));
                if (items[i]) own.announced.insert(key);
              }
            });
            return;
          }
          if (goal.isProvide()) {
            if (own.takes && search.getKeep()) own.announced.insert(*base::NodeId::from(bytes_of(search.getKey())));
            return reply.send([&](dht::wire::SearchResult::Builder out) {
              out.setStores(2);
              out.setNeeded(1);
              out.setStored(own.takes ? 2 : 0);
            });
          }
          own.searches += goal.isNodes();
          std::vector<base::Contact> found;
          for (const std::size_t i : nearest_houses(*base::NodeId::from(bytes_of(search.getKey())))) {
            if (i == self || !cluster[i].up || found.size() == own.finds_max) continue;
            found.push_back({cluster[i].identity->public_key(), 0, *cluster[i].address});
          }
          reply.send([&](dht::wire::SearchResult::Builder out) {
            auto list = out.initNearest(static_cast<unsigned>(found.size()));
            for (unsigned i = 0; i < list.size(); ++i) messages::write_contact(list[i], found[i]);
          });
        });
    on.ask<dht::wire::GetTable, dht::wire::TableRows>([this](auto, runtime::Reply<dht::wire::TableRows> reply) {
      reply.send([&](dht::wire::TableRows::Builder out) { out.setNodes(cluster.members.size()); });
    });
    on.tell<dht::wire::Withdrawn>([&own](dht::wire::Withdrawn::Reader what) {
      CHECK(what.getWhat() == dht::kProviderNumber);
      own.announced.erase(*base::NodeId::from(bytes_of(what.getKey())));
    });
  }
  static void keep(Directory& own, runtime::Handlers& on) {
    on.ask<dht::wire::ListPublished, dht::wire::PublishedKeys>(
        [&own](dht::wire::ListPublished::Reader question, runtime::Reply<dht::wire::PublishedKeys> reply) {
          const auto behind = base::NodeId::from(bytes_of(question.getBehind()));
          auto at = behind ? own.announced.upper_bound(*behind) : own.announced.begin();
          std::vector<base::NodeId> keys;
          for (; at != own.announced.end() && keys.size() < 3; ++at) keys.push_back(*at);
          reply.send([&](dht::wire::PublishedKeys::Builder out) {
            write_nodes(out.initKeys(size32(keys)), keys);
            out.setMore(at != own.announced.end());
          });
        });
  }
};

/// Bytes of which no chunk is one of pattern().
base::Bytes unlike(std::size_t size, std::uint8_t salt) {
  base::Bytes out = pattern(size);
  for (std::uint8_t& byte : out) byte ^= salt;
  return out;
}

}  // namespace

TEST_CASE("files: contents go to the nodes nearest to them, whom nobody but the DHT knows") {
  City city(9);
  const base::Bytes bytes = pattern(40 * kOneChunk);
  const PutOutcome put = city.cluster.put(0, bytes, 3);
  REQUIRE(!put.error);
  CHECK(put.reached == 3);
  std::set<ContentKey> all;
  for (std::size_t i = 0; i < 9; ++i) {
    const auto held = city.contents(i);
    all.insert(held.begin(), held.end());
  }
  CHECK(all.size() == 41);
  for (const ContentKey& key : all) {
    const auto order = city.nearest_houses(key.position());
    for (std::size_t i = 0; i < 9; ++i) CHECK(city.holds(order[i], key) == (i < 3));
  }
  // In a network of few nodes some searches tell of all of it.
  CHECK(city.directories[0].searches <= 6);
  CHECK(city.cluster.get(8, put.cid).bytes == bytes);
  CHECK(city.cluster.failures().empty());
}

TEST_CASE("files: a DHT that finds too few leaves those whom the node knows otherwise") {
  City city(6);
  for (std::size_t i = 0; i < 6; ++i) city.cluster[i].lonely = false;
  city.directories[0].finds_max = 0;
  SUBCASE("nobody") {}
  SUBCASE("one") { city.directories[0].finds_max = 1; }
  const PutOutcome put = city.cluster.put(0, pattern(10 * kOneChunk), 4);
  REQUIRE(!put.error);
  CHECK(put.reached == 4);
  CHECK(city.cluster.get(5, put.cid).bytes == pattern(10 * kOneChunk));
}

TEST_CASE("files: that linked nodes lack a file says little where the DHT heard nobody") {
  City city(3);
  for (std::size_t i = 0; i < 3; ++i) city.cluster[i].lonely = false;
  CHECK(city.cluster.get(1, Cid{}).error->code == base::Code::not_found);
  city.directories[1].finds_max = 0;
  CHECK(city.cluster.get(1, Cid{}).error->code == base::Code::unavailable);
}

TEST_CASE("files: the watch brings lost copies to the nodes nearest to them") {
  City city(8);
  const PutOutcome put = city.cluster.put(0, pattern(20 * kOneChunk), 3);
  REQUIRE(put.reached == 3);
  const ContentKey manifest = ContentKey::manifest(put.cid);
  const auto order = city.nearest_houses(manifest.position());
  std::size_t gone = order[0] == 0 ? order[1] : order[0];
  city.cluster.kill(gone);
  city.cluster.stage.run_for(10min);
  CHECK(city.cluster.list(0)[0].live == 3);
  CHECK(city.holds(order[3], manifest));
  CHECK(city.cluster.get(7 == gone ? 6 : 7, put.cid).bytes == pattern(20 * kOneChunk));
  CHECK(city.cluster.failures().empty());
}

TEST_CASE("files: an operator announces what this node holds, and nothing else") {
  City city(3);
  const PutOutcome put = city.cluster.put(0, pattern(3 * kOneChunk), 1);
  REQUIRE(!put.error);
  const ContentKey manifest = ContentKey::manifest(put.cid);
  const std::size_t home = city.holds(0, manifest) ? 0 : city.holds(1, manifest) ? 1 : 2;
  base::Bytes digest;
  const auto provide = [&](std::size_t i, base::ByteView cid) {
    const auto why = city.cluster.ask<dht::wire::Provide, dht::wire::PutDone>(
        i, kAnnouncePath, [&](dht::wire::Provide::Builder request) { request.setCid(data_of(cid)); },
        [&](dht::wire::PutDone::Reader done) { digest.assign(done.getDigest().begin(), done.getDigest().end()); });
    return why ? std::optional(why->code) : std::nullopt;
  };
  city.cluster.stage.run_for(5s);  // all that was put is announced
  for (Directory& each : city.directories) each.announced.clear();
  SUBCASE("of what it holds") {
    CHECK(provide(home, put.cid.view()) == std::nullopt);
    CHECK(digest == base::Bytes(put.cid.view().begin(), put.cid.view().end()));
    CHECK(city.directories[home].announced.contains(manifest.position()));
  }
  SUBCASE("of what another node holds") {
    CHECK(provide((home + 1) % 3, put.cid.view()) == base::Code::not_found);
    CHECK(city.directories[(home + 1) % 3].announced.empty());
  }
  SUBCASE("where too few others take it") {
    city.directories[home].takes = false;
    CHECK(provide(home, put.cid.view()) == base::Code::unknown_outcome);
  }
  SUBCASE("of no content") { CHECK(provide(home, base::Bytes(31, 1)) == base::Code::malformed); }
}

TEST_CASE("files: what a node holds is kept announced, over restarts, and withdrawn with its end") {
  City city(4);
  City* const all = &city;
  const auto told = [all](std::size_t i) { return all->directories[i].announced == all->positions(i); };
  for (std::size_t i = 0; i < 4; ++i) city.directories[i].takes = false;
  const PutOutcome put = city.cluster.put(0, pattern(30 * kOneChunk), 2);
  REQUIRE(put.reached == 2);
  REQUIRE(!city.cluster.ask<wire::PinFile, messages::wire::Nothing>(0, kPath, [&](wire::PinFile::Builder out) {
    out.setCid(data_of(put.cid.view()));
    out.setPinned(true);
  }));
  city.cluster.stage.run_for(10s);
  for (std::size_t i = 0; i < 4; ++i) CHECK(city.directories[i].announced.empty());
  SUBCASE("the DHT takes it later") {}
  SUBCASE("a node that died before it had told anybody looks at what it has") {
    for (std::size_t i = 0; i < 4; ++i) city.cluster.restart(i);
  }
  for (std::size_t i = 0; i < 4; ++i) city.directories[i].takes = true;
  city.cluster.stage.run_for(2min);
  std::size_t announced = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(told(i));
    announced += city.directories[i].announced.size();
  }
  CHECK(announced == 2 * 31);

  std::vector<std::set<base::NodeId>> before;
  for (const Directory& one : city.directories) before.push_back(one.announced);
  REQUIRE(!city.cluster.remove(0, put.cid));
  SUBCASE("removed") {}
  SUBCASE("removed, and the withdrawals are lost") {
    city.cluster.stage.run_for(1min);
    for (std::size_t i = 0; i < 4; ++i) city.directories[i].announced = before[i];
    SUBCASE("until a restart") {
      for (std::size_t i = 0; i < 4; ++i) city.cluster.restart(i);
    }
    SUBCASE("until it looks again") { city.cluster.stage.run_for(AnnounceActor::kLookAgain); }
  }
  city.cluster.stage.run_for(1min);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(city.contents(i).empty());
    CHECK(city.directories[i].announced.empty());
  }
  CHECK(city.cluster.failures().empty());
}

TEST_CASE("files: a stranger's many contents leave announcements for those of this node") {
  City city(3, [](FilesSettings& settings) { settings.announced_max = 64; });
  const base::Bytes many = pattern(100 * kOneChunk);
  const PutOutcome put = city.cluster.put(0, many, 2);
  REQUIRE(put.reached == 2);
  city.cluster.stage.run_for(10s);
  std::size_t held = 0;
  for (std::size_t i = 1; i < 3; ++i) {
    held += city.positions(i).size();
    CHECK(city.directories[i].announced.size() == 32);  // half of 64: from there on shares bind
  }
  CHECK(held > 100);
  // Placement and the search for holders agree on the nearest nodes, so what is not announced is found there.
  CHECK(city.cluster.get(2, put.cid).bytes == many);

  SUBCASE("its own are announced") {
    const PutOutcome own = city.cluster.put(1, unlike(3 * kOneChunk, 7), 3);
    REQUIRE(own.reached == 3);
    city.cluster.stage.run_for(10s);
    CHECK(city.directories[1].announced.size() == 32 + 4);
    CHECK(city.directories[1].announced.contains(ContentKey::manifest(own.cid).position()));
  }
  SUBCASE("and after a restart") {
    city.cluster.restart(1);
    city.cluster.stage.run_for(1min);
    CHECK(city.directories[1].announced.size() == 32);
  }
  SUBCASE("removed, they leave no place for more: other nodes still keep the announcements") {
    REQUIRE(!city.cluster.remove(0, put.cid));
    city.cluster.stage.run_for(1min);
    CHECK(city.directories[1].announced.empty());
    REQUIRE(city.cluster.put(0, unlike(50 * kOneChunk, 9), 3).reached == 3);
    city.cluster.stage.run_for(10s);
    CHECK(city.directories[1].announced.empty());
  }
  CHECK(city.cluster.failures().empty());
}

TEST_CASE("files: new contents do not wait behind announcements that fail") {
  City city(2);
  city.directories[1].takes = false;
  REQUIRE(city.cluster.put(0, pattern(200 * kOneChunk), 2).reached == 2);
  city.cluster.stage.run_for(20s);
  city.directories[1].refused = city.positions(1);
  city.directories[1].takes = true;
  const PutOutcome stored = city.cluster.put(0, unlike(3 * kOneChunk, 7), 2);
  REQUIRE(stored.reached == 2);
  city.cluster.stage.run_for(3s);
  CHECK(city.directories[1].announced.size() == 4);
  CHECK(city.cluster.failures().empty());
}
