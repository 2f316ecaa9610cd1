#pragma once
// The DHT's interface to other domains of the node, at the path kPath: `node().find(dht::kPath)`.
//
// Search -> SearchResult          finds the nodes nearest to a key and the record or providers there; can also store
//                                 a record or announce a provider
// Withdrawn                       stops republishing what was published with Search and `keep`
// ListPublished -> PublishedKeys  lists what is kept published, at kRepublishPath
//
// The domain that has the objects answers an operator's Provide: `/files/announce`.
#include "actors/dht/logic/contact.hpp"
#include "actors/dht/logic/range.hpp"

namespace troupe::dht {

inline constexpr const char* kPath = "/dht";
inline constexpr const char* kRepublishPath = "/dht/republish";
inline constexpr const char* kListenPath = "/dht/listen";  // ListenTo, and Changed from other nodes
inline constexpr const char* kAuditPath = "/dht/audit";    // CheckHeld, CleanHeld, ListRows

inline constexpr std::size_t kRegionItemsMax = 64;  // messages/dht.capnp: items of a Search for a region
inline constexpr std::uint8_t kProviderNumber = 4;  // messages/dht.capnp: Withdrawn

/// Returns the key of a content id.
inline Key key_of(const base::Digest& cid) {
  Key out;
  for (std::size_t i = 0; i < Key::kBytes; ++i) out.bytes[i] = cid.bytes[i];
  return out;
}

}  // namespace troupe::dht
