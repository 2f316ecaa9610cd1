// The content store as a domain of a node.
#include "actors/files/files_actor.hpp"
#include "actors/files/sim.hpp"
#include "actors/node/api.hpp"

namespace troupe::files {
namespace {

using namespace std::chrono_literals;
using config::When;

constexpr auto kReplicas = config::count("files.replicas", "3", 1, 16, When::start,
                                         "copies of each chunk, unless `file put --replicas N` overrides it");
constexpr auto kWatchPeriod = config::duration("files.watch_period", "60s", 100ms, 24h, When::start,
                                               "time between two checks that a file still has its copies");
constexpr auto kQuotaPerOwner = config::bytes("files.quota_per_owner", "16 GiB", config::kMiB, 1'024 * config::kTiB,
                                              When::start, "bytes that this node stores for each owner of files");
constexpr auto kSpace = config::bytes("files.space", "256 GiB", config::kMiB, 1'024 * config::kTiB, When::start,
                                      "bytes that this node stores for all other nodes");
constexpr auto kClaimsMax = config::count("files.claims_max", "1048576", 1'024, 1u << 24, When::start,
                                          "largest number of owners' claims on stored data, 155 bytes of memory each");
constexpr auto kCommitsMax = config::count("files.commits_max", "256", 16, 4'096, When::start,
                                           "largest number of chunks and manifests that are being stored at once");
constexpr auto kKeptDays = config::count("files.kept_days", "30", 2, 36'500, When::start,
                                         "days without contact after which an owner's stored data is removed");
constexpr auto kSettings = std::to_array<config::Setting>(
    {kReplicas, kWatchPeriod, kQuotaPerOwner, kSpace, kClaimsMax, kCommitsMax, kKeptDays});

constexpr std::string_view kHealthSources[] = {"files.catalogue", "files.holder", "files.store", "files.store.damage"};

node::Domain make(const node::DomainParts& parts) {
  FilesSettings settings;
  settings.self = parts.links->self();
  settings.replicas = static_cast<std::uint8_t>(parts.settings.get(kReplicas));
  settings.claims.quota_bytes = parts.settings.get(kQuotaPerOwner).value;
  settings.claims.space_bytes = parts.settings.get(kSpace).value;
  settings.claims.claims_max = parts.settings.get(kClaimsMax);
  settings.claims.kept_days = static_cast<std::uint32_t>(parts.settings.get(kKeptDays));
  settings.stores_max = parts.settings.get(kCommitsMax);
  settings.watch.period = parts.settings.get(kWatchPeriod);
  settings.health = parts.health;
  settings.log = parts.domain_log;
  return {.name = "files",
          .factory = [settings] { return std::make_unique<FilesActor>(settings); },
          .options = {.kind = FilesActor::kName},
          .counters = [counters = settings.counters] { return table_of(*counters); }};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{.name = "files",
                                     .settings = kSettings,
                                     .logs = true,
                                     .health = kHealthSources,
                                     .make = make,
                                     .workload = workload};
  return spec;
}

}  // namespace troupe::files
