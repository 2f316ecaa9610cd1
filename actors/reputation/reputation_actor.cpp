#include "actors/reputation/reputation_actor.hpp"

#include <algorithm>

#include "messages/codec.hpp"
#include "messages/registry.capnp.h"
#include "runtime/crypto/hash.hpp"

namespace troupe::reputation {
namespace {

using base::Bytes;
using base::ByteView;
using base::Code;
using base::Error;

constexpr std::uint8_t kScoreRow = 's', kOfNode = 'n', kOfRequest = 'r', kEventRow = 'e';
constexpr std::size_t kEventKeyBytes = 1 + base::NodeId::kBytes + 8 + EventId::kBytes;
constexpr std::uint32_t kScanBytes = 384u << 10;
constexpr std::chrono::seconds kFindDue{60};
constexpr std::size_t kFadingAtOnce = 1'024;  // our choice: found by one scan of all nodes

Bytes score_key(const base::NodeId& node) {
  Bytes out{kScoreRow, kOfNode};
  base::append(out, node.view());
  return out;
}

Bytes request_key(const base::Digest& request) {
  Bytes out{kScoreRow, kOfRequest};
  base::append(out, request.view());
  return out;
}

Bytes events_of(const base::NodeId& node) {
  Bytes out{kEventRow};
  base::append(out, node.view());
  return out;
}

Bytes event_key(const Event& event, const EventId& id) {
  Bytes out = events_of(event.node);
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(event.unix_ms >> shift));
  base::append(out, id.view());
  return out;
}

bool is_event_of(ByteView key, const base::NodeId& node) {
  const Bytes prefix = events_of(node);
  return key.size() == kEventKeyBytes && std::ranges::equal(key.first(prefix.size()), prefix);
}

std::uint32_t shown(Thousandths score) { return static_cast<std::uint32_t>(score); }

}  // namespace

ReputationActor::ReputationActor(ReputationSettings settings)
    : settings_(std::move(settings)),
      rows_(*this,
            [this] {
              auto out = settings_.rows(kRows, "the scores of other nodes");
              out.prefix = {kScoreRow};
              out.first = {kScoreRow};
              return out;
            }()),
      events_(*this, [this] {
        auto out = settings_.rows(kEventRows, "the events of reputations");
        out.first = {0xff};  // nothing is loaded at the start: rows are read on demand
        return out;
      }()) {}

void ReputationActor::receive(runtime::Handlers& on) {
  on.ask<wire::Report, wire::Reported>([this](wire::Report::Reader request, Reply reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    const auto wanted = read(request);
    if (!wanted.ok()) return reply.refuse(wanted.error());
    find_node(wanted.value().node,
              [this, wanted = wanted.value(), reply = std::move(reply)](const base::Outcome<void>& found) mutable {
                if (!found.ok()) return reply.refuse(found.error());
                want(std::move(wanted), std::move(reply));
              });
  });
  on.ask<wire::Observe, wire::Reported>([this](wire::Observe::Reader seen, Reply reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    const auto node = node_of(seen.getNode());
    const std::string kind = text_of(seen.getEvent());
    const auto delta = fixed_delta(kind);
    if (!node || !delta)
      return reply.refuse(
          {Code::malformed, "invalid observation: expected a node id and one of the seven fixed events"});
    Wanted wanted{.node = *node, .kind = kind, .delta = *delta};
    wanted.evidence = base::Digest::from(bytes_of(seen.getEvidence()));
    name(wanted, text_of(seen.getRequest()));
    want(std::move(wanted), std::move(reply));
  });
  on.ask<wire::GetScore, wire::ScoreIs>([this](wire::GetScore::Reader question, auto reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    const auto node = node_of(question.getNode());
    if (!node) return reply.refuse({Code::malformed, "invalid node id: expected 20 bytes"});
    find_node(*node, [this, node = *node, reply = std::move(reply)](const base::Outcome<void>& found) mutable {
      if (!found.ok()) return reply.refuse(found.error());
      const auto known = scores_.find(node);
      const Score score = known == scores_.end() ? Score{} : known->second;
      reply.send([&](wire::ScoreIs::Builder out) {
        out.setScore(shown(score.on(unix_ms() / kDayMs)));
        out.setEvents(score.events);
        out.setDay(unix_ms() / kDayMs);
      });
    });
  });
  on.ask<wire::ListScores, wire::Scores>([this](wire::ListScores::Reader question, auto reply) {
    if (!ready_) return reply.refuse(rows_.refusal());
    const auto behind = node_of(question.getBehind());
    if (!behind && question.getBehind().size() > 0)
      return reply.refuse({Code::malformed, "invalid node id: expected 20 bytes"});
    auto at = behind ? scores_.upper_bound(*behind) : scores_.begin();
    const auto count = std::min<std::size_t>(kPageRows, static_cast<std::size_t>(std::distance(at, scores_.end())));
    reply.send([&](wire::Scores::Builder out) {
      auto rows = out.initRows(static_cast<unsigned>(count));
      for (unsigned i = 0; i < rows.size(); ++i, ++at) {
        rows[i].setNode(data_of(at->first.view()));
        rows[i].setScore(shown(at->second.on(unix_ms() / kDayMs)));
        rows[i].setEvents(at->second.events);
      }
      out.setMore(at != scores_.end());
    });
  });
  on.ask<wire::ListEvents, wire::Events>(
      [this](wire::ListEvents::Reader question, auto reply) { list_events(question, std::move(reply)); });
  rows_.receive<RowsAgain>(on);
  events_.receive<EventsAgain>(on);
  on.describe<wire::ReputationState>([this](wire::ReputationState::Builder state) {
    state.setNodes(size32(scores_));
    state.setEvents(events_all_);
    state.setRefused(refused_);
  });
}

