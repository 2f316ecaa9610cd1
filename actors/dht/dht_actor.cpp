// Routing: who is known, who is told of, and what the head shows of itself.
#include "actors/dht/dht_actor.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/audit_actor.hpp"
#include "actors/dht/buckets_actor.hpp"
#include "actors/dht/listen_actor.hpp"
#include "actors/dht/lookup_actor.hpp"
#include "actors/dht/republish_actor.hpp"
#include "actors/dht/wire.hpp"
#include "messages/contact.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/net/misbehaved.hpp"

namespace troupe::dht {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kBannedMax = 2'048;  // as many as `/links` keeps away (runtime/net/banned_nodes.hpp)

}  // namespace

DhtActor::DhtActor(DhtSettings settings)
    : settings_(std::make_shared<const DhtSettings>(std::move(settings))),
      located_by_others_(!settings_->endpoint.dialable() && settings_->endpoint.port != 0),
      table_(settings_->identity->id(), settings_->groups),
      store_budget_(settings_->stores),
      date_(settings_->values == Values::on_disk ? Expired::kept : Expired::dropped),
      record_rows_(*this, rows_setup(*settings_, kRecordRows, "the records that this node holds")),
      provider_rows_(*this, rows_setup(*settings_, kProviderRows, "the announcements that this node holds")) {}

void DhtActor::receive(runtime::Handlers& on) {
  const auto answers = [this](auto question, auto reply) { answer(question, std::move(reply)); };
  on.ask<wire::Ping, wire::Pong>([this](wire::Ping::Reader ping, Reply<wire::Pong> reply) {
    ++counts_.pings;
    reply.send([](wire::Pong::Builder) {});
    note_asker(ping.getAsker());
  });
  on.ask<wire::FindNode, wire::Nodes>(answers);
  on.ask<wire::FindValue, wire::FoundValue>(answers);
  on.ask<wire::Store, wire::StoreDone>(answers);
  on.ask<wire::AddProvider, wire::Added>(answers);
  on.ask<wire::GetProviders, wire::Providers>(answers);
  on.ask<wire::Listen, wire::Listening>(answers);
  on.ask<wire::FindIndexed, wire::Indexed>(answers);
  on.ask<wire::ListIndexed, wire::IndexedKeys>(answers);
  on.ask<wire::DropRows, wire::RowsDropped>(answers);
  on.ask<wire::Search, wire::SearchResult>(answers);
  on.ask<wire::Put, wire::PutDone>(answers);
  on.ask<wire::GetValue, wire::GotValue>(answers);
  on.ask<wire::FindNearest, wire::Nearest>(answers);
  on.stream<wire::FindProviders, wire::FoundProviders>(
      [this](wire::FindProviders::Reader question, runtime::Sink<wire::FoundProviders> sink) {
        find_providers(question, std::move(sink));
      });
  on.ask<wire::PutMany, wire::PutManyDone>(
      [this](wire::PutMany::Reader order, Reply<wire::PutManyDone> reply) { put_many(order, std::move(reply)); });
  on.stream<wire::GetMany, wire::GotOne>([this](wire::GetMany::Reader question, runtime::Sink<wire::GotOne> sink) {
    get_many(question, std::move(sink));
  });
  on.ask<wire::GetTable, wire::TableRows>(answers);
  on.tell<wire::ProvidersFound>([this](wire::ProvidersFound::Reader more) { providers_found(more); });
  on.tell<wire::BucketHolds>([this](wire::BucketHolds::Reader bucket) { holds(bucket); });
  on.tell<wire::LastSigned>([this](wire::LastSigned::Reader last) { continue_from(last.getSequence()); });
  on.tell<wire::Withdrawn>([this](wire::Withdrawn::Reader what) {
    tell<wire::Withdrawn>(republish_, [&](wire::Withdrawn::Builder out) {
      out.setWhat(what.getWhat());
      out.setKey(what.getKey());
    });
  });
  on.tell<net::wire::LinkUp>([this](net::wire::LinkUp::Reader up) {
    // A new peer is met through `/peers`, which learns where it can be dialled. A good contact is not new: in a small
    // network, whose table never fills, each link that comes back would start a search.
    const base::Contact peer = messages::read_contact(up.getContact());
    const Key id = crypto::node_id(peer.key, peer.nonce);
    const auto range = range_of(own(), id);
    const bool known = range && std::ranges::find(table_.good(*range), id, &Contact::id) != table_.good(*range).end();
    if (!known && table_.size() < kContactsMax) recover_in(kRecoverAgain);
  });
  on.tell<net::wire::LinkDown>([](net::wire::LinkDown::Reader) {});
  on.tell<net::wire::Shun>([this](net::wire::Shun::Reader order) { shun(order); });
  on.timer<Recover>([this] { recover(); });
  on.timer<Refresh>([this] { refresh(); });
  on.timer<Expire>([this] { expire(); });
  record_rows_.receive<RecordsAgain>(on);
  provider_rows_.receive<ProvidersAgain>(on);
  on.describe<wire::DhtState>([this](wire::DhtState::Builder state) { describe(state); });
}

