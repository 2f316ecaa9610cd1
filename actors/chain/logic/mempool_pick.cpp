// Chooses the transactions of a block.
#include <algorithm>

#include "actors/chain/logic/mempool.hpp"

namespace troupe::chain {

/// A block while it is filled. The next transaction is the best among the senders' first entries, which a scan of
/// ranked_ finds, and the waiting ones: entries that follow a taken entry, or were set aside.
class Mempool::Filling {
 public:
  Filling(const Mempool& pool, Gas gas, std::size_t bytes, BaseFee base_fee, Height height,
          const Admissible& admissible)
      : pool_(pool),
        ranked_(pool.ranked_.begin()),
        gas_(gas.value),
        bytes_(bytes),
        base_fee_(base_fee),
        height_(height),
        admissible_(admissible) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      lane_gas_[i] = static_cast<std::uint64_t>(wallet::Wide{gas_} * kShare[i] / 100);
      lane_bytes_[i] = static_cast<std::size_t>(wallet::Wide{bytes_} * kShare[i] / 100);
    }
  }

  /// Fills each lane within its share first, then takes the best of all lanes.
  Picked run() {
    take_transactions(Share::own);
    take_transactions(Share::all);
    if (refused_.size() >= pool_.limits_.refused) out_.refused = std::move(refused_);
    return std::move(out_);
  }

 private:
  enum class Share : std::uint8_t { own, all };
  enum class Took : std::uint8_t { it, nothing_now, nothing_of_its_sender };

  void wait(const Place& place) { waiting_.insert({Worth(pool_.at(place)), place}); }

  void take_transactions(Share share) {
    std::vector<Place> aside;
    while (has_room(share) && refused_.size() < pool_.limits_.refused) {
      const auto next = next_place();
      if (!next) break;
      const Place place = *next;
      const Took took = take(pool_.at(place), share);
      if (took == Took::nothing_now) aside.push_back(place);
      if (took != Took::it) continue;
      const Place after{place.sender, {place.nonce.value + 1}};
      if (pool_.held(after) != nullptr) wait(after);
    }
    for (const Place& place : aside) wait(place);
  }

  /// Whether the smallest entry of a lane would fit.
  bool has_room(Share share) const {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const bool own = share == Share::own;
      const std::uint64_t gas = own ? std::min(gas_, lane_gas_[i]) : gas_;
      if (pool_.sizes_[i].fit(gas, own ? std::min(bytes_, lane_bytes_[i]) : bytes_)) return true;
    }
    return false;
  }

  std::optional<Place> next_place() {
    const auto more = [&] { return ranked_ != pool_.ranked_.end() && !ranked_->worth.gapped; };
    for (; more(); ++ranked_, ++out_.looked)
      if (pool_.queues_.at(ranked_->place.sender).next == ranked_->place.nonce) break;
    const bool walk = more();
    if (!walk && waiting_.empty()) return std::nullopt;
    ++out_.looked;
    if (walk && (waiting_.empty() || *ranked_ < *waiting_.begin())) return (ranked_++)->place;
    return waiting_.extract(waiting_.begin()).value().place;
  }

  bool payable(const Entry& entry) const {
    const Transaction& content = entry.transaction.content();
    const wallet::Wide burnt = std::holds_alternative<Faucet>(content.body)
                                   ? wallet::Wide{0}
                                   : wallet::Wide{entry.transaction.gas_needed().value} * base_fee_.value;
    return content.last_height >= height_ && burnt + content.tip.units() <= content.fee_max.units();
  }

  Took take(const Entry& entry, Share share) {
    if (!payable(entry)) return Took::nothing_of_its_sender;
    const auto lane = static_cast<std::size_t>(entry.lane);
    const std::uint64_t gas = entry.transaction.gas_needed().value;
    const std::size_t bytes = entry_bytes(entry.transaction.bytes());
    if (gas > gas_ || bytes > bytes_) return Took::nothing_now;
    if (share == Share::own && (gas > lane_gas_[lane] || bytes > lane_bytes_[lane])) return Took::nothing_now;
    if (admissible_ && !admissible_(entry.transaction)) {
      refused_.push_back(entry.transaction.id());
      return Took::nothing_of_its_sender;
    }
    gas_ -= gas;
    bytes_ -= bytes;
    lane_gas_[lane] -= std::min(gas, lane_gas_[lane]);
    lane_bytes_[lane] -= std::min(bytes, lane_bytes_[lane]);
    out_.transactions.push_back(entry.transaction);
    return Took::it;
  }

  const Mempool& pool_;
  std::set<Ranked>::const_iterator ranked_;
  std::uint64_t gas_;
  std::size_t bytes_;
  BaseFee base_fee_;
  Height height_;
  const Admissible& admissible_;
  std::array<std::uint64_t, kLanes> lane_gas_{};
  std::array<std::size_t, kLanes> lane_bytes_{};
  std::set<Ranked> waiting_;
  std::vector<TxId> refused_;
  Picked out_;
};

Picked Mempool::pick(Gas gas, std::size_t bytes, BaseFee base_fee, Height height, const Admissible& admissible) const {
  return Filling(*this, gas, bytes, base_fee, height, admissible).run();
}

}  // namespace troupe::chain
