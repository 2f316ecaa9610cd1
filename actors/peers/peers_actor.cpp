// Inputs of the actor. peers_actor_perform.cpp has its decisions, peers_actor_rows.cpp its rows.
#include "actors/peers/peers_actor.hpp"

#include <algorithm>
#include <utility>

#include "actors/peers/contact.hpp"
#include "actors/peers/wire.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::peers {
namespace {

using base::Code;
using runtime::Reply;

base::NodeId own_id(const PeersActor::Setup& setup) {
  const auto id = setup.id_of(setup.self.key, setup.self.nonce);
  base::ensure(id.has_value(), "a node's own id shows its work");
  return *id;
}

}  // namespace

base::Error to_error(CommandError error) {
  switch (error) {
    case CommandError::ourselves: return {Code::conflict, "the id belongs to this node itself"};
    case CommandError::linked: return {Code::conflict, "this node is linked to that peer already"};
    case CommandError::busy:
      return {Code::overloaded, "too many dials for operators in progress (limit 16)",
              std::chrono::milliseconds(1'000)};
    case CommandError::not_linked: return {Code::not_found, "there is no link to that peer"};
    case CommandError::still_linked: return {Code::conflict, "that peer is linked: drop it first"};
    case CommandError::unknown: return {Code::not_found, "unknown peer"};
  }
  return {Code::internal, "the command failed: unknown reason"};
}

base::Error to_error(Nowhere why) {
  switch (why) {
    case Nowhere::unknown: return {Code::not_found, "no known address for that node"};
    case Nowhere::unwelcome: return {Code::not_found, "that node is banned, or an operator dropped it"};
    case Nowhere::turned_us_away: return {Code::unavailable, "that node recently closed our link"};
  }
  return {Code::internal, "the node cannot be dialled: unknown reason"};
}

PeersActor::PeersActor(Setup setup)
    : setup_(std::move(setup)),
      peers_(own_id(setup_), setup_.policy, setup_.id_of),
      own_address_(setup_.self.endpoint),
      exchanges_({kExchangesPerSecond, kExchangesPerSecond}, base::Instant{}),
      voices_({kVoicesPerSecond, kVoicesPerSecond}, base::Instant{}),
      rows_(*this, rows_setup(setup_)) {
  static_assert(kKnownMax <= kKnownContactsMax && kKnownMax + kLinksMax + kGuestsMax + kStrangersMax <= kPeerRowsMax,
                "answers can list all peers");
  base::ensure(setup_.policy.known_max <= kKnownMax, "the peers known fit into the messages that list them");
}

void PeersActor::receive(runtime::Handlers& on) {
  const auto answers = [this](auto question, auto reply) { answer(question, std::move(reply)); };
  on.ask<wire::Ping, wire::Pong>(answers);
  on.ask<wire::Exchange, wire::Contacts>(answers);
  on.ask<wire::ListKnown, wire::KnownContacts>(answers);
  on.ask<wire::WhereAmI, wire::OwnPlace>(answers);
  on.ask<wire::ListPeers, wire::PeerRows>(answers);
  on.ask<wire::ConnectPeer, wire::Connected>(answers);
  on.ask<wire::DropPeer, messages::wire::Nothing>(answers);
  on.ask<wire::ForgetPeer, messages::wire::Nothing>(answers);
  on.ask<wire::PardonPeer, messages::wire::Nothing>(answers);
  on.ask<net::wire::WhereIs, net::wire::Whereabouts>(answers);
  on.tell<net::wire::LinkUp>([this](net::wire::LinkUp::Reader up) { link_up(up); });
  on.tell<net::wire::LinkDown>([this](net::wire::LinkDown::Reader down) { link_down(down); });
  on.tell<net::wire::NotThere>([this](net::wire::NotThere::Reader where) { not_there(where); });
  on.tell<net::wire::Misbehaved>([this](net::wire::Misbehaved::Reader report) { misbehaved(report); });
  on.tell<net::wire::Shun>([](net::wire::Shun::Reader) {});  // an echo: this actor sent it to `/links`
  on.timer<Tick>([this] { act(peers_.tick(now(), random())); });
  on.timer<Follow>([this] { follow(true); });
  on.timer<Grace>([this] { show_health(); });
  rows_.receive<RowsAgain>(on);
  on.describe<wire::PeersState>([this](wire::PeersState::Builder state) { describe(state); });
}

void PeersActor::start() {
  node()
      .publish<wire::Ping, wire::Exchange, wire::ListPeers, wire::ConnectPeer, wire::DropPeer, wire::ForgetPeer,
               wire::PardonPeer>(kPath, self());
  peers_.plant(world().mutations);
  peers_.ask_who_owes(setup_.owes_answer);
  load();
}

// --- other nodes

/// Returns the peer that sent the current request over a link; refuses a request that did not come over a link.
std::optional<base::NodeId> PeersActor::linked_caller() {
  const runtime::Caller from = caller();
  if (from.role == messages::Role::peer && from.node) return from.node;
  refuse(base::Error{Code::refused, "this request is only for linked nodes"});
  return std::nullopt;
}

void PeersActor::punish(const base::NodeId& peer, const char* why) {
  refuse(base::Error{Code::malformed, why});
  misbehaved(peer, Violation::malformed, why);
}

void PeersActor::answer(wire::Ping::Reader ping, Reply<wire::Pong> reply) {
  const auto from = linked_caller();
  if (!from) return;
  const auto endpoint = own_word(ping, *from, setup_.id_of);
  if (!endpoint) return punish(*from, "a ping names another node than its sender");
  reply.send([&](wire::Pong::Builder pong) {
    write(pong.initSelf(), setup_.self);
    if (const auto remote = peers_.remote_of(*from)) pong.setSeen(data_of(remote->address));
    pong.setDateS(static_cast<std::uint32_t>(std::clamp<std::int64_t>(base::unix_seconds(wall()), 0, UINT32_MAX)));
    write_before(pong, *from, *endpoint);
  });
  note_seen(*from, ping.getSeen());
  note_elsewhere(*from, ping.getElsewhere());
  act(peers_.advertised(*from, *endpoint, now(), random()));
}

/// Notes the address at which a linked peer sees this node; it counts only if no address is configured.
void PeersActor::note_seen(const base::NodeId& by, capnp::Data::Reader seen) {
  const auto remote = peers_.remote_of(by);
  OwnAddress::Address address{};
  if (!remote || seen.size() != address.size()) return;
  if (voices_.take({by, base::group_of(*remote)}, now())) return;  // it repeats this in a minute
  std::ranges::copy(seen, address.begin());
  if (own_address_.said(by, *remote, address, peers_.chose(by) ? Choice::ours : Choice::theirs))
    setup_.log.info("peers agree on this node's address", {{"at", own_address_.at().text()}});
}

void PeersActor::answer(wire::Exchange::Reader question, Reply<wire::Contacts> reply) {
  const auto from = linked_caller();
  if (!from) return;
  if (question.getContactsMax() == 0) return punish(*from, "a request for zero contacts");
  const auto remote = peers_.remote_of(*from);
  const base::User<base::NodeId> asker{*from, remote ? base::group_of(*remote) : base::AddressGroup{}};
  if (const auto wait = exchanges_.take(asker, now()))
    return reply.refuse(
        {Code::overloaded, "too many requests for contacts", std::chrono::ceil<std::chrono::milliseconds>(*wait)});
  const auto contacts = peers_.give(*from, question.getContactsMax(), now(), random());
  reply.send([&](wire::Contacts::Builder out) { write(out.initList(size32(contacts)), contacts); });
}

void PeersActor::link_up(net::wire::LinkUp::Reader up) {
  if (loading_) return;  // the next FollowLinks reports it again
  const Contact contact = read(up.getContact());
  const auto id = setup_.id_of(contact.key, contact.nonce);
  if (!id) return refuse(base::Error{Code::malformed, "the id of a linked node lacks its work"});
  const auto direction = up.getOutbound() ? Direction::outbound : Direction::inbound;
  act(peers_.linked({*id, contact.key, contact.nonce, contact.endpoint, direction}, now(), random()));
}

void PeersActor::link_down(net::wire::LinkDown::Reader down) {
  const auto id = node_of(down.getNode());
  if (!id) return refuse(base::Error{Code::malformed, kIdLength});
  own_address_.forget(*id);
  dates_.forget(*id);
  act(peers_.unlinked(*id, down.getHungUp() ? LinkEnd::hung_up : LinkEnd::lost, now(), random()));
}

void PeersActor::not_there(net::wire::NotThere::Reader where) {
  act(peers_.not_there(read(where.getContact()), failure_of(where.getMet()), now(), random()));
  if (where.getMet() == net::wire::NotThere::Met::OURSELVES) tell_elsewhere();
}

void PeersActor::misbehaved(net::wire::Misbehaved::Reader report) {
  if (loading_) return;  // a ban would be lost when the row is read later
  const auto id = node_of(report.getNode());
  if (!id) return refuse(base::Error{Code::malformed, kIdLength});
  const auto what = report.getWhat();
  if (const auto how = violation_of(report.getHow()))
    misbehaved(*id, *how, {what.begin(), std::min(what.size(), kWhatBytesMax)});
}

void PeersActor::misbehaved(const base::NodeId& peer, Violation how, std::string_view what) {
  setup_.log.debug("peer misbehaved", {{"node", peer.hex()}, {"how", text_of(how)}, {"what", what}});
  act(peers_.misbehaved(peer, how, now(), random()));
}

// --- this node

void PeersActor::answer(wire::ListKnown::Reader, Reply<wire::KnownContacts> reply) {
  const auto contacts = peers_.reachable(now());
  reply.send([&](wire::KnownContacts::Builder out) {
    write(out.initList(size32(contacts)), contacts);
    out.setUntried(peers_.untried());
  });
}

void PeersActor::answer(wire::WhereAmI::Reader, Reply<wire::OwnPlace> reply) {
  Contact contact = setup_.self;
  contact.endpoint = own_address_.at();
  reply.send([&](wire::OwnPlace::Builder out) { write(out.initContact(), contact); });
}

void PeersActor::answer(net::wire::WhereIs::Reader question, Reply<net::wire::Whereabouts> reply) {
  const auto id = node_of(question.getNode());
  if (!id) return reply.refuse({Code::malformed, kIdLength});
  const auto contact = peers_.whereabouts(*id, now());
  if (!contact.ok()) return reply.refuse(to_error(contact.error()));
  reply.send([&](net::wire::Whereabouts::Builder out) { write(out.initContact(), contact.value()); });
}

void PeersActor::describe(wire::PeersState::Builder state) {
  std::map<State, std::uint32_t> count;
  for (const PeerView& line : peers_.view(now())) ++count[line.state];
  state.setLoading(loading_);
  state.setKnown(count[State::known]);
  state.setDialling(count[State::dialling]);
  state.setLinked(count[State::linked]);
  state.setHealthy(count[State::healthy]);
  state.setUnhealthy(count[State::unhealthy]);
  state.setBanned(count[State::banned]);
  state.setRowsWaiting(static_cast<std::uint32_t>(rows_.behind().waiting()));
  state.setSavesFailed(rows_.writes_failed());
  state.setOffences(peers_.scores().violations());
  state.setBans(bans_);
  if (peers_.wake_at() == base::Instant::max()) return;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(peers_.wake_at() - now()).count();
  state.getWakeMs().setValue(static_cast<std::uint64_t>(std::max<std::int64_t>(wait, 0)));
}

// --- operators

/// The bytes of each link come from `/links`; if it does not answer, the rows omit them.
void PeersActor::answer(wire::ListPeers::Reader question, Reply<wire::PeerRows> reply) {
  const bool healthy_only = question.getHealthyOnly();
  ask<net::wire::ListLinks, net::wire::LinkRows>(
      links(), now() + kTrafficTimeout, [](net::wire::ListLinks::Builder) {},
      [this, healthy_only, reply = std::move(reply)](runtime::Answer<net::wire::LinkRows> rows) mutable {
        auto lines = peers_.view(now());
        if (healthy_only) std::erase_if(lines, [](const PeerView& line) { return line.state != State::healthy; });
        lines.resize(std::min(lines.size(), kPeerRowsMax));
        const Traffic traffic = rows.ok() ? read(rows.value()) : Traffic{};
        reply.send([&](wire::PeerRows::Builder out) { write(out.initPeers(size32(lines)), lines, traffic, now()); });
      });
}

void PeersActor::answer(wire::ConnectPeer::Reader command, Reply<wire::Connected> reply) {
  const auto text = command.getTarget();
  const auto target = text.size() <= kTargetBytesMax ? Target::parse({text.begin(), text.size()}) : std::nullopt;
  if (!target) return reply.refuse({Code::malformed, "invalid peer: expected [ID@]HOST:PORT"});
  if (loading_) {  // the row with the ban that this command lifts may not be read yet
    return reply.refuse(
        {Code::unavailable, "the node is still reading its known peers", std::chrono::milliseconds(500)});
  }
  auto connecting = peers_.connect(*target, now(), random());
  if (!connecting.ok()) return reply.refuse(to_error(connecting.error()));
  commands_.emplace(connecting.value().ticket, std::move(reply));
  act(connecting.value().decisions);
}

void PeersActor::answer(wire::DropPeer::Reader command, Reply<messages::wire::Nothing> reply) {
  const auto id = node_of(command.getNode());
  if (!id) return reply.refuse({Code::malformed, kIdLength});
  const auto dropped = peers_.drop(*id, now(), random());
  if (!dropped.ok()) return reply.refuse(to_error(dropped.error()));
  reply.done();
  act(dropped.value());
}

void PeersActor::answer(wire::ForgetPeer::Reader command, Reply<messages::wire::Nothing> reply) {
  const auto id = node_of(command.getNode());
  if (!id) return reply.refuse({Code::malformed, kIdLength});
  if (loading_)
    return reply.refuse(
        {Code::unavailable, "the node is still reading its known peers", std::chrono::milliseconds(500)});
  const auto forgotten = peers_.forget(*id, now(), random());
  if (!forgotten.ok()) return reply.refuse(to_error(forgotten.error()));
  setup_.log.info("an operator removes a peer", {{"node", id->hex()}});
  reply.done();
  act(forgotten.value());
}

void PeersActor::answer(wire::PardonPeer::Reader command, Reply<messages::wire::Nothing> reply) {
  const auto id = node_of(command.getNode());
  if (!id) return reply.refuse({Code::malformed, kIdLength});
  if (loading_)
    return reply.refuse(
        {Code::unavailable, "the node is still reading its known peers", std::chrono::milliseconds(500)});
  const auto unbanned = peers_.unban(*id, now(), random());
  if (unbanned.lifted) setup_.log.info("an operator lifts the ban of a peer", {{"node", id->hex()}});
  if (unbanned.lifted) reply.done();
  else reply.refuse({Code::not_found, "that peer is not banned, has no points, and was not dropped recently"});
  act(unbanned.decisions);
}

}  // namespace troupe::peers
