// How a peer comes into service.
#include <caf/actor_cast.hpp>
#include <caf/message_id.hpp>

#include "runtime/net/peer.hpp"

namespace troupe::net {

void Peer::begin_handshake() {
  state_ = State::proving;
  const auto exported = channel_->exporter(kExporterLabel, ExporterValue::kBytes);
  if (!exported.ok()) return turn_away(Turned::channel, "TLS: " + std::string(name(exported.error())));
  const ExporterValue value = *ExporterValue::from(exported.value());
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
    return end("the handshake failed: " + std::string(name(step.error())),
               step.error() == Refusal::own_key ? base::Code::conflict : base::Code::refused);
  }
  if (!step.value().send.empty()) {
    plain_ = step.value().send;
    flush();
  }
  if (step.value().ready) serve(*step.value().ready);
}

void Peer::serve(const Ready& ready) {
  LinkInfo info;
  info.node = ready.id;
  info.contact = {ready.key, ready.nonce, address_};
  info.role = ready.role;
  handshake_.reset();
  enter_service(info);
}

/// The stream itself has proven who is there: the node's own user, or root.
void Peer::serve_local() {
  LinkInfo info;
  info.role = messages::Role::operate;
  info.contact.endpoint = address_;
  enter_service(info);
}

void Peer::enter_service(const LinkInfo& proven) {
  LinkInfo info = proven;
  info.outbound = link_->side() == Link::Side::dialler;
  info.since = now();
  role_ = info.role;
  link_->who_is_there(info.node, info.role);
  state_ = State::serving;
  reader_.set_frame_bytes_max(frame_bytes_max(pool_->setup().limits.frame_bytes_max));
  start_->seat.settle();
  cancel<HandshakeDue>();
  const auto claim = pool_->claim(link_, info, now());
  if (!claim.won) {
    start_->was_served = true;  // not a failure: whoever dialled has a link
    report_up(info, true);
    if (const auto twin = pool_->in_service(info.node); twin && info.outbound) hand_early_to(*twin);
    return end("another link to the same node is in service");
  }
  start_->was_served = true;
  if (claim.replaced) report_ended(*claim.replaced, "replaced by a newer link");
  report_up(info, false);
  const std::string id = info.node.hex().substr(0, 8);
  rename(info.role == messages::Role::peer ? "/peer/" + id : "/operator/" + path().substr(path().rfind('/') + 1));
  after<KeepAlive>(pool_->setup().limits.keep_alive);
  for (auto& message : early_) send_message(message);
  early_.clear();
  flush_soon();
}

/// A link that gives way to its twin has sent nothing: what waits goes over the twin, to the same actors. Streams are
/// tied to their proxy and end with this link.
void Peer::hand_early_to(Link& twin) {
  for (const auto& message : early_) {
    const auto& envelope = message.envelope;
    if (message.what != runtime::Outbound::What::message || envelope.header().signal != runtime::Signal::message)
      continue;
    const auto to = caf::actor_cast<caf::strong_actor_ptr>(twin.proxy(*message.path));
    const auto asker = message.correlation == 0 ? Link::Asker{nullptr, caf::message_id::default_async_value}
                                                : link_->asker(message.correlation, true);
    deliver(to, asker.who, asker.message_id, envelope);
  }
}

}  // namespace troupe::net
