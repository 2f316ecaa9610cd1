// The DHT as a domain of a node.
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/sim.hpp"
#include "actors/node/api.hpp"

namespace troupe::dht {
namespace {

using namespace std::chrono_literals;
using config::When;

constexpr auto kCopies =
    config::count("dht.copies", "20", 1, 20, When::start, "nodes that store each record: those nearest to its key");
constexpr std::string_view kStores[] = {"disk", "memory"};
constexpr auto kStore = config::choice("dht.store", "disk", kStores, When::start,
                                       "disk or memory: where records and announcements are kept");
constexpr auto kHold =
    config::duration("dht.hold", "48h", 1s, 24h * 30, When::start,
                     "time for which records and announcements of other nodes are kept unless renewed");
constexpr auto kCache = config::bytes(
    "dht.cache", "1 MiB", 0, 1'024 * config::kMiB, When::start,
    "memory for copies of values that searches found, also of other nodes; 0 B: no copies, here or elsewhere");
constexpr auto kRepublishPeriod = config::half_of(
    kHold.key, config::duration("dht.republish_period", "22h", 1s, 24h * 14, When::start,
                                "time between two publications of a value; at most half of dht.hold, so that one "
                                "missed publication loses nothing"));
constexpr auto kRefreshPeriod = config::duration("dht.refresh_period", "60s", 100ms, 24h, When::start,
                                                 "time between two checks for parts of the routing table to refresh");
constexpr auto kRecoverPeriod =
    config::duration("dht.recover_period", "30s", 100ms, 24h, When::start,
                     "longest time between two searches for contacts while there are too few");
constexpr auto kGroupBucketMax =
    config::count("dht.group_bucket_max", "2", 1, 20, When::start,
                  "contacts from one address group in one bucket of the routing table (of 20)");
constexpr auto kGroupTableMax = config::count("dht.group_table_max", "3", 1, 3'200, When::start,
                                              "contacts from one address group in the whole routing table");
constexpr auto kGroupV4Bits =
    config::count("dht.group_v4_bits", "24", 8, 32, When::start,
                  "IPv4 addresses with this many equal leading bits are one group; on loopback each port is a group");
constexpr auto kGroupV6Bits = config::count("dht.group_v6_bits", "48", 16, 128, When::start,
                                            "IPv6 addresses with this many equal leading bits are one group");
constexpr auto kQuestions = config::count("dht.questions_per_second", "4096", 16, 1'000'000, When::start,
                                          "requests per second that are answered for all other nodes together");
constexpr auto kChecks = config::count("dht.checks_per_second", "1024", 16, 1'000'000, When::start,
                                       "records per second that are verified for all other nodes together");
constexpr auto kWritten =
    config::bytes("dht.written_per_second", "8 MiB", config::kMiB, 512 * config::kMiB, When::start,
                  "bytes per second that are written for all other nodes together; each row adds 2 KiB");
constexpr auto kSettings = std::to_array<config::Setting>(
    {kCopies, kStore, kHold, kCache, kRepublishPeriod, kRefreshPeriod, kRecoverPeriod, kGroupBucketMax, kGroupTableMax,
     kGroupV4Bits, kGroupV6Bits, kQuestions, kChecks, kWritten});

static_assert(kGroupBucketMax.max == kContactsMax && kGroupTableMax.max == kContactsMax * kRanges &&
                  kGroupV4Bits.max == 32 && kGroupV6Bits.max == 128,
              "the largest settings are no limits");

constexpr std::string_view kHealthSources[] = {"dht-published", "dht-republish", kPublishedRows, kRecordRows,
                                               kProviderRows};

DhtSettings read(const node::DomainParts& parts) {
  const auto& settings = parts.settings;
  DhtSettings out;
  out.identity = parts.identity;
  out.work_bits = parts.work_bits;
  out.copies = settings.get(kCopies);
  out.values = settings.get(kStore) == "memory" ? Values::in_memory : Values::on_disk;
  out.held.hold = std::chrono::duration_cast<std::chrono::seconds>(settings.get(kHold));
  out.providers.hold = out.held.hold;
  out.cache_bytes_max = settings.get(kCache).value;
  out.republish.period = std::chrono::duration_cast<std::chrono::milliseconds>(settings.get(kRepublishPeriod));
  out.refresh_period = settings.get(kRefreshPeriod);
  out.recover_period = settings.get(kRecoverPeriod);
  out.groups.bucket_max = settings.get(kGroupBucketMax);
  out.groups.table_max = settings.get(kGroupTableMax);
  out.groups.group_of.v4_bits = static_cast<std::uint8_t>(settings.get(kGroupV4Bits));
  out.groups.group_of.v6_bits = static_cast<std::uint8_t>(settings.get(kGroupV6Bits));
  out.groups.group_of.ten_net = parts.each_node_alone ? TenNet::simulation : TenNet::network;
  out.budgets = {.questions_per_second = static_cast<std::uint32_t>(settings.get(kQuestions)),
                 .checks_per_second = static_cast<std::uint32_t>(settings.get(kChecks)),
                 .written_per_second = static_cast<std::uint32_t>(settings.get(kWritten).value)};
  out.health = parts.health;
  out.log = parts.domain_log;
  return out;
}

node::Domain make(const node::DomainParts& parts) {
  const DhtSettings settings = read(parts);
  return {.name = "dht",
          .factory =
              [settings, own_endpoint = parts.own_endpoint()] {
                auto now = settings;
                now.endpoint = own_endpoint();
                return std::make_unique<DhtActor>(std::move(now));
              },
          .options = {.kind = DhtActor::kName},
          .counters = [counters = settings.counters] { return table_of(*counters); }};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{
      .name = "dht", .settings = kSettings, .logs = true, .health = kHealthSources, .make = make, .workload = workload};
  return spec;
}

}  // namespace troupe::dht
