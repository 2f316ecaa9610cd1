#pragma once
// Parses and writes values as text: durations, sizes, addresses, keys.
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/endpoint.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"
#include "runtime/config/setting.hpp"

namespace troupe::config {

/// "[ID@]HOST:PORT": the address to dial, and optionally the id that the node there must have.
struct PeerAddress {
  std::optional<base::NodeId> pinned;
  base::HostPort at;

  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
  std::string text() const;
  /// Returns nullopt for port 0, which cannot be dialled.
  static std::optional<PeerAddress> parse(std::string_view text);
};

/// "HOST:PORT", or ":PORT" or "PORT" for 127.0.0.1: for services that are local by default.
std::optional<base::HostPort> parse_local_host_port(std::string_view text);

/// Parses a number of digits only, without sign, at most 2^64 - 1.
std::optional<std::uint64_t> parse_count(std::string_view text);
/// Parses "250ms", "60s", "5m": a whole number and one of the units ns us ms s m h d.
std::optional<base::Duration> parse_duration(std::string_view text);
/// Parses "4 MiB", "4MiB" or "4194304": a whole number and one of the units B KiB MiB GiB TiB, or no unit for bytes.
std::optional<ByteCount> parse_bytes(std::string_view text);

/// Returns the span in the largest unit that gives a whole number.
std::string duration_text(base::Duration span);
std::string bytes_text(ByteCount count);

/// Checks for Setting::check.
std::optional<std::string> check_host_port(const std::string& text);        ///< HOST:PORT, or empty
std::optional<std::string> check_local_host_port(const std::string& text);  ///< [HOST:]PORT, or empty
std::optional<std::string> check_peer_address(const std::string& text);     ///< [ID@]HOST:PORT
std::optional<std::string> check_public_key(const std::string& text);       ///< 64 hexadecimal digits
std::optional<std::string> check_node_or_any(const std::string& text);      ///< 40 hexadecimal digits, or "any"
std::optional<std::string> check_store_sync(const std::string& text);

}  // namespace troupe::config
