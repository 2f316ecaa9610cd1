// Searches: one actor each, what the table learns from it, and its read repair and copies.
#include <capnp/serialize.h>

#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/codec.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/lookup_actor.hpp"
#include "actors/dht/wire.hpp"
#include "messages/contact.hpp"

namespace troupe::dht {

using base::Code;
using base::Error;

namespace {

/// Adds contacts named by other nodes first, so that a search starts near its key; the table's contacts stay among
/// them, so that the search does not depend on a few nodes' claims.
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

/// Copies a message into its own envelope.
runtime::Envelope envelope_of(wire::Search::Reader words) {
  capnp::MallocMessageBuilder message(static_cast<unsigned>(words.totalSize().wordCount + 1));
  message.setRoot(words);
  return runtime::Envelope::from_words({.kind = &messages::kind_of<wire::Search>()},
                                       capnp::messageToFlatArray(message));
}

std::optional<Space> space_sought(wire::Search::Goal::Reader goal) {
  return goal.isValue() ? space_of(goal.getValue()) : std::nullopt;
}

/// Returns why the search is invalid, or nullopt.
std::optional<Error> search_error(wire::Search::Reader words) {
  const auto goal = words.getGoal();
  if (goal.isValue() && !space_of(goal.getValue())) return Error{Code::unsupported, "unknown space"};
  bool keys = read_key(words.getKey()).has_value();
  if (goal.isRegion())
    for (const auto item : goal.getRegion()) keys = keys && read_key(item.getKey());
  return keys ? std::nullopt : std::optional(Error{Code::malformed, "invalid key: a key has 20 bytes"});
}

}  // namespace

void DhtActor::ended(runtime::Answer<wire::SearchResult>& answer, const RecordKey* place, Found& found) {
  std::optional<Record> record;
  const auto bytes = answer.ok() ? bytes_of(answer.value().getRecord()) : base::ByteView();
  if (!bytes.empty())
    if (auto parsed = parse(bytes); parsed.ok()) record = std::move(parsed).value();
  found({answer, record ? &*record : nullptr});
  if (place != nullptr && record) read_repair(*place, answer.value(), *record);
}

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
  ended(answer, nullptr, found);
}

/// A table with few contacts lacks peers that this node has just met, so the search also starts at all known peers.
void DhtActor::search(runtime::Envelope words, SearchFor from, Found found) {
  if (table_.size() >= kHealthyMin || awaits_contacts_)
    return search_among({}, std::move(words), from, std::move(found));
  if (under_way_.size() + early_.size() >= kSearchesMax) return refuse_search(found);
  early_.push_back({std::move(words), from, {}, std::move(found)});
  if (std::exchange(asks_known_, true)) return;
  find_known([this](std::vector<Contact> known, bool) {
    asks_known_ = false;
    const auto failing = table_.failing();
    std::erase_if(known, [&](const Contact& one) { return std::ranges::find(failing, one.id) != failing.end(); });
    for (Early& one : std::exchange(early_, {}))
      search_among(known, std::move(one.words), one.from, std::move(one.found));
  });
}

void DhtActor::refuse_search(Found& found) {
  static const auto full = runtime::error_envelope(
      {Code::overloaded, "too many searches in progress on this node (limit 512)", std::chrono::milliseconds(200)});
  runtime::Answer<wire::SearchResult> refusal(full);
  found({refusal});
}

/// A record that this node stores answers first, and alone if it cannot change.
void DhtActor::search_among(std::vector<Contact> known, runtime::Envelope words, SearchFor from, Found found) {
  runtime::Envelope::Reading<wire::Search> reading(words);
  const Key key = *read_key(reading.root().getKey());
  auto contacts = table_.closest(key, kStartMax);
  for (Contact& one : known)
    if (std::ranges::find(contacts, one.id, &Contact::id) == contacts.end()) contacts.push_back(std::move(one));
  std::ranges::sort(contacts, {}, [&](const Contact& one) { return base::distance(one.id, key); });
  if (contacts.size() > kStartMax) contacts.erase(contacts.begin() + kStartMax, contacts.end());
  const auto space = space_sought(reading.root().getGoal());
  if (!space) return search_from(words, from, std::move(contacts), {}, std::move(found));
  read({*space, key}, {.reserved = true},
       [this, words = std::move(words), from = std::move(from), contacts = std::move(contacts),
        found = std::move(found)](base::ByteView record) mutable {
         search_from(words, from, std::move(contacts), record, std::move(found));
       });
}

