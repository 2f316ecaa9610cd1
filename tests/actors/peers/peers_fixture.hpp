#pragma once
// A node whose `/peers` is the real actor, in virtual time, with a fake for each of its partners.
#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/peers/peers_actor.hpp"
#include "actors/peers/wire.hpp"
#include "messages/runtime.capnp.h"
#include "runtime/base/fields.hpp"
#include "runtime/net/misbehaved.hpp"
#include "tests/actors/peers/fixture.hpp"
#include "tests/runtime/actor/foreign_actor.hpp"
#include "tests/runtime/observe/lines_sink.hpp"

namespace troupe::peers {

using base::Code;
using messages::Role;
using runtime::Handlers;
using runtime::Reply;
using test::ActorFixture;
using test::ForeignActor;
using test::Scripted;
using wire::LinkDirection;
using wire::PeerState;

using Met = net::wire::NotThere::Met;

using Rows = std::map<base::Bytes, base::Bytes>;

inline base::Bytes copy(capnp::Data::Reader from) { return {from.begin(), from.end()}; }

/// What a fake does besides: code of the test, in the context of the fake.
struct Obedient {
  std::function<void()> order;
  void obey(Handlers& on) {
    on.tell<messages::wire::Nothing>([this](messages::wire::Nothing::Reader) { std::exchange(order, {})(); });
  }
};

/// A store: its rows are the test's, so that they outlive a node.
struct FakeStore : Obedient {
  explicit FakeStore(Rows& of) : rows(of) {}

  Rows& rows;
  std::size_t scans_failing = 0;
  std::size_t commits_failing = 0;
  std::size_t commits = 0;
  std::size_t slice_max = 3;  // so that a handful of rows takes several slices
  bool silent = false;
  std::vector<Reply<messages::wire::Nothing>> kept{};

  void receive(Handlers& on) {
    obey(on);
    on.ask<store::wire::Scan, store::wire::Slice>(
        [this](store::wire::Scan::Reader scan, Reply<store::wire::Slice> reply) {
          if (scans_failing > 0) return --scans_failing, reply.refuse({Code::unavailable, "no device"});
          CHECK(scan.getKeyspace() == kKeyspace);
          reply.send([&](store::wire::Slice::Builder out) { fill(out, copy(scan.getFrom())); });
        });
    on.ask<store::wire::Commit, messages::wire::Nothing>(
        [this](store::wire::Commit::Reader commit, Reply<messages::wire::Nothing> reply) {
          ++commits;
          if (silent) return kept.push_back(std::move(reply));
          if (commits_failing > 0) return --commits_failing, reply.refuse({Code::no_space, "the disk is full"});
          for (const auto change : commit.getRows()) {
            CHECK(change.getKeyspace() == kKeyspace);
            if (change.getValue().isErase()) rows.erase(copy(change.getKey()));
            else rows[copy(change.getKey())] = copy(change.getValue().getPut());
          }
          reply.done();
        });
  }
  void fill(store::wire::Slice::Builder out, const base::Bytes& from) {
    const auto begin = rows.lower_bound(from);
    const auto left = static_cast<std::size_t>(std::distance(begin, rows.end()));
    auto list = out.initRows(static_cast<unsigned>(std::min(left, slice_max)));
    auto at = begin;
    for (unsigned i = 0; i < list.size(); ++i, ++at) {
      list[i].setKey(data_of(at->first));
      list[i].setValue(data_of(at->second));
    }
    if (at == rows.end()) return;
    out.setMore(true);
    out.setNext(data_of(at->first));
  }
};

/// `/links`: dials succeed at the addresses where the test has put a node.
struct FakeLinks : Obedient {
  std::map<std::string, std::uint32_t> homes{};  // by HOST:PORT
  Code failure = Code::unavailable;
  std::vector<std::pair<base::Instant, std::string>> dials{};
  std::vector<std::uint32_t> hang_ups{};
  std::vector<std::pair<base::NodeId, std::uint64_t>> bans{};  // for how many milliseconds
  std::map<std::uint32_t, bool> up{};                          // whether we dialled
  int follows = 0;
  bool lists = true;
  Scripted* self = nullptr;
  runtime::Handle follower{};