void ReputationActor::start() {
  node().publish<wire::Report, wire::GetScore, wire::ListScores, wire::ListEvents>(kPath, self());
  rows_.load([this](ByteView key, ByteView value) { return take(key, value); },
             [this](const base::Outcome<void>&) {
               ready_ = true;
               for (const auto& [node, score] : scores_) events_all_ += score.events;
             });
  events_.load([](ByteView, ByteView) { return store::Use::keep; }, [](const base::Outcome<void>&) {});
}

void ReputationActor::stop() {
  rows_.stop();
  events_.stop();
}

void ReputationActor::check() const {
  rows_.check();
  events_.check();
  base::ensure(requests_.size() == serials_.size(), "each request has a serial number");
}

store::Use ReputationActor::take(ByteView key, ByteView value) {
  if (key.size() < 2) return store::Use::erase;
  const ByteView rest = key.subspan(2);
  if (key[1] == kOfNode) {
    const auto node = base::NodeId::from(rest);
    const auto score = Score::decode(value);
    if (!node || !score) return store::Use::erase;
    scores_.insert_or_assign(*node, *score);
    return store::Use::keep;
  }
  const auto name = base::Digest::from(rest);
  base::FieldReader from(value);
  Request done;
  done.serial = from.number<std::uint64_t>();
  done.content = from.fixed<base::Digest>();
  done.old_score = static_cast<Thousandths>(from.number<std::uint32_t>());
  done.new_score = static_cast<Thousandths>(from.number<std::uint32_t>());
  done.clamped = from.number<std::uint8_t>() == 1;
  done.id = from.fixed<EventId>();
  if (key[1] != kOfRequest || !name || !from.ended() || serials_.contains(done.serial)) return store::Use::erase;
  requests_.insert_or_assign(*name, done);
  serials_.insert_or_assign(done.serial, *name);
  return store::Use::keep;
}

// -- reports

base::Outcome<ReputationActor::Wanted> ReputationActor::read(wire::Report::Reader request) const {
  Wanted out;
  const auto id = node_of(request.getNode());
  if (!id) return Error{Code::malformed, "invalid node id: expected 20 bytes"};
  out.node = *id;
  out.kind = text_of(request.getEvent());
  if (!is_kind(out.kind))
    return Error{Code::malformed, "invalid event name: expected at most 32 characters of a-z, 0-9 and _"};
  const auto fixed = fixed_delta(out.kind);
  if (request.getPoints().isGiven()) {
    if (fixed) return Error{Code::malformed, "the points of this event are fixed: leave them out"};
    out.delta = request.getPoints().getGiven();
    if (out.delta < -kDeltaMax || out.delta > kDeltaMax)
      return Error{Code::malformed, "invalid points: expected -100 to 100"};
  } else {
    const auto own = settings_.rules.find(out.kind);
    if (!fixed && own == settings_.rules.end())
      return Error{Code::malformed, "no rule for this event: give its points, or set reputation.rules"};
    out.delta = fixed ? *fixed : own->second;
  }
  if (request.getEvidence().size() > 0) {
    out.evidence = base::Digest::from(bytes_of(request.getEvidence()));
    if (!out.evidence) return Error{Code::malformed, "invalid evidence: expected a content id of 32 bytes"};
  }
  name(out, text_of(request.getRequest()));
  return out;
}

