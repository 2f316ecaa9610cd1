#pragma once
// What other domains of the node may ask of the DHT, at the path kPath: `node().find(dht::kPath)`.
//
// Search -> SearchResult   the nodes nearest to a key, the record or the providers there; or to store and to provide
// Withdrawn                what was published with Search and `keep` is published no more
// ListPublished -> PublishedKeys   at kRepublishPath: what is kept published
//
// Provide (an operator's) is answered by the domain that has the contents: `/files/announce`.
#include "actors/dht/logic/contact.hpp"
#include "actors/dht/logic/range.hpp"

namespace troupe::dht {

inline constexpr const char* kPath = "/dht";
inline constexpr const char* kRepublishPath = "/dht/republish";
inline constexpr const char* kListenPath = "/dht/listen";  // ListenTo, and Changed of other nodes
inline constexpr const char* kAuditPath = "/dht/audit";    // CheckHeld, CleanHeld, ListRows

inline constexpr std::size_t kRegionItemsMax = 64;  // of messages/dht.capnp, a Search for a region
inline constexpr std::uint8_t kProviderNumber = 4;  // the same, of Withdrawn

/// Where what belongs to a content id lies.
inline Key key_of(const base::Digest& cid) {
  Key out;
  for (std::size_t i = 0; i < Key::kBytes; ++i) out.bytes[i] = cid.bytes[i];
  return out;
}

}  // namespace troupe::dht
