#include "actors/dht/logic/republish.hpp"

#include <algorithm>
#include <utility>

#include "actors/dht/logic/record.hpp"
#include "runtime/base/address_group.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::dht {
namespace {

using base::append;
using base::append_date;
using base::FieldReader;

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::uint8_t kCursorVersion = 1;
constexpr std::uint8_t kCursorKey = 0;
constexpr std::uint8_t kUnderReplicatedBit = 128;

/// Returns the leading 32 bits: finer than a millisecond of any period.
std::uint64_t leading(const Key& key) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) out = out << 8 | key.bytes[i];
  return out;
}

/// Returns the key after `key`, or nullopt after the highest key.
std::optional<Key> successor(Key key) {
  for (std::size_t i = Key::kBytes; i-- > 0;)
    if (++key.bytes[i] != 0) return key;
  return std::nullopt;
}

base::Bytes under_replicated_key(const Item& item) {
  base::Bytes out = Republish::row_key(item);
  out.front() |= kUnderReplicatedBit;
  return out;
}

}  // namespace

std::uint64_t sequence_in(const Item& item, base::ByteView row) {
  if (item.what != Published::kv) return 0;
  const auto record = parse(row);
  return record.ok() ? sequence_of(record.value()) : 0;
}

Republish::Republish(RepublishSettings settings, base::WallTime wall)
    : settings_(settings), region_bits_(settings.region_bits_min), cursor_{wall - settings.period, {}}, settled_(wall) {
  base::ensure(settings.period >= std::chrono::seconds(1) && settings.period <= kPeriodMax,
               "a period is within limits");
  base::ensure(settings.region_items_max > 0, "a region can have an item");
}

bool Republish::has_room(const Item& item) const {
  const std::size_t kept = item.what == Published::provider ? settings_.items_max / base::kReservePart : 0;
  return items_.size() < settings_.items_max - kept;
}

base::Duration Republish::offset(const Key& key) const {
  const auto period = static_cast<std::uint64_t>(settings_.period.count());
  return milliseconds(static_cast<std::int64_t>((period * leading(key)) >> 32));
}

/// Returns the position of the first item that the sweep meets, in this cycle or the next.
std::optional<Republish::Cursor> Republish::pending() const {
  if (items_.empty()) return std::nullopt;
  const auto found = items_.lower_bound({cursor_.next, {}});
  if (found != items_.end()) return Cursor{cursor_.cycle, found->first.key};
  return Cursor{cursor_.cycle + settings_.period, items_.begin()->first.key};
}

Republish::Cursor Republish::after(const Cursor& cursor, const Key& last) const {
  if (const auto next = successor(last)) return {cursor.cycle, *next};
  return {cursor.cycle + settings_.period, {}};
}

/// Keeps the cursor within a period of `wall`, whatever the clock did, and however long the node was down.
void Republish::settle(base::WallTime wall) {
  const base::WallTime at = due(cursor_);
  if (at > wall + settings_.period) cursor_.cycle = wall - offset(cursor_.next);
  if (at < wall - settings_.period) cursor_.cycle = wall - settings_.period - offset(cursor_.next);
  if (blocked_until_ > wall + settings_.retry_max) blocked_until_ = wall;
  for (auto& [name, retry] : retries_) retry.not_before = std::min(retry.not_before, wall + settings_.retry_max);
  under_replicated_.not_before = std::min(under_replicated_.not_before, wall + settings_.retry_min);
  under_replicated_.since = std::min(under_replicated_.since, wall);
  if (wall < settled_) {
    const auto items = under_replicated_.items;
    for (const auto& [item, wait] : items)
      put_off(item, {wait.tries, std::min(wait.until, wall + wait_after(wait.tries, settings_.period))});
  }
  settled_ = wall;
}

