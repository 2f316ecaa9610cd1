#include "runtime/store/store_actor.hpp"

#include <algorithm>

#include "messages/borrow.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/store/store_words.hpp"

namespace troupe::store {
namespace {

/// Returns the name of the node's part that has this path: "/files/store" is "files.store".
std::string part_of(const std::string& path) {
  std::string out = path.substr(path.find_first_not_of('/'));
  std::replace(out.begin(), out.end(), '/', '.');
  return out;
}

/// Returns whether the cause that refused one commit will refuse others: not an invalid commit or a single damaged row.
bool stops_writes(const base::Error& why) {
  return why.code == base::Code::no_space || why.code == base::Code::unavailable ||
         why.code == base::Code::unknown_outcome;
}

std::size_t blob_bytes(const Commit& commit) {
  std::size_t out = 0;
  for (const Commit::Blob& blob : commit.keep) out += blob.bytes.size();
  return out;
}

}  // namespace

void StoreActor::receive(runtime::Handlers& on) {
  serve<wire::Commit>(on, &StoreActor::commit);
  serve<wire::Get>(on, &StoreActor::get);
  serve<wire::GetRows>(on, &StoreActor::get_rows);
  serve<wire::Scan>(on, &StoreActor::scan);
  serve<wire::Read>(on, &StoreActor::read);
  serve<wire::Has>(on, &StoreActor::has);
  serve<wire::Usage>(on, &StoreActor::used);
  serve<wire::CheckBlobs>(on, &StoreActor::check_blobs);
  on.timer<Flush>([this] { flush(); });
  on.timer<Tidy>([this] { tidy(); });
  on.timer<Reopen>([this] { open(); });
  on.describe<wire::StoreState>([this](wire::StoreState::Builder state) { describe(state); });
}

void StoreActor::start() {
  report_.emplace(told_, part_of(path()));
  open();
}

void StoreActor::stop() { flush(); }

void StoreActor::open() {
  const auto background = world().threads.real() ? Background::thread : Background::here;
  auto opened = Store::open(world().disk, directory_, background, world().chance.seed(), options_);
  if (opened.ok()) {
    store_ = std::move(opened).value();
    retry_ = kRetryDelayMin;
    report_->damage(store_->damage());
    return tidy_in(base::Duration::zero());
  }
  closed_ = to_error(opened.error());
  // Waiting does not remove damage or a newer format.
  if (opened.error() == StoreError::corrupt || opened.error() == StoreError::format_newer) return;
  const base::Duration delay = next_retry();
  closed_.retry_after = std::chrono::duration_cast<std::chrono::milliseconds>(delay);
  after<Reopen>(delay);
}

// -- commit ----------------------------------------------------------------------------------------------------------

void StoreActor::commit(wire::Commit::Reader question, Done reply) {
  const auto commit = read_commit(question);
  ++commits_;
  if (!commit.ok()) return reply.refuse(commit.error());
  if (question.getLeave() > 0 && !store_->leaves(commit.value(), question.getLeave()))
    return reply.refuse({base::Code::no_space, "no space left on the device for other nodes: " +
                                                   mebibytes(question.getLeave()) + " are reserved for this node"});
  // While space is short, a deletion must not fail because it shares a group with a write. Otherwise they share a sync.
  if (!store_->fits(commit.value()) || (report_->refuses() && store_->mixes(commit.value()))) flush();
  if (waiting_.empty()) after<Flush>(base::Duration::zero());  // after all commits that already wait
  const auto added = store_->add(commit.value());
  if (!added.ok()) {
    if (stops_writes(added.error())) refused(added.error(), blob_bytes(commit.value()));
    return reply.refuse(added.error());
  }
  waiting_.push_back(std::move(reply));
  largest_ = std::max(largest_, blob_bytes(commit.value()));
  deletes_ = deletes_ || !commit.value().drop.empty() || commit.value().deletes();
  if (waiting_.size() >= kGroupCommitsMax || store_->gathered() >= kGroupBytesMax) flush();
}

void StoreActor::flush() {
  if (!store_) return;
  const base::Instant began = now();
  const auto flushed = store_->flush();
  if (const base::Duration took = now() - began; took >= runtime::kSlowSync)
    node().alarms().sound(runtime::Alarm::slow_sync, path(), took, now());
  if (!waiting_.empty()) ++groups_;
  for (Done& reply : std::exchange(waiting_, {})) {
    if (flushed.ok() || world().mutations.on("store.failed_flush_acknowledged")) reply.done();
    else reply.refuse(flushed.error());
  }
  const std::size_t largest = std::exchange(largest_, 0);
  if (flushed.ok()) report_->stored(largest, now());
  if (!flushed.ok()) refused(flushed.error(), largest);
  else if (report_->damaged()) report_->damage(store_->damage());  // perhaps it is repaired
  if (std::exchange(deletes_, false) || report_->damaged())
    tidy_in(kTidyDelay);  // only tidying finds out whether a pack is repaired
}

/// Tidying repairs what can be repaired, and finds out when the refusal is over.
void StoreActor::refused(const base::Error& why, std::size_t blob_bytes) {
  tidy_in(retry_);
  report_->refused(why, blob_bytes, now());
}

// -- read ------------------------------------------------------------------------------------------------------------

void StoreActor::get(wire::Get::Reader question, runtime::Reply<wire::Found> reply) {
  const auto found = store_->get(view(question.getKeyspace()), bytes_of(question.getKey()));
  if (!found.ok()) return reply.refuse(found.error());
  reply.send([&](wire::Found::Builder out) { out.setValue(data_of(found.value())); });
}

void StoreActor::get_rows(wire::GetRows::Reader question, runtime::Reply<wire::FoundRows> reply) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;  // messages/store.capnp
  const auto keys = question.getKeys();
  if (keys.size() > kGetRowsMax)
    return reply.refuse({base::Code::malformed, "too many rows requested: at most 256 per request"});
  std::vector<std::optional<base::Bytes>> out;
  std::size_t bytes = 0;
  for (unsigned i = 0; i < keys.size() && (i == 0 || bytes < kBytes); ++i) {
    auto found = store_->get(view(question.getKeyspace()), bytes_of(keys[i]));
    if (!found.ok() && found.error().code != base::Code::not_found) return reply.refuse(found.error());
    out.push_back(found.ok() ? std::optional(std::move(found).value()) : std::nullopt);
    if (out.back()) bytes += out.back()->size();
  }
  reply.send([&](wire::FoundRows::Builder answer) {
    auto list = answer.initRows(static_cast<unsigned>(out.size()));
    for (unsigned i = 0; i < list.size(); ++i)
      if (out[i]) list[i].setValue(data_of(*out[i]));
  });
}

