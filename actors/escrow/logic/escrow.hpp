#pragma once
// One escrow as a state machine: decide() says what a command makes happen, apply() lets it have happened.
//
// States   proposed, created, funded, running, delivered, perhaps disputed, then released, refunded or expired. Held is
//          one before any money has moved. Each that is not final has a deadline, and what happens then (otherwise()).
// Money    arrives by the ledger's word alone. What is owed goes out in transfers of the escrow's own account, one at a
//          time; the end of one is known before the next is bound. One that is refused is sent again as it is: another
//          transfer in its place could find that a copy of the first was posted after all. A deposit that comes too
//          late goes back whole. Money that no act has announced changes nothing.
// Gathered where each payment costs a fee (Paying), what is due of an escrow that goes on waits for more. What waits so
//          is no transfer, and holds no deadline up; it goes out at the end, if not before.
// Deadline fires only when no transfer of the escrow is unconfirmed, and when the book has taken commands for the
//          grace (at most the length of the state) since its last outage. Acts are taken until it has fired.
// Acts     of a party have rising numbers. The latest act again is no error and changes nothing; an older one is
//          refused, so that a signature cannot be used twice. What another party accepts is named by its hash.
// Time     Unix ms, given by the caller. Chance comes in as the 32 bytes of the parties and of the book alone.
// Arbiter  is drawn of those who were there before the escrow: none is brought along once there is something to rule.
// Source   Bisq (disputes, bonds), Akka (decide and apply).
// Limits   kMilestonesMax milestones, kRoundsMax arbiters, one offer a party, one proposal.
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
inline constexpr std::size_t kPayoutsMax = 16;  // of one event; no outcome has more than 8

// --- acts: what a party or an arbiter signs

struct Sign {
  Commitment commitment;
};
/// The transfer that pays this party's share: price and bond, or the bond.
struct Fund {
  wallet::TransferId transfer;
  Amount amount;
};
struct Start {};
struct Deliver {
  Cid cid;
};
/// All that is left, for the delivery with this hash; or a milestone, counted from 1.
struct Accept {
  std::optional<base::Digest> delivery;
  std::size_t milestone = 0;
};
/// What has been earned so far, in all.
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
/// `pay` of the price, in all. In a dispute a provider's first act has its bytes.
struct Propose {
  Amount pay;
  std::optional<Reveal> reveal{};
};
/// To the other party's proposal, which has this hash.
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
/// The bytes that are signed: nothing else counts as this act. At most kActBytesMax.
base::Bytes encode(const Act& act);
/// Nothing unless the bytes are what encode() gives.
std::optional<Act> decode_act(base::ByteView bytes);
inline constexpr std::size_t kActBytesMax = 256;

// --- other commands

/// What the guards say of an act that begins an escrow or moves money into it.
enum class Verdict : std::uint8_t { pass, hold, refuse };

struct Acted {
  Act act;  ///< whose signature was verified
  Verdict verdict = Verdict::pass;
  Reveal secret{};  ///< of the book for this escrow: it commits to it when the provider signs (book_bytes)
};
/// A guard has looked at an escrow that is held.
struct Looked {};
/// The clock may have passed the deadline.
struct Fire {
  UnixMs up_since{0};  ///< since when the book has taken commands, after its last outage of over a minute
  std::vector<Arbiter> candidates{};
  Reveal secret{};  ///< as in Acted
  Amount bonds{};   ///< settled_bonds() when the escrow was proposed; 0: none, or not written down
};
/// A credit of the escrow's account was posted, as the answer to its deposit or the notice of the ledger says: both
/// may come, in any order.
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
struct PaymentRefused {  ///< only the exploration tells it: the actor sends a payment until it is posted
  wallet::TransferId transfer;
};
using Command = std::variant<Acted, Looked, Fire, Arrived, DepositRefused, PaymentConfirmed, PaymentRefused>;

