#include "runtime/net/pool.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/net/peer.hpp"

namespace troupe::net {
namespace {

/// Our choice: part of buffer_bytes_max for messages that are being served. Ended links have left at most that much in
/// mailboxes, so ending a present link always frees memory.
constexpr std::size_t kServedPart = 2;
constexpr std::size_t kUnlinkedNamesMax = 1'000;  // our choice: as many as ended actors

}  // namespace

Pool::Pool(runtime::Node& node, NetSetup setup)
    : node_(node),
      setup_(std::move(setup)),
      credentials_(setup_.channels ? nullptr : crypto::ChannelCredentials::make(node.world().chance)),
      served_bytes_(std::make_shared<ServedBytes>(setup_.limits.buffer_bytes_max / kServedPart)),
      seats_(setup_.limits, node.world().clock.now()) {}

std::unique_ptr<crypto::Channel> Pool::make_channel(Link::Side side) const {
  const bool client = side == Link::Side::dialler;
  if (setup_.channels) return setup_.channels(client ? crypto::Side::client : crypto::Side::server);
  return std::make_unique<crypto::SecureChannel>(client ? crypto::SecureChannel::client(credentials_)
                                                        : crypto::SecureChannel::server(credentials_));
}

void Pool::offer() {
  const auto own = setup_.identity->id().bytes;
  node_.span_salt = own[0] << 24 | own[1] << 16 | own[2] << 8 | own[3];
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
    take(unlinked_);
    for (const auto& [serial, made] : made_)
      if (auto link = made.lock()) links.push_back(std::move(link));
  }
  for (const auto& link : links) take(link->names());
  return out;
}

void Pool::name(std::uint64_t number, const base::NodeId& id) {
  const std::lock_guard hold(lock_);
  unlinked_.emplace_back(number, id.hex().substr(0, kIdDigits));
  drop_old_names();
}

void Pool::drop_old_names() {
  while (unlinked_.size() > kUnlinkedNamesMax) unlinked_.pop_front();
}

// -- dialling --

runtime::Handle Pool::remote(const base::NodeId& id, const std::string& path) {
  return remote_at(id, std::nullopt, path);
}

runtime::Handle Pool::remote_at(const base::NodeId& id, const std::optional<base::HostPort>& where,
                                const std::string& path) {
  const auto link = dial(id, where);
  return link ? link->proxy(path) : runtime::Handle{};
}

runtime::Handle Pool::over_link(const base::NodeId& id, const std::string& path) {
  const auto link = in_service(id);
  return link ? link->proxy(path) : runtime::Handle{};
}

runtime::Handle Pool::remote(const base::Contact& contact, const std::string& path) {
  return remote(contact, path, DialKind::own);
}

runtime::Handle Pool::remote(const base::Contact& contact, const std::string& path, DialKind kind) {
  const auto [id, where] = pinned(contact);
  const auto link = dial(id, where, kind);
  return link ? link->proxy(path) : runtime::Handle{};
}

Pool::Pinned Pool::pinned(const base::Contact& contact) {
  std::optional<base::HostPort> where;
  if (contact.endpoint.dialable()) where = base::HostPort::parse(contact.endpoint.text());
  return {crypto::node_id(contact.key, contact.nonce), where};
}

bool Pool::is_dialling(const base::Contact& contact) const {
  const Pinned where = pinned(contact);  // this hashes
  const std::lock_guard hold(lock_);
  return dialling_.contains(where);
}

bool Pool::may_dial_named(const base::Endpoint& where, DialKind kind) const {
  if (kind == DialKind::own) return true;
  const auto part_of = [](std::size_t whole, std::size_t parts, std::size_t of) {
    return std::max<std::size_t>(1, whole * parts / of);
  };
  const bool silent = kind == DialKind::silent;
  const std::size_t places = part_of(setup_.limits.links_max, silent ? kSilentPart : kLargePart, kNamedParts);
  const auto group = base::group_of(where);
  std::size_t all = 0, of_group = 0;
  const std::lock_guard hold(lock_);
  for (const auto& [to, one] : dialling_) {
    if (one.kind != kind) continue;
    ++all;
    if (one.group == group) ++of_group;
  }
  if (silent || all < places / 2) return all < places;
  return all < places && of_group < part_of(places, 1, base::kGroupPart);
}

