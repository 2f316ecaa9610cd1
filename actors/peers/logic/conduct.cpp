#include "actors/peers/logic/conduct.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::peers {

std::uint32_t points_of(Offence offence) {
  switch (offence) {
    case Offence::protocol: return 50;
    case Offence::malformed:
    case Offence::bad_record: return 25;
    case Offence::unproven_contact:
    case Offence::too_many: return 20;
    case Offence::forbidden:
    case Offence::flooding:
    case Offence::wrong_token: return 10;
    case Offence::undialable: return 5;
  }
  return kPointsBan;
}

std::string_view text_of(Offence offence) {
  switch (offence) {
    case Offence::malformed: return "malformed message";
    case Offence::protocol: return "broke the protocol of the link";
    case Offence::forbidden: return "kind that its role may not send";
    case Offence::flooding: return "flood of questions";
    case Offence::unproven_contact: return "contact without its work";
    case Offence::too_many: return "more contacts than asked for";
    case Offence::undialable: return "contact that nobody can dial";
    case Offence::bad_record: return "record that is no good";
    case Offence::wrong_token: return "token that it was not given";
  }
  return "offence";
}

bool light(Offence offence) { return points_of(offence) <= 10; }

base::Duration ban_span(std::uint16_t bans) {
  base::Duration span = kBanMin;
  for (std::uint16_t i = 0; i < bans && span < kBanMax; ++i) span *= 2;
  return std::min<base::Duration>(span, kBanMax);
}

std::uint64_t Conduct::left(const Points& of, base::Instant now) {
  const auto forgiven = static_cast<std::uint64_t>(std::max<std::int64_t>((now - of.as_of) / kPointLife, 0));
  return of.points - std::min(of.points, forgiven);
}

bool Conduct::offend(const base::NodeId& id, Offence offence, base::Instant now) {
  if (points_.size() >= kOffendersMax && !points_.contains(id))
    points_.erase(std::ranges::min_element(points_, {}, [&](const auto& one) { return left(one.second, now); }));
  Points& score = points_.try_emplace(id, Points{0, now, {}}).first->second;
  if (light(offence)) {
    if (score.light_at && now - *score.light_at < kLightGap) return false;
    score.light_at = now;
  }
  ++offences_;
  const std::uint64_t before = left(score, now);
  // The rest of a point counts next time; of one that has none left nothing is kept.
  score.as_of = before == 0 ? now : score.as_of + kPointLife * static_cast<std::int64_t>(score.points - before);
  score.points = before + points_of(offence);
  const bool enough = score.points >= kPointsBan;
  if (enough) points_.erase(id);
  check();
  return enough;
}

std::uint32_t Conduct::score(const base::NodeId& id, base::Instant now) const {
  const auto found = points_.find(id);
  return found == points_.end() ? 0 : static_cast<std::uint32_t>(left(found->second, now));
}

base::Instant Conduct::ban(const base::NodeId& id, base::Instant now) {
  if (bans_.size() >= kStrangersMax && !bans_.contains(id))
    bans_.erase(std::ranges::min_element(bans_, {}, [](const auto& one) { return one.second.until; }));
  Ban& ban = bans_[id];
  ban.until = now + ban_span(ban.bans);
  if (ban.bans < 0xffff) ++ban.bans;
  check();
  return ban.until;
}

std::optional<base::Instant> Conduct::banned_until(const base::NodeId& id, base::Instant now) const {
  const auto found = bans_.find(id);
  if (found == bans_.end() || found->second.until <= now) return std::nullopt;
  return found->second.until;
}

std::map<base::NodeId, base::Instant> Conduct::banned(base::Instant now) const {
  std::map<base::NodeId, base::Instant> out;
  for (const auto& [id, ban] : bans_)
    if (now < ban.until) out.emplace(id, ban.until);
  return out;
}

bool Conduct::pardon(const base::NodeId& id, base::Instant now) {
  const bool banned = banned_until(id, now).has_value();
  if (banned) bans_.at(id).until = now;  // how often it was banned stays known
  return points_.erase(id) > 0 || banned;
}

void Conduct::prune(base::Instant now) {
  std::erase_if(points_, [&](const auto& one) { return left(one.second, now) == 0; });
  std::erase_if(bans_, [&](const auto& one) { return one.second.until + kBanMax <= now; });
}

void Conduct::check() const {
  base::ensure(points_.size() <= kOffendersMax && bans_.size() <= kStrangersMax, "what is noted of others is limited");
}

}  // namespace troupe::peers
