#include "actors/inspect/screen.hpp"

#include <algorithm>

namespace troupe::inspect {

bool Screen::before(const observe::ActorRow& left, const observe::ActorRow& right) const {
  const auto& a = order_ == Order::usual ? left : right;
  const auto& b = order_ == Order::usual ? right : left;
  if (top_->text != nullptr) {
    const auto one = top_->text(a), other = top_->text(b);
    if (one != other) return one < other;
  } else {
    const auto one = top_->thousandths(a), other = top_->thousandths(b);
    if (one != other) return one > other;
  }
  return left.path < right.path;
}

void Screen::show(const observe::ActorRow& row, const std::shared_ptr<const runtime::Record>& record) {
  ++total_;
  if (!filter_.holds(row)) return;
  ++matched_;
  if (full_ && !before(row, kept_[limit_ - 1].row)) return;
  kept_.push_back({row, std::string(row.path), record});
  if (kept_.size() >= 2 * limit_) prune();
}

void Screen::prune() {
  for (Kept& one : kept_) one.row.path = one.path;  // rows have moved, and with them short texts
  const auto order = [this](const Kept& a, const Kept& b) { return before(a.row, b.row); };
  // Sorting also moves texts, so each swap would change the compared values: sort indexes instead.
  std::vector<std::size_t> places(kept_.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  const auto by_place = [&](std::size_t a, std::size_t b) { return order(kept_[a], kept_[b]); };
  const std::size_t left = std::min(limit_, places.size());
  std::partial_sort(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(left), places.end(), by_place);
  std::vector<Kept> best;
  best.reserve(2 * limit_);
  for (std::size_t i = 0; i < left; ++i) best.push_back(std::move(kept_[places[i]]));
  kept_ = std::move(best);
  for (Kept& one : kept_) one.row.path = one.path;
  full_ = kept_.size() == limit_;
}

std::vector<Screen::Kept> Screen::rows() && {
  prune();
  return std::move(kept_);
}

}  // namespace troupe::inspect
