#pragma once
// All known peers: which rows are kept, evicted or forgotten, and which rows are not on disk yet.
//
// Order   rows are ordered by id, so that the same inputs give the same decisions everywhere.
// Full    hearsay is evicted first: an address that one peer named must not displace an address that this node linked
//         to. A new link evicts the worst hearsay, then the worst peer without a link, then the ban that ends first.
//         Hearsay only evicts hearsay that failed or is a day old.
// Dead    hearsay after kHearsayFailuresMax failed dials; a proven address after kProvenFailuresMax in a row and
//         kSilenceMax without a message; both after kForgetAfter. Never while this node has no link, because then this
//         node may be at fault.
// Limits  `known_max` rows, `per_source_max` of them hearsay from one source.
// Owner   Peers (peers.hpp); not thread-safe. Time is monotonic, given by the caller.
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "actors/peers/logic/known_peer.hpp"

namespace troupe::peers {

inline constexpr std::size_t kKnownMax = 1000;           // issue: `peers.known_max`
inline constexpr std::size_t kBansPart = 8;              // our choice: part of the rows that bans may occupy
inline constexpr std::size_t kPerSourceMax = 100;        // our choice: filling a book with hearsay takes ten malicious
                                                         // nodes
inline constexpr std::uint32_t kHearsayFailuresMax = 3;  // our choice: half a minute of attempts
inline constexpr std::uint32_t kProvenFailuresMax = 8;   // our choice: twenty minutes of attempts
inline constexpr std::chrono::hours kSilenceMax{24};     // our choice: a node may be off for a day
inline constexpr std::chrono::hours kForgetAfter{30 * 24};
inline constexpr std::chrono::minutes kRefreshAfter{10};  // how often a plain "seen again" is written
inline constexpr std::chrono::minutes kMovedAgain{1};     // how often a peer's claim about its own address is written

enum class Learned : std::uint8_t {
  added,
  moved,        ///< known, with a new address: by its own claim, or because the known address failed
  kept,         ///< known; the known address is better
  source_full,  ///< its source has named per_source_max peers that are not proven yet
  book_full,    ///< no row can be evicted for this hearsay
  banned,       ///< the peer is banned: other peers' claims about it are ignored
};

class AddressBook {
 public:
  explicit AddressBook(std::size_t known_max = kKnownMax, std::size_t per_source_max = kPerSourceMax);

  /// Restores a stored row. Returns false if the book is full.
  bool restore(KnownPeer peer);

  /// Records what `source` says about `id`. A peer is believed about its own address, and may change it with each
  /// message: its row is saved at most once per kMovedAgain, the last address with the next prune().
  Learned hear_of(const base::NodeId& id, const Contact& contact, const base::NodeId& source, base::Instant now);

  /// Records that a link to `id` is up; returns its row, or null if there is no space for one. `contact.endpoint` is
  /// the dialled address. If the peer dialled us, the endpoint is not dialable, and the known address stays.
  KnownPeer* linked(const base::NodeId& id, const Contact& contact, base::Instant now);
  void unlinked(const base::NodeId& id);

  /// Records a failed dial, or a link that fell silent.
  void failed(const base::NodeId& id, base::Instant now);
  /// Records that another node answered a dial. Counts as enough failures to believe another address of the peer. The
  /// rest of the row stays, because the peer has moved, and may come back.
  void met_another(const base::NodeId& id, base::Instant now);
  /// Records that a linked peer answered.
  void heard(const base::NodeId& id, std::chrono::microseconds round_trip, base::Instant now);
  void missed(const base::NodeId& id);

  /// Bans for twice as long as the last time. Returns the end of the ban, or nullopt if the peer has no row.
  std::optional<base::Instant> ban(const base::NodeId& id, base::Instant now);
  void unban(const base::NodeId& id);
  bool banned(const base::NodeId& id, base::Instant now) const;

  /// Removes a peer that is not linked. Returns false if it is not in the book.
  bool forget(const base::NodeId& id);
  /// Forgets dead peers, and saves postponed addresses.
  void prune(base::Instant now);

  const KnownPeer* find(const base::NodeId& id) const;
  const std::map<base::NodeId, KnownPeer>& rows() const { return rows_; }
  std::size_t size() const { return rows_.size(); }
  std::size_t known_max() const { return known_max_; }

  struct Changes {
    std::vector<base::NodeId> save;
    std::vector<base::NodeId> erase;
  };
  /// Returns the rows that have changed since the last call, by id.
  Changes take_changes();

 private:
  KnownPeer* row(const base::NodeId& id);
  bool doubted(const KnownPeer& peer) const;
  void save(const base::NodeId& id);
  void save_moved(const base::NodeId& id, base::Instant now);
  void touch(const base::NodeId& id, base::Instant now);
  void erase(std::map<base::NodeId, KnownPeer>::iterator at);
  bool make_room_for_hearsay(base::Instant now);
  bool make_room_for_link(base::Instant now);
  bool dead(const KnownPeer& peer, base::Instant now) const;
  void check() const;

  std::size_t known_max_;
  std::size_t per_source_max_;
  std::map<base::NodeId, KnownPeer> rows_;
  std::set<base::NodeId> links_;                    // linked peers; their rows must stay
  std::map<base::NodeId, base::Instant> saved_at_;  // for rows that were saved since the start
  std::map<base::NodeId, base::Instant> moved_at_;  // when a peer's claim about its own address was last saved
  std::set<base::NodeId> moved_;                    // peers that have moved again since
  std::set<base::NodeId> save_, erase_;
};

}  // namespace troupe::peers