void DhtActor::search_from(const runtime::Envelope& words, const SearchFor& from, std::vector<Contact> contacts,
                           base::ByteView own_record, Found found) {
  if (under_way_.size() + early_.size() >= kSearchesMax) return refuse_search(found);
  runtime::Envelope::Reading<wire::Search> reading(words);
  const auto search = reading.root();
  const auto goal = search.getGoal();
  const auto space = space_sought(goal);
  const RecordKey place{space.value_or(Space::kv), *read_key(search.getKey())};
  if (space && *space != Space::kv && !own_record.empty()) return at_hand("found", own_record, found);
  if (space && own_record.empty() && cache_->takes(*space)) {
    if (const auto copy = cache_->get(place, now())) {
      ++counts_.cache_hits;
      return at_hand("cached", copy->record, found);
    }
  }
  join(contacts, from.starts, place.key);
  if (contacts.empty() && awaits_contacts_)
    return early_.push_back({words, from, {own_record.begin(), own_record.end()}, std::move(found)});
  LookupActor::Start start = what_is_known(goal, place, std::move(contacts), own_record);
  if (goal.isProviders()) start.group = from.group;
  table_.used(place.key, now());
  ++counts_.searched;
  const std::uint64_t number = ++last_search_;
  // A failed lookup has lost its request: if restarted, it would wait forever for another.
  const runtime::Handle lookup = spawn("lookup-" + std::to_string(number),
                                       [start = std::move(start)] { return std::make_unique<LookupActor>(start); },
                                       {.kind = LookupActor::kName, .on_failure = runtime::logic::OnFailure::stop});
  under_way_.emplace(number, UnderWay{lookup, from.asker, from.group});
  if (from.asker) watch(from.asker);
  const std::chrono::seconds seconds(search.getSeconds());
  runtime::Header header = words.header();
  header.due = now() + (seconds.count() == 0 ? kSearchDue : std::min(seconds, kSearchDueMax)) + kCommitDue;
  header.trace = trace();
  request(lookup, words.with(header),
          [this, number, place, value = space.has_value(),
           found = std::move(found)](const runtime::Envelope& envelope) mutable {
            if (const auto over = under_way_.extract(number); over.mapped().asker) unwatch(over.mapped().asker);
            runtime::Answer<wire::SearchResult> answer(envelope);
            if (answer.ok()) learn(answer.value());
            ended(answer, value ? &place : nullptr, found);
          });
}

void DhtActor::search_early() {
  if (!std::exchange(awaits_contacts_, false)) return;
  for (Early& one : std::exchange(early_, {})) {
    runtime::Envelope::Reading<wire::Search> reading(one.words);
    auto contacts = table_.closest(*read_key(reading.root().getKey()), kStartMax);
    search_from(one.words, one.from, std::move(contacts), one.own_record, std::move(one.found));
  }
}

/// Returns what the head adds to a search message.
LookupActor::Start DhtActor::what_is_known(wire::Search::Goal::Reader goal, const RecordKey& place,
                                           std::vector<Contact> contacts, base::ByteView own_record) {
  LookupActor::Start start{.settings = settings_, .contacts = {}, .round_trip = round_trips_.all(), .network = {}};
  for (Contact& one : contacts) {
    const auto token = goal.isStore() || goal.isProvide() ? tokens_kept_.find(one.id, now()) : std::nullopt;
    if (token) start.tokens.emplace(one.id, *token);
    auto round_trip = round_trips_.of(one.id);
    start.contacts.push_back({std::move(one), std::move(round_trip), token.has_value()});
  }
  if (table_.size() >= kContactsMax) start.network = table_.network_size();
  if (table_.size() < settings_->copies) start.failing = table_.failing();
  for (const Key& id : start.failing)
    if (const auto since = failing_since_.find(id);
        since != failing_since_.end() && since->second + kGoneAfter <= now())
      start.gone.insert(id);
  if (const auto record = parse(own_record); !own_record.empty() && record.ok()) {
    start.own_copy = Version{sequence_of(record.value()), crypto::sha256(own_record)};
    start.own_record.assign(own_record.begin(), own_record.end());
  }
  if (goal.isProviders())
    start.own_providers = held_providers(place.key, std::max<std::size_t>(goal.getProviders(), 1));
  return start;
}

