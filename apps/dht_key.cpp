#include "apps/dht_key.hpp"

#include <string_view>

#include "runtime/observe/text.hpp"

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

std::optional<std::string> long_name(const std::string& typed) {
  constexpr std::string_view kSpace = "/kv/";
  if (typed.starts_with('/') && !typed.starts_with(kSpace)) return std::nullopt;
  const std::size_t bytes = typed.size() - (typed.starts_with('/') ? kSpace.size() : 0);
  if (bytes <= dht::kNameBytesMax) return std::nullopt;
  return "a name has at most " + std::to_string(dht::kNameBytesMax) + " bytes, and this one " + std::to_string(bytes) +
         ": \"" + observe::shortened(typed, dht::kNameBytesMax) + '"';
}

}  // namespace troupe::apps::dht_command
