#pragma once
// Peer scores: points for what no honest node does, and bans of nodes that are not in the address book.
//
// Key     the node id, never the address. The reporter's link or seal proves the id; an address is shared by many
//         nodes, and anyone can forge the address of a datagram.
// Points  points_of() for each violation; kPointLife forgives one. At kPointsBan the node is banned and its points are
//         cleared. A light() violation, which honest nodes cause in bursts, counts at most once per kLightGap.
// Bans    a node in the book has its ban in its row, which outlives the process (address_book.hpp). Other nodes' bans
//         are kept here, in memory: a row for each would let untrusted nodes fill the book.
// Limits  kScoredMax nodes with points: when full, the node with the fewest points is forgotten. kStrangersMax bans:
//         when full, the ban that would end first ends. A past ban is remembered for kBanMax, for ban_span().
// Owner   Peers; not thread-safe. Time is monotonic, given by the caller.
#include <map>
#include <optional>
#include <string_view>

#include "actors/peers/logic/known_peer.hpp"

namespace troupe::peers {

inline constexpr std::uint32_t kPointsBan = 100;
inline constexpr std::size_t kScoredMax = 1'000;      // our choice: as many nodes as the book knows
inline constexpr std::size_t kStrangersMax = 512;     // our choice: each id has cost its owner work
inline constexpr std::chrono::seconds kPointLife{6};  // ten points a minute are forgiven
inline constexpr std::chrono::seconds kLightGap{10};  // our choice: longer than a search and the stores after it
inline constexpr std::chrono::minutes kBanMin{10};    // our choice; doubled for each further ban, up to kBanMax

/// What a peer did that an honest peer does not: `Violation` of messages/links.capnp, and what `/peers` sees by itself.
enum class Violation : std::uint8_t {
  malformed,         ///< a message that breaks its schema or its rules
  protocol,          ///< broke the order of the link protocol
  forbidden,         ///< a kind of message that its role may not send
  flooding,          ///< continued after `overloaded`, many times faster than allowed
  unproven_contact,  ///< passed on a contact without the work of its id
  too_many,          ///< more contacts than requested
  undialable,        ///< passed on an address that cannot be dialled
  bad_record,        ///< stored, or answered with, a record that is invalid at any time
  wrong_token,       ///< sent a store with a token that it was never given
};
std::uint32_t points_of(Violation violation);
std::string_view text_of(Violation violation);

/// Returns whether `violation` counts at most once per kLightGap.
bool light(Violation violation);

/// Returns the length of a ban after `bans` earlier bans: kBanMin, doubled for each, at most kBanMax.
base::Duration ban_span(std::uint16_t bans);

class PeerScores {
 public:
  /// Adds the points of `violation`. Returns true if the node must be banned now; its points are then cleared.
  bool add(const base::NodeId& id, Violation violation, base::Instant now);
  std::uint32_t score(const base::NodeId& id, base::Instant now) const;

  /// Bans a node that is not in the book; returns the end of the ban.
  base::Instant ban(const base::NodeId& id, base::Instant now);
  /// Returns the end of a ban kept here, or nullopt.
  std::optional<base::Instant> banned_until(const base::NodeId& id, base::Instant now) const;
  /// Returns the bans kept here, by id.
  std::map<base::NodeId, base::Instant> banned(base::Instant now) const;

  /// Clears points and ban. Returns false if there was neither.
  bool unban(const base::NodeId& id, base::Instant now);
  /// Removes expired points and bans.
  void prune(base::Instant now);
  /// Returns the violations that counted since the start of the process.
  std::uint64_t violations() const { return violations_; }

 private:
  struct Points {
    std::uint64_t points = 0;
    base::Instant as_of;
    std::optional<base::Instant> light_at;  // the last light violation that counted
  };
  struct Ban {
    base::Instant until;
    std::uint16_t bans = 0;
  };
  static std::uint64_t left(const Points& of, base::Instant now);
  void check() const;

  std::map<base::NodeId, Points> points_;
  std::map<base::NodeId, Ban> bans_;
  std::uint64_t violations_ = 0;
};

}  // namespace troupe::peers
