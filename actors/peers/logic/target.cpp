#include "actors/peers/logic/target.hpp"

namespace troupe::peers {

std::string Target::text() const { return (id ? id->hex() + "@" : std::string()) + where.text(); }

std::optional<Target> Target::parse(std::string_view text) {
  Target out;
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    out.id = base::NodeId::from_hex(text.substr(0, at));
    if (!out.id) return std::nullopt;
    text.remove_prefix(at + 1);
  }
  const auto where = base::HostPort::parse(text);
  if (!where || where->port == 0 || where->host.find('@') != std::string::npos) return std::nullopt;
  out.where = *where;
  return out;
}

}  // namespace troupe::peers
