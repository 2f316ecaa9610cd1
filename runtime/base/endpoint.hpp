#pragma once
// An address and a port, as typed by a person and as dialled.
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::base {

/// A resolved address: IPv6, or IPv4 in its mapped form (::ffff:a.b.c.d, RFC 4291 2.5.5.2).
struct Endpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;

  bool is_v4() const;
  /// Whether only the same machine can dial it: 127.0.0.0/8 and ::1.
  bool is_loopback() const;
  /// Neither an unspecified nor a multicast address, and a port: something that can be dialled.
  bool dialable() const;
  /// "127.0.0.1:4000" or "[::1]:4000".
  std::string text() const;
  /// Parses a numeric address with its port; names are resolved by the Network port.
  static std::optional<Endpoint> parse(std::string_view text);
};

/// What a person types before it is looked up: "host:port", the host a name or a number, at most 255 bytes.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  friend auto operator<=>(const HostPort&, const HostPort&) = default;
  std::string text() const;
  static std::optional<HostPort> parse(std::string_view text);
};

}  // namespace troupe::base
