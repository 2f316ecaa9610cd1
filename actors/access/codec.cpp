#include "actors/access/codec.hpp"

#include "messages/codec.hpp"

namespace troupe::access {

using base::Code;
using base::Error;

wire::Role wire_of(Role role) { return static_cast<wire::Role>(role); }

void write(wire::Key::Builder out, const std::string& id, const Key& key) {
  out.setId(id);
  out.setHash(data_of(key.hash.view()));
  out.setRole(wire_of(key.role));
  auto scopes = out.initScopes(size32(key.scopes));
  for (unsigned i = 0; i < scopes.size(); ++i) scopes.set(i, key.scopes[i]);
  auto grants = out.initGrants(size32(key.grants));
  for (unsigned i = 0; i < grants.size(); ++i) {
    grants[i].setPattern(key.grants[i].pattern);
    grants[i].setWrite(key.grants[i].write);
  }
  out.setRate(key.rate);
  out.setCreated(key.created);
  out.setExpires(key.expires);
  out.setLastUsed(key.last_used);
}

std::optional<std::pair<std::string, Key>> read(wire::Key::Reader from) {
  const auto hash = base::Digest::from(bytes_of(from.getHash()));
  const auto role = static_cast<std::size_t>(from.getRole());
  std::string id = text_of(from.getId());
  if (!hash || role >= kRoleNames.size() || !is_id(id)) return std::nullopt;
  Key out{.hash = *hash, .role = static_cast<Role>(role)};
  for (const auto scope : from.getScopes()) out.scopes.push_back(text_of(scope));
  for (const auto grant : from.getGrants()) out.grants.push_back({text_of(grant.getPattern()), grant.getWrite()});
  out.rate = from.getRate();
  out.created = from.getCreated();
  out.expires = from.getExpires();
  out.last_used = from.getLastUsed();
  return std::pair(std::move(id), std::move(out));
}

void write(wire::Thing::Builder out, const Thing& thing) {
  out.setKind(static_cast<wire::Kind>(thing.kind));
  out.setName(data_of(thing.name.view()));
}

base::Outcome<std::vector<Thing>> read(capnp::List<wire::Thing>::Reader from) {
  if (from.size() > kThingsMax) return Error{Code::malformed, "too many things: at most 256"};
  std::vector<Thing> out;
  for (const auto one : from) {
    const auto name = base::Digest::from(bytes_of(one.getName()));
    if (!name || one.getKind() > wire::Kind::CONTENT)
      return Error{Code::malformed, "invalid thing: expected a known kind and a hash of 32 bytes"};
    out.push_back({static_cast<Kind>(one.getKind()), *name});
  }
  return out;
}

}  // namespace troupe::access