void StoreActor::scan(wire::Scan::Reader question, runtime::Reply<wire::Slice> reply) {
  const auto slice = store_->scan(view(question.getKeyspace()), bytes_of(question.getFrom()), question.getRowsMax(),
                                  std::min(question.getBytesMax(), kSliceBytesMax), bytes_of(question.getPrefix()));
  if (!slice.ok()) return reply.refuse(slice.error());
  reply.send([&](wire::Slice::Builder out) {
    const std::vector<Row>& rows = slice.value().rows;
    auto list = out.initRows(static_cast<unsigned>(rows.size()));
    for (unsigned i = 0; i < rows.size(); ++i) {
      list[i].setKey(data_of(rows[i].key));
      list[i].setValue(data_of(rows[i].value));
    }
    if (!slice.value().next) return;
    out.setMore(true);
    out.setNext(data_of(*slice.value().next));
  });
}

void StoreActor::read(wire::Read::Reader question, runtime::Reply<wire::Blobbed> reply) {
  const auto id = read_id(question.getId());
  if (!id.ok()) return reply.refuse(id.error());
  const auto bytes = store_->read(id.value());
  if (!bytes.ok()) {
    if (bytes.error().code == base::Code::corrupt) report_->damage(store_->damage());
    return reply.refuse(bytes.error());
  }
  reply.send([&](wire::Blobbed::Builder out) { out.adoptBytes(borrow(out, bytes.value())); });
}

