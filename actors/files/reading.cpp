#include "actors/files/reading.hpp"

#include "actors/files/logic/contents.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::files {

using base::Code;

void Reading::open(std::vector<base::NodeId> candidates) {
  ++opened_;
  arrived_.clear();
  fetch_.emplace(std::move(candidates), settings_.self, settings_.fetch, world().mutations);
}

void Reading::pump() {
  const std::uint32_t opened = opened_;
  while (fetch_ && fetch_->head_ready()) {
    const ContentKey key = fetch_->head_key();  // take() may want more, or close
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
  if (!end) return;
  fetch_.reset();
  failed(*end);
}

void Reading::seek(const ContentKey& key) {
  find_holders(key, [this, key, opened = opened_](const HoldersFound& holders) {
    if (!fetch_ || opened != opened_) return;
    fetch_->found(key, holders);
    pump();
  });
}

void Reading::check() const {
  if (!fetch_) return;
  fetch_->check();
  base::ensure(arrived_.size() == fetch_->arrived(), "a reading keeps the bytes of what has arrived, and no others");
  base::ensure(arrived_.empty() || arrived_.begin()->first >= fetch_->head(), "what was passed on is let go");
}

void Reading::send(const FetchQuestion& question) {
  ask<wire::FetchContent, wire::Fetched>(
      holder(question.node), now() + settings_.content_timeout,
      [&](wire::FetchContent::Builder out) { write(out.initContent(), question.key); },
      [this, question, opened = opened_](runtime::Answer<wire::Fetched> answer) {
        if (fetch_ && opened == opened_) answered(question, answer);
      });
}

void Reading::answered(const FetchQuestion& question, runtime::Answer<wire::Fetched>& answer) {
  if (answer.ok()) {
    if (verify_content(question.key, bytes_of(answer.value().getBytes()), world().mutations)) {
      if (fetch_->arrived(question.index, question.node)) arrived_.emplace(question.index, answer.envelope());
    } else {
      ++bad_answers_;
      accuse(question.node);
      fetch_->missed(question.index, question.node, FetchMiss::bad);
    }
  } else {
    const Code code = answer.error().code;
    // A node that offers no such service holds nothing.
    const bool lacks = code == Code::not_found || code == Code::unsupported;
    const bool bad = code == Code::corrupt;
    fetch_->missed(question.index, question.node, lacks ? FetchMiss::lacks : bad ? FetchMiss::bad : FetchMiss::silent);
  }
  pump();
}

base::Error to_error(ManifestError error) {
  switch (error) {
    case ManifestError::malformed: return {Code::corrupt, "what that id names is no manifest of a file"};
    case ManifestError::unsupported: return {Code::unsupported, "the file's manifest is of a later version"};
    case ManifestError::too_large: return {Code::unsupported, "the file's manifest is larger than this version reads"};
  }
  return {Code::internal, "unknown"};
}

}  // namespace troupe::files
