#pragma once
// What the catalogue knows of one file, as the actors of a view or a verify take it with them.
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "actors/files/logic/catalogue.hpp"

namespace troupe::files {

struct Listed {
  std::optional<Entry> entry;     ///< none: this node does not claim the file
  std::size_t replicas_live = 0;  ///< of the content that has the fewest
  std::map<ContentKey, std::vector<base::NodeId>> holders;
  std::vector<base::NodeId> hints;  ///< nodes that are likely to hold something of it

  const std::vector<base::NodeId>& of(const ContentKey& key) const {
    static const std::vector<base::NodeId> kNobody;
    const auto at = holders.find(key);
    return at == holders.end() ? kNobody : at->second;
  }
};
using ListedPointer = std::shared_ptr<const Listed>;

}  // namespace troupe::files
