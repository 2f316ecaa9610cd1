#include "actors/raft/kv_service.hpp"

#include <algorithm>

#include "actors/raft/kv_words.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/ports/hardware.hpp"

namespace troupe::raft {
namespace {

using base::Code;
using base::Error;

constexpr int kAges = 16;  // our choice: revisions are forgotten in this number of steps

Error of_actors() {
  return {Code::refused, "these keys are rows of the group's actors: clients cannot read or write them"};
}

/// Returns the row limit of a machine with that much memory; 0: the amount is unknown.
std::uint64_t rows_max_of(std::uint64_t memory_bytes) {
  constexpr std::uint64_t kMost = std::uint64_t{4} << 30;
  return memory_bytes == 0 ? kMost : std::min(kMost, memory_bytes / 4);
}

bool is_free(std::string_view key) { return !key.starts_with(kActorKeys); }
/// Returns whether clients may read all keys with this prefix. A range of all keys excludes reserved keys.
bool is_free_below(std::string_view prefix) {
  return prefix.empty() || (is_free(prefix) && !kActorKeys.starts_with(prefix));
}
bool is_free(const kv::Command& command) {
  const auto* const txn = std::get_if<kv::Txn>(&command.what);
  const auto free = [](const auto& one) { return is_free(one.key); };
  return txn == nullptr || (std::ranges::all_of(txn->conditions, free) && std::ranges::all_of(txn->operations, free));
}

Error closed() { return {Code::unavailable, "this member does not serve now"}; }

/// Returns where a range begins: a range of all keys excludes reserved keys.
std::string first_of(wire::RangeKeys::Reader ask) {
  const std::string from(base::as_text(bytes_of(ask.getFrom())));
  const std::string first(1, kReservedKeys + 1);
  return ask.getPrefix().size() == 0 ? std::max(from, first) : from;
}

/// A retry with the same request id names the same lease.
kv::LeaseId lease_of(const std::string& request, std::uint64_t chance) {
  if (request.empty()) return {chance >> 1 | 1};
  return {base::load<std::uint64_t>(crypto::sha256(base::as_bytes(request)).view()) >> 1 | 1};
}

class Chunks final : public ChunkSource {
 public:
  Chunks(kv::Machine& machine, const base::Mutations& mutations) : writer_(machine, mutations) {}
  std::optional<base::Bytes> next(std::size_t bytes) override { return writer_.next(bytes); }

 private:
  kv::SnapshotWriter writer_;
};

}  // namespace

struct KvService::Pending {
  Pending(kv::Command its, runtime::Reply<wire::Executed> to, bool from_member)
      : command(std::move(its)), reply(std::move(to)), forwarded(from_member) {}
  /// The actor ends or fails before it knows the outcome.
  ~Pending() {
    if (reply.open() && (sent || in_doubt))
      reply.refuse({Code::unknown_outcome, "the command may or may not have been written"});
  }

  kv::Command command;
  runtime::Reply<wire::Executed> reply;
  bool forwarded = false;
  bool sent = false;      // sent to the log, or to a leader that has not responded yet
  bool in_doubt = false;  // an earlier leader was asked and has not responded

