#pragma once
// Transactions that were told, and are on their way: who is asked for each, and who next.
//
// Order   those that this node has chosen are asked before strangers. A stranger that was asked first has kStrangerDue
//         to give it; then the first chosen one that has told it, too, takes its place.
// Limits  kMax of them; of one node as many as the caller says; kTellersMax others that have told one, of strangers and
//         of chosen ones, and kFailedMax that have told it and not given it, so that it is no use to tell it again.
// Due     kDue after it was asked for, one counts no longer: its answer is lost, or was never looked at.
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
  static constexpr std::size_t kTellersMax = 3;           // our choice: who else is asked for a transaction
  static constexpr std::size_t kFailedMax = 8;            // our choice: who is not asked again for it
  static constexpr std::chrono::seconds kDue{10};         // our choice: twice as long as an answer is waited for
  static constexpr std::chrono::seconds kStrangerDue{1};  // our choice: longer than a round trip around the earth
  static constexpr std::chrono::seconds kSweepEvery{1};   // our choice: it is a walk of all

  enum class Trust : std::uint8_t {
    stranger,
    chosen,  ///< a validator, or dialled by this node: an attacker is not many of them
  };
  enum class Told : std::uint8_t {
    asked,      ///< it is to be asked of who told it
    under_way,  ///< another one is asked, or the same; it is remembered that this one has told it, too
    crowded,    ///< the same, but it is not remembered: it is told again later
    full,       ///< it is not remembered
  };

  /// `from` has it. Of one neighbour `most` may be asked for at a time.
  Told told(const TxId& id, const base::NodeId& from, Trust trust, std::size_t most, base::Instant now) {
    const auto known = all_.find(id);
    if (known != all_.end() && now < known->second.due) {
      One& one = known->second;
      // The one that told it first may not have it.
      if (one.from.id == from || std::ranges::find(one.others, from, &Teller::id) != one.others.end())
        return Told::under_way;
      // It was asked, and did not give it.
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
  /// It is here, or of no use.
  void done(const TxId& id) {
    const auto known = all_.find(id);
    if (known == all_.end()) return;
    less(*known);
    all_.erase(known);
  }
  /// Whether it is under way from there.
  bool asked(const TxId& id, const base::NodeId& from) const {
    const auto known = all_.find(id);
    return known != all_.end() && known->second.from.id == from;
  }
  /// Who is asked for it from now on, because the one that was asked did not give it; nothing if no other has told it:
  /// then it is forgotten.
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
  /// Those that strangers have not given in time, and which are asked of chosen ones from now on.
  std::vector<Passed> take_overdue(base::Instant now) {
    std::vector<Passed> out;
    while (overdue_at() <= now) {
      const TxId id = impatient_.begin()->second;
      const base::NodeId from = all_.at(id).from.id;
      out.push_back({id, from, *pass_on(id, now)});
    }
    return out;
  }
  /// When there is one of them; Instant::max(): not by itself.
  base::Instant overdue_at() const { return impatient_.empty() ? base::Instant::max() : impatient_.begin()->first; }

  std::size_t size() const { return all_.size(); }
  /// How many are asked of it.
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
    std::vector<Teller> others{};        // chosen ones first
    std::vector<base::NodeId> failed{};  // to give it
    base::Instant since, due;
  };

  /// Its asked node has one less under way.
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
  std::map<base::NodeId, std::size_t> of_;              // those of all_, never 0
  std::set<std::pair<base::Instant, TxId>> impatient_;  // a chosen one has told what a stranger is asked for
  base::Instant sweep_at_{};
};

}  // namespace troupe::chain
