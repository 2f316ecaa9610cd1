#include "actors/peers/logic/peer_scores.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"

namespace troupe::peers {

std::uint32_t points_of(Violation violation) {
  switch (violation) {
    case Violation::protocol: return 50;
    case Violation::malformed:
    case Violation::bad_record: return 25;
    case Violation::unproven_contact:
    case Violation::too_many: return 20;
    case Violation::forbidden:
    case Violation::flooding:
    case Violation::wrong_token: return 10;
    case Violation::undialable: return 5;
  }
  return kPointsBan;
}

std::string_view text_of(Violation violation) {
  switch (violation) {
    case Violation::malformed: return "malformed message";
    case Violation::protocol: return "broke the protocol of the link";
    case Violation::forbidden: return "message kind that its role may not send";
    case Violation::flooding: return "flood of requests";
    case Violation::unproven_contact: return "contact without its work";
    case Violation::too_many: return "more contacts than requested";
    case Violation::undialable: return "contact that cannot be dialled";
    case Violation::bad_record: return "invalid record";
    case Violation::wrong_token: return "token that it was not given";
  }
  return "violation";
}

bool light(Violation violation) { return points_of(violation) <= 10; }

base::Duration ban_span(std::uint16_t bans) {
  base::Duration span = kBanMin;
  for (std::uint16_t i = 0; i < bans && span < kBanMax; ++i) span *= 2;
  return std::min<base::Duration>(span, kBanMax);
}

std::uint64_t PeerScores::left(const Points& of, base::Instant now) {
  const auto forgiven = static_cast<std::uint64_t>(std::max<std::int64_t>((now - of.as_of) / kPointLife, 0));
  return of.points - std::min(of.points, forgiven);
}

bool PeerScores::add(const base::NodeId& id, Violation violation, base::Instant now) {
  if (points_.size() >= kScoredMax && !points_.contains(id))
    points_.erase(std::ranges::min_element(points_, {}, [&](const auto& one) { return left(one.second, now); }));
  Points& score = points_.try_emplace(id, Points{0, now, {}}).first->second;
  if (light(violation)) {
    if (score.light_at && now - *score.light_at < kLightGap) return false;
    score.light_at = now;
  }
  ++violations_;
  const std::uint64_t before = left(score, now);
  // The fraction of a point counts next time; without points left, no fraction is kept.
  score.as_of = before == 0 ? now : score.as_of + kPointLife * static_cast<std::int64_t>(score.points - before);
  score.points = before + points_of(violation);
  const bool enough = score.points >= kPointsBan;
  if (enough) points_.erase(id);
  check();
  return enough;
}

std::uint32_t PeerScores::score(const base::NodeId& id, base::Instant now) const {
  const auto found = points_.find(id);
  return found == points_.end() ? 0 : static_cast<std::uint32_t>(left(found->second, now));
}

base::Instant PeerScores::ban(const base::NodeId& id, base::Instant now) {
  if (bans_.size() >= kStrangersMax && !bans_.contains(id))
    bans_.erase(std::ranges::min_element(bans_, {}, [](const auto& one) { return one.second.until; }));
  Ban& ban = bans_[id];
  ban.until = now + ban_span(ban.bans);
  if (ban.bans < 0xffff) ++ban.bans;
  check();
  return ban.until;
}

std::optional<base::Instant> PeerScores::banned_until(const base::NodeId& id, base::Instant now) const {
  const auto found = bans_.find(id);
  if (found == bans_.end() || found->second.until <= now) return std::nullopt;
  return found->second.until;
}

std::map<base::NodeId, base::Instant> PeerScores::banned(base::Instant now) const {
  std::map<base::NodeId, base::Instant> out;
  for (const auto& [id, ban] : bans_)
    if (now < ban.until) out.emplace(id, ban.until);
  return out;
}

bool PeerScores::unban(const base::NodeId& id, base::Instant now) {
  const bool banned = banned_until(id, now).has_value();
  if (banned) bans_.at(id).until = now;  // the number of bans is kept
  return points_.erase(id) > 0 || banned;
}

void PeerScores::prune(base::Instant now) {
  std::erase_if(points_, [&](const auto& one) { return left(one.second, now) == 0; });
  std::erase_if(bans_, [&](const auto& one) { return one.second.until + kBanMax <= now; });
}

void PeerScores::check() const {
  base::ensure(points_.size() <= kScoredMax && bans_.size() <= kStrangersMax,
               "the scores and bans of nodes are limited");
}

}  // namespace troupe::peers
