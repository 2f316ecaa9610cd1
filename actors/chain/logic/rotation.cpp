#include "actors/chain/logic/rotation.hpp"

#include <algorithm>

#include "actors/chain/logic/canonical.hpp"

namespace troupe::chain {
namespace {

Int128 spread(const std::vector<Int128>& priorities) {
  const auto [least, most] = std::minmax_element(priorities.begin(), priorities.end());
  return *most - *least;
}

Int128 spread_max(const ValidatorSet& set) { return 2 * Int128{set.power()}; }

Int128 floor_of(Int128 value, Int128 divisor) {
  const Int128 rounded = value / divisor;
  return rounded * divisor > value ? rounded - 1 : rounded;
}

}  // namespace

std::size_t Rotation::turn(const ValidatorSet& set) {
  base::ensure(set.size() == priorities_.size(), "a rotation is used with its validators");
  std::size_t best = 0;
  for (std::size_t i = 0; i < priorities_.size(); ++i) {
    priorities_[i] += set.at(i).power;
    if (priorities_[i] > priorities_[best]) best = i;  // the smallest id among equals
  }
  priorities_[best] -= set.power();
  return best;
}

Rotation Rotation::next_height(const ValidatorSet& set, const ValidatorSet& next) const {
  Rotation turned = *this;
  turned.turn(set);
  Rotation out(next);
  for (std::size_t i = 0; i < next.size(); ++i) {
    const auto before = set.index_of(next.at(i).id);
    // CometBFT: a new validator starts at -1.125 times the total power.
    out.priorities_[i] = before ? turned.priorities_[*before] : -(Int128{next.power()} + next.power() / 8);
  }
  out.rescale(next);
  out.centre();
  return out;
}

/// Otherwise validators of a set that lost most of its power would wait until large negative priorities are made up.
void Rotation::rescale(const ValidatorSet& set) {
  const Int128 limit = spread_max(set), differ = spread(priorities_);
  if (differ <= limit) return;
  const Int128 ratio = (differ + limit - 1) / limit;
  for (Int128& priority : priorities_) priority /= ratio;
}

void Rotation::centre() {
  Int128 sum = 0;
  for (const Int128 priority : priorities_) sum += priority;
  const Int128 average = floor_of(sum, static_cast<Int128>(priorities_.size()));
  for (Int128& priority : priorities_) priority -= average;
}

base::Bytes encode(const Rotation& rotation) {
  std::vector<CanonStruct> list;
  for (const Int128 priority : rotation.priorities())
    list.push_back({{static_cast<std::uint64_t>(priority), static_cast<std::uint64_t>(priority >> 64)}, {}});
  return CanonStruct().object_list(std::move(list)).encode();
}

std::optional<Rotation> parse_rotation(base::ByteView bytes, const ValidatorSet& set) {
  CanonReader in(bytes);
  const auto list = in.list(in.root(0, 1), 0, set.size(), 2, 0);
  if (!in.ended() || list.count != set.size()) return std::nullopt;
  Rotation out(set);
  Int128 sum = 0;
  const Int128 limit = spread_max(set);
  for (unsigned i = 0; i < list.count; ++i) {
    Int128& priority = out.priorities_[i];
    const auto high = static_cast<std::int64_t>(in.word(list[i], 1));
    priority = Int128{high} * (Int128{1} << 64) + in.word(list[i], 0);
    if (priority > limit || priority < -limit) return std::nullopt;
    sum += priority;
  }
  const Int128 count = static_cast<Int128>(set.size());
  if (sum < 0 || sum >= count || spread(out.priorities_) > limit) return std::nullopt;
  return out;
}

}  // namespace troupe::chain
