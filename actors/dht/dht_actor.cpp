// Dispatch: which part of the head answers what, how the head starts, and its reported state.
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
#include "runtime/observe/describe_counters.hpp"

namespace troupe::dht {
using base::Code;

DhtActor::DhtActor(DhtSettings settings)
    : settings_(std::make_shared<const DhtSettings>(std::move(settings))),
      located_by_others_(!settings_->endpoint.dialable() && settings_->endpoint.port != 0),
      table_(settings_->identity->id(), settings_->groups),
      budgets_(settings_->budgets),
      clock_(settings_->values == Values::on_disk ? Expired::kept : Expired::dropped),
      record_rows_(*this, settings_->rows(kRecordRows, "the records that this node stores")),
      provider_rows_(*this, settings_->rows(kProviderRows, "the announcements that this node stores")) {}

void DhtActor::receive(runtime::Handlers& on) {
  const auto answers = [this](auto question, auto reply) {
    if (!of_stranger() || affords(Resource::questions)) answer(question, std::move(reply));
  };
  const auto to = [](auto& part, auto handler) {
    return [&part, handler](auto question, auto reply) { (part.*handler)(question, std::move(reply)); };
  };
  on.ask<wire::Ping, wire::Pong>([this](wire::Ping::Reader ping, Reply<wire::Pong> reply) {
    ++counts_.pings;
    if (of_stranger() && !affords(Resource::questions)) return;
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
  on.ask<wire::Put, wire::PutDone>(to(operators_, &Operators::put));
  on.ask<wire::GetValue, wire::GotValue>(to(operators_, &Operators::get));
  on.ask<wire::FindNearest, wire::Nearest>(to(operators_, &Operators::nearest));
  on.stream<wire::FindProviders, wire::FoundProviders>(to(provider_streams_, &ProviderStreams::find));
  on.ask<wire::PutMany, wire::PutManyDone>(to(batches_, &Batches::put));
  on.stream<wire::GetMany, wire::GotOne>(to(batches_, &Batches::get));
  on.ask<wire::GetTable, wire::TableRows>(answers);
  on.tell<wire::ProvidersFound>([this](wire::ProvidersFound::Reader more) { provider_streams_.found(more); });
  on.tell<wire::BucketHolds>([this](wire::BucketHolds::Reader bucket) { holds(bucket); });
  on.tell<wire::LastSigned>([this](wire::LastSigned::Reader last) { operators_.continue_from(last.getSequence()); });
  on.tell<wire::Withdrawn>([this](wire::Withdrawn::Reader what) {
    tell<wire::Withdrawn>(republish_, [&](wire::Withdrawn::Builder out) {
      out.setWhat(what.getWhat());
      out.setKey(what.getKey());
    });
  });
  on.tell<net::wire::LinkUp>([this](net::wire::LinkUp::Reader up) {
    // A new peer is met through `/peers`, which learns its dialable address. A good contact is not new: in a small
    // network, whose table never fills, each returning link would start a search.
    const base::Contact peer = messages::read_contact(up.getContact());
    const Key id = crypto::node_id(peer.key, peer.nonce);
    const auto range = range_of(own(), id);
    const bool known = range && std::ranges::find(table_.good(*range), id, &Contact::id) != table_.good(*range).end();
    if (!known && table_.size() < kContactsMax) recover_in(kRecoverAgain);
  });
  on.tell<net::wire::LinkDown>([](net::wire::LinkDown::Reader) {});
  on.tell<net::wire::Shun>([this](net::wire::Shun::Reader request) { shun(request); });
  Notices::receive(on, [this] { notices_->again(); });
  on.timer<Recover>([this] { recover(); });
  on.timer<Refresh>([this] { refresh(); });
  on.timer<Expire>([this] { expire(); });
  on.timer<EarlyOver>([this] { search_early(); });
  on.timer<ReadNext>([this] {
    for (const std::string_view keyspace : {kRecordRows, kProviderRows}) read_next(keyspace);
  });
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
  check_clock();
  notices_.emplace(*this, *this, settings_->listeners, world().mutations);
  cache_.emplace(own(), settings_->cache_bytes_max, settings_->copies);
  node()
      .publish<wire::Ping, wire::FindNode, wire::FindValue, wire::Store, wire::AddProvider, wire::GetProviders,
               wire::Listen, wire::Put, wire::PutMany, wire::GetValue, wire::GetMany, wire::FindNearest,
               wire::FindProviders, wire::GetTable>(kPath, self());
  // Without buckets the table would keep contacts that no bucket checks.
  buckets_ = spawn(BucketsActor::kPart, [settings = settings_] { return std::make_unique<BucketsActor>(settings); },
                   {.kind = BucketsActor::kName, .on_failure = runtime::logic::OnFailure::escalate});
  republish_ = spawn<RepublishActor>("republish", settings_);
  spawn<ListenActor>(ListenActor::kName, settings_);
  spawn<AuditActor>(AuditActor::kName, settings_);
  loading_ = {kRecordRows, kProviderRows};
  for (const auto keyspace : {kRecordRows, kProviderRows}) load(keyspace);
  tell<net::wire::FollowLinks>(node().find("/links"), [](net::wire::FollowLinks::Builder) {});
  recover_in(base::Duration::zero());
  after<EarlyOver>(kEarlyMax);
  after<Refresh>(settings_->refresh_period);
}

void DhtActor::check() const {
  base::ensure(under_way_.size() <= kSearchesMax && repairs_ <= kRepairsMax, "searches and repairs are limited");
  base::ensure(early_.size() <= kSearchesMax && (early_.empty() || awaits_contacts_ || asks_known_),
               "few searches wait for a contact");
  base::ensure(doubted_.size() <= kDoubtedMax, "pings of overdue nodes are limited");
  record_rows_.check();
  provider_rows_.check();
}

/// The head knows which nodes may listen, Notices which nodes do.
void DhtActor::answer(wire::Listen::Reader question, Reply<wire::Listening> reply) {
  const auto key = read_key(question.getKey());
  if (!key) return reply.refuse({Code::malformed, "invalid key: a key has 20 bytes"});
  const auto kind = topic_kind_of(question.getWhat());
  if (!kind)
    return reply.refuse(
        {Code::unsupported, "invalid topic: only signed values (/kv) and providers can be listened to"});
  const runtime::Caller from = caller();
  const auto who = read_asker(question.getAsker(), from.node ? from.node : own(), settings_->work_bits);
  const base::Endpoint at = from.at.value_or(who ? who->where.endpoint : base::Endpoint{});
  if (!who || !believed(who->where.endpoint, at))
    return reply.refuse(
        {Code::malformed, "invalid listener: it has to name itself and an address that can be reached"});
  note_asker(question.getAsker());
  const bool inside = from.role == messages::Role::inside;
  const bool may = inside || shows_token(question.getToken());
  notices_->listen(question, {*kind, *key}, {*who, at, inside, may, token_of_caller()}, std::move(reply));
}

// -- reported state ---------------------------------------------------------------------------------------------------

/// For metrics, which another thread reads.
void DhtActor::show_counts() {
  counts_.contacts = table_.size();
  counts_.nodes = table_.network_size().nodes;
  counts_.searches = under_way_.size();
  counts_.records = held_->use().records;
  counts_.record_bytes = held_->use().bytes();
  counts_.announcements = providers_->announcements();
  counts_.cache_bytes = cache_->bytes();
}

void DhtActor::answer(wire::GetTable::Reader, Reply<wire::TableRows> reply) {
  reply.send([this](wire::TableRows::Builder out) {
    std::vector<Range> ranges;
    for (std::size_t i = 0; i < kRanges; ++i)
      if (!table_.good(Range{static_cast<std::uint8_t>(i)}).empty()) ranges.push_back({static_cast<std::uint8_t>(i)});
    auto buckets = out.initBuckets(size32(ranges));
    for (unsigned i = 0; i < buckets.size(); ++i) {
      buckets[i].setRange(ranges[i].prefix);
      const auto& good = table_.good(ranges[i]);
      auto contacts = buckets[i].initContacts(size32(good));
      for (unsigned k = 0; k < contacts.size(); ++k) {
        write(contacts[k].initContact(), good[k]);
        if (const auto seen = table_.seen(ranges[i], k)) contacts[k].setLastSeenMs(ms_of(now() - *seen));
      }
    }
    out.setNodes(table_.network_size().nodes);
    out.setClient(client());
  });
}

void DhtActor::describe(wire::DhtState::Builder state) {
  show_counts();
  observe::describe(table_of(counts_), state);
  std::uint32_t buckets = 0;
  for (std::size_t i = 0; i < kRanges; ++i)
    buckets += table_.good(Range{static_cast<std::uint8_t>(i)}).empty() ? 0u : 1u;
  state.setBuckets(buckets);
  state.setClient(client());
  state.setRoundTripUs(us_of(round_trips_.all().expected()));
  state.setListeners(static_cast<std::uint32_t>(notices_->listeners()));
}

}  // namespace troupe::dht
