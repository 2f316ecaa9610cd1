#pragma once
// Several nodes with content stores on one simulated network: they put, get, die, and come back with what they synced.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/dht/api.hpp"
#include "actors/files/files_actor.hpp"
#include "actors/files/get_actor.hpp"
#include "actors/files/holder_actor.hpp"
#include "actors/files/logic/range.hpp"
#include "messages/contact.hpp"
#include "messages/peers.capnp.h"
#include "messages/runtime.capnp.h"
#include "runtime/net/links_actor.hpp"
#include "tests/actors/files/bytes.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

namespace troupe::files {

using namespace std::chrono_literals;
using test::Scripted;

/// One life of a node, from a start to its end. Outlives its actors.
struct Life {
  Life(sim::Stage& stage, std::shared_ptr<sim::Fabric> fabric, std::uint16_t number, sim::Disk& disk,
       const base::Mutations& mutations)
      : ports(stage.keep<sim::NodePorts>(stage, std::move(fabric), number, disk, mutations)),
        node(stage.system(), ports.world()) {}
  sim::NodePorts& ports;
  runtime::Node node;
  std::shared_ptr<net::Pool> pool;
  troupe::test::Outside outside;
  std::vector<std::string> failures;
};

inline constexpr std::size_t kOneChunk = kChunkBytesMin;

struct ClusterNode {
  std::uint16_t number = 0;
  sim::Disk disk;
  std::shared_ptr<const crypto::Identity> identity;
  FilesSettings settings;
  const base::Mutations* mutations = &base::kNoMutations;
  std::optional<base::Endpoint> address;
  std::vector<std::unique_ptr<Life>> lives;
  bool up = false;
  std::function<void(Scripted&)> begun;  // at each start, by the parent of its files, before they have done anything
  std::function<void(Scripted&, runtime::Handlers&)> dht, republish;  // no DHT if they are empty
  bool lonely = false;                                                // its peers know nobody who could hold something
  bool liar = false;    // from its next start on it answers for contents with wrong bytes
  bool mute = false;    // from its next start on it leaves stores and reads unanswered
  bool boasts = false;  // from its next start on it takes all stores, says that it has everything, and gives nothing
  bool mute_binds = false;  // and one that boasts leaves binds unanswered
  int busy_binds = 0;       // from its next start on it takes all stores, and that many binds are too many for it
  std::size_t unanswered = 0;
  std::map<base::NodeId, std::size_t> accused;  // how often its `/peers` was told of bad records
  const base::NodeId& id() const { return identity->id(); }
  Life& life() { return *lives.back(); }
};

struct PutOutcome {
  bool over = false;
  Cid cid;
  std::uint64_t bytes = 0, bytes_fresh = 0;
  unsigned chunks = 0, asked = 0, reached = 0;
  std::optional<base::Error> error;
};
struct GetOutcome {
  bool over = false;
  std::optional<std::uint64_t> file_bytes, part_bytes;
  base::Bytes bytes;
  std::size_t largest = 0;
  std::optional<base::Error> error;
};
struct Line {
  Cid cid;
  std::string name;
  std::uint64_t bytes = 0;
  unsigned chunks = 0, replicas = 0, live = 0;
  bool pinned = false;
  std::int64_t copies_end = 0;
};
struct Verified {
  bool over = false;
  std::optional<base::Error> error;
  std::vector<wire::CopyState> states;
  std::vector<base::NodeId> nodes;
  std::uint64_t copies = 0, sound = 0, lacking = 0, damaged = 0, unknown = 0, repaired = 0;
};

class FilesCluster {
 public:
  explicit FilesCluster(std::size_t count, std::function<void(FilesSettings&)> tune = {}, std::uint64_t seed = 1)
      : stage(seed), fabric(sim::Fabric::make(stage, {.min = 1ms, .max = 5ms})) {
    for (std::size_t i = 0; i < count; ++i) {
      auto member = std::make_unique<ClusterNode>();
      member->number = static_cast<std::uint16_t>(i + 1);
      sim::NodePorts& ports = stage.keep<sim::NodePorts>(stage, fabric, member->number, member->disk);
      member->identity = std::make_shared<const crypto::Identity>(crypto::Identity::make(ports.world().chance, 0));
      member->settings.self = member->id();
      member->settings.chunk_bytes = kOneChunk;
      if (tune) tune(member->settings);
      members.push_back(std::move(member));
    }
    for (std::size_t i = 0; i < count; ++i) begin(i);
    stage.run_for(2s);
  }
  ~FilesCluster() {
    for (std::size_t i = 0; i < members.size(); ++i) kill(i);
    stage.run_for(10s);
  }
  ClusterNode& operator[](std::size_t i) { return *members[i]; }

