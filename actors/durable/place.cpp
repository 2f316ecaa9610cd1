#include "actors/durable/api.hpp"
#include "actors/raft/api.hpp"

namespace troupe::durable {
namespace {
constexpr std::string_view kGroupMark = "group:";
}

std::optional<Place> Place::parse(std::string_view text) {
  if (text.empty()) return Place{};
  if (text == "self") return Place{Kind::self};
  if (text == "chain") return Place{.kind = Kind::self, .chain = true};
  if (text.starts_with(kGroupMark)) {
    const std::string_view name = text.substr(kGroupMark.size());
    if (!raft::is_group_name(name)) return std::nullopt;
    return Place{.kind = Kind::group, .group = std::string(name)};
  }
  if (const auto id = base::NodeId::from_hex(text)) return Place{.kind = Kind::node, .node = *id};
  return std::nullopt;
}

std::string Place::text() const {
  switch (kind) {
    case Kind::none: return "";
    case Kind::self: return chain ? "chain" : "self";
    case Kind::node: return node.hex();
    case Kind::group: return std::string(kGroupMark) + group;
  }
  return "";
}

}  // namespace troupe::durable
