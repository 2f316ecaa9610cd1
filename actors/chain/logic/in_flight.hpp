#pragma once
// Announced transactions that were requested: from which node each was requested, and which node is asked next.
//
// Order   chosen nodes are asked before untrusted ones. An untrusted node that was asked first has kStrangerDue to
//         respond; then the first chosen node that announced the transaction is asked.
// Limits  kMax transactions; per node, the caller's limit. Per transaction, kTellersMax other announcers of each Trust,
//         and kFailedMax announcers that did not deliver it, which are not asked again.
// Due     kDue after a request, it no longer counts: its response is lost, or was never processed.
// Time    monotonic, given by the caller.
// Owner   one actor; not thread-safe.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "actors/chain/logic/ids.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"

namespace troupe::chain {

class InFlight {
 public:
  static constexpr std::size_t kMax = 200'000;            // our choice: 60 MiB
  static constexpr std::size_t kTellersMax = 3;           // our choice: alternative nodes to ask
  static constexpr std::size_t kFailedMax = 8;            // our choice: nodes that are not asked again
  static constexpr std::chrono::seconds kDue{10};         // our choice: twice the timeout of a request
  static constexpr std::chrono::seconds kStrangerDue{1};  // our choice: longer than a round trip around the earth
  static constexpr std::chrono::seconds kSweepEvery{1};   // our choice: a sweep scans all of them

  enum class Trust : std::uint8_t {
    stranger,
    chosen,  ///< a validator, or dialled by this node: an attacker cannot be many of these
  };
  enum class Told : std::uint8_t {
    asked,      ///< ask the node that announced it
    under_way,  ///< a node has been asked; the announcement is remembered
    crowded,    ///< a node has been asked; the announcement is forgotten, so the caller repeats it later
    full,       ///< not remembered
  };

  /// `from` has announced the transaction. At most `most` requests to one neighbour may be in flight.
  Told told(const TxId& id, const base::NodeId& from, Trust trust, std::size_t most, base::Instant now) {
    const auto known = all_.find(id);
    if (known != all_.end() && now < known->second.due) {
      One& one = known->second;
      // The first announcer may not have it.
      if (one.from.id == from || std::ranges::find(one.others, from, &Teller::id) != one.others.end())
        return Told::under_way;
      // It was asked, but did not deliver it.
      if (std::ranges::find(one.failed, from) != one.failed.end()) return Told::under_way;
      if (std::ranges::count(one.others, trust, &Teller::trust) >= std::ptrdiff_t{kTellersMax}) return Told::crowded;
      const bool chosen = trust == Trust::chosen;
      const auto behind_chosen = std::ranges::find(one.others, Trust::stranger, &Teller::trust);
      one.others.insert(chosen ? behind_chosen : one.others.end(), {from, trust});
      if (chosen && one.from.trust == Trust::stranger) impatient_.insert({one.since + kStrangerDue, id});
      return Told::under_way;
    }
    if (known != all_.end()) done(id);
    if (all_.size() >= kMax || of(from) >= most) sweep(now);
    if (all_.size() >= kMax || of(from) >= most) return Told::full;
    all_.emplace(id, One{.from = {from, trust}, .since = now, .due = now + kDue});
    ++of_[from];
    return Told::asked;
  }
  /// The transaction has arrived, or is useless.
  void done(const TxId& id) {
    const auto known = all_.find(id);
    if (known == all_.end()) return;
    less(*known);
    all_.erase(known);
  }
  /// Whether `from` has been asked for it.
  bool asked(const TxId& id, const base::NodeId& from) const {
    const auto known = all_.find(id);
    return known != all_.end() && known->second.from.id == from;
  }
  /// Returns the next node to ask, because the current one did not deliver. Returns nullopt and forgets the transaction
  /// if no other node has announced it.
  std::optional<base::NodeId> pass_on(const TxId& id, base::Instant now) {
    const auto known = all_.find(id);
    if (known == all_.end()) return std::nullopt;
    One& one = known->second;
    if (one.others.empty()) {
      done(id);
      return std::nullopt;
    }
    less(*known);
    if (one.failed.size() < kFailedMax) one.failed.push_back(one.from.id);
    one.from = one.others.front();
    one.others.erase(one.others.begin());
    one.since = now;
    one.due = now + kDue;
    ++of_[one.from.id];
    return one.from.id;
  }
  struct Passed {
    TxId id;
    base::NodeId from, to;
  };
  /// Returns the transactions that untrusted nodes did not deliver in time; chosen nodes are asked instead.
  std::vector<Passed> take_overdue(base::Instant now) {
    std::vector<Passed> out;
    while (overdue_at() <= now) {
      const TxId id = impatient_.begin()->second;
      const base::NodeId from = all_.at(id).from.id;
      out.push_back({id, from, *pass_on(id, now)});
    }
    return out;
  }
  /// Returns when take_overdue() has something next; Instant::max() if never.
  base::Instant overdue_at() const { return impatient_.empty() ? base::Instant::max() : impatient_.begin()->first; }

  std::size_t size() const { return all_.size(); }
  /// Returns how many requests to that node are in flight.
  std::size_t of(const base::NodeId& from) const {
    const auto known = of_.find(from);
    return known == of_.end() ? 0 : known->second;
  }

 private:
  struct Teller {
    base::NodeId id;
    Trust trust;
  };
  struct One {
    Teller from;
    std::vector<Teller> others{};        // chosen nodes first
    std::vector<base::NodeId> failed{};  // nodes that did not deliver it
    base::Instant since, due;
  };

  /// Subtracts one request from the count of its node.
  void less(const std::pair<const TxId, One>& asked) {
    const auto& [id, one] = asked;
    impatient_.erase({one.since + kStrangerDue, id});
    if (const auto known = of_.find(one.from.id); --known->second == 0) of_.erase(known);
  }
  void sweep(base::Instant now) {
    if (now < sweep_at_) return;
    sweep_at_ = now + kSweepEvery;
    std::erase_if(all_, [&](const auto& one) {
      if (now < one.second.due) return false;
      less(one);
      return true;
    });
  }

  std::map<TxId, One> all_;
  std::map<base::NodeId, std::size_t> of_;              // counts of all_ by node, never 0
  std::set<std::pair<base::Instant, TxId>> impatient_;  // asked of an untrusted node, announced by a chosen node
  base::Instant sweep_at_{};
};

}  // namespace troupe::chain