// --- events: what has happened; replayed for ever

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
/// `counted`: as the share of a party; otherwise it goes back.
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
  std::optional<Extend> extend{};  ///< nothing: to cancel
};
struct DeadlineMoved {
  Extend extend;
  UnixMs deadline{0};  ///< of the state at hand
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
/// Money is owed; `released` is the new total.
struct Owed {
  Payouts payouts;
  Amount released;
};
/// What is owed, as far as it fits, is in this transfer from now on.
struct PaymentBound {
  wallet::Transfer transfer;
};
struct PaymentEnded {
  wallet::TransferId transfer;
};
/// To what the book adds to the next draw.
struct BookCommitted {
  Commitment book;
};
/// What it was: the commitment is its hash, and it is the commitment to that of the draw after it.
struct BookRevealed {
  Reveal reveal;
};
using Event = std::variant<Entered, ActTaken, Committed, DepositBegun, DepositEnded, MoneyArrived, DeliveryMade,
                           MilestonePassed, RevealTaken, Offered, DeadlineMoved, ProposalMade, ArbiterDrawn, Owed,
                           PaymentBound, PaymentEnded, BookCommitted, BookRevealed>;

// --- effects: what the caller does once the events are durable

/// Send this transfer of the escrow's account; the same again after a crash (unfinished()).
struct SendPayment {
  wallet::Transfer transfer;
};
/// Send the deposit that came with the act.
struct SendDeposit {
  wallet::TransferId transfer;
};
/// The arbiter was silent: its bond goes to the parties, half each, once for each escrow and round.
struct ForfeitArbiter {
  Address arbiter;
  std::size_t round = 0;
};
using Effect = std::variant<SendPayment, SendDeposit, ForfeitArbiter>;

enum class EscrowError : std::uint8_t {
  state,        ///< not in this state
  party,        ///< not by this party, or not of this escrow
  replayed,     ///< an older act of this party
  amount,       ///< less than is released already, more than the price, or not the share that is due
  changed,      ///< what is accepted is not what is there now
  commitment,   ///< the bytes are not those that were committed to, or are missing
  milestone,    ///< no such milestone, or the agreement has milestones and this is none
  late,         ///< less than a tenth of the next time would be left
  guard,        ///< a guard refuses it
  early,        ///< the deadline has not passed, or not for long enough since an outage
  unconfirmed,  ///< the end of a transfer is not known
  times,        ///< a deadline that is past or too far away
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
  std::uint32_t number = 0;  ///< of several, this one
  base::Digest hash(const EscrowId& id) const;
};
base::Digest hash_of(const EscrowId& id, const Proposal& proposal);

/// The latest act of a party.
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
  std::optional<Commitment> book{};  ///< to what the book adds to the next draw; nothing: of an earlier version
  EachParty<LastAct> acts{};
  EachParty<std::optional<wallet::TransferId>> depositing{};
  EachParty<Amount> deposited{};
  EachParty<std::optional<Offer>> offers{};
  std::optional<Delivery> delivery{};
  std::uint32_t deliveries = 0;
  std::uint32_t milestones = 0;  ///< a bit for each that was accepted
  std::optional<Proposal> proposal{};
  std::vector<Address> drawn{};  ///< arbiters, the latest last
  Amount drawn_bonds;            ///< theirs, together
  std::uint64_t arrived = 0;     ///< the sequence of the latest credit
  std::uint64_t returns = 0;     ///< how often money came that was not counted; only snapshots have a use for it
  Amount held;                   ///< arrived and not owed
  Amount released;               ///< gross, of the price
  Payouts owed{};                ///< in no transfer yet
  Payouts paying{};              ///< in the transfer that is bound
  Payouts paid{};                ///< summed by address, role and reason; without deposits that came too late
  wallet::Outgoing outgoing;

  const Address& address(Party party) const { return party == Party::buyer ? agreement.buyer : agreement.provider; }
  /// What the party pays in.
  Amount share(Party party) const { return party == Party::buyer ? agreement.price + agreement.bond : agreement.bond; }
  /// No transfer is unconfirmed and nothing is owed, gathered or not.
  bool confirmed() const;
  /// The same except for what is gathered.
  bool settled() const;
  /// For how long the book has to be back after an outage before the deadline fires.
  UnixMs window() const;
};

struct Decision {
  std::vector<Event> events{};
  std::vector<Effect> effects{};
};

/// The events with which an escrow begins: the buyer has signed, its agreement passed check().
Decision open(const Escrow& escrow, UnixMs now);

/// When what is due of an escrow that goes on is paid.
enum class Paying : std::uint8_t {
  at_once,
  gathered,  ///< each payment costs the book's node a fee: once it is this much of the price, and of money
};
inline constexpr std::uint64_t kGatheredPart = 8;       // our choice: at most as many payments before the last one
inline constexpr std::uint64_t kGatheredMin = 100'000;  // units; our choice: 64 fees, where a unit of gas costs one

/// Errors change nothing. No event: the command has its effect already, or a payment that was refused is sent again.
base::Result<Decision, EscrowError> decide(const Escrow& escrow, const Command& command, UnixMs now,
                                           const base::Mutations& mutations = base::kNoMutations,
                                           Paying paying = Paying::at_once);
void apply(Escrow& escrow, const Event& event);

/// What a restart sends again.
std::vector<Effect> unfinished(const Escrow& escrow);

/// What happens at the deadline if neither party acts: the state then, and the payouts of that step.
struct Outcome {
  Stage stage{};
  Payouts payouts{};
  Amount released;
  bool next_arbiter = false;  ///< another arbiter is drawn if there is one, instead
};
Outcome otherwise(const Escrow& escrow, const base::Mutations& mutations = base::kNoMutations);

/// "deadline 2027-01-31T12:00:00Z: without an act until then 95 to tro1…, 5 to the fund".
std::string sentence(const Escrow& escrow);

}  // namespace troupe::escrow
