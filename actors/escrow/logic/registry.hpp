#pragma once
// The arbiters who can be drawn, their bonds, and their record.
//
// Join     a bond is paid to the account of all arbiters; once that is posted the arbiter can be drawn.
// Leave    the bond is paid back, unless the arbiter is drawn in a dispute that is open.
// Open     each arbiter's disputes that are open are counted, not listed: strangers open as many as they like. What is
//          said of a round comes in its order and counts once: the caller passes over repetitions.
// Money    what is owed goes out in transfers of that account, one at a time, the same bytes until it is posted.
// Room     where as many can be drawn as may be, a larger bond takes the place of the smallest: that one is paid back.
// Limits   kArbitersMax that can be drawn or join; kRecordsMax records of those who left: the rest is forgotten.
//          None joins while kOwedMax credits or more are owed.
// Row      version 3; those of 2, which do not say since when one is there, and of 1, which list the open disputes, are
//          read for ever.
#include <map>

#include "actors/escrow/logic/escrow.hpp"

namespace troupe::escrow {

inline constexpr std::size_t kRecordsMax = 1'000;  // our choice
inline constexpr std::size_t kJoiningMax = 64;     // our choice: their deposits are in the row
inline constexpr std::size_t kOwedMax = 2'048;     // our choice: of those who are in, it grows by two credits each
inline constexpr std::string_view kLeaveMark = "troupe arbiter leave v1";

/// The account of the bonds: of kind "arbiters" and the id of the book.
Address arbiters_account(const wallet::BookId& book);
/// What an arbiter signs to leave: nothing else counts as this.
base::Bytes leave_bytes(const wallet::TransferId& joined);

enum class ArbiterHow : std::uint8_t { drawn, ruled, silent, over };

struct ArbiterRecord {
  Amount bond;  ///< 0: it is none any more
  wallet::TransferId joined;
  std::uint32_t drawn = 0, ruled = 0, silent = 0;
  std::uint32_t open = 0;  ///< disputes in which it is the one at hand
  UnixMs since{0};         ///< it joined; 0: that was not written down then
  friend bool operator==(const ArbiterRecord&, const ArbiterRecord&) = default;
};

enum class RegistryError : std::uint8_t {
  member,   ///< it is one already, or is about to be
  unknown,  ///< it is none
  busy,     ///< it is drawn in an open dispute
  full,     ///< as many as may be, and none of them has a smaller bond
  owing,    ///< too much is owed that is not paid yet
};

class Registry {
 public:
  explicit Registry(const wallet::BookId& book) : outgoing_(book, arbiters_account(book)) {}

  /// Whether it may begin to join with that bond.
  base::Result<void, RegistryError> may_join(const Address& arbiter, Amount bond) const;
  void joining(const Address& arbiter, base::Bytes deposit) { joining_[arbiter] = std::move(deposit); }
  void not_joined(const Address& arbiter) { joining_.erase(arbiter); }
  void joined(const Address& arbiter, Amount bond, const wallet::TransferId& transfer, UnixMs now);
  base::Result<void, RegistryError> may_leave(const Address& arbiter) const;
  base::Result<void, RegistryError> leave(const Address& arbiter);
  /// What an escrow says of the arbiter of its latest round.
  void note(const Address& arbiter, ArbiterHow how, const Address& buyer, const Address& provider);

  /// Binds what is owed, if nothing is bound; and what ends it.
  void bind();
  void posted(const wallet::TransferId& id) { outgoing_.confirmed(id); }

  std::vector<Arbiter> candidates() const;
  const std::map<Address, ArbiterRecord>& records() const { return records_; }
  /// Deposits that are under way, as they were given.
  const std::map<Address, base::Bytes>& deposits() const { return joining_; }
  const std::optional<wallet::Transfer>& bound() const { return outgoing_.bound(); }
  std::size_t owed() const { return owed_.size() + (bound() ? 1 : 0); }

  base::Bytes encode() const;
  /// Nothing unless the bytes are what encode() gives, or gave in an earlier version.
  static std::optional<Registry> decode(const wallet::BookId& book, base::ByteView bytes);
  friend bool operator==(const Registry&, const Registry&) = default;

 private:
  /// The one of the smallest bond that is in no open dispute; none: all are.
  std::optional<Arbiter> smallest() const;
  /// The bond goes to the parties that have waited for it.
  void forfeit(ArbiterRecord& record, const Address& buyer, const Address& provider);
  /// Forgets one who left, where there are too many: first of those who are in no open dispute.
  void forget();

  std::map<Address, ArbiterRecord> records_;
  std::map<Address, base::Bytes> joining_;
  std::vector<wallet::Credit> owed_;
  wallet::Outgoing outgoing_;
};

}  // namespace troupe::escrow
