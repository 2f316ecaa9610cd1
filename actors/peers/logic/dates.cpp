#include "actors/peers/logic/dates.hpp"

#include <algorithm>
#include <vector>

namespace troupe::peers {
namespace {

/// "24 h ahead of", "12 min behind", "40 s behind": rounded, so that the text does not change with each ping.
std::string text_of(base::Duration ahead) {
  const base::Duration apart = std::chrono::abs(ahead);
  const auto hours = std::chrono::round<std::chrono::hours>(apart).count();
  const auto minutes = std::chrono::round<std::chrono::minutes>(apart).count();
  const auto tens = std::chrono::round<std::chrono::duration<long, std::ratio<10>>>(apart).count();
  const std::string span = tens < 12       ? std::to_string(10 * tens) + " s"
                           : minutes < 120 ? std::to_string(minutes) + " min"
                                           : std::to_string(hours) + " h";
  return span + (ahead > base::Duration::zero() ? " ahead of" : " behind");
}

}  // namespace

void Dates::said(const base::NodeId& peer, base::Duration ahead) {
  const auto [at, is_new] = ahead_.try_emplace(peer, ahead);
  if (!is_new && std::chrono::abs(ahead - at->second) >= kDatesSteady) at->second = ahead;
}

std::string Dates::fault(const base::NodeId& self) const {
  std::vector<std::pair<base::NodeId, base::Duration>> off;
  for (const auto& one : ahead_)
    if (std::chrono::abs(one.second) > kDatesApartMax) off.push_back(one);
  if (off.empty()) return {};
  const auto& [peer, ahead] = off.front();
  if (ahead_.size() == 1)
    return "the date of the linked node " + peer.hex() + " is " + text_of(ahead) + " the date of this node, " +
           self.hex() + ": one of the two clocks is wrong; set it";
  if (2 * off.size() > ahead_.size())
    return "the date of this node, " + self.hex() + ", is " + text_of(-ahead) + " the dates of " +
           std::to_string(off.size()) + " of " + std::to_string(ahead_.size()) + " linked nodes, such as " +
           peer.hex() + ": set the clock of this machine";
  std::string out =
      "the date of node " + peer.hex() + " is " + text_of(ahead) + " the date of this node, " + self.hex();
  if (off.size() > 1) out += ", and " + std::to_string(off.size() - 1) + " more nodes differ";
  return out + ": set the clock of that machine";
}

}  // namespace troupe::peers
