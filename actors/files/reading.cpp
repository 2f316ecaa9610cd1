#include "actors/files/reading.hpp"

#include "actors/files/logic/contents.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::files {

using base::Code;

void Reading::receive(runtime::Handlers& on) {
  on.timer<LookForLate>([this] { look_for_late(); });
}

void Reading::open(std::vector<base::NodeId> candidates) {
  close();
  ++opened_;
  arrived_.clear();
  fetch_.emplace(candidates, settings_.self, settings_.fetch, world().mutations);
  say_where(candidates);
  for (const base::NodeId& node : pace_.silent_nodes(now())) fetch_->was_silent(node);
}

/// Also reports what this reading has learned to this node's other readings.
void Reading::close() {
  fetch_.reset();
  sent_.clear();
  if (paced_.empty()) return;
  tell<wire::StoresTook>(catalogue_, [&](wire::StoresTook::Builder out) {
    out.setReads(true);
    write_pace(out.initNodes(static_cast<unsigned>(std::min(paced_.size(), kPaceNodesMax))), paced_, pace_, now());
  });
  paced_.clear();
}

void Reading::say_where(const std::vector<base::NodeId>& nodes) {
  for (const base::NodeId& node : nodes)
    if (const auto site = sites_.find(node); site != sites_.end()) fetch_->lives_in(node, site->second);
}

void Reading::pump() {
  const std::uint32_t opened = opened_;
  while (fetch_ && fetch_->head_ready()) {
    const ContentKey key = fetch_->head_key();  // take() may add objects, or close
    const runtime::Envelope envelope = arrived_.at(fetch_->head());
    runtime::Envelope::Reading<wire::Fetched> reading(envelope);
    if (!take(key, bytes_of(reading.root().getBytes()))) break;
    if (!fetch_ || opened_ != opened) return;
    arrived_.erase(fetch_->head());
    fetch_->pass_head();
  }
  if (!fetch_) return;
  for (const FetchQuestion& question : fetch_->next()) send(question);
  for (const ContentKey& key : fetch_->seek()) seek(key);
  const auto end = fetch_->end();
  if (!end) return look_again();
  close();
  failed(*end);
}

void Reading::seek(const ContentKey& key) {
  find_holders(key, [this, key, opened = opened_](const HoldersFound& holders) {
    if (!fetch_ || opened != opened_) return;
    say_where(holders.announced);
    say_where(holders.nearest);
    fetch_->found(key, holders);
    pump();
  });
}

void Reading::check() const {
  if (!fetch_) return;
  fetch_->check();
  base::ensure(arrived_.size() == fetch_->arrived(), "a reading keeps the bytes of only the objects that have arrived");
  base::ensure(arrived_.empty() || arrived_.begin()->first >= fetch_->head(), "passed objects are dropped");
}

void Reading::send(const FetchQuestion& question) {
  const base::Duration patience = std::clamp<base::Duration>(pace_.patience(question.node), kPatienceMin, kPatienceMax);
  sent_[{question.index, question.node}] = {now(),
                                            question.node == settings_.self ? base::Instant::max() : now() + patience};
  ask<wire::FetchContent, wire::Fetched>(
      holder(question.node), now() + settings_.content_timeout,
      [&](wire::FetchContent::Builder out) { write(out.initContent(), question.key); },
      [this, question, opened = opened_](runtime::Answer<wire::Fetched> answer) {
        if (fetch_ && opened == opened_) answered(question, answer);
      });
}

/// A request was answered; `gave`: with the object.
void Reading::learn(const FetchQuestion& question, bool gave) {
  const auto sent = sent_.extract({question.index, question.node});
  if (!sent || !gave || question.node == settings_.self) return;
  pace_.took(question.node, now() - sent.mapped().at);
  paced_.insert(question.node);
}

/// If a node takes longer than usual, asks the next node as well.
void Reading::look_for_late() {
  if (!fetch_) return;
  for (auto& [question, sent] : sent_) {
    if (now() < sent.late_at) continue;
    if (fetch_->late(question.first, question.second)) {
      sent.late_at = now() + kLateFor;
      pace_.silent(question.second, now());
      paced_.insert(question.second);
    } else {
      sent.late_at = base::Instant::max();
      fetch_->give_up(question.first, question.second);
    }
  }
  pump();
}

void Reading::look_again() {
  base::Instant next = base::Instant::max();
  for (const auto& [question, sent] : sent_) next = std::min(next, sent.late_at);
  if (next != base::Instant::max()) after<LookForLate>(std::max(next - now(), base::Duration::zero()));
}

void Reading::answered(const FetchQuestion& question, runtime::Answer<wire::Fetched>& answer) {
  const bool gave = answer.ok() && verify_content(question.key, bytes_of(answer.value().getBytes()), world().mutations);
  learn(question, gave);
  if (answer.ok()) {
    if (gave) {
      if (fetch_->arrived(question.index, question.node)) arrived_.emplace(question.index, answer.envelope());
    } else {
      ++bad_answers_;
      accuse(question.node);
      fetch_->missed(question.index, question.node, FetchMiss::bad);
    }
  } else {
    const Code code = answer.error().code;
    // A node that offers no such service stores nothing.
    const bool lacks = code == Code::not_found || code == Code::unsupported;
    const bool bad = code == Code::corrupt;
    fetch_->missed(question.index, question.node, lacks ? FetchMiss::lacks : bad ? FetchMiss::bad : FetchMiss::silent);
  }
  pump();
}

base::Error to_error(ManifestError error) {
  switch (error) {
    case ManifestError::malformed: return {Code::corrupt, "that id does not name a file: its data is not a manifest"};
    case ManifestError::unsupported:
      return {Code::unsupported, "the file's manifest has a later version: upgrade this node"};
    case ManifestError::too_large: return {Code::unsupported, "the file's manifest is too large for this version"};
  }
  return {Code::internal, "unknown"};
}

}  // namespace troupe::files
