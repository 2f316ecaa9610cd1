#pragma once
// One escrow as a state machine: decide() returns the events of a command, apply() applies an event.
//
// States   proposed, created, funded, running, delivered, perhaps disputed, then released, refunded or expired. A held
//          escrow waits for an operator before any money moves. Until final, a state has a deadline (otherwise()).
// Money    arrives only when the ledger says so. Payments go out one at a time from the escrow's account (SendPayment).
//          A late deposit goes back whole. Money that no act has announced changes nothing.
// Gathered where each payment costs a fee, payments of an active escrow are collected (Paying).
// Deadline fires only if no transfer is unconfirmed, and the book has accepted commands for window() since its last
//          outage. Acts are accepted until it has fired.
// Acts     a party's acts have ascending numbers (LastAct). An acceptance names the accepted content by its hash.
// Time     Unix ms, given by the caller. The only randomness is the 32 bytes of each party and of the book.
// Arbiter  drawn among the arbiters from before the escrow, so that no party can add one for a dispute.
// Source   Bisq (disputes, bonds), Akka (decide and apply).
// Limits   kMilestonesMax milestones, kRoundsMax arbiters, one offer per party, one proposal.
#include <array>
#include <optional>
#include <variant>
#include <vector>

#include "actors/escrow/logic/arbiters.hpp"
#include "runtime/base/mutations.hpp"

