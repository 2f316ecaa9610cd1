#pragma once
// Interprets the result of a search (messages/dht.capnp: SearchResult), for this and other domains.
#include <cstdint>
#include <optional>

#include "messages/dht.capnp.h"
#include "runtime/base/error.hpp"

namespace troupe::dht {

/// Returns why a store or an announcement was not acknowledged by enough nodes, for people, or nullopt if it was.
std::optional<base::Error> store_error(wire::SearchResult::Reader result);
std::optional<base::Error> store_error(wire::ItemResult::Reader result);

/// Returns whether a value that a search has not found may exist nevertheless: no node could be asked, or a node that
/// may have it did not answer recently. A node that is gone does not count.
inline bool unheard(wire::SearchResult::Reader result) {
  return result.getNearest().size() == 0 || result.getSilentLately() > 0;
}

/// Returns why a search cannot say what exists, or nullopt if it can: no node could be asked, or most known nodes have
/// not answered.
std::optional<base::Error> unheard_error(wire::SearchResult::Reader result);
/// Returns why the record that was found must not be replaced by a value that expects `sequence`, or nullopt if it may.
std::optional<base::Error> unexpected_error(wire::SearchResult::Reader result, std::uint64_t sequence);

}  // namespace troupe::dht
