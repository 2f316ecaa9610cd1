#include "actors/peers/logic/dates.hpp"

#include <algorithm>
#include <vector>

namespace troupe::peers {
namespace {

/// "24 h ahead of", "12 min behind".
std::string text_of(base::Duration ahead) {
  const base::Duration apart = std::chrono::abs(ahead);
  const auto hours = std::chrono::round<std::chrono::hours>(apart).count();
  const auto minutes = std::chrono::round<std::chrono::minutes>(apart).count();
  const std::string span = minutes < 120 ? std::to_string(minutes) + " min" : std::to_string(hours) + " h";
  return span + (ahead > base::Duration::zero() ? " ahead of" : " behind");
}

}  // namespace

std::string Dates::fault() const {
  std::vector<std::pair<base::NodeId, base::Duration>> off;
  for (const auto& one : ahead_)
    if (std::chrono::abs(one.second) > kDatesApartMax) off.push_back(one);
  if (off.empty()) return {};
  const auto& [peer, ahead] = off.front();
  if (ahead_.size() == 1)
    return "the date of the linked node " + peer.hex() + " is " + text_of(ahead) +
           " this node's date: one of the two clocks is wrong; set it";
  if (2 * off.size() > ahead_.size())
    return "this node's date is " + text_of(-ahead) + " the date of " + std::to_string(off.size()) + " of " +
           std::to_string(ahead_.size()) + " linked nodes: set the clock of this machine";
  std::string out = "the date of node " + peer.hex() + " is " + text_of(ahead) + " this node's date";
  if (off.size() > 1) out += ", and " + std::to_string(off.size() - 1) + " more nodes differ";
  return out + ": set the clock of that machine";
}

}  // namespace troupe::peers
