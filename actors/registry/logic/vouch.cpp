#include "actors/registry/logic/vouch.hpp"

namespace troupe::registry {

base::Bytes sign(const Vouch& what, const crypto::SecretKey& key) {
  base::Bytes out;
  base::append(out, base::as_bytes(kVouchPrefix));
  base::append(out, what.by.view());
  base::append_number(out, what.by_nonce);
  base::append(out, what.node.view());
  base::append_number(out, what.unix_ms);
  base::append(out, what.seed.view());
  base::append_number(out, what.rounds);
  base::append(out, what.answer.view());
  base::append(out, key.sign(out).view());
  return out;
}

std::optional<Vouch> parse_vouch(base::ByteView bytes) {
  base::FieldReader from(bytes);
  if (bytes.size() != kVouchBytes || base::as_text(from.take(kVouchPrefix.size())) != kVouchPrefix) return std::nullopt;
  Vouch out;
  out.by = from.fixed<base::PublicKey>();
  out.by_nonce = from.number<std::uint32_t>();
  out.node = from.fixed<base::NodeId>();
  out.unix_ms = from.number<std::uint64_t>();
  out.seed = from.fixed<Vouch::Seed>();
  out.rounds = from.number<std::uint64_t>();
  out.answer = from.fixed<base::Digest>();
  return out;
}

base::Result<Vouch, ReadError> read_vouch(base::ByteView bytes, unsigned work_bits) {
  const auto out = parse_vouch(bytes);
  if (!out) return ReadError::malformed;
  if (const auto wrong = fault(bytes, out->by, out->by_nonce, work_bits)) return *wrong;
  return *out;
}

}  // namespace troupe::registry