RowChange Republish::rows_read(base::WallTime wall) {
  awaits_rows_ = false;
  withdrawn_.clear();
  if (rows_found_) return {};
  set_cursor(wall);
  return items_.empty() ? RowChange() : RowChange{.save = {cursor_row()}, .erase = {}};
}

/// Skips empty key space up to `wall`, so that items added there do not count as overdue.
void Republish::skip_to(base::WallTime wall) {
  if (awaits_rows_) return;  // which keys are empty is not known yet
  settle(wall);
  const auto first = pending();
  if (under_way_ || (first && due(*first) <= wall)) return;
  set_cursor(wall);
}

/// Sets the cursor as if the sweep had done all keys that were due.
void Republish::set_cursor(base::WallTime wall) {
  const auto passed = duration_cast<milliseconds>(wall - cursor_.cycle);
  if (passed.count() < 0) return;
  cursor_.cycle = cursor_.cycle + settings_.period * (passed / settings_.period);
  const auto rest = static_cast<std::uint64_t>((passed % settings_.period).count());
  const std::uint64_t place = (rest << 32) / static_cast<std::uint64_t>(settings_.period.count());
  Key next;
  for (std::size_t i = 0; i < 4; ++i) next.bytes[i] = static_cast<std::uint8_t>(place >> (24 - 8 * i));
  cursor_.next = next;
}

base::Result<store::Row, PublishError> Republish::add(const Item& item, base::ByteView payload, base::WallTime wall) {
  const std::uint64_t sequence = sequence_in(item, payload);
  const auto present = items_.find(item);
  if (present == items_.end() && !has_room(item)) return PublishError::full;
  if (present != items_.end() && sequence < present->second) return PublishError::older;
  skip_to(wall);
  items_.insert_or_assign(item, sequence);
  withdrawn_.erase(item);
  return store::Row{row_key(item), {payload.begin(), payload.end()}};
}

RowChange Republish::add_under_replicated(const Item& item, base::WallTime wall) {
  if (!items_.contains(item)) return {};
  if (under_replicated_.items.empty()) under_replicated_.since = wall;
  put_off(item, {0, wall + settings_.retry_min});
  // A region in progress may publish its previous version at this moment.
  if (under_way_) std::erase(under_way_->items, item);
  return {.save = {{under_replicated_key(item), {}}}, .erase = {}};
}

void Republish::put_off(const Item& item, Wait wait) {
  take_under_replicated(item);
  under_replicated_.items.emplace(item, wait);
  under_replicated_.order.emplace(wait.until, item);
}

bool Republish::take_under_replicated(const Item& item) {
  const auto known = under_replicated_.items.find(item);
  if (known == under_replicated_.items.end()) return false;
  under_replicated_.order.erase({known->second.until, item});
  under_replicated_.items.erase(known);
  return true;
}

RowChange Republish::remove(const Item& item) {
  RowChange out;
  const bool known = items_.erase(item) > 0;
  const bool noted = take_under_replicated(item);
  if (known || awaits_rows_) out.erase.push_back(row_key(item));
  if (noted || awaits_rows_) out.erase.push_back(under_replicated_key(item));
  if (awaits_rows_ && withdrawn_.size() < settings_.items_max) withdrawn_.insert(item);
  return out;
}

std::uint64_t Republish::sequence(const Item& item) const {
  const auto known = items_.find(item);
  return known == items_.end() ? 0 : known->second;
}

std::uint64_t Republish::sequence_max() const {
  std::uint64_t out = 0;
  for (const auto& [item, sequence] : items_) out = std::max(out, sequence);
  return out;
}

std::vector<Key> Republish::keys(Published what, const std::optional<Key>& behind, std::size_t max) const {
  std::vector<Key> out;
  for (auto item = behind ? items_.upper_bound({*behind, Published::provider}) : items_.begin();
       item != items_.end() && out.size() < max; ++item) {
    if (item->first.what == what) out.push_back(item->first.key);
  }
  return out;
}

