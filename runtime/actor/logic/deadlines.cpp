#include "runtime/actor/logic/deadlines.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace troupe::runtime::logic {
namespace {

constexpr std::size_t kSlotsMin = 16;  // 256 bytes: the cost for an actor with few deadlines

}  // namespace

Deadlines::Deadlines() { resize_table(kSlotsMin); }

bool Deadlines::later(const Entry& a, const Entry& b) { return a.due != b.due ? a.due > b.due : a.order > b.order; }

void Deadlines::add(std::uint64_t id, base::Instant due) {
  std::size_t at = find(id);
  const bool replaced = slots_[at].order != 0;
  if (!replaced) {
    if ((live_ + 1) * 2 > slots_.size()) {
      resize_table(slots_.size() * 2);
      at = find(id);
    }
    ++live_;
  }
  slots_[at] = {id, ++order_};
  heap_.push_back({due, order_, id});
  std::push_heap(heap_.begin(), heap_.end(), later);
  if (replaced) tidy();
}

bool Deadlines::remove(std::uint64_t id) {
  const std::size_t at = find(id);
  if (slots_[at].order == 0) return false;
  erase_slot(at);
  tidy();
  return true;
}

std::optional<base::Instant> Deadlines::next() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().due;
}

std::optional<base::Instant> Deadlines::due(std::uint64_t id) const {
  const std::uint64_t order = slots_[find(id)].order;
  const auto entry = std::ranges::find_if(heap_, [&](const Entry& one) { return one.order == order; });
  if (order == 0 || entry == heap_.end()) return std::nullopt;
  return entry->due;
}

std::optional<std::uint64_t> Deadlines::take_due(base::Instant now) {
  if (heap_.empty() || heap_.front().due > now) return std::nullopt;
  const std::uint64_t id = heap_.front().id;
  erase_slot(find(id));
  tidy();
  return id;
}

// Fibonacci hashing: ids mostly count up, which the multiplication spreads evenly.
std::size_t Deadlines::home(std::uint64_t id) const {
  return static_cast<std::size_t>((id * 0x9e3779b97f4a7c15u) >> shift_);
}

// Returns the slot of `id`, or the empty slot where it would go. Ends because the table is at most half full.
std::size_t Deadlines::find(std::uint64_t id) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = home(id);
  while (slots_[at].order != 0 && slots_[at].id != id) at = (at + 1) & mask;
  return at;
}

// Moves later entries of the run back instead of leaving a mark, so that a run never grows from removals.
void Deadlines::erase_slot(std::size_t hole) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = (hole + 1) & mask; slots_[at].order != 0; at = (at + 1) & mask) {
    const std::size_t from_home = (at - home(slots_[at].id)) & mask;
    if (from_home < ((at - hole) & mask)) continue;  // its home is after the hole: it stays
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = Slot{};
  --live_;
  if (slots_.size() > kSlotsMin && live_ * 8 < slots_.size()) resize_table(slots_.size() / 2);
}

void Deadlines::resize_table(std::size_t slots) {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots));
  shift_ = 64 - std::countr_zero(slots);
  for (const Slot& slot : old) {
    if (slot.order != 0) slots_[find(slot.id)] = slot;
  }
}

bool Deadlines::lives(const Entry& entry) const { return slots_[find(entry.id)].order == entry.order; }

// Keeps the top alive and the dead entries few. Rebuilding copies, because a vector otherwise keeps its capacity.
void Deadlines::tidy() {
  while (!heap_.empty() && !lives(heap_.front())) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
  }
  const std::size_t dead = heap_.size() - live_;
  const bool roomy = heap_.capacity() > 8 * heap_.size() + kDeadSlack;
  if (dead <= 2 * live_ + kDeadSlack && !roomy) return;
  std::vector<Entry> kept;
  kept.reserve(2 * live_);
  for (const Entry& entry : heap_) {
    if (lives(entry)) kept.push_back(entry);
  }
  heap_ = std::move(kept);
  std::make_heap(heap_.begin(), heap_.end(), later);
}

}  // namespace troupe::runtime::logic
