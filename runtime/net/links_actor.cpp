#include "runtime/net/links_actor.hpp"

#include <algorithm>

#include "messages/codec.hpp"
#include "messages/contact.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/net/logic/role.hpp"
#include "runtime/net/peer.hpp"

namespace troupe::net {
namespace {

constexpr std::size_t kLossesKept = 1'024;  // our choice: as many as a node has links

using base::Code;
using base::Error;

constexpr std::size_t kFollowersMax = 64;               // our choice: each domain follows once
constexpr std::uint64_t kBanMaxMs = 7 * 86'400'000ull;  // our choice: seven times the longest ban of `/peers`
constexpr std::size_t kDiallingMax = 1024;              // our choice: as many as there may be links

}  // namespace

void LinksActor::receive(runtime::Handlers& on) {
  on.ask<wire::Dial, wire::Dialled>(
      [this](wire::Dial::Reader question, runtime::Reply<wire::Dialled> reply) { dial(question, std::move(reply)); });
  on.tell<wire::HangUp>([this](wire::HangUp::Reader order) { hang_up(order); });
  on.tell<wire::Shun>([this](wire::Shun::Reader order) { ban(order); });
  on.tell<wire::FollowLinks>([this](wire::FollowLinks::Reader order) { follow(sender(), order.getAgain()); });
  on.tell<wire::LinkMade>([this](wire::LinkMade::Reader made) { made_link(made); });
  on.ask<wire::ListLinks, wire::LinkRows>([this](wire::ListLinks::Reader, runtime::Reply<wire::LinkRows> reply) {
    reply.send([this](wire::LinkRows::Builder rows) { list(rows); });
  });
  on.describe<wire::LinkRows>([this](wire::LinkRows::Builder rows) { list(rows); });
}

void LinksActor::start() {
  node().publish<wire::ListLinks>("/links", self());
  const NetSetup& setup = pool_->setup();
  if (!setup.control_path.empty()) {
    auto control = world().network.listen_local(setup.control_path, self());
    if (!control.ok()) return listening_(control.error());
    control_ = std::move(control).value();
  }
  if (!setup.listen) return;
  base::HostPort at = *setup.listen;
  if (at.port == 0) at.port = pool_->bound_port.load();
  auto listener = world().network.listen(at, self());
  if (!listener.ok()) return listening_(listener.error());
  listener_ = std::move(listener).value();
  pool_->bound_port.store(listener_->local().port);
  listening_(listener_->local());
}

void LinksActor::stop() {
  listener_.reset();
  control_.reset();
  for (const auto& link : pool_->close()) net::hang_up(*link, "the node is stopping");
}

// -- accepting --

void LinksActor::event(ports::StreamEvent&& event) {
  if (auto* made = std::get_if<ports::Accepted>(&event)) accepted(std::move(*made));
}

/// Counts an unknown peer before memory is allocated for it; a stream dropped here is closed unread.
void LinksActor::accepted(ports::Accepted&& accepted) {
  Pool::Seat seat;
  if (!accepted.from.user_id) {  // the node's own user needs no seat, so that other peers cannot lock it out
    auto given = pool_->admit(accepted.from.endpoint, now());
    if (!given) return;
    seat = std::move(*given);
  }
  auto link = pool_->accept();
  if (!link) return;
  auto start = std::make_shared<PeerStart>();
  start->pool = pool_;
  start->link = link;
  start->stream = std::move(accepted.stream);
  start->from = accepted.from;
  start->seat = std::move(seat);
  start_peer(node(), *link, std::move(start), "/peer/accept-" + std::to_string(link->serial()));
}

// -- dialling --

void LinksActor::dial(wire::Dial::Reader question, runtime::Reply<wire::Dialled> reply) {
  const auto where = base::HostPort::parse({question.getAddress().begin(), question.getAddress().size()});
  const auto pinned = node_of(question.getPinned());
  if (!where || (!pinned && question.getPinned().size() != 0))
    return reply.refuse({Code::malformed, "invalid address or node id: expected HOST:PORT and 20 bytes"});
  if (pinned && *pinned == pool_->setup().identity->id())
    return reply.refuse({Code::conflict, "cannot dial this node itself"});
  if (dialling_.size() >= kDiallingMax)
    return reply.refuse({Code::overloaded, "too many dials are in progress", std::chrono::milliseconds(1000)});
  if (pinned) {
    if (const auto up = pool_->find(*pinned)) return answer(reply, up->contact);
    if (pool_->is_banned(*pinned)) return reply.refuse({Code::refused, "this node has banned that peer"});
  }
  const auto link = pinned ? pool_->dial(*pinned, where) : pool_->dial(*where);
  if (!link) return reply.refuse({Code::overloaded, "this node has reached its limit of links (net.links_max)"});
  dialling_.push_back({link->serial(), std::move(reply)});
}

void LinksActor::answer(runtime::Reply<wire::Dialled>& reply, const base::Contact& contact) {
  reply.send([&](wire::Dialled::Builder dialled) { messages::write_contact(dialled.initContact(), contact); });
}

void LinksActor::hang_up(wire::HangUp::Reader order) {
  const auto id = node_of(order.getNode());
  if (!id) return refuse(Error{Code::malformed, "invalid node id: expected 20 bytes"});
  if (const auto link = pool_->in_service(*id)) net::hang_up(*link, order.getReason().cStr());
}

/// Does not end the link to that node: `/peers` does that, with the reason.
void LinksActor::ban(wire::Shun::Reader order) {
  const auto id = node_of(order.getNode());
  if (!id) return refuse(Error{Code::malformed, "invalid node id: expected 20 bytes"});
  const auto span = std::chrono::milliseconds(std::min<std::uint64_t>(order.getMilliseconds(), kBanMaxMs));
  const base::Instant at = now();  // read once: a ban of zero length lifts an earlier ban
  pool_->banned_nodes().ban(*id, at + span, at);
  for (const auto& follower : followers_)
    tell<wire::Shun>(follower, [&](wire::Shun::Builder out) {
      out.setNode(order.getNode());
      out.setMilliseconds(order.getMilliseconds());
    });
}

// -- reports of the peers --

void LinksActor::made_link(wire::LinkMade::Reader made) {
  const auto result = made.getResult();
  const auto settle = [&](const auto& tell_asker) {
    for (auto& one : dialling_)
      if (one.serial == made.getSerial()) tell_asker(one.reply);
    std::erase_if(dialling_, [&](const auto& one) { return one.serial == made.getSerial(); });
  };
  switch (result.which()) {
    case wire::LinkMade::Result::UP:
    case wire::LinkMade::Result::TWIN: {
      const auto up = result.isUp() ? result.getUp() : result.getTwin();
      const base::Contact contact = messages::read_contact(up.getContact());
      settle([&](auto& reply) { answer(reply, contact); });
      if (result.isTwin()) return;
      if (const auto id = node_of(made.getNode())) {
        log_.info("link is up", {{"node", id->hex()},
                                 {"address", contact.endpoint.text()},
                                 {"dialled", up.getOutbound() ? "here" : "there"}});
      }
      for (const auto& follower : followers_) tell_up(follower, contact, up.getOutbound());
      return;
    }
    case wire::LinkMade::Result::FAILED: {
      const Error why{base::code_of(result.getFailed().getCode()), result.getFailed().getMessage().cStr()};
      return settle([&](auto& reply) { reply.refuse(why); });
    }
    case wire::LinkMade::Result::ENDED:
      note_end(result.getEnded());
      for (const auto& follower : followers_)
        tell<wire::LinkDown>(follower, [&](wire::LinkDown::Builder down) {
          down.setNode(result.getEnded().getNode());
          down.setReason(result.getEnded().getReason());
          down.setHungUp(result.getEnded().getHungUp());
          down.setLost(result.getEnded().getLost());
          down.setAddress(result.getEnded().getAddress());
        });
      return;
  }
}

/// Warns of a link that is lost repeatedly, because a person who checks only one end sees no fault. A link that a side
/// has ended on purpose does not count.
void LinksActor::note_end(wire::LinkDown::Reader end) {
  const auto id = node_of(end.getNode());
  if (!id) return;
  log_.info(end.getLost() ? "link was lost" : "link has ended",
            {{"node", id->hex()}, {"address", end.getAddress().cStr()}, {"why", end.getReason().cStr()}});
  if (!end.getLost()) return;
  const base::Instant at = now();
  std::erase_if(losses_, [&](const auto& one) { return at - one.second > runtime::kFlapTime; });
  if (losses_.size() >= kLossesKept) return;  // so many losses are visible elsewhere
  losses_.emplace_back(*id, at);
  const auto times = std::ranges::count(losses_, *id, &std::pair<base::NodeId, base::Instant>::first);
  if (times >= static_cast<std::ptrdiff_t>(runtime::kFlaps))
    node().alarms().sound(runtime::Alarm::flapping_link, id->hex(), base::Duration::zero(), at, {},
                          static_cast<std::uint64_t>(times));
}

/// A follower that restarts follows again, and is notified again of all links that are up.
void LinksActor::follow(const runtime::Handle& follower, bool again) {
  if (!follower) return;
  const bool follows = std::find(followers_.begin(), followers_.end(), follower) != followers_.end();
  if (follows && again) return;
  if (!follows) {
    if (followers_.size() >= kFollowersMax) return refuse(Error{Code::overloaded, "too many actors follow the links"});
    followers_.push_back(follower);
    watch(follower);
  }
  for (const LinkInfo& up : pool_->rows())
    if (up.role == messages::Role::peer) tell_up(follower, up.contact, up.outbound);
}

void LinksActor::tell_up(const runtime::Handle& follower, const base::Contact& contact, bool outbound) {
  tell<wire::LinkUp>(follower, [&](wire::LinkUp::Builder up) {
    messages::write_contact(up.initContact(), contact);
    up.setOutbound(outbound);
  });
}

void LinksActor::down(const runtime::Handle& ended, const std::optional<base::Error>&) {
  std::erase(followers_, ended);
}

void LinksActor::check() const {
  base::ensure(followers_.size() <= kFollowersMax && dialling_.size() <= kDiallingMax,
               "followers and pending dials are limited");
  pool_->check();
}

void LinksActor::list(wire::LinkRows::Builder rows) const {
  const auto links = pool_->rows();
  const auto seats = pool_->seats();
  rows.setSeats(static_cast<std::uint32_t>(seats.taken));
  rows.setHandshakes(static_cast<std::uint32_t>(seats.handshakes));
  auto out = rows.initLinks(static_cast<unsigned>(links.size()));
  for (unsigned i = 0; i < out.size(); ++i) {
    const LinkInfo& link = links[i];
    out[i].setNode(kj::arrayPtr(link.node.bytes.data(), link.node.bytes.size()));
    out[i].setAddress(link.contact.endpoint.text().c_str());
    out[i].setRole(wire_role(link.role));
    out[i].setOutbound(link.outbound);
    out[i].setSent(link.sent);
    out[i].setReceived(link.received);
    out[i].setUpMs(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now() - link.since).count()));
  }
}

}  // namespace troupe::net
