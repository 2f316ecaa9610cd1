#include "apps/host/compose.hpp"

#include "actors/dht/dht_actor.hpp"
#include "actors/files/files_actor.hpp"
#include "actors/inspect/inspect_actor.hpp"
#include "actors/peers/peers_actor.hpp"
#include "apps/cli/directory_access.hpp"
#include "runtime/config/forms.hpp"
#include "runtime/config/known.hpp"
#include "runtime/net/datagrams_actor.hpp"
#include "runtime/net/links_actor.hpp"
#include "runtime/store/store_actor.hpp"

namespace troupe::apps {
namespace {

static_assert(config::kPeersKnownMax.max <= peers::kKnownMax && config::kPeersLinksTarget.max <= peers::kLinksMax,
              "a setting that is taken can be kept");
static_assert(config::kDhtGroupBucketMax.max == dht::kContactsMax &&
                  config::kDhtGroupTableMax.max == dht::kContactsMax * dht::kRanges &&
                  config::kDhtGroupV4Bits.max == 32 && config::kDhtGroupV6Bits.max == 128,
              "the largest settings are no limits");

std::vector<base::PublicKey> keys(const config::Texts& texts) {
  std::vector<base::PublicKey> out;
  for (const auto& text : texts)
    if (const auto key = base::PublicKey::from_hex(text)) out.push_back(*key);
  return out;
}

node::Domain store(const Composition& parts) {
  const store::StoreTold told{parts.health, {}};
  return {"store",
          [told] { return std::make_unique<store::StoreActor>("store", store::StoreOptions{}, told); },
          {.kind = store::StoreActor::kName, .placement = ports::Placement::own_thread}};
}

/// An address that cannot be had ends a start; later, after a restart of `/links`, it is a fault of the node's health.
node::Domain links(const Composition& parts) {
  const auto listening = [serving = parts.serving, health = parts.health, log = parts.log,
                          cannot_listen = parts.cannot_listen](const base::Outcome<base::Endpoint>& at) {
    if (at.ok()) {
      serving->set(at.value());
      health->clear("links");
      return log->info("links", "listening", {{"at", at.value().text()}});
    }
    if (!serving->at()) return cannot_listen(at.error());
    health->raise("links", observe::HealthState::failing, "cannot listen any more: " + at.error().message);
  };
  return {"links",
          [pool = parts.pool, listening, log = parts.log] {
            return std::make_unique<net::LinksActor>(pool, listening, log);
          },
          {.kind = net::LinksActor::kName}};
}

/// Without a socket of their own all questions go over links: slower, and no reason not to serve.
node::Domain datagrams(const Composition& parts) {
  net::DatagramsActor::Setup setup{.pool = parts.pool, .table = parts.datagrams, .limits = {}};
  setup.limits.work_bits = parts.pool->setup().terms.work_bits;
  setup.listening = [health = parts.health, log = parts.log](const base::Outcome<base::Endpoint>& at) {
    if (!at.ok())
      return health->raise("datagrams", observe::HealthState::degraded,
                           "datagrams cannot be had, all goes over links: " + at.error().message);
    health->clear("datagrams");
    log->info("links", "listening for datagrams", {{"at", at.value().text()}});
  };
  return {"datagrams",
          [setup] { return std::make_unique<net::DatagramsActor>(setup); },
          {.kind = net::DatagramsActor::kName}};
}

node::Domain inspect(const Composition& parts) {
  inspect::InspectActor::Setup setup;
  setup.node = parts.pool->setup().identity->id();
  setup.period = parts.settings.get(config::kInspectPeriod);
  setup.health = parts.health;
  if (parts.totals != nullptr)
    setup.surveyed = [totals = parts.totals](const inspect::Totals& latest) { totals->set(latest); };
  return {"inspect",
          [setup] { return std::make_unique<inspect::InspectActor>(setup); },
          {.kind = inspect::InspectActor::kName, .placement = ports::Placement::own_thread}};
}

node::Domain peers(const Composition& parts) {
  const auto& settings = parts.settings;
  const crypto::Identity& identity = *parts.pool->setup().identity;
  const unsigned work_bits = parts.pool->setup().terms.work_bits;
  peers::PeersActor::Setup setup;
  setup.policy.known_max = settings.get(config::kPeersKnownMax);
  setup.policy.links_target = settings.get(config::kPeersLinksTarget);
  setup.policy.health_period = settings.get(config::kPeersHealthPeriod);
  setup.policy.exchange_period = settings.get(config::kPeersExchangePeriod);
  setup.policy.rejoin_period = settings.get(config::kPeersRejoinPeriod);
  setup.self = {identity.public_key(), identity.nonce(), parts.advertise.value_or(base::Endpoint{})};
  setup.id_of = [work_bits](const base::PublicKey& key, std::uint32_t nonce) {
    return crypto::check(key, nonce, work_bits);
  };
  for (const auto& text : settings.get(config::kJoin))
    if (const auto target = peers::Target::parse(text)) setup.seeds.push_back(*target);
  setup.health = parts.health;
  setup.log = parts.log;
  return {"peers",
          [setup, serving = parts.serving] {
            // The port may be one that the system picked, so it is known only now: `/links` is up.
            auto now = setup;
            if (now.self.endpoint.port == 0) now.self.endpoint = serving->at().value_or(base::Endpoint{});
            return std::make_unique<peers::PeersActor>(std::move(now));
          },
          {.kind = peers::PeersActor::kName}};
}

node::Domain dht(const Composition& parts) {
  const auto& settings = parts.settings;
  dht::DhtSettings setup;
  setup.identity = parts.pool->setup().identity;
  setup.endpoint = parts.advertise.value_or(base::Endpoint{});
  setup.work_bits = parts.pool->setup().terms.work_bits;
  setup.copies = settings.get(config::kDhtCopies);
  setup.values = settings.get(config::kDhtStore) == "memory" ? dht::Values::in_memory : dht::Values::on_disk;
  setup.held.hold = std::chrono::duration_cast<std::chrono::seconds>(settings.get(config::kDhtHold));
  setup.providers.hold = setup.held.hold;
  setup.cache_bytes_max = settings.get(config::kDhtCache).value;
  setup.republish.period =
      std::chrono::duration_cast<std::chrono::milliseconds>(settings.get(config::kDhtRepublishPeriod));
  setup.refresh_period = settings.get(config::kDhtRefreshPeriod);
  setup.recover_period = settings.get(config::kDhtRecoverPeriod);
  setup.groups.bucket_max = settings.get(config::kDhtGroupBucketMax);
  setup.groups.table_max = settings.get(config::kDhtGroupTableMax);
  setup.groups.group_of.v4_bits = static_cast<std::uint8_t>(settings.get(config::kDhtGroupV4Bits));
  setup.groups.group_of.v6_bits = static_cast<std::uint8_t>(settings.get(config::kDhtGroupV6Bits));
  setup.groups.group_of.ten_net = parts.simulated ? dht::TenNet::simulation : dht::TenNet::network;
  setup.health = parts.health;
  if (parts.dht_counters) setup.counters = parts.dht_counters;
  return {"dht",
          [setup, serving = parts.serving] {
            // The port may be one that the system picked, so it is known only now: `/links` is up.
            auto now = setup;
            if (now.endpoint.port == 0) now.endpoint = serving->at().value_or(base::Endpoint{});
            return std::make_unique<dht::DhtActor>(std::move(now));
          },
          {.kind = dht::DhtActor::kName}};
}

node::Domain files(const Composition& parts) {
  files::FilesSettings setup;
  setup.self = parts.pool->setup().identity->id();
  setup.replicas = static_cast<std::uint8_t>(parts.settings.get(config::kFilesReplicas));
  setup.claims.quota_bytes = parts.settings.get(config::kFilesQuotaPerOwner).value;
  setup.watch.period = parts.settings.get(config::kFilesWatchPeriod);
  setup.health = parts.health;
  return {"files", [setup] { return std::make_unique<files::FilesActor>(setup); }, {.kind = files::FilesActor::kName}};
}

}  // namespace

void Serving::set(const base::Endpoint& at) {
  const std::lock_guard hold(lock_);
  at_ = at;
}

std::optional<base::Endpoint> Serving::at() const {
  const std::lock_guard hold(lock_);
  return at_;
}

std::string Serving::text() const {
  const auto where = at();
  return where ? where->text() : std::string();
}

runtime::NodeLimits node_limits(const config::Settings& settings) {
  runtime::NodeLimits limits;
  limits.mailbox_max = settings.get(config::kActorsMailboxMax);
  return limits;
}

net::NetSetup net_setup(const config::Settings& settings, std::shared_ptr<const crypto::Identity> identity) {
  net::NetSetup setup;
  setup.identity = std::move(identity);
  setup.terms.work_bits = static_cast<unsigned>(settings.get(config::kIdentityWorkBits));
  setup.operators = std::make_shared<const net::Operators>(
      net::Operators{keys(settings.get(config::kOperatorsView)), keys(settings.get(config::kOperatorsOperate))});
  setup.limits.links_max = settings.get(config::kNetLinksMax);
  setup.limits.links_per_address_max = settings.get(config::kNetLinksPerAddressMax);
  setup.limits.handshakes_per_address_max = settings.get(config::kNetHandshakesPerAddressMax);
  setup.limits.handshake_timeout = settings.get(config::kNetHandshakeTimeout);
  setup.limits.frame_bytes_max = static_cast<std::uint32_t>(settings.get(config::kNetFrameBytesMax).value);
  setup.limits.questions_in_flight_max = settings.get(config::kNetQuestionsInFlightMax);
  setup.limits.questions_per_second_max = static_cast<std::uint32_t>(settings.get(config::kNetQuestionsPerSecondMax));
  setup.limits.keep_alive = settings.get(config::kNetKeepAlive);
  setup.listen = base::HostPort::parse(settings.get(config::kListen));
  setup.control_path = kControlSocket;
  return setup;
}

std::vector<node::Domain> compose(const Composition& parts) {
  return {inspect(parts), store(parts), links(parts), datagrams(parts), peers(parts), dht(parts), files(parts)};
}

node::NodeActor::Setup root_setup(const Composition& parts, std::string name) {
  node::NodeActor::Setup setup{.id = parts.pool->setup().identity->id(), .name = std::move(name)};
  setup.domains = compose(parts);
  setup.listen = [serving = parts.serving] { return serving->text(); };
  setup.peers = [pool = parts.pool] {
    std::size_t peers = 0;
    for (const auto& link : pool->rows()) peers += link.role == messages::Role::peer ? 1u : 0u;
    return peers;
  };
  setup.health = parts.health;
  setup.log = parts.log;
  return setup;
}

}  // namespace troupe::apps