void Republish::set_region_bits(unsigned bits) {
  region_bits_ = std::clamp(bits, std::min(settings_.region_bits_min, kRegionBitsMax), kRegionBitsMax);
}

Key Republish::region_begin(const Key& key) const {
  Key out = key;
  for (std::size_t bit = region_bits_; bit < 8 * Key::kBytes; ++bit)
    out.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> bit % 8));
  return out;
}

Key Republish::region_end(const Key& key) const {
  Key out = key;
  for (std::size_t bit = region_bits_; bit < 8 * Key::kBytes; ++bit)
    out.bytes[bit / 8] |= static_cast<std::uint8_t>(0x80u >> bit % 8);
  return out;
}

Republish::Retries::const_iterator Republish::ripe() const {
  return std::min_element(retries_.begin(), retries_.end(),
                          [](const auto& a, const auto& b) { return a.second.not_before < b.second.not_before; });
}

std::optional<base::WallTime> Republish::wake_at() const {
  if (under_way_) return std::nullopt;
  std::optional<base::WallTime> out;
  if (const auto first = pending()) out = std::max(due(*first), blocked_until_);
  if (const auto retry = ripe(); retry != retries_.end())
    out = std::min(out.value_or(base::WallTime::max()), retry->second.not_before);
  if (!under_replicated_.order.empty())
    out = std::min(out.value_or(base::WallTime::max()),
                   std::max(under_replicated_.order.begin()->first, under_replicated_.not_before));
  return out;
}

std::optional<Region> Republish::next(base::WallTime wall) {
  if (under_way_) return std::nullopt;
  settle(wall);
  // In turn, so that neither has to wait for all of the other's work.
  std::optional<Region> out = last_ == Turn::sweep ? next_under_replicated(wall) : next_of_sweep(wall);
  if (!out) out = last_ == Turn::sweep ? next_of_sweep(wall) : next_under_replicated(wall);
  if (out) last_ = out->turn;
  return out;
}

std::optional<Region> Republish::next_of_sweep(base::WallTime wall) {
  for (auto found = ripe(); found != retries_.end() && found->second.not_before <= wall; found = ripe()) {
    const Retry retry = found->second;
    retries_.erase(found);
    Region region = try_again(retry, wall);
    if (!region.items.empty()) return region;  // otherwise all of it was removed
  }
  const auto first = pending();
  if (!first || due(*first) > wall || blocked_until_ > wall) return std::nullopt;
  cursor_ = *first;  // no item is between them
  return start(*first, region_end(first->next), wall);
}

Region Republish::start(const Cursor& from, const Key& last, base::WallTime wall) {
  Region out{Turn::sweep, from.next, last, {}, std::max(wall - due(from), base::Duration::zero())};
  for (auto item = items_.lower_bound({from.next, {}}); item != items_.end() && item->first.key <= last; ++item) {
    if (out.items.size() >= settings_.region_items_max && item->first.key != out.items.back().key) {
      out.last = out.items.back().key;
      break;
    }
    out.items.push_back(item->first);
  }
  under_way_ = UnderWay{Turn::sweep, from, out.last, 0, out.items};
  return out;
}

/// Leaves nothing in progress if no item is left.
Region Republish::try_again(const Retry& retry, base::WallTime wall) {
  Region out{Turn::sweep, retry.from.next, retry.last, {}, std::max(wall - due(retry.from), base::Duration::zero())};
  for (const Item& item : retry.items)
    if (items_.contains(item)) out.items.push_back(item);
  if (!out.items.empty()) under_way_ = UnderWay{Turn::sweep, retry.from, retry.last, retry.tries, out.items};
  return out;
}

