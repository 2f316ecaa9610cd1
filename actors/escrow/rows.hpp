#pragma once
// The rows of escrows, as durable::Storage keeps them.
//
// Keys    'h' id: the head, which changes with each commit; 'g' id: what it began with; 'e' id, sequence: an entry
//         of the log; 'a' id, sequence: the signed act that caused that entry; 'd' id, party: a deposit that is
//         under way; 'r' id, request: the hash of the act that a request was about; 'w' id, round, how: what is
//         still to be said of an arbiter, with its address; 's' id: what a list shows; 't' deadline, id: a timer, for
//         how long it waits after an outage, and whether an arbiter may be drawn;
//         'o' id: it goes on without being asked; 'z' id: the escrow as it was at an entry of its log; 'b' party, id:
//         money of it that lies in this escrow; 'u': since when the book takes commands. Numbers in keys are
//         big-endian.
#include <map>
#include <span>

#include "actors/durable/api.hpp"
#include "actors/escrow/logic/event_log.hpp"
#include "actors/wallet/words.hpp"

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

/// What an escrow began with, and the nodes through which its parties have asked.
struct Founding {
  Agreement agreement;
  Commitment buyer;
  EachParty<std::optional<base::NodeId>> owners{};
  std::vector<std::string> notes{};  ///< of the guards
  Amount bonds;                      ///< of all who could be drawn then, without the parties; 0: not known
  std::optional<Reveal> secret{};    ///< the book's, for the draws: once it has committed to it. It is shown to no one.
  friend bool operator==(const Founding&, const Founding&) = default;
};
Bytes encode(const Founding& founding);
std::optional<Founding> decode_founding(ByteView bytes);

/// A signed act, or a signed transfer: bytes, policy, and who has approved them.
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
  UnixMs window{0};   ///< Escrow::window(); 0 in a row of an earlier version, which does not say it
  bool draws = true;  ///< it may have an arbiter drawn
  /// When it can fire, in a book that takes commands since then; 0: there was no outage.
  UnixMs fires(UnixMs up_since) const {
    return up_since > UnixMs(0) ? std::max(deadline, up_since + window) : deadline;
  }
};
std::optional<Timer> decode_timer(ByteView key, ByteView value);

/// What is changed together, by key; nothing: erased.
using Changes = std::map<Bytes, std::optional<Bytes>>;
/// Of these entries; before the first one `before` is none. `commits`: of this change, from 1 on. `fresh`: what is to
/// be said of an arbiter from now on. `says`: something is to be said already.
Changes of_entries(const Replay* before, const Replay& after, std::span<const Entry> entries, std::uint64_t commits,
                   const std::map<Bytes, Address>& fresh, bool says);
/// Of an escrow that is proposed: all that it begins with.
struct Proposed {
  Founding founding;
  std::vector<Entry> entries;
  Replay replay;
  Changes rows;
};
Proposed of_proposal(const Agreement& agreement, const Commitment& buyer, const std::optional<base::NodeId>& owner,
                     const SignedBytes& act, UnixMs now, Amount bonds = {});

/// Since when the book takes commands without an outage, and when it was last known to.
struct Alive {
  UnixMs since{0}, at{0};
};
Bytes encode(const Alive& alive);
std::optional<Alive> decode_alive(ByteView bytes);

}  // namespace troupe::escrow::rows
