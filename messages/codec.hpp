#pragma once
// Bytes, texts and sizes of this program as Cap'n Proto says them, and back. Views: nothing is copied but a text read.
#include <capnp/blob.h>

#include <optional>
#include <string>

#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"

namespace troupe {

inline capnp::Data::Reader data_of(base::ByteView from) { return {from.data(), from.size()}; }
inline base::ByteView bytes_of(capnp::Data::Reader from) { return {from.begin(), from.size()}; }
inline std::optional<base::NodeId> node_of(capnp::Data::Reader from) { return base::NodeId::from(bytes_of(from)); }
inline std::string text_of(capnp::Text::Reader from) { return {from.begin(), from.size()}; }
inline kj::StringPtr text_of(const std::string& from) { return {from.c_str(), from.size()}; }

/// Returns the size of a list on the wire, which is far below 2^32.
template <class Container>
unsigned size32(const Container& items) {
  return static_cast<unsigned>(items.size());
}

}  // namespace troupe
