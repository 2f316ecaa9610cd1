#include "actors/chain/logic/mempool.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::chain {
namespace {

using wallet::Wide;

/// Whether `offer` is at least 10 % more.
bool tenth_more(wallet::Amount offer, wallet::Amount held) {
  return Wide{offer.units()} * 10 >= Wide{held.units()} * 11;
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
    case MempoolError::gas: return "gas";
    case MempoolError::funds: return "funds";
    case MempoolError::cheap: return "cheap";
    case MempoolError::full: return "full";
  }
  return "unknown";
}

Mempool::Worth::Worth(const Entry& entry)
    : tip(entry.transaction.content().tip.units()),
      fee_max(entry.transaction.content().fee_max.units()),
      gas(entry.transaction.content().gas.value),
      arrival(entry.arrival) {}

bool Mempool::Worth::operator<(const Worth& other) const {
  const Wide own_tip = Wide{tip} * other.gas, other_tip = Wide{other.tip} * gas;
  if (own_tip != other_tip) return own_tip > other_tip;
  const Wide own_max = Wide{fee_max} * other.gas, other_max = Wide{other.fee_max} * gas;
  if (own_max != other_max) return own_max > other_max;
  return arrival < other.arrival;
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
  if (content.gas < transaction.gas_needed() || content.gas > block_gas) return MempoolError::gas;
  const Place place{content.from, content.nonce};
  const Entry* replaced = held(place);
  const auto queue = queues_.find(content.from);
  if (replaced == nullptr && queue != queues_.end() && queue->second.entries.size() >= kSenderMax)
    return MempoolError::ahead;
  if (replaced != nullptr) {
    const Transaction& other = replaced->transaction.content();
    const bool more = tenth_more(content.tip, other.tip) && tenth_more(content.fee_max, other.fee_max);
    if (!more || content.fee_max == other.fee_max) return MempoolError::cheap;
  }
  if (!covered(content, replaced, standing.payer_balance)) return MempoolError::funds;
  Entry entry{std::move(transaction), lane, arrivals_};
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

/// A block while it is filled: the first entry of each sender waits, the best of them is next.
class Mempool::Filling {
 public:
  Filling(const Mempool& pool, Gas gas, std::size_t bytes, BaseFee base_fee, Height height)
      : pool_(pool), gas_(gas.value), bytes_(bytes), base_fee_(base_fee), height_(height) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      lane_gas_[i] = static_cast<std::uint64_t>(Wide{gas_} * kShare[i] / 100);
      lane_bytes_[i] = static_cast<std::size_t>(Wide{bytes_} * kShare[i] / 100);
    }
    for (const auto& [sender, queue] : pool.queues_)
      if (queue.entries.contains(queue.next)) wait({sender, queue.next});
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
    while (!waiting_.empty()) {
      const Place place = waiting_.begin()->place;
      waiting_.erase(waiting_.begin());
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

  bool payable(const Entry& entry) const {
    const Transaction& content = entry.transaction.content();
    const Wide burnt = std::holds_alternative<Faucet>(content.body)
                           ? Wide{0}
                           : Wide{entry.transaction.gas_needed().value} * base_fee_.value;
    return content.last_height >= height_ && burnt + content.tip.units() <= content.fee_max.units();
  }

  bool take(const Entry& entry, Share share) {
    const auto lane = static_cast<std::size_t>(entry.lane);
    const std::uint64_t gas = entry.transaction.content().gas.value;
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
