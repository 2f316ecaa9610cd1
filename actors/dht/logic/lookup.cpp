#include "actors/dht/logic/lookup.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::dht {

Lookup::Lookup(const LookupQuestion& question, std::vector<Start> starts)
    : question_(question),
      starts_(std::move(starts)),
      candidates_(question.target, question.groups),
      round_trip_(question.round_trip),
      paths_(question.paths),
      providers_(question.own_providers),
      newest_(question.own_copy) {
  base::ensure(question.nearest >= 1 && question.nearest <= kContactsMax, "a value has 1 to 20 holders");
  base::ensure(question.quorum >= 1 && question.providers_max >= 1, "a search wants at least one answer");
  base::ensure(question.paths >= 1 && question.paths <= kPathsMax, "a search has a path, and few of them");
  base::ensure(question.region_max <= kRegionMax, "a region fits into a path");
  question_.region_nodes = std::max(question.region_nodes, question.nearest);
  if (starts_.size() > kStartMax) starts_.resize(kStartMax);
  for (std::size_t i = 0; i < starts_.size(); ++i) {
    const Start& one = starts_[i];
    if (one.contact.id == question_.own || !one.contact.where.endpoint.dialable()) continue;
    if (candidates_.hear(one.contact, i % paths_.size(), 1, std::nullopt)) continue;
    candidates_.find(one.contact.id)->round_trip = one.round_trip;
  }
  width_ = first_width();
}

Decisions Lookup::start(base::Instant now) {
  base::ensure(asked_ == 0 && !ended_, "a lookup starts once");
  spare_known(now);
  return go_on(now);
}

/// Start contacts that answered an earlier search and should store the value count as answered, except the kPathsFirst
/// nearest, so that the search learns of new nodes. Farther nodes are always asked: they may know nearer ones.
void Lookup::spare_known(base::Instant now) {
  if (question_.kind != LookupKind::store_region || !question_.network) return;
  for (std::size_t i = kPathsFirst; i < starts_.size(); ++i) {
    Candidate* const known = starts_[i].answered_lately ? candidates_.find(starts_[i].contact.id) : nullptr;
    if (known == nullptr || expected_within(known->distance, *question_.network) >= question_.nearest) continue;
    known->state = Candidate::State::answered;
    if (question_.tracing == Tracing::off) continue;
    explanation_.hops.push_back(Hop{known->contact, i % kPathsFirst, 1, known->distance, std::nullopt, Chosen::lately,
                                    now, Fate::answered, base::Duration{0}, std::nullopt, 0});
  }
}

Decisions Lookup::answered(const Contact& whom, const LookupAnswer& answer, base::Instant now) {
  Candidate* const from = ended_ ? nullptr : candidates_.find(whom.id);
  if (from == nullptr || from->questions == 0) return {};
  if (from->state == Candidate::State::answered || from->state == Candidate::State::failed) return {};
  const bool in_time = from->state == Candidate::State::asked && from->contact.where == whom.where;
  if (in_time) {
    const base::Duration took = now - from->asked_at;
    const bool quick = round_trip_.known() && took <= round_trip_.usual();
    if (quick && !seeks_nodes()) width_ = std::max<std::size_t>(width_ - 1, 1);
    if (!quick && took > round_trip_.timeout()) width_ = std::min(width_ + 1, kWidthMax);
    round_trip_.note(took);
  }
  from->contact.where = whom.where;  // where it was reached
  from->state = Candidate::State::answered;
  if (Hop* const hop = hop_of(whom.id)) {
    hop->fate = Fate::answered;
    hop->took = now - hop->asked_at;
  }
  take_value(*from, answer);
  take_contacts(*from, answer.contacts);
  return go_on(now);
}

Decisions Lookup::failed(const Contact& whom, AskFailure why, base::Instant now) {
  Candidate* const from = ended_ ? nullptr : candidates_.find(whom.id);
  if (from == nullptr || from->contact.where != whom.where) return {};
  if (from->state != Candidate::State::asked && from->state != Candidate::State::late) return {};
  if (from->state == Candidate::State::asked && (why == AskFailure::silent || why == AskFailure::unreachable))
    width_ = std::min(width_ + 1, kWidthMax);
  from->overdue = false;  // the caller knows already
  give_up_on(*from, Fate::failed, now);
  return go_on(now);
}

