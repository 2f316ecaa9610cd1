#include "actors/raft/kv_history.hpp"

#include "runtime/base/big_endian.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::raft {
namespace {

constexpr std::uint32_t kFindRows = 256, kFindBytes = 1u << 20;
constexpr char kIndex = 'i', kPart = 'p';

/// Prefix of all blocks of a group, for any incarnation.
base::Bytes group_prefix(char kind, const std::string& group) {
  base::Bytes out{static_cast<std::uint8_t>(kind)};
  base::append(out, base::as_bytes(group));
  out.push_back(0);
  return out;
}

store::Rows::Setup rows_setup(const RaftSettings& settings, const std::string& group) {
  return {.store = settings.store,
          .keyspace = "raft-history",
          .what = "past revisions of a group's keys",
          .source = "raft.history",
          .leave = kHistoryLeaves,
          .prefix = group_prefix(kIndex, group)};
}

}  // namespace

KvHistory::KvHistory(runtime::Actor& owner, SharedSettings settings, const std::string& group)
    : Part(owner),
      settings_(std::move(settings)),
      group_(group),
      rows_(owner, rows_setup(*settings_, group)),
      history_(fresh({})) {}

kv::History KvHistory::fresh(kv::Revision start) const {
  return kv::History(start, {.changes_max = settings_->revisions_max,
                             .memory_bytes_max = settings_->revision_bytes_max,
                             .disk_bytes_max = settings_->store.empty() ? 0 : settings_->history_bytes_max});
}

void KvHistory::receive(runtime::Handlers& on) {
  rows_.receive<RowsAgain>(on);
  on.timer<FindAgain>([this] { find(group_prefix(kIndex, group_)); });
  on.timer<LoadAgain>([this] { load_next(); });
}

base::Bytes KvHistory::key(char kind, std::uint64_t incarnation, kv::Revision first) const {
  base::Bytes out = group_prefix(kind, group_);
  base::append_big_endian(out, incarnation);
  base::append_big_endian(out, first.value);
  return out;
}

base::Bytes KvHistory::part_key(std::uint64_t incarnation, kv::Revision first, std::uint32_t part) const {
  base::Bytes out = key(kPart, incarnation, first);
  base::append_big_endian(out, part);
  return out;
}

void KvHistory::erase_block(store::RowChange& change, std::uint64_t incarnation,
                            const kv::History::Erased& block) const {
  change.erase.push_back(key(kIndex, incarnation, block.first));
  for (std::uint32_t part = 0; part < block.parts; ++part)
    change.erase.push_back(part_key(incarnation, block.first, part));
}

// -- blocks that an earlier run stored --------------------------------------------------------------------------------

void KvHistory::begin(std::uint64_t incarnation, kv::Revision start, kv::Revision oldest) {
  ++run_;
  incarnation_ = incarnation;
  machine_oldest_ = oldest;
  history_ = fresh(start);
  ready_ = writing_ = false;
  loading_.reset();
  for (auto& done : std::exchange(settled_, {})) done();
  for (auto& done : std::exchange(settling_, {})) done();
  for (auto& [block, waiting] : std::exchange(loads_, {}))
    for (auto& done : waiting) done();
  if (settings_->store.empty()) ready_ = true;
  else find(group_prefix(kIndex, group_));
}

/// Reads all index rows of this group, page by page.
void KvHistory::find(base::Bytes from) {
  if (ready_) return;
  const std::size_t prefix = group_prefix(kIndex, group_).size();
  if (from.size() == prefix) {
    found_.clear();
    useless_ = {};
  }
  rows_.scan(from, kFindRows, kFindBytes, [this, run = run_, prefix](const base::Outcome<store::Rows::Page>& page) {
    if (run != run_) return;
    if (!page.ok()) return after<FindAgain>(kHistoryRetry);
    for (const auto row : page.value().rows) {
      const base::ByteView key{row.getKey().begin(), row.getKey().size()};
      if (key.size() != prefix + 16) continue;
      const std::uint64_t incarnation = base::big_endian(key.subspan(prefix, 8));
      const kv::Revision first{base::big_endian(key.subspan(prefix + 8))};
      auto index = kv::decode_block_index({row.getValue().begin(), row.getValue().size()});
      const bool sound = index && index->first == first;
      if (sound && incarnation == incarnation_) found_.push_back(std::move(*index));
      else erase_block(useless_, incarnation, {first, sound ? index->parts : 0});
    }
    if (page.value().next) return find(*page.value().next);
    found();
  });
}

void KvHistory::found() {
  ready_ = true;
  if (!found_.empty()) world().mutations.sometimes("raft: a history was found on the disk again");
  history_.restore(std::exchange(found_, {}), machine_oldest_);
  write(false);
  load_next();
}

// -- changes ---------------------------------------------------------------------------------------------------------

void KvHistory::add(const std::vector<kv::Changed>& changes) {
  history_.add(changes);
  if (history_.wants_disk()) write(false);
}