void DhtActor::stop_searches(const std::function<bool(const UnderWay&)>& those) {
  for (const auto& [number, one] : under_way_)
    if (those(one)) tell<wire::CancelSearch>(one.lookup, [](wire::CancelSearch::Builder) {});
}

void DhtActor::stop_group(std::uint64_t group) {
  stop_searches([group](const UnderWay& one) { return one.group == group; });
}

void DhtActor::down(const runtime::Handle& whom, const std::optional<base::Error>&) {
  stop_searches([&](const UnderWay& one) { return one.asker == whom; });
}

/// A node that answered is offered to the table, and a node that did not may lose its slot. An overdue node had less
/// time than that.
void DhtActor::learn(wire::SearchResult::Reader result) {
  for (const auto one : result.getHeard()) {
    const base::Contact where = messages::read_contact(one.getContact());
    const Contact who{crypto::node_id(where.key, where.nonce), where};
    if (one.getOverdue()) {
      doubt(who);
    } else if (one.getMicroseconds() == 0) {
      fell_silent(who);
      if (table_.size() < settings_->copies) doubt(who, kFailuresMax - 1);
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

/// Searches end in the time of quick nodes. A ping waits longer, and distinguishes a distant node, whose round trip is
/// then known, from a dead one. In a small network, a second ping decides at once whether it keeps its slot: until then
/// no search can say that a value does not exist.
void DhtActor::doubt(const Contact& whom, unsigned pings) {
  if (table_.find(whom.id) == nullptr || doubted_.size() >= kDoubtedMax || !doubted_.insert(whom.id).second) return;
  ask<wire::Ping, wire::Pong>(
      node().reach(whom.where, kPath), now() + kPingTimeout,
      [this](wire::Ping::Builder question) { write_asker(question.initAsker(), *settings_); },
      [this, who = whom, pings, at = now()](runtime::Answer<wire::Pong> answer) {
        doubted_.erase(who.id);
        if (answer.ok()) {
          round_trips_.note(who.id, now() - at);
          return heard(who, Evidence::answered);
        }
        if (answer.error().code != Code::timeout && answer.error().code != Code::unavailable) return;
        fell_silent(who);
        if (pings > 1 && table_.size() < settings_->copies) doubt(who, pings - 1);
      });
}

void DhtActor::fell_silent(const Contact& whom) {
  round_trips_.lost(whom.id);
  tokens_kept_.forget(whom.id);
  missed(whom);
}

/// For other actors of this node.
void DhtActor::answer(wire::Search::Reader question, Reply<wire::SearchResult> reply) {
  if (const auto why = search_error(question)) return reply.refuse(*why);
  if (question.getGoal().isProvide() && client())
    return reply.refuse({Code::refused, "this node is a client: it cannot be dialled, so it cannot provide anything"});
  const runtime::Envelope words = envelope_of(question);
  search(words, {.asker = sender()}, [this, words, reply = std::move(reply)](const Searched& end) mutable {
    if (!end.answer.ok()) return reply.refuse(end.answer.error());
    keep(runtime::Envelope::Reading<wire::Search>(words).root(), end.answer.value());
    reply.forward(end.answer.envelope());
  });
}

/// From now on republishes an announcement that enough nodes have acknowledged, or a record, if the search says so.
void DhtActor::keep(wire::Search::Reader words, wire::SearchResult::Reader result) {
  if (!words.getKeep()) return;
  if (words.getGoal().isProvide() && !store_error(result))
    publish(Published::provider, *read_key(words.getKey()), {}, result.getStored());
  if (!words.getGoal().isRegion()) return;
  const auto asked = words.getGoal().getRegion();
  const auto items = result.getItems();
  const auto results = result.getItemResults();
  for (unsigned i = 0; i < std::min(items.size(), asked.size()); ++i)
    if (items[i] && asked[i].getRecord().size() == 0)
      publish(Published::provider, *read_key(asked[i].getKey()), {}, results[i].getStored());
}

void DhtActor::publish(Published what, const Key& key, base::ByteView record, std::size_t stored) {
  tell<wire::Published>(republish_, [&](wire::Published::Builder out) {
    out.setWhat(static_cast<std::uint8_t>(what));
    out.setKey(data_of(key.view()));
    out.setRecord(data_of(record));
    out.setHurry(stored <= 1);
  });
}

// -- after a search --------------------------------------------------------------------------------------------------

/// After the asker has its answer: nodes with an older record get the newest one, and a copy of an unchangeable record
/// stays where the next search will ask.
void DhtActor::read_repair(const RecordKey& place, wire::SearchResult::Reader result, const Record& record) {
  if (place.space == Space::kv) repair(place.key, result, sequence_of(record));
  if (cache_->on() && cache_->takes(place.space)) cache_on_path(place, result);
}

/// Repairs those of the nearest nodes that answered with an older record or none, with the tokens of their answers;
/// also this node, if its record is older. Each decides by its own rules whether to accept.
void DhtActor::repair(const Key& key, wire::SearchResult::Reader result, std::uint64_t sequence) {
  const auto bytes = bytes_of(result.getRecord());
  const auto begin = [&](const runtime::Handle& whom, capnp::Data::Reader token) {
    if (repairs_ >= kRepairsMax) return;
    ++repairs_;
    ++counts_.repairs;
    give(whom, token, key, bytes, std::chrono::seconds(0), [this](bool taken) {
      --repairs_;
      counts_.repaired += taken;
    });
  };
  for (const auto one : result.getLagging())
    begin(node().reach(messages::read_contact(one.getContact()), kPath), one.getToken());
  const auto held = held_sequence({Space::kv, key});
  if (held && *held < sequence) begin(self(), {});
}

/// Leaves a copy at the nearest node asked that had none, and one here (logic/query_cache.hpp).
void DhtActor::cache_on_path(const RecordKey& place, wire::SearchResult::Reader result) {
  const auto bytes = bytes_of(result.getRecord());
  const std::chrono::seconds lasts(result.getLastsS());
  if (lasts.count() == 0) return;
  cache_->put(place, {bytes.begin(), bytes.end()}, lasts, table_.network_size(), now());
  for (const auto one : result.getCopyAt())
    give(node().reach(messages::read_contact(one.getContact()), kPath), one.getToken(), place.key, bytes, lasts,
         [this](bool taken) { counts_.copies_left += taken; });
  show_counts();
}

/// Does not wait for the answer or retry: the next search does it again.
void DhtActor::give(const runtime::Handle& whom, capnp::Data::Reader token, const Key& key, base::ByteView record,
                    std::chrono::seconds copy_lasts, base::Callback<void(bool)> done) {
  ask<wire::Store, wire::StoreDone>(
      whom, now() + kStoreDue,
      [&](wire::Store::Builder out) {
        write_asker(out.initAsker(), *settings_);
        out.setToken(token);
        out.setKey(data_of(key.view()));
        out.setRecord(data_of(record));
        out.setCopyS(static_cast<std::uint32_t>(copy_lasts.count()));
      },
      [done = std::move(done)](runtime::Answer<wire::StoreDone> answer) mutable {
        done(answer.ok() && answer.value().getResult() == wire::StoreDone::Result::STORED);
      });
}

/// Accepts a copy after the same checks as a store. It has no row, and is evicted first.
void DhtActor::take_copy(wire::Store::Reader question, const Key& key, Reply<wire::StoreDone> reply) {
  const auto bytes = bytes_of(question.getRecord());
  if (!affords(Resource::checks)) return;
  const auto offer = admit(bytes, key, caller().node.value_or(own()), wall(), settings_->work_bits);
  const bool copied = offer.ok() && cache_->takes(offer.value().place.space);
  const bool taken = copied && cache_->put(offer.value().place, {bytes.begin(), bytes.end()},
                                           std::chrono::seconds(question.getCopyS()), table_.network_size(), now());
  if (!taken) ++counts_.refused;
  reply.send([&](wire::StoreDone::Builder out) {
    if (taken) return;
    out.setResult(copied ? wire::StoreDone::Result::NO_SPACE : wire::StoreDone::Result::BAD);
    if (!copied) out.setWhy(offer.ok() ? "a record that can change is not copied" : to_error(offer.error()).message);
  });
  show_counts();
}

}  // namespace troupe::dht
