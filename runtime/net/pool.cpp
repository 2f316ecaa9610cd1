#include "runtime/net/pool.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/net/peer.hpp"

namespace troupe::net {
namespace {

constexpr std::size_t kGoneNamesMax = 1'000;  // our choice: as many as actors that have ended

}  // namespace

std::string_view name(Turned why) {
  switch (why) {
    case Turned::too_many_links: return "too_many_links";
    case Turned::too_many_of_address: return "too_many_of_address";
    case Turned::too_many_handshakes: return "too_many_handshakes";
    case Turned::handshakes_of_address: return "handshakes_of_address";
    case Turned::handshake_timeout: return "handshake_timeout";
    case Turned::channel: return "channel";
    case Turned::frames: return "frames";
    case Turned::duplicate: return "twin";  // the name of the metric's label
    case Turned::banned: return "banned";
  }
  return "frames";
}

Pool::Pool(runtime::Node& node, NetSetup setup)
    : node_(node),
      setup_(std::move(setup)),
      credentials_(setup_.channels ? nullptr : crypto::ChannelCredentials::make(node.world().chance)) {}

std::unique_ptr<crypto::Channel> Pool::make_channel(Link::Side side) const {
  const bool client = side == Link::Side::dialler;
  if (setup_.channels) return setup_.channels(client ? crypto::Side::client : crypto::Side::server);
  return std::make_unique<crypto::SecureChannel>(client ? crypto::SecureChannel::client(credentials_)
                                                        : crypto::SecureChannel::server(credentials_));
}

void Pool::offer() {
  node_.remotes_at = [this](const base::Contact& contact, const std::string& path) { return remote(contact, path); };
  node_.remotes = [this](const base::NodeId& id, const std::string& path) { return remote(id, path); };
  node_.remote_names = [this](const std::vector<std::uint64_t>& numbers) { return names_of(numbers); };
}

std::map<std::uint64_t, std::string> Pool::names_of(const std::vector<std::uint64_t>& numbers) const {
  std::map<std::uint64_t, std::string> out;
  std::vector<std::shared_ptr<Link>> links;  // declared before the lock: destroying a link must find the lock released
  const auto take = [&](const auto& names) {
    for (const auto& one : names)
      if (std::ranges::binary_search(numbers, one.first)) out.insert(one);
  };
  {
    const std::lock_guard hold(lock_);
    take(gone_);
    for (const auto& [serial, made] : made_)
      if (auto link = made.lock()) links.push_back(std::move(link));
  }
  for (const auto& link : links) take(link->names());
  return out;
}

// -- dialling --

runtime::Handle Pool::remote(const base::NodeId& id, const std::string& path) {
  const auto link = dial(id, std::nullopt);
  return link ? link->proxy(path) : runtime::Handle{};
}

runtime::Handle Pool::remote(const base::Contact& contact, const std::string& path) {
  std::optional<base::HostPort> where;
  if (contact.endpoint.dialable()) where = base::HostPort::parse(contact.endpoint.text());
  const auto link = dial(crypto::node_id(contact.key, contact.nonce), where);
  return link ? link->proxy(path) : runtime::Handle{};
}

std::shared_ptr<Link> Pool::dial(const base::NodeId& id, const std::optional<base::HostPort>& where) {
  if (setup_.identity->id() == id || is_banned(id)) return nullptr;
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
  // Under the lock, so that the link cannot be found before it has its actor.
  const std::lock_guard hold(lock_);
  std::erase_if(made_, [](const auto& one) { return one.second.expired(); });
  if (closed_ || made_.size() >= setup_.limits.links_max) return nullptr;
  if (id) {
    if (const auto found = dialling_.find(*id); found != dialling_.end()) return found->second;  // another thread did
  }
  auto link = make_link(Link::Side::dialler);
  if (id) {
    dialling_.emplace(*id, link);
    link->who_is_there(*id, setup_.role);
  }
  auto start = std::make_shared<PeerStart>();
  start->pool = shared_from_this();
  start->link = link;
  start->pinned = id;
  start->where = where;
  start->local_path = local_path;
  start_peer(node_, *link, std::move(start), "/peer/dial-" + std::to_string(link->serial()));
  return link;
}

std::shared_ptr<Link> Pool::make_link(Link::Side side) {
  auto link = std::make_shared<Link>(node_, ++serials_, side, setup_.limits);
  made_.emplace(link->serial(), link);
  return link;
}

std::shared_ptr<Link> Pool::accept() {
  const std::lock_guard hold(lock_);
  return closed_ ? nullptr : make_link(Link::Side::acceptor);
}

// -- slots of addresses --

/// One subscriber holds a whole /64 of IPv6, and often one address of IPv4 (RFC 6177 2).
std::array<std::uint8_t, 16> Pool::crowd_of(const base::Endpoint& from) {
  auto out = from.address;
  if (!from.is_v4()) std::fill(out.begin() + 8, out.end(), std::uint8_t{0});
  return out;
}

std::optional<Pool::AddressSlot> Pool::admit(const base::Endpoint& from) {
  const std::lock_guard hold(lock_);
  const auto turn_away = [this](Turned why) { return counters_.count(why), std::nullopt; };
  const auto& limits = setup_.limits;
  if (closed_ || slots_ - handshakes_ >= limits.links_max) return turn_away(Turned::too_many_links);
  if (handshakes_ >= limits.handshakes_max) return turn_away(Turned::too_many_handshakes);
  Crowd& crowd = crowds_[crowd_of(from)];
  if (crowd.links >= limits.links_per_address_max) return turn_away(Turned::too_many_of_address);
  if (crowd.handshakes >= limits.handshakes_per_address_max) return turn_away(Turned::handshakes_of_address);
  ++crowd.links;
  ++crowd.handshakes;
  ++slots_;
  ++handshakes_;
  return AddressSlot(shared_from_this(), crowd_of(from));
}

Pool::AddressSlot& Pool::AddressSlot::operator=(AddressSlot&& other) noexcept {
  leave();
  pool_ = std::move(other.pool_);
  address_ = other.address_;
  shaking_hands_ = other.shaking_hands_;
  return *this;
}

void Pool::AddressSlot::settle() {
  if (!pool_ || !std::exchange(shaking_hands_, false)) return;
  const std::lock_guard hold(pool_->lock_);
  --pool_->crowds_[address_].handshakes;
  --pool_->handshakes_;
}

void Pool::AddressSlot::leave() {
  if (!pool_) return;
  const auto pool = std::move(pool_);
  const std::lock_guard hold(pool->lock_);
  const auto crowd = pool->crowds_.find(address_);
  if (shaking_hands_) {
    --crowd->second.handshakes;
    --pool->handshakes_;
  }
  if (--crowd->second.links == 0) pool->crowds_.erase(crowd);
  --pool->slots_;
}

// -- service --

Pool::Claim Pool::claim(const std::shared_ptr<Link>& link, const LinkInfo& info, base::Instant now) {
  Claim claim{.won = true};
  std::shared_ptr<Link> replaced;
  {
    const std::lock_guard hold(lock_);
    if (closed_) return {};
    if (const auto dialling = dialling_.find(info.node); dialling != dialling_.end() && dialling->second == link)
      dialling_.erase(dialling);
    if (const auto found = peers_.find(info.node); info.role == messages::Role::peer && found != peers_.end()) {
      Entry& held = serving_.at(found->second);
      const bool duplicate = now - held.info.since <= setup_.limits.handshake_timeout;
      if (duplicate && held.info.token < info.token) {
        counters_.count(Turned::duplicate);
        return {};
      }
      claim.replaced = leaves_service(held);
      replaced = std::move(held.link);
      serving_.erase(found->second);
      peers_.erase(found);
    }
    link->service_number = ++served_;
    serving_.emplace(served_, Entry{link, info});
    if (info.role == messages::Role::peer) peers_.emplace(info.node, served_);
    counters_.links_made.fetch_add(1, std::memory_order_relaxed);
  }
  if (replaced) give_way(*replaced);
  return claim;
}

std::optional<LinkInfo> Pool::release(Link& link) {
  const std::lock_guard hold(lock_);
  // An actor's recent messages outlive the link by which they came.
  for (auto& one : link.names()) gone_.push_back(std::move(one));
  while (gone_.size() > kGoneNamesMax) gone_.pop_front();
  std::erase_if(dialling_, [&](const auto& one) { return one.second.get() == &link; });
  const auto found = serving_.find(link.service_number);
  if (found == serving_.end()) return std::nullopt;
  const LinkInfo info = leaves_service(found->second);
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

LinkInfo Pool::leaves_service(const Entry& entry) {
  const LinkInfo out = with_traffic(entry);
  LinkTraffic& ended = ended_[out.role];
  ended.sent += out.sent;
  ended.received += out.received;
  return out;
}

LinkTraffic Pool::traffic(messages::Role role) const {
  const std::lock_guard hold(lock_);
  const auto ended = ended_.find(role);
  LinkTraffic out = ended == ended_.end() ? LinkTraffic{} : ended->second;
  for (const auto& [number, entry] : serving_) {
    if (entry.info.role != role) continue;
    const LinkInfo info = with_traffic(entry);
    out.sent += info.sent;
    out.received += info.received;
  }
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

std::vector<std::shared_ptr<Link>> Pool::in_service() const {
  const std::lock_guard hold(lock_);
  std::vector<std::shared_ptr<Link>> out;
  for (const auto& [number, entry] : serving_) out.push_back(entry.link);
  return out;
}

void Pool::check() const {
  const std::lock_guard hold(lock_);
  base::ensure(handshakes_ <= slots_ && handshakes_ <= setup_.limits.handshakes_max,
               "only accepted links shake hands, and few at once");
  base::ensure(crowds_.size() <= slots_, "an address is remembered for as long as it has a slot");
  base::ensure(peers_.size() <= serving_.size() && serving_.size() <= made_.size(), "a link in service was made");
}

std::vector<std::shared_ptr<Link>> Pool::close() {
  const std::lock_guard hold(lock_);
  closed_ = true;
  std::vector<std::shared_ptr<Link>> out;
  for (const auto& [serial, made] : made_)
    if (auto link = made.lock(); link && !link->closed()) out.push_back(std::move(link));
  return out;
}

}  // namespace troupe::net
