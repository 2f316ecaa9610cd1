#include "actors/files/reading.hpp"

#include "actors/files/logic/contents.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::files {

using base::Code;

void Reading::open(std::vector<base::NodeId> candidates) {
  ++opened_;
  wanted_.clear();
  arrived_.clear();
  sought_.clear();
  seeking_ = unheard_ = false;
  candidates_ = std::move(candidates);
  fetch_.emplace(candidates_, settings_.self, settings_.fetch, world().mutations);
}

void Reading::want(const ContentKey& key) {
  wanted_.push_back(key);
  fetch_->want(key);
}

void Reading::pump() {
  const std::uint32_t opened = opened_;
  while (fetch_ && fetch_->head_ready()) {
    const std::size_t head = fetch_->head();
    const runtime::Envelope envelope = arrived_.at(head);
    const ContentKey key = wanted_[head];
    runtime::Envelope::Reading<wire::Fetched> reading(envelope);
    if (!take(key, bytes_of(reading.root().getBytes()))) break;
    if (!fetch_ || opened_ != opened) return;
    arrived_.erase(head);
    fetch_->pass_head();
  }
  if (!fetch_) return;
  for (const FetchQuestion& question : fetch_->next()) send(question);
  if (const auto end = fetch_->end()) seek(*end);
}

/// None of the candidates has one of the contents at hand. The network may know who has: it is asked once for each.
void Reading::seek(FetchEnd why) {
  const std::size_t head = fetch_->head();
  fetch_.reset();
  wanted_.erase(wanted_.begin(), wanted_.begin() + static_cast<std::ptrdiff_t>(head));
  std::map<std::size_t, runtime::Envelope> arrived;
  for (auto& [index, envelope] : std::exchange(arrived_, {})) arrived.emplace(index - head, std::move(envelope));
  const std::size_t near = std::min(wanted_.size(), settings_.fetch.window_max);
  for (std::size_t i = 0; i < near; ++i) {
    if (arrived.contains(i) || !sought_.insert(wanted_[i]).second) continue;
    seeking_ = true;
    return find_holders(wanted_[i],
                        [this, why, opened = opened_](const std::vector<base::NodeId>& found, bool unheard) {
                          if (!seeking_ || opened != opened_) return;
                          unheard_ = unheard_ || unheard;
                          go_on(found, why);
                        });
  }
  give_up(why);
}

/// That all who were asked lack it says little where others could not be.
void Reading::give_up(FetchEnd why) { failed(why == FetchEnd::not_found && unheard_ ? FetchEnd::unavailable : why); }

/// With those as further candidates; what had arrived beyond what is missing is asked for again.
void Reading::go_on(const std::vector<base::NodeId>& found, FetchEnd why) {
  seeking_ = false;
  const auto known = candidates_;
  candidates_ = with_hints(candidates_, found);
  if (candidates_ == known) return give_up(why);
  ++opened_;
  fetch_.emplace(candidates_, settings_.self, settings_.fetch, world().mutations);
  for (const ContentKey& key : wanted_) fetch_->want(key);
  pump();
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
