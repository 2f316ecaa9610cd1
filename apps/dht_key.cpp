#include "apps/dht_key.hpp"

namespace troupe::apps::dht_command {

std::optional<TypedKey> parse_key(const std::string& typed) {
  TypedKey out;
  std::string rest = typed;
  if (typed.starts_with('/')) {
    const auto end = typed.find('/', 1);
    const std::string space = typed.substr(1, end == std::string::npos ? std::string::npos : end - 1);
    rest = end == std::string::npos ? "" : typed.substr(end + 1);
    if (space == "cid") out.space = dht::Space::cid;
    else if (space == "pk") out.space = dht::Space::pk;
    else if (space != "kv") return std::nullopt;
  }
  if (out.space == dht::Space::cid) {
    out.digest = base::Digest::from_hex(rest);
    return out.digest || rest.empty() ? std::optional(out) : std::nullopt;
  }
  out.key = dht::Key::from_hex(rest);
  if (out.key) return out;
  if (out.space == dht::Space::pk) return rest.empty() ? std::optional(out) : std::nullopt;
  if (rest.empty() || rest.size() > dht::kNameBytesMax) return std::nullopt;
  out.name = rest;
  return out;
}

}  // namespace troupe::apps::dht_command
