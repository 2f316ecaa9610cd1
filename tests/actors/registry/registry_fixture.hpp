#pragma once
// A node of the registry in virtual time, and the actors that it asks.
#include "actors/registry/registry_actor.hpp"
#include "messages/codec.hpp"
#include "messages/contact.hpp"
#include "messages/dht.capnp.h"
#include "messages/peers.capnp.h"
#include "tests/actors/registry/nodes.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"
#include "tests/runtime/actor/foreign_actor.hpp"

namespace troupe::registry {

using messages::Role;

/// A node whose DHT knows no other one, and whose rows are on no disk unless there is a `store`.
struct RegistryFixture : test::ActorFixture {
  explicit RegistryFixture(const test::Scripted::Receive& store = {}) {
    settings.identity = std::make_shared<const crypto::Identity>(crypto::Identity::make(ports.world().chance, 0));
    settings.work_bits = 0;
    settings.version = "0.1.0";
    if (store) start("store", store);
    else settings.store.clear();
    start("peers", [](test::Scripted&, runtime::Handlers& on) {
      on.ask<peers::wire::WhereAmI, peers::wire::OwnPlace>(
          [](peers::wire::WhereAmI::Reader, runtime::Reply<peers::wire::OwnPlace> reply) {
            reply.send([](peers::wire::OwnPlace::Builder out) {
              messages::write_contact(out.initContact(), {{}, 0, *base::Endpoint::parse("10.0.0.9:4000")});
            });
          });
    });
    start("dht", [this](test::Scripted&, runtime::Handlers& on) {
      on.ask<dht::wire::Search, dht::wire::SearchResult>(
          [this](dht::wire::Search::Reader search, runtime::Reply<dht::wire::SearchResult> reply) {
            ++searches;
            if (search.getGoal().isNodes()) ++seeks;
            reply.send([&](dht::wire::SearchResult::Builder out) {
              auto list = out.initNearest(size32(nearest));
              for (unsigned i = 0; i < list.size(); ++i) messages::write_contact(list[i], nearest[i]);
            });
          });
      on.ask<dht::wire::Put, dht::wire::PutDone>(
          [this](dht::wire::Put::Reader put, runtime::Reply<dht::wire::PutDone> reply) {
            const auto value = bytes_of(put.getValue());
            published.assign(value.begin(), value.end());
            reply.done();
          });
    });
    watcher = start("watcher", [this](test::Scripted&, runtime::Handlers& on) {
      const auto note = [this](auto& reply) {
        if (watcher_is_away) return reply.refuse({base::Code::unavailable, "away"});
        reply.send([this](wire::BeatNoted::Builder out) { out.setRegistration(told ? told->sequence : 0); });
      };
      on.ask<wire::Beat, wire::BeatNoted>(
          [note](wire::Beat::Reader, runtime::Reply<wire::BeatNoted> reply) { note(reply); });
      on.ask<wire::OfferRegistration, wire::BeatNoted>(
          [this, note](wire::OfferRegistration::Reader offer, runtime::Reply<wire::BeatNoted> reply) {
            if (!watcher_is_away) told = parse_registration(bytes_of(offer.getRegistration()));
            note(reply);
          });
    });
    node.reaches = [this](const base::Contact&, const std::string&) { return watcher; };
    // The children of a root have its place in their paths, those of a domain have the domain's.
    start("node", {}, [this](test::Scripted& self) {
      registry = self.spawn("registry", [this] { return std::make_unique<RegistryActor>(settings); });
    });
    stage.run_for(3s);
  }

  std::uint64_t ms() { return static_cast<std::uint64_t>(ports.world().clock.wall().since_origin() / 1ms); }
  runtime::Envelope beat(test::ForeignActor& from, const base::Bytes& bytes) {
    return from.ask<wire::Beat>(registry, [&](wire::Beat::Builder out) { out.setHeartbeat(data_of(bytes)); });
  }
  runtime::Envelope offer(test::ForeignActor& from, const base::Bytes& bytes) {
    return from.ask<wire::OfferRegistration>(
        registry, [&](wire::OfferRegistration::Builder out) { out.setRegistration(data_of(bytes)); });
  }
  struct Listed {
    std::vector<base::NodeId> nodes;
    std::vector<wire::Status> statuses;
    bool ended = false;
  };
  Listed list() {
    Listed out;
    runtime::Subscription stream;
    inside([&](test::Scripted& self) {
      stream = self.subscribe<wire::ListNodes, wire::NodeRows>(
          node.find(kListPath), 30s, [](wire::ListNodes::Builder) {},
          [&](wire::NodeRows::Reader part) {
            for (const auto row : part.getRows()) {
              out.nodes.push_back(read_checked_heartbeat(bytes_of(row.getHeartbeat()))->id());
              out.statuses.push_back(row.getStatus());
            }
          },
          [&](const base::Result<void, base::Error>& end) { out.ended = end.ok(); });
    });
    stage.run_for(1s);
    inside([&](test::Scripted&) { stream.cancel(); });
    return out;
  }

  RegistrySettings settings;
  std::size_t searches = 0;
  std::size_t seeks = 0;               // of them, for watchers
  std::vector<base::Contact> nearest;  // that the DHT names
  runtime::Handle watcher;             // whichever of them is asked
  bool watcher_is_away = false;
  std::optional<Registration> told;  // the last one that the watcher took
  base::Bytes published;
  runtime::Handle registry;
};

inline bool refused(const runtime::Envelope& answer, base::Code code) {
  return answer.header().signal == runtime::Signal::error && runtime::read_error(answer).code == code;
}
inline bool taken(const runtime::Envelope& answer) { return answer.kind() == &messages::kind_of<wire::BeatNoted>(); }

}  // namespace troupe::registry
