#include "actors/airdrop/rows.hpp"

#include "actors/durable/api.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::airdrop::rows {

using base::Bytes;

Bytes key(char of, const AirdropId& id) {
  Bytes out = prefix(of);
  base::append(out, id.view());
  return out;
}

Bytes numbered_key(char of, const AirdropId& id, std::uint64_t number) {
  Bytes out = key(of, id);
  durable::append_ordered(out, number);
  return out;
}

Bytes nonce_key(const Terms& terms) {
  Bytes out = prefix('n');
  base::append(out, terms.owner.view());
  base::append(out, terms.nonce.view());
  return out;
}

Bytes encode(const Founding& founding) {
  Bytes out;
  const Bytes terms = airdrop::encode(founding.terms);
  base::append_number(out, static_cast<std::uint32_t>(terms.size()));
  base::append(out, terms);
  base::append(out, founding.by.key.view());
  base::append(out, founding.by.signature.view());
  base::append(out, wallet::encode(founding.deposit));
  return out;
}

std::optional<Founding> decode_founding(base::ByteView bytes) {
  base::FieldReader in(bytes);
  auto terms = decode_terms(in.take(in.number<std::uint32_t>()));
  const auto by = in.fixed<base::PublicKey>();
  const auto signature = in.fixed<crypto::Signature>();
  if (!terms || !in.ok()) return std::nullopt;
  auto deposit = wallet::decode_signed(in.rest());
  if (!deposit) return std::nullopt;
  return Founding{std::move(*terms), {by, signature}, std::move(*deposit)};
}

}  // namespace troupe::airdrop::rows
