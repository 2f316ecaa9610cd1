#include "runtime/sandbox/reclaim_watch.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace troupe::sandbox {
namespace {

constexpr int kReadAgainPart = 64;                              // our choice: 1 GiB more
constexpr int kSlowPart = 2;                                    // our choice: of the time
constexpr base::Duration kSlowMost = std::chrono::seconds{1};   // our choice
constexpr base::Duration kSinceMost = std::chrono::seconds{1};  // a launcher that was stopped has seen nothing

}  // namespace

bool ReclaimWatch::is_slow(base::Duration waited, base::Instant now) {
  const bool first = looked_ == base::Instant();
  const auto since = std::min<base::Duration>(now - std::exchange(looked_, now), kSinceMost);
  const auto more = std::min<base::Duration>(waited - std::exchange(waited_, waited), since) * cores_;
  if (first) return false;
  beyond_ = std::max(beyond_ + std::min(more, since) - since / kSlowPart, base::Duration::zero());
  if (beyond_ < kSlowMost) return false;
  beyond_ = kSlowMost / 2;
  return true;
}

std::vector<std::uint64_t> ReclaimWatch::those_to_end(std::vector<Mapped> programs, const FilesOf& files_of) {
  std::uint64_t all = 0;
  for (const Mapped& one : programs) all += one.bytes;
  if (all <= kMappedMost) return {};
  std::ranges::sort(programs, std::greater(), &Mapped::bytes);
  const auto end = std::chrono::steady_clock::now() + kReadTime;
  std::vector<std::uint64_t> out;
  std::map<std::uint64_t, Read> read;
  std::vector<Mapped> of_files;
  for (const Mapped& one : programs) {
    auto known = read_.find(one.program);
    if (known == read_.end() || one.bytes > known->second.mapped + kMappedMost / kReadAgainPart) {
      if (std::chrono::steady_clock::now() >= end) continue;
      const auto files = files_of(one.program, kReadTime);
      if (!files) {
        out.push_back(one.program);
        continue;
      }
      known = read_.insert_or_assign(one.program, Read{one.bytes, *files}).first;
    }
    read.insert(*known);
    of_files.push_back({one.program, one.site, known->second.of_files});
  }
  read_ = std::move(read);
  const auto beyond = those_beyond(kMappedMost, std::move(of_files));
  out.insert(out.end(), beyond.begin(), beyond.end());
  return out;
}

std::vector<std::uint64_t> those_beyond(std::uint64_t most, std::vector<Mapped> programs) {
  std::ranges::sort(programs, {}, &Mapped::bytes);
  struct Site {
    std::uint64_t bytes = 0;
    std::vector<Mapped> programs;  // the one with most at the end
  };
  std::map<std::string, Site> sites;
  std::uint64_t sum = 0;
  for (Mapped& one : programs) {
    sum += one.bytes;
    Site& site = sites[one.site];
    site.bytes += one.bytes;
    site.programs.push_back(std::move(one));
  }
  std::vector<std::uint64_t> out;
  while (sum > most) {
    Site& largest = std::ranges::max_element(sites, {}, [](const auto& one) { return one.second.bytes; })->second;
    const Mapped& gone = largest.programs.back();
    sum -= gone.bytes;
    largest.bytes -= gone.bytes;
    out.push_back(gone.program);
    largest.programs.pop_back();
  }
  return out;
}

}  // namespace troupe::sandbox
