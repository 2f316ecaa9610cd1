#pragma once
// How other nodes behave: points for what no honest one does, and bans of those whom the address book does not hold.
//
// Whom    a node id, and never an address: whoever reports an offence has the id proven by a link or a seal, while an
//         address is shared (many nodes behind one) and, in a datagram that proves nothing, anybody's to write.
// Points  points_of() for each offence; kPointLife forgives one. What honest nodes bring about in bursts (a token of
//         before our restart, a busy minute) counts once in kLightGap. kPointsBan bans, and wipes the points.
// Bans    of nodes in the book are part of their rows there (address_book.hpp), and outlive the process. Those of
//         others are kept here, as long, and do not: a row for each would let strangers fill the book.
// Limits  kOffendersMax nodes with points: one more takes the place of the one with the fewest. kStrangersMax bans: one
//         more ends the one that would end first. Ended bans are remembered for kBanMax, so that the next is longer.
// Time    monotonic, given by the caller.
// Owner   Peers; not thread-safe.
#include <map>
#include <optional>
#include <string_view>

#include "actors/peers/logic/known_peer.hpp"

namespace troupe::peers {

inline constexpr std::uint32_t kPointsBan = 100;
inline constexpr std::size_t kOffendersMax = 1'000;   // our choice: as many as are known
inline constexpr std::size_t kStrangersMax = 512;     // our choice: each has cost its owner the work of an id
inline constexpr std::chrono::seconds kPointLife{6};  // ten points a minute are forgiven
inline constexpr std::chrono::seconds kLightGap{10};  // our choice: longer than a search, and the stores after it
inline constexpr std::chrono::minutes kBanMin{10};    // our choice; doubled for each further one, up to kBanMax

/// What a peer did that an honest one does not. Schema: Offence in messages/links.capnp, and what `/peers` sees itself.
enum class Offence : std::uint8_t {
  malformed,         ///< a message that breaks its schema or its rules
  protocol,          ///< broke the order of the link protocol
  forbidden,         ///< a kind of message that its role may not send
  flooding,          ///< went on after `overloaded`, many times faster than it may
  unproven_contact,  ///< passed on a contact without the work of its id
  too_many,          ///< more contacts than were asked for
  undialable,        ///< passed on an address that nobody can dial
  bad_record,        ///< stored or answered a record that is no good at any time
  wrong_token,       ///< wanted to store by a token that it was never given
};
std::uint32_t points_of(Offence offence);
std::string_view text_of(Offence offence);

/// Whether it counts once in kLightGap.
bool light(Offence offence);

/// The ban that follows `bans` others: each is twice as long, kBanMin to kBanMax.
base::Duration ban_span(std::uint16_t bans);

class Conduct {
 public:
  /// Adds points. True if it is to be banned for them, and has none any more.
  bool offend(const base::NodeId& id, Offence offence, base::Instant now);
  std::uint32_t score(const base::NodeId& id, base::Instant now) const;

  /// Bans one that is not in the book; returns until when.
  base::Instant ban(const base::NodeId& id, base::Instant now);
  /// Until when it is banned here; nothing if it is not.
  std::optional<base::Instant> banned_until(const base::NodeId& id, base::Instant now) const;
  /// Those that are banned here, by id.
  std::map<base::NodeId, base::Instant> banned(base::Instant now) const;

  /// Wipes points and ban. False if there was neither.
  bool pardon(const base::NodeId& id, base::Instant now);
  /// Forgets what time has forgiven.
  void prune(base::Instant now);
  /// That counted, ever.
  std::uint64_t offences() const { return offences_; }

 private:
  struct Points {
    std::uint64_t points = 0;
    base::Instant as_of;
    std::optional<base::Instant> light_at;  // the last one that counted
  };
  struct Ban {
    base::Instant until;
    std::uint16_t bans = 0;
  };
  static std::uint64_t left(const Points& of, base::Instant now);
  void check() const;

  std::map<base::NodeId, Points> points_;
  std::map<base::NodeId, Ban> bans_;
  std::uint64_t offences_ = 0;
};

}  // namespace troupe::peers
