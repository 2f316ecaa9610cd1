#include "apps/dht/key.hpp"

#include <string_view>

#include "runtime/base/text.hpp"

namespace troupe::apps::dht_command {
namespace {

constexpr std::size_t kIdDigits = 2 * sizeof(dht::Key::bytes);
constexpr std::size_t kDigestDigits = 2 * sizeof(base::Digest::bytes);
constexpr std::size_t kNameDigitsMax = kIdDigits / 2;  // our choice: names such as dates and numbers are shorter

}  // namespace

std::optional<std::string> wrong_digits(const std::string& typed) {
  const auto end = typed.find('/', 1);
  if (!typed.starts_with('/') || end == std::string::npos) return std::nullopt;
  const std::string space = typed.substr(0, end + 1), rest = typed.substr(end + 1);
  const bool name_or_key = space == "/kv/";
  const std::size_t wanted = space == "/cid/" ? kDigestDigits : kIdDigits;
  if (!name_or_key && space != "/cid/" && space != "/pk/") return std::nullopt;
  if (rest.empty() || rest.size() == wanted || (name_or_key && rest.size() <= kNameDigitsMax)) return std::nullopt;
  if (rest.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return std::nullopt;
  return "after " + space + " come " + std::to_string(wanted) + " hexadecimal digits, got " +
         std::to_string(rest.size()) + (name_or_key ? "; for a name of such digits leave out /kv/" : "");
}

std::optional<TypedKey> parse_key(const std::string& typed) {
  if (wrong_digits(typed)) return std::nullopt;
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
  const auto mark = rest.rfind('@');
  if (mark != std::string::npos && (out.owner = base::NodeId::from_hex(rest.substr(mark + 1)))) rest.resize(mark);
  if (rest.empty() || rest.size() > dht::kNameBytesMax) return std::nullopt;
  out.name = rest;
  return out;
}

std::optional<std::string> long_name(const std::string& typed) {
  constexpr std::string_view kSpace = "/kv/";
  if (typed.starts_with('/') && !typed.starts_with(kSpace)) return std::nullopt;
  const std::size_t bytes = typed.size() - (typed.starts_with('/') ? kSpace.size() : 0);
  if (bytes <= dht::kNameBytesMax) return std::nullopt;
  return "a name has at most " + std::to_string(dht::kNameBytesMax) + " bytes, got " + std::to_string(bytes) + ": \"" +
         base::shortened(typed, dht::kNameBytesMax) + '"';
}

}  // namespace troupe::apps::dht_command
