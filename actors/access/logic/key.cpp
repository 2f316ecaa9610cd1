#include "actors/access/logic/key.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"

namespace troupe::access {
namespace {

using base::Bytes;
using base::ByteView;

void append_text(Bytes& out, std::string_view text) {
  base::append_number(out, static_cast<std::uint16_t>(text.size()));
  base::append(out, base::as_bytes(text));
}

std::string take_text(base::FieldReader& from) {
  const auto size = from.number<std::uint16_t>();
  if (size == 0 || size > kPatternBytesMax) from.fail();
  const ByteView bytes = from.take(size);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

std::string_view name(Role role) { return kRoleNames[static_cast<std::size_t>(role)]; }

std::optional<Role> role_of(std::string_view name) {
  const auto at = std::ranges::find(kRoleNames, name);
  if (at == kRoleNames.end()) return std::nullopt;
  return static_cast<Role>(at - kRoleNames.begin());
}

Bytes encode(const Key& key) {
  Bytes out{static_cast<std::uint8_t>(key.role)};
  base::append(out, key.hash.view());
  base::append_number(out, key.rate);
  base::append_number(out, key.created);
  base::append_number(out, key.expires);
  base::append_number(out, key.last_used);
  out.push_back(static_cast<std::uint8_t>(key.scopes.size()));
  for (const std::string& scope : key.scopes) append_text(out, scope);
  out.push_back(static_cast<std::uint8_t>(key.grants.size()));
  for (const Grant& grant : key.grants) {
    out.push_back(grant.write);
    append_text(out, grant.pattern);
  }
  return out;
}

std::optional<Key> decode_key(ByteView bytes) {
  base::FieldReader from(bytes);
  Key out;
  const auto role = from.number<std::uint8_t>();
  if (role >= kRoleNames.size()) return std::nullopt;
  out.role = static_cast<Role>(role);
  out.hash = from.fixed<base::Digest>();
  out.rate = from.number<std::uint32_t>();
  out.created = from.number<std::uint64_t>();
  out.expires = from.number<std::uint64_t>();
  out.last_used = from.number<std::uint64_t>();
  const auto scopes = from.number<std::uint8_t>();
  if (scopes > kScopesMax) return std::nullopt;
  for (std::size_t i = 0; i < scopes && from.ok(); ++i) out.scopes.push_back(take_text(from));
  const auto grants = from.number<std::uint8_t>();
  if (grants > kGrantsMax) return std::nullopt;
  for (std::size_t i = 0; i < grants && from.ok(); ++i) {
    const auto write = from.number<std::uint8_t>();
    if (write > 1) return std::nullopt;
    out.grants.push_back({take_text(from), write == 1});
  }
  if (!from.ended()) return std::nullopt;
  return out;
}

bool is_id(std::string_view text) {
  return text.size() == kIdCharacters &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Share share_of(const Owners& owners, const std::string& id) {
  if (owners.empty()) return Share::none;
  if (std::ranges::find(owners, id) == owners.end()) return Share::other;
  return owners.size() == 1 ? Share::own : Share::shared;
}

Bytes encode(const Owners& owners) {
  Bytes out;
  for (const std::string& id : owners) base::append(out, base::as_bytes(id));
  return out;
}

std::optional<Owners> decode_owners(ByteView bytes) {
  if (bytes.empty() || bytes.size() % kIdCharacters != 0 || bytes.size() / kIdCharacters > kOwnersMax)
    return std::nullopt;
  Owners out;
  for (std::size_t at = 0; at < bytes.size(); at += kIdCharacters) {
    const ByteView id = bytes.subspan(at, kIdCharacters);
    out.emplace_back(id.begin(), id.end());
    if (!is_id(out.back())) return std::nullopt;
  }
  return out;
}

}  // namespace troupe::access
