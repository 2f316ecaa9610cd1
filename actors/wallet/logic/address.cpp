#include "actors/wallet/logic/address.hpp"

#include "actors/wallet/logic/bech32m.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::wallet {

std::string text(const Address& address) { return encode_bech32m(kAddressPrefix, to_five_bits(address.view())); }

std::optional<Address> parse_address(std::string_view text) {
  const auto read = decode_bech32m(text);
  if (!read || read->prefix != kAddressPrefix) return std::nullopt;
  const auto bytes = from_five_bits(read->values);
  if (!bytes) return std::nullopt;
  return Address::from(*bytes);
}

Address account_of(std::string_view kind, base::ByteView id) {
  base::ensure(!kind.empty() && kind.size() <= 16 && id.size() == 32, "an account of the book has a kind and an id");
  return {crypto::sha256(base::as_bytes("troupe account v1"), base::as_bytes(kind), id).bytes};
}

}  // namespace troupe::wallet
