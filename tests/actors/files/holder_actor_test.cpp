#include <doctest/doctest.h>

#include "actors/files/logic/merkle.hpp"
#include "messages/runtime.capnp.h"
#include "tests/actors/files/files_cluster.hpp"

using namespace troupe;
using namespace troupe::files;
using base::Code;

namespace {

/// What node `from` says to the holder of node `to`.
struct Guest {
  FilesCluster& cluster;
  std::size_t from, to;

  template <class Q, class A>
  std::optional<base::Error> ask(std::function<void(typename Q::Builder)> fill,
                                 std::function<void(typename A::Reader)> take = {}) {
    bool over = false;
    std::optional<base::Error> error;
    cluster.inside(from, [&](Scripted& self) {
      const runtime::Handle holder =
          from == to ? self.node().find(kHolderPath) : self.node().remote(cluster[to].id(), kHolderPath);
      self.ask<Q, A>(holder, self.now() + 30s, fill, [&](runtime::Answer<A> answer) {
        over = true;
        if (!answer.ok()) error = answer.error();
        else if (take) take(answer.value());
      });
    });
    cluster.stage.run_until([&] { return over; }, 60s);
    return error;
  }
  std::optional<base::Error> store(const ContentKey& key, const base::Bytes& bytes, const Cid& cid, bool* fresh = {}) {
    return ask<wire::StoreContent, wire::Stored>(
        [&](wire::StoreContent::Builder out) {
          write(out.initClaim(), ClaimKind::file, {cid.bytes});
          write(out.initContent(), key);
          out.setBytes(data_of(bytes));
        },
        [&](wire::Stored::Reader stored) {
          if (fresh != nullptr) *fresh = stored.getFresh();
        });
  }
  std::optional<base::Error> release(const Cid& cid) {
    return ask<wire::ReleaseClaim, wire::Released>(
        [&](wire::ReleaseClaim::Builder out) { write(out.initClaim(), ClaimKind::file, {cid.bytes}); });
  }
  std::optional<base::Error> fetch(const ContentKey& key, base::Bytes* bytes = {}) {
    return ask<wire::FetchContent, wire::Fetched>(
        [&](wire::FetchContent::Builder out) { write(out.initContent(), key); },
        [&](wire::Fetched::Reader fetched) {
          if (bytes != nullptr) bytes->assign(fetched.getBytes().begin(), fetched.getBytes().end());
        });
  }
  std::optional<base::Error> has(const std::vector<ContentKey>& keys, std::optional<Cid> cid, std::vector<bool>* out) {
    return ask<wire::HasContents, wire::Has>(
        [&](wire::HasContents::Builder question) {
          auto list = question.initContents(size32(keys));
          for (unsigned i = 0; i < keys.size(); ++i) write(list[i], keys[i]);
          if (cid) question.setClaimedFor(data_of(cid->view()));
        },
        [&](wire::Has::Reader answer) {
          for (const bool present : answer.getPresent()) out->push_back(present);
        });
  }
};

ContentKey chunk_of(const base::Bytes& bytes) {
  return ContentKey::chunk(chunk_id(bytes), static_cast<std::uint32_t>(bytes.size()));
}

/// Many reads at once of what the last node holds, by each of the nodes.
struct Readers {
  void read(std::size_t from, int count) {
    const std::size_t holding = cluster.members.size() - 1;
    cluster.inside(from, [&](Scripted& self) {
      const runtime::Handle holder =
          from == holding ? self.node().find(kHolderPath) : self.node().remote(cluster[holding].id(), kHolderPath);
      for (int i = 0; i < count; ++i)
        self.ask<wire::FetchContent, wire::Fetched>(
            holder, self.now() + 30s, [&](wire::FetchContent::Builder out) { write(out.initContent(), what); },
            [this, from](const runtime::Answer<wire::Fetched>& answer) {
              if (answer.ok()) ++done[from];
              else if (answer.error().code == Code::overloaded) ++refused[from];
            });
    });
  }

  FilesCluster& cluster;
  ContentKey what;
  std::map<std::size_t, int> done{}, refused{};
};

}  // namespace

