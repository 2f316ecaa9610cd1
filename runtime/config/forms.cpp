#include "runtime/config/forms.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

#include "runtime/base/bytes.hpp"

namespace troupe::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first, so that the first unit that divides a value is used.
constexpr std::array kTimeUnits{
    Unit{"d", 86'400'000'000'000},
    Unit{"h", 3'600'000'000'000},
    Unit{"m", 60'000'000'000},
    Unit{"s", 1'000'000'000},
    Unit{"ms", 1'000'000},
    Unit{"us", 1'000},
    Unit{"ns", 1},
};
constexpr std::array kSizeUnits{
    Unit{"TiB", 1ULL << 40}, Unit{"GiB", 1ULL << 30}, Unit{"MiB", 1ULL << 20}, Unit{"KiB", 1ULL << 10}, Unit{"B", 1},
};

struct Quantity {
  std::uint64_t number;
  std::string_view unit;
};

std::optional<Quantity> split(std::string_view text) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_count(text.substr(0, digits));
  if (!number) return std::nullopt;
  return Quantity{*number, text.substr(digits)};
}

std::optional<std::uint64_t> scale(const Quantity& quantity, std::span<const Unit> units, std::uint64_t max) {
  for (const Unit& unit : units) {
    if (unit.name != quantity.unit) continue;
    if (quantity.number > max / unit.factor) return std::nullopt;
    return quantity.number * unit.factor;
  }
  return std::nullopt;
}

const Unit& largest_divisor(std::uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units)
    if (value % unit.factor == 0) return unit;
  return units.back();
}

}  // namespace

std::string PeerAddress::text() const { return (pinned ? pinned->hex() + '@' : std::string()) + at.text(); }

std::optional<PeerAddress> PeerAddress::parse(std::string_view text) {
  PeerAddress out;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    out.pinned = base::NodeId::from_hex(text.substr(0, at));
    if (!out.pinned) return std::nullopt;
    text.remove_prefix(at + 1);
  }
  const auto host_port = base::HostPort::parse(text);
  if (!host_port || host_port->port == 0) return std::nullopt;
  out.at = *host_port;
  return out;
}

std::optional<base::HostPort> parse_local_host_port(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return base::HostPort::parse("127.0.0.1:" + std::string(text));
  if (text.starts_with(':')) return base::HostPort::parse("127.0.0.1" + std::string(text));
  return base::HostPort::parse(text);
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

std::optional<base::Duration> parse_duration(std::string_view text) {
  const auto quantity = split(text);
  if (!quantity) return std::nullopt;
  const auto count = scale(*quantity, kTimeUnits, nanoseconds(base::Duration::max()));
  if (!count) return std::nullopt;
  return base::Duration(static_cast<base::Duration::rep>(*count));
}

std::optional<ByteCount> parse_bytes(std::string_view text) {
  auto quantity = split(text);
  if (!quantity) return std::nullopt;
  if (quantity->unit.empty()) return ByteCount{quantity->number};
  if (quantity->unit.front() == ' ') quantity->unit.remove_prefix(1);
  const auto count = scale(*quantity, kSizeUnits, std::numeric_limits<std::uint64_t>::max());
  if (!count) return std::nullopt;
  return ByteCount{*count};
}

std::string duration_text(base::Duration span) {
  const auto count = nanoseconds(span);
  // Minutes and less: "60s" and "120s" are how the documents write the periods.
  const auto units = std::span(kTimeUnits).subspan(count % 3'600'000'000'000 == 0 && count != 0 ? 0 : 3);
  const Unit& unit = count == 0 ? kTimeUnits[3] : largest_divisor(count, units);
  return std::to_string(count / unit.factor) + std::string(unit.name);
}

std::string bytes_text(ByteCount count) {
  const Unit& unit = count.value == 0 ? kSizeUnits.back() : largest_divisor(count.value, kSizeUnits);
  return std::to_string(count.value / unit.factor) + ' ' + std::string(unit.name);
}

std::optional<std::string> check_host_port(const std::string& text) {
  if (text.empty() || base::HostPort::parse(text)) return std::nullopt;
  return "HOST:PORT";
}

std::optional<std::string> check_local_host_port(const std::string& text) {
  if (text.empty() || parse_local_host_port(text)) return std::nullopt;
  return "HOST:PORT, or a PORT on 127.0.0.1";
}

std::optional<std::string> check_peer_address(const std::string& text) {
  if (PeerAddress::parse(text)) return std::nullopt;
  return "[ID@]HOST:PORT with an ID of 40 hexadecimal digits";
}

std::optional<std::string> check_public_key(const std::string& text) {
  if (base::PublicKey::from_hex(text)) return std::nullopt;
  return "a public key of 64 hexadecimal digits, as `troupe operator key` prints it";
}

std::optional<std::string> check_node_or_any(const std::string& text) {
  if (text == "any" || base::NodeId::from_hex(text)) return std::nullopt;
  return "the id of a node, 40 hexadecimal digits, or any";
}

std::optional<std::string> check_store_sync(const std::string& text) {
  if (text == "always") return std::nullopt;
  return "\"always\", the only value: acknowledged data survives a power failure";
}

}  // namespace troupe::config