  /// Starts a node that is down, on what its disk holds.
  void begin(std::size_t i) {
    ClusterNode& home = *members[i];
    home.lives.push_back(std::make_unique<Life>(stage, fabric, home.number, home.disk, *home.mutations));
    home.up = true;
    Life& life = home.life();
    life.node.on_failure = [&life](std::string_view path, const base::Error& error) {
      life.failures.push_back(std::string(path) + ": " + error.message);
    };
    net::NetSetup setup;
    setup.terms.work_bits = 0;
    setup.identity = home.identity;
    setup.listen = base::HostPort::parse(base::Endpoint{life.ports.address(), 4000}.text());
    life.pool = std::make_shared<net::Pool>(life.node, setup);
    life.pool->offer();
    life.node.start("links", [&home, &life] {
      return std::make_unique<net::LinksActor>(life.pool, [&home](const base::Outcome<base::Endpoint>& at) {
        if (at.ok()) home.address = at.value();
      });
    });
    life.node.start("peers", test::script([this, i](Scripted&, runtime::Handlers& on) { know(i, on); }));
    if (home.dht) {
      life.node.start("dht", test::script(home.dht));
      life.node.start_at(dht::kRepublishPath, test::script(home.republish));
    }
    if (home.liar) {
      life.node.start(
          "liar", test::script(
                      [](Scripted&, runtime::Handlers& on) {
                        on.ask<wire::FetchContent, wire::Fetched>([](wire::FetchContent::Reader question,
                                                                     runtime::Reply<wire::Fetched> reply) {
                          const std::size_t size = std::max(question.getContent().getBytes(), 24u);
                          reply.send([&](wire::Fetched::Builder out) { out.initBytes(static_cast<unsigned>(size)); });
                        });
                      },
                      [](Scripted& self) { self.node().publish<wire::FetchContent>(kHolderPath, self.self()); }));
      return;
    }
    if (home.mute) {
      const auto kept = std::make_shared<std::vector<runtime::Reply<wire::Stored>>>();
      const auto reads = std::make_shared<std::vector<runtime::Reply<wire::Fetched>>>();
      life.node.start("mute",
                      test::script(
                          [kept, reads, &home](Scripted&, runtime::Handlers& on) {
                            on.ask<wire::FetchContent, wire::Fetched>(
                                [reads, &home](wire::FetchContent::Reader, runtime::Reply<wire::Fetched> reply) {
                                  ++home.unanswered;
                                  reads->push_back(std::move(reply));
                                });
                            on.ask<wire::StoreContent, wire::Stored>(
                                [kept, &home](wire::StoreContent::Reader, runtime::Reply<wire::Stored> reply) {
                                  ++home.unanswered;
                                  kept->push_back(std::move(reply));
                                });
                          },
                          [](Scripted& self) {
                            self.node().publish<wire::StoreContent, wire::FetchContent>(kHolderPath, self.self());
                          }));
      return;
    }
    if (home.boasts) {
      life.node.start(
          "boasts",
          test::script(
              [&home, kept = std::make_shared<std::vector<runtime::Reply<wire::Bound>>>()](Scripted&,
                                                                                           runtime::Handlers& on) {
                on.ask<wire::StoreContent, wire::Stored>([](auto, auto reply) { reply.done(); });
                on.ask<wire::BindClaim, wire::Bound>([&home, kept](auto, runtime::Reply<wire::Bound> reply) {
                  if (!home.mute_binds) return reply.done();
                  ++home.unanswered;
                  kept->push_back(std::move(reply));
                });
                on.ask<wire::FetchContent, wire::Fetched>([](auto, auto reply) {
                  reply.refuse({base::Code::not_found, "there was never anything"});
                });
                on.ask<wire::HasContents, wire::Has>(
                    [](wire::HasContents::Reader question, runtime::Reply<wire::Has> reply) {
                      reply.send([&](wire::Has::Builder out) {
                        auto present = out.initPresent(question.getContents().size());
                        for (unsigned at = 0; at < present.size(); ++at) present.set(at, true);
                      });
                    });
              },
              [](Scripted& self) {
                self.node().publish<wire::StoreContent, wire::BindClaim, wire::FetchContent, wire::HasContents>(
                    kHolderPath, self.self());
              }));
      return;
    }
    if (home.busy_binds > 0) {
      life.node.start("busy", test::script(
                                  [&home](Scripted&, runtime::Handlers& on) {
                                    on.ask<wire::StoreContent, wire::Stored>([](auto, auto reply) { reply.done(); });
                                    on.ask<wire::BindClaim, wire::Bound>([&home](auto, auto reply) {
                                      if (home.busy_binds-- > 0)
                                        reply.refuse({base::Code::overloaded, "too many binds", 200ms});
                                      else reply.done();
                                    });
                                  },
                                  [](Scripted& self) {
                                    self.node().publish<wire::StoreContent, wire::BindClaim>(kHolderPath, self.self());
                                  }));
      return;
    }
    life.node.start("node", test::script({}, [&home](Scripted& self) {
                      self.spawn("files", [settings = home.settings] { return std::make_unique<FilesActor>(settings); },
                                 {.kind = FilesActor::kName});
                      if (home.begun) home.begun(self);
                    }));
  }
  /// The process of a node is gone at once; what its disk has synced stays.
  void kill(std::size_t i) {
    ClusterNode& home = *members[i];
    if (!std::exchange(home.up, false)) return;
    Life& life = home.life();
    troupe::test::kill_all(life.node);
    life.outside.release();
    stage.run_for(100ms);
    base::Random dice(home.number);
    home.disk.crash(dice);
  }
  void restart(std::size_t i) {
    kill(i);
    begin(i);
    stage.run_for(3s);
  }
  std::size_t find(const base::NodeId& id) const {
    for (std::size_t i = 0; i < members.size(); ++i)
      if (members[i]->id() == id) return i;
    return members.size();
  }