Decisions Lookup::tick(base::Instant now) {
  if (ended_) return {};
  for (Candidate& one : candidates_.all()) {
    if (one.state == Candidate::State::asked && one.late_at <= now) {
      width_ = std::min(width_ + 1, kWidthMax);
      one.overdue = true;
      give_up_on(one, Fate::late, now);
    } else if (one.state == Candidate::State::late && one.answer_due <= now) {
      give_up_on(one, Fate::failed, now);
    }
  }
  return go_on(now);
}

base::Instant Lookup::wake_at() const {
  if (ended_) return base::Instant::max();
  base::Instant out = question_.deadline;
  for (const Candidate& one : candidates_.all()) {
    if (one.state == Candidate::State::asked) out = std::min(out, one.late_at);
    if (one.state == Candidate::State::late) out = std::min(out, one.answer_due);
  }
  return out;
}

Decisions Lookup::cancel(base::Instant now) { return ended_ ? Decisions{} : finish(Ending::cancelled, now); }

std::size_t Lookup::in_flight() const {
  return static_cast<std::size_t>(std::ranges::count(candidates_.all(), Candidate::State::asked, &Candidate::state));
}

Decisions Lookup::go_on(base::Instant now) {
  check();
  if (found()) return finish(Ending::found, now);
  if (question_.deadline <= now) return finish(Ending::deadline, now);
  Decisions out;
  do {
    mark_needed();
    while (asked_ < kAskedMax) {
      auto choice = in_flight() < width() ? choose() : std::nullopt;
      if (!choice && in_flight() < kWidthLast) choice = choose_last_round();
      if (!choice) break;
      out.ask.push_back(ask(*choice, now));
    }
  } while (out.ask.empty() && settled() && suspicious() && open_path());
  if (!out.ask.empty() || !settled() || worth_waiting()) return out;
  const bool anybody = std::ranges::any_of(
      candidates_.all(), [](const Candidate& one) { return one.state == Candidate::State::answered; });
  if (!anybody) return finish(Ending::nobody, now);
  return finish(asked_ == kAskedMax ? Ending::gave_up : Ending::converged, now);
}

Ask Lookup::ask(const Choice& choice, base::Instant now) {
  Candidate& whom = *choice.whom;
  const base::Duration patience = whom.round_trip && whom.round_trip->known()
                                      ? std::max(whom.round_trip->timeout(), round_trip_.timeout())
                                      : round_trip_.timeout();
  whom.state = Candidate::State::asked;
  whom.overdue = false;
  ++whom.questions;
  whom.asked_by = choice.path;
  whom.asked_at = now;
  whom.late_at = now + patience;
  whom.answer_due = std::min(question_.deadline, now + std::max<base::Duration>(2 * patience, kAnswerMin));
  ++asked_;
  ++paths_[choice.path].asked;
  if (replacements_ > 0) --replacements_;
  if (question_.tracing == Tracing::on) {
    explanation_.hops.push_back(Hop{whom.contact, choice.path, whom.depth, whom.distance, whom.named_by, choice.why,
                                    now, Fate::waiting, base::Duration{0}, std::nullopt, 0});
  }
  return Ask{whom.contact, choice.path, whom.answer_due};
}

void Lookup::take_value(Candidate& from, const LookupAnswer& answer) {
  providers_ += std::min(answer.providers, question_.providers_max);
  from.names_providers = answer.names_providers;
  if (!answer.version) return;
  from.version = answer.version;
  if (holder_depth_ == 0) holder_depth_ = from.depth;
  if (!newest_ || *newest_ < *answer.version) newest_ = answer.version;
  if (Hop* const hop = hop_of(from.contact.id)) hop->version = answer.version;
}

void Lookup::take_contacts(const Candidate& from, const std::vector<Contact>& contacts) {
  const Key& named_by = from.contact.id;
  std::vector<Key> seen;
  std::vector<Group> groups;
  for (const Contact& one : contacts) {
    const Group group = question_.groups.group_of(one.where.endpoint);
    std::optional<Refusal> why;
    if (seen.size() == kTakenMax) {
      refuse(one.id, named_by, Refusal::too_many);
      break;
    }
    if (one.id == question_.own) why = Refusal::ourselves;
    else if (one.id == named_by) why = Refusal::itself;
    else if (std::ranges::count(seen, one.id) > 0) why = Refusal::repeated;
    else if (!one.where.endpoint.dialable()) why = Refusal::not_dialable;
    else if (std::ranges::count(groups, group) >= static_cast<std::ptrdiff_t>(question_.groups.table_max))
      why = Refusal::group_full;
    else why = candidates_.hear(one, from.asked_by, from.depth + 1, named_by);
    seen.push_back(one.id);
    groups.push_back(group);
    if (why) refuse(one.id, named_by, *why);
    else if (Hop* const hop = hop_of(named_by)) ++hop->taken;
  }
}

