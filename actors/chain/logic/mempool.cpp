#include "actors/chain/logic/mempool.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::chain {
namespace {

using wallet::Wide;

bool tenth_more(wallet::Amount offer, wallet::Amount held) {
  return offer > held && Wide{offer.units()} * 10 >= Wide{held.units()} * 11;
}

/// Whether `offer` may take the place of `held`, which has the same nonce.
bool offers_more(const Transaction& offer, const Transaction& held) {
  if (offer.tip < held.tip || offer.fee_max < held.fee_max) return false;
  return offer.tip > held.tip || tenth_more(offer.fee_max, held.fee_max);
}

/// What an entry takes of a block: whole words, and the pointer to them.
std::size_t block_bytes(std::size_t bytes) { return (bytes + 7) / 8 * 8 + 8; }

}  // namespace

Lane lane_of(const Transaction&) { return Lane::payments; }

std::string_view name(MempoolError error) {
  switch (error) {
    case MempoolError::known: return "known";
    case MempoolError::past: return "past";
    case MempoolError::ahead: return "ahead";
    case MempoolError::expired: return "expired";
    case MempoolError::lasting: return "lasting";
    case MempoolError::gas: return "gas";
    case MempoolError::funds: return "funds";
    case MempoolError::cheap: return "cheap";
    case MempoolError::changed: return "changed";
    case MempoolError::full: return "full";
  }
  return "unknown";
}

Mempool::Worth::Worth(const Entry& entry)
    : tip(entry.transaction.content().tip.units()),
      fee_max(entry.transaction.content().fee_max.units()),
      gas(entry.transaction.gas_needed().value),
      arrival(entry.arrival) {}

bool Mempool::Worth::operator<(const Worth& other) const {
  const Wide own_tip = Wide{tip} * other.gas, other_tip = Wide{other.tip} * gas;
  if (own_tip != other_tip) return own_tip > other_tip;
  const Wide own_max = Wide{fee_max} * other.gas, other_max = Wide{other.fee_max} * gas;
  if (own_max != other_max) return own_max > other_max;
  return arrival < other.arrival;
}

bool Mempool::Sizes::fit(std::uint64_t gas_left, std::size_t bytes_left) const {
  return !gas.empty() && *gas.begin() <= gas_left && *bytes.begin() <= bytes_left;
}

const Mempool::Entry* Mempool::held(const Place& place) const {
  const auto queue = queues_.find(place.sender);
  if (queue == queues_.end()) return nullptr;
  const auto entry = queue->second.entries.find(place.nonce);
  return entry == queue->second.entries.end() ? nullptr : &entry->second;
}

bool Mempool::covered(const Transaction& transaction, const Entry* replaced, wallet::Amount balance) const {
  Wide sum = transaction.fee_max.units();
  const auto payer = payers_.find(transaction.payer());
  if (payer != payers_.end()) sum += payer->second.reserved.units();
  if (replaced != nullptr && replaced->transaction.content().payer() == transaction.payer())
    sum -= replaced->transaction.content().fee_max.units();
  return sum <= balance.units();
}

std::set<Mempool::Place> Mempool::from(const Place& place) const {
  std::set<Place> out;
  const auto& entries = queues_.at(place.sender).entries;
  for (auto at = entries.find(place.nonce); at != entries.end(); ++at) out.insert({place.sender, at->first});
  return out;
}

std::optional<std::set<Mempool::Place>> Mempool::room_for(const Entry& entry, const Place& place,
                                                          const Entry* replaced) const {
  std::set<Place> leaving;
  std::size_t count = places_.size() + 1, bytes = bytes_ + entry.transaction.bytes();
  if (replaced != nullptr) {
    --count;
    bytes -= replaced->transaction.bytes();
  }
  for (auto worst = ranked_.rbegin(); count > limits_.count || bytes > limits_.bytes; ++worst) {
    if (worst == ranked_.rend()) return std::nullopt;
    if (worst->place == place || leaving.contains(worst->place)) continue;
    if (worst->place.sender == place.sender || !(Worth(entry) < worst->worth)) return std::nullopt;
    for (const Place& one : from(worst->place)) {
      if (!leaving.insert(one).second) continue;
      --count;
      bytes -= at(one).transaction.bytes();
    }
  }
  return leaving;
}

base::Result<void, MempoolError> Mempool::add(Approved transaction, const Standing& standing, Height height,
                                              Gas block_gas) {
  const Lane lane = lane_of(transaction.content());
  return add(std::move(transaction), lane, standing, height, block_gas);
}

