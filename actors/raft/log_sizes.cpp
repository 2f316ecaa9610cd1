#include "actors/raft/log_sizes.hpp"

#include "runtime/base/fields.hpp"
#include "runtime/store/crc32c.hpp"

namespace troupe::raft {
namespace {

constexpr std::uint8_t kLogSizesVersion = 2;

}  // namespace

base::Bytes LogSizes::encode() const {
  base::Bytes out{kLogSizesVersion};
  base::append_number(out, last);
  base::append_number(out, static_cast<std::uint32_t>(suspects.size()));
  for (const Incarnation log : suspects) base::append_number(out, log);
  for (const auto& [number, pack] : packs) {
    base::append_number(out, number);
    base::append_number(out, pack.bytes);
    base::append_number(out, pack.lost);
  }
  base::append_number(out, store::crc32c(out));
  return out;
}

std::optional<LogSizes> LogSizes::decode(base::ByteView bytes) {
  if (bytes.size() < sizeof(std::uint32_t)) return std::nullopt;
  const base::ByteView said = bytes.first(bytes.size() - sizeof(std::uint32_t));
  if (base::load<std::uint32_t>(bytes, said.size()) != store::crc32c(said)) return std::nullopt;
  base::FieldReader in(said);
  if (in.number<std::uint8_t>() != kLogSizesVersion) return std::nullopt;
  LogSizes out;
  out.last = in.number<std::uint64_t>();
  for (auto left = in.number<std::uint32_t>(); left > 0 && in.ok(); --left)
    out.suspects.insert(in.number<std::uint64_t>());
  while (in.ok() && !in.ended()) {
    Pack& pack = out.packs[in.number<std::uint32_t>()];
    pack.bytes = in.number<std::uint64_t>();
    pack.lost = in.number<std::uint64_t>();
  }
  if (!in.ok()) return std::nullopt;
  return out;
}

}  // namespace troupe::raft
