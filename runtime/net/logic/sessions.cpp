#include "runtime/net/logic/sessions.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe::net {

Sessions::Sessions(std::size_t sessions_max) : sessions_max_(sessions_max) {
  base::ensure(sessions_max > 0, "there is room for one session");
}

const Session* Sessions::find(const base::PublicKey& key) const {
  const auto found = sessions_.find(key);
  return found == sessions_.end() ? nullptr : &found->second.session;
}

Session* Sessions::use(const base::PublicKey& key) {
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return nullptr;
  oldest_first_.splice(oldest_first_.end(), oldest_first_, found->second.place);
  return &found->second.session;
}

Session& Sessions::put(const base::PublicKey& key, const Session& session) {
  if (Session* const known = use(key)) return *known = session;
  if (sessions_.size() == sessions_max_) {
    sessions_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }
  oldest_first_.push_back(key);
  const auto added = sessions_.emplace(key, Entry{session, std::prev(oldest_first_.end())}).first;
  base::ensure(sessions_.size() == oldest_first_.size(), "each session has its place by age");
  return added->second.session;
}

}  // namespace troupe::net