void DhtActor::start() {
  TokenSecret secret;
  world().chance.fill(secret.bytes);
  tokens_.emplace(secret);
  SampleSecret sample;
  world().chance.fill(sample.bytes);
  held_.emplace(own(), settings_->held, settings_->values, settings_->work_bits, world().mutations);
  providers_.emplace(own(), settings_->providers, sample, settings_->work_bits, world().mutations);
  look_at_date();
  listeners_.emplace(settings_->listeners, world().mutations);
  cache_.emplace(own(), settings_->cache_bytes_max, settings_->copies);
  node()
      .publish<wire::Ping, wire::FindNode, wire::FindValue, wire::Store, wire::AddProvider, wire::GetProviders,
               wire::Listen, wire::Put, wire::PutMany, wire::GetValue, wire::GetMany, wire::FindNearest,
               wire::FindProviders, wire::GetTable>(kPath, self());
  // Without them the table would keep whom nobody watches.
  buckets_ = spawn(BucketsActor::kPart, [settings = settings_] { return std::make_unique<BucketsActor>(settings); },
                   {.kind = BucketsActor::kName, .on_failure = runtime::logic::OnFailure::escalate});
  republish_ = spawn<RepublishActor>("republish", settings_);
  spawn<ListenActor>(ListenActor::kName, settings_);
  spawn<AuditActor>(AuditActor::kName, settings_);
  loading_ = {kRecordRows, kProviderRows};
  for (const auto keyspace : {kRecordRows, kProviderRows}) load(keyspace);
  tell<net::wire::FollowLinks>(node().find("/links"), [](net::wire::FollowLinks::Builder) {});
  recover_in(base::Duration::zero());
  after<Refresh>(settings_->refresh_period);
}

void DhtActor::check() const {
  base::ensure(under_way_.size() <= kSearchesMax && repairs_ <= kRepairsMax, "searches and repairs are limited");
  base::ensure(doubted_.size() <= kDoubtedMax, "pings of those that are overdue are limited");
  base::ensure(last_seen_.size() <= kRanges * kContactsMax, "contacts are limited");
  record_rows_.check();
  provider_rows_.check();
}

// -- contacts --------------------------------------------------------------------------------------------------------

void DhtActor::heard(const Contact& who, Evidence evidence) {
  if (const auto ban = banned_.find(who.id); ban != banned_.end() && now() < ban->second) return;
  const auto range = table_.offer(who, evidence, now());
  if (!range.ok()) return;
  tell<wire::Hear>(buckets_, [&](wire::Hear::Builder out) {
    out.setRange(range.value().prefix);
    write(out.initContact(), who);
    out.setAnswered(evidence == Evidence::answered);
  });
}

void DhtActor::missed(const Contact& whom) {
  const auto range = table_.failed(whom);
  if (!range) return;
  tell<wire::Missed>(buckets_, [&](wire::Missed::Builder out) {
    out.setRange(range->prefix);
    out.setNode(data_of(whom.id.view()));
  });
}

/// Whoever is banned is nobody's contact, from now on: searches reach it no more, and others hear nothing of it.
void DhtActor::shun(net::wire::Shun::Reader order) {
  const auto id = read_key(order.getNode());
  if (!id) return;
  std::erase_if(banned_, [this](const auto& one) { return one.second <= now(); });
  if (order.getMilliseconds() == 0) return void(banned_.erase(*id));
  if (banned_.size() >= kBannedMax)
    banned_.erase(std::ranges::min_element(banned_, {}, [](const auto& one) { return one.second; }));
  world().mutations.sometimes("dht: a node was banned");
  banned_.insert_or_assign(*id, now() + std::chrono::milliseconds(order.getMilliseconds()));
  if (table_.find(*id) != nullptr) forget(*id);
}

void DhtActor::forget(const Key& id) {
  tell<wire::Missed>(buckets_, [&](wire::Missed::Builder out) {
    out.setRange(range_of(own(), id)->prefix);
    out.setNode(data_of(id.view()));
    out.setForget(true);
  });
}

void DhtActor::accuse(net::wire::Offence how, std::string_view what) {
  const runtime::Caller from = caller();
  if (from.role != messages::Role::peer || !from.node) return;
  tell<net::wire::Misbehaved>(node().find(net::kPeersPath), [&](net::wire::Misbehaved::Builder out) {
    net::write_misbehaved(out, *from.node, how, what);
  });
}

void DhtActor::malformed(runtime::AnyReply& reply, const char* why) {
  accuse(net::wire::Offence::MALFORMED, why);
  reply.refuse({Code::malformed, why});
}

