#pragma once
// The types between the logic of peers and its actor: settings, limits, inputs, decisions.
#include <chrono>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "actors/peers/logic/address_book.hpp"
#include "actors/peers/logic/peer_scores.hpp"
#include "actors/peers/logic/target.hpp"

namespace troupe::peers {

/// The settings `peers.*`.
struct Policy {
  std::size_t known_max = kKnownMax;
  std::size_t links_target = 16;
  std::size_t healthy_min = 3;
  base::Duration health_period = std::chrono::seconds{60};
  base::Duration exchange_period = std::chrono::seconds{120};
  base::Duration rejoin_period = std::chrono::seconds{300};
};

inline constexpr std::size_t kDialsMax = 4;                  // our choice: a start takes links_target / 4 rounds
inline constexpr std::size_t kSeedDialsMax = kDialsMax / 2;  // of kDialsMax
inline constexpr std::size_t kTargetsMax = 16;               // further dials for operators, at a time
inline constexpr std::size_t kLinksMax = 256;  // our choice: 256 idle links cost 20 MiB (issue: 80 KiB each)
inline constexpr std::size_t kGuestsMax = 32;  // our choice: links beyond kLinksMax, which ask for contacts and end
inline constexpr std::size_t kDialledOfGroupMax = 2;   // our choice: inbound links per group that count as dialled
inline constexpr std::size_t kSeedsMax = 64;           // further seeds are ignored
inline constexpr std::size_t kHeldOffMax = 256;        // beyond it, the hold-off that would end first ends now
inline constexpr std::size_t kContactsMax = 20;        // per exchange: 20 x 56 B fit into a datagram (DESIGN.md)
inline constexpr std::chrono::seconds kWorkingFor{1};  // our choice: not every request may scan all known peers
inline constexpr std::size_t kPingsMissedMax = 3;
inline constexpr std::chrono::seconds kPingTimeout{5};  // our choice: ten times a bad round trip
inline constexpr std::chrono::seconds kPingAgain{10};
inline constexpr std::chrono::seconds kDialTimeout{10};  // covers look-up, connect and the 5 s of a handshake
inline constexpr std::chrono::seconds kExchangeTimeout{5};
inline constexpr std::chrono::seconds kExchangeGap{5};  // doubles up to the period while links are missing
inline constexpr std::chrono::seconds kRetryMin{5};     // for a known peer
inline constexpr std::chrono::hours kRetryMax{1};
inline constexpr std::chrono::seconds kGuestTime{5};  // our choice: ten bad round trips, for a ping and one request
inline constexpr std::chrono::minutes kSettled{
    1};  // our choice: after a link that ended sooner, the next dial waits longer, up to this
inline constexpr std::chrono::seconds kSeedRetryMin{1};  // for a seed; at most the rejoin period
inline constexpr std::chrono::minutes kHoldOff{10};      // how long a peer that an operator dropped stays away
inline constexpr std::chrono::hours kFresh{1};           // a contact whose link worked within this time is passed on
static_assert(kExchangeTimeout <= kExchangeGap, "one question for contacts at a time");
static_assert(kLinksMax + kGuestsMax <= kKnownMax, "linked peers fit into the book");

enum class Direction : std::uint8_t { outbound, inbound };

enum class LinkEnd : std::uint8_t {
  lost,
  hung_up,  ///< the other side closed it
};

/// Why whereabouts() returns no address.
enum class Nowhere : std::uint8_t {
  unknown,
  unwelcome,       ///< banned, or dropped by an operator
  turned_us_away,  ///< it recently closed our link
};

enum class State : std::uint8_t {
  known,  ///< no link
  dialling,
  linked,     ///< a link that has not answered a ping yet
  healthy,    ///< its last ping was answered
  unhealthy,  ///< its last ping was not answered
  banned,
};

enum class DialFailure : std::uint8_t {
  unreachable,     ///< not resolved, not connected, or no handshake in time
  wrong_identity,  ///< another id answered than the pinned id
  refused,         ///< it refuses us, or has no protocol version in common
  ourselves,       ///< the address is our own
};

struct Dial {
  std::uint64_t ticket;
  Target to;
  base::Instant due;
  bool seed = false;  ///< true: to join through; false: to a known peer, or for an operator
};
enum class DropReason : std::uint8_t { silent, banned, by_command, too_many };
struct Drop {
  base::NodeId peer;
  DropReason why;
};
struct Ban {
  base::NodeId peer;
  base::Instant until;
  std::optional<Violation> last;  ///< the violation that caused the ban; nullopt: the ban is from before a restart
};
struct Unban {
  base::NodeId peer;
};
struct SendPing {
  base::NodeId peer;
  base::Instant due;
};
struct AskContacts {
  base::NodeId peer;
  base::Instant due;
};
struct SaveRow {
  base::NodeId id;  ///< its bytes: row()
};
struct EraseRow {
  base::NodeId id;
};
using Decision = std::variant<Dial, Drop, Ban, Unban, SendPing, AskContacts, SaveRow, EraseRow>;
using Decisions = std::vector<Decision>;

/// A link that is up: both ends have proven their ids.
struct LinkUp {
  base::NodeId id;
  base::PublicKey key;
  std::uint32_t nonce;
  base::Endpoint remote;  ///< where it was dialled, or where it dialled from
  Direction direction;

  friend bool operator==(const LinkUp&, const LinkUp&) = default;
};

/// A line of `troupe peers`.
struct PeerView {
  base::NodeId id;
  base::Endpoint endpoint;  ///< where it can be dialled, otherwise where it dialled from; not dialable: unknown
  State state;
  std::optional<std::chrono::microseconds> rtt;
  std::optional<Direction> direction;  ///< of its link
  std::uint32_t score = 0;             ///< points for its violations
  std::optional<base::Instant> banned_until = {};
  std::optional<base::Instant> last_heard = {};  ///< unset: never heard from
};

enum class CommandError : std::uint8_t {
  ourselves,  ///< the id is our own
  linked,     ///< the peer is linked already
  busy,       ///< kTargetsMax dials for operators are in progress
  not_linked,
  still_linked,
  unknown,  ///< the peer is not in the book, and was not linked recently
};

}  // namespace troupe::peers