void StoreActor::has(wire::Has::Reader question, runtime::Reply<wire::Held> reply) {
  std::vector<bool> held;
  for (const auto one : question.getIds()) {
    const auto id = read_id(one);
    if (!id.ok()) return reply.refuse(id.error());
    const auto is = store_->has(id.value());
    if (!is.ok()) return reply.refuse(is.error());
    held.push_back(is.value());
  }
  reply.send([&](wire::Held::Builder out) {
    auto list = out.initHeld(static_cast<unsigned>(held.size()));
    for (unsigned i = 0; i < held.size(); ++i) list.set(i, held[i]);
  });
}

void StoreActor::used(wire::Usage::Reader, runtime::Reply<wire::Used> reply) {
  const StoreUsage usage = store_->usage();
  reply.send([&](wire::Used::Builder out) {
    out.setBlobs(usage.blobs);
    out.setBlobBytes(usage.blob_bytes);
    out.setDeadBytes(usage.dead_bytes);
    out.setFreeBytes(usage.free_bytes);
    out.setFailure(text_of(usage.failure.substr(0, kFailureBytesMax)));
    out.setDamages(static_cast<std::uint32_t>(usage.damages));
  });
}

void StoreActor::check_blobs(wire::CheckBlobs::Reader question, runtime::Reply<wire::Checked> reply) {
  const auto checked = store_->check(bytes_of(question.getFrom()));
  if (!checked.ok()) return reply.refuse(checked.error());
  if (!checked.value().damaged.empty()) report_->damage(store_->damage());
  reply.send([&](wire::Checked::Builder out) {
    out.setChecked(checked.value().checked);
    auto damaged = out.initDamaged(static_cast<unsigned>(checked.value().damaged.size()));
    for (unsigned i = 0; i < damaged.size(); ++i) damaged.set(i, data_of(checked.value().damaged[i].view()));
    if (!checked.value().next) return;
    out.setMore(true);
    out.setNext(data_of(*checked.value().next));
  });
}

void StoreActor::check() const {
  base::ensure(waiting_.size() < kGroupCommitsMax, "a full group is flushed");
  base::ensure(store_ || waiting_.empty(), "only an open store gathers commits");
  base::ensure(!store_ || !waiting_.empty() || store_->empty(),
               "what is gathered belongs to commits that are answered");
  base::ensure(!deletes_ || !waiting_.empty(), "what a group has dropped is tidied when it is flushed");
  base::ensure(groups_ <= commits_, "a group has a commit");
  base::ensure(retry_ >= kRetryDelayMin && retry_ <= kRetryDelayMax,
               "a failed device is tried again, and not too often");
}

void StoreActor::describe(wire::StoreState::Builder state) {
  state.setCommits(commits_);
  state.setGroups(groups_);
  if (!store_) return state.setFailure(text_of(closed_.message.substr(0, kFailureBytesMax)));
  const StoreUsage usage = store_->usage();
  state.setKeyspaces(static_cast<std::uint32_t>(store_->keyspaces()));
  state.setBlobs(usage.blobs);
  state.setBlobBytes(usage.blob_bytes);
  state.setDeadBytes(usage.dead_bytes);
  state.setCounted(usage.counted);
  state.setBallastBytes(usage.ballast_bytes);
  state.setFailure(text_of(usage.failure.substr(0, kFailureBytesMax)));
  state.setDamages(static_cast<std::uint32_t>(usage.damages));
}

// -- when idle -------------------------------------------------------------------------------------------------------

void StoreActor::tidy() {
  tidy_at_ = base::Instant::max();
  flush();
  const bool busy = std::exchange(busy_, false);
  const Tidied tidied = store_->tidy();
  if (tidied == Tidied::more) return tidy_in(busy ? kTidyPauseBusy : kTidyPauseIdle);
  report_->damage(store_->damage());
  report_->looked(store_->failure(), now());
  if (tidied == Tidied::failed) return tidy_in(next_retry());
  retry_ = kRetryDelayMin;
  if (tidied == Tidied::waits || report_->refuses()) tidy_in(kRoomDelay);
}

/// Schedules a step, unless one is due earlier.
void StoreActor::tidy_in(base::Duration delay) {
  if (now() + delay >= tidy_at_) return;
  tidy_at_ = now() + delay;
  after<Tidy>(delay);
}

base::Duration StoreActor::next_retry() {
  return std::exchange(retry_, std::min<base::Duration>(retry_ * 2, kRetryDelayMax));
}

}  // namespace troupe::store
