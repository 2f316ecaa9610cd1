#include "actors/registry/logic/judges.hpp"

#include <algorithm>

namespace troupe::registry {
namespace {

constexpr std::uint64_t kLifeMs = std::chrono::milliseconds(kVouchLife).count();
constexpr std::uint64_t kSkewMs = std::chrono::milliseconds(kClockSkewMax).count();

bool counts(std::uint64_t unix_ms, std::uint64_t now_ms) {
  return unix_ms <= now_ms + kSkewMs && now_ms < unix_ms + kLifeMs;
}

}  // namespace

base::AddressGroup Judges::group_of(const Registration& node, const std::optional<base::AddressGroup>& site) const {
  if (groups_ == Groups::are_strangers) return group_alone(node.id());
  return site ? *site : registry::group_of(node.id(), node.at);
}

std::size_t Judges::weight_of(const base::NodeId& id, Named named) const {
  constexpr std::size_t kFoundRight = kWatchers + 1, kSelf = kWatchers + 2;
  if (id == self_) return kSelf;
  const auto own = judged_.find(id);
  if (own != judged_.end() && own->second.second == Finding::right) return kFoundRight;
  return std::min(std::max(named.sites, named.here ? kConfirmed : 0), kWatchers);
}

void Judges::drop(All::iterator at) {
  by_weight_.erase({at->second.weight, at->first});
  judges_.erase(at);
}

void Judges::see(const Registration& node, Status status, Named named, base::Instant now) {
  const base::NodeId id = node.id();
  std::size_t weight = weight_of(id, named);
  if (const auto known = judges_.find(id); known != judges_.end()) {
    if (named.sites == 0) weight = std::max(weight, known->second.weight);
    drop(known);
  }
  if (!node.registered || find(node.capabilities, kChecksCapability) == nullptr) return;
  if (judges_.size() >= kJudgesMax) {
    const auto least = *by_weight_.begin();
    if (least.first >= weight) return;
    drop(judges_.find(least.second));
  }
  judges_[id] = {node.owner, group_of(node, named.site), now, status != Status::offline, weight};
  by_weight_.emplace(weight, id);
}

void Judges::forget(base::Instant now) {
  for (auto at = judges_.begin(); at != judges_.end();) {
    const auto one = at++;
    if (one->second.seen + kForgetAfter <= now) drop(one);
  }
}

void Judges::judged(const base::NodeId& node, Finding finding, std::uint64_t unix_ms) {
  judged_.insert_or_assign(node, std::pair(unix_ms, finding));
  if (judged_.size() <= kJudgedMax) return;
  judged_.erase(std::ranges::min_element(judged_, {}, [](const auto& one) { return one.second.first; }));
}

std::size_t Judges::needed(const base::NodeId& id, const Judge& node) const {
  const auto may = [&](const auto& one) {
    return one.first != id && one.second.lives && one.second.confirmed() && apart(one.second, node);
  };
  auto first = id == self_ ? judges_.end() : judges_.find(self_);
  if (first == judges_.end()) first = std::ranges::find_if(judges_, may);
  if (first == judges_.end()) return 1;
  const bool another =
      std::ranges::any_of(judges_, [&](const auto& one) { return may(one) && apart(one.second, first->second); });
  return another ? kEnough : 1;
}

std::uint64_t Judges::verified_until(const Registration& node, std::span<const Vouch> vouches, std::uint64_t now_ms,
                                     const std::optional<base::AddressGroup>& site) const {
  const base::NodeId id = node.id();
  const Judge of{.owner = node.owner, .group = group_of(node, site)};
  std::uint64_t last = 0;
  std::vector<Word> words;
  const auto own = judged_.find(id);
  if (own != judged_.end() && counts(own->second.first, now_ms)) {
    if (own->second.second == Finding::wrong) return 0;
    last = own->second.first;
  }
  for (const Vouch& vouch : vouches) {
    if (vouch.node != id || !counts(vouch.unix_ms, now_ms)) continue;
    if (vouch.judge() == self_) {
      last = std::max(last, vouch.unix_ms);  // after a restart this is the only record
      continue;
    }
    const auto judge = judges_.find(vouch.judge());
    if (judge != judges_.end() && apart(judge->second, of)) words.push_back({judge->second, vouch.unix_ms});
  }
  const bool alone = needed(id, of) == 1;
  for (const Word& a : words) {
    if (alone && a.judge.confirmed()) last = std::max(last, a.unix_ms);
    for (const Word& b : words)
      if (!alone && apart(a.judge, b.judge)) last = std::max(last, std::min(a.unix_ms, b.unix_ms));
  }
  return last == 0 ? 0 : last + kLifeMs;
}

}  // namespace troupe::registry