void ReputationActor::name(Wanted& wanted, std::string_view request) {
  if (request.empty()) return;
  wanted.request = crypto::sha256(base::as_bytes(request));
  Bytes content;
  base::append(content, wanted.node.view());
  content.push_back(static_cast<std::uint8_t>(wanted.delta));
  base::append(content, wanted.evidence.value_or(base::Digest{}).view());
  base::append(content, base::as_bytes(wanted.kind));
  wanted.content = crypto::sha256(content);
}

void ReputationActor::find_node(const base::NodeId& node_id, base::Callback<void(base::Outcome<void>)> found) {
  if (scores_.contains(node_id) || node_id == settings_.identity->id()) return found({});
  auto stream = std::make_shared<runtime::Subscription>();
  auto then = std::make_shared<base::Callback<void(base::Outcome<void>)>>(std::move(found));
  *stream = subscribe<registry::wire::ViewNode, registry::wire::NodeRows>(
      node().find(settings_.registry), kFindDue,
      [&](registry::wire::ViewNode::Builder out) { out.setNode(data_of(node_id.view())); },
      [](registry::wire::NodeRows::Reader) {},
      [stream, then](const base::Result<void, Error>& end) mutable {
        if (auto call = std::move(*then)) call(end.ok() ? base::Outcome<void>() : base::Outcome<void>(end.error()));
      });
}

/// Queues events, so that each is decided on durable data.
void ReputationActor::want(Wanted wanted, Reply reply) {
  if (queue_.size() >= kWaitingMax)
    return reply.refuse({Code::overloaded, "too many events wait to be written", std::chrono::seconds(1)});
  queue_.emplace_back(std::move(wanted), std::move(reply));
  if (queue_.size() == 1) add();
}

void ReputationActor::next() {
  queue_.pop_front();
  if (!queue_.empty()) add();
}

void ReputationActor::add() {
  const Wanted& wanted = queue_.front().first;
  Reply& reply = queue_.front().second;
  const auto refused = [&](const Error& error) {
    reply.refuse(error);
    next();
  };
  if (wanted.request) {
    const auto there = requests_.find(*wanted.request);
    if (there != requests_.end()) {
      if (there->second.content != wanted.content)
        return refused({Code::conflict, "this request has already reported a different event"});
      answer(there->second, reply);
      return next();
    }
  }
  const auto known = scores_.find(wanted.node);
  const Score before = known == scores_.end() ? Score{} : known->second;
  if (known == scores_.end() && scores_.size() >= settings_.nodes_max) return make_room();
  if (before.events >= kEventsMax) {
    ++refused_;
    return refused({Code::refused, "too many events of this node"});
  }
  const crypto::Identity& self = *settings_.identity;
  Event event{.by = self.public_key(), .by_nonce = self.nonce(), .node = wanted.node};
  // Also after a clock was set back, the time is after the last event.
  event.unix_ms = std::max(unix_ms(), before.last_ms + 1);
  event.delta = wanted.delta;
  event.kind = wanted.kind;
  event.evidence = wanted.evidence;
  world().chance.fill(event.nonce.bytes);
  Bytes bytes = sign(event, self.key());
  const EventId id = id_of(bytes);
  Request done{.content = wanted.content.value_or(base::Digest{}), .id = id};
  done.old_score = before.on(event.unix_ms / kDayMs);
  Score after = before;
  done.clamped = after.fold(event, id);
  done.new_score = after.value;
  save(done, event_key(event, id), std::move(bytes), after);
}

void ReputationActor::make_room() {
  const auto changed = [this](const Fading& one) {
    const auto known = scores_.find(one.node);
    return known == scores_.end() || known->second.events != one.events;
  };
  while (!fading_.empty() && changed(fading_.front())) fading_.pop_front();
  if (fading_.empty()) fading_ = fading(scores_, unix_ms() / kDayMs, kFadingAtOnce);
  if (!fading_.empty()) return forget(fading_.front().node);
  ++refused_;
  queue_.front().second.refuse({Code::refused, "too many nodes, each with too many events to be evicted"});
  next();
}