namespace troupe::escrow {

enum class Stage : std::uint8_t {
  proposed,
  held,
  created,
  funded,
  running,
  delivered,
  disputed,
  released,
  refunded,
  expired
};
std::string_view name(Stage stage);
inline bool is_final(Stage stage) { return stage >= Stage::released; }

enum class Party : std::uint8_t { buyer, provider };
inline Party other(Party party) { return party == Party::buyer ? Party::provider : Party::buyer; }

enum class Role : std::uint8_t { buyer, provider, fund, arbiter, sender };
enum class Why : std::uint8_t { release, refund, bond, forfeit, fee, unasked };

struct Payout {
  Address to;
  Role role{};
  Amount amount;
  Why why{};
  friend bool operator==(const Payout&, const Payout&) = default;
};
using Payouts = std::vector<Payout>;
inline constexpr std::size_t kPayoutsMax = 16;  // of one event; an outcome has at most 8

// --- acts: signed by a party or an arbiter

struct Sign {
  Commitment commitment;
};
/// A transfer that pays this party's share: price and bond, or the bond.
struct Fund {
  wallet::TransferId transfer;
  Amount amount;
};
struct Start {};
struct Deliver {
  Cid cid;
};
/// Accepts everything that is left, for the delivery with this hash; or a milestone, counted from 1.
struct Accept {
  std::optional<base::Digest> delivery;
  std::size_t milestone = 0;
};
/// The total earned so far.
struct Progress {
  Amount earned;
};
struct Dispute {
  Reveal reveal;
};
struct Cancel {};
enum class Extended : std::uint8_t { start, deliver, review };
struct Extend {
  Extended which{};
  Due due;
};
/// The provider gets `pay` of the price, in all. A provider's first act in a dispute contains its random bytes.
struct Propose {
  Amount pay;
  std::optional<Reveal> reveal{};
};
/// Agrees to the other party's proposal, which has this hash.
struct Agree {
  base::Digest proposal;
  std::optional<Reveal> reveal{};
};
struct Rule {
  Amount pay;
};
using What = std::variant<Sign, Fund, Start, Deliver, Accept, Progress, Dispute, Cancel, Extend, Propose, Agree, Rule>;

struct Act {
  EscrowId escrow;
  Address by;
  std::uint64_t number = 0;
  What what;
};
/// Returns the signed bytes: nothing else counts as this act. At most kActBytesMax.
base::Bytes encode(const Act& act);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<Act> decode_act(base::ByteView bytes);
inline constexpr std::size_t kActBytesMax = 256;

// --- other commands

/// The guards' verdict on an act that begins an escrow or moves money into it.
enum class Verdict : std::uint8_t { pass, hold, refuse };

struct Acted {
  Act act;  ///< its signature was verified
  Verdict verdict = Verdict::pass;
  Reveal secret{};  ///< the book's secret for this escrow: the book commits to it when the provider signs (book_bytes)
};
/// An operator has checked a held escrow.
struct Looked {};
/// The clock may have passed the deadline.
struct Fire {
  UnixMs up_since{0};  ///< since when the book has accepted commands: the end of its last outage of over a minute
  std::vector<Arbiter> candidates{};
  Reveal secret{};  ///< as in Acted
  Amount bonds{};   ///< settled_bonds() at the proposal; 0: none, or unknown
};
/// A credit of the escrow's account was posted. The answer to its deposit and the ledger's notice both report it, in
/// any order.
struct Arrived {
  std::uint64_t sequence = 0;
  wallet::TransferId transfer;
  Address from;
  Amount amount;
};
/// The deposit was refused by the ledger, and was not replaced.
struct DepositRefused {
  wallet::TransferId transfer;
};
struct PaymentConfirmed {
  wallet::TransferId transfer;
};
struct PaymentRefused {  ///< only the exploration sends it: the actor repeats a payment until it is posted
  wallet::TransferId transfer;
};
using Command = std::variant<Acted, Looked, Fire, Arrived, DepositRefused, PaymentConfirmed, PaymentRefused>;

// --- events: facts; replayed forever

struct Entered {
  Stage stage{};
  UnixMs at{0};
  UnixMs deadline{0};
};
struct ActTaken {
  Party party{};
  std::uint64_t number = 0;
  base::Digest act;
};
struct Committed {
  Commitment provider;
};
struct DepositBegun {
  Party party{};
  wallet::TransferId transfer;
};
struct DepositEnded {
  Party party{};
};
/// `counted`: as the share of this party; nullopt: the money goes back.
struct MoneyArrived {
  std::uint64_t sequence = 0;
  Amount amount;
  std::optional<Party> counted{};
};
struct DeliveryMade {
  Cid cid;
  std::uint32_t number = 0;
};
struct MilestonePassed {
  std::size_t milestone = 0;
};
struct RevealTaken {
  Party party{};
  Reveal reveal;
};
struct Offered {
  Party party{};
  std::optional<Extend> extend{};  ///< nullopt: to cancel
};
struct DeadlineMoved {
  Extend extend;
  UnixMs deadline{0};  ///< of the current state
};
struct ProposalMade {
  Party party{};
  Amount pay;
};
struct ArbiterDrawn {
  Address arbiter;
  Amount bond;
  UnixMs at{0};
  UnixMs deadline{0};
};
/// Money became payable; `released` is the new total.
struct Owed {
  Payouts payouts;
  Amount released;
};
/// The payable sums, as far as they fit, are in this transfer from now on.
struct PaymentBound {
  wallet::Transfer transfer;
};
struct PaymentEnded {
  wallet::TransferId transfer;
};
/// The commitment to the book's bytes for the next draw.
struct BookCommitted {
  Commitment book;
};
/// The book's bytes: the commitment is their hash, and they are the commitment to the bytes of the next draw.
struct BookRevealed {
  Reveal reveal;
};
using Event = std::variant<Entered, ActTaken, Committed, DepositBegun, DepositEnded, MoneyArrived, DeliveryMade,
                           MilestonePassed, RevealTaken, Offered, DeadlineMoved, ProposalMade, ArbiterDrawn, Owed,
                           PaymentBound, PaymentEnded, BookCommitted, BookRevealed>;

// --- effects: the caller's work once the events are durable

/// Send this transfer from the escrow's account; after a crash send it again (unfinished()). A refused transfer is sent
/// again unchanged, because a copy of it could still be posted after a replacement.
struct SendPayment {
  wallet::Transfer transfer;
};
/// Send the deposit that came with the act.
struct SendDeposit {
  wallet::TransferId transfer;
};
/// The arbiter was silent: half of its bond goes to each party, once per escrow and round.
struct ForfeitArbiter {
  Address arbiter;
  std::size_t round = 0;
};
using Effect = std::variant<SendPayment, SendDeposit, ForfeitArbiter>;

enum class EscrowError : std::uint8_t {
  state,        ///< the escrow is in another state
  party,        ///< not by this party, or not of this escrow
  replayed,     ///< an older act of this party
  amount,       ///< below the released sum, above the price, or not the due share
  changed,      ///< the accepted content has changed
  commitment,   ///< the bytes do not match the commitment, or are missing
  milestone,    ///< no such milestone, or the agreement has milestones and none is named
  late,         ///< less than a tenth of the next period would be left
  guard,        ///< a guard refuses it
  early,        ///< the deadline has not passed, or the outage ended too recently
  unconfirmed,  ///< the result of a transfer is unknown
  times,        ///< the deadline is past or too far away
};
std::string_view name(EscrowError error);

struct Offer {
  std::optional<Extend> extend;
};
struct Proposal {
  Party by{};
  Amount pay;
};
struct Delivery {
  Cid cid;
  std::uint32_t number = 0;  ///< counts the deliveries
  base::Digest hash(const EscrowId& id) const;
};
base::Digest hash_of(const EscrowId& id, const Proposal& proposal);

/// The latest act of a party. Repeating it changes nothing; an older act is refused, so that a signature cannot be used
/// twice.
struct LastAct {
  std::uint64_t number = 0;
  base::Digest act;
};

template <class T>
using EachParty = std::array<T, 2>;
template <class T>
T& of(EachParty<T>& each, Party party) {
  return each[static_cast<std::size_t>(party)];
}
template <class T>
const T& of(const EachParty<T>& each, Party party) {
  return each[static_cast<std::size_t>(party)];
}

struct Escrow {
  explicit Escrow(Agreement made, const Commitment& buyer);

