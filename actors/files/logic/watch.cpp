#include "actors/files/logic/watch.hpp"

#include <algorithm>
#include <utility>

#include "runtime/base/ensure.hpp"

namespace troupe::files {

Watch::Watch(const WatchLimits& limits, base::Instant now, const base::Mutations& mutations)
    : limits_(limits), mutations_(mutations), due_(now), pass_begun_(now) {}

std::vector<WatchQuestion> Watch::begin(const Catalogue& catalogue, base::Instant now) {
  std::vector<WatchQuestion> out;
  if (in_round_ || now < due_) return out;
  in_round_ = true;
  if (!cursor_) pass_begun_ = now;
  std::map<std::pair<base::NodeId, Cid>, std::vector<ContentKey>> asks;
  auto entry = cursor_ ? catalogue.entries().lower_bound(cursor_->first) : catalogue.entries().begin();
  for (; entry != catalogue.entries().end() && round_.size() < limits_.contents_per_round_max; ++entry) {
    const Cid& cid = entry->first;
    const auto& contents = catalogue.contents(cid);
    const bool resumed = cursor_ && cursor_->first == cid;
    auto content = resumed ? contents.upper_bound(cursor_->second) : contents.begin();
    for (; content != contents.end() && round_.size() < limits_.contents_per_round_max; ++content) {
      round_.try_emplace({cid, content->first});
      for (const base::NodeId& node : content->second) asks[{node, cid}].push_back(content->first);
    }
  }
  cursor_.reset();
  if (round_.size() == limits_.contents_per_round_max) cursor_ = round_.rbegin()->first;
  for (const auto& [whom, keys] : asks) {
    for (std::size_t at = 0; at < keys.size(); at += limits_.contents_per_question_max) {
      const std::size_t end = std::min(keys.size(), at + limits_.contents_per_question_max);
      out.push_back(
          {whom.first,
           whom.second,
           {keys.begin() + static_cast<std::ptrdiff_t>(at), keys.begin() + static_cast<std::ptrdiff_t>(end)}});
    }
  }
  return out;
}

void Watch::answered(const WatchQuestion& question, const std::vector<bool>& has) {
  if (has.size() != question.contents.size()) return silent(question);
  answering_.insert(question.node);
  for (std::size_t i = 0; i < has.size(); ++i) {
    const auto heard = round_.find({question.cid, question.contents[i]});
    if (heard == round_.end()) continue;
    (has[i] ? heard->second.has : heard->second.lacks).insert(question.node);
  }
}

void Watch::silent(const WatchQuestion& question) { not_answering_.insert(question.node); }

void Watch::busy(const WatchQuestion& question) { busy_.insert(question.node); }

/// A node that has failed is asked again at once, until it counts as absent. Then it has its turn like the others.
std::vector<WatchRead> Watch::reads(base::Random& random) const {
  base::ensure(in_round_, "copies are read during a round");
  const auto doubted = [&](const base::NodeId& node) { return unread_.contains(node) && !gives_nothing(node); };
  const bool all = random.chance(1, limits_.rounds_per_read);
  if (!all && unread_.empty()) return {};
  struct Pick {
    const FileContent* place = nullptr;
    std::uint64_t seen = 0;
  };
  std::map<base::NodeId, Pick> picks;
  for (const auto& [place, heard] : round_) {
    for (const base::NodeId& node : heard.has) {
      if (!all && !doubted(node)) continue;
      Pick& pick = picks[node];
      if (random.chance(1, ++pick.seen)) pick.place = &place;
    }
  }
  std::vector<WatchRead> out;
  for (const auto& [node, pick] : picks) out.push_back({node, pick.place->first, pick.place->second});
  random.shuffle(out);
  std::stable_partition(out.begin(), out.end(), [&](const WatchRead& read) { return doubted(read.node); });
  if (out.size() > limits_.reads_per_round_max) out.resize(limits_.reads_per_round_max);
  return out;
}

void Watch::was_read(const WatchRead& read, WatchReadEnd how) {
  if (how == WatchReadEnd::sound) {
    unread_.erase(read.node);
    return;
  }
  std::uint32_t& unread = unread_[read.node];
  const std::uint32_t more = how == WatchReadEnd::busy ? 1 : limits_.busy_part;
  unread = std::min(unread + more, limits_.unread_max * limits_.busy_part);
  const auto heard = round_.find({read.cid, read.key});
  if (how != WatchReadEnd::lacks || heard == round_.end()) return;
  heard->second.has.erase(read.node);
  heard->second.lacks.insert(read.node);
}

std::vector<base::NodeId> Watch::wanting(const Catalogue& catalogue) {
  base::ensure(in_round_, "copies are wanted at the end of a round");
  count_silence();
  std::set<base::NodeId> out;
  for (const auto& [place, heard] : round_) {
    if (out.size() == limits_.restores_per_round_max) break;
    const Entry* entry = catalogue.find(place.first);
    if (entry == nullptr) continue;
    const Copies found = copies(catalogue, place, heard);
    if (found.live < entry->replicas && !found.sources.empty()) out.insert(place.second.position());
  }
  return {out.begin(), out.end()};
}

RoundEnd Watch::end(const Catalogue& catalogue, std::span<const base::NodeId> candidates, base::Instant now,
                    const Near& near, const Sites& sites) {
  base::ensure(in_round_, "a round that ends was begun");
  count_silence();
  RoundEnd out;
  for (const auto& [place, heard] : round_) judge(catalogue, place, heard, candidates, near, sites, out);
  for (auto node = passed_over_.begin(); node != passed_over_.end();)
    node = --node->second == 0 ? passed_over_.erase(node) : std::next(node);
  round_.clear();
  answering_.clear();
  not_answering_.clear();
  busy_.clear();
  silence_counted_ = false;
  in_round_ = false;
  due_ = cursor_ ? now + limits_.pause : std::max(pass_begun_ + limits_.period, now + limits_.pause);
  return out;
}

/// A node that responded to any request of the round is alive, whichever of its other responses were lost. A node that
/// no longer stores anything for this node is not asked and no longer counts as absent, because its state is unknown.
void Watch::count_silence() {
  if (std::exchange(silence_counted_, true)) return;
  asked_.insert(answering_.begin(), answering_.end());
  for (const base::NodeId& node : answering_) silences_.erase(node);
  const auto missed = [this](const std::set<base::NodeId>& nodes, std::uint32_t weight) {
    asked_.insert(nodes.begin(), nodes.end());
    for (const base::NodeId& node : nodes) {
      if (answering_.contains(node) || !missed_.insert(node).second) continue;
      std::uint32_t& silences = silences_[node];
      silences = std::min(silences + weight, limits_.silent_passes_max * limits_.busy_part);
    }
  };
  missed(not_answering_, limits_.busy_part);  // a node that is both counts as silent
  missed(busy_, 1);
  if (cursor_) return;  // the pass continues
  const auto unasked = [&](const auto& known) { return !asked_.contains(known.first); };
  std::erase_if(silences_, unasked);
  std::erase_if(unread_, unasked);
  asked_.clear();
  missed_.clear();
}

Watch::Copies Watch::copies(const Catalogue& catalogue, const FileContent& place, const Heard& heard) const {
  Copies out;
  for (const base::NodeId& node : catalogue.holders(place.first, place.second)) {
    if (heard.lacks.contains(node)) continue;
    out.holders.push_back(node);
    const bool has = heard.has.contains(node);
    if (has) out.sources.push_back(node);
    const bool counts = has ? !gives_nothing(node) : !absent(node);
    if (counts || mutations_.on("files.absent_holder_counted")) ++out.live;
  }
  return out;
}

void Watch::judge(const Catalogue& catalogue, const FileContent& place, const Heard& heard,
                  std::span<const base::NodeId> candidates, const Near& near, const Sites& sites, RoundEnd& out) {
  const auto& [cid, key] = place;
  const Entry* entry = catalogue.find(cid);
  if (entry == nullptr) return;  // removed during the round
  const auto [holders, sources, live] = copies(catalogue, place, heard);
  // One row per object, however many holders lost it: plans for the same catalogue would undo each other.
  if (holders.size() < catalogue.holders(cid, key).size()) {
    out.change.add(catalogue.plan_holders(cid, key, holders));
    mutations_.sometimes("files: a holder has lost a content");
  }
  if (live == 0) ++out.contents_lost;
  if (live >= entry->replicas) return;
  ++out.contents_short;
  if (sources.empty()) return;
  std::size_t missing = entry->replicas - live;
  const auto around = near.find(key.position());
  auto order = order_of_candidates(around == near.end() ? std::span<const base::NodeId>{} : around->second, candidates,
                                   key.position(), sites, holders);
  // Nodes that did not return an object that they claimed come last.
  std::stable_partition(order.begin(), order.end(), [&](const base::NodeId& node) { return !unread_.contains(node); });
  for (const base::NodeId& node : order) {
    if (missing == 0 || out.restores.size() == limits_.restores_per_round_max) break;
    const bool holds = std::find(holders.begin(), holders.end(), node) != holders.end();
    if (holds || absent(node) || passed_over_.contains(node)) continue;
    out.restores.push_back({cid, key, sources, node});
    --missing;
  }
}

void Watch::refused(const base::NodeId& target) { passed_over_[target] = limits_.refusal_rounds; }

std::vector<base::NodeId> Watch::absent() const {
  std::set<base::NodeId> out;
  for (const auto* counts : {&silences_, &unread_})
    for (const auto& [node, count] : *counts)
      if (absent(node)) out.insert(node);
  return {out.begin(), out.end()};
}

bool Watch::absent(const base::NodeId& node) const {
  const auto silences = silences_.find(node);
  return (silences != silences_.end() && silences->second >= limits_.silent_passes_max * limits_.busy_part) ||
         gives_nothing(node);
}

bool Watch::gives_nothing(const base::NodeId& node) const {
  const auto unread = unread_.find(node);
  return unread != unread_.end() && unread->second >= limits_.unread_max * limits_.busy_part;
}

}  // namespace troupe::files
