#pragma once
// The registry of arbiters: candidates of draws, their bonds, and their record.
//
// Join     a bond is paid to the account of all arbiters; once it is posted, the arbiter can be drawn.
// Leave    the bond is paid back, unless the arbiter is drawn in an open dispute.
// Open     open disputes are counted per arbiter, not listed, because anyone can open many. Reports about a round come
//          in order and count once: the caller skips repetitions.
// Money    goes out in transfers from that account, one at a time, with the same bytes until posted.
// Room     if the registry is full, a larger bond replaces the smallest bond, which is paid back.
// Limits   kArbitersMax candidates and joining arbiters. kRecordsMax records of former arbiters; older records are
//          forgotten. No arbiter joins while kOwedMax or more credits are payable.
// Row      version 3; rows of version 2, without the time of joining, and of version 1, with a list of open disputes,
//          are read forever.
#include <map>

#include "actors/escrow/logic/escrow.hpp"

namespace troupe::escrow {

inline constexpr std::size_t kRecordsMax = 1'000;  // our choice
inline constexpr std::size_t kJoiningMax = 64;     // our choice: their deposits are in the row
inline constexpr std::size_t kOwedMax = 2'048;     // our choice: each current arbiter adds at most two credits
inline constexpr std::string_view kLeaveMark = "troupe arbiter leave v1";

/// Returns the account of the bonds: of kind "arbiters" and the id of the book.
Address arbiters_account(const wallet::BookId& book);
/// Returns the bytes that an arbiter signs to leave; no other bytes count.
base::Bytes leave_bytes(const wallet::TransferId& joined);

enum class ArbiterHow : std::uint8_t { drawn, ruled, silent, over };

struct ArbiterRecord {
  Amount bond;  ///< 0: it has left
  wallet::TransferId joined;
  std::uint32_t drawn = 0, ruled = 0, silent = 0;
  std::uint32_t open = 0;  ///< disputes in which it is the current arbiter
  UnixMs since{0};         ///< when it joined; 0: unknown
  friend bool operator==(const ArbiterRecord&, const ArbiterRecord&) = default;
};

enum class RegistryError : std::uint8_t {
  member,   ///< it is an arbiter already, or is joining
  unknown,  ///< it is not an arbiter
  busy,     ///< it is drawn in an open dispute
  full,     ///< the registry is full, and has no smaller bond
  owing,    ///< too many payments wait
};

class Registry {
 public:
  explicit Registry(const wallet::BookId& book) : outgoing_(book, arbiters_account(book)) {}

  /// Returns whether the arbiter may begin to join with that bond.
  base::Result<void, RegistryError> may_join(const Address& arbiter, Amount bond) const;
  void joining(const Address& arbiter, base::Bytes deposit) { joining_[arbiter] = std::move(deposit); }
  void not_joined(const Address& arbiter) { joining_.erase(arbiter); }
  void joined(const Address& arbiter, Amount bond, const wallet::TransferId& transfer, UnixMs now);
  base::Result<void, RegistryError> may_leave(const Address& arbiter) const;
  base::Result<void, RegistryError> leave(const Address& arbiter);
  /// Records an escrow's report about the arbiter of its latest round.
  void note(const Address& arbiter, ArbiterHow how, const Address& buyer, const Address& provider);

  /// Binds payments, if nothing is bound. posted() ends the transfer.
  void bind();
  void posted(const wallet::TransferId& id) { outgoing_.confirmed(id); }

  std::vector<Arbiter> candidates() const;
  const std::map<Address, ArbiterRecord>& records() const { return records_; }
  /// Deposits in progress, as given.
  const std::map<Address, base::Bytes>& deposits() const { return joining_; }
  const std::optional<wallet::Transfer>& bound() const { return outgoing_.bound(); }
  std::size_t owed() const { return owed_.size() + (bound() ? 1 : 0); }

  base::Bytes encode() const;
  /// Returns nullopt unless the bytes are the canonical encoding of this or an earlier version.
  static std::optional<Registry> decode(const wallet::BookId& book, base::ByteView bytes);
  friend bool operator==(const Registry&, const Registry&) = default;

 private:
  /// Returns the arbiter with the smallest bond that is in no open dispute, or nullopt.
  std::optional<Arbiter> smallest() const;
  /// Gives the bond to the parties that have waited for the arbiter.
  void forfeit(ArbiterRecord& record, const Address& buyer, const Address& provider);
  /// Forgets a former arbiter if there are too many: first those without an open dispute.
  void forget();

  std::map<Address, ArbiterRecord> records_;
  std::map<Address, base::Bytes> joining_;
  std::vector<wallet::Credit> owed_;
  wallet::Outgoing outgoing_;
};

}  // namespace troupe::escrow
