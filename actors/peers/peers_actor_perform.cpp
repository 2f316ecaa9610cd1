// Performs the decisions of the logic, and passes their results back.
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

/// Returns the error that an operator gets for a failed dial: the codes of ConnectPeer, the reason from `/links`.
base::Error told(const base::Error& error) {
  const bool final = error.code == Code::refused || error.code == Code::conflict;
  return {final ? error.code : Code::unavailable, error.message, error.retry_after};
}

const char* text_of(DropReason why) {
  switch (why) {
    case DropReason::silent: return "it no longer answers pings";
    case DropReason::banned: return "it is banned";
    case DropReason::by_command: return "an operator dropped it";
    case DropReason::too_many: return "this node has reached its limit of links";
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
      [this, dial](runtime::Answer<net::wire::Dialled> answer) { dial_ended(dial, answer); });
}

void PeersActor::dial_ended(const Dial& dial, runtime::Answer<net::wire::Dialled>& answer) {
  const std::uint64_t ticket = dial.ticket;
  auto waiting = commands_.extract(ticket);
  runtime::Reply<wire::Connected> command;
  if (waiting) command = std::move(waiting.mapped());
  const auto failed = [&](const base::Error& why) {
    command.refuse(told(why));
    if (dial.seed) no_answer(dial.to, why);
    act(peers_.dial_failed(ticket, failure_of(why.code), now(), random()));
  };
  if (!answer.ok()) return failed(answer.error());
  const Contact contact = read(answer.value().getContact());
  const auto id = setup_.id_of(contact.key, contact.nonce);
  if (!id) return failed({Code::refused, "the id of the node that answered lacks its work"});
  if (!peers_.welcome(*id, now())) {
    command.refuse({Code::refused, "peer " + id->hex() +
                                       " answered, but it is banned or was dropped; repeat the command with its id"});
  }
  if (dial.seed) silent_seeds_.erase(dial.to.text());
  command.send([&](wire::Connected::Builder out) {
    out.setNode(data_of(id->view()));
    out.setAddress(contact.endpoint.text().c_str());
  });
  act(peers_.dialled(ticket, *id, now(), random()));
}

/// Logs an unreachable seed at once, then once per kSayAgain. A seed is tried repeatedly, at first every second.
void PeersActor::no_answer(const Target& seed, const base::Error& why) {
  if (why.code == Code::conflict) return;  // the seed is this node itself, which is not a fault
  const auto [known, fresh] = silent_seeds_.try_emplace(seed.text());
  if (!fresh && now() - known->second.said < kSayAgain) return;
  const bool answered = why.code == Code::refused;
  known->second = {(answered ? "turned away by " : "no answer from ") + seed.text() + ": " + why.message, now()};
  // Nodes that start together may miss each other once.
  const bool early = too_few_since_ && now() < *too_few_since_ + kGrace;
  if (early && !answered) setup_.log.info("cannot join yet", {{"address", seed.text()}, {"why", why.message}});
  else setup_.log.warn("cannot join", {{"address", seed.text()}, {"why", why.message}});
}

void PeersActor::perform(const Drop& drop) {
  tell<net::wire::HangUp>(links(), [&](net::wire::HangUp::Builder order) {
    order.setNode(data_of(drop.peer.view()));
    order.setReason(text_of(drop.why));
  });
}

void PeersActor::perform(const Ban& ban) {
  const base::Duration span = ban.until - now();
  tell_ban(ban.peer, span);
  if (!ban.last) return;  // it was logged before the restart
  ++bans_;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(span).count();
  setup_.log.warn("peer is banned",
                  {{"node", ban.peer.hex()}, {"why", text_of(*ban.last)}, {"for", std::to_string(seconds) + " s"}});
}

void PeersActor::perform(const Unban& unban) { tell_ban(unban.peer, base::Duration::zero()); }

void PeersActor::tell_ban(const base::NodeId& peer, base::Duration span) {
  tell<net::wire::Shun>(links(), [&](net::wire::Shun::Builder out) {
    out.setNode(data_of(peer.view()));
    out.setMilliseconds(static_cast<std::uint64_t>(
        std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(span).count(), 0)));
  });
}

