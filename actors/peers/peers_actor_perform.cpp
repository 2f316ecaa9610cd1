// What the logic decided, and what came of it.
#include <algorithm>
#include <utility>
#include <variant>

#include "actors/peers/peers_actor.hpp"
#include "actors/peers/wire.hpp"

namespace troupe::peers {
namespace {

using base::Code;

DialFailure failure_of(Code code) {
  switch (code) {
    case Code::conflict: return DialFailure::ourselves;
    case Code::refused: return DialFailure::refused;
    default: return DialFailure::unreachable;
  }
}

/// What an operator is told of a dial that failed: the codes of ConnectPeer, the reason of `/links`.
base::Error told(const base::Error& error) {
  const bool final = error.code == Code::refused || error.code == Code::conflict;
  return {final ? error.code : Code::unavailable, error.message, error.retry_after};
}

const char* text_of(DropReason why) {
  switch (why) {
    case DropReason::silent: return "it no longer answers pings";
    case DropReason::banned: return "it is banned";
    case DropReason::by_command: return "an operator dropped it";
    case DropReason::too_many: return "there are as many links as are borne";
  }
  return "";
}

}  // namespace

void PeersActor::act(const Decisions& decisions) {
  for (const Decision& one : decisions) std::visit([this](const auto& decision) { perform(decision); }, one);
  save();
  show_health();
  if (peers_.wake_at() != base::Instant::max()) after<Tick>(peers_.wake_at() - now());
}

void PeersActor::perform(const Dial& dial) {
  ask<net::wire::Dial, net::wire::Dialled>(
      links(), dial.due,
      [&](net::wire::Dial::Builder question) {
        if (dial.to.id) question.setPinned(data_of(dial.to.id->view()));
        question.setAddress(dial.to.where.text().c_str());
      },
      [this, ticket = dial.ticket](runtime::Answer<net::wire::Dialled> answer) { dial_ended(ticket, answer); });
}

void PeersActor::dial_ended(std::uint64_t ticket, runtime::Answer<net::wire::Dialled>& answer) {
  auto waiting = commands_.extract(ticket);
  runtime::Reply<wire::Connected> command;
  if (waiting) command = std::move(waiting.mapped());
  const auto failed = [&](const base::Error& why) {
    command.refuse(told(why));
    act(peers_.dial_failed(ticket, failure_of(why.code), now(), random()));
  };
  if (!answer.ok()) return failed(answer.error());
  const Contact contact = read(answer.value().getContact());
  const auto id = setup_.id_of(contact.key, contact.nonce);
  if (!id) return failed({Code::refused, "the id of who answered lacks its work"});
  if (!peers_.welcome(*id, now())) {
    command.refuse({Code::refused, "peer " + id->hex() + " answered, which is banned or was dropped; name its id"});
  }
  command.send([&](wire::Connected::Builder out) {
    out.setNode(data_of(id->view()));
    out.setAddress(contact.endpoint.text().c_str());
  });
  act(peers_.dialled(ticket, *id, now(), random()));
}

void PeersActor::perform(const Drop& drop) {
  tell<net::wire::HangUp>(links(), [&](net::wire::HangUp::Builder order) {
    order.setNode(data_of(drop.whom.view()));
    order.setReason(text_of(drop.why));
  });
}

void PeersActor::perform(const SendPing& ping) {
  ask<wire::Ping, wire::Pong>(
      node().remote(ping.whom, kPath), ping.due,
      [this](wire::Ping::Builder question) { write(question.initSelf(), setup_.self); },
      [this, whom = ping.whom, at = now()](runtime::Answer<wire::Pong> answer) { ponged(whom, at, answer); });
}

void PeersActor::ponged(const base::NodeId& whom, base::Instant asked_at, runtime::Answer<wire::Pong>& answer) {
  if (!answer.ok()) return act(peers_.ping_failed(whom, now(), random()));
  const auto endpoint = own_word(answer.value(), whom, setup_.id_of);
  if (!endpoint) {
    act(peers_.misbehaved(whom, Offence::malformed, now(), random()));
    return act(peers_.ping_failed(whom, now(), random()));
  }
  const auto round_trip = std::chrono::duration_cast<std::chrono::microseconds>(now() - asked_at);
  act(peers_.ponged(whom, round_trip, now(), random()));
  act(peers_.advertised(whom, *endpoint, now(), random()));
}

void PeersActor::perform(const AskContacts& question) {
  ask<wire::Exchange, wire::Contacts>(
      node().remote(question.whom, kPath), question.due,
      [](wire::Exchange::Builder out) { out.setContactsMax(kContactsMax); },
      [this, whom = question.whom](runtime::Answer<wire::Contacts> answer) {
        if (!answer.ok()) return act(peers_.contacts_failed(whom, now(), random()));
        act(peers_.contacts(whom, read(answer.value()), now(), random()));
      });
}

void PeersActor::follow(bool again) {
  tell<net::wire::FollowLinks>(links(), [again](net::wire::FollowLinks::Builder order) { order.setAgain(again); });
  after<Follow>(kFollowAgain);
}

/// A node that is to join others and has too few of them says so.
void PeersActor::show_health() {
  if (setup_.health == nullptr || setup_.seeds.empty() || loading_) return;
  const std::size_t wanted = setup_.policy.healthy_min;
  const std::size_t healthy = std::min(peers_.healthy(), wanted);
  if (std::exchange(healthy_shown_, healthy) == healthy) return;
  if (healthy == wanted) return setup_.health->clear(kName);
  setup_.health->raise(kName, observe::HealthState::degraded,
                       std::to_string(healthy) + " healthy peers of at least " + std::to_string(wanted));
}

}  // namespace troupe::peers
