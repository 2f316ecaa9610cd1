#pragma once
// What came to an account of no key unasked, by who paid it, until it goes back.
//
// Cost     a sender that pays again and again has one entry. The account that keeps them gives back up to kStraysAtOnce
//          of them in a transfer, and waits longer each time: so money that comes without end costs little.
// Order    entries are in the order of the latest credit of each, which is a posting of the book: credits of an account
//          are told in the order of their postings, so one that is not above the latest was told before.
// Owner    one actor; not thread-safe.
#include <chrono>
#include <map>

#include "actors/wallet/logic/ledger/transfer.hpp"

namespace troupe::wallet {

inline constexpr std::size_t kStraysAtOnce = kCreditsMax;

struct Stray {
  std::uint64_t sequence = 0;  ///< of the latest posting
  Address from;
  Amount amount;
  friend bool operator==(const Stray&, const Stray&) = default;
};
base::Bytes encode(const Stray& stray);
std::optional<Stray> decode_stray(base::ByteView bytes);

class Strays {
 public:
  /// With what the sender has there already. The sequence is above that of all others. Nothing if the sum is no amount.
  std::optional<Stray> with(std::uint64_t sequence, const Address& from, Amount amount) const;
  /// In place of what the same sender has.
  void put(const Stray& stray);
  void erase(const Address& from);
  /// The longest waiting, at most kStraysAtOnce.
  std::vector<Stray> first() const;

  bool empty() const { return all_.empty(); }
  std::size_t size() const { return all_.size(); }
  /// Of all.
  Wide sum() const;
  /// Of the latest credit among them; 0: there is none.
  std::uint64_t latest() const { return all_.empty() ? 0 : all_.rbegin()->first; }

 private:
  std::map<std::uint64_t, Stray> all_;  // by sequence
  std::map<Address, std::uint64_t> senders_;
};

/// How long the first of them waits after that number of transfers that gave such money back: not at all, then 1 s,
/// twice as long each time, at most an hour.
std::chrono::seconds strays_wait(std::uint64_t given_back);

}  // namespace troupe::wallet