void PeersActor::perform(const SendPing& ping) {
  ask<wire::Ping, wire::Pong>(
      node().remote(ping.peer, kPath), ping.due,
      [&](wire::Ping::Builder question) {
        write(question.initSelf(), setup_.self);
        if (const auto remote = peers_.remote_of(ping.peer)) question.setSeen(data_of(remote->address));
        question.setElsewhere(used_elsewhere());
      },
      [this, peer = ping.peer, at = now()](runtime::Answer<wire::Pong> answer) { ponged(peer, at, answer); });
}

void PeersActor::ponged(const base::NodeId& peer, base::Instant asked_at, runtime::Answer<wire::Pong>& answer) {
  if (!answer.ok()) return act(peers_.ping_failed(peer, now(), random()));
  const auto endpoint = own_word(answer.value(), peer, setup_.id_of);
  if (!endpoint) {
    misbehaved(peer, Violation::malformed, "a pong names another node than its sender");
    return act(peers_.ping_failed(peer, now(), random()));
  }
  note_seen(peer, answer.value().getSeen());
  note_date(peer, answer.value().getDateS());
  look_for_other(answer.value());
  const auto round_trip = std::chrono::duration_cast<std::chrono::microseconds>(now() - asked_at);
  act(peers_.ponged(peer, round_trip, now(), random()));
  act(peers_.advertised(peer, *endpoint, now(), random()));
}

void PeersActor::perform(const AskContacts& question) {
  ask<wire::Exchange, wire::Contacts>(
      node().remote(question.peer, kPath), question.due,
      [](wire::Exchange::Builder out) { out.setContactsMax(kContactsMax); },
      [this, peer = question.peer](runtime::Answer<wire::Contacts> answer) {
        if (!answer.ok()) return act(peers_.contacts_failed(peer, now(), random()));
        act(peers_.contacts(peer, read(answer.value()), now(), random()));
      });
}

void PeersActor::follow(bool again) {
  tell<net::wire::FollowLinks>(links(), [again](net::wire::FollowLinks::Builder order) { order.setAgain(again); });
  after<Follow>(kFollowAgain);
}

/// Reports too few healthy peers, with the seeds that this node cannot reach.
void PeersActor::show_health() {
  if (setup_.health == nullptr || loading_) return;
  show(kDates, dates_shown_, dates_.fault(peers_.self()));
  show_identity();
  show_address();
  const std::size_t wanted = peers_.expected(now());
  const std::size_t healthy = std::min(peers_.healthy(), wanted);
  std::string text;
  if (healthy == wanted) {
    too_few_since_.reset();
  } else if (!too_few_since_) {
    too_few_since_ = now();
    after<Grace>(kGrace);
  }
  if (too_few_since_ && now() >= *too_few_since_ + kGrace) {
    text = std::to_string(healthy) + " healthy peers of at least " + std::to_string(wanted);
    if (const auto missing = peers_.missing(now()); !missing.empty()) {
      text += "; missing:";
      for (const base::NodeId& id : missing) text += ' ' + id.hex();
      text += " (to stop expecting a peer: troupe peers forget ID)";
    }
    if (!silent_seeds_.empty()) {
      text += "; " + silent_seeds_.begin()->second.text;
      if (silent_seeds_.size() > 1) text += ", and " + std::to_string(silent_seeds_.size() - 1) + " more seeds";
    }
  }
  show(kName, health_shown_, text);
}

void PeersActor::show(const char* source, std::string& shown, const std::string& text) {
  if (std::exchange(shown, text) == text) return;
  if (text.empty()) setup_.health->clear(source);
  else setup_.health->raise(source, observe::HealthState::degraded, text);
}

void PeersActor::note_date(const base::NodeId& peer, std::uint32_t date_s) {
  if (date_s == 0 || !peers_.remote_of(peer)) return;
  dates_.said(peer, std::chrono::seconds(date_s - base::unix_seconds(wall())));
}

}  // namespace troupe::peers
