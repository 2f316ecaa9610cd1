#pragma once
// An address and a port, as a person types them and as a node dials them.
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
  /// Whether it can be dialled: it has a port, and its address is neither unspecified nor multicast.
  bool dialable() const;
  /// "127.0.0.1:4000" or "[::1]:4000".
  std::string text() const;
  /// Parses a numeric address with its port. The Network port resolves names.
  static std::optional<Endpoint> parse(std::string_view text);
};

/// What a person types, before it is resolved: "host:port". The host is a name or a numeric address, at most 255 bytes.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  friend auto operator<=>(const HostPort&, const HostPort&) = default;
  std::string text() const;
  static std::optional<HostPort> parse(std::string_view text);
};

}  // namespace troupe::base
