#include "runtime/net/logic/envelope_check.hpp"

#include <cstring>

#include "runtime/net/logic/words.hpp"

namespace troupe::net {
namespace {

std::uint32_t number_at(base::ByteView payload, std::size_t index) {
  std::uint32_t out;
  std::memcpy(&out, payload.data() + index * sizeof out, sizeof out);
  return out;
}

}  // namespace

std::string_view name(EnvelopeFault fault) {
  switch (fault) {
    case EnvelopeFault::empty: return "empty";
    case EnvelopeFault::misaligned: return "misaligned";
    case EnvelopeFault::too_many_segments: return "too_many_segments";
    case EnvelopeFault::wrong_size: return "wrong_size";
    case EnvelopeFault::padding: return "padding";
  }
  return "empty";
}

std::optional<EnvelopeFault> check_envelope(base::ByteView payload) {
  if (payload.empty()) return EnvelopeFault::empty;
  if (payload.size() % kWordBytes != 0 || reinterpret_cast<std::uintptr_t>(payload.data()) % kWordBytes != 0)
    return EnvelopeFault::misaligned;
  const std::uint64_t segments = std::uint64_t{number_at(payload, 0)} + 1;
  if (segments > kSegmentsMax) return EnvelopeFault::too_many_segments;
  const std::uint64_t words = payload.size() / kWordBytes;
  const std::uint64_t table_words = segments / 2 + 1;
  if (table_words > words) return EnvelopeFault::wrong_size;
  if (number_at(payload, 1) == 0) return EnvelopeFault::empty;
  std::uint64_t total = table_words;  // at most 512 times 2^32: no overflow
  for (std::size_t i = 1; i <= segments; ++i) total += number_at(payload, i);
  if (total != words) return EnvelopeFault::wrong_size;
  if (segments % 2 == 0 && number_at(payload, segments + 1) != 0) return EnvelopeFault::padding;
  return std::nullopt;
}

}  // namespace troupe::net
