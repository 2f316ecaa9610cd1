#pragma once
// An airdrop: what becomes of it, from the deposit of its pool to the last payment.
//
// States  depositing -> filling -> published -> paying -> paid; or returning -> returned, when the list is not whole in
//         time, or all of it is struck.
// List    its pages come in their order, each proved by its hash; with the last one the airdrop is published.
// Object  until kept `ends` any account may object to a recipient; the owner strikes or keeps. What he does not decide
//         is kept. Who is struck leaves his share to the others.
// Paying  in batches of 64 credits, one after another by number; a batch follows from the state alone. So a crash sends
//         the same transfers again, and the ledger posts each number once: nothing is paid twice.
// Owner   one actor; errors have changed nothing.
// Limits  kObjectionsOfOne of a recipient, kObjectionsMax in all, kObjectionsOfAccount of an account.
#include <map>

#include "actors/airdrop/logic/terms.hpp"

namespace troupe::airdrop {

inline constexpr std::size_t kReasonBytesMax = 256;
inline constexpr std::size_t kObjectionsOfOne = 8;       // our choice
inline constexpr std::size_t kObjectionsOfAccount = 64;  // our choice
inline constexpr std::size_t kObjectionsMax = 4'096;     // our choice: they are in memory until the airdrop has ended
inline constexpr UnixMs kFillWithin = std::chrono::hours(1);  // our choice: from the deposit to the last page

enum class State : std::uint8_t { depositing, filling, published, paying, paid, returning, returned };
/// "created" of the first two.
std::string_view name(State state);
/// Nothing more happens.
inline bool final(State state) { return state == State::paid || state == State::returned; }

/// How far the payment is: all before `index` was paid, struck, or too small for a unit.
struct Cursor {
  std::uint32_t index = 0;
  std::uint64_t begin = 0;  ///< the weights before it that are not struck
  wallet::TransferNumber number{};
  Amount paid;
  friend bool operator==(const Cursor&, const Cursor&) = default;
};

enum class AirdropError : std::uint8_t {
  state,    ///< not in this state
  page,     ///< not the next page, or not the one that was promised
  early,    ///< objections are still heard
  late,     ///< objections are heard no more
  said,     ///< this account has objected with another reason
  full,     ///< as many objections as may be
  nothing,  ///< nothing was objected
  decided,  ///< the owner has decided otherwise
};
std::string_view name(AirdropError error);

/// The state of an airdrop but for its terms, its list, and what was objected.
struct Airdrop {
  State state = State::depositing;
  Address owner;
  Amount pool;
  std::uint32_t recipients = 0;
  UnixMs created{0};
  UnixMs ends{0};  ///< filling: of the time for it; published: of objections
  UnixMs ended{0};
  std::uint32_t pages = 0;    ///< that have come
  Address last;               ///< of the list so far
  std::uint64_t weights = 0;  ///< of the list so far
  std::uint32_t struck = 0;
  std::uint64_t struck_weights = 0;
  Cursor cursor;
  std::string why;  ///< it was returned

  /// The pool is there.
  base::Result<void, AirdropError> funded(UnixMs now);
  /// One more page; the same one again changes nothing.
  base::Result<void, AirdropError> add(const Terms& terms, std::uint32_t number, base::ByteView bytes,
                                       UnixMs objections, UnixMs now);
  /// It did not come in time. Before that nothing changes.
  void expire(UnixMs now);
  /// The time of objections is over; `now` is what the group has agreed on.
  base::Result<void, AirdropError> begin_paying(const Terms& terms, UnixMs now);
  void reached(const Cursor& to) { cursor = to; }
  /// All was paid, or all was given back.
  void end(UnixMs now);

  std::uint64_t to_pay(const Terms& terms) const { return terms.weights - struck_weights; }
  base::Bytes encode() const;
  /// Nothing unless the bytes are what encode() gives.
  static std::optional<Airdrop> decode(base::ByteView bytes);
  friend bool operator==(const Airdrop&, const Airdrop&) = default;
};

/// An account says why a recipient should get nothing.
struct Objection {
  Address by;
  wallet::Approval approval;
  UnixMs time{0};
  std::string reason;
  friend bool operator==(const Objection&, const Objection&) = default;
};
/// What the owner says to it.
struct Verdict {
  bool strike = false;
  wallet::Approval approval;
  UnixMs time{0};
  friend bool operator==(const Verdict&, const Verdict&) = default;
};
/// A recipient to which something was objected.
struct Objected {
  Recipient recipient;
  std::vector<Objection> objections;
  std::optional<Verdict> verdict{};

  bool struck() const { return verdict && verdict->strike; }
  friend bool operator==(const Objected&, const Objected&) = default;
};
/// By index in the list.
using AllObjected = std::map<std::uint32_t, Objected>;

base::Bytes encode(const Objected& objected);
/// Nothing unless the bytes are what encode() gives.
std::optional<Objected> decode_objected(base::ByteView bytes);

/// Adds it to what was objected to this recipient. `all` are those of the airdrop, as they were before; `ends`: until
/// when they are heard, which may be later than the airdrop knows. The owner's own are not limited: he could not strike
/// otherwise.
base::Result<void, AirdropError> object(const Airdrop& airdrop, const AllObjected& all, Objected& objected,
                                        Objection objection, UnixMs ends);
/// The owner decides; `airdrop` counts it.
base::Result<void, AirdropError> decide(Airdrop& airdrop, Objected& objected, Verdict verdict, UnixMs ends);

/// What is signed.
base::Bytes object_bytes(const AirdropId& id, const Address& recipient, std::string_view reason);
base::Bytes decide_bytes(const AirdropId& id, const Address& recipient, bool strike);
/// 1 to kReasonBytesMax bytes of plain text.
bool is_reason(std::string_view text);

/// A payment: what it credits, and how far it brings the airdrop.
struct Batch {
  wallet::Transfer transfer;
  Cursor after;
};
/// The next one behind `at`, of the page in which `at` lies. Without credits: nothing to send, only the way beyond it.
Batch next_batch(const AirdropId& id, const Terms& terms, const Airdrop& airdrop, const AllObjected& objected,
                 const Cursor& at, const Page& page);
/// All back to the owner.
wallet::Transfer give_back(const AirdropId& id, const Terms& terms);

}  // namespace troupe::airdrop
