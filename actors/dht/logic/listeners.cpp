#include "actors/dht/logic/listeners.hpp"

#include <algorithm>
#include <utility>

#include "runtime/base/ensure.hpp"

namespace troupe::dht {

bool Listeners::listens(const Topic& topic, const Contact& who, base::Instant now) const {
  const auto one = listeners_.find({topic, who.id});
  return one != listeners_.end() && one->second.until > now && one->second.where == who;
}

base::Result<std::chrono::seconds, ListenError> Listeners::add(const Topic& topic, const Contact& who,
                                                               std::chrono::seconds lease, base::Instant now) {
  expire(now);
  const Name name{topic, who.id};
  lease = std::min(lease, limits_.lease_max);
  auto one = listeners_.find(name);
  if (one == listeners_.end()) {
    if (const auto why = make_room(name, who)) return *why;
    one = listeners_.emplace(name, Listener{}).first;
    ++of_topic_[topic];
  } else {
    leave(*one);
  }
  one->second.where = who;
  one->second.until = now + lease;
  enter(*one);
  check();
  return lease;
}

std::optional<ListenError> Listeners::make_room(const Name& name, const Contact& who) {
  const auto leases = leases_.find(name.who);
  if (leases != leases_.end() && leases->second.size() >= limits_.per_listener_max) return ListenError::listener_full;
  Node *at_topic = nullptr, *in_all = nullptr;
  const auto topic = of_topic_.find(name.topic);
  if (topic != of_topic_.end() && topic->second >= limits_.per_topic_max) {
    at_topic = gives_way_at(name.topic, who);
    if (at_topic == nullptr) return ListenError::topic_full;
  }
  if (!shares_.fits(user(who), 1)) {
    in_all = gives_way(who);
    if (in_all == nullptr) return ListenError::full;
  }
  if (at_topic != nullptr) remove(*at_topic);
  if (in_all != nullptr && in_all != at_topic) remove(*in_all);
  return std::nullopt;
}

/// Returns the lease that ends first in the topic's largest group; null if the group of `who` would then have as many.
Listeners::Node* Listeners::gives_way_at(const Topic& topic, const Contact& who) {
  std::map<base::AddressGroup, std::vector<Node*>> groups;
  for (auto one = listeners_.lower_bound({topic, {}}); one != listeners_.end() && one->first.topic == topic; ++one)
    if (one->first.who != limits_.self) groups[user(one->second.where).group].push_back(&*one);
  const auto most = std::ranges::max_element(groups, {}, [](const auto& one) { return one.second.size(); });
  if (most == groups.end() || most->second.size() < groups[user(who).group].size() + 2) return nullptr;
  return *std::ranges::min_element(most->second, Sooner{});
}

/// Returns the lease to evict: the first to end of the largest listener; null if `who` has used its quota. A listener
/// in the same group yields only if it has more leases even then, because otherwise they would evict each other
/// forever.
Listeners::Node* Listeners::gives_way(const Contact& who) {
  const User newcomer = user(who);
  if (!newcomer.reserved && shares_.held(newcomer) >= shares_.whole() / base::kIdPart) return nullptr;
  const auto largest =
      shares_.gives_way(newcomer, 1, [this](const base::NodeId& other) { return other != limits_.self; });
  if (!largest) return nullptr;
  Node* const lease = *leases_.at(*largest).begin();
  const User other = user(lease->second.where);
  if (other.group == newcomer.group && shares_.held(other) < shares_.held(newcomer) + 2) return nullptr;
  return lease;
}

void Listeners::remove(const Topic& topic, const base::NodeId& who) {
  const auto one = listeners_.find({topic, who});
  if (one != listeners_.end()) remove(*one);
}

/// Counts a lease and adds it to the order of leases.
void Listeners::enter(Node& one) {
  by_end_.insert(&one);
  leases_[one.first.who].insert(&one);
  shares_.hold(user(one.second.where), 1);
}

void Listeners::leave(Node& one) {
  by_end_.erase(&one);
  const auto leases = leases_.find(one.first.who);
  leases->second.erase(&one);
  if (leases->second.empty()) leases_.erase(leases);
  shares_.release(user(one.second.where), 1);
}

void Listeners::remove(Node& one) {
  leave(one);
  waiting_.erase(one.second.turn);
  const auto topic = of_topic_.find(one.first.topic);
  if (--topic->second == 0) of_topic_.erase(topic);
  listeners_.erase(listeners_.find(one.first));
}

void Listeners::expire(base::Instant now) {
  while (!by_end_.empty() && (*by_end_.begin())->second.until <= now) remove(**by_end_.begin());
}

// -- notices ---------------------------------------------------------------------------------------------------------

Notice Listeners::notice(Node& one) {
  Listener& listener = one.second;
  listener.under_way = *under_way_.insert(++last_number_).first;
  listener.tries = 1;
  listener.owed = false;
  return {one.first.topic, listener.where, listener.under_way, std::exchange(listener.providers, {})};
}

std::vector<Notice> Listeners::changed(const Topic& topic, const std::optional<Contact>& provider, base::Instant now) {
  if (!mutations_.on("dht.listeners_outlive_leases")) expire(now);
  std::vector<Notice> out;
  for (auto one = listeners_.lower_bound({topic, {}}); one != listeners_.end() && one->first.topic == topic; ++one) {
    Listener& listener = one->second;
    if (provider && listener.providers.size() < kNewProvidersMax) listener.providers.push_back(*provider);
    listener.owed = true;
    if (listener.under_way == 0 && listener.turn == 0) wait(*one);
  }
  while (auto next = take_turn()) out.push_back(std::move(*next));
  return out;
}

void Listeners::wait(Node& one) {
  one.second.turn = ++last_turn_;
  waiting_.emplace(one.second.turn, &one);
}

/// Listeners wait only while notices_max are in flight.
std::optional<Notice> Listeners::take_turn() {
  if (waiting_.empty() || under_way_.size() >= limits_.notices_max) return std::nullopt;
  Node& next = *waiting_.extract(waiting_.begin()).mapped();
  next.second.turn = 0;
  return notice(next);
}

Listeners::Index::iterator Listeners::waiting_for(const Notice& notice, base::Instant now) {
  expire(now);
  const auto one = listeners_.find({notice.topic, notice.to.id});
  const bool its_own = one != listeners_.end() && one->second.under_way == notice.number;
  return its_own ? one : listeners_.end();
}

std::optional<Notice> Listeners::answered(const Notice& notice, Listens said, base::Instant now) {
  const auto one = waiting_for(notice, now);
  under_way_.erase(notice.number);
  if (one != listeners_.end()) {
    one->second.under_way = 0;
    if (said == Listens::no) remove(*one);
    else if (one->second.owed) wait(*one);
  }
  return take_turn();
}

std::optional<Notice> Listeners::unanswered(const Notice& notice, base::Instant now) {
  const auto one = waiting_for(notice, now);
  if (one != listeners_.end() && one->second.tries < kNoticeTriesMax) {
    ++one->second.tries;
    Notice again = notice;
    again.to = one->second.where;
    return again;
  }
  under_way_.erase(notice.number);
  if (one != listeners_.end()) remove(*one);
  return take_turn();
}

std::optional<Notice> Listeners::again(const Notice& notice, base::Instant now) {
  const auto one = waiting_for(notice, now);
  if (one != listeners_.end()) {
    Notice same = notice;
    same.to = one->second.where;
    return same;
  }
  under_way_.erase(notice.number);
  return take_turn();
}

void Listeners::check() const {
  base::ensure(listeners_.size() <= limits_.listeners_max, "listeners are limited");
  base::ensure(by_end_.size() == listeners_.size(), "each listener has one place in the order of leases");
  base::ensure(shares_.used() == listeners_.size(), "each lease is held by its listener");
  base::ensure(waiting_.empty() || under_way_.size() >= limits_.notices_max, "notices wait only while many are sent");
}

}  // namespace troupe::dht
