#include "actors/audit/audit_actor.hpp"

#include "messages/codec.hpp"
#include "messages/common.capnp.h"
#include "messages/node.capnp.h"
#include "messages/runtime.capnp.h"

namespace troupe::audit {
namespace {

using base::Bytes;
using base::Code;

const Bytes kHeadKey{'h'};
const base::Error kBusy{Code::overloaded, "too many records wait to be written", std::chrono::seconds(1)};

}  // namespace

AuditActor::AuditActor(AuditSettings settings)
    : settings_(std::move(settings)),
      rows_(*this, {.store = settings_.store,
                    .keyspace = kName,
                    .what = "the head of the audit trail",
                    .source = kRowsHealthSource,
                    .health = settings_.health,
                    .unread_is = observe::HealthState::degraded,
                    .prefix = kHeadKey}) {}

void AuditActor::receive(runtime::Handlers& on) {
  on.ask<wire::Append, wire::Appended>([this](wire::Append::Reader one, Reply reply) {
    std::string key = text_of(one.getKey()), command = text_of(one.getCommand());
    if (key.empty() && !command.empty()) key = caller().who();
    want({.key = std::move(key),
          .address = text_of(one.getAddress()),
          .command = std::move(command),
          .name = text_of(one.getName()),
          .purpose = text_of(one.getPurpose()),
          .status = one.getStatus(),
          .rule = text_of(one.getRule())},
         std::move(reply));
  });
  on.tell<node::wire::Note>([this](node::wire::Note::Reader note) {
    const std::string outcome = text_of(note.getOutcome());
    Record record{.key = text_of(note.getWho()), .command = text_of(note.getAct()), .name = text_of(note.getWhat())};
    record.status = outcome == "done" ? 200 : 409;
    if (outcome != "done") record.rule = outcome;
    want(std::move(record), std::nullopt);
  });
  on.ask<wire::ListRecords, wire::Records>(
      [this](wire::ListRecords::Reader question, auto reply) { list(question, std::move(reply)); });
  on.ask<wire::GetHead, wire::Head>([this](wire::GetHead::Reader, auto reply) {
    if (!trail_) return reply.refuse(closed());
    reply.send([this](wire::Head::Builder out) {
      out.setFirst(head_->first);
      out.setFirstPrev(data_of(head_->first_prev.view()));
      out.setLast(head_->last.seq);
      out.setLastHash(data_of(head_->last.hash.view()));
    });
  });
  on.ask<runtime::wire::AwaitReady, messages::wire::Nothing>(
      [this](auto, auto reply) { rows_.when_settled([reply = std::move(reply)]() mutable { reply.done(); }); });
  on.timer<Flush>([this] { flush(); });
  on.timer<Open>([this] { open(); });
  on.timer<SaveHead>([this] { save_head(); });
  rows_.receive<RowsAgain>(on);
  on.describe<wire::AuditState>([this](wire::AuditState::Builder state) {
    state.setFirst(head_ ? head_->first : 1);
    state.setLast(head_ ? head_->last.seq : 0);
    if (trail_) state.setFiles(static_cast<std::uint32_t>(trail_->files())), state.setBytes(trail_->bytes());
    state.setFailed(failed_);
  });
}

void AuditActor::start() {
  node().publish<wire::Append, wire::ListRecords, wire::GetHead>(kPath, self());
  rows_.load(
      [this](base::ByteView key, base::ByteView value) {
        const auto head = Head::decode(value);
        if (!head || !std::ranges::equal(key, kHeadKey)) return store::Use::erase;
        head_ = stored_ = *head;
        return store::Use::keep;
      },
      [this](const base::Outcome<void>&) {
        ready_ = true;
        open();
      });
}

void AuditActor::stop() {
  while (writable_ && !waiting_.empty()) flush();
  rows_.stop();
}

void AuditActor::check() const {
  rows_.check();
  base::ensure(waiting_.size() <= kWaitingMax, "few records wait");
  base::ensure(!trail_ || head_.has_value(), "an open trail has a head");
}

base::Error AuditActor::closed() const {
  return ready_ ? base::Error{Code::unavailable, "the audit trail cannot be written", kRetry} : rows_.refusal();
}

void AuditActor::want(Record record, std::optional<Reply> reply) {
  if (waiting_.size() >= kWaitingMax) {
    ++failed_;
    if (reply) reply->refuse(writable_ ? kBusy : closed());
    return;
  }
  last_ms_ = std::max(last_ms_, base::unix_milliseconds(wall()));
  record.unix_ms = last_ms_;
  waiting_.emplace_back(std::move(record), std::move(reply));
  if (writable_ && waiting_.size() == 1) after<Flush>(base::Duration::zero());  // after all records that already wait
}

void AuditActor::open() {
  if (trail_) {
    if (const auto again = trail_->reset(); !again.ok()) return failed(again.error());
  } else {
    auto opened = Trail::open(world().disk, settings_.directory, head_, settings_.limits, world().mutations);
    if (!opened.ok()) return failed(opened.error());
    trail_ = std::move(opened).value();
    last_ms_ = std::max(last_ms_, trail_->last_ms());
    for (auto& [record, reply] : waiting_) record.unix_ms = std::max(record.unix_ms, trail_->last_ms());
  }
  writable_ = true;
  head_ = trail_->head();
  if (stored_) trail_->remove_before(stored_->first);  // what an earlier process could not remove
  save_head();
  if (settings_.health != nullptr) {
    if (trail_->damage().empty()) settings_.health->clear(kHealthSource);
    else
      settings_.health->raise(kHealthSource, observe::HealthState::degraded,
                              trail_->damage() + ": see `troupe audit verify`");
  }
  if (!waiting_.empty()) after<Flush>(base::Duration::zero());
}

void AuditActor::flush() {
  if (!writable_ || waiting_.empty()) return;
  const std::size_t count = std::min(waiting_.size(), kAtOnce);
  std::vector<Mark> marks;
  for (std::size_t i = 0; i < count; ++i) marks.push_back(trail_->append(waiting_[i].first));
  const auto synced = trail_->sync();
  if (!synced.ok()) return failed(synced.error());
  head_ = trail_->head();
  for (std::size_t i = 0; i < count; ++i) {
    auto reply = std::move(waiting_.front().second);
    waiting_.pop_front();
    if (!reply) continue;
    reply->send([&](wire::Appended::Builder out) {
      out.setSeq(marks[i].seq);
      out.setHash(data_of(marks[i].hash.view()));
    });
  }
  save_head();
  if (!waiting_.empty()) after<Flush>(base::Duration::zero());
}

/// Refuses the records that wait. Those that were written in vain are removed before further records are written.
void AuditActor::failed(ports::DiskError why) {
  writable_ = false;
  failed_ += waiting_.size();
  const base::Error error{why == ports::DiskError::no_space ? Code::no_space : Code::unavailable,
                          "the audit trail cannot be written: " + std::string(ports::name(why)), kRetry};
  for (auto& [record, reply] : std::exchange(waiting_, {}))
    if (reply) reply->refuse(error);
  if (settings_.health != nullptr)
    settings_.health->raise(kHealthSource, observe::HealthState::degraded, error.message);
  after<Open>(kRetry);
}

/// Stores the head. While it is being stored, later heads wait; the last of them is stored next.
void AuditActor::save_head() {
  if (saving_ || stored_ == head_) return;
  saving_ = true;
  store::RowChange change;
  change.save.push_back({kHeadKey, head_->encode()});
  rows_.save(std::move(change), [this, saved = *head_](const base::Outcome<void>& done) {
    saving_ = false;
    if (!done.ok()) return after<SaveHead>(kRetry);
    stored_ = saved;
    if (trail_) trail_->remove_before(saved.first);
    save_head();
  });
}

void AuditActor::list(wire::ListRecords::Reader question, runtime::Reply<wire::Records> reply) const {
  if (!trail_) return reply.refuse(closed());
  const std::string key = text_of(question.getKey());
  const std::uint64_t since = question.getSince();
  const auto page = trail_->read(bytes_of(question.getNext()), since, [&](std::string_view text) {
    if (since == 0 && key.empty()) return true;  // also a damaged line
    const auto line = parse_line(text);
    return line && line->unix_ms >= since && (key.empty() || line->key == key);
  });
  if (!page.ok())
    return reply.refuse(
        {Code::unavailable, "the audit trail cannot be read: " + std::string(ports::name(page.error()))});
  reply.send([&](wire::Records::Builder out) {
    auto lines = out.initLines(size32(page.value().lines));
    for (unsigned i = 0; i < lines.size(); ++i) lines.set(i, page.value().lines[i]);
    out.setNext(data_of(page.value().next));
  });
}

}  // namespace troupe::audit
