#pragma once
// The id of a node, as a person types it.
#include "apps/cli/failure.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {

/// Reads 40 hexadecimal digits; fails with usage.
inline base::Result<base::NodeId, Failure> node_typed(const std::string& typed) {
  constexpr std::size_t kShown = 80;
  if (const auto id = base::NodeId::from_hex(typed)) return *id;
  return usage_failure("invalid node id: expected 40 hexadecimal digits, got \"" + base::shortened(typed, kShown) + '"',
                       "troupe registry ls");
}

}  // namespace troupe::apps