void DhtActor::holds(wire::BucketHolds::Reader bucket) {
  if (bucket.getRange() >= kRanges) return;
  const Range range{bucket.getRange()};
  for (const Contact& gone : table_.good(range)) last_seen_.erase(gone.id);
  Listing listing{own_contacts(bucket.getGood()), own_contacts(bucket.getRest()), own_contacts(bucket.getClaimed())};
  for (unsigned i = 0; i < std::min<std::size_t>(listing.good.size(), bucket.getHeardMs().size()); ++i) {
    listing.heard = now() - std::chrono::milliseconds(bucket.getHeardMs()[i]);
    last_seen_.insert_or_assign(listing.good[i].id, listing.heard);
  }
  listing.failing = std::min<std::size_t>(bucket.getFailing(), listing.rest.size());
  for (const auto one : bucket.getSilent())
    if (const auto id = read_key(one.getNode()))
      listing.silent.push_back({*id, now() - std::chrono::milliseconds(one.getSinceMs())});
  for (const Key& id : table_.replace(range, listing)) forget(id);
  if (const auto settled = read_key(bucket.getSettled())) table_.settled(*settled);
  if (table_.size() >= kHealthyMin) recoveries_ = 0;
  else recover_soon();
  show_counts();
}

/// Whoever asks us may be asked: it is pinged before it is listed.
void DhtActor::note_asker(wire::Asker::Reader asker) {
  const runtime::Caller from = caller();
  if (from.role != messages::Role::peer) return;
  const auto who = read_asker(asker, from.node, settings_->work_bits);
  if (who && who->where.endpoint.dialable()) heard(*who, Evidence::asked_us);
}

std::vector<Contact> DhtActor::closest_but(const Key& key, std::size_t count,
                                           const std::optional<base::NodeId>& asker) const {
  auto out = table_.closest(key, count + 1);
  std::erase_if(out, [&](const Contact& one) { return one.id == asker; });
  out.resize(std::min(out.size(), count));
  return out;
}

std::optional<Token> DhtActor::token_of_caller() const {
  const auto from = caller();
  if (!from.node) return std::nullopt;
  return tokens_->give(*from.node, now());
}

bool DhtActor::shows_token(capnp::Data::Reader token) const {
  const auto shown = Token::from(bytes_of(token));
  const auto from = caller().node;
  return shown && from && tokens_->good(*shown, *from, now());
}

/// An actor of this node needs no token, and has no budget.
bool DhtActor::may_store(capnp::Data::Reader token) {
  if (!loading_.empty()) {
    refuse(Error{Code::unavailable, "this node still reads what it holds"});
    return false;
  }
  const runtime::Caller from = caller();
  if (from.role == messages::Role::inside) return true;
  // Nobody lists it, so nobody would find there what was stored.
  if (client()) {
    ++counts_.refused;
    refuse(Error{Code::refused, "this node cannot be dialled, and holds nothing for others"});
    return false;
  }
  if (!shows_token(token) && !world().mutations.on("dht.token_unchecked")) {
    ++counts_.refused;
    // Somebody may say a datagram again when its token is old: of those nobody is accused.
    if (!from.by_datagram) accuse(net::wire::Offence::WRONG_TOKEN, "a store without a token of this node");
    refuse(Error{Code::refused, "a store needs a token of this node, no older than five minutes"});
    return false;
  }
  const auto wait = from.node ? store_budget_.take(*from.node, now()) : std::nullopt;
  if (!wait) return true;
  ++counts_.refused;
  refuse(Error{Code::overloaded, "this node stores so much for one other at a time, and no more",
               std::chrono::ceil<std::chrono::milliseconds>(*wait)});
  return false;
}

void DhtActor::answer(wire::FindNode::Reader question, Reply<wire::Nodes> reply) {
  ++counts_.find_nodes;
  const auto target = read_key(question.getTarget());
  if (!target || question.getContactsMax() == 0)
    return malformed(reply, "a target has 20 bytes, and somebody is asked for");
  const auto nearest =
      closest_but(*target, std::min<std::size_t>(question.getContactsMax(), kContactsMax), caller().node);
  reply.send([&](wire::Nodes::Builder out) {
    write(out.initContacts(static_cast<unsigned>(nearest.size())), nearest);
    if (const auto token = token_of_caller()) out.setToken(data_of(token->view()));
  });
  note_asker(question.getAsker());
}

// -- what it shows ----------------------------------------------------------------------------------------------------

/// For whoever reads them from another thread.
void DhtActor::show_counts() {
  counts_.contacts = table_.size();
  counts_.nodes = table_.network_size().nodes;
  counts_.searches = under_way_.size();
  counts_.records = held_->use().records;
  counts_.record_bytes = held_->use().bytes();
  counts_.announcements = providers_->announcements();
  counts_.cache_bytes = cache_->bytes();
}

void DhtActor::describe(wire::DhtState::Builder state) {
  show_counts();
  observe::describe(table_of(counts_), state);
  std::uint32_t buckets = 0;
  for (std::size_t i = 0; i < kRanges; ++i)
    buckets += table_.good(Range{static_cast<std::uint8_t>(i)}).empty() ? 0u : 1u;
  state.setBuckets(buckets);
  state.setClient(client());
  state.setRoundTripUs(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(round_trips_.all().expected()).count()));
  state.setListeners(static_cast<std::uint32_t>(listeners_->size()));
}

}  // namespace troupe::dht