TEST_CASE("holder: bytes that are not what their id says are refused and told to `/peers`, and leave nothing") {
  FilesCluster cluster(2);
  Guest guest{cluster, 0, 1};
  const base::Bytes bytes = pattern(5000);
  base::Bytes other = bytes;
  other[4999] ^= 1;
  CHECK(guest.store(chunk_of(bytes), other, cid(1))->code == Code::corrupt);
  other.pop_back();
  CHECK(guest.store(chunk_of(bytes), other, cid(1))->code == Code::corrupt);
  CHECK(guest.store(ContentKey::manifest(cid(9)), bytes, cid(1))->code == Code::corrupt);
  const auto held = cluster.held(1);
  CHECK(held.bad == 3);
  CHECK(held.contents == 0);
  CHECK(held.blobs == 0);
  CHECK(cluster[1].accused == std::map<base::NodeId, std::size_t>{{cluster[0].id(), 3}});

  SUBCASE("who then sends the right bytes is not told of again") {
    CHECK(!guest.store(chunk_of(bytes), bytes, cid(1)));
    CHECK(cluster[1].accused.at(cluster[0].id()) == 3);
  }
  SUBCASE("a node does not accuse itself") {
    Guest own{cluster, 1, 1};
    CHECK(own.store(chunk_of(bytes), base::Bytes(4000), cid(1))->code == Code::corrupt);
    CHECK(cluster[1].accused.size() == 1);
  }
}

TEST_CASE("holder: a claim belongs to whoever sent it, and nobody else can end it") {
  FilesCluster cluster(3);
  Guest first{cluster, 0, 2}, second{cluster, 1, 2};
  const base::Bytes bytes = pattern(5000);
  const ContentKey key = chunk_of(bytes);
  bool fresh = false;
  REQUIRE(!first.store(key, bytes, cid(1), &fresh));
  CHECK(fresh);
  REQUIRE(!second.store(key, bytes, cid(1), &fresh));
  CHECK(!fresh);
  CHECK(cluster.held(2).claims == 2);
  CHECK(!second.release(cid(1)));
  CHECK(!second.release(cid(1)));
  CHECK(cluster.held(2).claims == 1);
  base::Bytes got;
  CHECK(!second.fetch(key, &got));
  CHECK(got == bytes);
  std::vector<bool> mine, theirs;
  CHECK(!first.has({key, content(7)}, cid(1), &mine));
  CHECK(!second.has({key, content(7)}, cid(1), &theirs));
  CHECK(mine == std::vector{true, false});
  CHECK(theirs == std::vector{false, false});
  CHECK(!first.release(cid(1)));
  CHECK(cluster.held(2).blobs == 0);
  CHECK(first.fetch(key)->code == Code::not_found);
}

TEST_CASE("holder: an empty store claims what is there, and is told when it is not") {
  FilesCluster cluster(2);
  Guest guest{cluster, 0, 1};
  const base::Bytes bytes = pattern(5000);
  CHECK(guest.store(chunk_of(bytes), {}, cid(1))->code == Code::not_found);
  REQUIRE(!guest.store(chunk_of(bytes), bytes, cid(1)));
  CHECK(!guest.store(chunk_of(bytes), {}, cid(2)));
  CHECK(cluster.held(1).claims == 2);
}

