// How a peer comes into service.
#include <caf/actor_cast.hpp>
#include <caf/message_id.hpp>

#include "messages/contact.hpp"
#include "runtime/crypto/hash.hpp"
#include "runtime/net/peer.hpp"

namespace troupe::net {

void Peer::begin_handshake() {
  state_ = State::proving;
  const auto exported = channel_->exporter(kExporterLabel, ExporterValue::kBytes);
  if (!exported.ok()) return turn_away(Turned::channel, "TLS: " + std::string(name(exported.error())));
  const ExporterValue value = *ExporterValue::from(exported.value());
  token_ = crypto::sha256(value.view());
  const NetSetup& setup = pool_->setup();
  if (link_->side() == Link::Side::acceptor) {
    handshake_.emplace(Handshake::server(*setup.identity, setup.terms, value, *setup.operators));
    plain_ = handshake_->greeting();
    flush();
  } else {
    handshake_.emplace(Handshake::dialler(*setup.identity, setup.terms, value, setup.role, start_->pinned));
  }
}

void Peer::take_handshake(const Frame& frame) {
  const auto step = handshake_->receive(frame);
  if (!step.ok()) {
    pool_->counters().count(step.error());
    if (step.error() == Refusal::wrong_id) met_ = wire::NotThere::Met::ANOTHER;
    if (step.error() == Refusal::own_key) met_ = wire::NotThere::Met::OURSELVES;
    return end("the handshake failed: " + std::string(name(step.error())),
               step.error() == Refusal::own_key ? base::Code::conflict : base::Code::refused);
  }
  if (const auto& ready = step.value().ready;
      ready && ready->role == messages::Role::peer && pool_->is_banned(ready->id)) {
    pool_->counters().count(Turned::banned);
    return end("peer " + ready->id.hex() + " answered, which this node has banned; dial it by its id to lift the ban",
               base::Code::refused);
  }
  if (!step.value().send.empty()) {
    plain_ = step.value().send;
    flush();
  }
  if (!step.value().ready) return;
  if (step.value().ready->key == pool_->setup().identity->public_key()) return meet_own_id(*step.value().ready);
  serve(*step.value().ready);
}

/// The proof of this node's key is being sent to the other side, which ends the link for the same reason.
void Peer::meet_own_id(const Ready& ready) {
  if (ready.role != messages::Role::peer) {
    // A person operates this node with its own key, which has no role here.
    pool_->counters().count(Refusal::own_key);
    return end("the handshake failed: " + std::string(name(Refusal::own_key)), base::Code::refused);
  }
  trusted_ = true;  // so that its Proof is still sent
  pool_->counters().count(Turned::elsewhere);
  pool_->met_own_id(now());
  tell<wire::NotThere>(node().find("/peers"), [&](wire::NotThere::Builder out) {
    messages::write_contact(out.initContact(), {ready.key, ready.nonce, address_});
    out.setMet(wire::NotThere::Met::OURSELVES);
  });
  end("a node has proven this node's key with another start number: another process uses this identity",
      base::Code::refused);
}

void Peer::serve(const Ready& ready) {
  LinkInfo info;
  info.node = ready.id;
  info.contact = {ready.key, ready.nonce, address_};
  info.role = ready.role;
  info.token = token_;
  link_->where_it_is(address_);
  handshake_.reset();
  enter_service(info);
}

/// The kernel has proven the user: the node's own user, or root.
void Peer::serve_local() {
  LinkInfo info;
  info.role = messages::Role::operate;
  info.contact.endpoint = address_;
  enter_service(info);
  // No proof is needed. But the dialler must speak first: a silent connection is ended.
  if (link_->side() == Link::Side::acceptor) return after<HandshakeDue>(pool_->setup().limits.handshake_timeout);
  write({.type = FrameType::ping}, {}, {});
  flush_soon();
}

void Peer::enter_service(const LinkInfo& proven) {
  LinkInfo info = proven;
  info.outbound = link_->side() == Link::Side::dialler;
  info.since = now();
  // The role of the other side: an operator if it dialled as an operator, a node if this node dialled.
  role_ = info.outbound ? messages::Role::peer : info.role;
  node_ = info.node;
  link_->who_is_there(info.node, role_);
  link_->served->belongs_to({info.node, base::group_of(info.contact.endpoint), role_ != messages::Role::peer});
  state_ = State::serving;
  trusted_ = true;
  const bool both_nodes = role_ == messages::Role::peer && pool_->setup().role == messages::Role::peer;
  const std::uint32_t most = pool_->setup().limits.frame_bytes_max;
  reader_.set_frame_bytes_max(frame_bytes_max(both_nodes ? std::min(most, kPeerPayloadBytesMax) : most));
  if (!start_->seat.settle() && role_ == messages::Role::peer)
    return turn_away(Turned::too_many_links, "too many links (net.links_max)");
  cancel<HandshakeDue>();
  after<KeepAlive>(pool_->setup().limits.keep_alive);
  const auto claim = pool_->claim(link_, info, now());
  start_->was_served = true;
  if (claim.won) {
    if (claim.replaced) report_ended(*claim.replaced, "replaced by another link to the same node", false);
    report_up(info, false);
    const std::string serial = std::to_string(link_->serial());
    rename(info.role == messages::Role::peer ? "/peer/" + info.node.hex().substr(0, kIdDigits) : "/operator/" + serial);
  } else {
    report_up(info, true);  // the dialler has a link to that node
    give_way();             // but first serves messages that the other side may have sent on this link
  }
  for (auto& message : early_) send_message(message);
  early_.clear();
  flush_soon();
}

}  // namespace troupe::net
