#pragma once
// Large bytes for a message under construction, without a copy of them in its builder.
#include <capnp/orphan.h>

#include <cstdint>

#include "messages/codec.hpp"

namespace troupe {

/// `bytes` for a field of `message`, not copied where that is possible: they must stay as they are until it is built.
template <class Builder>
capnp::Orphan<capnp::Data> borrow(Builder message, base::ByteView bytes) {
  const auto orphanage = capnp::Orphanage::getForMessageContaining(message);
  const bool whole_words = bytes.size() % sizeof(capnp::word) == 0;
  const bool aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % sizeof(capnp::word) == 0;
  if (!bytes.empty() && whole_words && aligned) return orphanage.referenceExternalData(data_of(bytes));
  return orphanage.newOrphanCopy(data_of(bytes));
}

}  // namespace troupe
