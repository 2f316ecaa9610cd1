// One identity at two running nodes, such as a directory and its copy. Their peers see one node that alternates between
// two addresses, and reply with the former address. The node dials it: the handshake proves that another process has
// this node's key. Then the node notifies its peers.
#include "actors/peers/peers_actor.hpp"
#include "actors/peers/wire.hpp"
#include "runtime/actor/used_elsewhere.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::peers {
namespace {

constexpr std::chrono::seconds kLookEach{5};  // our choice: time between dials, whatever peers say
constexpr std::chrono::seconds kOtherDue{5};  // our choice: for a dial, and for a ping
constexpr std::size_t kElsewhereMax = 64;     // our choice: health names the first of them

}  // namespace

/// The asker's present address may be known already, for example from the answer to this node's own ping.
void PeersActor::write_before(wire::Pong::Builder pong, const base::NodeId& asker, const base::Endpoint& now_at) const {
  const KnownPeer* const known = peers_.book().find(asker);
  const auto remote = peers_.remote_of(asker);
  if (known == nullptr || !now_at.dialable() || !remote) return;
  const base::Endpoint names{is_unspecified(now_at) ? remote->address : now_at.address, now_at.port};
  base::Endpoint before = known->contact.endpoint;
  if (before == names && known->before && now() < known->before->until + runtime::kUsedElsewhere)
    before = known->before->endpoint;
  if (!before.dialable() || before == names) return;
  const auto address = base::words_of(before.address);
  pong.setBefore0(address[0]);
  pong.setBefore1(address[1]);
  pong.setBeforePort(before.port);
}

void PeersActor::look_for_other(wire::Pong::Reader pong) {
  base::Endpoint at;
  at.address = base::from_words(pong.getBefore0(), pong.getBefore1());
  at.port = pong.getBeforePort();
  if (!at.dialable() || at == setup_.self.endpoint || at == own_address_.at() || now() < look_for_other_at_) return;
  look_for_other_at_ = now() + kLookEach;
  // This node itself may have been there before: then no node answers, or a node with another id. Both are fine.
  ask<net::wire::Dial, net::wire::Dialled>(
      links(), now() + kOtherDue, [&](net::wire::Dial::Builder question) { question.setAddress(at.text().c_str()); },
      [](const runtime::Answer<net::wire::Dialled>&) {});
}

bool PeersActor::used_elsewhere() const { return runtime::used_elsewhere(setup_.own_id_met(), now()); }

void PeersActor::note_elsewhere(const base::NodeId& peer, bool elsewhere) {
  if (!elsewhere) return;
  if (elsewhere_.size() < kElsewhereMax || elsewhere_.contains(peer)) elsewhere_.insert_or_assign(peer, now());
}

/// Notifies peers at once: the next ping may be a minute away.
void PeersActor::tell_elsewhere() {
  const auto met = setup_.own_id_met();
  show_health();
  if (!used_elsewhere() || (told_elsewhere_ && *met < *told_elsewhere_ + kLookEach)) return;
  told_elsewhere_ = met;
  for (const PeerView& one : peers_.view(now())) {
    if (!one.direction) continue;
    ask<wire::Ping, wire::Pong>(
        node().remote(one.id, kPath), now() + kOtherDue,
        [&](wire::Ping::Builder question) {
          write(question.initSelf(), setup_.self);
          question.setElsewhere(true);
        },
        [](const runtime::Answer<wire::Pong>&) {});
  }
}

void PeersActor::show_identity() {
  std::erase_if(elsewhere_, [this](const auto& one) { return now() >= one.second + runtime::kUsedElsewhere; });
  std::string text;
  if (used_elsewhere())
    text =
        "identity used elsewhere: within the last 10 minutes another running node has proven this node's own key; "
        "stop one of the two, and never run a copy of a directory";
  else if (!elsewhere_.empty())
    text =
        "the identity of node " + elsewhere_.begin()->first.hex() + " is used by two running nodes: stop one of them";
  show(kIdentity, identity_shown_, text);
}

void PeersActor::show_address() {
  if (!own_address_.unknown()) unknown_since_.reset();
  else if (!unknown_since_ && peers_.links() > 0) unknown_since_ = now();
  std::string text;
  if (unknown_since_ && now() >= *unknown_since_ + kUnknownGrace)
    text = "this node listens at " + setup_.self.endpoint.text() +
           ", and its peers do not agree on its address, so other nodes store no DHT records at it: start it with "
           "--advertise HOST:PORT";
  show(kAddress, address_shown_, text);
}

}  // namespace troupe::peers
