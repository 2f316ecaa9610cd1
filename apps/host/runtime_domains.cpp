#include "apps/host/domains.hpp"
#include "runtime/config/known.hpp"
#include "runtime/net/datagrams_actor.hpp"
#include "runtime/net/links_actor.hpp"
#include "runtime/store/store_actor.hpp"

namespace troupe::apps {
namespace {

node::Domain make_store(const node::DomainParts& parts) {
  const store::StoreTold told{parts.health, {}};
  return {.name = "store",
          .factory = [told] { return std::make_unique<store::StoreActor>("store", store::StoreOptions{}, told); },
          .options = {.kind = store::StoreActor::kName, .placement = ports::Placement::own_thread}};
}

/// An unavailable address fails the start. After a restart of `/links`, it is a fault of the node's health.
node::Domain make_links(const node::DomainParts& parts) {
  const auto listening = [serving = parts.serving, health = parts.health, log = parts.log,
                          cannot_listen = parts.cannot_listen](const base::Outcome<base::Endpoint>& at) {
    if (at.ok()) {
      serving->set(at.value());
      health->clear("links");
      return log->info("links", "listening", {{"at", at.value().text()}});
    }
    if (!serving->at()) return cannot_listen(at.error());
    health->raise("links", observe::HealthState::failing, "no longer listening: " + at.error().message);
  };
  return {.name = "links",
          .factory = [pool = parts.pool, listening,
                      log = parts.log] { return std::make_unique<net::LinksActor>(pool, listening, log); },
          .options = {.kind = net::LinksActor::kName}};
}

/// Without a UDP socket all requests use links: slower, but the node still serves.
node::Domain make_datagrams(const node::DomainParts& parts) {
  net::DatagramsActor::Setup setup{.pool = parts.pool, .table = parts.datagrams, .limits = {}};
  setup.limits.work_bits = parts.pool->setup().terms.work_bits;
  const auto rate = [&](const auto& setting) { return static_cast<std::uint32_t>(parts.settings.get(setting)); };
  setup.limits.agreements.per_second = rate(config::kNetAgreementsPerSecond);
  setup.limits.agreements.burst = 2 * setup.limits.agreements.per_second;
  setup.limits.questions.per_second = setup.limits.questions.burst = rate(config::kNetDatagramsPerSecond);
  setup.listening = [health = parts.health, log = parts.log](const base::Outcome<base::Endpoint>& at) {
    if (!at.ok())
      return health->raise("datagrams", observe::HealthState::degraded,
                           "UDP is not available; all requests use links: " + at.error().message);
    health->clear("datagrams");
    log->info("links", "listening for datagrams", {{"at", at.value().text()}});
  };
  return {.name = "datagrams",
          .factory = [setup] { return std::make_unique<net::DatagramsActor>(setup); },
          .options = {.kind = net::DatagramsActor::kName}};
}

constexpr std::string_view kStoreHealth[] = {"store", "store.damage", kDirectoryHealth};
constexpr std::string_view kLinksHealth[] = {"links"};
constexpr std::string_view kDatagramsHealth[] = {"datagrams"};

}  // namespace

const node::DomainSpec& store_domain() {
  static const node::DomainSpec spec{.name = "store", .health = kStoreHealth, .make = make_store};
  return spec;
}

const node::DomainSpec& links_domain() {
  static const node::DomainSpec spec{.name = "links", .health = kLinksHealth, .make = make_links};
  return spec;
}

const node::DomainSpec& datagrams_domain() {
  static const node::DomainSpec spec{.name = "datagrams", .health = kDatagramsHealth, .make = make_datagrams};
  return spec;
}

}  // namespace troupe::apps
