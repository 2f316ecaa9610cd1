#include <algorithm>

#include "actors/durable/api.hpp"

namespace troupe::durable {

void Keyed::ask(const std::string& name, Question question) {
  const auto there = awake_.find(name);
  if (there != awake_.end() && there->second.ends) {
    if (there->second.waiting.size() < kWaitingMax) return there->second.waiting.push_back(std::move(question));
    return question.refuse(
        {base::Code::overloaded, "too many requests wait for an actor that is ending: retry in a moment"});
  }
  if (there == awake_.end()) {
    if (awake_.size() >= awake_max_ && !make_room())
      return question.refuse({base::Code::overloaded, "too many actors are active: retry in a minute"});
    Awake awake{.actor = does_.begin(name)};
    names_.emplace(awake.actor, name);
    awake_.emplace(name, std::move(awake));
  }
  Awake& awake = awake_.at(name);
  ++awake.asked;
  auto answered = [this, name, reply = std::move(question.reply), done = std::move(question.done),
                   ended = std::move(question.ended)](const runtime::Envelope& answer) mutable {
    if (const auto at = awake_.find(name); at != awake_.end() && at->second.asked > 0) --at->second.asked;
    if (ended) ended();
    if (reply.open()) reply.forward(answer);
    if (done) done();
  };
  request_for(question.from, awake.actor, std::move(question.envelope), std::move(answered));
}

void Keyed::sleepy(const std::string& name) {
  const auto there = awake_.find(name);
  if (there == awake_.end() || there->second.asked > 0 || std::exchange(there->second.ends, true)) return;
  does_.end(there->second.actor);
}

void Keyed::end_all() {
  for (auto& [name, awake] : awake_) {
    if (!std::exchange(awake.ends, true)) does_.end(awake.actor);
    for (Question& one : std::exchange(awake.waiting, {}))
      one.refuse({base::Code::unavailable, "this node no longer holds the seat: retry"});
  }
}

std::optional<std::string> Keyed::down(const runtime::Handle& ended) {
  const auto name = names_.extract(ended);
  if (name.empty()) return std::nullopt;
  auto awake = awake_.extract(name.mapped());
  if (!awake.empty())
    for (Question& one : awake.mapped().waiting) ask(name.mapped(), std::move(one));
  return name.mapped();
}

bool Keyed::ends(const std::string& name) const {
  const auto there = awake_.find(name);
  return there != awake_.end() && there->second.ends;
}

/// Ends an actor that has no requests.
bool Keyed::make_room() {
  if (awake_.size() >= 2 * awake_max_) return false;  // includes ending actors
  const auto idle = std::ranges::find_if(awake_, [this](const auto& one) {
    return one.second.asked == 0 && !one.second.ends && (!does_.may_end || does_.may_end(one.first));
  });
  if (idle == awake_.end()) return false;
  idle->second.ends = true;
  does_.end(idle->second.actor);
  return true;
}

}  // namespace troupe::durable
