// The peers as a domain of a node.
#include "actors/node/api.hpp"
#include "actors/peers/peers_actor.hpp"
#include "actors/peers/sim.hpp"
#include "runtime/config/forms.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::peers {
namespace {

using namespace std::chrono_literals;
using config::When;

constexpr auto kJoin =
    config::texts("join", 64, When::start, "[ID@]HOST:PORT of nodes to join through", config::check_peer_address);
constexpr auto kLinksTarget =
    config::count("peers.links_target", "16", 1, kLinksMax, When::start, "links that the node maintains by itself");
constexpr auto kHealthPeriod =
    config::duration("peers.health_period", "60s", 100ms, 24h, When::start, "time between two health pings of a peer");
constexpr auto kExchangePeriod = config::duration("peers.exchange_period", "120s", 100ms, 24h, When::start,
                                                  "time between two exchanges of known peers");
constexpr auto kRejoinPeriod = config::duration("peers.rejoin_period", "300s", 100ms, 24h, When::start,
                                                "time between two joins with too few healthy peers");
constexpr auto kKnown = config::count("peers.known_max", "1000", 16, kKnownMax, When::start,
                                      "peers remembered; the worst is forgotten first");
constexpr auto kSettings =
    std::to_array<config::Setting>({kJoin, kLinksTarget, kHealthPeriod, kExchangePeriod, kRejoinPeriod, kKnown});

constexpr std::string_view kHealthSources[] = {PeersActor::kName, PeersActor::kDates, PeersActor::kIdentity,
                                               PeersActor::kAddress, "peers.store"};

node::Domain make(const node::DomainParts& parts) {
  const auto& settings = parts.settings;
  const crypto::Identity& identity = *parts.identity;
  const unsigned work_bits = parts.work_bits;
  PeersActor::Setup setup;
  setup.policy.known_max = settings.get(kKnown);
  setup.policy.links_target = settings.get(kLinksTarget);
  setup.policy.health_period = settings.get(kHealthPeriod);
  setup.policy.exchange_period = settings.get(kExchangePeriod);
  setup.policy.rejoin_period = settings.get(kRejoinPeriod);
  setup.self = {identity.public_key(), identity.nonce(), {}};
  setup.id_of = [work_bits](const base::PublicKey& key, std::uint32_t nonce) {
    return crypto::check(key, nonce, work_bits);
  };
  for (const auto& text : settings.get(kJoin))
    if (const auto target = Target::parse(text)) setup.seeds.push_back(*target);
  setup.owes_answer = [links = parts.links](const base::NodeId& id) { return links->owes_answer(id); };
  setup.own_id_met = [links = parts.links] { return links->own_id_met(); };
  setup.health = parts.health;
  setup.log = parts.domain_log;
  return {.name = "peers",
          .factory =
              [setup, endpoint = parts.own_endpoint()] {
                auto now = setup;
                now.self.endpoint = endpoint();
                return std::make_unique<PeersActor>(std::move(now));
              },
          .options = {.kind = PeersActor::kName}};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{.name = "peers",
                                     .settings = kSettings,
                                     .logs = true,
                                     .health = kHealthSources,
                                     .make = make,
                                     .workload = workload};
  return spec;
}

}  // namespace troupe::peers