  Agreement agreement;
  EscrowId id;
  Terms terms;  ///< as extended
  Stage stage = Stage::proposed;
  UnixMs begun{0}, entered{0}, deadline{0};
  EachParty<Commitment> commitments{};
  EachParty<std::optional<Reveal>> reveals{};
  std::optional<Commitment> book{};  ///< commitment to the book's bytes for the next draw; nullopt: earlier version
  EachParty<LastAct> acts{};
  EachParty<std::optional<wallet::TransferId>> depositing{};
  EachParty<Amount> deposited{};
  EachParty<std::optional<Offer>> offers{};
  std::optional<Delivery> delivery{};
  std::uint32_t deliveries = 0;
  std::uint32_t milestones = 0;  ///< a bit for each accepted milestone
  std::optional<Proposal> proposal{};
  std::vector<Address> drawn{};  ///< arbiters, the latest last
  Amount drawn_bonds;            ///< the sum of their bonds
  std::uint64_t arrived = 0;     ///< the sequence of the latest credit
  std::uint64_t returns = 0;     ///< number of uncounted credits; used only by snapshots
  Amount held;                   ///< has arrived and is not payable
  Amount released;               ///< of the price, before the fund's part
  Payouts owed{};                ///< in no transfer yet
  Payouts paying{};              ///< in the bound transfer
  Payouts paid{};                ///< summed by address, role and reason; without late deposits
  wallet::Outgoing outgoing;

  const Address& address(Party party) const { return party == Party::buyer ? agreement.buyer : agreement.provider; }
  /// Returns the party's deposit.
  Amount share(Party party) const { return party == Party::buyer ? agreement.price + agreement.bond : agreement.bond; }
  /// Returns whether no transfer is unconfirmed and no payment is left, including gathered payments.
  bool confirmed() const;
  /// Returns the same, ignoring gathered payments.
  bool settled() const;
  /// Returns how long the book must be back after an outage before the deadline fires: the grace, but at most the
  /// length of the state.
  UnixMs window() const;
};

struct Decision {
  std::vector<Event> events{};
  std::vector<Effect> effects{};
};

/// Returns the first events of an escrow: the buyer has signed, and its agreement has passed check().
Decision open(const Escrow& escrow, UnixMs now);

/// When payments of an active escrow go out. Gathered payments are in no transfer, delay no deadline, and go out at the
/// end at the latest.
enum class Paying : std::uint8_t {
  at_once,
  gathered,  ///< each payment costs the book's node a fee: wait for this part of the price and this sum
};
inline constexpr std::uint64_t kGatheredPart = 8;       // our choice: at most so many payments before the last payment
inline constexpr std::uint64_t kGatheredMin = 100'000;  // units; our choice: 64 fees at one unit per gas

/// Decides a command. Errors change nothing. A decision without events repeats a payment, or the command has already
/// had its effect.
base::Result<Decision, EscrowError> decide(const Escrow& escrow, const Command& command, UnixMs now,
                                           const base::Mutations& mutations = base::kNoMutations,
                                           Paying paying = Paying::at_once);
void apply(Escrow& escrow, const Event& event);

/// Returns the effects that a restart repeats.
std::vector<Effect> unfinished(const Escrow& escrow);

/// The result of the deadline if neither party acts: the next state, and the payouts of that step.
struct Outcome {
  Stage stage{};
  Payouts payouts{};
  Amount released;
  bool next_arbiter = false;  ///< instead, another arbiter is drawn if available
};
Outcome otherwise(const Escrow& escrow, const base::Mutations& mutations = base::kNoMutations);

/// "deadline 2027-01-31T12:00:00Z: without an act until then 95 to tro1…, 5 to the fund".
std::string sentence(const Escrow& escrow);

}  // namespace troupe::escrow
