#pragma once
// The state of an airdrop, from the deposit of its pool to the last payment.
//
// States  depositing -> filling -> published -> paying -> paid; or returning -> returned, if the list is not complete
//         in time, or everyone on it is struck.
// List    pages come in order, each proved by its hash; the last page publishes the airdrop.
// Object  until `ends` any account may object to a recipient, and the owner strikes or keeps that recipient. An
//         undecided recipient is kept. The share of a struck recipient goes to the other recipients.
// Paying  in batches of 64 credits, in the order of their numbers; a batch follows only from the state. So after a
//         crash the same transfers are sent again. The ledger posts each number once, so nothing is paid twice.
// Owner   one actor; errors change nothing.
// Limits  kObjectionsOfOne per recipient, kObjectionsMax in all, kObjectionsOfAccount per account.
#include <map>

#include "actors/airdrop/logic/terms.hpp"

namespace troupe::airdrop {

inline constexpr std::size_t kReasonBytesMax = 256;
inline constexpr std::size_t kObjectionsOfOne = 8;            // our choice
inline constexpr std::size_t kObjectionsOfAccount = 64;       // our choice
inline constexpr std::size_t kObjectionsMax = 4'096;          // our choice: in memory until the airdrop has ended
inline constexpr UnixMs kFillWithin = std::chrono::hours(1);  // our choice: from the deposit to the last page

enum class State : std::uint8_t { depositing, filling, published, paying, paid, returning, returned };
/// Returns "created" for the first two states.
std::string_view name(State state);
/// Returns whether the state is final.
inline bool final(State state) { return state == State::paid || state == State::returned; }

/// The progress of the payment: all recipients before `index` were paid or struck, or get less than a unit.
struct Cursor {
  std::uint32_t index = 0;
  std::uint64_t begin = 0;  ///< the sum of the earlier recipients' weights, without struck recipients
  wallet::TransferNumber number{};
  Amount paid;
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

enum class AirdropError : std::uint8_t {
  state,    ///< the airdrop is in another state
  page,     ///< not the next page, or its hash differs
  early,    ///< objections are still open
  late,     ///< objections are closed
  said,     ///< this account has objected with another reason
  full,     ///< a limit of objections is reached
  nothing,  ///< nobody has objected
  decided,  ///< the owner has decided the opposite
};
std::string_view name(AirdropError error);

/// The state of an airdrop, without its terms, its list, and objections.
struct Airdrop {
  State state = State::depositing;
  Address owner;
  Amount pool;
  std::uint32_t recipients = 0;
  UnixMs created{0};
  UnixMs ends{0};  ///< filling: the deadline of the list; published: the end of objections
  UnixMs ended{0};
  std::uint32_t pages = 0;    ///< received so far
  Address last;               ///< the last address of the list so far
  std::uint64_t weights = 0;  ///< the sum of the list so far
  std::uint32_t struck = 0;
  std::uint64_t struck_weights = 0;
  Cursor cursor;
  std::string why;  ///< why the pool was returned

  /// Records that the pool was paid in.
  base::Result<void, AirdropError> funded(UnixMs now);
  /// Adds a page. Repeating a page changes nothing.
  base::Result<void, AirdropError> add(const Terms& terms, std::uint32_t number, base::ByteView bytes,
                                       UnixMs objections, UnixMs now);
  /// Begins to return the pool if the list was not complete in time. Otherwise changes nothing.
  void expire(UnixMs now);
  /// Ends the time of objections; `now` is the agreed time.
  base::Result<void, AirdropError> begin_paying(const Terms& terms, UnixMs now);
  void reached(const Cursor& to) { cursor = to; }
  /// Ends the airdrop: the whole pool was paid or given back.
  void end(UnixMs now);

  std::uint64_t to_pay(const Terms& terms) const { return terms.weights - struck_weights; }
  base::Bytes encode() const;
  /// Returns nullopt unless the bytes are the canonical encoding.
  static std::optional<Airdrop> decode(base::ByteView bytes);
  friend bool operator==(const Airdrop&, const Airdrop&) = default;
};

/// An account's objection to a recipient.
struct Objection {
  Address by;
  wallet::Approval approval;
  UnixMs time{0};
  std::string reason;
  friend bool operator==(const Objection&, const Objection&) = default;
};
/// The owner's decision.
struct Verdict {
  bool strike = false;
  wallet::Approval approval;
  UnixMs time{0};
  friend bool operator==(const Verdict&, const Verdict&) = default;
};
/// A recipient with objections.
struct Objected {
  Recipient recipient;
  std::vector<Objection> objections;
  std::optional<Verdict> verdict{};

  bool struck() const { return verdict && verdict->strike; }
  friend bool operator==(const Objected&, const Objected&) = default;
};
/// The recipients with objections, by index in the list.
using AllObjected = std::map<std::uint32_t, Objected>;

base::Bytes encode(const Objected& objected);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<Objected> decode_objected(base::ByteView bytes);

/// Adds an objection to a recipient. `all` are the airdrop's earlier objections. `ends` is the end of the time for
/// objections, which may be later than in `airdrop`. The owner's own objections have a separate limit, because the
/// owner can only strike a recipient after an objection.
base::Result<void, AirdropError> object(const Airdrop& airdrop, const AllObjected& all, Objected& objected,
                                        Objection objection, UnixMs ends);
/// Records the owner's decision; `airdrop` counts it.
base::Result<void, AirdropError> decide(Airdrop& airdrop, Objected& objected, Verdict verdict, UnixMs ends);

/// The signed bytes.
base::Bytes object_bytes(const AirdropId& id, const Address& recipient, std::string_view reason);
base::Bytes decide_bytes(const AirdropId& id, const Address& recipient, bool strike);
/// Returns whether it is 1 to kReasonBytesMax bytes of plain text.
bool is_reason(std::string_view text);

/// A payment: its transfer, and the progress after it.
struct Batch {
  wallet::Transfer transfer;
  Cursor after;
};
/// Returns the next batch from `at`, from the page that contains `at`. A batch without credits has nothing to send, but
/// records progress.
Batch next_batch(const AirdropId& id, const Terms& terms, const Airdrop& airdrop, const AllObjected& objected,
                 const Cursor& at, const Page& page);
/// Returns a transfer of the whole pool to the owner.
wallet::Transfer give_back(const AirdropId& id, const Terms& terms);

}  // namespace troupe::airdrop
