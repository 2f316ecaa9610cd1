#pragma once
// What a node says about its content store. Fixed for the life of the actors.
#include <string>

#include "actors/files/counters.hpp"
#include "actors/files/logic/catalogue.hpp"
#include "actors/files/logic/claims.hpp"
#include "actors/files/logic/fetch.hpp"
#include "actors/files/logic/replication.hpp"
#include "actors/files/logic/watch.hpp"
#include "runtime/observe/domain_log.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/store/left_free.hpp"
#include "runtime/store/store.hpp"

namespace troupe::files {

inline constexpr const char* kKeyspace = "files";

struct FilesSettings {
  base::NodeId self;                      ///< this node
  std::string store_directory = "files";  ///< of the node's disk
  std::string peers = "/peers";           ///< who answers ListKnown
  std::string dht = "/dht";               ///< who answers Search
  store::StoreOptions store;
  std::uint8_t replicas = kReplicasDefault;  ///< of a put that names no number
  std::uint32_t chunk_bytes = kChunkBytes;   ///< of new files: a power of two, kChunkBytesMin to kChunkBytesMax
  ClaimsLimits claims;
  CatalogueLimits catalogue;
  ReplicationLimits replication;
  FetchLimits fetch;
  WatchLimits watch;
  std::size_t streams_max = 64;  ///< gets, views and verifies at once; our choice: 1.5 GiB in memory at most
  std::size_t stores_max = 256;  ///< under way at a holder, shared by asker; `files.commits_max`
  std::uint64_t store_bytes_max = 128 << 20;        ///< of these, shared by asker; our choice: a third more in memory
  std::uint64_t left_to_self = store::kFilesLeave;  ///< of the device, when others store
  std::uint64_t left_to_self_by_claims = store::kClaimsLeave;
  /// Contents that this node announces. Another node keeps 10,000 announcements of this one (dht::ProviderLimits); the
  /// rest of those is for contents that ended before a restart, and for `troupe dht provide`.
  std::uint64_t announced_max = 8'192;
  std::size_t reads_max = 128;                                ///< at a holder; our choice: 128 MiB in memory at most
  std::uint32_t read_kib_per_second = 512 * 1024;             ///< for all other nodes, at a holder; our choice
  std::size_t reads_per_node_max = 16;                        ///< of those; our choice: some gets of two
  base::Duration content_timeout = std::chrono::seconds{20};  ///< a content on its way; our choice: 50 KiB/s
  base::Duration answer_timeout = std::chrono::seconds{10};   ///< anything smaller; as long as a dial may take
  observe::Health* health = nullptr;                          ///< outlives the actors; null: not told
  observe::DomainLog log{};
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();
};

inline constexpr std::chrono::seconds kCommitTimeout{60};  ///< of what ends with a commit of this node's store
inline constexpr std::chrono::seconds kPutAgain{5};        ///< after a put that no node would take; our choice
inline constexpr std::chrono::seconds kReadTimeout{20};    ///< of a blob; our choice

}  // namespace troupe::files
