#include "runtime/sandbox/log_watch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace troupe::sandbox {
namespace {

constexpr std::size_t kRecordsMost = 512;  // our choice: of a look, in which there may be thousands
constexpr base::Duration kSinceMost = std::chrono::seconds{1};

/// How many processes were made between two looks, or at least how many of those are there: the largest number may be
/// that of one that stays.
std::uint64_t made_between(const std::vector<std::uint64_t>& before, const std::vector<std::uint64_t>& after) {
  if (!after.empty() && !before.empty() && after.back() > before.back()) return after.back() - before.back();
  return static_cast<std::uint64_t>(
      std::ranges::count_if(after, [&](auto one) { return !std::ranges::binary_search(before, one); }));
}

}  // namespace

KernelLog::KernelLog() : file_(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (file_.valid()) ::lseek(file_.get(), 0, SEEK_END);
}

std::size_t KernelLog::lines_of_programs() {
  if (!file_.valid()) return 0;
  std::size_t out = 0;
  std::array<char, 8'192> record;  // as large as one gets
  for (std::size_t records = 0; records < kRecordsMost; ++records) {
    const ssize_t got = ::read(file_.get(), record.data(), record.size());
    if (got < 0 && errno == EPIPE) continue;  // some were overwritten
    if (got <= 0) return out;
    out += is_of_programs({record.data(), static_cast<std::size_t>(got)});
  }
  ::lseek(file_.get(), 0, SEEK_END);
  return out;
}

bool is_of_programs(std::string_view record) { return record.find("): Uhuuh, elf segment at ") != record.npos; }

std::optional<std::uint64_t> LogWatch::one_to_end(std::size_t lines, base::Instant now,
                                                  const std::vector<std::uint64_t>& programs,
                                                  const Processes& processes_of) {
  const auto since = std::min<base::Duration>(now - std::exchange(looked_, now), kSinceMost);
  const auto may_be = static_cast<std::size_t>(since * kLinesASecond / std::chrono::seconds(1));
  beyond_ = std::min(beyond_ + lines - std::min(beyond_ + lines, may_be), 2 * kLinesMost);
  if (beyond_ < kLinesMost / 2) {
    had_.clear();
    return std::nullopt;
  }
  std::map<std::uint64_t, std::vector<std::uint64_t>> have;
  std::pair<std::uint64_t, std::uint64_t> most{0, 0};  // processes, program
  for (const auto program : programs) {
    auto processes = processes_of(program);
    std::ranges::sort(processes);
    if (const auto before = had_.find(program); before != had_.end())
      most = std::max(most, {made_between(before->second, processes), program});
    have.emplace(program, std::move(processes));
  }
  had_ = std::move(have);
  if (beyond_ < kLinesMost || most.first == 0) return std::nullopt;
  beyond_ = kLinesMost / 2;
  return most.second;
}

}  // namespace troupe::sandbox
