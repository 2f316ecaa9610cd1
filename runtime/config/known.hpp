#pragma once
// The settings of a node, as `troupe config show` lists them.
#include <array>

#include "runtime/config/forms.hpp"
#include "runtime/config/setting.hpp"

namespace troupe::config {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

inline constexpr std::uint64_t kKiB = 1'024;
inline constexpr std::uint64_t kMiB = 1'024 * kKiB;
inline constexpr std::uint64_t kTiB = 1'024 * 1'024 * kMiB;
inline constexpr std::uint64_t kPathBytesMax = 4'096;    // PATH_MAX of Linux
inline constexpr std::uint64_t kHostPortBytesMax = 263;  // a name of 255 bytes, brackets and a port

// Where the node lives and whom it knows first.
inline constexpr auto kListen = text("listen", "", kHostPortBytesMax, When::start,
                                     "HOST:PORT to serve on, TCP and UDP; port 0 picks one", check_host_port);
inline constexpr auto kAdvertise = text("advertise", "", kHostPortBytesMax, When::start,
                                        "HOST:PORT that others are told; empty: the one listened on", check_host_port);
inline constexpr auto kJoin =
    texts("join", 64, When::start, "[ID@]HOST:PORT of nodes to join through", check_peer_address);
inline constexpr auto kNodeName = text("node.name", "", 64, When::start, "name for people; empty: the host's name");
inline constexpr auto kMetricsListen =
    text("metrics.listen", "", kHostPortBytesMax, When::start,
         "HOST:PORT to serve metrics on, for whoever reaches it; a PORT alone is on 127.0.0.1; empty: nowhere",
         check_local_host_port);

// Actors. Whoever watches its files asks a holder four things at once: one that never has room for those seems silent.
inline constexpr auto kActorsMailboxMax = count("actors.mailbox_max", "10000", 4, 1'000'000, When::start,
                                                "messages that wait in one actor; above it questions are refused");
inline constexpr auto kInspectPeriod =
    duration("inspect.period", "2s", 100ms, 10s, When::start, "between two looks at all actors, for warnings");

// Links. The defaults bound a hostile address to a small part of what the node has.
inline constexpr auto kNetLinksPerAddressMax =
    count("net.links_per_address_max", "64", 1, 100'000, When::start, "links from one address");
inline constexpr auto kNetLinksMax = count("net.links_max", "1024", 1, 100'000, When::start, "links in all");
inline constexpr auto kNetHandshakesPerAddressMax =
    count("net.handshakes_per_address_max", "8", 1, 10'000, When::start, "unfinished handshakes from one address");
inline constexpr auto kNetHandshakeTimeout =
    duration("net.handshake_timeout", "5s", 100ms, 60s, When::start, "time for a new link to prove who it is");
inline constexpr auto kNetFrameBytesMax =
    bytes("net.frame_bytes_max", "4 MiB", 128 * kKiB, 64 * kMiB, When::start, "largest frame taken from a link");
inline constexpr auto kNetQuestionsInFlightMax =
    count("net.questions_in_flight_max", "256", 1, 100'000, When::start, "unanswered questions of one peer");
inline constexpr auto kNetQuestionsPerSecondMax = count("net.questions_per_second_max", "1000", 1, 1'000'000,
                                                        When::start, "questions of one peer and kind in a second");
inline constexpr auto kNetKeepAlive =
    duration("net.keep_alive", "15s", 1s, 1h, When::start, "silence after which a link is asked whether it lives");
inline constexpr auto kIdentityWorkBits =
    count("identity.work_bits", "16", 0, 32, When::start,
          "zero bits that an id must show, the same in the whole network; 0: no work");

// Peers.
inline constexpr auto kPeersLinksTarget =
    count("peers.links_target", "16", 1, 256, When::start, "links that the node keeps up by itself");
inline constexpr auto kPeersHealthPeriod =
    duration("peers.health_period", "60s", 100ms, 24h, When::start, "between two health pings of a peer");
inline constexpr auto kPeersExchangePeriod =
    duration("peers.exchange_period", "120s", 100ms, 24h, When::start, "between two exchanges of known peers");
inline constexpr auto kPeersRejoinPeriod =
    duration("peers.rejoin_period", "300s", 100ms, 24h, When::start, "between two joins with too few healthy peers");
inline constexpr auto kPeersKnownMax =
    count("peers.known_max", "1000", 16, 1'000, When::start, "peers remembered; the worst is forgotten first");

// The DHT.
inline constexpr auto kDhtCopies =
    count("dht.copies", "20", 1, 20, When::start, "nodes nearest to a key that hold what lies there");
inline constexpr auto kDhtStore = text("dht.store", "disk", 16, When::start,
                                       "disk or memory: where records and announcements are kept", check_dht_store);
inline constexpr auto kDhtHold =
    duration("dht.hold", "48h", 1s, 24h * 30, When::start, "how long records and announcements of others are held");
inline constexpr auto kDhtCache =
    bytes("dht.cache", "1 MiB", 0, 1'024 * kMiB, When::start,
          "memory for copies of what searches found, which others may leave here; 0 B: no copies, here or elsewhere");
inline constexpr auto kDhtRepublishPeriod =
    half_of(kDhtHold.key, duration("dht.republish_period", "22h", 1s, 24h * 14, When::start,
                                   "in which all that was published is published again; half of dht.hold at most, so "
                                   "that what comes late, or once not at all, is not lost meanwhile"));
inline constexpr auto kDhtRefreshPeriod = duration("dht.refresh_period", "60s", 100ms, 24h, When::start,
                                                   "between two looks for parts of the table to refresh");
inline constexpr auto kDhtRecoverPeriod = duration("dht.recover_period", "30s", 100ms, 24h, When::start,
                                                   "between two searches with too few contacts, at most");
inline constexpr auto kDhtGroupBucketMax =
    count("dht.group_bucket_max", "2", 1, 20, When::start,
          "contacts of one address group in a bucket of the table, which has 20");
inline constexpr auto kDhtGroupTableMax =
    count("dht.group_table_max", "3", 1, 3'200, When::start, "contacts of one address group in the whole table");
inline constexpr auto kDhtGroupV4Bits =
    count("dht.group_v4_bits", "24", 8, 32, When::start,
          "leading bits of IPv4 addresses that are one group; 32: each address; loopback: each port in any case");
inline constexpr auto kDhtGroupV6Bits =
    count("dht.group_v6_bits", "48", 16, 128, When::start, "leading bits of IPv6 addresses that are one group");

// Files.
inline constexpr auto kFilesReplicas =
    count("files.replicas", "3", 1, 16, When::start, "copies of each chunk unless `file put --replicas` says more");
inline constexpr auto kFilesWatchPeriod =
    duration("files.watch_period", "60s", 100ms, 24h, When::start, "between two looks at the copies of a file");
inline constexpr auto kFilesQuotaPerOwner =
    bytes("files.quota_per_owner", "16 GiB", kMiB, 1'024 * kTiB, When::start, "kept here for one other node");
inline constexpr auto kStoreSync =
    text("store.sync", "always", 16, When::start,
         "always: nothing is acknowledged before it is on the disk; no other value", check_store_sync);

// Operators from afar. The local socket needs no key.
inline constexpr auto kOperatorsView =
    texts("operators.view", 256, When::start, "public keys that may look (`troupe operator key`)", check_public_key);
inline constexpr auto kOperatorsOperate =
    texts("operators.operate", 256, When::start, "public keys that may look and change things", check_public_key);

// Logs.
inline constexpr auto kLogLevel =
    text("log.level", "info", 16, When::reload, "trace, debug, info, warn, error or off", check_log_level);
inline constexpr auto kLogLevels =
    pairs("log.levels", 64, When::reload, "levels of domains that differ, such as links = \"debug\"", check_log_level,
          check_log_domain);
inline constexpr auto kLogFormat = text("log.format", "text", 16, When::start, "text or json", check_log_format);
inline constexpr auto kLogTo = text("log.to", "stderr", 16, When::start, "stderr, journal or file", check_log_target);
inline constexpr auto kLogFile = text("log.file", "log/troupe.log", kPathBytesMax, When::start,
                                      "for log.to = \"file\"; below the data directory unless it starts with /");
inline constexpr auto kLogFileBytesMax =
    bytes("log.file_bytes_max", "16 MiB", 64 * kKiB, 1'024 * kMiB, When::start, "size at which a new file is begun");
inline constexpr auto kLogFilesMax = count("log.files_max", "5", 1, 1'000, When::start, "old files kept");

inline constexpr std::array<Setting, 45> kNodeSettings{
    kListen,
    kAdvertise,
    kJoin,
    kNodeName,
    kMetricsListen,
    kActorsMailboxMax,
    kInspectPeriod,
    kNetLinksPerAddressMax,
    kNetLinksMax,
    kNetHandshakesPerAddressMax,
    kNetHandshakeTimeout,
    kNetFrameBytesMax,
    kNetQuestionsInFlightMax,
    kNetQuestionsPerSecondMax,
    kNetKeepAlive,
    kIdentityWorkBits,
    kPeersLinksTarget,
    kPeersHealthPeriod,
    kPeersExchangePeriod,
    kPeersRejoinPeriod,
    kPeersKnownMax,
    kDhtCopies,
    kDhtStore,
    kDhtHold,
    kDhtCache,
    kDhtRepublishPeriod,
    kDhtRefreshPeriod,
    kDhtRecoverPeriod,
    kDhtGroupBucketMax,
    kDhtGroupTableMax,
    kDhtGroupV4Bits,
    kDhtGroupV6Bits,
    kFilesReplicas,
    kFilesWatchPeriod,
    kFilesQuotaPerOwner,
    kStoreSync,
    kOperatorsView,
    kOperatorsOperate,
    kLogLevel,
    kLogLevels,
    kLogFormat,
    kLogTo,
    kLogFile,
    kLogFileBytesMax,
    kLogFilesMax,
};

}  // namespace troupe::config
