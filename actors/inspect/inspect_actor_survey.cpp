// Warnings: surveys of all actors, and the reporting of findings.
#include <algorithm>

#include "actors/inspect/inspect_actor.hpp"

namespace troupe::inspect {

void InspectActor::begin_survey() {
  for (const runtime::Handle& whom : node().recent_pool().lapsed(now()))
    tell<runtime::wire::LookAway>(whom, [](runtime::wire::LookAway::Builder) {});
  note_stirs();
  any_runs_ = false;
  survey_.begin();
  surveying_.emplace();
  survey_took_ = base::Duration::zero();
  next_slice();
}

void InspectActor::end_survey() {
  surveying_.reset();
  if (circle_) survey_.add(*circle_);
  survey_.finish(node(), now(), wall());
  ++surveys_;
  if (setup_.surveyed) setup_.surveyed(survey_.totals());
  raise();
  ask_askers();
  if (at_rest()) after_stir<Stirred>();
  else survey_later();
}

void InspectActor::survey_later() { after<SurveyDue>(std::max(setup_.period, survey_took_ * kSurveyShare)); }

/// Returns whether the next survey would find the same unless an actor runs in between. Then no message waits, no
/// request is open, no warning has to be withdrawn, and no actor keeps its last messages for an operator.
bool InspectActor::at_rest() const {
  return node().rest().quiet() && survey_.calm() && !any_runs_ && told_.empty() && node().recent_pool().granted() == 0;
}

/// The log gets each reason once, not with each new number; health shows the latest number.
void InspectActor::raise() {
  if (setup_.health == nullptr) return;
  for (const Finding& finding : survey_.findings()) {
    Told& told = told_[finding.warning];
    // Two actors that alternate as the worst are reported once per minute.
    const bool fresh =
        told.last == base::Instant{} || (told.subject != finding.subject && now() - told.said >= kEventTime);
    told.last = now();
    std::string text = finding.text;
    if (std::ranges::find(paused_, finding.subject, &Paused::path) != paused_.end())
      text += "; an operator has paused this actor";
    if (finding.cases > 1) text += "; " + std::to_string(finding.cases - 1) + " more like it";
    if (!fresh) {
      setup_.health->refresh(name(finding.warning), text);
      continue;
    }
    told.subject = finding.subject;
    told.said = now();
    setup_.health->raise(name(finding.warning), observe::HealthState::degraded, text);
  }
  std::erase_if(told_, [&](const auto& one) {
    if (now() - one.second.last < kHold) return false;
    setup_.health->clear(name(one.first));
    return true;
  });
}

/// Asks each actor that has waited for two surveys which actor it waits for.
void InspectActor::ask_askers() {
  if (unanswered_ > 0) return;  // the last round is not over
  edges_.clear();
  askers_.clear();
  circle_.reset();
  for (const Survey::Asker& asker : survey_.askers()) {
    if (asker.handle == self()) continue;
    ++unanswered_;
    askers_.emplace(asker.id, asker.path);
    ask<runtime::wire::Portray, runtime::wire::Portrait>(
        asker.handle, now() + kPortraitDue, [](runtime::wire::Portray::Builder) {},
        [this, id = asker.id](runtime::Answer<runtime::wire::Portrait> answer) {
          if (answer.ok()) {
            for (const auto one : answer.value().getAsks())
              if (!one.getStream() && one.getSinceMs() >= kCircleMs) edges_.emplace_back(id, one.getTo());
          }
          if (--unanswered_ == 0) look_for_circle();
        });
  }
}

void InspectActor::look_for_circle() {
  const auto circle = find_circle(edges_);
  if (circle.empty()) return;
  std::string way;
  for (const std::uint64_t one : circle) way += askers_[one] + " asks ";
  const std::string& first = askers_[circle.front()];
  circle_ =
      Finding{Warning::ask_cycle, first, way + first + ": each waits for an answer of the next actor (for 1 s or more)",
              static_cast<double>(circle.size())};
}

}  // namespace troupe::inspect
