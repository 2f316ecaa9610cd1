#include "actors/chain/logic/mempool.hpp"

#include <algorithm>
#include <utility>

#include "runtime/base/ensure.hpp"

namespace troupe::chain {
namespace {

using wallet::Wide;

bool tenth_more(wallet::Amount offer, wallet::Amount held) {
  return offer > held && Wide{offer.units()} * 10 >= Wide{held.units()} * 11;
}

/// Whether `offer` may replace `held`, which has the same nonce.
bool offers_more(const Transaction& offer, const Transaction& held) {
  if (offer.tip < held.tip || offer.fee_max < held.fee_max) return false;
  return offer.tip > held.tip || tenth_more(offer.fee_max, held.fee_max);
}

/// Returns how much less its sender may have afterwards.
Wide spent(const Transaction& content) {
  const auto* transfer = std::get_if<Transfer>(&content.body);
  const Wide amount = transfer == nullptr ? 0 : total_of(*transfer).units();
  return content.fee_payer ? amount : amount + content.fee_max.units();
}

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
    : gapped(false),
      tip(entry.transaction.content().tip.units()),
      fee_max(entry.transaction.content().fee_max.units()),
      gas(entry.transaction.gas_needed().value),
      arrival(entry.arrival) {}

bool Mempool::Worth::operator<(const Worth& other) const {
  if (gapped != other.gapped) return !gapped;
  const Wide own_tip = Wide{tip} * other.gas, other_tip = Wide{other.tip} * gas;
  if (own_tip != other_tip) return own_tip > other_tip;
  const Wide own_max = Wide{fee_max} * other.gas, other_max = Wide{other.fee_max} * gas;
  if (own_max != other_max) return own_max > other_max;
  return arrival < other.arrival;
}

bool Mempool::Ranked::operator<(const Ranked& other) const {
  if (worth < other.worth) return true;
  return !(other.worth < worth) && place < other.place;
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

bool Mempool::covered(const Transaction& transaction, const Entry* replaced, const Standing& standing) const {
  if (spent(transaction) > standing.balance.units()) return false;
  Wide sum = transaction.fee_max.units();
  const auto payer = payers_.find(transaction.payer());
  if (payer != payers_.end()) sum += payer->second.reserved.units();
  if (replaced != nullptr && replaced->transaction.content().payer() == transaction.payer())
    sum -= replaced->transaction.content().fee_max.units();
  return sum <= standing.payer_balance.units();
}

Wide Mempool::own_money(const wallet::Address& owner, wallet::Amount balance) const {
  const auto payer = payers_.find(owner);
  const Wide for_others = payer == payers_.end() ? 0 : payer->second.for_others.units();
  return balance.units() - std::min<Wide>(balance.units(), for_others);
}

std::set<Mempool::Place> Mempool::from(const Place& place) const {
  std::set<Place> out;
  const auto& entries = queues_.at(place.sender).entries;
  for (auto at = entries.find(place.nonce); at != entries.end(); ++at) out.insert({place.sender, at->first});
  return out;
}

std::set<Mempool::Place> Mempool::before(const wallet::Address& sender, Nonce nonce) const {
  std::set<Place> out;
  const auto queue = queues_.find(sender);
  if (queue == queues_.end()) return out;
  for (const auto& [earlier, entry] : queue->second.entries)
    if (earlier < nonce) out.insert({sender, earlier});
  return out;
}

/// Computes the worth of one sender's entries, which must be passed in order.
class Mempool::Descent {
 public:
  Descent(Nonce next, Wide money) : expected_(next), money_(money) {}

  Worth to(Nonce nonce, const Entry& entry) {
    const Worth own(entry);
    if (!least_ || *least_ < own) least_ = own;
    spent_ += spent(entry.transaction.content());
    gapped_ = gapped_ || nonce != expected_ || spent_ > money_;
    expected_ = {nonce.value + 1};
    Worth out = *least_;
    out.gapped = gapped_;
    return out;
  }

 private:
  Nonce expected_;
  Wide money_;
  Wide spent_ = 0;
  std::optional<Worth> least_;
  bool gapped_ = false;
};

std::size_t Mempool::ready(const wallet::Address& sender, Nonce next, Wide money, const Entry* other) const {
  const auto queue = queues_.find(sender);
  if (queue == queues_.end()) return 0;
  Descent descent(next, money);
  std::size_t out = 0;
  for (const auto& [nonce, entry] : queue->second.entries) {
    if (nonce < next) continue;
    const bool here = other != nullptr && other->transaction.content().nonce == nonce;
    if (descent.to(nonce, here ? *other : entry).gapped) break;
    ++out;
  }
  return out;
}

bool Mempool::uncovers(const Entry& entry, const Entry* replaced, const Standing& standing) const {
  const Transaction& content = entry.transaction.content();
  const auto fewer = [&](const wallet::Address& sender, Nonce next, Wide before, Wide after, const Entry* other) {
    return ready(sender, next, after, other) < ready(sender, next, before, nullptr);
  };
  if (replaced != nullptr) {
    const Wide money = own_money(content.from, standing.balance);
    if (fewer(content.from, standing.next, money, money, &entry)) return true;
  }
  const auto payers = queues_.find(content.payer());
  if (!content.fee_payer || payers == queues_.end()) return false;
  const bool paid = replaced != nullptr && replaced->transaction.content().fee_payer == content.fee_payer;
  const Wide more = content.fee_max.units() - (paid ? replaced->transaction.content().fee_max.units() : 0);
  const Wide money = own_money(content.payer(), standing.payer_balance);
  return fewer(content.payer(), payers->second.next, money, money - std::min(money, more), nullptr);
}

Mempool::Worth Mempool::worth_at(const Entry& entry, const Place& place, const Standing& standing) const {
  Descent descent(standing.next, own_money(place.sender, standing.balance));
  if (const auto queue = queues_.find(place.sender); queue != queues_.end())
    for (const auto& [nonce, earlier] : queue->second.entries)
      if (nonce >= standing.next && nonce < place.nonce) (void)descent.to(nonce, earlier);
  return descent.to(place.nonce, entry);
}

std::optional<std::set<Mempool::Place>> Mempool::room_for(const Entry& entry, const Place& place,
                                                          const Standing& standing, const Entry* replaced) const {
  const Worth worth = worth_at(entry, place, standing);
  std::set<Place> leaving = before(place.sender, standing.next);
  if (replaced != nullptr) leaving.insert(place);
  std::size_t count = places_.size() + 1 - leaving.size(), bytes = bytes_ + entry.transaction.bytes();
  for (const Place& one : leaving) bytes -= at(one).transaction.bytes();
  for (auto worst = ranked_.rbegin(); count > limits_.count || bytes > limits_.bytes; ++worst) {
    if (worst == ranked_.rend()) return std::nullopt;
    if (leaving.contains(worst->place)) continue;
    const bool follows = worst->place.sender == place.sender && worst->place.nonce < place.nonce;
    if (follows || !(worth < worst->worth)) return std::nullopt;
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
  auto way = entrance(std::move(transaction), lane, standing, height, block_gas);
  if (!way.ok()) return way.error();
  auto& [entry, now, leaving] = way.value();
  remove(leaving);
  ++arrivals_;
  const Transaction& content = entry.transaction.content();
  const Place place{content.from, content.nonce};
  insert(place, std::move(entry), now);
  check();
  return {};
}

base::Result<void, MempoolError> Mempool::would_add(const Approved& transaction, const Standing& standing,
                                                    Height height, Gas block_gas) const {
  const auto way = entrance(transaction, lane_of(transaction.content()), standing, height, block_gas);
  if (!way.ok()) return way.error();
  return {};
}

base::Result<Mempool::Entrance, MempoolError> Mempool::entrance(Approved transaction, Lane lane,
                                                                const Standing& standing, Height height,
                                                                Gas block_gas) const {
  const Transaction& content = transaction.content();
  if (places_.contains(transaction.id())) return MempoolError::known;
  const auto queue = queues_.find(content.from);
  Standing now = standing;
  if (queue != queues_.end()) now.next = std::max(now.next, queue->second.next);
  if (const auto why = refusal(content, now.next, height)) return *why;
  if (content.gas != transaction.gas_needed() || content.gas > block_gas) return MempoolError::gas;
  const Place place{content.from, content.nonce};
  const Entry* replaced = held(place);
  if (!covered(content, replaced, now)) return MempoolError::funds;
  Entry entry{std::move(transaction), lane, arrivals_, replaced == nullptr ? 0 : replaced->replacements + 1};
  if (uncovers(entry, replaced, now)) return MempoolError::funds;
  auto leaving = room_for(entry, place, now, replaced);
  if (!leaving) return MempoolError::full;
  return Entrance{std::move(entry), now, std::move(*leaving)};
}

/// Returns why its content or its sender's transactions here rule it out. `next`: the sender's next nonce.
std::optional<MempoolError> Mempool::refusal(const Transaction& content, Nonce next, Height height) const {
  if (content.nonce < next) return MempoolError::past;
  if (content.nonce.value - next.value >= kSenderMax) return MempoolError::ahead;
  if (content.last_height <= height) return MempoolError::expired;
  if (content.last_height.value - height.value > kLifeMax) return MempoolError::lasting;
  const Entry* const replaced = held({content.from, content.nonce});
  const auto queue = queues_.find(content.from);
  if (replaced == nullptr && queue != queues_.end() && queue->second.entries.size() >= kSenderMax)
    return MempoolError::ahead;
  if (replaced == nullptr) return std::nullopt;
  if (!offers_more(content, replaced->transaction.content())) return MempoolError::cheap;
  if (replaced->replacements >= kReplacementsMax) return MempoolError::changed;
  return std::nullopt;
}

bool Mempool::is_of_no_use(const Transaction& content, Height height) const {
  const auto queue = queues_.find(content.from);
  return content.last_height <= height ||
         (queue != queues_.end() && refusal(content, queue->second.next, height).has_value());
}

bool Mempool::gapped(const TxId& id) const {
  const auto at = places_.find(id);
  return at != places_.end() && at->second.entry->ranked->gapped;
}

void Mempool::insert(const Place& place, Entry entry, const Standing& standing) {
  const Transaction& content = entry.transaction.content();
  bytes_ += entry.transaction.bytes();
  ends_.insert({content.last_height, place});
  Sizes& sizes = sizes_[static_cast<std::size_t>(entry.lane)];
  sizes.gas.insert(entry.transaction.gas_needed().value);
  sizes.bytes.insert(entry_bytes(entry.transaction.bytes()));
  Payer& payer = payers_[content.payer()];
  payer.reserved = payer.reserved + content.fee_max;
  if (content.fee_payer) payer.for_others = payer.for_others + content.fee_max;
  payer.places.insert(place);
  Queue& queue = queues_[place.sender];
  queue.next = standing.next;
  queue.balance = standing.balance;
  const Entry& held = queue.entries.emplace(place.nonce, std::move(entry)).first->second;
  places_.emplace(held.transaction.id(), Listed{place, &held});
  rank(place.sender);
  // The payer's own payments now have less money.
  if (held.transaction.content().fee_payer) rank(held.transaction.content().payer());
}

void Mempool::rank(const wallet::Address& sender) {
  const auto queue = queues_.find(sender);
  if (queue == queues_.end()) return;
  Descent descent(queue->second.next, own_money(sender, queue->second.balance));
  for (auto& [nonce, entry] : queue->second.entries) {
    const Worth now = descent.to(nonce, entry);
    if (entry.ranked && !(*entry.ranked < now) && !(now < *entry.ranked)) continue;
    if (entry.ranked) ranked_.erase({*entry.ranked, {sender, nonce}});
    entry.ranked = now;
    ranked_.insert({now, {sender, nonce}});
  }
}

void Mempool::remove(const std::set<Place>& places) {
  std::set<wallet::Address> changed;
  for (const Place& place : places) {
    changed.insert({place.sender, at(place).transaction.content().payer()});
    erase(place);
  }
  for (const wallet::Address& address : changed) rank(address);
}

void Mempool::erase(const Place& place) {
  const auto queue = queues_.find(place.sender);
  const auto at = queue->second.entries.find(place.nonce);
  const Entry& entry = at->second;
  const Transaction& content = entry.transaction.content();
  bytes_ -= entry.transaction.bytes();
  places_.erase(entry.transaction.id());
  ranked_.erase({*entry.ranked, place});
  ends_.erase({content.last_height, place});
  Sizes& sizes = sizes_[static_cast<std::size_t>(entry.lane)];
  sizes.gas.erase(sizes.gas.find(entry.transaction.gas_needed().value));
  sizes.bytes.erase(sizes.bytes.find(entry_bytes(entry.transaction.bytes())));
  const auto payer = payers_.find(content.payer());
  payer->second.reserved = payer->second.reserved - content.fee_max;
  if (content.fee_payer) payer->second.for_others = payer->second.for_others - content.fee_max;
  payer->second.places.erase(place);
  if (payer->second.places.empty()) payers_.erase(payer);
  queue->second.entries.erase(at);
  if (queue->second.entries.empty()) queues_.erase(queue);
}

void Mempool::settle(const wallet::Address& address, Nonce next, wallet::Amount balance) {
  if (const auto queue = queues_.find(address); queue != queues_.end()) {
    queue->second.next = std::max(queue->second.next, next);
    queue->second.balance = balance;
    remove(before(address, queue->second.next));
    rank(address);  // even if none was past: a gap may have closed or opened
  }
  remove(unpaid(address, balance));
  check();
}

std::set<Mempool::Place> Mempool::unpaid(const wallet::Address& address, wallet::Amount balance) const {
  std::set<Place> out;
  const auto payer = payers_.find(address);
  if (payer == payers_.end()) return out;
  wallet::Amount left = payer->second.reserved;
  for (auto last = payer->second.places.rbegin(); left > balance; ++last)
    for (const Place& one : from(*last)) {
      const Transaction& content = at(one).transaction.content();
      if (out.insert(one).second && content.payer() == address) left = left - content.fee_max;
    }
  return out;
}

void Mempool::drop(const TxId& id) {
  const auto place = places_.find(id);
  if (place == places_.end()) return;
  remove(from(place->second.place));
  check();
}

void Mempool::expire(Height height) {
  std::set<Place> past;
  for (auto end = ends_.begin(); end != ends_.end() && end->first <= height; ++end) past.insert(end->second);
  remove(past);
  check();
}

const Approved* Mempool::find(const TxId& id) const {
  const auto place = places_.find(id);
  return place == places_.end() ? nullptr : &place->second.entry->transaction;
}

const Approved* Mempool::find(const wallet::Address& sender, Nonce nonce) const {
  const Entry* const entry = held({sender, nonce});
  return entry == nullptr ? nullptr : &entry->transaction;
}

std::vector<const Approved*> Mempool::some(const Cursor& from, std::size_t most) const {
  std::vector<const Approved*> out;
  for (auto queue = queues_.lower_bound(from.sender); queue != queues_.end(); ++queue) {
    const auto& entries = queue->second.entries;
    auto entry = queue->first == from.sender ? entries.lower_bound(from.nonce) : entries.begin();
    for (; entry != entries.end(); ++entry) {
      if (out.size() == most) return out;
      out.push_back(&entry->second.transaction);
    }
  }
  return out;
}

std::vector<TxId> Mempool::take_ready(const wallet::Address& sender) {
  std::vector<TxId> out;
  const auto queue = queues_.find(sender);
  if (queue == queues_.end()) return out;
  for (auto& [nonce, entry] : queue->second.entries) {
    if (entry.ranked->gapped) break;
    if (!std::exchange(entry.taken, true)) out.push_back(entry.transaction.id());
  }
  return out;
}

Nonce Mempool::next_free(const wallet::Address& address, Nonce next) const {
  while (held({address, next}) != nullptr) ++next.value;
  return next;
}

void Mempool::check() const {
  base::ensure(places_.size() == ranked_.size() && places_.size() == ends_.size(), "each entry is listed everywhere");
  base::ensure(places_.size() <= limits_.count && bytes_ <= limits_.bytes, "a pool is within its limits");
}

}  // namespace troupe::chain
