#include "actors/dht/logic/listening.hpp"

#include <algorithm>

namespace troupe::dht {

Listening::Due Listening::due(base::Instant now) {
  Due out;
  if (!searching_ && search_at_ <= now) out.search = searching_ = true;
  for (auto& [id, holder] : holders_) {
    if (holder.asking || holder.ask_at > now) continue;
    holder.asking = true;
    out.ask.push_back({holder.where, holder.token});
  }
  return out;
}

base::Instant Listening::wake_at() const {
  base::Instant out = searching_ ? base::Instant::max() : search_at_;
  for (const auto& [id, holder] : holders_)
    if (!holder.asking) out = std::min(out, holder.ask_at);
  return out;
}

void Listening::found(const std::vector<Contact>& nearest, base::Instant now) {
  searching_ = false;
  searched_ = true;
  if (nearest.empty()) {
    search_at_ = now + kListenSearchAgain;
    return settle();
  }
  search_at_ = now + settings_.search_period;
  std::map<base::NodeId, Holder> kept;
  for (const Contact& one : nearest) {
    const auto known = holders_.find(one.id);
    if (known != holders_.end() && known->second.where == one) kept.insert(holders_.extract(known));
    else kept.try_emplace(one.id, Holder{.where = one, .ask_at = now});
  }
  holders_ = std::move(kept);
  settle();
}

void Listening::answered(const base::NodeId& whom, std::chrono::seconds lease, const std::optional<Token>& token,
                         base::Instant now) {
  const auto found = holders_.find(whom);
  if (found == holders_.end()) return;
  Holder& holder = found->second;
  holder.asking = false;
  holder.lost = 0;
  holder.leased_until = now + lease;
  if (lease > lease.zero()) {
    holder.ask_at = now + std::max(lease / 2, kListenAgain);  // a lease of one second does not mean asking every second
  } else {
    const bool first_token = token && !holder.token;
    holder.ask_at = first_token ? now : now + settings_.poll_period;
  }
  holder.heard = holder.heard || holder.ask_at > now;
  if (token) holder.token = token;
  settle();
}

void Listening::failed(const base::NodeId& whom, base::Instant now) {
  const auto found = holders_.find(whom);
  if (found == holders_.end()) return;
  Holder& holder = found->second;
  holder.asking = false;
  holder.heard = true;
  holder.ask_at = now + kListenAgain;
  if (++holder.lost >= kListenTriesMax) {
    holders_.erase(found);
    search_at_ = std::min(search_at_, now + kListenSearchAgain);
  }
  settle();
}

void Listening::settle() {
  if (settled_ || !searched_) return;
  settled_ = std::ranges::all_of(holders_, [](const auto& one) { return one.second.heard; });
}

std::vector<Contact> Listening::holders() const {
  std::vector<Contact> out;
  for (const auto& [id, holder] : holders_) out.push_back(holder.where);
  return out;
}

std::size_t Listening::leases(base::Instant now) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(holders_, [&](const auto& one) { return one.second.leased_until > now; }));
}

bool Listening::take(const Version& version) {
  if (newest_ && version <= *newest_ && !mutations_.on("dht.listen_takes_older")) return false;
  newest_ = version;
  ++items_;
  return true;
}

bool Listening::take(const Contact& provider) {
  if (!provider_ids_.insert(provider.id).second) return false;
  providers_.push_back(provider);
  ++items_;
  if (providers_.size() > kListenedProvidersMax) {
    provider_ids_.erase(providers_.front().id);
    providers_.pop_front();
  }
  return true;
}

}  // namespace troupe::dht
