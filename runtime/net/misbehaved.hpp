#pragma once
// Reports a violation of another node to `/peers`.
#include <algorithm>
#include <string_view>

#include "messages/links.capnp.h"
#include "runtime/base/ids.hpp"

namespace troupe::net {

inline constexpr const char* kPeersPath = "/peers";

inline void write_misbehaved(wire::Misbehaved::Builder to, const base::NodeId& node, wire::Violation how,
                             std::string_view what) {
  constexpr std::size_t kWhatBytesMax = 200;  // of messages/links.capnp
  what = what.substr(0, kWhatBytesMax);
  to.setNode(kj::arrayPtr(node.bytes.data(), node.bytes.size()));
  to.setHow(how);
  auto text = to.initWhat(static_cast<unsigned>(what.size()));
  std::copy(what.begin(), what.end(), text.begin());
}

}  // namespace troupe::net