  void receive(Scripted& me, Handlers& on) {
    self = &me;
    obey(on);
    on.ask<net::wire::Dial, net::wire::Dialled>(
        [this](net::wire::Dial::Reader dial, Reply<net::wire::Dialled> reply) { answer(dial, std::move(reply)); });
    on.tell<net::wire::HangUp>([this](net::wire::HangUp::Reader last) {
      CHECK(last.getReason().size() > 0);
      const base::NodeId id = *node_of(last.getNode());
      for (const auto& [number, outbound] : std::map(up)) {
        if (id != id_of(number)) continue;
        hang_ups.push_back(number);
        tell_down(number);
      }
    });
    on.tell<net::wire::Shun>(
        [this](net::wire::Shun::Reader ban) { bans.emplace_back(*node_of(ban.getNode()), ban.getMilliseconds()); });
    on.tell<net::wire::FollowLinks>([this](net::wire::FollowLinks::Reader) {
      ++follows;
      follower = self->sender();
      for (const auto& [number, outbound] : std::map(up)) tell_up(number, outbound);
    });
    on.ask<net::wire::ListLinks, net::wire::LinkRows>(
        [this](net::wire::ListLinks::Reader, Reply<net::wire::LinkRows> reply) {
          if (!lists) return waiting.push_back(std::move(reply));
          reply.send([this](net::wire::LinkRows::Builder out) { list(out); });
        });
  }
  void answer(net::wire::Dial::Reader dial, Reply<net::wire::Dialled> reply) {
    const std::string address = dial.getAddress().cStr();
    dials.emplace_back(self->now(), address);
    const auto home = homes.find(address);
    if (home == homes.end()) return reply.refuse({failure, "no node answers at " + address});
    if (dial.getPinned().size() > 0 && node_of(dial.getPinned()) != id_of(home->second))
      return reply.refuse({Code::refused, "another id answers at " + address});
    const std::uint32_t number = home->second;
    reply.send([&](net::wire::Dialled::Builder out) { write(out.initContact(), contact_of(number)); });
    tell_up(number, true);
  }
  void tell_up(std::uint32_t number, bool outbound) {
    up[number] = outbound;
    self->tell<net::wire::LinkUp>(follower, [&](net::wire::LinkUp::Builder out) {
      Contact contact = contact_of(number);
      if (!outbound) contact.endpoint = inbound(number).remote;
      write(out.initContact(), contact);
      out.setOutbound(outbound);
    });
  }
  void tell_down(std::uint32_t number) {
    up.erase(number);
    self->tell<net::wire::LinkDown>(follower, [&](net::wire::LinkDown::Builder out) {
      const base::NodeId id = id_of(number);
      out.setNode(data_of(id.view()));
    });
  }
  void list(net::wire::LinkRows::Builder out) {
    auto rows = out.initLinks(static_cast<unsigned>(up.size()) + 1);
    unsigned i = 0;
    for (const auto& [number, outbound] : up) {
      const base::NodeId id = id_of(number);
      rows[i].setNode(data_of(id.view()));
      rows[i].setRole(messages::wire::Role::PEER);
      rows[i].setSent(1'000 + number);
      rows[i++].setReceived(2'000 + number);
    }
    rows[i].setRole(messages::wire::Role::OPERATE);
  }
  std::vector<Reply<net::wire::LinkRows>> waiting{};
};

/// The actors `/peers` of other nodes.
struct FakePeers {
  std::map<base::NodeId, runtime::Handle> handles{};
  std::set<std::uint32_t> mute{};
  std::map<std::uint32_t, Contact> claims{};         // what a Pong says about its sender, if that is not the truth
  std::map<std::uint32_t, std::uint32_t> dates{};    // what a Pong says, in seconds
  std::map<std::uint32_t, base::Endpoint> before{};  // where it knew this node before
  std::set<std::uint32_t> told_elsewhere{};          // those whose Ping said `elsewhere`
  std::vector<std::uint32_t> friends{};              // the contacts that each of them passes on
  std::map<std::uint32_t, int> pings{};
  std::map<std::uint32_t, int> questions{};

  void receive(std::uint32_t number, Handlers& on) {
    on.ask<peers::wire::Ping, peers::wire::Pong>(
        [this, number](peers::wire::Ping::Reader ping, Reply<peers::wire::Pong> reply) {
          ++pings[number];
          CHECK(read(ping.getSelf()).key == key_of(kSelf));
          if (ping.getElsewhere()) told_elsewhere.insert(number);
          if (mute.contains(number)) return reply.refuse({Code::overloaded, "busy"});
          const auto claim = claims.find(number);
          reply.send([&](peers::wire::Pong::Builder out) {
            write(out.initSelf(), claim == claims.end() ? contact_of(number) : claim->second);
            if (const auto date = dates.find(number); date != dates.end()) out.setDateS(date->second);
            const auto at = before.find(number);
            if (at == before.end()) return;
            const auto address = base::words_of(at->second.address);
            out.setBefore0(address[0]);
            out.setBefore1(address[1]);
            out.setBeforePort(at->second.port);
          });
        });
    on.ask<peers::wire::Exchange, peers::wire::Contacts>(
        [this, number](peers::wire::Exchange::Reader question, Reply<peers::wire::Contacts> reply) {
          ++questions[number];
          CHECK(question.getContactsMax() == kContactsMax);
          std::vector<Contact> list;
          for (const auto other : friends) list.push_back(contact_of(other));
          reply.send([&](peers::wire::Contacts::Builder out) { write(out.initList(size32(list)), list); });
        });
  }
};

/// A node whose `/peers` is real, with a fake for each of its partners.
struct PeersFixture {
  explicit PeersFixture(Rows& rows, std::uint64_t seed = 1) : store(rows), actors(seed) {
    actors.start("store", [this](Scripted&, Handlers& on) { store.receive(on); });
    actors.start("links", [this](Scripted& self, Handlers& on) { links.receive(self, on); });
    actors.node.remotes = [this](const base::NodeId& id, const std::string& path) {
      CHECK(path == kPath);
      return others.handles.at(id);
    };
    for (std::uint32_t number = 1; number <= 40; ++number) {
      others.handles[id_of(number)] = actors.start(
          "other" + std::to_string(number), [this, number](Scripted&, Handlers& on) { others.receive(number, on); });
    }
    actors.stage.settle();
  }
  ~PeersFixture() {
    in("/store", store, [this] { store.kept.clear(); });
    in("/links", links, [this] {
      links.waiting.clear();
      links.follower = {};
    });
    others.handles.clear();
  }

  void open(std::vector<Target> seeds = {}) {
    PeersActor::Setup setup;
    setup.self = {key_of(kSelf), 7, own};
    setup.id_of = fake_id;
    setup.seeds = std::move(seeds);
    setup.own_id_met = [this] { return met; };
    setup.health = &health;
    setup.log = observe::DomainLog(log, "peers", [this] { return actors.node.world().clock.now(); });
    peers = actors.node.start("peers", [setup] { return std::make_unique<PeersActor>(setup); });
    actors.stage.settle();
  }
  /// Puts a node at its usual address, where it can be dialled.
  Target home(std::uint32_t number) {
    const std::string address = endpoint_of(number).text();
    links.homes[address] = number;
    return *Target::parse(address);
  }
  void in(std::string_view path, Obedient& fake, std::function<void()> order) {
    fake.order = std::move(order);
    actors.inside([&](Scripted& self) { self.tell<messages::wire::Nothing>(actors.node.find(path), [](auto) {}); });
    actors.stage.settle();
  }
  void dials_us(std::uint32_t number) {
    in("/links", links, [&] { links.tell_up(number, false); });
  }
  void close() {
    actors.inside(
        [&](Scripted& self) { self.send(peers, runtime::Envelope::build<runtime::wire::Stop>({}, [](auto) {})); });
    actors.stage.settle();
  }
  void pass(base::Duration span) { actors.stage.run_for(span); }

  /// Asks as another node or an operator does.
  template <class Question, class Fill>
  runtime::Envelope hear(std::uint32_t number, Role role, Fill fill) {
    return ForeignActor(actors, id_of(number), role).ask<Question>(peers, fill);
  }
  template <class Question, class Answer, class Fill>
  void ask(Fill fill, std::function<void(runtime::Answer<Answer>&)> then) {
    bool answered = false;
    actors.inside([&](Scripted& self) {
      self.ask<Question, Answer>(peers, self.now() + 60s, fill, [&](runtime::Answer<Answer> answer) {
        answered = true;
        then(answer);
      });
    });
    actors.stage.run_until([&] { return answered; }, 60s);
    CHECK(answered);
  }
  struct Line {
    std::string address;
    peers::wire::PeerState state{};
    peers::wire::LinkDirection direction{};
    std::optional<double> rtt;
    std::uint64_t sent = 0, received = 0;
    std::uint32_t score = 0;
    std::optional<std::uint64_t> banned_ms;
  };
  std::map<base::NodeId, Line> lines(bool healthy_only = false) {
    std::map<base::NodeId, Line> out;
    ask<peers::wire::ListPeers, peers::wire::PeerRows>([&](auto question) { question.setHealthyOnly(healthy_only); },
                                                       [&](auto& answer) {
                                                         REQUIRE(answer.ok());
                                                         auto rows = answer.value();
                                                         for (const auto row : rows.getPeers()) {
                                                           Line& line = out[*node_of(row.getNode())];
                                                           line.address = row.getAddress().cStr();
                                                           line.state = row.getState();
                                                           line.direction = row.getDirection();
                                                           if (row.getRttMs().isValue())
                                                             line.rtt = row.getRttMs().getValue();
                                                           line.sent = row.getSent();
                                                           line.received = row.getReceived();
                                                           line.score = row.getScore();
                                                           if (row.getBannedForMs().isValue())
                                                             line.banned_ms = row.getBannedForMs().getValue();
                                                         }
                                                       });
    return out;
  }
  /// The error that a command ends with; nothing if it succeeds.
  std::optional<base::Error> connect(const std::string& target) {
    std::optional<base::Error> out;
    ask<peers::wire::ConnectPeer, peers::wire::Connected>([&](auto command) { command.setTarget(target.c_str()); },
                                                          [&](auto& answer) {
                                                            if (!answer.ok()) out = answer.error();
                                                          });
    return out;
  }
  std::optional<base::Error> drop(base::ByteView id) {
    std::optional<base::Error> out;
    ask<peers::wire::DropPeer, messages::wire::Nothing>([&](auto command) { command.setNode(data_of(id)); },
                                                        [&](auto& answer) {
                                                          if (!answer.ok()) out = answer.error();
                                                        });
    return out;
  }
  std::optional<base::Error> unban(base::ByteView id) {
    std::optional<base::Error> out;
    ask<peers::wire::PardonPeer, messages::wire::Nothing>([&](auto command) { command.setNode(data_of(id)); },
                                                          [&](auto& answer) {
                                                            if (!answer.ok()) out = answer.error();
                                                          });
    return out;
  }
  std::optional<base::Error> forget(base::ByteView id) {
    std::optional<base::Error> out;
    ask<peers::wire::ForgetPeer, messages::wire::Nothing>([&](auto command) { command.setNode(data_of(id)); },
                                                          [&](auto& answer) {
                                                            if (!answer.ok()) out = answer.error();
                                                          });
    return out;
  }
  /// Another part of the node reports this violation, `times` times.
  void accuse(const base::NodeId& node, net::wire::Violation how, int times = 1) {
    actors.inside([&](Scripted& self) {
      for (int i = 0; i < times; ++i)
        self.tell<net::wire::Misbehaved>(peers, [&](net::wire::Misbehaved::Builder out) {
          net::write_misbehaved(out, node, how, "a test says so");
        });
    });
    actors.stage.settle();
  }
  std::string reason(std::string_view source) {
    for (const auto& one : health.reasons()) {
      if (one.source == source) return one.text;
    }
    return {};
  }

  base::Endpoint own = *base::Endpoint::parse("10.9.9.9:4000");
  std::optional<base::Instant> met;  // another node with this identity
  // What handlers use outlives them; what belongs to actors is released before they end.
  FakeStore store;
  FakeLinks links{};
  FakePeers others{};
  observe::Health health;
  std::vector<std::string> logged;  // without the date and the level
  observe::Log log{
      std::make_unique<test::LinesSink>(logged), observe::LogFormat::text, [] { return base::WallTime{}; }, {"peers"}};
  ActorFixture actors;
  runtime::Handle peers;
};

inline std::optional<Code> code_of(const runtime::Envelope& answer) {
  if (!answer || answer.header().signal != runtime::Signal::error) return std::nullopt;
  return runtime::read_error(answer).code;
}

/// A ping in another's name.
inline std::optional<Code> lie(PeersFixture& fixture, std::uint32_t number) {
  return code_of(fixture.hear<peers::wire::Ping>(number, Role::peer,
                                                 [](auto ping) { write(ping.initSelf(), contact_of(kSelf)); }));
}

inline base::Bytes key_bytes(std::uint32_t number) {
  const base::NodeId id = id_of(number);
  return {id.bytes.begin(), id.bytes.end()};
}

inline std::optional<KnownPeer> stored(const Rows& rows, std::uint32_t number) {
  const auto at = rows.find(key_bytes(number));
  if (at == rows.end()) return std::nullopt;
  return peers::parse(id_of(number), at->second, {}, fake_id).value();
}

}  // namespace troupe::peers
