#pragma once
// What clients did to the lists of files, the responses, and what a list may therefore show.
//
// Deed    a put or a removal of a file at an owner. It takes effect at one moment between its begin and its end, or
//         never; an acknowledged deed took effect. A deed without an end may still take effect. Each begin and end is a
//         moment.
// Owner   one run.
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "actors/files/api.hpp"

namespace troupe::files {

class SimLedger {
 public:
  using Moment = std::uint64_t;
  enum class What : std::uint8_t { put, removal };
  enum class Verdict : std::uint8_t { listed, absent, either };
  struct OwnedFile {
    base::NodeId owner;
    Cid cid;
    friend auto operator<=>(const OwnedFile&, const OwnedFile&) = default;
  };

  /// Returns a moment later than all earlier moments.
  Moment now() { return ++last_; }

  std::size_t begin(What what, const OwnedFile& place);
  void acknowledged(std::size_t deed, unsigned reached = 0);
  /// Records that the deed certainly did nothing.
  void refused(std::size_t deed);
  /// Records that the deed is over; its effect is unknown.
  void ended(std::size_t deed);

  /// Returns what a list of `place` can show if it was made between two moments.
  Verdict listed(const OwnedFile& place, Moment from, Moment to) const;
  /// Returns the number of copies from the file's last acknowledged put that may exist now; 0 without a put.
  unsigned reached(const OwnedFile& place) const;
  std::set<OwnedFile> places() const;

 private:
  static constexpr Moment kOpen = std::numeric_limits<Moment>::max();
  struct Deed {
    What what;
    Moment begun;
    Moment ended = kOpen;
    bool acknowledged = false;
    bool refused = false;
    unsigned reached = 0;
  };
  std::vector<std::pair<OwnedFile, std::size_t>> deeds_;  // file, and position among its deeds
  std::map<OwnedFile, std::vector<Deed>> places_;
  Moment last_ = 0;
  Deed& at(std::size_t deed) { return places_.at(deeds_[deed].first)[deeds_[deed].second]; }
};

}  // namespace troupe::files
