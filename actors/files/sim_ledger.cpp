#include "actors/files/sim_ledger.hpp"

#include <algorithm>

namespace troupe::files {

std::size_t SimLedger::begin(What what, const OwnedFile& place) {
  auto& deeds = places_[place];
  deeds.push_back({.what = what, .begun = now()});
  deeds_.emplace_back(place, deeds.size() - 1);
  return deeds_.size() - 1;
}

void SimLedger::acknowledged(std::size_t deed, unsigned reached) {
  Deed& done = at(deed);
  done.ended = now();
  done.acknowledged = true;
  done.reached = reached;
}

void SimLedger::refused(std::size_t deed) {
  at(deed).ended = now();
  at(deed).refused = true;
}

void SimLedger::ended(std::size_t deed) {
  if (at(deed).ended == kOpen) at(deed).ended = now();
}

/// A deed decides if it was acknowledged before the list was requested, and no opposite deed can have followed it.
SimLedger::Verdict SimLedger::listed(const OwnedFile& place, Moment from, Moment to) const {
  const auto found = places_.find(place);
  if (found == places_.end()) return Verdict::absent;
  const auto& deeds = found->second;
  const auto decides = [&](const Deed& deed) {
    if (!deed.acknowledged || deed.ended >= from) return false;
    return std::none_of(deeds.begin(), deeds.end(), [&](const Deed& other) {
      return other.what != deed.what && !other.refused && other.ended > deed.begun && other.begun < to;
    });
  };
  const auto decided = std::find_if(deeds.begin(), deeds.end(), decides);
  if (decided != deeds.end()) return decided->what == What::put ? Verdict::listed : Verdict::absent;
  const bool any_put = std::any_of(deeds.begin(), deeds.end(), [&](const Deed& deed) {
    return deed.what == What::put && !deed.refused && deed.begun < to;
  });
  return any_put ? Verdict::either : Verdict::absent;
}

unsigned SimLedger::reached(const OwnedFile& place) const {
  const auto found = places_.find(place);
  if (found == places_.end()) return 0;
  const auto last = std::find_if(found->second.rbegin(), found->second.rend(),
                                 [](const Deed& deed) { return deed.what == What::put && deed.acknowledged; });
  return last == found->second.rend() ? 0 : last->reached;
}

std::set<SimLedger::OwnedFile> SimLedger::places() const {
  std::set<OwnedFile> out;
  for (const auto& [place, deeds] : places_) out.insert(place);
  return out;
}

}  // namespace troupe::files
