#pragma once
// The settings of `troupe api`. They are in the configuration file of the node.
#include <array>
#include <optional>
#include <string>

#include "runtime/base/endpoint.hpp"
#include "runtime/config/known.hpp"

namespace troupe::apps::api {

using namespace std::chrono_literals;
using config::When;

/// Returns the address that `host` is, with port 1, or nullopt if it is a name.
inline std::optional<base::Endpoint> numeric_address(const std::string& host) {
  return base::Endpoint::parse((host.find(':') == std::string::npos ? host : '[' + host + ']') + ":1");
}

/// Checks an address without a port, for Setting::check.
inline std::optional<std::string> check_address(const std::string& text) {
  if (numeric_address(text)) return std::nullopt;
  return "a numeric address without a port, such as 192.0.2.1";
}

inline constexpr auto kListen =
    config::text("api.listen", "127.0.0.1:8080", config::kHostPortBytesMax, When::start,
                 "loopback HOST:PORT of the HTTP API; port 0 picks one", config::check_host_port);
inline constexpr auto kExternal = config::text(
    "api.external", "", config::kHostPortBytesMax, When::start,
    "HOST:PORT of the HTTP API with TLS, for other machines; port 0 picks one; empty: none", config::check_host_port);
inline constexpr auto kCert =
    config::text("api.cert", "", config::kPathBytesMax, When::start,
                 "PEM file with the certificate of api.external; empty: self-signed, in the data directory");
inline constexpr auto kCertKey =
    config::text("api.cert_key", "", config::kPathBytesMax, When::start, "PEM file with the private key of api.cert");
inline constexpr auto kRequestsPerSecond = config::count("api.requests_per_s", "100", 1, 1'000'000, When::start,
                                                         "requests per second of one key to the HTTP API");
inline constexpr auto kConnectionsMax =
    config::count("api.connections_max", "4096", 1, 100'000, When::start, "connections of the HTTP API in total");
inline constexpr auto kConnectionsPerAddress =
    config::count("api.connections_per_address", "64", 1, 100'000, When::start,
                  "connections of the HTTP API from one address (/64 for IPv6); loopback and api.proxies are exempt");
inline constexpr auto kStreamsMax = config::count("api.streams_max", "128", 1, 10'000, When::start,
                                                  "requests of the HTTP API that move a file or watch at once");
inline constexpr auto kHeaderBytesMax =
    config::bytes("api.header_bytes_max", "16 KiB", 1 * config::kKiB, 1 * config::kMiB, When::start,
                  "largest request line with headers of the HTTP API");
inline constexpr auto kBodyBytesMax =
    config::bytes("api.body_bytes_max", "4 MiB", 1 * config::kKiB, 64 * config::kMiB, When::start,
                  "largest body of a request to the HTTP API that is not a file");
inline constexpr auto kHeadTimeout = config::duration("api.head_timeout", "10s", 100ms, 10min, When::start,
                                                      "time limit for the head of a request to the HTTP API");
inline constexpr auto kIdleTimeout =
    config::duration("api.idle_timeout", "60s", 100ms, 24h, When::start,
                     "silence after which the HTTP API closes a connection without a request");
inline constexpr auto kOrigins = config::texts(
    "api.origins", 64, When::start, "values of Origin that may call the HTTP API, such as https://a.example");
inline constexpr auto kHosts =
    config::texts("api.hosts", 64, When::start, "names that a request to the HTTP API may have in Host");

inline constexpr auto kProxies =
    config::texts("api.proxies", 64, When::start,
                  "addresses of proxies, which may have any number of connections to the HTTP API", check_address);
inline constexpr auto kRules = config::text("api.rules", "", config::kPathBytesMax, When::start,
                                            "file with the rules of the HTTP API; empty: none");

inline constexpr auto kSettings = std::to_array<config::Setting>(
    {kListen, kExternal, kCert, kCertKey, kRequestsPerSecond, kConnectionsMax, kConnectionsPerAddress, kStreamsMax,
     kHeaderBytesMax, kBodyBytesMax, kHeadTimeout, kIdleTimeout, kOrigins, kHosts, kProxies, kRules});

}  // namespace troupe::apps::api
