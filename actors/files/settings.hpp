#pragma once
// A node's settings for its content store. Fixed for the life of the actors.
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
  std::string store_directory = "files";  ///< on the node's disk
  std::string peers = "/peers";           ///< answers ListKnown
  std::string dht = "/dht";               ///< answers Search
  store::StoreOptions store;
  std::uint8_t replicas = kReplicasDefault;  ///< for a put without a number
  std::uint32_t chunk_bytes = kChunkBytes;   ///< of new files: a power of two, kChunkBytesMin to kChunkBytesMax
  ClaimsLimits claims;
  CatalogueLimits catalogue;
  ReplicationLimits replication;
  FetchLimits fetch;
  WatchLimits watch;
  std::size_t streams_max = 64;  ///< gets, views and verifies at once; our choice: 1.5 GiB in memory at most
  std::size_t stores_max = 256;  ///< in progress at a storage node, shared by caller; `files.commits_max`
  std::uint64_t store_bytes_max = 128 << 20;  ///< of these stores, shared by caller; our choice: 1/3 more in memory
  std::uint64_t left_to_self = store::kFilesLeave;  ///< free bytes that other nodes' stores leave on the device
  std::uint64_t left_to_self_by_claims = store::kClaimsLeave;
  /// Objects that this node announces. Another node keeps 10,000 announcements of this node (dht::ProviderLimits). The
  /// rest is for objects that ended before a restart, and for `troupe dht provide`.
  std::uint64_t announced_max = 8'192;
  std::size_t reads_max = 128;                     ///< at a storage node; our choice: at most 128 MiB
  std::uint32_t read_kib_per_second = 512 * 1024;  ///< total for other nodes, at a storage node; our choice
  std::size_t reads_per_node_max = 16;             ///< of these reads, per node; our choice: eight gets with two each
  base::Duration content_timeout = std::chrono::seconds{20};  ///< an object in flight; our choice: 50 KiB/s
  base::Duration answer_timeout = std::chrono::seconds{10};   ///< anything smaller; as long as a dial may take
  observe::Health* health = nullptr;                          ///< outlives the actors; null: not notified
  observe::DomainLog log{};
  std::shared_ptr<Counters> counters = std::make_shared<Counters>();
};

inline constexpr std::chrono::seconds kCommitTimeout{60};  ///< for requests that end with a commit of this node's store
inline constexpr std::chrono::seconds kPutAgain{5};        ///< after a put that no node accepted; our choice
inline constexpr std::chrono::seconds kReadTimeout{20};    ///< for a blob; our choice

}  // namespace troupe::files
