#include "runtime/base/endpoint.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace troupe::base {
namespace {

constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::size_t kHostBytesMax = 255;  // RFC 1035 2.3.4

}  // namespace

bool Endpoint::is_v4() const { return std::equal(kV4Prefix.begin(), kV4Prefix.end(), address.begin()); }

bool Endpoint::is_loopback() const {
  if (is_v4()) return address[12] == 127;
  constexpr std::array<std::uint8_t, 16> kV6Loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address == kV6Loopback;
}

bool Endpoint::dialable() const {
  if (port == 0) return false;
  if (is_v4()) return address[12] != 0 && address[12] < 224;
  const bool unspecified = std::all_of(address.begin(), address.end(), [](std::uint8_t byte) { return byte == 0; });
  return !unspecified && address[0] != 0xff;
}

std::string Endpoint::text() const {
  char host[INET6_ADDRSTRLEN] = {};
  if (is_v4()) {
    inet_ntop(AF_INET, address.data() + kV4Prefix.size(), host, sizeof host);
    return std::string(host) + ":" + std::to_string(port);
  }
  inet_ntop(AF_INET6, address.data(), host, sizeof host);
  return "[" + std::string(host) + "]:" + std::to_string(port);
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const auto typed = HostPort::parse(text);
  if (!typed) return std::nullopt;
  Endpoint out;
  out.port = typed->port;
  if (inet_pton(AF_INET6, typed->host.c_str(), out.address.data()) == 1) return out;
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), out.address.begin());
  if (inet_pton(AF_INET, typed->host.c_str(), out.address.data() + kV4Prefix.size()) == 1) return out;
  return std::nullopt;
}

std::string HostPort::text() const {
  const bool bracket = host.find(':') != std::string::npos;
  return (bracket ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<HostPort> HostPort::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;  // a bare IPv6 address would make the port ambiguous
  }
  const bool clean =
      std::all_of(host.begin(), host.end(), [](char c) { return c > ' ' && c < 0x7f && c != '[' && c != ']'; });
  if (host.empty() || host.size() > kHostBytesMax || !clean) return std::nullopt;
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failure != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return HostPort{std::string(host), port};
}

}  // namespace troupe::base