base::Result<void, MempoolError> Mempool::add(Approved transaction, Lane lane, const Standing& standing, Height height,
                                              Gas block_gas) {
  const Transaction& content = transaction.content();
  if (places_.contains(transaction.id())) return MempoolError::known;
  if (content.nonce < standing.next) return MempoolError::past;
  if (content.nonce.value - standing.next.value >= kSenderMax) return MempoolError::ahead;
  if (content.last_height <= height) return MempoolError::expired;
  if (content.last_height.value - height.value > kLifeMax) return MempoolError::lasting;
  if (content.gas != transaction.gas_needed() || content.gas > block_gas) return MempoolError::gas;
  const Place place{content.from, content.nonce};
  const Entry* replaced = held(place);
  const auto queue = queues_.find(content.from);
  if (replaced == nullptr && queue != queues_.end() && queue->second.entries.size() >= kSenderMax)
    return MempoolError::ahead;
  if (replaced != nullptr) {
    if (!offers_more(content, replaced->transaction.content())) return MempoolError::cheap;
    if (replaced->replacements >= kReplacementsMax) return MempoolError::changed;
  }
  if (!covered(content, replaced, standing.payer_balance)) return MempoolError::funds;
  Entry entry{std::move(transaction), lane, arrivals_, replaced == nullptr ? 0 : replaced->replacements + 1};
  const auto leaving = room_for(entry, place, replaced);
  if (!leaving) return MempoolError::full;
  for (const Place& one : *leaving) remove(one);
  if (replaced != nullptr) remove(place);
  ++arrivals_;
  insert(place, std::move(entry));
  Nonce& next = queues_[place.sender].next;
  next = std::max(next, standing.next);
  check();
  return {};
}

base::Result<void, MempoolError> Mempool::add_evidence(base::Bytes evidence) {
  if (evidence_.contains(evidence)) return MempoolError::known;
  if (evidence_.size() >= kEvidencePoolMax || evidence.size() > kEvidenceBytesMax) return MempoolError::full;
  evidence_.insert(std::move(evidence));
  return {};
}

void Mempool::insert(const Place& place, Entry entry) {
  const Transaction& content = entry.transaction.content();
  bytes_ += entry.transaction.bytes();
  places_.emplace(entry.transaction.id(), place);
  ranked_.insert({Worth(entry), place});
  ends_.insert({content.last_height, place});
  Sizes& sizes = sizes_[static_cast<std::size_t>(entry.lane)];
  sizes.gas.insert(entry.transaction.gas_needed().value);
  sizes.bytes.insert(block_bytes(entry.transaction.bytes()));
  Payer& payer = payers_[content.payer()];
  payer.reserved = payer.reserved + content.fee_max;
  payer.places.insert(place);
  queues_[place.sender].entries.emplace(place.nonce, std::move(entry));
}

void Mempool::remove(Place place) {
  const auto queue = queues_.find(place.sender);
  const auto at = queue->second.entries.find(place.nonce);
  const Entry& entry = at->second;
  const Transaction& content = entry.transaction.content();
  bytes_ -= entry.transaction.bytes();
  places_.erase(entry.transaction.id());
  ranked_.erase({Worth(entry), place});
  ends_.erase({content.last_height, place});
  Sizes& sizes = sizes_[static_cast<std::size_t>(entry.lane)];
  sizes.gas.erase(sizes.gas.find(entry.transaction.gas_needed().value));
  sizes.bytes.erase(sizes.bytes.find(block_bytes(entry.transaction.bytes())));
  const auto payer = payers_.find(content.payer());
  payer->second.reserved = payer->second.reserved - content.fee_max;
  payer->second.places.erase(place);
  if (payer->second.places.empty()) payers_.erase(payer);
  queue->second.entries.erase(at);
  if (queue->second.entries.empty()) queues_.erase(queue);
}

void Mempool::settle(const wallet::Address& address, Nonce next, wallet::Amount balance) {
  if (const auto queue = queues_.find(address); queue != queues_.end()) {
    queue->second.next = std::max(queue->second.next, next);
    std::vector<Nonce> past;
    for (const auto& [nonce, entry] : queue->second.entries)
      if (nonce < next) past.push_back(nonce);
    for (const Nonce nonce : past) remove({address, nonce});
  }
  for (auto payer = payers_.find(address); payer != payers_.end() && payer->second.reserved > balance;
       payer = payers_.find(address))
    for (const Place& one : from(*payer->second.places.rbegin())) remove(one);
  check();
}

void Mempool::drop(const TxId& id) {
  const auto place = places_.find(id);
  if (place == places_.end()) return;
  for (const Place& one : from(place->second)) remove(one);
  check();
}

void Mempool::expire(Height height) {
  while (!ends_.empty() && ends_.begin()->first <= height) remove(ends_.begin()->second);
  check();
}

const Approved* Mempool::find(const TxId& id) const {
  const auto place = places_.find(id);
  return place == places_.end() ? nullptr : &at(place->second).transaction;
}

Nonce Mempool::next_free(const wallet::Address& address, Nonce next) const {
  while (held({address, next}) != nullptr) ++next.value;
  return next;
}

