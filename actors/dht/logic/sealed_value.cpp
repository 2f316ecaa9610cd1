#include "actors/dht/logic/sealed_value.hpp"

#include <set>
#include <string_view>

#include "runtime/base/fields.hpp"

namespace troupe::dht {
namespace {

using base::append;
using base::FieldReader;

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kPrefix = "troupe-dht-sealed-1";

base::Bytes associated_with(const Key& place, base::ByteView head) {
  base::Bytes out;
  append(out, base::as_bytes(kPrefix));
  append(out, place.view());
  append(out, head);
  return out;
}

}  // namespace

std::optional<SealedValue> parse_sealed(base::ByteView container) {
  if (container.size() > kValueBytesMax) return std::nullopt;
  FieldReader in(container);
  const auto version = in.number<std::uint8_t>();
  const auto readers = in.number<std::uint8_t>();
  const auto wrap_bytes = in.number<std::uint8_t>();
  if (!in.ok() || version != kVersion || readers == 0 || readers > kReadersMax || wrap_bytes == 0) return std::nullopt;
  SealedValue out;
  for (std::size_t i = 0; i < readers; ++i) out.wraps.push_back(in.take(wrap_bytes));
  out.nonce = in.fixed<ContentNonce>();
  out.content = in.all_but(0);
  if (!in.ended() || out.content.size() < kContentTagBytes) return std::nullopt;
  out.head = container.first(container.size() - out.content.size());
  return out;
}

base::Result<base::Bytes, SealError> seal_value(base::ByteView plain, const std::vector<base::PublicKey>& readers,
                                                const Key& place, const ContentKey& key, const ContentNonce& nonce,
                                                const SealWith& with) {
  const std::set<base::PublicKey> distinct(readers.begin(), readers.end());
  if (readers.empty() || readers.size() > kReadersMax || distinct.size() != readers.size())
    return SealError::no_readers;
  if (plain.size() > kValueBytesMax) return SealError::oversize;
  base::Bytes wraps;
  for (const base::PublicKey& reader : readers) {
    const auto wrap = with.wrap(reader, key);
    if (!wrap) return SealError::reader_refused;
    append(wraps, *wrap);
  }
  const std::size_t wrap_bytes = wraps.size() / readers.size();
  base::ensure(wrap_bytes > 0 && wrap_bytes <= kWrapBytesMax && wraps.size() % readers.size() == 0,
               "wraps have one length within its limit");
  base::Bytes out{kVersion, static_cast<std::uint8_t>(readers.size()), static_cast<std::uint8_t>(wrap_bytes)};
  append(out, wraps);
  append(out, nonce.view());
  if (out.size() + plain.size() + kContentTagBytes > kValueBytesMax) return SealError::oversize;
  append(out, with.seal(key, nonce, associated_with(place, out), plain));
  return out;
}

base::Result<base::Bytes, OpenError> open_value(base::ByteView container, const Key& place, const OpenWith& with) {
  const auto read = parse_sealed(container);
  if (!read) return OpenError::malformed;
  for (const base::ByteView wrap : read->wraps) {
    const auto key = with.unwrap(wrap);
    if (!key) continue;
    auto plain = with.open(*key, read->nonce, associated_with(place, read->head), read->content);
    if (!plain) return OpenError::tampered;
    return *std::move(plain);
  }
  return OpenError::not_for_us;
}

}  // namespace troupe::dht
