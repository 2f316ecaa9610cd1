#include "runtime/net/pool.hpp"

#include <algorithm>

#include "runtime/net/peer.hpp"

namespace troupe::net {

std::string_view name(Turned why) {
  switch (why) {
    case Turned::too_many_links: return "too_many_links";
    case Turned::too_many_of_address: return "too_many_of_address";
    case Turned::handshakes_of_address: return "handshakes_of_address";
    case Turned::handshake_timeout: return "handshake_timeout";
    case Turned::channel: return "channel";
    case Turned::frames: return "frames";
    case Turned::twin: return "twin";
  }
  return "frames";
}

Pool::Pool(runtime::Node& node, NetSetup setup)
    : node_(node), setup_(std::move(setup)), credentials_(crypto::ChannelCredentials::make(node.world().chance)) {}

// -- dialling
// ----------------------------------------------------------------------------------------------------------

runtime::Handle Pool::remote(const base::NodeId& id, const std::string& path) {
  const auto link = dial(id, std::nullopt);
  return link ? link->proxy(path) : runtime::Handle{};
}

std::shared_ptr<Link> Pool::dial(const base::NodeId& id, const std::optional<base::HostPort>& where) {
  if (setup_.identity->id() == id) return nullptr;
  {
    const std::lock_guard hold(lock_);
    if (const auto found = peers_.find(id); found != peers_.end()) return serving_.at(found->second).link;
    if (const auto found = dialling_.find(id); found != dialling_.end()) return found->second;
  }
  return start_dialling(id, where, {});
}

std::shared_ptr<Link> Pool::dial(const base::HostPort& where) { return start_dialling(std::nullopt, where, {}); }

std::shared_ptr<Link> Pool::dial_local(const std::string& path) {
  return start_dialling(std::nullopt, std::nullopt, path);
}

std::shared_ptr<Link> Pool::start_dialling(const std::optional<base::NodeId>& id,
                                           const std::optional<base::HostPort>& where, const std::string& local_path) {
  auto link = std::make_shared<Link>(node_, ++serials_, Link::Side::dialler, setup_.limits);
  // Under the lock, so that nobody finds the link before it has its actor.
  const std::lock_guard hold(lock_);
  if (serving_.size() + dialling_.size() >= setup_.limits.links_max) return nullptr;
  if (id) {
    const auto [place, fresh] = dialling_.emplace(*id, link);
    if (!fresh) return place->second;  // another thread was faster
    link->who_is_there(*id, setup_.role);
  }
  auto start = std::make_shared<PeerStart>();
  start->pool = shared_from_this();
  start->link = link;
  start->pinned = id;
  start->where = where;
  start->local_path = local_path;
  start_peer(node_, *link, std::move(start), "/peer/dial-" + std::to_string(++dialled_));
  return link;
}

std::shared_ptr<Link> Pool::accept() {
  return std::make_shared<Link>(node_, ++serials_, Link::Side::acceptor, setup_.limits);
}

// -- seats
// -------------------------------------------------------------------------------------------------------------

std::optional<Pool::Seat> Pool::admit(const base::Endpoint& from) {
  const std::lock_guard hold(lock_);
  if (seats_ >= setup_.limits.links_max) return counters_.count(Turned::too_many_links), std::nullopt;
  Crowd& crowd = crowds_[from.address];
  if (crowd.links >= setup_.limits.links_per_address_max)
    return counters_.count(Turned::too_many_of_address), std::nullopt;
  if (crowd.handshakes >= setup_.limits.handshakes_per_address_max)
    return counters_.count(Turned::handshakes_of_address), std::nullopt;
  ++crowd.links;
  ++crowd.handshakes;
  ++seats_;
  return Seat(shared_from_this(), from.address);
}

Pool::Seat& Pool::Seat::operator=(Seat&& other) noexcept {
  leave();
  pool_ = std::move(other.pool_);
  address_ = other.address_;
  shaking_hands_ = other.shaking_hands_;
  return *this;
}

void Pool::Seat::settle() {
  if (!pool_ || !std::exchange(shaking_hands_, false)) return;
  const std::lock_guard hold(pool_->lock_);
  --pool_->crowds_[address_].handshakes;
}

void Pool::Seat::leave() {
  if (!pool_) return;
  const auto pool = std::move(pool_);
  const std::lock_guard hold(pool->lock_);
  const auto crowd = pool->crowds_.find(address_);
  if (shaking_hands_) --crowd->second.handshakes;
  if (--crowd->second.links == 0) pool->crowds_.erase(crowd);
  --pool->seats_;
}

// -- service
// -----------------------------------------------------------------------------------------------------------

Pool::Claim Pool::claim(const std::shared_ptr<Link>& link, const LinkInfo& info, base::Instant now) {
  std::optional<Entry> replaced;
  {
    const std::lock_guard hold(lock_);
    if (const auto found = peers_.find(info.node); info.role == messages::Role::peer && found != peers_.end()) {
      Entry& held = serving_.at(found->second);
      const bool twin = held.info.outbound != info.outbound && now - held.info.since <= setup_.limits.handshake_timeout;
      const bool we_are_smaller = setup_.identity->id() < info.node;
      if (twin && info.outbound != we_are_smaller) {
        counters_.count(Turned::twin);
        return {};
      }
      replaced = std::move(held);
      serving_.erase(found->second);
      peers_.erase(found);
    }
    if (const auto dialling = dialling_.find(info.node); dialling != dialling_.end() && dialling->second == link)
      dialling_.erase(dialling);
    serving_.emplace(++served_, Entry{link, info});
    if (info.role == messages::Role::peer) peers_.emplace(info.node, served_);
    counters_.links_made.fetch_add(1, std::memory_order_relaxed);
  }
  Claim claim{.won = true};
  if (replaced) {
    claim.replaced = with_traffic(*replaced);
    replaced->link->close({base::Code::unavailable, "the link was replaced by a newer one"});
    hang_up(*replaced->link);
  }
  return claim;
}

std::optional<LinkInfo> Pool::release(Link& link) {
  const std::lock_guard hold(lock_);
  std::erase_if(dialling_, [&](const auto& one) { return one.second.get() == &link; });
  const auto found =
      std::find_if(serving_.begin(), serving_.end(), [&](const auto& one) { return one.second.link.get() == &link; });
  if (found == serving_.end()) return std::nullopt;
  const LinkInfo info = with_traffic(found->second);
  if (const auto peer = peers_.find(info.node); peer != peers_.end() && peer->second == found->first)
    peers_.erase(peer);
  serving_.erase(found);
  return info;
}

LinkInfo Pool::with_traffic(const Entry& entry) {
  LinkInfo out = entry.info;
  out.sent = entry.link->traffic().sent.load(std::memory_order_relaxed);
  out.received = entry.link->traffic().received.load(std::memory_order_relaxed);
  return out;
}

std::vector<LinkInfo> Pool::rows() const {
  const std::lock_guard hold(lock_);
  std::vector<LinkInfo> out;
  out.reserve(serving_.size());
  for (const auto& [number, entry] : serving_) out.push_back(with_traffic(entry));
  return out;
}

std::optional<LinkInfo> Pool::find(const base::NodeId& id) const {
  const std::lock_guard hold(lock_);
  const auto found = peers_.find(id);
  return found == peers_.end() ? std::nullopt : std::optional(with_traffic(serving_.at(found->second)));
}

std::shared_ptr<Link> Pool::in_service(const base::NodeId& id) const {
  const std::lock_guard hold(lock_);
  const auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : serving_.at(found->second).link;
}

std::vector<std::shared_ptr<Link>> Pool::all() const {
  const std::lock_guard hold(lock_);
  std::vector<std::shared_ptr<Link>> out;
  for (const auto& [number, entry] : serving_) out.push_back(entry.link);
  for (const auto& [id, link] : dialling_) out.push_back(link);
  return out;
}

}  // namespace troupe::net
