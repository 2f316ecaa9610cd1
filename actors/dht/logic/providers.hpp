#pragma once
// Which nodes say that they have the content of a key: kept for nodes that ask this one.
//
// Rules   a node announces only itself, which the caller has checked. An announcement lasts `hold` unless it is
//         renewed. The contact that a provider announced last counts for all its keys.
// Full    of a key: one of the site with most makes room for a site that has two fewer. Within a site the providers
//         with the smallest rank stay, a hash with a secret of this node: a fair sample, for which ids cannot be
//         ground. Of the node: expired announcements go first, then the farthest one of the provider with the highest
//         usage, of the address group with the highest (peer_usage.hpp).
// Row     keyspace kProviderRows. Key: key (20) · provider's id (20). Value: version 1 (1) · expires, Unix seconds (8)
//         · contact: key (32) · nonce (4) · address (16) · port (2); numbers little-endian.
// Memory  224 B an announcement, 300 B a provider.
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
inline constexpr std::size_t kProvidersExpiredMax = 64;  // our choice: of one call to add()
inline constexpr std::size_t kProvidersSweptMax = 256;   // our choice: one batch of rows

struct ProviderLimits {
  std::uint32_t per_key_max = 128;
  std::uint32_t per_provider_max = 10'000;
  std::uint32_t per_network_max = 25'000;  ///< of all providers of one address group
  std::uint32_t announcements_max = 100'000;
  std::chrono::seconds hold{std::chrono::hours(48)};
};

/// Makes the ranks of this node unguessable. From the Chance port.
using SampleSecret = base::FixedBytes<struct SampleSecretTag, 16>;

enum class ProviderError : std::uint8_t {
  undialable,     ///< no node could fetch anything from there
  provider_full,  ///< it has announced per_provider_max keys here
  network_full,   ///< all of its network have announced per_network_max
  key_full,       ///< per_key_max others are in the sample
  no_space,       ///< no site has more announcements here, or farther ones
};

enum class AddedAs : std::uint8_t { added, renewed };
struct Added {
  AddedAs as;
  RowChange rows;
  std::optional<base::WallTime> ended{};  ///< when it was to end before, where it is held already and that has changed
};

class Providers {
 public:
  Providers(const base::NodeId& own, ProviderLimits limits, const SampleSecret& secret, unsigned work_bits,
            const base::Mutations& mutations = base::kNoMutations);
  Providers(const Providers&) = delete;  // its indexes point into one another
  Providers& operator=(const Providers&) = delete;

  /// From now on. At first it is dropped.
  void treat(Expired as) { expired_ = as; }

  /// `network`: where it announced itself from, if that is known. An address that it names would count for its victims.
  base::Result<Added, ProviderError> add(const Key& key, const Contact& provider, base::WallTime wall,
                                         const std::optional<Group>& network = {});

  /// At most `contacts_max` of those that have not expired, in random order.
  std::vector<Contact> find(const Key& key, std::size_t contacts_max, base::WallTime wall, base::Random& random) const;

  /// Takes back a row at the start. The caller erases one that is refused.
  base::Result<void, RowError> load(base::ByteView row_key, base::ByteView row, base::WallTime wall);

  /// Drops at most kProvidersSweptMax of what has expired. Call it again while it returns that many.
  RowChange sweep(base::WallTime wall);
  /// When the next sweep() has something to do.
  std::optional<base::WallTime> wake_at() const;

  /// Drops one: it says that it has it no more, or its row could not be written.
  RowChange forget(const Key& key, const base::NodeId& provider);

  /// A change of its end was not written: it ends as before.
  void put_back(const Key& key, const base::NodeId& provider, base::WallTime ended);

  static base::Bytes row_key(const Key& key, const base::NodeId& provider);

  struct Row {
    Key key;
    Contact provider;  ///< its id is the one that the row names: nothing but the layout was checked
    base::WallTime expires;
  };
  static std::optional<Row> read_row(base::ByteView row_key, base::ByteView row);

  static std::optional<std::pair<Key, base::NodeId>> read_row_key(base::ByteView row_key);

  bool has(const Key& key, const base::NodeId& provider) const;
  /// The row keys of those after `after`, in an order of their own; at most `rows_max`. Expired ones included.
  std::vector<base::Bytes> rows(const std::optional<base::Bytes>& after, std::size_t rows_max) const;

  std::size_t announcements() const { return announced_.size(); }
  std::size_t providers() const { return providers_.size(); }

 private:
  struct Known {
    base::Contact where;
    base::WallTime told;  ///< when its latest announcement ends: of two rows the later one knows where it lives
    std::optional<Group> network;
  };
  using KnownProviders = std::map<base::NodeId, Known>;
  struct Name {
    Key distance;  ///< of the key from the own id
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
  /// Which announcement has to go so that `name` can come; nothing if there is room.
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
  std::map<Group, std::size_t> networks_;  // keys of each
  Index announced_;
  std::set<Node*, Sooner> by_expiry_;
  std::set<Name> owed_;  // dropped; their rows are erased with the next change
  Expired expired_ = Expired::dropped;
};

}  // namespace troupe::dht