  /// Runs `what` in a handler of an actor of that node.
  void inside(std::size_t i, std::function<void(Scripted&)> what) {
    members[i]->life().outside.run(members[i]->life().node, std::move(what));
    stage.settle();
  }
  template <class Q, class A>
  std::optional<base::Error> ask(std::size_t i, const char* path, std::function<void(typename Q::Builder)> fill,
                                 std::function<void(typename A::Reader)> take = {}) {
    bool over = false;
    std::optional<base::Error> error;
    inside(i, [&](Scripted& self) {
      self.ask<Q, A>(self.node().find(path), self.now() + 60s, fill, [&](runtime::Answer<A> answer) {
        over = true;
        if (!answer.ok()) error = answer.error();
        else if (take) take(answer.value());
      });
    });
    stage.run_until([&] { return over; }, 120s);
    return error;
  }

  /// A put under way: pieces of `piece` bytes, as fast as they are taken. `end` false: stops before the end.
  struct Putting {
    PutOutcome outcome;
    base::Bytes bytes;
    std::size_t sent = 0;
    std::size_t piece = 0;
    bool end = true;
    runtime::Sink<wire::PutPiece> sink;

    void fill() {
      while (sink.ready() && sent < bytes.size()) {
        const std::size_t size = std::min(piece, bytes.size() - sent);
        sink.push([&](wire::PutPiece::Builder out) { out.setBytes({bytes.data() + sent, size}); });
        sent += size;
      }
      if (sent == bytes.size() && sink && end) sink.end();
    }
  };
  std::shared_ptr<Putting> start_put(std::size_t i, const base::Bytes& bytes, unsigned replicas = 3,
                                     std::string name = "a file", std::size_t piece = 10'000, bool end = true) {
    auto putting = std::make_shared<Putting>();
    putting->bytes = bytes;
    putting->piece = piece;
    putting->end = end;
    inside(i, [&](Scripted& self) {
      putting->sink = self.feed<wire::PutFile, wire::PutPiece, wire::PutDone>(
          self.node().find(kPath), 600s,
          [&](wire::PutFile::Builder out) {
            out.setName(name.c_str());
            out.setReplicas(static_cast<std::uint8_t>(replicas));
          },
          [raw = putting.get()](runtime::Answer<wire::PutDone> answer) {
            PutOutcome& out = raw->outcome;
            out.over = true;
            if (!answer.ok()) {
              out.error = answer.error();
              return;
            }
            const auto done = answer.value();
            out.cid = *Cid::from(bytes_of(done.getCid()));
            out.bytes = done.getBytes();
            out.bytes_fresh = done.getBytesFresh();
            out.chunks = done.getChunks();
            out.asked = done.getReplicasAsked();
            out.reached = done.getReplicasReached();
          });
      putting->sink.on_ready([raw = putting.get()] { raw->fill(); });
      putting->fill();
    });
    return putting;
  }
  PutOutcome put(std::size_t i, const base::Bytes& bytes, unsigned replicas = 3, std::string name = "a file",
                 std::size_t piece = 10'000) {
    const auto putting = start_put(i, bytes, replicas, std::move(name), piece);
    stage.run_until([&] { return putting->outcome.over; }, 300s);
    return putting->outcome;
  }
  GetOutcome get(std::size_t i, const Cid& cid, std::optional<Range> range = {}) {
    GetOutcome out;
    runtime::Subscription hold;
    inside(i, [&](Scripted& self) {
      hold = self.subscribe<wire::GetFile, wire::GetItem>(
          self.node().find(kPath), 600s,
          [&](wire::GetFile::Builder question) {
            question.setCid(data_of(cid.view()));
            if (!range) return;
            question.getPart().initRange().setFirst(range->first);
            question.getPart().getRange().setLast(range->last);
          },
          [&](wire::GetItem::Reader item) {
            if (item.isStart()) {
              out.file_bytes = item.getStart().getFileBytes();
              out.part_bytes = item.getStart().getPartBytes();
              return;
            }
            const base::ByteView piece = bytes_of(item.getPiece());
            out.bytes.insert(out.bytes.end(), piece.begin(), piece.end());
            out.largest = std::max(out.largest, piece.size());
          },
          [&](base::Result<void, base::Error> ended) {
            out.over = true;
            if (!ended.ok()) out.error = ended.error();
          });
    });
    stage.run_until([&] { return out.over; }, 300s);
    return out;
  }
  std::vector<Line> list(std::size_t i) {
    std::vector<Line> out;
    bool over = false;
    runtime::Subscription hold;
    inside(i, [&](Scripted& self) {
      hold = self.subscribe<wire::ListFiles, wire::FileRow>(
          self.node().find(kPath), 60s, [](auto) {},
          [&](wire::FileRow::Reader row) {
            out.push_back({*Cid::from(bytes_of(row.getCid())), text_of(row.getName()), row.getBytes(), row.getChunks(),
                           row.getReplicas(), row.getReplicasLive(), row.getPinned(), row.getCopiesEndAt()});
          },
          [&](base::Result<void, base::Error>) { over = true; });
    });
    stage.run_until([&] { return over; }, 60s);
    return out;
  }
  /// Without a CID: all that the node holds.
  Verified verify(std::size_t i, const std::optional<Cid>& cid) {
    Verified out;
    runtime::Subscription hold;
    inside(i, [&](Scripted& self) {
      hold = self.subscribe<wire::VerifyFile, wire::VerifyItem>(
          self.node().find(kPath), 600s,
          [&](wire::VerifyFile::Builder question) {
            if (cid) question.setCid(data_of(cid->view()));
          },
          [&](wire::VerifyItem::Reader item) {
            if (item.isCopy()) {
              out.states.push_back(item.getCopy().getState());
              out.nodes.push_back(*base::NodeId::from(bytes_of(item.getCopy().getNode())));
            } else if (item.isSum()) {
              const auto sum = item.getSum();
              out.copies = sum.getCopies();
              out.sound = sum.getSound();
              out.lacking = sum.getLacking();
              out.damaged = sum.getDamaged();
              out.unknown = sum.getUnknown();
              out.repaired = sum.getRepaired();
            }
          },
          [&](base::Result<void, base::Error> ended) {
            out.over = true;
            if (!ended.ok()) out.error = ended.error();
          });
    });
    stage.run_until([&] { return out.over; }, 300s);
    return out;
  }
  std::optional<base::Error> remove(std::size_t i, const Cid& cid) {
    return ask<wire::RemoveFile, wire::FileRemoved>(
        i, kPath, [&](wire::RemoveFile::Builder out) { out.setCid(data_of(cid.view())); });
  }

