#pragma once
// The catalogue's data on one file, as a view or verify actor gets it.
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "actors/files/logic/catalogue.hpp"

namespace troupe::files {

struct Listed {
  std::optional<Entry> entry;     ///< nullopt: this node does not claim the file
  std::size_t replicas_live = 0;  ///< of the object with the fewest copies
  std::map<ContentKey, std::vector<base::NodeId>> holders;
  std::vector<base::NodeId> hints;  ///< nodes that probably have parts of the file

  const std::vector<base::NodeId>& of(const ContentKey& key) const {
    static const std::vector<base::NodeId> kNobody;
    const auto at = holders.find(key);
    return at == holders.end() ? kNobody : at->second;
  }
};
using ListedPointer = std::shared_ptr<const Listed>;

}  // namespace troupe::files
