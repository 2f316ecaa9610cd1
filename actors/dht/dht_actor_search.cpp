// Searches: an actor for each, and what the table learns from it.
#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/lookup_actor.hpp"
#include "actors/dht/wire.hpp"
#include "messages/contact.hpp"

namespace troupe::dht {

using base::Code;
using base::Error;

namespace {

/// Those that others have named come first, so that a search begins near its key; those of the table stay among them,
/// so that it does not hang on the word of a few.
void join(std::vector<Contact>& contacts, const std::vector<Contact>& named, const Key& key) {
  if (named.empty()) return;
  std::vector<Contact> out(named.begin(),
                           named.begin() + static_cast<std::ptrdiff_t>(std::min(named.size(), kStartMax / 2)));
  for (Contact& one : contacts)
    if (out.size() < kStartMax && std::ranges::find(out, one.id, &Contact::id) == out.end())
      out.push_back(std::move(one));
  std::ranges::sort(out, {}, [&](const Contact& one) { return base::distance(one.id, key); });
  contacts = std::move(out);
}

}  // namespace

void DhtActor::at_hand(const char* ending, base::ByteView record, Found& found) {
  ++counts_.searched;
  ++counts_.found;
  ++counts_.at_hand;
  const auto result = runtime::Envelope::build<wire::SearchResult>({}, [&](wire::SearchResult::Builder out) {
    out.setEnding(ending);
    out.setRecord(data_of(record));
    out.setHolders(1);
  });
  runtime::Answer<wire::SearchResult> answer(result);
  found(answer);
}

/// What this node holds itself answers first: alone, if it cannot change.
void DhtActor::search(const Wanted& wanted, Found found) {
  auto contacts = table_.closest(wanted.key, kStartMax);
  if (!wanted.space) return search_from(wanted, std::move(contacts), {}, std::move(found));
  read({*wanted.space, wanted.key},
       [this, wanted, contacts = std::move(contacts), found = std::move(found)](base::ByteView record) mutable {
         search_from(wanted, std::move(contacts), {record.begin(), record.end()}, std::move(found));
       });
}

void DhtActor::search_from(const Wanted& wanted, std::vector<Contact> contacts, const base::Bytes& own_record,
                           Found found) {
  if (under_way_.size() >= kSearchesMax) {
    static const auto full = runtime::error_envelope(
        {Code::overloaded, "this node searches for too much at once", std::chrono::milliseconds(200)});
    runtime::Answer<wire::SearchResult> refusal(full);
    return found(refusal);
  }
  if (wanted.space && *wanted.space != Space::kv && !own_record.empty()) return at_hand("found", own_record, found);
  if (wanted.space && own_record.empty() && cache_->takes(*wanted.space)) {
    if (const auto copy = cache_->get({*wanted.space, wanted.key}, now())) {
      ++counts_.cache_hits;
      return at_hand("cached", copy->record, found);
    }
  }
  LookupActor::Start start{.settings = settings_, .contacts = {}, .round_trip = round_trips_.all(), .network = {}};
  const bool stores = wanted.goal == wire::Search::Goal::STORE || wanted.goal == wire::Search::Goal::PROVIDE;
  join(contacts, wanted.starts, wanted.key);
  for (Contact& one : contacts) {
    const auto token = stores ? tokens_kept_.find(one.id, now()) : std::nullopt;
    if (token) start.tokens.emplace(one.id, *token);
    auto round_trip = round_trips_.of(one.id);
    start.contacts.push_back({std::move(one), std::move(round_trip), token.has_value()});
  }
  if (table_.size() >= kContactsMax) start.network = table_.network_size();
  if (table_.size() < settings_->copies) start.failing = table_.failing();
  if (!own_record.empty()) {
    if (const auto record = parse(own_record); record.ok()) {
      start.own_copy = Version{sequence_of(record.value()), crypto::sha256(own_record)};
      start.own_record = own_record;
    }
  }
  if (wanted.goal == wire::Search::Goal::PROVIDERS)
    start.own_providers =
        providers_->find(wanted.key, std::max<std::size_t>(wanted.providers_max, 1), wall(), random());
  table_.used(wanted.key, now());
  ++counts_.searched;
  const std::uint64_t number = ++last_search_;
  if (wanted.goal == wire::Search::Goal::PROVIDERS) start.group = wanted.group;
  // One that breaks has lost its question, and would wait for another one for ever.
  const runtime::Handle lookup = spawn("lookup-" + std::to_string(number),
                                       [start = std::move(start)] { return std::make_unique<LookupActor>(start); },
                                       {.kind = LookupActor::kName, .on_failure = runtime::logic::OnFailure::stop});
  under_way_.emplace(number, UnderWay{lookup, wanted.asker, wanted.group});
  if (wanted.asker) watch(wanted.asker);
  const auto seconds = wanted.seconds == 0 ? kSearchDue : std::min(std::chrono::seconds(wanted.seconds), kSearchDueMax);
  ask<wire::Search, wire::SearchResult>(
      lookup, now() + seconds + kCommitDue,
      [&](wire::Search::Builder out) {
        out.setKey(data_of(wanted.key.view()));
        auto goal = out.getGoal();
        switch (wanted.goal) {
          case wire::Search::Goal::NODES: goal.setNodes(); break;
          case wire::Search::Goal::VALUE: goal.setValue(static_cast<std::uint8_t>(*wanted.space)); break;
          case wire::Search::Goal::PROVIDERS: goal.setProviders(wanted.providers_max); break;
          case wire::Search::Goal::STORE: {
            auto record = goal.initStore();
            record.setRecord(data_of(wanted.record));
            if (wanted.expected) record.getExpected().setSequence(*wanted.expected);
            break;
          }
          case wire::Search::Goal::PROVIDE: goal.setProvide(); break;
          case wire::Search::Goal::REGION: {
            auto items = goal.initRegion(static_cast<unsigned>(wanted.region.size()));
            for (unsigned i = 0; i < items.size(); ++i) {
              items[i].setKey(data_of(wanted.region[i].first.view()));
              items[i].setRecord(data_of(wanted.region[i].second));
            }
            break;
          }
        }
        out.setQuorum(wanted.quorum);
        out.setSeconds(wanted.seconds);
        out.setExplain(wanted.explain);
      },
      [this, number, wanted = Place{wanted.space.value_or(Space::kv), wanted.key}, value = wanted.space.has_value(),
       found = std::move(found)](runtime::Answer<wire::SearchResult> answer) mutable {
        if (const auto ended = under_way_.extract(number); ended.mapped().asker) unwatch(ended.mapped().asker);
        if (answer.ok()) learn(answer.value());
        found(answer);
        if (answer.ok() && value) mend(wanted, answer.value());
      });
}

/// Nobody waits any more for what they find.
void DhtActor::stop_searches(const std::function<bool(const UnderWay&)>& those) {
  for (const auto& [number, one] : under_way_)
    if (those(one)) tell<wire::CancelSearch>(one.lookup, [](wire::CancelSearch::Builder) {});
}

void DhtActor::down(const runtime::Handle& whom, const std::optional<base::Error>&) {
  stop_searches([&](const UnderWay& one) { return one.asker == whom; });
}

/// Who answered is worth a place in the table, and who did not may lose his. Who is overdue had less time than that.
void DhtActor::learn(wire::SearchResult::Reader result) {
  for (const auto one : result.getHeard()) {
    const base::Contact where = messages::read_contact(one.getContact());
    const Contact who{crypto::node_id(where.key, where.nonce), where};
    if (one.getOverdue()) {
      doubt(who);
    } else if (one.getMicroseconds() == 0) {
      fell_silent(who);
    } else {
      round_trips_.note(who.id, std::chrono::microseconds(one.getMicroseconds()));
      if (const auto token = Token::from(bytes_of(one.getToken()))) tokens_kept_.keep(who.id, *token, now());
      heard(who, Evidence::answered);
    }
  }
  counts_.found += result.hasRecord() || result.getProviders().size() > 0;
  counts_.hops += result.getHops();
  counts_.questions += result.getAsked();
  counts_.unanswered += result.getUnanswered();
  counts_.search_us += result.getMicroseconds();
  show_counts();
}

/// Searches end in the time that quick nodes take. A ping waits for longer, and tells a node that is far away, whose
/// round trip is known from then on, from one that is gone.
void DhtActor::doubt(const Contact& whom) {
  if (table_.find(whom.id) == nullptr || doubted_.size() >= kDoubtedMax || !doubted_.insert(whom.id).second) return;
  ask<wire::Ping, wire::Pong>(
      node().reach(whom.where, kPath), now() + kPingTimeout,
      [this](wire::Ping::Builder question) { write_asker(question.initAsker(), *settings_); },
      [this, who = whom, at = now()](runtime::Answer<wire::Pong> answer) {
        doubted_.erase(who.id);
        if (answer.ok()) {
          round_trips_.note(who.id, now() - at);
          return heard(who, Evidence::answered);
        }
        if (answer.error().code == Code::timeout || answer.error().code == Code::unavailable) fell_silent(who);
      });
}

void DhtActor::fell_silent(const Contact& whom) {
  round_trips_.lost(whom.id);
  tokens_kept_.forget(whom.id);
  missed(whom);
}

/// For other domains of this node.
void DhtActor::answer(wire::Search::Reader question, Reply<wire::SearchResult> reply) {
  Wanted wanted;
  const auto key = read_key(question.getKey());
  if (!key) return reply.refuse({Code::malformed, "a key has 20 bytes"});
  wanted.key = *key;
  const auto goal = question.getGoal();
  wanted.goal = goal.which();
  if (goal.isValue()) {
    wanted.space = space_of(goal.getValue());
    if (!wanted.space) return reply.refuse({Code::unsupported, "this node does not know that space"});
  }
  if (goal.isProviders()) wanted.providers_max = goal.getProviders();
  if (goal.isStore()) {
    const auto record = bytes_of(goal.getStore().getRecord());
    wanted.record.assign(record.begin(), record.end());
    if (goal.getStore().getExpected().isSequence()) wanted.expected = goal.getStore().getExpected().getSequence();
  }
  if (goal.isRegion()) {
    for (const auto one : goal.getRegion()) {
      const auto its = read_key(one.getKey());
      if (!its) return reply.refuse({Code::malformed, "a key has 20 bytes"});
      const auto record = bytes_of(one.getRecord());
      wanted.region.emplace_back(*its, base::Bytes(record.begin(), record.end()));
    }
  }
  if (goal.isProvide() && client())
    return reply.refuse({Code::refused, "this node cannot be dialled, and provides nothing"});
  wanted.quorum = question.getQuorum();
  wanted.seconds = question.getSeconds();
  wanted.explain = question.getExplain();
  wanted.asker = sender();
  std::vector<std::pair<Key, base::Bytes>> kept;
  if (question.getKeep()) kept = wanted.region;
  const bool provides = question.getKeep() && goal.isProvide();
  search(wanted, [this, kept = std::move(kept), provides, key = wanted.key,
                  reply = std::move(reply)](runtime::Answer<wire::SearchResult>& answer) mutable {
    if (!answer.ok()) return reply.refuse(answer.error());
    const auto result = answer.value();
    if (provides && !store_error(result)) publish(Published::provider, key, {}, result.getStored());
    const auto items = result.getItems();
    const auto results = result.getItemResults();
    for (unsigned i = 0; i < std::min<std::size_t>(items.size(), kept.size()); ++i)
      if (items[i] && kept[i].second.empty()) publish(Published::provider, kept[i].first, {}, results[i].getStored());
    reply.forward(answer.envelope());
  });
}

}  // namespace troupe::dht