void Lookup::give_up_on(Candidate& whom, Fate fate, base::Instant now) {
  if (Hop* const hop = hop_of(whom.contact.id)) {
    hop->fate = fate;
    hop->took = now - hop->asked_at;
  }
  ++replacements_;
  whom.state = fate == Fate::late ? Candidate::State::late : Candidate::State::failed;
  if (whom.alternates.empty()) return;
  // Another node named a wrong address. A late answer from that address still counts.
  whom.contact.where = whom.alternates.front();
  whom.alternates.erase(whom.alternates.begin());
  whom.state = Candidate::State::fresh;
}

Decisions Lookup::finish(Ending ending, base::Instant now) {
  ended_ = true;
  Decisions out;
  out.done = outcome(ending, now);
  return out;
}

LookupOutcome Lookup::outcome(Ending ending, base::Instant now) const {
  LookupOutcome out;
  out.ending = ending;
  out.newest = newest_;
  out.asked = asked_;
  out.hops = holder_depth_;
  for (const Candidate& one : candidates_.all()) {
    using State = Candidate::State;
    const bool given_up = one.overdue && (one.state == State::late || one.state == State::failed);
    if (given_up || (one.state == State::asked && one.late_at <= now)) out.overdue.push_back(one.contact);
    if (one.state != State::answered) continue;
    if (out.hops == 0) out.hops = one.depth;
    const bool holds_newest = newest_ && one.version == newest_;
    if (holds_newest) out.holders.push_back(one.contact);
    if (newest_ && !one.version && !out.cache_at) out.cache_at = one.contact;
    if (one.group_full) continue;
    const bool in_region = question_.kind == LookupKind::store_region && one.among_nearest;
    if (out.nearest.size() >= question_.nearest && !in_region) continue;
    out.nearest.push_back(one.contact);
    if (newest_ && question_.finality == Finality::newest && !holds_newest) out.behind.push_back(one.contact);
  }
  const auto answered = std::ranges::count_if(
      candidates_.all(), [](const Candidate& one) { return one.state == Candidate::State::answered && !one.spared(); });
  out.unanswered = asked_ - static_cast<std::size_t>(answered);
  return out;
}

void Lookup::refuse(const Key& id, const Key& named_by, Refusal why) {
  if (question_.tracing == Tracing::off || explanation_.refused.size() == kRefusalsMax) return;
  explanation_.refused.push_back({id, named_by, why});
}

Hop* Lookup::hop_of(const Key& id) {
  const auto at = std::ranges::find(explanation_.hops.rbegin(), explanation_.hops.rend(), id,
                                    [](const Hop& hop) { return hop.whom.id; });
  return at == explanation_.hops.rend() ? nullptr : &*at;
}

void Lookup::check() const {
  base::ensure(asked_ <= kAskedMax && paths_.size() <= kPathsMax, "a lookup keeps its limits");
  base::ensure(candidates_.all().size() <= kPathsMax * kPathKnownMax + kAskedMax, "candidates are limited");
  base::ensure(width_ >= 1 && width_ <= kWidthMax, "a request is in flight");
}

std::string_view text_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::too_many: return "more contacts than an answer may have";
    case Refusal::ourselves: return "our own id";
    case Refusal::itself: return "names itself";
    case Refusal::repeated: return "twice in one answer";
    case Refusal::not_dialable: return "an address that no node can dial";
    case Refusal::group_full: return "too many from one address group";
    case Refusal::other_address: return "known with another address";
    case Refusal::not_nearer: return "farther than all candidates of its path";
  }
  return "";
}

std::string_view text_of(Chosen chosen) {
  switch (chosen) {
    case Chosen::start: return "nearest in our table";
    case Chosen::nearest: return "nearest candidate of its path";
    case Chosen::quicker: return "as near as another node, and quicker";
    case Chosen::instead: return "instead of a late node";
    case Chosen::last_round: return "among the nearest of all";
    case Chosen::suspicious: return "too few nodes around the key";
    case Chosen::lately: return "answered recently, not asked again";
  }
  return "";
}

std::string_view text_of(Fate fate) {
  constexpr std::string_view kTexts[] = {"waiting", "answered", "late", "failed"};
  return kTexts[static_cast<std::size_t>(fate)];
}

}  // namespace troupe::dht
