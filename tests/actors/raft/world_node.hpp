#pragma once
// A member of a world with what it loses in a crash, and what its disk keeps.
#include <deque>
#include <memory>
#include <stdexcept>

#include "tests/actors/raft/world.hpp"

namespace troupe::raft_test {

using base::Duration;
using base::Instant;
using std::chrono::microseconds;
using std::chrono::milliseconds;

struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};
inline void must(bool held, const char* claim) {
  if (!held) throw Broken(claim);
}

inline std::string text(const MemberId& id) {
  return std::to_string(id.node.bytes.back()) + "." + std::to_string(id.incarnation);
}

/// What the state machine is: the number of commands and a hash over all of them.
struct Machine {
  Index applied;
  std::uint64_t hash = 0;
  friend bool operator==(const Machine&, const Machine&) = default;

  void apply(const Entry& entry) {
    must(entry.index == applied.next(), "entries are applied in order, each once");
    applied = entry.index;
    for (const std::uint8_t byte : entry.view()) hash = hash * 1'099'511'628'211ULL + byte;
    hash = hash * 31 + entry.term.value + static_cast<std::uint64_t>(entry.kind);
  }
};

struct Image {
  Snapshot snapshot;
  Machine machine;
};

struct DiskState {
  HardState state;
  Image image;
  Index base;  // the log follows this entry
  Term base_term;
  std::map<Index, Entry> log;

  void write(const Save& save) {
    if (save.restart) {
      log.clear();
      base = save.restart->index;
      base_term = save.restart->term;
    }
    if (save.state) state = *save.state;
    if (!save.entries.empty()) log.erase(log.lower_bound(save.entries.front().index), log.end());
    for (const Entry& entry : save.entries) log[entry.index] = entry;
  }

  Log read() const {
    Log out(image.snapshot);
    const Index at = image.snapshot.index;
    const auto entry = log.find(at);
    if (!(base == at && base_term == image.snapshot.term) &&
        (entry == log.end() || entry->second.term != image.snapshot.term))
      return out;  // of another history than the snapshot
    for (auto next = log.upper_bound(at); next != log.end(); ++next)
      must(out.append(next->second).ok(), "a log is read");
    return out;
  }
};

struct Node {
  MemberId id;
  std::unique_ptr<Raft> raft;  // null while it is down
  std::uint64_t run = 0;
  std::set<std::uint64_t> reset;  ///< runs whose end took what they had sent and was still under way
  DiskState disk;
  std::deque<Save> saving;
  bool syncing = false;
  Duration disk_latency = milliseconds{1};
  Machine machine;
  std::deque<std::vector<Entry>> applying;
  std::optional<Image> installing;
  std::map<Index, Image> images;
  std::int64_t drift = 0;  // thousandths
  Duration offset{};
  Instant waking = Instant::max();
  Index seen_commit;
  bool led = false;
  std::map<ReadId, Index> reads;  // and what was committed when they began
  std::map<Index, Term> proposed;
};

}  // namespace troupe::raft_test
