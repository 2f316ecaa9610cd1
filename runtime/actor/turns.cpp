#include "runtime/actor/turns.hpp"

#include <algorithm>
#include <mutex>

namespace troupe::runtime {
namespace {

struct All {
  std::mutex lock;
  std::vector<std::pair<std::uint64_t, const Turn*>> places;
  std::uint64_t last = 0;
};

/// Never destroyed: threads may end after the program's static objects.
All& all() {
  static auto* const places = new All;
  return *places;
}

struct Mine {
  Mine() {
    const std::lock_guard hold(all().lock);
    all().places.emplace_back(++all().last, &turn);
  }
  ~Mine() {
    turn_here_ = nullptr;
    const std::lock_guard hold(all().lock);
    std::erase_if(all().places, [this](const auto& one) { return one.second == &turn; });
  }
  Mine(const Mine&) = delete;
  Mine& operator=(const Mine&) = delete;
  Turn turn;
};

}  // namespace

Turn& make_turn_here() {
  thread_local Mine mine;
  return mine.turn;
}

std::vector<TurnSeen> turns() {
  std::vector<TurnSeen> out;
  const std::lock_guard hold(all().lock);
  for (const auto& [thread, turn] : all().places) {
    const Record* record = turn->record.load(std::memory_order_acquire);
    if (record == nullptr) continue;
    out.push_back({thread, record, turn->number.load(std::memory_order_relaxed),
                   turn->kind.load(std::memory_order_relaxed), turn->may_block.load(std::memory_order_relaxed),
                   turn->began_at()});
  }
  return out;
}

std::optional<base::Instant> turn_of(const Record* record, const std::vector<TurnSeen>& seen) {
  for (const TurnSeen& one : seen)
    if (one.record == record) return one.began;
  return std::nullopt;
}

}  // namespace troupe::runtime
