#pragma once
// The rows of escrows, as durable::Storage keeps them.
//
// Keys    'h' id: the head, which changes with each commit; 'g' id: its creation data; 'e' id, sequence: an entry of
//         the log; 'a' id, sequence: the signed act that caused that entry; 'd' id, party: a deposit in progress; 'r'
//         id, request: the hash of the request's act; 'w' id, round, how: a pending report about an arbiter, with its
//         address; 's' id: its row in lists; 't' deadline, id: a timer, with its wait after an outage, and whether an
//         arbiter may be drawn; 'o' id: it has unfinished work; 'z' id: a snapshot at an entry of its log; 'b' party,
//         id: the party's money in this escrow; 'u': since when the book accepts commands. Numbers in keys are
//         big-endian.
#include <map>
#include <span>

#include "actors/durable/api.hpp"
#include "actors/escrow/logic/event_log.hpp"
#include "actors/wallet/codec.hpp"

namespace troupe::escrow::rows {

using base::Bytes;
using base::ByteView;

inline Bytes prefix(char of) { return {static_cast<std::uint8_t>(of)}; }
Bytes key(char of, const EscrowId& id);
Bytes numbered_key(char of, const EscrowId& id, std::uint64_t number);
Bytes arbiter_key(const EscrowId& id, std::uint64_t round, std::uint8_t how);
Bytes request_key(const EscrowId& id, ByteView request);
Bytes timer_key(UnixMs deadline, const EscrowId& id);
Bytes held_prefix(const Address& party);
Bytes held_key(const Address& party, const EscrowId& id);
inline Bytes alive_key() { return prefix('u'); }

struct Head {
  std::uint64_t sequence = 0, commits = 0;
  base::Digest hash;
};
Bytes encode(const Head& head);
std::optional<Head> decode_head(ByteView bytes);

/// The creation data of an escrow, and the nodes through which its parties sent requests.
struct Founding {
  Agreement agreement;
  Commitment buyer;
  EachParty<std::optional<base::NodeId>> owners{};
  std::vector<std::string> notes{};  ///< notes of the guards
  Amount bonds;                      ///< settled bonds at the proposal, without the parties' bonds; 0: unknown
  std::optional<Reveal> secret{};    ///< the book's secret for the draws, once committed; never shown
  friend bool operator==(const Founding&, const Founding&) = default;
};
Bytes encode(const Founding& founding);
std::optional<Founding> decode_founding(ByteView bytes);

/// A signed act or transfer: bytes, policy, and approvals.
using wallet::decode_signed;
using wallet::encode;
using wallet::SignedBytes;

struct Summary {
  Stage stage{};
  Amount price;
  UnixMs deadline{0};  ///< 0: none
  Address buyer, provider;
};
Bytes encode(const Summary& summary);
std::optional<Summary> decode_summary(ByteView bytes);

struct Timer {
  UnixMs deadline{0};
  EscrowId id;
  UnixMs window{0};   ///< Escrow::window(); 0 in rows of an earlier version without it
  bool draws = true;  ///< it may have an arbiter drawn
  /// Returns when it can fire, in a book that has accepted commands since `up_since`; 0: there was no outage.
  UnixMs fires(UnixMs up_since) const {
    return up_since > UnixMs(0) ? std::max(deadline, up_since + window) : deadline;
  }
};
std::optional<Timer> decode_timer(ByteView key, ByteView value);

/// Rows that change together, by key; nullopt: erased.
using Changes = std::map<Bytes, std::optional<Bytes>>;
/// Returns the rows of these entries; `before` is null for the first entry. `commits`: number of this change, from 1.
/// `fresh`: new reports about arbiters. `says`: older reports are pending.
Changes of_entries(const Replay* before, const Replay& after, std::span<const Entry> entries, std::uint64_t commits,
                   const std::map<Bytes, Address>& fresh, bool says);
/// The first rows of a proposed escrow.
struct Proposed {
  Founding founding;
  std::vector<Entry> entries;
  Replay replay;
  Changes rows;
};
Proposed of_proposal(const Agreement& agreement, const Commitment& buyer, const std::optional<base::NodeId>& owner,
                     const SignedBytes& act, UnixMs now, Amount bonds = {});

/// Since when the book has accepted commands without an outage, and the latest time at which it did.
struct Alive {
  UnixMs since{0}, at{0};
};
Bytes encode(const Alive& alive);
std::optional<Alive> decode_alive(ByteView bytes);

}  // namespace troupe::escrow::rows