std::optional<Region> Republish::next_under_replicated(base::WallTime wall) {
  const auto& order = under_replicated_.order;
  if (order.empty() || order.begin()->first > wall || under_replicated_.not_before > wall) return std::nullopt;
  const Key key = order.begin()->second.key;
  Region out{Turn::under_replicated, region_begin(key), region_end(key), {}, base::Duration::zero()};
  for (auto one = under_replicated_.items.lower_bound({out.first, {}});
       one != under_replicated_.items.end() && one->first.key <= out.last &&
       out.items.size() < settings_.region_items_max;
       ++one)
    if (one->second.until <= wall) out.items.push_back(one->first);
  under_way_ = UnderWay{Turn::under_replicated, {}, out.last, 0, out.items};
  return out;
}

/// Zero tries: the shortest wait.
base::Duration Republish::wait_after(unsigned tries, milliseconds max) const {
  return std::min<milliseconds>(settings_.retry_min * (std::int64_t{1} << std::min(tries, 16u)), max);
}

RowChange Republish::end_under_replicated(const std::vector<Item>& tried, const std::set<Item>& failed,
                                          base::WallTime wall) {
  RowChange out;
  for (const Item& item : tried) {
    const auto known = under_replicated_.items.find(item);
    if (known == under_replicated_.items.end()) continue;  // removed since
    const unsigned tries = known->second.tries + 1;
    if (failed.contains(item)) put_off(item, {tries, wall + wait_after(tries, settings_.period)});
    else placed(item, out, wall);
  }
  return out;
}

/// Saves the cursor, and erases the notes of items that are no longer under-replicated.
RowChange Republish::end_sweep(const std::vector<Item>& tried, const std::set<Item>& failed, base::WallTime wall) {
  settle(wall);
  RowChange out{.save = {cursor_row()}, .erase = {}};
  for (const Item& item : tried)
    if (!failed.contains(item)) placed(item, out, wall);
  return out;
}

/// Notes that other nodes have it.
void Republish::placed(const Item& item, RowChange& rows, base::WallTime wall) {
  if (!take_under_replicated(item)) return;
  under_replicated_.since = wall;
  rows.erase.push_back(under_replicated_key(item));
}

/// Advances the sweep past it.
void Republish::pass(const UnderWay& what) {
  if (what.tries == 0) {
    cursor_ = after(what.from, what.last);
    drop_retries(what.from.next, what.last);
  }
}

RowChange Republish::done(base::WallTime wall) {
  base::ensure(under_way_.has_value(), "a region that is done was in progress");
  const UnderWay what = *std::exchange(under_way_, std::nullopt);
  if (what.turn == Turn::under_replicated) return end_under_replicated(what.items, {}, wall);
  pass(what);
  return end_sweep(what.items, {}, wall);
}

RowChange Republish::failed(const std::set<Item>& items, base::WallTime wall) {
  base::ensure(under_way_.has_value(), "a region that failed was in progress");
  base::ensure(!items.empty(), "a region that failed has a failed item");
  const UnderWay what = *std::exchange(under_way_, std::nullopt);
  if (what.turn == Turn::under_replicated) return end_under_replicated(what.items, items, wall);
  const base::WallTime again = wall + wait_after(what.tries, settings_.retry_max);
  if (what.tries == 0) {
    drop_retries(what.from.next, what.last);
    if (retries_.size() >= settings_.retries_max) {
      blocked_until_ = again;
      return end_sweep(what.items, items, wall);
    }
    cursor_ = after(what.from, what.last);
  }
  retries_.insert_or_assign({due(what.from), what.from.next},
                            Retry{what.from, what.last, what.tries + 1, again, items});
  return end_sweep(what.items, items, wall);
}

RowChange Republish::met_nobody(base::WallTime wall) {
  base::ensure(under_way_.has_value(), "a region that met no other node was in progress");
  const UnderWay what = *std::exchange(under_way_, std::nullopt);
  under_replicated_.not_before = wall + settings_.retry_min;
  if (what.turn == Turn::under_replicated) return {};
  pass(what);
  RowChange out = end_sweep({}, {}, wall);
  for (const Item& item : what.items)
    for (store::Row& row : add_under_replicated(item, wall).save) out.save.push_back(std::move(row));
  return out;
}

