#include "actors/inspect/logic/acts.hpp"

#include <algorithm>
#include <array>

namespace troupe::inspect {
namespace {

constexpr std::array<std::string_view, 8> kKinds{"node",  "inspect", "links",     "peer",
                                                 "peers", "store",   "datagrams", "outside"};

}  // namespace

std::optional<std::string> refused(Act act, std::string_view path, std::string_view kind) {
  if (std::ranges::find(kKinds, kind) != kKinds.end())
    return "the node cannot do without its " + std::string(kind) + " actor; `troupe inspect --operate` can drain it";
  const bool head = std::ranges::count(path, '/') == 1;
  if (act == Act::kill && head)
    return "it is the head of a domain, without which the node ends; restart it, or drain the node";
  return std::nullopt;
}

}  // namespace troupe::inspect
