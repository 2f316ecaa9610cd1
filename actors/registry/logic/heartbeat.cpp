#include "actors/registry/logic/heartbeat.hpp"

namespace troupe::registry {

base::Bytes sign(const Heartbeat& what, const crypto::SecretKey& key) {
  base::Bytes out;
  base::append(out, base::as_bytes(kHeartbeatPrefix));
  base::append(out, what.key.view());
  base::append_number(out, what.nonce);
  base::append_number(out, what.number);
  base::append_number(out, what.unix_ms);
  base::append_number(out, what.up_ms);
  base::append_number(out, what.load);
  base::append_number(out, what.memory);
  base::append_number(out, what.cpu);
  base::append_number(out, what.success);
  out.push_back(what.reputation);
  base::append_number(out, what.registration);
  base::append(out, key.sign(out).view());
  return out;
}

std::optional<Heartbeat> read_checked_heartbeat(base::ByteView bytes) {
  base::FieldReader from(bytes);
  if (bytes.size() != kHeartbeatBytes || base::as_text(from.take(kHeartbeatPrefix.size())) != kHeartbeatPrefix)
    return std::nullopt;
  Heartbeat out;
  out.key = from.fixed<base::PublicKey>();
  out.nonce = from.number<std::uint32_t>();
  out.number = from.number<std::uint64_t>();
  out.unix_ms = from.number<std::uint64_t>();
  out.up_ms = from.number<std::uint64_t>();
  out.load = from.number<std::uint32_t>();
  out.memory = from.number<std::uint16_t>();
  out.cpu = from.number<std::uint16_t>();
  out.success = from.number<std::uint16_t>();
  out.reputation = from.number<std::uint8_t>();
  out.registration = from.number<std::uint64_t>();
  constexpr std::uint16_t kWhole = 1'000;
  const bool exact = out.memory <= kWhole && out.cpu <= kWhole &&
                     (out.success <= kWhole || out.success == Heartbeat::kNone) &&
                     (out.reputation <= 100 || out.reputation == Heartbeat::kNoScore);
  return exact ? std::optional(out) : std::nullopt;
}

base::Result<Heartbeat, ReadError> read_heartbeat(base::ByteView bytes, unsigned work_bits) {
  const auto out = read_checked_heartbeat(bytes);
  if (!out) return ReadError::malformed;
  if (const auto wrong = fault(bytes, out->key, out->nonce, work_bits)) return *wrong;
  return *out;
}

}  // namespace troupe::registry