/// Drops failures of the previous period, because the sweep has come round to them.
void Republish::drop_retries(const Key& first, const Key& last) {
  std::erase_if(retries_,
                [&](const auto& named) { return named.second.from.next >= first && named.second.last <= last; });
}

base::Duration Republish::late(base::WallTime wall) const {
  base::WallTime oldest = wall;
  if (under_way_ && under_way_->turn == Turn::sweep) oldest = std::min(oldest, due(under_way_->from));
  else if (const auto first = pending()) oldest = std::min(oldest, due(*first));
  if (!retries_.empty()) oldest = std::min(oldest, due(retries_.begin()->second.from));
  return std::max(wall - oldest, untaken(wall));
}

base::Duration Republish::untaken(base::WallTime wall) const {
  return under_replicated_.items.empty() ? base::Duration::zero()
                                         : std::max(wall - under_replicated_.since, base::Duration::zero());
}

base::Bytes Republish::row_key(const Item& item) {
  base::Bytes out{static_cast<std::uint8_t>(item.what)};
  append(out, item.key.view());
  return out;
}

store::Row Republish::cursor_row() const {
  Cursor oldest = cursor_;
  // Keys due in one millisecond may be on either side of the cursor: then the retry is older.
  if (!retries_.empty() && due(retries_.begin()->second.from) <= due(cursor_)) oldest = retries_.begin()->second.from;
  store::Row out{{kCursorKey}, {kCursorVersion}};
  append_date(out.value, oldest.cycle);
  append(out.value, oldest.next.view());
  return out;
}

std::optional<Republish::Cursor> Republish::read_cursor(base::ByteView row_key, base::ByteView row) {
  FieldReader key(row_key), in(row);
  const bool named = key.number<std::uint8_t>() == kCursorKey && key.ended();
  const auto version = in.number<std::uint8_t>();
  Cursor out;
  out.cycle = in.date();
  out.next = in.fixed<Key>();
  return named && in.ended() && version == kCursorVersion ? std::optional(out) : std::nullopt;
}

std::optional<Item> Republish::read_under_replicated(base::ByteView row_key, base::ByteView row) {
  if (row_key.empty() || (row_key.front() & kUnderReplicatedBit) == 0 || !row.empty()) return std::nullopt;
  base::Bytes plain(row_key.begin(), row_key.end());
  plain.front() &= static_cast<std::uint8_t>(~kUnderReplicatedBit);
  return read_row_key(plain);
}

bool Republish::is_note(base::ByteView row_key, base::ByteView row) {
  return read_cursor(row_key, row) || read_under_replicated(row_key, row);
}

std::optional<Item> Republish::read_row_key(base::ByteView row_key) {
  FieldReader key(row_key);
  const auto what = key.number<std::uint8_t>();
  const Item out{key.fixed<Key>(), static_cast<Published>(what)};
  const bool known = what != 0 && what <= static_cast<std::uint8_t>(Published::provider);
  return key.ended() && known ? std::optional(out) : std::nullopt;
}

base::Result<void, RowError> Republish::load(base::ByteView row_key, base::ByteView row, base::WallTime wall) {
  rows_found_ = true;
  if (const auto read = read_cursor(row_key, row)) {
    cursor_ = *read;
    settle(wall);
    return {};
  }
  if (const auto item = read_under_replicated(row_key, row)) {
    if (!items_.contains(*item)) return RowError::corrupt;  // rows come in order, and the item's own row is first
    add_under_replicated(*item, wall);
    return {};
  }
  const auto item = read_row_key(row_key);
  if (!item) return RowError::corrupt;
  if (withdrawn_.contains(*item)) return RowError::expired;
  if (!items_.contains(*item) && !has_room(*item)) return RowError::full;
  items_.try_emplace(*item, sequence_in(*item, row));  // an item put since stays: its row replaces this one
  return {};
}

}  // namespace troupe::dht