/// A block while it is filled. Next is the best of the first entries of senders, by a walk along all that is ranked,
/// and of what waits: what follows an entry that was taken, or was put aside.
class Mempool::Filling {
 public:
  Filling(const Mempool& pool, Gas gas, std::size_t bytes, BaseFee base_fee, Height height)
      : pool_(pool),
        ranked_(pool.ranked_.begin()),
        gas_(gas.value),
        bytes_(bytes),
        base_fee_(base_fee),
        height_(height) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      lane_gas_[i] = static_cast<std::uint64_t>(Wide{gas_} * kShare[i] / 100);
      lane_bytes_[i] = static_cast<std::size_t>(Wide{bytes_} * kShare[i] / 100);
    }
  }

  /// Each lane within its share first, then the best of all.
  Picked run() {
    take_evidence(Share::own);
    take_transactions(Share::own);
    take_evidence(Share::all);
    take_transactions(Share::all);
    return std::move(out_);
  }

 private:
  enum class Share : std::uint8_t { own, all };

  void wait(const Place& place) { waiting_.insert({Worth(pool_.at(place)), place}); }

  void take_evidence(Share share) {
    constexpr auto kLane = static_cast<std::size_t>(Lane::evidence);
    for (const base::Bytes& one : pool_.evidence_) {
      const std::size_t bytes = block_bytes(one.size());
      if (taken_.contains(&one) || bytes > bytes_ || (share == Share::own && bytes > lane_bytes_[kLane])) continue;
      lane_bytes_[kLane] -= std::min(bytes, lane_bytes_[kLane]);
      bytes_ -= bytes;
      taken_.insert(&one);
      out_.evidence.push_back(one);
    }
  }

  void take_transactions(Share share) {
    std::vector<Place> aside;
    while (has_room(share)) {
      const auto next = next_place();
      if (!next) break;
      const Place place = *next;
      const Entry& entry = pool_.at(place);
      if (!payable(entry)) continue;  // and nothing after it, of this sender
      if (!take(entry, share)) {
        aside.push_back(place);
        continue;
      }
      const Place after{place.sender, {place.nonce.value + 1}};
      if (pool_.held(after) != nullptr) wait(after);
    }
    for (const Place& place : aside) wait(place);
  }

  /// Whether the least entry of a lane would fit.
  bool has_room(Share share) const {
    for (std::size_t i = 0; i < kLanes; ++i) {
      const bool own = share == Share::own;
      const std::uint64_t gas = own ? std::min(gas_, lane_gas_[i]) : gas_;
      if (pool_.sizes_[i].fit(gas, own ? std::min(bytes_, lane_bytes_[i]) : bytes_)) return true;
    }
    return false;
  }

  std::optional<Place> next_place() {
    for (; ranked_ != pool_.ranked_.end(); ++ranked_, ++out_.looked)
      if (pool_.queues_.at(ranked_->place.sender).next == ranked_->place.nonce) break;
    const bool walk = ranked_ != pool_.ranked_.end();
    if (!walk && waiting_.empty()) return std::nullopt;
    ++out_.looked;
    if (walk && (waiting_.empty() || *ranked_ < *waiting_.begin())) return (ranked_++)->place;
    return waiting_.extract(waiting_.begin()).value().place;
  }

  bool payable(const Entry& entry) const {
    const Transaction& content = entry.transaction.content();
    const Wide burnt = std::holds_alternative<Faucet>(content.body)
                           ? Wide{0}
                           : Wide{entry.transaction.gas_needed().value} * base_fee_.value;
    return content.last_height >= height_ && burnt + content.tip.units() <= content.fee_max.units();
  }

  bool take(const Entry& entry, Share share) {
    const auto lane = static_cast<std::size_t>(entry.lane);
    const std::uint64_t gas = entry.transaction.gas_needed().value;
    const std::size_t bytes = block_bytes(entry.transaction.bytes());
    if (gas > gas_ || bytes > bytes_) return false;
    if (share == Share::own && (gas > lane_gas_[lane] || bytes > lane_bytes_[lane])) return false;
    gas_ -= gas;
    bytes_ -= bytes;
    lane_gas_[lane] -= std::min(gas, lane_gas_[lane]);
    lane_bytes_[lane] -= std::min(bytes, lane_bytes_[lane]);
    out_.transactions.push_back(entry.transaction);
    return true;
  }

  const Mempool& pool_;
  std::set<Ranked>::const_iterator ranked_;
  std::uint64_t gas_;
  std::size_t bytes_;
  BaseFee base_fee_;
  Height height_;
  std::array<std::uint64_t, kLanes> lane_gas_{};
  std::array<std::size_t, kLanes> lane_bytes_{};
  std::set<Ranked> waiting_;
  std::set<const base::Bytes*> taken_;
  Picked out_;
};

Picked Mempool::pick(Gas gas, std::size_t bytes, BaseFee base_fee, Height height) const {
  return Filling(*this, gas, bytes, base_fee, height).run();
}

void Mempool::check() const {
  base::ensure(places_.size() == ranked_.size() && places_.size() == ends_.size(), "each entry is listed everywhere");
  base::ensure(places_.size() <= limits_.count && bytes_ <= limits_.bytes, "a pool is within its limits");
}

}  // namespace troupe::chain
