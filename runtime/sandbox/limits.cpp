#include "runtime/sandbox/limits.hpp"

#include "runtime/config/forms.hpp"

namespace troupe::sandbox {
namespace {

constexpr std::uint32_t kThousandthsMin = 10;  // the kernel's smallest share: 1 ms of every 100 ms
constexpr std::size_t kDecimalsMax = 3;

bool only_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::string_view name(Limit limit) {
  switch (limit) {
    case Limit::time: return "time";
    case Limit::cpu: return "cpu";
    case Limit::memory: return "memory";
    case Limit::pids: return "pids";
    case Limit::disk: return "disk";
    case Limit::files: return "files";
    case Limit::output: return "output";
  }
  return "";
}

std::optional<Cores> parse_cores(std::string_view text) {
  const auto point = text.find('.');
  const auto whole = config::parse_count(text.substr(0, point));
  if (!whole || *whole > kCoresMax) return std::nullopt;
  std::uint64_t thousandths = *whole * 1'000;
  if (point != std::string_view::npos) {
    const auto decimals = text.substr(point + 1);
    if (!only_digits(decimals) || decimals.size() > kDecimalsMax) return std::nullopt;
    std::uint64_t part = *config::parse_count(decimals);
    for (std::size_t i = decimals.size(); i < kDecimalsMax; ++i) part *= 10;
    thousandths += part;
  }
  if (thousandths < kThousandthsMin || thousandths > kCoresMax * 1'000) return std::nullopt;
  return Cores{static_cast<std::uint32_t>(thousandths)};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t factor = 1;
  std::string_view digits = text;
  if (text.ends_with('K')) factor = std::uint64_t{1} << 10;
  else if (text.ends_with('M')) factor = std::uint64_t{1} << 20;
  else if (text.ends_with('G')) factor = std::uint64_t{1} << 30;
  if (factor > 1) digits.remove_suffix(1);
  std::uint64_t bytes = 0;
  if (only_digits(digits)) {
    const auto count = config::parse_count(digits);
    if (!count || *count > kBytesMax / factor) return std::nullopt;
    bytes = *count * factor;
  } else {
    const auto parsed = config::parse_bytes(text);
    if (!parsed) return std::nullopt;
    bytes = parsed->value;
  }
  if (bytes == 0 || bytes > kBytesMax) return std::nullopt;
  return bytes;
}

}  // namespace troupe::sandbox
