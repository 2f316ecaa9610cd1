#pragma once
// How long nodes take for a store or a read, so that a put or a reading asks the next node if a node is slow.
//
// Usual    time of a node: the longest of its recent stores. A faster store lowers it by 1/8.
// Patience twice the node's usual time, or the median for a node without a store, plus kSlack. At most four times the
//          median, or kPatienceMin if that is longer, so that one slow node does not delay all.
// Silent   a node that left a store unanswered for longer is asked last, until it responds or for kSilentFor.
// Limits   kPaceNodesMax nodes; a further node evicts another.
// Owner    one actor; not thread-safe.
#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"

namespace troupe::files {

inline constexpr std::size_t kPaceNodesMax = 1024;                 // as many as a put has candidates
inline constexpr std::chrono::milliseconds kSlack{10};             // our choice: a sync of a fast device
inline constexpr std::chrono::milliseconds kPatienceUnknown{500};  // our choice: before the first store at any node
inline constexpr std::chrono::milliseconds kPatienceCold{40};      // our choice: added after a put's first responses
inline constexpr std::chrono::milliseconds kPatienceMin{200};      // our choice: lower bound for the limit that other
                                                                   // nodes set
inline constexpr std::chrono::minutes kSilentFor{10};              // our choice: as long as /datagrams remembers it

class Pace {
 public:
  void took(const base::NodeId& node, base::Duration time) {
    Node& known = find(node);
    known.silent_until.reset();
    if (!known.usual) {
      known.usual = time;
      return;
    }
    known.usual = std::max(time, *known.usual - *known.usual / 8);
  }
  void silent(const base::NodeId& node, base::Instant now) { find(node).silent_until = now + kSilentFor; }

  bool is_silent(const base::NodeId& node, base::Instant now) const {
    const auto known = nodes_.find(node);
    return known != nodes_.end() && known->second.silent_until && now < *known->second.silent_until;
  }
  std::vector<base::NodeId> silent_nodes(base::Instant now) const {
    std::vector<base::NodeId> out;
    for (const auto& [id, known] : nodes_)
      if (is_silent(id, now)) out.push_back(id);
    return out;
  }
  std::optional<base::Duration> usual(const base::NodeId& node) const {
    const auto known = nodes_.find(node);
    return known == nodes_.end() ? std::nullopt : known->second.usual;
  }
  /// Returns how long a store at the node may take until the next node is asked as well.
  base::Duration patience(const base::NodeId& node) const {
    std::vector<base::Duration> all;
    for (const auto& [id, known] : nodes_)
      if (known.usual) all.push_back(*known.usual);
    if (all.empty()) return kPatienceUnknown;
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::nth_element(all.begin(), middle, all.end());
    const base::Duration most = std::max<base::Duration>(4 * *middle, kPatienceMin);
    return std::min(2 * usual(node).value_or(*middle) + kSlack, most);
  }
  std::size_t nodes() const { return nodes_.size(); }

 private:
  struct Node {
    std::optional<base::Duration> usual{};
    std::optional<base::Instant> silent_until{};
  };
  Node& find(const base::NodeId& node) {
    if (nodes_.size() >= kPaceNodesMax && !nodes_.contains(node)) nodes_.erase(nodes_.begin());
    return nodes_[node];
  }
  std::map<base::NodeId, Node> nodes_;
};

}  // namespace troupe::files
