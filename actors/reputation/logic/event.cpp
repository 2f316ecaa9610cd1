#include "actors/reputation/logic/event.hpp"

#include <algorithm>

#include "runtime/crypto/hash.hpp"

namespace troupe::reputation {
namespace {

constexpr std::string_view kPrefix = "troupe reputation v1";

}  // namespace

bool is_kind(std::string_view text) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && text.size() <= kKindBytesMax && lower(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; });
}

base::Bytes sign(const Event& event, const crypto::SecretKey& key) {
  base::Bytes out;
  base::append(out, base::as_bytes(kPrefix));
  base::append(out, event.by.view());
  base::append_number(out, event.by_nonce);
  base::append(out, event.node.view());
  base::append_number(out, event.unix_ms);
  out.push_back(static_cast<std::uint8_t>(event.delta));
  out.push_back(static_cast<std::uint8_t>(event.kind.size()));
  base::append(out, base::as_bytes(event.kind));
  out.push_back(event.evidence.has_value());
  base::append(out, event.evidence.value_or(base::Digest{}).view());
  base::append(out, event.nonce.view());
  base::append(out, key.sign(out).view());
  return out;
}

std::optional<Event> parse_event(base::ByteView bytes) {
  base::FieldReader from(bytes);
  base::FieldReader body(from.all_but(crypto::Signature::kBytes));
  if (!from.ok() || base::as_text(body.take(kPrefix.size())) != kPrefix) return std::nullopt;
  Event out;
  out.by = body.fixed<base::PublicKey>();
  out.by_nonce = body.number<std::uint32_t>();
  out.node = body.fixed<base::NodeId>();
  out.unix_ms = body.number<std::uint64_t>();
  out.delta = static_cast<std::int8_t>(body.number<std::uint8_t>());
  const std::size_t size = body.number<std::uint8_t>();
  if (size > kKindBytesMax) return std::nullopt;
  out.kind = base::as_text(body.take(size));
  const auto proven = body.number<std::uint8_t>();
  const auto evidence = body.fixed<base::Digest>();
  if (proven == 1) out.evidence = evidence;
  out.nonce = body.fixed<Nonce>();
  const bool exact = proven <= 1 && (proven == 1 || evidence == base::Digest{}) && is_kind(out.kind) &&
                     out.delta >= -kDeltaMax && out.delta <= kDeltaMax && out.unix_ms <= INT64_MAX;
  return body.ended() && exact ? std::optional(std::move(out)) : std::nullopt;
}

bool is_signed(base::ByteView bytes, const Event& event) {
  const base::ByteView body = bytes.first(bytes.size() - crypto::Signature::kBytes);
  return crypto::verify(event.by, body, *crypto::Signature::from(bytes.subspan(body.size())));
}

EventId id_of(base::ByteView bytes) { return *EventId::from(crypto::sha256(bytes).view()); }

}  // namespace troupe::reputation