void ReputationActor::forget(base::NodeId node) {
  fading_.pop_front();
  events_.scan(events_of(node), kFadingEventsMax + 1, kScanBytes,
               [this, node](const base::Outcome<store::Rows::Page>& page) {
                 const auto failed = [this](const Error& why) {
                   queue_.front().second.refuse(why);
                   next();
                 };
                 if (!page.ok()) return failed(page.error());
                 store::RowChange change;
                 change.erase.push_back(score_key(node));
                 for (const auto row : page.value().rows)
                   if (const ByteView key = bytes_of(row.getKey()); is_event_of(key, node))
                     change.erase.emplace_back(key.begin(), key.end());
                 rows_.save(std::move(change), [this, node, failed](const base::Outcome<void>& erased) {
                   if (!erased.ok()) return failed(erased.error());
                   events_all_ -= scores_.at(node).events;
                   scores_.erase(node);
                   settings_.log.info("too many nodes with reputations: a node and its events were evicted",
                                      {{"node", node.hex()}});
                   add();
                 });
               });
}

void ReputationActor::save(Request done, Bytes key, Bytes event, const Score& score) {
  const Wanted& wanted = queue_.front().first;
  store::RowChange change;
  change.save.push_back({std::move(key), std::move(event)});
  change.save.push_back({score_key(wanted.node), score.encode()});
  if (wanted.request) {
    done.serial = serials_.empty() ? 1 : serials_.rbegin()->first + 1;
    Bytes row;
    base::append_number(row, done.serial);
    base::append(row, done.content.view());
    base::append_number(row, shown(done.old_score));
    base::append_number(row, shown(done.new_score));
    row.push_back(done.clamped);
    base::append(row, done.id.view());
    change.save.push_back({request_key(*wanted.request), std::move(row)});
    if (serials_.size() >= kRequestsMax) change.erase.push_back(request_key(serials_.begin()->second));
  }
  rows_.save(std::move(change), [this, done, score](const base::Outcome<void>& saved) {
    auto& [about, reply] = queue_.front();
    // A commit in doubt ends this actor (Doubt::ends_owner); after any other error nothing was saved.
    if (!saved.ok()) {
      reply.refuse(saved.error());
      return next();
    }
    scores_.insert_or_assign(about.node, score);
    ++events_all_;
    if (about.request) remember(*about.request, done);
    answer(done, reply);
    next();
  });
}

void ReputationActor::remember(const base::Digest& request, const Request& done) {
  if (serials_.size() >= kRequestsMax) {
    requests_.erase(serials_.begin()->second);
    serials_.erase(serials_.begin());
  }
  requests_.insert_or_assign(request, done);
  serials_.insert_or_assign(done.serial, request);
}

void ReputationActor::answer(const Request& done, Reply& reply) {
  reply.send([&](wire::Reported::Builder out) {
    out.setOld(shown(done.old_score));
    out.setNew(shown(done.new_score));
    out.setClamped(done.clamped);
    out.setId(data_of(done.id.view()));
  });
}

// -- events

void ReputationActor::list_events(wire::ListEvents::Reader question, runtime::Reply<wire::Events> reply) {
  const auto id = node_of(question.getNode());
  if (!id) return reply.refuse({Code::malformed, "invalid node id: expected 20 bytes"});
  const ByteView asked = bytes_of(question.getFrom());
  if (!asked.empty() && !is_event_of(asked, *id))
    return reply.refuse({Code::malformed, "invalid position: no page ends there"});
  const Bytes from = asked.empty() ? events_of(*id) : Bytes(asked.begin(), asked.end());
  events_.scan(from, kPageRows, kScanBytes,
               [id = *id, reply = std::move(reply)](const base::Outcome<store::Rows::Page>& page) mutable {
                 if (!page.ok()) return reply.refuse(page.error());
                 std::vector<ByteView> events;
                 for (const auto row : page.value().rows) {
                   if (!is_event_of(bytes_of(row.getKey()), id)) break;
                   events.push_back(bytes_of(row.getValue()));
                 }
                 reply.send([&](wire::Events::Builder out) {
                   auto list = out.initEvents(size32(events));
                   for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(events[i]));
                   const auto& next = page.value().next;
                   if (events.size() == page.value().rows.size() && next && is_event_of(*next, id))
                     out.setNext(data_of(*next));
                 });
               });
}

}  // namespace troupe::reputation