  struct OwnerLine {
    base::NodeId owner;
    std::uint64_t contents = 0, bytes = 0, claims = 0;
    std::int64_t last_seen = 0;
  };
  std::vector<OwnerLine> owners(std::size_t i) {
    std::vector<OwnerLine> out;
    ask<wire::ListOwners, wire::HeldOwners>(
        i, kHolderPath, [](auto) {},
        [&](wire::HeldOwners::Reader held) {
          for (const auto one : held.getOwners())
            out.push_back({*base::NodeId::from(bytes_of(one.getOwner())), one.getContents(), one.getBytes(),
                           one.getClaims(), one.getLastSeen()});
        });
    return out;
  }
  std::optional<base::Error> release_owner(std::size_t i, const base::NodeId& owner, std::uint64_t* claims = nullptr) {
    return ask<wire::ReleaseOwner, wire::OwnerReleased>(
        i, kHolderPath, [&](wire::ReleaseOwner::Builder out) { out.setOwner(data_of(owner.view())); },
        [&](wire::OwnerReleased::Reader released) {
          if (claims != nullptr) *claims = released.getClaims();
        });
  }

  struct Held {
    std::uint64_t contents = 0, claims = 0, bytes = 0, damaged = 0, bad = 0;
    std::uint64_t blobs = 0;  // in the store
    std::uint64_t reads = 0;  // under way
  };
  Held held(std::size_t i) {
    Held out;
    ask<runtime::wire::Describe, wire::HolderState>(
        i, kHolderPath, [](auto) {},
        [&](wire::HolderState::Reader state) {
          out = {state.getContents(),     state.getClaims(),     state.getBytes(),
                 state.getDamaged(),      state.getBadDigests(), 0,
                 state.getReadsUnderWay()};
        });
    ask<store::wire::Usage, store::wire::Used>(
        i, "/files/store", [](auto) {}, [&](store::wire::Used::Reader used) { out.blobs = used.getBlobs(); });
    return out;
  }
  struct Owned {
    unsigned files = 0, contents = 0, releases = 0, short_of = 0, lost = 0, puts = 0, streams = 0;
  };
  Owned owned(std::size_t i) {
    Owned out;
    ask<runtime::wire::Describe, wire::FilesState>(
        i, kPath, [](auto) {},
        [&](wire::FilesState::Reader state) {
          out = {state.getFiles(),        state.getContentsOwned(), state.getReleases(),       state.getContentsShort(),
                 state.getContentsLost(), state.getPutsUnderWay(),  state.getStreamsUnderWay()};
        });
    return out;
  }
  /// Of all nodes that are up.
  Held held_in_all() {
    Held out;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (!members[i]->up) continue;
      const Held one = held(i);
      out.contents += one.contents;
      out.claims += one.claims;
      out.bytes += one.bytes;
      out.blobs += one.blobs;
    }
    return out;
  }
  std::vector<std::string> failures() const {
    std::vector<std::string> out;
    for (const auto& member : members)
      for (const auto& life : member->lives) out.insert(out.end(), life->failures.begin(), life->failures.end());
    return out;
  }

