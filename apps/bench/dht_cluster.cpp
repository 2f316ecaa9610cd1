#include "apps/bench/dht_cluster.hpp"

#include <atomic>

#include "actors/dht/dht_actor.hpp"
#include "actors/peers/api.hpp"
#include "messages/contact.hpp"
#include "messages/runtime.capnp.h"
#include "runtime/net/datagrams_actor.hpp"
#include "runtime/net/links_actor.hpp"

namespace troupe::bench {
namespace {

constexpr const char* kAnyPort = "127.0.0.1:0";
constexpr std::chrono::seconds kListenMax{60};
constexpr std::chrono::seconds kJoinMax{120};
constexpr std::chrono::milliseconds kLookAgain{500};
constexpr std::size_t kCalm = 5;              // checks in a row in which no table has grown
constexpr std::chrono::seconds kTryAgain{1};  // for a node whose first search met no other node
constexpr std::uint32_t kMany = 500'000'000;
constexpr std::uint64_t kPlenty = std::uint64_t{1} << 40;  // more than one machine can fill during the measurement

/// Replaces `/peers`: knows the nodes that it was given.
class Acquaintances final : public runtime::Actor {
 public:
  static constexpr const char* kName = "acquaintances";
  explicit Acquaintances(std::vector<base::Contact> known) : known_(std::move(known)) {}
  void receive(runtime::Handlers& on) override {
    on.ask<peers::wire::ListKnown, peers::wire::KnownContacts>(
        [this](peers::wire::ListKnown::Reader, runtime::Reply<peers::wire::KnownContacts> reply) {
          reply.send([this](peers::wire::KnownContacts::Builder out) {
            auto list = out.initList(static_cast<unsigned>(known_.size()));
            for (unsigned i = 0; i < list.size(); ++i) messages::write_contact(list[i], known_[i]);
          });
        });
  }

 private:
  const std::vector<base::Contact> known_;
};

/// Asks all nodes for their counters, and reports the sums.
class Census final : public runtime::Actor {
 public:
  static constexpr const char* kName = "census";
  using Told = std::function<void(const DhtCluster::Counts&)>;
  Census(std::vector<DhtMember> members, Told told) : members_(std::move(members)), told_(std::move(told)) {}

  void receive(runtime::Handlers&) override {}
  void start() override {
    for (const DhtMember& one : members_) {
      look<net::wire::DatagramsState>(one.datagrams, [this](net::wire::DatagramsState::Reader state) {
        counts_.requests += state.getAsked() + state.getOverLinks();
        counts_.refused += state.getRefused() + state.getCrowded();
      });
      look<dht::wire::DhtState>(one.dht,
                                [this](dht::wire::DhtState::Reader state) { counts_.contacts += state.getContacts(); });
    }
  }

 private:
  template <class State, class Take>
  void look(const runtime::Handle& at, Take take) {
    ++waiting_;
    ask<runtime::wire::Describe, State>(
        at, now() + kDue, [](runtime::wire::Describe::Builder) {},
        [this, take](runtime::Answer<State> answer) {
          if (answer.ok()) take(answer.value());
          if (--waiting_ > 0) return;
          told_(counts_);
          finish();
        });
  }