void KvHistory::compact(kv::Revision oldest) {
  machine_oldest_ = oldest;
  history_.compact(oldest);
}

void KvHistory::settle(base::Callback<void()> done) {
  if (!ready_ || settings_->store.empty()) return done();
  settling_.push_back(std::move(done));
  write(true);
}

void KvHistory::write(bool all) {
  if (!ready_ || writing_ || settings_->store.empty() || (!all && now() < write_at_)) return;
  store::RowChange change = std::exchange(useless_, {});
  for (const auto& block : history_.erased()) erase_block(change, incarnation_, block);
  for (kv::History::Unsaved& block : history_.unsaved(all)) {
    const base::ByteView bytes = block.bytes;
    for (std::uint32_t part = 0; part < block.index.parts; ++part) {
      const base::ByteView rest = bytes.subspan(part * kv::kBlockPartBytes);
      const base::ByteView piece = rest.first(std::min(rest.size(), kv::kBlockPartBytes));
      change.save.push_back({part_key(incarnation_, block.index.first, part), {piece.begin(), piece.end()}});
    }
    // The index follows its parts, so an interrupted commit leaves no index of missing parts.
    change.save.push_back({key(kIndex, incarnation_, block.index.first), encode(block.index)});
  }
  for (auto& done : std::exchange(settling_, {})) settled_.push_back(std::move(done));
  if (change.empty()) return written(true);
  writing_ = true;
  const bool saves = !change.save.empty();
  // An erased key may be saved again later, so erasing and saving are separate commits.
  auto next = std::make_shared<store::RowChange>();
  if (!change.erase.empty()) next->save = std::exchange(change.save, {});
  rows_.save(
      std::make_shared<const store::RowChange>(std::move(change)),
      [this, run = run_, next, saves](const base::Outcome<void>& done) {
        if (run != run_) return;
        if (next->save.empty()) return written(done.ok() || !saves);
        rows_.save(
            next,
            [this, run](const base::Outcome<void>& saved) {
              if (run == run_) written(saved.ok());
            },
            {}, store::Whose::strangers);
      },
      {}, store::Whose::strangers);
}

void KvHistory::written(bool stored) {
  writing_ = false;
  if (!stored) {
    write_at_ = now() + kHistoryRetry;
    ++settings_->counters->history_lost;
    world().mutations.sometimes("raft: past revisions could not be stored");
  }
  if (history_.saving()) history_.saved(stored);
  for (auto& done : std::exchange(settled_, {})) done();
  if (stored && (!settling_.empty() || history_.wants_disk())) write(!settling_.empty());
  else
    for (auto& done : std::exchange(settling_, {})) done();
}

// -- reads -----------------------------------------------------------------------------------------------------------

void KvHistory::get(kv::Lookup ask, const kv::Row* present,
                    base::Callback<void(base::Result<kv::Value, kv::Elsewhere>)> found) {
  const auto value = history_.get(ask, present);
  if (value.ok()) return found(value);
  const kv::Elsewhere where = later(value.error());
  if (!where.load) return found(where);
  const kv::Revision block = *where.load;
  load(block, [this, ask = std::move(ask), found = std::move(found)]() mutable {
    get(std::move(ask), nullptr, std::move(found));  // the current value was changed after that revision
  });
}

void KvHistory::load(kv::Revision block, base::Callback<void()> done) {
  loads_[block].push_back(std::move(done));
  load_next();
}

void KvHistory::load_next() {
  if (!ready_ || loading_ || loads_.empty()) return;
  loading_ = loads_.begin()->first;
  if (const kv::BlockIndex* index = history_.stored(*loading_)) load_part(*index, {}, 0);
  else load_ended();
}

void KvHistory::load_part(kv::BlockIndex index, base::Bytes bytes, std::uint32_t part) {
  if (part == index.parts) {
    if (auto changes = kv::decode_changes(index, bytes)) {
      ++settings_->counters->history_loads;
      history_.loaded(index.first, std::move(*changes));
    } else {
      history_.unreadable(index.first);
    }
    return load_ended();
  }
  const base::Bytes at = part_key(incarnation_, index.first, part);
  rows_.get(at, [this, run = run_, index = std::move(index), bytes = std::move(bytes),
                 part](const base::Outcome<store::Rows::Value>& row) mutable {
    if (run != run_) return;
    if (!row.ok() && base::transient(row.error().code)) {
      loading_.reset();
      return after<LoadAgain>(kHistoryRetry);
    }
    if (!row.ok() || !row.value()) {
      settings_->log.warn("past revisions cannot be read", {{"group", std::string_view(group_)}});
      history_.unreadable(index.first);
      return load_ended();
    }
    base::append(bytes, *row.value());
    load_part(std::move(index), std::move(bytes), part + 1);
  });
}

void KvHistory::load_ended() {
  auto waiting = loads_.extract(*std::exchange(loading_, std::nullopt));
  for (auto& done : waiting.mapped()) done();
  load_next();
}

}  // namespace troupe::raft