  void refuse(const Error& why) {
    if (!in_doubt) return reply.refuse(why);
    reply.refuse({Code::unknown_outcome, "a leader did not respond: the command may or may not have been written"});
  }
};

KvService::KvService(runtime::Actor& owner, Group& group, SharedSettings settings, std::string name)
    : Part(owner),
      group_(group),
      settings_(std::move(settings)),
      name_(std::move(name)),
      history_(owner, settings_, name_) {}

void KvService::receive(runtime::Handlers& on) {
  history_.receive(on);
  rows_max_ = settings_->rows_max > 0 ? settings_->rows_max : rows_max_of(world().hardware.has().memory_bytes);
  on.timer<WatchEnds>([this] { end_watches(); });
  on.ask<wire::Execute, wire::Executed>([this](auto ask, auto reply) { execute(ask, std::move(reply)); });
  on.ask<wire::GetKey, wire::GotKey>([this](auto ask, auto reply) { get(ask, std::move(reply)); });
  on.ask<wire::RangeKeys, wire::KeyRows>([this](auto ask, auto reply) { range(ask, std::move(reply)); });
  on.ask<wire::KeepLease, wire::LeaseKept>([this](auto ask, auto reply) { keep(ask, std::move(reply)); });
  on.stream<wire::WatchKeys, wire::KeyChange>([this](auto ask, auto sink) { watch(ask, std::move(sink)); });
}

std::vector<const messages::KindInfo*> KvService::kinds() const {
  return {&messages::kind_of<wire::Execute>(), &messages::kind_of<wire::GetKey>(),
          &messages::kind_of<wire::RangeKeys>(), &messages::kind_of<wire::WatchKeys>(),
          &messages::kind_of<wire::KeepLease>()};
}

bool KvService::allowed(runtime::AnyReply& reply) {
  if (may_command(*settings_, group_, caller())) return true;
  reply.refuse(stranger());
  return false;
}

/// Returns whether the caller is an actor of this node, or another member, which has checked what it forwards.
bool KvService::is_of_member() const {
  const runtime::Caller from = caller();
  if (from.role == messages::Role::inside) return true;
  return from.role == messages::Role::peer && from.node && group_.has(*from.node);
}

base::Instant KvService::due(std::uint32_t ms) const {
  const base::Duration wait = ms == 0 ? kDueDefault : std::chrono::milliseconds(ms);
  return now() + std::min<base::Duration>(wait, kDueMax);
}

// -- changes ---------------------------------------------------------------------------------------------------------

void KvService::execute(wire::Execute::Reader ask, runtime::Reply<wire::Executed> reply) {
  if (ask.getForwarded() && !group_.serves())
    return reply.send([](wire::Executed::Builder out) { out.setOutcome(wire::Outcome::NOT_LEADER); });
  if (!allowed(reply)) return;
  auto command = read_command(ask);
  if (!command.ok()) return reply.refuse(command.error());
  if (!is_free(command.value()) && !is_of_member()) return reply.refuse(of_actors());
  if (auto* grant = std::get_if<kv::GrantLease>(&command.value().what); grant && grant->id.value == 0)
    grant->id = lease_of(command.value().request, world().chance.seed());
  auto pending = std::make_shared<Pending>(std::move(command).value(), std::move(reply), ask.getForwarded());
  auto submission = std::make_shared<Submission>();
  submission->due = due(ask.getDueMs());
  submission->frees = kv::frees(pending->command);
  submission->bytes = ask.totalSize().wordCount * sizeof(capnp::word);
  submission->command = [this, pending] {
    pending->sent = true;
    pending->command.time_ms = time_.to_propose(now());
    return std::make_shared<const base::Bytes>(kv::encode(pending->command));
  };
  submission->done = [this, pending](const base::Outcome<void>& done) {
    if (!pending->reply.open()) return;  // an earlier leader has responded after all
    const auto* grant = std::get_if<kv::GrantLease>(&pending->command.what);
    if (done.ok()) return answer(pending->reply, grant ? grant->id : kv::LeaseId{});
    if (!pending->forwarded || done.error().code != Code::unavailable) return pending->refuse(done.error());
    pending->reply.send([](wire::Executed::Builder out) { out.setOutcome(wire::Outcome::NOT_LEADER); });
  };
  if (!pending->forwarded)
    submission->forward = [this, pending](std::shared_ptr<Submission> self, const runtime::Handle& leader) {
      forward(pending, std::move(self), leader);
    };
  group_.submit(std::move(submission));
}

void KvService::forward(std::shared_ptr<Pending> pending, std::shared_ptr<Submission> submission,
                        const runtime::Handle& leader) {
  if (!pending->reply.open()) return;
  const base::Duration left = submission->due - now();
  if (left <= base::Duration::zero()) return submission->done(Error{Code::unavailable, "nothing was written in time"});
  // Values that share bytes in one message are separate in the next.
  if (kv::encode(pending->command).size() > kv::kCommandBytesMax)
    return pending->refuse({Code::malformed, "the command is too large: at most 2 MiB"});
  pending->sent = true;
  const bool repeats = !pending->command.request.empty();
  const std::uint64_t number = ++forwards_;
  if (repeats) forwarded_.emplace(number, Forwarded{pending, submission, group_.term()});
  // The leader's deadline is earlier than this member's, so that its response reports the outcome.
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count() * 9 / 10;
  Part::ask<wire::Execute, wire::Executed>(
      leader, submission->due,
      [&](wire::Execute::Builder out) {
        write(out, pending->command);
        out.setDueMs(static_cast<std::uint32_t>(std::max<std::int64_t>(ms, 1)));
        out.setForwarded(true);
      },
      [this, pending, submission, repeats, number](runtime::Answer<wire::Executed> answer) mutable {
        const bool latest = forwarded_.erase(number) > 0 || !repeats;
        if (!pending->reply.open()) return;
        const bool says = answer.ok() && answer.value().getOutcome() != wire::Outcome::NOT_LEADER;
        if (!latest && !says) return;  // it was also sent to the next leader
        if (answer.ok()) {
          if (answer.value().getOutcome() != wire::Outcome::NOT_LEADER)
            return pending->reply.forward(answer.envelope());
          world().mutations.sometimes("raft: a command was sent to a leader that leads no more");
          pending->sent = false;
          return group_.park(std::move(submission));
        }
        const Code code = answer.error().code;
        if (code == Code::not_found) {  // its actor is about to start
          pending->sent = false;
          return group_.park(std::move(submission));
        }
        if (code != Code::unavailable && code != Code::timeout && code != Code::dropped && code != Code::internal)
          return pending->refuse(answer.error());
        pending->in_doubt = true;
        if (!pending->command.request.empty() && code != Code::timeout) return group_.park(std::move(submission));
        pending->refuse(answer.error());
      });
}

/// Resends commands with a request id once a different leader is known.
void KvService::forward_again() {
  if (forwarded_.empty() || (!leads_ && !group_.leader())) return;
  std::vector<Forwarded> again;
  std::erase_if(forwarded_, [&](auto& one) {
    if (one.second.term >= group_.term()) return false;
    again.push_back(std::move(one.second));
    return true;
  });
  for (Forwarded& one : again) {
    if (!one.pending->reply.open()) continue;
    one.pending->in_doubt = true;
    group_.park(std::move(one.submission));
  }
}

void KvService::answer(runtime::Reply<wire::Executed>& reply, kv::LeaseId granted) {
  reply.send([&](wire::Executed::Builder out) {
    out.setOutcome(static_cast<wire::Outcome>(latest_.answer.outcome));
    out.setRevision(latest_.answer.revision.value);
    out.setRepeated(latest_.repeated);
    out.setLease(granted.value);
    auto values = out.initValues(size32(latest_.answer.values));
    for (unsigned i = 0; i < values.size(); ++i)
      if (const kv::Value& value = latest_.answer.values[i]) values[i].setValue(data_of(*value));
  });
}

/// Submits a command of this member itself.
void KvService::command(kv::Command command) {
  auto submission = std::make_shared<Submission>();
  submission->due = now() + kDueDefault;
  submission->frees = true;
  submission->command = [this, command = std::move(command)]() mutable {
    command.time_ms = time_.to_propose(now());
    return std::make_shared<const base::Bytes>(kv::encode(command));
  };
  submission->done = [](const base::Outcome<void>&) {};
  submission->forward = [](std::shared_ptr<Submission>, const runtime::Handle&) {};  // the leader does this itself
  group_.submit(std::move(submission));
}

void KvService::apply(const Entry& entry) {
  latest_ = machine_.apply(entry.index, entry.view());
  history_.add(latest_.changes);
  if (history_.oldest() < machine_.oldest()) history_.compact(machine_.oldest());
  time_.applied(machine_.time_ms(), now());
  if (!leads_) return;
  const std::int64_t at = time_.at(now());
  if (latest_.granted.value != 0) leases_.changed(latest_.granted, machine_.leases().at(latest_.granted), at);
  for (const kv::LeaseId id : latest_.kept)
    if (const auto lease = machine_.leases().find(id); lease != machine_.leases().end())
      leases_.changed(id, lease->second, at);
  if (latest_.dropped.value != 0) leases_.dropped(latest_.dropped);
}

void KvService::skip(const Entry& entry) {
  machine_.skip(entry.index);
  if (!leads_ || time_.counts() || entry.term != group_.term()) return;
  time_.term_begun();
  auto leases = machine_.leases();
  if (world().mutations.on("raft.leases_begin_anew"))
    for (auto& [id, lease] : leases) lease.end_ms = kv::end_of(lease, time_.at(now()));
  leases_.begin(leases, time_.at(now()));
  told_ms_.reset();
}

void KvService::leads(bool leads) {
  leads_ = leads;
  limits_proposed_ = false;
  ages_.clear();
  time_.leads(leads);
  leases_.begin({}, 0);
}

/// The leader lets all members forget revisions older than revisions_kept: late, never early. A new leader counts from
/// its election.
base::Instant KvService::forget_revisions() {
  const base::Duration kept = settings_->revisions_kept;
  if (machine_.revision() < machine_.oldest() || machine_.revision().value == 0) return base::Instant::max();
  if (ages_.empty() || (ages_.back().second < machine_.revision() && now() >= ages_.back().first + kept / kAges))
    ages_.emplace_back(now(), machine_.revision());
  std::optional<kv::Revision> old;
  while (!ages_.empty() && ages_.front().first + kept <= now()) {
    old = ages_.front().second;
    ages_.pop_front();
  }
  if (old) command({.what = kv::Compact{{old->value + 1}}});
  if (ages_.empty()) return base::Instant::max();
  return ages_.front().first + kept;
}

base::Instant KvService::tend() {
  for (auto at = watchers_.begin(); at != watchers_.end();) {
    if (!at->over) show(*at);
    at = at->over && !at->loading ? watchers_.erase(at) : std::next(at);
  }
  forward_again();
  if (!leads_) return base::Instant::max();
  const auto& limits = machine_.session_limits();
  if (!std::exchange(limits_proposed_, true) &&
      (limits.kept_ms != settings_->sessions_kept_ms || limits.rows_max != settings_->sessions_max))
    command({.what = kv::LimitSessions{settings_->sessions_kept_ms, settings_->sessions_max, limits.bytes_max}});
  return std::min(tend_leases(), forget_revisions());
}

base::Instant KvService::tend_leases() {
  if (!time_.counts()) return base::Instant::max();
  const std::int64_t at = time_.at(now());
  for (const kv::LeaseId id : leases_.expired(at, kExpiredAtOnce)) command({.what = kv::DropLease{id}});
  if (auto ids = leases_.unkept(kv::kOperationsMax); !ids.empty()) command({.what = kv::KeepLeases{std::move(ids)}});
  const auto next = leases_.next_end();
  if (!next) return base::Instant::max();
  // A new leader proposes its time at once. Otherwise members that restart under short-lived leaders would lack the sum
  // of the times that these leaders left out.
  if (!told_ms_ || *leases_.tell_at(std::max(*told_ms_, machine_.time_ms())) <= at) {
    told_ms_ = at;
    command({.what = kv::Txn{}});
  }
  return time_.when(std::min(*next, *leases_.tell_at(*told_ms_)));
}

// -- reads -----------------------------------------------------------------------------------------------------------

void KvService::get(wire::GetKey::Reader ask, runtime::Reply<wire::GotKey> reply) {
  if (!allowed(reply)) return;
  const auto key = read_key(ask.getKey());
  if (!key) return reply.refuse({Code::malformed, "a key has 1 to 1024 bytes"});
  if (!is_free(*key) && !is_of_member()) return reply.refuse(of_actors());
  const auto give = [this, key = *key, revision = kv::Revision{ask.getRevision()}](runtime::Reply<wire::GotKey>& to) {
    const kv::Row* row = machine_.get(key);
    if (revision.value != 0) return get_past(key, revision, row, std::move(to));
    to.send([&](wire::GotKey::Builder out) {
      out.setStoreRevision(machine_.revision().value);
      out.setFound(row != nullptr);
      if (row == nullptr) return;
      out.setValue(data_of(*row->value));
      out.setRevision(row->changed.value);
      out.setCreated(row->created.value);
      out.setLease(row->lease.value);
    });
  };
  if (ask.getStale()) return group_.serves() ? give(reply) : reply.refuse(closed());
  group_.read(due(ask.getDueMs()), [give, reply = std::move(reply)](const base::Outcome<void>& ready) mutable {
    if (ready.ok()) give(reply);
    else reply.refuse(ready.error());
  });
}

void KvService::get_past(const std::string& key, kv::Revision revision, const kv::Row* row,
                         runtime::Reply<wire::GotKey> reply) {
  if (revision > machine_.revision())
    return reply.refuse(
        {Code::conflict, "that revision is in the future: the newest is " + std::to_string(machine_.revision().value)});
  history_.get({.key = key, .at = revision}, row,
               [this, reply = std::move(reply)](const base::Result<kv::Value, kv::Elsewhere>& past) mutable {
                 if (!past.ok()) return reply.refuse(forgotten(past.error().oldest));
                 reply.send([&](wire::GotKey::Builder out) {
                   out.setStoreRevision(machine_.revision().value);
                   out.setFound(static_cast<bool>(past.value()));
                   if (past.value()) out.setValue(data_of(*past.value()));
                 });
               });
}

/// All members compact the group's history alike. A revision that only this member lacks may be at another member.
Error KvService::forgotten(kv::Revision oldest) const {
  const std::string here = "the oldest revision that can be read is " + std::to_string(oldest.value);
  if (oldest <= std::max(machine_.oldest(), kv::Revision{1}))
    return {Code::conflict, "that revision was forgotten: " + here};
  return {Code::conflict, "this member lacks that revision, but another member may have it; at this member " + here};
}

void KvService::range(wire::RangeKeys::Reader ask, runtime::Reply<wire::KeyRows> reply) {
  if (!allowed(reply)) return;
  if (ask.getPrefix().size() > kv::kKeyBytesMax || ask.getFrom().size() > kv::kKeyBytesMax + 1)
    return reply.refuse({Code::malformed, "the prefix is too long: at most 1024 bytes"});
  if (!is_free_below(base::as_text(bytes_of(ask.getPrefix()))) && !is_of_member()) return reply.refuse(of_actors());
  const auto give = [this, prefix = std::string(base::as_text(bytes_of(ask.getPrefix()))), from = first_of(ask),
                     limit = ask.getLimit()](runtime::Reply<wire::KeyRows>& to) {
    const std::size_t rows = limit == 0 ? kRangeRowsMax : std::min(limit, kRangeRowsMax);
    const kv::Page page = machine_.range(prefix, from, rows, kRangeBytesMax);
    to.send([&](wire::KeyRows::Builder out) {
      out.setMore(page.more);
      out.setRevision(machine_.revision().value);
      auto list = out.initRows(size32(page.rows));
      for (unsigned i = 0; i < list.size(); ++i) {
        const auto& [key, row] = page.rows[i];
        list[i].setKey(data_of(base::as_bytes(key)));
        list[i].setValue(data_of(*row.value));
        list[i].setRevision(row.changed.value);
        list[i].setCreated(row.created.value);
        list[i].setLease(row.lease.value);
        if (const auto lease = machine_.leases().find(row.lease); lease != machine_.leases().end())
          list[i].setTtlMs(lease->second.ttl_ms);
      }
    });
  };
  if (ask.getStale()) return group_.serves() ? give(reply) : reply.refuse(closed());
  group_.read(due(ask.getDueMs()), [give, reply = std::move(reply)](const base::Outcome<void>& ready) mutable {
    if (ready.ok()) give(reply);
    else reply.refuse(ready.error());
  });
}

void KvService::watch(wire::WatchKeys::Reader ask, runtime::Sink<wire::KeyChange> sink) {
  if (ask.getPrefix().size() > kv::kKeyBytesMax)
    return sink.fail({Code::malformed, "the prefix is too long: at most 1024 bytes"});
  if (!may_command(*settings_, group_, caller())) return sink.fail(stranger());
  if (!is_free_below(base::as_text(bytes_of(ask.getPrefix()))) && !is_of_member()) return sink.fail(of_actors());
  if (!group_.serves()) return sink.fail(closed());
  const kv::Revision from =
      ask.getRevision() == 0 ? kv::Revision{machine_.revision().value + 1} : kv::Revision{ask.getRevision()};
  Watcher& watcher =
      watchers_.emplace_back(Watcher{std::string(base::as_text(bytes_of(ask.getPrefix()))), from, std::move(sink)});
  if (ask.getForMs() > 0) watcher.end = now() + std::chrono::milliseconds(ask.getForMs());
  watcher.sink.on_ready([this, &watcher] { show(watcher); });
  watcher.sink.on_cancel([&watcher] { watcher.over = true; });
  show(watcher);
  end_watches();
}

/// Watches that reach their deadline end without an error.
void KvService::end_watches() {
  base::Instant next = base::Instant::max();
  for (Watcher& watcher : watchers_) {
    if (!watcher.over && watcher.end <= now()) {
      watcher.over = true;
      watcher.sink.end();
    }
    if (!watcher.over) next = std::min(next, watcher.end);
  }
  if (next < base::Instant::max()) after<WatchEnds>(next - now());
}

void KvService::show(Watcher& watcher) {
  constexpr std::size_t kAtOnce = 64;
  while (!watcher.over && !watcher.loading && watcher.sink.ready() && watcher.next <= machine_.revision()) {
    const auto seen = history_.since(watcher.next, watcher.prefix, kAtOnce);
    if (!seen.ok() && seen.error().load) {
      watcher.loading = true;
      return history_.load(*seen.error().load, [this, &watcher] {
        watcher.loading = false;
        show(watcher);
      });
    }
    if (!seen.ok()) {
      watcher.over = true;
      return watcher.sink.fail(forgotten(seen.error().oldest));
    }
    if (!show(watcher, seen.value())) return;
  }
}

/// Returns false if the credit is used up. A revision with many changes is sent across several credits.
bool KvService::show(Watcher& watcher, const kv::History::Seen& seen) {
  std::size_t before = watcher.sent;
  bool credit = true;
  for (const kv::Changed& change : seen.changes) {
    if (change.revision == watcher.next && before > 0) {
      --before;
      continue;
    }
    if (!credit) return false;
    if (change.revision != std::exchange(watcher.next, change.revision)) watcher.sent = before = 0;
    ++watcher.sent;
    if (watcher.prefix.empty() && change.key.front() == kReservedKeys) continue;
    credit = watcher.sink.push([&](wire::KeyChange::Builder out) {
      out.setRevision(change.revision.value);
      out.setKey(data_of(base::as_bytes(change.key)));
      out.setRemoved(!change.value);
      if (change.value) out.setValue(data_of(*change.value));
      out.setRequest(change.request);
    });
  }
  watcher.next = seen.next;
  watcher.sent = 0;
  return credit;
}

// -- leases ----------------------------------------------------------------------------------------------------------

/// While the command waits for its quorum the lease does not end. If the command is lost, the lease ends late.
void KvService::keep_proposed(kv::LeaseId id) {
  const auto lease = machine_.leases().find(id);
  if (!time_.counts() || lease == machine_.leases().end()) return;
  const std::int64_t at = time_.at(now());
  leases_.changed(id, {lease->second.ttl_ms, kv::end_of(lease->second, at)}, at);
}

void KvService::keep(wire::KeepLease::Reader ask, runtime::Reply<wire::LeaseKept> reply) {
  if (!allowed(reply)) return;
  if (leads_) {
    const kv::LeaseId lease{ask.getLease()};
    auto kept = std::make_shared<runtime::Reply<wire::LeaseKept>>(std::move(reply));
    auto submission = std::make_shared<Submission>();
    submission->due = due(ask.getDueMs());
    submission->frees = true;
    submission->command = [this, lease] {
      keep_proposed(lease);
      const kv::Command command{.time_ms = time_.to_propose(now()), .what = kv::KeepLeases{{lease}}};
      return std::make_shared<const base::Bytes>(kv::encode(command));
    };
    submission->done = [this, lease, kept](const base::Outcome<void>& done) {
      if (!done.ok()) return kept->refuse(done.error());
      const auto found = machine_.leases().find(lease);
      if (found == machine_.leases().end()) return kept->refuse({Code::not_found, "there is no such lease"});
      kept->send([&](wire::LeaseKept::Builder out) { out.setTtlMs(std::min(found->second.ttl_ms, kv::kTtlMaxMs)); });
    };
    submission->forward = [](std::shared_ptr<Submission> self, const runtime::Handle&) {
      self->done(Error{Code::unavailable, "the leader has changed: retry"});
    };
    return group_.submit(std::move(submission));
  }
  const runtime::Handle leader = group_.leader();
  if (!leader || ask.getForwarded()) return reply.refuse({Code::unavailable, "the group has no leader now"});
  Part::ask<wire::KeepLease, wire::LeaseKept>(
      leader, due(ask.getDueMs()),
      [&](wire::KeepLease::Builder out) {
        out.setLease(ask.getLease());
        out.setForwarded(true);
      },
      [reply = std::move(reply)](const runtime::Answer<wire::LeaseKept>& answer) mutable {
        reply.forward(answer.envelope());
      });
}

// -- snapshots -------------------------------------------------------------------------------------------------------

std::unique_ptr<ChunkSource> KvService::freeze() { return std::make_unique<Chunks>(machine_, world().mutations); }

void KvService::begin_load() {
  reader_.emplace();
  read_any_ = false;
}

bool KvService::load(base::ByteView chunk) {
  read_any_ = true;
  return reader_ && reader_->feed(chunk).ok();
}

bool KvService::end_load(Index index) {
  kv::Machine next;
  if (read_any_) {
    auto read = std::move(*reader_).finish();
    if (!read.ok() || read.value().applied() != index) return false;
    next = std::move(read).value();
  } else if (index.value > 0) {
    next.skip(index);
  }
  reader_.reset();
  machine_ = std::move(next);
  time_.begin(machine_.time_ms(), now());
  history_.begin(group_.incarnation(), machine_.revision(), machine_.oldest());
  latest_ = {};
  return true;
}

MachineStatus KvService::status() const {
  MachineStatus out{.revision = machine_.revision().value,
                    .oldest_revision = history_.oldest().value,
                    .keys = machine_.keys(),
                    .leases = machine_.leases().size(),
                    .sessions = machine_.sessions(),
                    .watchers = watchers_.size(),
                    .row_bytes = machine_.row_bytes(),
                    .rows_max = rows_max_};
  for (const auto& [kind, bytes] : machine_.kind_bytes()) {
    if (out.kinds.size() == kKindsShown) break;
    out.kinds.emplace_back(kind, bytes);
  }
  return out;
}

}  // namespace troupe::raft
