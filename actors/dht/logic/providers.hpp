#pragma once
// Which nodes say that they have the object of a key: stored for nodes that ask this node.
//
// Rules   a node announces only itself, which the caller has checked. An announcement lasts `hold` unless it is
//         renewed. The contact that a provider announced last applies to all its keys.
// Full    per key: the address group with the most providers loses one to a group that has at least two fewer. Within a
//         group the providers with the smallest rank stay. The rank is a hash with a secret of this node, so the sample
//         is fair, and no one can grind ids for it. Per node: expired announcements go first, then the farthest
//         announcement of the largest provider in the largest address group (peer_usage.hpp).
// Row     keyspace kProviderRows. Key: key (20) · provider's id (20). Value: version 1 (1) · expires, Unix seconds (8)
//         · contact: key (32) · nonce (4) · address (16) · port (2); numbers little-endian.
// Memory  224 B per announcement, 300 B per provider.
// Owner   one actor; not thread-safe. The rows that it returns are written before the announcement is acknowledged.
#include <array>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "actors/dht/logic/clock_guard.hpp"
#include "actors/dht/logic/contact.hpp"
#include "actors/dht/logic/group.hpp"
#include "actors/dht/logic/peer_usage.hpp"
#include "actors/dht/logic/rows.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/random.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht {

inline constexpr std::string_view kProviderRows = "dht.providers";
inline constexpr std::size_t kProviderRowBytes = 1 + 8 + 32 + 4 + 16 + 2;
inline constexpr std::size_t kProvidersExpiredMax = 64;  // our choice: per call to add()
inline constexpr std::size_t kProvidersSweptMax = 256;   // our choice: one batch of rows

struct ProviderLimits {
  std::uint32_t per_key_max = 128;
  std::uint32_t per_provider_max = 10'000;
  std::uint32_t per_network_max = 25'000;  ///< for all providers of one address group
  std::uint32_t announcements_max = 100'000;
  std::chrono::seconds hold{std::chrono::hours(48)};
};

/// Makes this node's ranks unpredictable. From the Chance port.
using SampleSecret = base::FixedBytes<struct SampleSecretTag, 16>;

enum class ProviderError : std::uint8_t {
  undialable,     ///< its address cannot be dialled
  provider_full,  ///< it has announced per_provider_max keys here
  network_full,   ///< its network has announced per_network_max
  key_full,       ///< per_key_max other providers are in the sample
  no_space,       ///< no address group has more announcements here, or farther ones
};

enum class AddedAs : std::uint8_t { added, renewed };
struct Added {
  AddedAs as;
  RowChange rows;
  std::optional<base::WallTime> ended{};  ///< the former end, if it was renewed
};

class Providers {
 public:
  Providers(const base::NodeId& own, ProviderLimits limits, const SampleSecret& secret, unsigned work_bits,
            const base::Mutations& mutations = base::kNoMutations);
  Providers(const Providers&) = delete;  // its indexes point into one another
  Providers& operator=(const Providers&) = delete;

  /// Sets how to treat expired announcements from now on. At first they are dropped.
  void treat(Expired as) { expired_ = as; }

  /// Adds an announcement. `network`: its real origin, if known. With a claimed address, the quota of a victim would be
  /// charged.
  base::Result<Added, ProviderError> add(const Key& key, const Contact& provider, base::WallTime wall,
                                         const std::optional<Group>& network = {});

  /// Returns at most `contacts_max` providers that have not expired, in random order.
  std::vector<Contact> find(const Key& key, std::size_t contacts_max, base::WallTime wall, base::Random& random) const;

  /// Loads a row at the start. If the row is refused, the caller erases it.
  base::Result<void, RowError> load(base::ByteView row_key, base::ByteView row, base::WallTime wall);

  /// Drops at most kProvidersSweptMax expired announcements. Call it again while it returns that many.
  RowChange sweep(base::WallTime wall);
  /// Returns when the next sweep() is due.
  std::optional<base::WallTime> wake_at() const;

  /// Drops an announcement: the provider has withdrawn it, or its row could not be written.
  RowChange forget(const Key& key, const base::NodeId& provider);

  /// Restores the former end, because the change was not written.
  void put_back(const Key& key, const base::NodeId& provider, base::WallTime ended);

  static base::Bytes row_key(const Key& key, const base::NodeId& provider);

  struct Row {
    Key key;
    Contact provider;  ///< its id is the one in the row; only the layout was checked
    base::WallTime expires;
  };
  static std::optional<Row> read_row(base::ByteView row_key, base::ByteView row);

  static std::optional<std::pair<Key, base::NodeId>> read_row_key(base::ByteView row_key);

  bool has(const Key& key, const base::NodeId& provider) const;
  /// Returns the row keys after `after`, in an internal order; at most `rows_max`. Includes expired announcements.
  std::vector<base::Bytes> rows(const std::optional<base::Bytes>& after, std::size_t rows_max) const;

  std::size_t announcements() const { return announced_.size(); }
  std::size_t providers() const { return providers_.size(); }

 private:
  struct Known {
    base::Contact where;
    base::WallTime told;  ///< end of its latest announcement: the row that ends last has its current address
    std::optional<Group> network;
  };
  using KnownProviders = std::map<base::NodeId, Known>;
  struct Name {
    Key distance;  ///< of the key from the local id
    base::NodeId provider;
    friend auto operator<=>(const Name&, const Name&) = default;
  };
  struct Announced {
    base::WallTime expires;
    std::uint64_t rank;
    KnownProviders::iterator provider;
  };
  using Index = std::map<Name, Announced>;
  using Node = Index::value_type;
  struct Sooner {
    bool operator()(const Node* a, const Node* b) const {
      return std::tie(a->second.expires, a->first) < std::tie(b->second.expires, b->first);
    }
  };

  std::uint64_t rank_of(const Key& key, const base::NodeId& provider) const;
  Added renew(Node& present, const Contact& provider, base::WallTime expires);
  void end_at(Node& node, base::WallTime expires);
  /// Returns which announcement to evict for `name`, or nullopt if there is space.
  base::Result<std::optional<Name>, ProviderError> make_room(const Name& name, std::uint64_t rank,
                                                             const Site& site) const;
  base::Result<std::optional<Name>, ProviderError> worse(std::span<const Node* const> at_key, std::uint64_t rank,
                                                         const Site& site) const;
  void insert(const Name& name, const base::Contact& where, std::uint64_t rank, base::WallTime expires);
  void remove(const Name& name);
  std::size_t keys_of(const base::NodeId& provider) const { return per_peer_.weight_of(provider); }
  bool network_has_room(const base::NodeId& provider, const std::optional<Group>& network) const;
  void note_network(KnownProviders::value_type& provider, const std::optional<Group>& network);
  void count_for(const std::optional<Group>& network, std::ptrdiff_t keys);
  void expire(base::WallTime wall, std::size_t announcements_max);
  base::Bytes row_key(const Name& name) const;
  RowChange take_owed();
  void check() const;

  base::NodeId own_;
  ProviderLimits limits_;
  SampleSecret secret_;
  unsigned work_bits_;
  const base::Mutations& mutations_;
  KnownProviders providers_;
  PeerUsage per_peer_;                     // a key weighs one
  std::map<Group, std::size_t> networks_;  // number of keys
  Index announced_;
  std::set<Node*, Sooner> by_expiry_;
  std::set<Name> owed_;  // dropped; their rows are erased with the next change
  Expired expired_ = Expired::dropped;
};

}  // namespace troupe::dht