TEST_CASE("holder: an owner's quota ends with that owner") {
  FilesCluster cluster(3, [](FilesSettings& settings) { settings.claims.quota_bytes = 10'100; });
  Guest first{cluster, 0, 2}, second{cluster, 1, 2};
  const base::Bytes a = pattern(6000), b = pattern(6001), c = pattern(4000);
  REQUIRE(!first.store(chunk_of(a), a, cid(1)));
  CHECK(first.store(chunk_of(b), b, cid(1))->code == Code::no_space);
  CHECK(!first.store(chunk_of(c), c, cid(1)));
  CHECK(!second.store(chunk_of(b), b, cid(1)));
  CHECK(!first.release(cid(1)));
  CHECK(!first.store(chunk_of(b), b, cid(1)));
}

TEST_CASE("holder: many stores of one content at once are one copy and each a claim") {
  FilesCluster cluster(1);
  const base::Bytes bytes = pattern(5000);
  int answered = 0;
  int fresh = 0;
  cluster.inside(0, [&](Scripted& self) {
    for (std::uint8_t i = 0; i < 20; ++i) {
      self.ask<wire::StoreContent, wire::Stored>(
          self.node().find(kHolderPath), self.now() + 30s,
          [&](wire::StoreContent::Builder out) {
            write(out.initClaim(), ClaimKind::file, {cid(i).bytes});
            write(out.initContent(), chunk_of(bytes));
            out.setBytes(data_of(bytes));
          },
          [&](runtime::Answer<wire::Stored> answer) {
            REQUIRE(answer.ok());
            ++answered;
            fresh += answer.value().getFresh();
          });
    }
  });
  cluster.stage.run_for(10s);
  CHECK(answered == 20);
  CHECK(fresh == 1);
  CHECK(cluster.held(0).claims == 20);
  CHECK(cluster.held(0).blobs == 1);
  cluster.restart(0);
  CHECK(cluster.held(0).claims == 20);
}

TEST_CASE("holder: each store that has its place under way may wait for the commit of another") {
  constexpr int kStores = 300;  // more than were let wait when strangers and this node shared 256 places
  FilesCluster cluster(1, [](FilesSettings& settings) { settings.stores_max = 2 * kStores; });
  const base::Bytes bytes = pattern(5000);
  int answered = 0;
  cluster.inside(0, [&](Scripted& self) {
    for (int i = 0; i < kStores; ++i) {
      Cid name = cid(static_cast<std::uint8_t>(i / 256));
      name.bytes[1] = static_cast<std::uint8_t>(i % 256);
      self.ask<wire::StoreContent, wire::Stored>(
          self.node().find(kHolderPath), self.now() + 30s,
          [&](wire::StoreContent::Builder out) {
            write(out.initClaim(), ClaimKind::file, {name.bytes});
            write(out.initContent(), chunk_of(bytes));
            out.setBytes(data_of(bytes));
          },
          [&](const runtime::Answer<wire::Stored>& answer) { answered += answer.ok() ? 1 : 0; });
    }
  });
  cluster.stage.run_for(25s);
  CHECK(answered == kStores);
  CHECK(cluster.held(0).claims == kStores);
}

TEST_CASE("holder: questions that make no sense are answered `malformed` or `unsupported`") {
  FilesCluster cluster(2);
  Guest guest{cluster, 0, 1};
  const auto store = [&](auto change) {
    return guest
        .ask<wire::StoreContent, wire::Stored>([&](wire::StoreContent::Builder out) {
          write(out.initClaim(), ClaimKind::file, {});
          write(out.initContent(), chunk_of(pattern(10)));
          change(out);
        })
        ->code;
  };
  CHECK(store([](auto out) { out.getClaim().setName({}); }) == Code::malformed);
  CHECK(store([](auto out) { out.getContent().setBytes(0); }) == Code::malformed);
  CHECK(store([](auto out) { out.getContent().setBytes(kChunkBytesMax + 1); }) == Code::malformed);
  CHECK(store([](auto out) { out.getContent().setKind(wire::ContentKind::MANIFEST); }) == Code::malformed);
  CHECK(store([](auto out) { out.getContent().setKind(static_cast<wire::ContentKind>(9)); }) == Code::unsupported);
  CHECK(store([](auto out) { out.getClaim().setKind(static_cast<wire::ClaimKind>(9)); }) == Code::unsupported);
  CHECK(guest.has({}, {}, nullptr)->code == Code::malformed);
  CHECK(guest.has(std::vector(kContentsAskedMax + 1, content(1)), {}, nullptr)->code == Code::malformed);
  std::vector<bool> present;
  CHECK(!guest.has(std::vector(kContentsAskedMax, content(1)), {}, &present));
  CHECK(present.size() == kContentsAskedMax);
  CHECK(guest.ask<wire::BindClaim, wire::Bound>([](auto) {})->code == Code::malformed);
  CHECK(guest
            .ask<wire::BindClaim, wire::Bound>([](wire::BindClaim::Builder out) {
              out.setPut(data_of(put_id(1).view()));
              out.setCid(data_of(cid(1).view()));
            })
            ->code == Code::not_found);
  CHECK(cluster.failures().empty());
}

TEST_CASE("holder: a peer cannot mend, and what peers may ask is offered under no other path") {
  FilesCluster cluster(2);
  Guest guest{cluster, 0, 1};
  CHECK(guest.ask<wire::MendContent, messages::wire::Nothing>([](auto) {})->code == Code::refused);
  bool over = false;
  cluster.inside(0, [&](Scripted& self) {
    self.ask<wire::FetchContent, wire::Fetched>(
        self.node().remote(cluster[1].id(), kPath), self.now() + 30s, [](auto) {},
        [&](runtime::Answer<wire::Fetched> answer) {
          over = true;
          CHECK(answer.error().code == Code::unsupported);
        });
  });
  cluster.stage.run_until([&] { return over; }, 60s);
  CHECK(over);
}

TEST_CASE("holder: a put that nobody hears of any more is released") {
  FilesCluster cluster(2);
  Guest guest{cluster, 0, 1};
  const base::Bytes bytes = pattern(5000);
  REQUIRE(!guest.ask<wire::StoreContent, wire::Stored>([&](wire::StoreContent::Builder out) {
    write(out.initClaim(), ClaimKind::put, {put_id(1).bytes});
    write(out.initContent(), chunk_of(bytes));
    out.setBytes(data_of(bytes));
  }));
  cluster.stage.run_for(30min);
  CHECK(cluster.held(1).claims == 1);
  cluster.stage.run_for(40min);
  CHECK(cluster.held(1).claims == 0);
  CHECK(cluster.held(1).blobs == 0);
}

TEST_CASE("holder: a stranger's stores under way leave room for those of others, and for this node's own") {
  FilesCluster cluster(3, [](FilesSettings& settings) { settings.stores_max = 16; });
  std::map<std::size_t, int> taken, refused;
  const auto storm = [&](std::size_t from, int count) {
    cluster.inside(from, [&](Scripted& self) {
      const runtime::Handle holder =
          from == 2 ? self.node().find(kHolderPath) : self.node().remote(cluster[2].id(), kHolderPath);
      for (int i = 0; i < count; ++i) {
        const base::Bytes bytes = pattern(5000 + 100 * from + static_cast<std::size_t>(i));
        self.ask<wire::StoreContent, wire::Stored>(
            holder, self.now() + 30s,
            [&](wire::StoreContent::Builder out) {
              write(out.initClaim(), ClaimKind::file, {cid(1).bytes});
              write(out.initContent(), chunk_of(bytes));
              out.setBytes(data_of(bytes));
            },
            [&, from](runtime::Answer<wire::Stored> answer) {
              if (answer.ok()) ++taken[from];
              else if (answer.error().code == Code::overloaded) ++refused[from];
            });
      }
    });
  };
  // Bytes are the scarcer of the two here: what is asked first is admitted before the first commit ends.
  storm(0, 60);
  storm(1, 1);
  storm(2, 4);
  cluster.stage.run_for(20s);
  CHECK(taken[0] + refused[0] == 60);
  CHECK(refused[0] > 0);
  CHECK(taken[1] == 1);
  CHECK(taken[2] == 4);
}

TEST_CASE("holder: a stranger's releases under way leave room for those of others, and for this node's own") {
  FilesCluster cluster(3, [](FilesSettings& settings) { settings.stores_max = 16; });
  const base::Bytes bytes = pattern(5000);
  const auto many = [](std::size_t from) -> std::uint8_t { return from == 0 ? 15 : 2; };  // claims on one content
  for (std::size_t from : {0, 1, 2})
    for (std::uint8_t i = 0; i < many(from); ++i)
      REQUIRE(!Guest{cluster, from, 2}.store(chunk_of(bytes), bytes, cid(i)));
  const base::Bytes others = pattern(5001);
  const auto other = [](std::uint8_t i) { return static_cast<std::uint8_t>(100 + i); };
  for (std::uint8_t i = 0; i < many(0); ++i)
    REQUIRE(!Guest{cluster, 0, 2}.store(chunk_of(others), others, cid(other(i))));
  std::map<std::size_t, int> ended, refused;
  const auto release = [&](std::size_t from, std::uint8_t name) {
    cluster.inside(from, [&](Scripted& self) {
      const runtime::Handle holder =
          from == 2 ? self.node().find(kHolderPath) : self.node().remote(cluster[2].id(), kHolderPath);
      self.ask<wire::ReleaseClaim, wire::Released>(
          holder, self.now() + 30s,
          [&](wire::ReleaseClaim::Builder out) { write(out.initClaim(), ClaimKind::file, {cid(name).bytes}); },
          [&, from](const runtime::Answer<wire::Released>& answer) {
            if (answer.ok()) ++ended[from];
            else if (answer.error().code == Code::overloaded) ++refused[from];
          });
    });
  };
  for (std::uint8_t i = 0; i < many(0); ++i) {
    release(0, i);
    release(0, other(i));
  }
  for (const std::size_t from : {1, 2})
    for (std::uint8_t i = 0; i < many(from); ++i) release(from, i);
  cluster.stage.run_for(20s);
  CHECK(refused[0] > 0);
  CHECK(ended[0] + refused[0] == 2 * many(0));
  CHECK(ended[1] == many(1));
  CHECK(ended[2] == many(2));
}

TEST_CASE("holder: what others store leaves the rest of the device to this node, whose health is no matter of theirs") {
  observe::Health health;
  FilesCluster cluster(2, [&](FilesSettings& settings) { settings.health = &health; });
  Guest other{cluster, 0, 1}, self{cluster, 1, 1};
  const base::Bytes bytes = pattern(5000), more = pattern(5001);
  cluster[1].disk.set_capacity(100u << 20);  // below FilesSettings::left_to_self, above the reserve of the store
  const auto refused = other.store(chunk_of(bytes), bytes, cid(1));
  REQUIRE(refused);
  CHECK(refused->code == Code::no_space);
  CHECK(refused->message.find("1536 MiB are reserved for this node") != std::string::npos);
  CHECK(health.reasons().empty());
  CHECK(!self.store(chunk_of(more), more, cid(1)));
  CHECK(health.reasons().empty());
}

TEST_CASE("holder: who binds a put on a device that is nearly full leaves a part of it to this node") {
  FilesCluster cluster(2);
  Guest other{cluster, 0, 1}, self{cluster, 1, 1};
  cluster.stage.run_for(60s);  // the store has made its ballast
  const base::Bytes bytes = pattern(5000);
  const auto store_for_put = [&](const Guest& guest) {
    return Guest(guest).ask<wire::StoreContent, wire::Stored>([&](wire::StoreContent::Builder out) {
      write(out.initClaim(), ClaimKind::put, {put_id(1).bytes});
      write(out.initContent(), chunk_of(bytes));
      out.setBytes(data_of(bytes));
    });
  };
  const auto bind = [&](const Guest& guest) {
    return Guest(guest).ask<wire::BindClaim, wire::Bound>([&](wire::BindClaim::Builder out) {
      out.setPut(data_of(put_id(1).view()));
      out.setCid(data_of(cid(1).view()));
    });
  };
  const auto free = [&](std::uint64_t mib) {
    cluster[1].disk.set_capacity(cluster[1].disk.used_bytes() + (mib << 20));
  };
  REQUIRE(!store_for_put(other));
  REQUIRE(!store_for_put(self));
  SUBCASE("what it began while there was room can end") {
    free(1'480);
    CHECK(!bind(other));
  }
  SUBCASE("but not with what this node needs") {
    free(1'460);
    const auto refused = bind(other);
    REQUIRE(refused);
    CHECK(refused->code == Code::no_space);
    CHECK(!bind(self));
    CHECK(!Guest(other).release(cid(1)));  // nothing is written for that but what ends
  }
}

TEST_CASE("holder: nodes of one site that read leave reads for this node and for other sites") {
  FilesCluster cluster(3, [](FilesSettings& settings) { settings.reads_max = 32; });
  const base::Bytes bytes = pattern(5000);
  REQUIRE(!Guest{cluster, 2, 2}.store(chunk_of(bytes), bytes, cid(1)));
  cluster.inside(2, [&](Scripted& self) {
    self.tell<runtime::wire::Hold>(self.node().find("/files/store"), [](auto out) { out.setMilliseconds(5'000); });
  });
  Readers readers{cluster, chunk_of(bytes)};
  readers.read(2, 4);
  readers.read(0, 20);
  readers.read(1, 1);  // of the same site
  cluster.stage.run_for(20s);
  CHECK(readers.done[0] == 12);  // half of all are under way then
  CHECK(readers.refused[0] == 8);
  CHECK(readers.refused[1] == 1);
  CHECK(readers.done[2] == 4);
  readers.read(0, 1);
  readers.read(1, 1);
  cluster.stage.run_for(20s);
  CHECK(readers.done[0] == 13);
  CHECK(readers.done[1] == 1);
}

TEST_CASE("read places: an answer keeps the place of its read until the last copy of it is gone") {
  const auto places = std::make_shared<ReadPlaces>(8, 1);
  const ReadPlaces::User asker{.id = base::NodeId{}};
  auto place = ReadPlace::take(places, asker);
  REQUIRE(place);
  CHECK_FALSE(ReadPlace::take(places, asker));
  auto answer = runtime::Envelope::build<wire::Fetched>({}, [](wire::Fetched::Builder) {});
  answer.charge(std::move(place));
  auto waiting = std::make_optional(answer);  // to be sent
  answer = {};
  CHECK(places->used() == 1);
  waiting.reset();
  CHECK(places->used() == 0);
  CHECK(ReadPlace::take(places, asker));
}

TEST_CASE("holder: what others read has a rate, this node's own reads have none") {
  constexpr int kRate = 60, kEach = 5;  // KiB
  FilesCluster cluster(2, [](FilesSettings& settings) { settings.read_kib_per_second = kRate; });
  const base::Bytes bytes = pattern(5000);
  REQUIRE(!Guest{cluster, 1, 1}.store(chunk_of(bytes), bytes, cid(1)));
  Readers readers{cluster, chunk_of(bytes)};
  readers.read(0, 30);
  readers.read(1, 16);
  cluster.stage.run_for(5s);
  CHECK(readers.done[0] > 0);
  CHECK(readers.done[0] <= kRate / kEach);
  CHECK(readers.done[0] + readers.refused[0] == 30);
  CHECK(readers.done[1] == 16);
  const int before = readers.done[0];
  readers.read(0, 30);
  cluster.stage.run_for(5s);
  CHECK(readers.done[0] > before);
}

TEST_CASE("holder: a manifest counts as all of its bytes where it is read") {
  constexpr int kRate = 1'000, kMoreThanRate = 5;
  FilesCluster cluster(2, [](FilesSettings& settings) { settings.read_kib_per_second = kRate; });
  const base::Bytes bytes = pattern(200 << 10);
  const ContentKey manifest = ContentKey::manifest(cid_of(bytes));
  REQUIRE(!Guest{cluster, 1, 1}.store(manifest, bytes, cid(1)));
  Readers readers{cluster, manifest};
  readers.read(0, 2 * kMoreThanRate);
  cluster.stage.run_for(500ms);
  CHECK(readers.done[0] > 0);
  CHECK(readers.done[0] < kMoreThanRate);
  CHECK(readers.done[0] + readers.refused[0] == 2 * kMoreThanRate);
}

TEST_CASE("holder: questions about many contents have a rate, and those of this node itself have none") {
  FilesCluster cluster(2);
  const base::Bytes bytes = pattern(100);
  REQUIRE(!Guest{cluster, 1, 1}.store(chunk_of(bytes), bytes, cid(1)));
  std::array<int, 2> told{}, refused{};
  for (const std::size_t from : {0u, 1u})
    cluster.inside(from, [&](Scripted& self) {
      const runtime::Handle holder =
          from == 1 ? self.node().find(kHolderPath) : self.node().remote(cluster[1].id(), kHolderPath);
      for (int i = 0; i < 250; ++i)
        self.ask<wire::HasContents, wire::Has>(
            holder, self.now() + 30s,
            [&](wire::HasContents::Builder question) {
              auto list = question.initContents(1'024);
              for (unsigned k = 0; k < list.size(); ++k) write(list[k], chunk_of(bytes));
            },
            [&, from](const runtime::Answer<wire::Has>& answer) { ++(answer.ok() ? told : refused)[from]; });
    });
  cluster.stage.run_for(5s);
  CHECK(told[0] >= 97);  // half of all
  CHECK(refused[0] > 0);
  CHECK(told[1] == 250);
}

TEST_CASE("holder: what others may have in all is looked at each hour, and at the start, by the room of the device") {
  FilesCluster cluster(2);
  Guest other{cluster, 0, 1}, self{cluster, 1, 1};
  cluster.stage.run_for(60s);  // the store has made its ballast
  const auto room = [&](std::uint64_t bytes) {
    cluster[1].disk.set_capacity(cluster[1].disk.used_bytes() + cluster[1].settings.left_to_self + bytes);
  };
  const auto& space = cluster[1].settings.counters->space;
  CHECK(space > 1u << 30);
  room(64 << 10);
  cluster.stage.run_for(kRoomPeriod + kIdleCheck);
  CHECK(space <= 64 << 10);
  CHECK(space > 32 << 10);
  const base::Bytes most = pattern(40'000), more = pattern(20'000), little = pattern(2'000);
  CHECK_FALSE(other.store(chunk_of(most), most, cid(1)));
  const auto refused = other.store(chunk_of(more), more, cid(1));  // above its share, where there is room
  REQUIRE(refused);
  CHECK(refused->message.find("files.space") != std::string::npos);
  CHECK_FALSE(self.store(chunk_of(more), more, cid(1)));
  room(10 << 20);
  SUBCASE("it is looked at again where others are refused for it") {
    cluster.stage.run_for(kRoomAgain);
    CHECK(other.store(chunk_of(more), more, cid(1)));
    CHECK(space > 1u << 20);
    CHECK_FALSE(other.store(chunk_of(more), more, cid(1)));
  }
  SUBCASE("and at the start") {
    cluster.restart(1);
    CHECK(space > 1u << 20);
    CHECK_FALSE(other.store(chunk_of(little), little, cid(1)));
  }
}

TEST_CASE("holder: it says for which owners it holds what, and an operator ends that for good") {
  FilesCluster cluster(2);
  Guest other{cluster, 0, 1}, self{cluster, 1, 1};
  const base::Bytes bytes = pattern(5000), more = pattern(100);
  REQUIRE(!other.store(chunk_of(bytes), bytes, cid(1)));
  REQUIRE(!other.store(chunk_of(bytes), {}, cid(2)));
  REQUIRE(!other.store(chunk_of(more), more, cid(2)));
  REQUIRE(!self.store(chunk_of(more), {}, cid(2)));
  const auto owners = cluster.owners(1);
  REQUIRE(owners.size() == 2);
  const auto& line = owners[0].owner == cluster[0].id() ? owners[0] : owners[1];
  CHECK(line.owner == cluster[0].id());
  CHECK(line.contents == 2);
  CHECK(line.claims == 3);
  CHECK(line.bytes == 5000 + 2 * kClaimBytesMin);
  CHECK(line.last_seen > 0);
  CHECK(line.last_seen % (24 * 3600) == 0);

  CHECK(cluster.release_owner(1, node(9))->code == Code::not_found);
  CHECK(cluster.release_owner(1, cluster[1].id())->code == Code::refused);
  std::uint64_t ended = 0;
  CHECK(!cluster.release_owner(1, cluster[0].id(), &ended));
  CHECK(ended == 3);
  CHECK(cluster.owners(1).size() == 1);
  CHECK(cluster.held(1).blobs == 1);  // what this node claims as well stays
  CHECK(other.store(chunk_of(bytes), bytes, cid(1))->code == Code::refused);
  cluster.restart(1);
  CHECK(other.store(chunk_of(bytes), bytes, cid(1))->code == Code::refused);
  CHECK(!self.store(chunk_of(bytes), bytes, cid(1)));
}

TEST_CASE("holder: claims of an owner that is not heard for the days of the setting end; one that asks keeps them") {
  FilesCluster cluster(3, [](FilesSettings& settings) { settings.claims.kept_days = 2; });
  Guest silent{cluster, 0, 2}, asking{cluster, 1, 2};
  const base::Bytes bytes = pattern(5000), more = pattern(5001);
  REQUIRE(!silent.store(chunk_of(bytes), bytes, cid(1)));
  REQUIRE(!asking.store(chunk_of(more), more, cid(1)));
  for (int day = 0; day < 4; ++day) {
    cluster.stage.run_for(10min);  // what was heard is written
    if (day == 1) cluster.restart(2);
    CHECK(cluster.held(2).contents == (day < 2 ? 2 : 1));
    cluster.stage.run_for(24h);
    std::vector<bool> has;
    CHECK(!asking.has({chunk_of(more)}, cid(1), &has));
    CHECK(has == std::vector{true});
  }
  CHECK(cluster.held(2).contents == 1);
  CHECK(silent.fetch(chunk_of(bytes))->code == Code::not_found);
  CHECK(cluster.failures().empty());
}

TEST_CASE("holder: while it reads its rows it says `unavailable` and when to come again") {
  FilesCluster cluster(1);
  cluster.kill(0);
  cluster.begin(0);
  bool over = false;
  cluster.inside(0, [&](Scripted& self) {
    self.ask<wire::FetchContent, wire::Fetched>(
        self.node().find(kHolderPath), self.now() + 30s, [](auto) {},
        [&](runtime::Answer<wire::Fetched> answer) {
          over = true;
          CHECK(!answer.ok());
        });
  });
  cluster.stage.run_until([&] { return over; }, 60s);
  CHECK(over);
}