  sim::Stage stage;
  std::shared_ptr<sim::Fabric> fabric;
  std::vector<std::unique_ptr<ClusterNode>> members;

 private:
  base::Contact contact(std::size_t i) const {
    return {members[i]->identity->public_key(), 0, members[i]->address.value_or(base::Endpoint{})};
  }
  /// Everybody knows everybody, also those that are down.
  void know(std::size_t self, runtime::Handlers& on) {
    on.tell<net::wire::Misbehaved>([this, self](net::wire::Misbehaved::Reader report) {
      if (report.getHow() == net::wire::Violation::BAD_RECORD)
        ++members[self]->accused[*base::NodeId::from(bytes_of(report.getNode()))];
    });
    on.ask<net::wire::WhereIs, net::wire::Whereabouts>([this](net::wire::WhereIs::Reader question,
                                                              runtime::Reply<net::wire::Whereabouts> reply) {
      const auto id = base::NodeId::from(bytes_of(question.getNode()));
      const std::size_t at = id ? find(*id) : members.size();
      if (at == members.size() || !members[at]->address)
        return reply.refuse({base::Code::not_found, "nobody of that name"});
      reply.send([&](net::wire::Whereabouts::Builder out) { messages::write_contact(out.initContact(), contact(at)); });
    });
    on.ask<peers::wire::ListKnown, peers::wire::KnownContacts>(
        [this, self](peers::wire::ListKnown::Reader, runtime::Reply<peers::wire::KnownContacts> reply) {
          if (members[self]->lonely) return reply.done();
          reply.send([&](peers::wire::KnownContacts::Builder out) {
            auto list = out.initList(static_cast<unsigned>(members.size() - 1));
            for (unsigned i = 0, at = 0; i < members.size(); ++i)
              if (i != self) messages::write_contact(list[at++], contact(i));
          });
        });
  }
};

}  // namespace troupe::files