std::shared_ptr<Link> Pool::dial(const base::NodeId& id, const std::optional<base::HostPort>& where, DialKind kind) {
  if (setup_.identity->id() == id || is_banned(id)) return nullptr;
  {
    const std::lock_guard hold(lock_);
    if (const auto found = peers_.find(id); found != peers_.end()) return serving_.at(found->second).link;
    if (const auto found = dialling_.find({id, where}); found != dialling_.end()) return found->second.link;
  }
  return start_dialling(id, where, {}, kind);
}

std::shared_ptr<Link> Pool::dial(const base::HostPort& where) { return start_dialling(std::nullopt, where, {}); }

std::shared_ptr<Link> Pool::dial_local(const std::string& path) {
  return start_dialling(std::nullopt, std::nullopt, path);
}

std::shared_ptr<Link> Pool::start_dialling(const std::optional<base::NodeId>& id,
                                           const std::optional<base::HostPort>& where, const std::string& local_path,
                                           DialKind kind) {
  // With the lock held, so that the link cannot be found before it has its actor.
  const std::lock_guard hold(lock_);
  std::erase_if(made_, [](const auto& one) { return one.second.expired(); });
  if (closed_ || !may_dial()) return nullptr;
  if (id) {
    if (const auto found = dialling_.find({*id, where}); found != dialling_.end())
      return found->second.link;  // made by another thread
  }
  auto link = make_link(Link::Side::dialler);
  if (const auto there = where ? base::Endpoint::parse(where->text()) : std::nullopt) link->where_it_is(*there);
  if (id) {
    const auto at = where ? base::Endpoint::parse(where->text()) : std::nullopt;
    dialling_.emplace(Pinned{*id, where}, Dialling{link, at ? base::group_of(*at) : base::AddressGroup{}, kind});
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

void Pool::forget_dial(const Link& link) {
  std::erase_if(dialling_, [&](const auto& one) { return one.second.link.get() == &link; });
}

/// Links made by other nodes never keep this node from dialling.
bool Pool::may_dial() const {
  const std::size_t most = setup_.limits.links_max;
  return made_.size() < most || made_.size() - std::min(seats_.taken(), made_.size()) < most / base::kReservePart;
}

std::shared_ptr<Link> Pool::make_link(Link::Side side) {
  auto link = std::make_shared<Link>(node_, ++serials_, side, setup_.limits, served_bytes_);
  made_.emplace(link->serial(), link);
  return link;
}

// -- seats --

std::optional<Pool::Seat> Pool::admit(const base::Endpoint& from, base::Instant now) {
  runtime::Handle gives_way;
  std::uint64_t number = 0;
  {
    const std::lock_guard hold(lock_);
    if (closed_) return std::nullopt;
    const auto given = seats_.admit(from, now);
    if (!given.ok()) {
      counters_.count(given.error());
      const bool links = given.error() == Turned::too_many_links || given.error() == Turned::too_many_of_address;
      (links ? seats_full_ : handshakes_full_).refused(node_, base::group_of(from), now);
      return std::nullopt;
    }
    number = given.value().seat;
    if (given.value().gives_way) {
      counters_.count(Turned::made_room);
      if (auto seated = seated_.extract(*given.value().gives_way)) gives_way = std::move(seated.mapped());
    }
  }
  stop_peer(gives_way);
  return Seat(shared_from_this(), number);
}

Pool::SeatCounts Pool::seats() const {
  const std::lock_guard hold(lock_);
  return {seats_.taken(), seats_.most(), seats_.handshakes()};
}

std::shared_ptr<Link> Pool::accept() {
  const std::lock_guard hold(lock_);
  return closed_ ? nullptr : make_link(Link::Side::acceptor);
}

bool Pool::Seat::belongs_to(runtime::Handle peer) {
  if (!pool_) return true;
  const std::lock_guard hold(pool_->lock_);
  if (!pool_->seats_.has(number_)) return false;
  pool_->seated_.insert_or_assign(number_, std::move(peer));
  return true;
}

Pool::Seat& Pool::Seat::operator=(Seat&& other) noexcept {
  leave();
  pool_ = std::move(other.pool_);
  number_ = other.number_;
  return *this;
}

bool Pool::Seat::settle() {
  if (!pool_) return true;
  std::map<std::uint64_t, runtime::Handle>::node_type seated;  // destroyed after the lock is released
  const std::lock_guard hold(pool_->lock_);
  seated = pool_->seated_.extract(number_);  // other handshakes can no longer evict it
  return pool_->seats_.settle(number_);
}

void Pool::Seat::leave() {
  if (!pool_) return;
  const auto pool = std::move(pool_);
  std::map<std::uint64_t, runtime::Handle>::node_type seated;
  const std::lock_guard hold(pool->lock_);
  pool->seats_.leave(number_);
  seated = pool->seated_.extract(number_);
}

// -- service --

Pool::Claim Pool::claim(const std::shared_ptr<Link>& link, const LinkInfo& info, base::Instant now) {
  Claim claim{.won = true};
  std::shared_ptr<Link> replaced;
  std::vector<std::shared_ptr<Link>> gave_way;
  {
    const std::lock_guard hold(lock_);
    if (closed_) return {};
    forget_dial(*link);
    if (const auto found = peers_.find(info.node); info.role == messages::Role::peer && found != peers_.end()) {
      Entry& held = serving_.at(found->second);
      const bool duplicate = now - held.info.since <= setup_.limits.handshake_timeout;
      claim.won = !duplicate || info.token < held.info.token;
      gave_way = note_giving_way(claim.won ? held.info : info, claim.won ? held.link : link);
      if (claim.won) {
        claim.replaced = leaves_service(held);
        replaced = std::move(held.link);
        serving_.erase(found->second);
        peers_.erase(found);
      } else {
        counters_.count(Turned::duplicate);
      }
    }
    if (claim.won) {
      link->service_number = ++served_;
      serving_.emplace(served_, Entry{link, info});
      if (info.role == messages::Role::peer) peers_.emplace(info.node, served_);
      counters_.links_made.fetch_add(1, std::memory_order_relaxed);
    }
  }
  if (replaced) give_way(*replaced);
  for (const auto& link_of_it : gave_way) {
    link_of_it->gives_way.store(true);
    hang_up(*link_of_it, "another link to the same node is ending too");
  }
  return claim;
}

/// Returns the links that must end now. From the same node, it is its earlier yielding link; otherwise one node could
/// fill all seats. Above a sixteenth of links_max, it is the oldest of the largest address group.
std::vector<std::shared_ptr<Link>> Pool::note_giving_way(const LinkInfo& info, const std::shared_ptr<Link>& link) {
  const auto group = base::group_of(info.contact.endpoint);
  std::vector<std::shared_ptr<Link>> out;
  if (auto before = std::exchange(giving_way_[info.node], {link->serial(), link, group}).link.lock())
    out.push_back(std::move(before));
  if (giving_way_.size() <= std::max<std::size_t>(1, setup_.limits.links_max / kGivingWayPart)) return out;
  base::ShareBudget<std::uint64_t> all(0);
  std::map<std::uint64_t, base::NodeId> nodes;
  for (const auto& [node, leaving] : giving_way_) {
    all.hold({leaving.serial, leaving.group}, 1);
    nodes.emplace(leaving.serial, node);
  }
  const auto oldest = all.largest([](std::uint64_t) { return true; });
  const auto leaving = giving_way_.find(nodes.at(*oldest));
  if (auto link_of_it = leaving->second.link.lock()) out.push_back(std::move(link_of_it));
  giving_way_.erase(leaving);
  return out;
}

std::optional<LinkInfo> Pool::release(Link& link) {
  const std::lock_guard hold(lock_);
  // An actor's recent messages outlive the link by which they came.
  for (auto& one : link.names()) unlinked_.push_back(std::move(one));
  drop_old_names();
  made_.erase(link.serial());
  forget_dial(link);
  std::erase_if(giving_way_, [&](const auto& one) { return one.second.serial == link.serial(); });
  const auto found = serving_.find(link.service_number);
  if (found == serving_.end()) return std::nullopt;
  const LinkInfo info = leaves_service(found->second);
  if (const auto peer = peers_.find(info.node); peer != peers_.end() && peer->second == found->first)
    peers_.erase(peer);
  serving_.erase(found);
  return info;
}

void Pool::buffers(Link& link, std::size_t bytes) {
  const std::size_t before = link.buffered.exchange(bytes, std::memory_order_relaxed);
  if (before == bytes) return;
  const std::size_t all =
      buffered_.fetch_add(bytes - before, std::memory_order_relaxed) + bytes - before + served_bytes_->all();
  if (bytes > before && all > setup_.limits.buffer_bytes_max) make_room();
}

void Pool::make_room() {
  std::shared_ptr<Link> largest, before;  // destroyed after the lock is released
  {
    const std::lock_guard hold(lock_);
    // Until the bytes of the previously chosen link are freed, further input does not choose again.
    before = makes_room_.lock();
    if (before && before->buffered.load(std::memory_order_relaxed) > 0) return;
    struct Candidate {
      std::shared_ptr<Link> link;
      base::AddressGroup group;
    };
    std::map<std::uint64_t, Candidate> candidates;  // by serial
    for (const auto& [number, entry] : serving_)
      if (entry.info.role == messages::Role::peer)
        candidates.emplace(entry.link->serial(), Candidate{entry.link, base::group_of(entry.info.contact.endpoint)});
    for (const auto& [node, leaving] : giving_way_)
      if (auto link = leaving.link.lock())
        candidates.emplace(leaving.serial, Candidate{std::move(link), leaving.group});
    // Links with responses for this node stay, unless they hold most of the bytes: then the others could not free
    // enough.
    base::ShareBudget<std::uint64_t> all(0), idle(0);
    for (const auto& [serial, one] : candidates) {
      const std::size_t bytes = one.link->buffered.load(std::memory_order_relaxed) + one.link->served->bytes();
      all.hold({serial, one.group}, bytes);
      if (!one.link->awaits.load(std::memory_order_relaxed)) idle.hold({serial, one.group}, bytes);
    }
    const auto& from = idle.used() >= all.used() / 2 ? idle : all;
    const auto serial = from.largest([](std::uint64_t) { return true; });
    if (!serial) return;
    const Candidate& most = candidates.at(*serial);
    makes_room_ = largest = most.link;
    buffers_full_.refused(node_, most.group, node_.world().clock.coarse());
  }
  if (largest->makes_room.exchange(true)) return;  // it is already ending
  hang_up(*largest, "the queued bytes of all links exceed net.buffer_bytes_max, and this link has the most");
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

void Pool::met_own_id(base::Instant now) {
  const std::lock_guard hold(lock_);
  own_id_met_ = now;
}

std::optional<base::Instant> Pool::own_id_met() const {
  const std::lock_guard hold(lock_);
  return own_id_met_;
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

bool Pool::owes_answer(const base::NodeId& id) const {
  const auto link = in_service(id);
  return link != nullptr && link->awaits.load(std::memory_order_relaxed);
}

void Pool::set_partners(std::string_view whose, std::set<base::NodeId> nodes) {
  partners_.are(whose, std::move(nodes));
}

std::vector<std::shared_ptr<Link>> Pool::in_service() const {
  const std::lock_guard hold(lock_);
  std::vector<std::shared_ptr<Link>> out;
  for (const auto& [number, entry] : serving_) out.push_back(entry.link);
  return out;
}

void Pool::check() const {
  const std::lock_guard hold(lock_);
  seats_.check();
  base::ensure(peers_.size() <= serving_.size() && serving_.size() <= made_.size(), "a link in service was made");
  base::ensure(std::ranges::none_of(made_, [](const auto& one) { return one.second.expired(); }),
               "a link that has ended leaves nothing behind");
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
