#pragma once
// All known peers: who is in, who has to make room, who is forgotten, and which rows the disk does not know yet.
//
// Order   rows lie by id, so that the same inputs give the same decisions everywhere.
// Full    hearsay makes room first: an address that one peer named must not push out one that we linked to.
//         A newly linked peer takes the place of the worst hearsay, then of the worst peer without a link, then of
//         the ban that ends first. Hearsay only takes the place of hearsay that failed or is a day old.
// Dead    hearsay after kHearsayFailuresMax failed dials; a proven address after kProvenFailuresMax in a row and
//         kSilenceMax without a word; both after kForgetAfter. Never while no link is up: then the fault may be ours.
// Limits  `known_max` rows, `per_source_max` of them hearsay of one source.
// Time    monotonic, given by the caller.
// Owner   Peers (peers.hpp); not thread-safe.
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "actors/peers/logic/known_peer.hpp"

namespace troupe::peers {

inline constexpr std::size_t kKnownMax = 1000;           // issue: `peers.known_max`
inline constexpr std::size_t kPerSourceMax = 100;        // our choice: ten liars are needed to fill a book with hearsay
inline constexpr std::uint32_t kHearsayFailuresMax = 3;  // our choice: half a minute of tries
inline constexpr std::uint32_t kProvenFailuresMax = 8;   // our choice: twenty minutes of tries
inline constexpr std::chrono::hours kSilenceMax{24};     // our choice: a day off is not death
inline constexpr std::chrono::hours kForgetAfter{30 * 24};
inline constexpr std::chrono::minutes kRefreshAfter{10};  // a mere "seen again" is worth a write this often

enum class Learned : std::uint8_t {
  added,
  moved,        ///< known, with another address: by its own word, or because what was known failed
  kept,         ///< known; what is known is better
  source_full,  ///< its source has named per_source_max that were not proven yet
  book_full,    ///< nobody has to make room for hearsay
  banned,       ///< the peer is banned: nothing about it is taken from others
};

class AddressBook {
 public:
  explicit AddressBook(std::size_t known_max = kKnownMax, std::size_t per_source_max = kPerSourceMax);

  /// Puts back a stored row. False if the book is full.
  bool restore(KnownPeer peer);

  /// Notes what `source` says about `id`, which may be itself: its own word about its address is taken.
  Learned hear_of(const base::NodeId& id, const Contact& contact, const base::NodeId& source, base::Instant now);

  /// Notes that a link to `id` is up: its row, made where there is room. `contact.endpoint` is where it was dialled;
  /// where it dialled us, not dialable, which keeps the address that is known. Null if the book has no room.
  KnownPeer* linked(const base::NodeId& id, const Contact& contact, base::Instant now);
  void unlinked(const base::NodeId& id);

  /// Notes a dial that failed, or a link that fell silent.
  void failed(const base::NodeId& id, base::Instant now);
  /// Notes that somebody else answered a dial. Counts for as many failures as another address needs to be believed,
  /// while what else is known of the peer stays: it lives somewhere else, and may come back.
  void met_another(const base::NodeId& id, base::Instant now);
  /// Notes that a linked peer answered.
  void heard(const base::NodeId& id, std::chrono::microseconds round_trip, base::Instant now);
  void missed(const base::NodeId& id);

  /// Bans for twice as long as the last time. Returns until when; nothing if it has no row.
  std::optional<base::Instant> ban(const base::NodeId& id, base::Instant now);
  void unban(const base::NodeId& id);
  bool banned(const base::NodeId& id, base::Instant now) const;

  /// Forgets the dead.
  void prune(base::Instant now);

  const KnownPeer* find(const base::NodeId& id) const;
  const std::map<base::NodeId, KnownPeer>& rows() const { return rows_; }
  std::size_t size() const { return rows_.size(); }
  std::size_t known_max() const { return known_max_; }

  struct Changes {
    std::vector<base::NodeId> save;
    std::vector<base::NodeId> erase;
  };
  /// What the disk does not know since the last call, each by id.
  Changes take_changes();

 private:
  KnownPeer* row(const base::NodeId& id);
  bool doubted(const KnownPeer& peer) const;
  void save(const base::NodeId& id);
  void touch(const base::NodeId& id, base::Instant now);
  void erase(std::map<base::NodeId, KnownPeer>::iterator at);
  bool make_room_for_hearsay(base::Instant now);
  bool make_room_for_link(base::Instant now);
  bool dead(const KnownPeer& peer, base::Instant now) const;
  void check() const;

  std::size_t known_max_;
  std::size_t per_source_max_;
  std::map<base::NodeId, KnownPeer> rows_;
  std::set<base::NodeId> links_;                    // rows in use
  std::map<base::NodeId, base::Instant> saved_at_;  // of rows that were saved since the start
  std::set<base::NodeId> save_, erase_;
};

}  // namespace troupe::peers
