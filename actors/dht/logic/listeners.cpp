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
    if (const auto why = has_no_room(name)) return *why;
    one = listeners_.emplace(name, Listener{}).first;
    ++places_[who.id];
    ++of_topic_[topic];
  } else {
    by_end_.erase(&*one);
  }
  one->second.where = who;
  one->second.until = now + lease;
  by_end_.insert(&*one);
  check();
  return lease;
}

std::optional<ListenError> Listeners::has_no_room(const Name& name) const {
  const auto count = [](const auto& counts, const auto& of) {
    const auto found = counts.find(of);
    return found == counts.end() ? 0u : found->second;
  };
  if (count(of_topic_, name.topic) >= limits_.per_topic_max) return ListenError::topic_full;
  if (count(places_, name.who) >= limits_.per_listener_max) return ListenError::listener_full;
  if (listeners_.size() >= limits_.listeners_max) return ListenError::full;
  return std::nullopt;
}

void Listeners::remove(const Topic& topic, const base::NodeId& who) {
  const auto one = listeners_.find({topic, who});
  if (one != listeners_.end()) remove(one);
}

void Listeners::remove(Index::iterator one) {
  by_end_.erase(&*one);
  const auto place = places_.find(one->first.who);
  if (--place->second == 0) places_.erase(place);
  const auto topic = of_topic_.find(one->first.topic);
  if (--topic->second == 0) of_topic_.erase(topic);
  listeners_.erase(one);
}

void Listeners::expire(base::Instant now) {
  while (!by_end_.empty() && (*by_end_.begin())->second.until <= now)
    remove(listeners_.find((*by_end_.begin())->first));
}

// -- notices ---------------------------------------------------------------------------------------------------------

Notice Listeners::notice(Node& one) {
  Listener& listener = one.second;
  listener.under_way = ++last_number_;
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
    if (listener.under_way == 0) out.push_back(notice(*one));
  }
  return out;
}

Listeners::Index::iterator Listeners::waiting_for(const Notice& notice, base::Instant now) {
  expire(now);
  const auto one = listeners_.find({notice.topic, notice.to.id});
  const bool its_own = one != listeners_.end() && one->second.under_way == notice.number;
  return its_own ? one : listeners_.end();
}

std::optional<Notice> Listeners::answered(const Notice& notice, Listens said, base::Instant now) {
  const auto one = waiting_for(notice, now);
  if (one == listeners_.end()) return std::nullopt;
  one->second.under_way = 0;
  if (said == Listens::no) {
    remove(one);
    return std::nullopt;
  }
  return one->second.owed ? std::optional(this->notice(*one)) : std::nullopt;
}

std::optional<Notice> Listeners::unanswered(const Notice& notice, base::Instant now) {
  const auto one = waiting_for(notice, now);
  if (one == listeners_.end()) return std::nullopt;
  if (one->second.tries >= kNoticeTriesMax) {
    remove(one);
    return std::nullopt;
  }
  ++one->second.tries;
  Notice again = notice;
  again.to = one->second.where;
  return again;
}

void Listeners::check() const {
  base::ensure(listeners_.size() <= limits_.listeners_max, "listeners are limited");
  base::ensure(by_end_.size() == listeners_.size(), "each listener has one place in the order of leases");
}

}  // namespace troupe::dht