  const std::vector<DhtMember> members_;
  const Told told_;
  DhtCluster::Counts counts_;
  std::size_t waiting_ = 0;
};

net::NetSetup dht_setup(std::size_t nodes) {
  net::NetSetup out = loopback_setup(nodes);
  out.listen = base::HostPort::parse(kAnyPort);
  return out;
}

net::AdmissionLimits admission() {
  net::AdmissionLimits out;
  out.work_bits = 0;
  out.agreements = out.questions = {kMany, kMany};  // all nodes share one address
  return out;
}

dht::HeldLimits plenty() {
  dht::HeldLimits out;
  out.space_bytes_max.fill(kPlenty);
  out.bytes_max = out.records_max = out.owner_bytes_max = out.owner_records_max = kPlenty;
  return out;
}

}  // namespace

struct DhtCluster::Home {
  runtime::Node& node;
  std::shared_ptr<net::Pool> pool;
  std::shared_ptr<net::Datagrams> table;
  std::atomic<std::uint32_t> links_port{0}, datagrams_port{0};
};

Measurement<std::unique_ptr<DhtCluster>> DhtCluster::start(Runner& runner, std::size_t nodes, std::size_t copies) {
  std::unique_ptr<DhtCluster> out(new DhtCluster);
  const auto listening = out->listen(runner, nodes);
  if (!listening.ok()) return listening.error();
  out->serve(copies);
  const auto met = out->await_tables(runner);
  if (!met.ok()) return met.error();
  return out;
}

Measurement<void> DhtCluster::listen(Runner& runner, std::size_t nodes) {
  for (std::size_t i = 0; i < nodes; ++i) {
    runtime::Node& node = runner.add_node();
    const auto pool = std::make_shared<net::Pool>(node, dht_setup(nodes));
    const auto table = std::make_shared<net::Datagrams>(pool);
    // Not owned there: the table keeps proxies, which would own their node.
    node.reaches = [at = table.get()](const base::Contact& contact, const std::string& path) {
      return at->proxy(contact, path);
    };
    const auto home = std::make_shared<Home>(node, pool, table);
    homes_.push_back(home);
    const auto listening = [home, &runner](const base::Outcome<base::Endpoint>& at) {
      if (at.ok()) home->links_port = at.value().port;
      runner.ring();
    };
    node.start("links", factory<net::LinksActor>(pool, listening), {.kind = net::LinksActor::kName});
  }
  const auto everywhere = [this](auto port) {
    return [this, port] { return std::ranges::all_of(homes_, [port](const auto& one) { return (*one).*port != 0; }); };
  };
  if (const auto up = runner.wait_until("listening", kListenMax, everywhere(&Home::links_port)); !up.ok()) return up;
  for (const auto& home : homes_) {
    net::DatagramsActor::Setup setup{.pool = home->pool, .table = home->table, .limits = admission()};
    setup.listening = [home, &runner](const auto& at) {
      if (at.ok()) home->datagrams_port = at.value().port;
      runner.ring();
    };
    home->node.start("datagrams", factory<net::DatagramsActor>(setup), {.kind = net::DatagramsActor::kName});
  }
  return runner.wait_until("listening for datagrams", kListenMax, everywhere(&Home::datagrams_port));
}

void DhtCluster::serve(std::size_t copies) {
  std::vector<base::Contact> known;  // only the first node; no node knows more
  for (const auto& home : homes_) {
    dht::DhtSettings setup;
    setup.identity = home->pool->setup().identity;
    setup.endpoint = *base::Endpoint::parse("127.0.0.1:" + std::to_string(home->links_port.load()));
    setup.work_bits = 0;
    setup.copies = copies;
    setup.held = plenty();
    setup.budgets = {.questions_per_second = kMany, .checks_per_second = kMany, .written_per_second = kMany};
    setup.values = dht::Values::in_memory;
    setup.cache_bytes_max = 0;  // only searches are measured
    setup.recover_period = kTryAgain;
    const base::Contact contact{setup.identity->public_key(), setup.identity->nonce(), setup.endpoint};
    home->node.start("peers", factory<Acquaintances>(known), {.kind = Acquaintances::kName});
    home->node.start("dht", factory<dht::DhtActor>(setup), {.kind = dht::DhtActor::kName});
    members_.push_back({contact, home->node.find("/dht"), home->node.find("/datagrams")});
    if (known.empty()) known.push_back(contact);
  }
}

Measurement<void> DhtCluster::await_tables(Runner& runner) const {
  const base::Instant due = runner.now() + kJoinMax;
  std::uint64_t before = 0;
  for (std::size_t calm = 0; calm < kCalm;) {
    if (const auto paused = runner.pause(kLookAgain); !paused.ok()) return paused;
    const auto counted = count(runner);
    if (!counted.ok()) return counted.error();
    calm = counted.value().contacts == before && before >= homes_.size() ? calm + 1 : 0;
    before = counted.value().contacts;
    if (runner.now() >= due)
      return Failure{
          {base::Code::timeout, "the nodes did not connect in time"}, "nothing was measured", "again", Exit::failed};
  }
  return {};
}

Measurement<DhtCluster::Counts> DhtCluster::count(Runner& runner) const {
  return runner.told<Counts>("census", {}, [this](Census::Told told) { return factory<Census>(members_, told); });
}

}  // namespace troupe::bench
