#pragma once
// The settings of the runtime, as `troupe config show` lists them. Domains add theirs with their spec.
#include <array>

#include "runtime/config/forms.hpp"
#include "runtime/config/setting.hpp"

namespace troupe::config {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

inline constexpr std::uint64_t kPathBytesMax = 4'096;    // PATH_MAX of Linux
inline constexpr std::uint64_t kHostPortBytesMax = 263;  // a name of 255 bytes, brackets and a port

// The node's addresses.
inline constexpr auto kListen = text("listen", "", kHostPortBytesMax, When::start,
                                     "HOST:PORT to serve on, TCP and UDP; port 0 picks one", check_host_port);
inline constexpr auto kAdvertise = text("advertise", "", kHostPortBytesMax, When::start,
                                        "HOST:PORT that other nodes dial; empty: the listen address", check_host_port);
inline constexpr auto kMetricsListen = text(
    "metrics.listen", "", kHostPortBytesMax, When::start,
    "HOST:PORT of the metrics page, without a password; only PORT: on 127.0.0.1; empty: none", check_local_host_port);

// Actors. A node that monitors its files sends four requests at once to a storage node. If the storage node's mailbox
// never had space for them, it would seem silent.
inline constexpr auto kActorsMailboxMax = count("actors.mailbox_max", "10000", 4, 1'000'000, When::start,
                                                "messages queued in one actor; above it requests are refused");

// Links. The defaults limit a malicious address to a small part of the node's resources.
inline constexpr auto kNetLinksPerAddressMax =
    count("net.links_per_address_max", "64", 1, 100'000, When::start, "links from one address");
inline constexpr auto kNetLinksMax = count("net.links_max", "1024", 1, 100'000, When::start, "links in total");
inline constexpr auto kNetHandshakesPerAddressMax =
    count("net.handshakes_per_address_max", "8", 1, 10'000, When::start, "unfinished handshakes from one address");
inline constexpr auto kNetHandshakeTimeout =
    duration("net.handshake_timeout", "5s", 100ms, 60s, When::start, "time limit for the handshake of a new link");
inline constexpr auto kNetHandshakesPerSecond = count("net.handshakes_per_second", "256", 16, 1'000'000, When::start,
                                                      "handshakes of all untrusted nodes, 1 ms each");
inline constexpr auto kNetAgreementsPerSecond =
    count("net.agreements_per_second", "512", 16, 1'000'000, When::start, "key agreements for datagrams, 80 us each");
inline constexpr auto kNetDatagramsPerSecond = count("net.datagrams_per_second", "8192", 16, 10'000'000, When::start,
                                                     "requests by datagram of all untrusted nodes");
inline constexpr auto kNetFrameBytesMax =
    bytes("net.frame_bytes_max", "4 MiB", 128 * kKiB, 64 * kMiB, When::start, "largest frame accepted on a link");
inline constexpr auto kNetBufferBytesMax =
    bytes("net.buffer_bytes_max", "256 MiB", 16 * kMiB, kTiB, When::start, "memory for bytes queued on links");
inline constexpr auto kNetQuestionsInFlightMax =
    count("net.questions_in_flight_max", "256", 1, 100'000, When::start, "unanswered requests of one peer");
inline constexpr auto kNetQuestionsPerSecondMax = count("net.questions_per_second_max", "1000", 1, 1'000'000,
                                                        When::start, "requests per second of one peer and kind");
inline constexpr auto kNetKeepAlive =
    duration("net.keep_alive", "15s", 1s, 1h, When::start, "silence after which a link is pinged");
inline constexpr auto kIdentityWorkBits =
    count("identity.work_bits", "16", 0, 32, When::start,
          "zero bits that an id must have, the same in the whole network; 0: no work");

inline constexpr auto kStoreSync =
    text("store.sync", "always", 16, When::start,
         "always: data is on the disk before it is acknowledged; the only value", check_store_sync);

// Remote operators. The local socket needs no key.
inline constexpr auto kOperatorsView =
    texts("operators.view", 256, When::start, "public keys that may view (`troupe operator key`)", check_public_key);
inline constexpr auto kOperatorsOperate =
    texts("operators.operate", 256, When::start, "public keys that may view and change everything", check_public_key);

// Logs.
inline constexpr std::string_view kLogLevelNames[] = {"trace", "debug", "info", "warn", "error", "off"};
inline constexpr std::string_view kLogFormatNames[] = {"text", "json"};
inline constexpr std::string_view kLogTargetNames[] = {"stderr", "journal", "file"};
inline constexpr auto kLogLevel =
    choice("log.level", "info", kLogLevelNames, When::reload, "trace, debug, info, warn, error or off");
/// The table of the node's settings allows only names of parts that log.
inline constexpr auto kLogLevels =
    pairs("log.levels", 64, kLogLevelNames, When::reload, "levels of individual domains, such as links = \"debug\"");
inline constexpr auto kLogFormat = choice("log.format", "text", kLogFormatNames, When::start, "text or json");
inline constexpr auto kLogTo = choice("log.to", "stderr", kLogTargetNames, When::start, "stderr, journal or file");
inline constexpr auto kLogFile = text("log.file", "log/troupe.log", kPathBytesMax, When::start,
                                      "for log.to = \"file\"; below the data directory unless it starts with /");
inline constexpr auto kLogFileBytesMax =
    bytes("log.file_bytes_max", "16 MiB", 64 * kKiB, 1'024 * kMiB, When::start, "size at which a new file is started");
inline constexpr auto kLogFilesMax = count("log.files_max", "5", 1, 1'000, When::start, "old files kept");

inline constexpr auto kRuntimeSettings = std::to_array<Setting>({
    kListen,
    kAdvertise,
    kMetricsListen,
    kActorsMailboxMax,
    kNetLinksPerAddressMax,
    kNetLinksMax,
    kNetHandshakesPerAddressMax,
    kNetHandshakeTimeout,
    kNetHandshakesPerSecond,
    kNetAgreementsPerSecond,
    kNetDatagramsPerSecond,
    kNetFrameBytesMax,
    kNetBufferBytesMax,
    kNetQuestionsInFlightMax,
    kNetQuestionsPerSecondMax,
    kNetKeepAlive,
    kIdentityWorkBits,
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
});

}  // namespace troupe::config
