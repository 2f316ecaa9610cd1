#include "actors/dht/listen_actor.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/wire.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::dht {
namespace {

using base::Code;
using base::Error;

constexpr std::uint64_t kMillisecondsMax = 31'536'000'000;  // a year

}  // namespace

void ListenActor::receive(runtime::Handlers& on) {
  on.stream<wire::ListenTo, wire::Came>([this](auto question, auto sink) { listen(question, std::move(sink)); });
  on.ask<wire::Changed, wire::Noted>([this](auto told, auto reply) { changed(told, std::move(reply)); });
  on.timer<Wake>([this] { go_on(); });
  on.describe<wire::ListenState>([this](wire::ListenState::Builder state) { describe(state); });
}

void ListenActor::start() { node().publish<wire::ListenTo, wire::Changed>(kListenPath, self()); }

void ListenActor::stop() {
  for (auto& [topic, place] : places_)
    for (Reader& reader : place.readers) end(reader, "the node is stopping");
}

void ListenActor::check() const {
  std::size_t readers = 0;
  for (const auto& [topic, place] : places_) readers += place.readers.size();
  base::ensure(readers <= kListenReadersMax, "streams of listeners are limited");
}

// -- readers ---------------------------------------------------------------------------------------------------------

void ListenActor::listen(wire::ListenTo::Reader question, runtime::Sink<wire::Came> sink) {
  const auto kind = topic_kind_of(question.getWhat());
  if (!kind)
    return sink.fail({Code::unsupported, "invalid topic: only signed values (/kv) and providers can be listened to"});
  std::optional<Key> key;
  if (question.hasKey()) key = read_key(question.getKey());
  else if (*kind == TopicKind::value)
    key = key_of_name(settings_->identity->public_key(), bytes_of(question.getName()));
  if (!key) return sink.fail({Code::malformed, "invalid key: a key has 20 bytes"});
  std::size_t readers = 0;
  for (const auto& [topic, place] : places_) readers += place.readers.size();
  if (readers >= kListenReadersMax)
    return sink.fail(
        {Code::overloaded, "too many listeners at this node (limit 256)", std::chrono::milliseconds(1'000)});
  const Topic topic{*kind, *key};
  TopicState& place =
      places_.try_emplace(topic, Listening(topic, settings_->listening, now(), world().mutations)).first->second;
  Reader& reader = place.readers.emplace_back();
  reader.sink = std::move(sink);
  reader.left = question.getCount() > 0 ? question.getCount() : UINT64_MAX;
  const auto time = std::chrono::milliseconds(std::min(question.getMilliseconds(), kMillisecondsMax));
  reader.until = time.count() > 0 ? now() + time : base::Instant::max();
  reader.sent_at = now();
  reader.sink.on_cancel([this, &reader] {
    reader.cancelled = true;
    after<Wake>(base::Duration::zero());
  });
  reader.sink.on_ready([this] { after<Wake>(base::Duration::zero()); });
  go_on();
}

/// Returns false once the stream has ended.
bool ListenActor::pump(TopicState& place, Reader& reader) {
  if (reader.cancelled) return false;
  if (!reader.told_leases && place.logic.settled() && reader.sink.ready()) {
    reader.told_leases = true;
    reader.sink.push(
        [&](wire::Came::Builder out) { out.setListening(static_cast<std::uint16_t>(place.logic.leases(now()))); });
  }
  while (reader.left > 0 && reader.seen < place.logic.items() && reader.sink.ready()) send_next(place, reader);
  if (reader.left == 0) reader.until = std::min(reader.until, now());
  if (now() >= reader.until) {
    if (!reader.sink.ready() && now() < reader.until + kListenLastDue) return true;
    end(reader, reader.left == 0 ? "the requested number of items has come" : "the requested time is over");
    return false;
  }
  if (now() - reader.sent_at >= kListenQuiet && reader.sink.ready()) {
    reader.sent_at = now();
    reader.sink.push([](wire::Came::Builder out) { out.setNothing(); });
  }
  return true;
}

void ListenActor::send_next(TopicState& place, Reader& reader) {
  --reader.left;
  ++reader.sent;
  reader.sent_at = now();
  const Listening& logic = place.logic;
  if (logic.topic().kind == TopicKind::value) {
    reader.seen = logic.items();
    reader.sink.push([&](wire::Came::Builder out) {
      const auto record = parse(place.record);
      if (record.ok()) write(out.initValue(), std::get<KvRecord>(record.value()), *settings_->identity);
    });
    return;
  }
  const std::uint64_t forgotten = logic.items() - logic.providers().size();
  reader.seen = std::max(reader.seen, forgotten) + 1;
  reader.sink.push([&](wire::Came::Builder out) {
    write(out.initProvider(), logic.providers()[static_cast<std::size_t>(reader.seen - forgotten - 1)]);
  });
}

void ListenActor::end(Reader& reader, const std::string& why) {
  if (!reader.sink.ready()) return reader.sink.fail({Code::overloaded, why + ", and the reader was too slow"});
  reader.sink.push([&](wire::Came::Builder out) {
    auto ended = out.initEnded();
    ended.setWhy(why);
    ended.setItems(reader.sent);
  });
  reader.sink.end();
}

// -- topics ----------------------------------------------------------------------------------------------------------

void ListenActor::go_on() {
  for (auto one = places_.begin(); one != places_.end();) {
    TopicState& place = one->second;
    std::erase_if(place.readers, [&](Reader& reader) { return !pump(place, reader); });
    if (place.readers.empty()) {
      leave(place);
      one = places_.erase(one);
      continue;
    }
    act(place);
    ++one;
  }
  arm();
}

void ListenActor::arm() {
  base::Instant at = base::Instant::max();
  for (const auto& [topic, place] : places_) {
    at = std::min(at, place.logic.wake_at());
    for (const Reader& reader : place.readers) {
      if (reader.sink.ready()) at = std::min(at, reader.sent_at + kListenQuiet);
      at = std::min(at, reader.until > now() ? reader.until : reader.until + kListenLastDue);
    }
  }
  if (at != base::Instant::max()) after<Wake>(std::max(at - now(), base::Duration::zero()));
}

void ListenActor::act(TopicState& place) {
  const Listening::Due due = place.logic.due(now());
  if (due.search) search(place.logic.topic());
  for (const Listening::Question& one : due.ask) ask_holder(place.logic.topic(), one);
}

void ListenActor::search(const Topic& topic) {
  ask<wire::Search, wire::SearchResult>(
      node().find(kPath), now() + kSearchDue + kCommitDue,
      [&](wire::Search::Builder out) {
        out.setKey(data_of(topic.key.view()));
        out.getGoal().setNodes();
      },
      [this, topic](runtime::Answer<wire::SearchResult> answer) {
        TopicState* const place = find(topic);
        if (place == nullptr) return;
        std::vector<Contact> holders;
        if (answer.ok()) holders = own_contacts(answer.value().getNearest());
        // This node's own stored records are read here too; no node stores at a client.
        if (settings_->endpoint.dialable()) {
          const crypto::Identity& identity = *settings_->identity;
          holders.push_back({own(), {identity.public_key(), identity.nonce(), settings_->endpoint}});
        }
        place->logic.found(holders, now());
        go_on();
      });
}

runtime::Handle ListenActor::head_of(const Contact& whom) {
  return whom.id == own() ? node().find(kPath) : node().reach(whom.where, kPath);
}

void ListenActor::ask_holder(const Topic& topic, const Listening::Question& question) {
  TopicState* const place = find(topic);
  ask<wire::Listen, wire::Listening>(
      head_of(question.whom), now() + kListenAnswerDue,
      [&](wire::Listen::Builder out) {
        write_asker(out.initAsker(), *settings_);
        if (question.token) out.setToken(data_of(question.token->view()));
        out.setWhat(static_cast<std::uint8_t>(topic.kind));
        out.setKey(data_of(topic.key.view()));
        out.setSeconds(static_cast<std::uint16_t>(settings_->listening.lease.count()));
        if (!place->record.empty()) out.setKnows(data_of(tag_of(place->record).view()));
      },
      [this, topic, whom = question.whom](runtime::Answer<wire::Listening> answer) {
        TopicState* const there = find(topic);
        if (there == nullptr) return;
        if (!answer.ok()) {
          there->logic.failed(whom.id, now());
          return go_on();
        }
        const auto said = answer.value();
        there->logic.answered(whom.id, std::chrono::seconds(said.getSeconds()), Token::from(bytes_of(said.getToken())),
                              now());
        take(topic, whom, said.getPresent());
        go_on();
      });
}

/// Best effort: a lease ends by itself.
void ListenActor::leave(const TopicState& place) {
  for (const Contact& whom : place.logic.holders()) {
    ask<wire::Listen, wire::Listening>(
        head_of(whom), now() + kListenAnswerDue,
        [&](wire::Listen::Builder out) {
          write_asker(out.initAsker(), *settings_);
          out.setWhat(static_cast<std::uint8_t>(place.logic.topic().kind));
          out.setKey(data_of(place.logic.topic().key.view()));
        },
        [](runtime::Answer<wire::Listening>) {});
  }
}

ListenActor::TopicState* ListenActor::find(const Topic& topic) {
  const auto found = places_.find(topic);
  return found == places_.end() ? nullptr : &found->second;
}

// -- reports from holders --------------------------------------------------------------------------------------------

void ListenActor::changed(wire::Changed::Reader told, runtime::Reply<wire::Noted> reply) {
  ++notices_;
  const auto kind = topic_kind_of(told.getWhat());
  const auto key = read_key(told.getKey());
  if (!kind || !key)
    return reply.refuse(
        {Code::malformed, "invalid notice: it needs a kind (value or providers) and a key of 20 bytes"});
  const Topic topic{*kind, *key};
  const TopicState* const place = find(topic);
  const base::NodeId from = caller().node.value_or(own());
  const auto holders = place != nullptr ? place->logic.holders() : std::vector<Contact>();
  const auto holder = std::ranges::find(holders, from, &Contact::id);
  const bool listens = holder != holders.end();
  if (!listens) ++unwanted_;
  reply.send([&](wire::Noted::Builder out) { out.setListens(listens); });
  if (!listens) return;
  take(topic, *holder, told.getPresent());
  go_on();
}

void ListenActor::take(const Topic& topic, const Contact& from, wire::Present::Reader present) {
  TopicState& place = *find(topic);
  if (topic.kind == TopicKind::providers) {
    for (const Contact& one : read_contacts(present.getProviders(), kTakenMax, settings_->work_bits))
      place.logic.take(one);
    return;
  }
  if (present.getRecord().size() > 0) {
    if (!take_record(place, bytes_of(present.getRecord()))) ++unwanted_;
    return;
  }
  const auto tag = Tag::from(bytes_of(present.getTag()));
  if (!tag) return;
  place.told.insert_or_assign(from.id, Told{from, present.getSequence(), *tag});
  fetch(topic, place);
}

/// Returns false if the record does not belong there.
bool ListenActor::take_record(TopicState& place, base::ByteView bytes) {
  const auto record = parse(bytes);
  if (!record.ok() || !std::holds_alternative<KvRecord>(record.value())) return false;
  if (!validate(record.value(), place.logic.topic().key, wall(), settings_->work_bits).ok()) return false;
  if (place.logic.take(Version{sequence_of(record.value()), crypto::sha256(bytes)}))
    place.record.assign(bytes.begin(), bytes.end());
  return true;
}

/// Fetches from one holder after the other: they report the same record, and a malicious holder only costs time.
void ListenActor::fetch(const Topic& topic, TopicState& place) {
  const auto useless = [&](const Told& told) {
    return !place.logic.may_be_new(told.sequence) || (!place.record.empty() && tag_of(place.record) == told.tag);
  };
  std::erase_if(place.told, [&](const auto& one) { return useless(one.second); });
  if (place.fetching || place.told.empty()) return;
  auto next = place.told.upper_bound(place.fetched);
  if (next == place.told.end()) next = place.told.begin();
  const Contact from = next->second.from;
  place.told.erase(next);
  place.fetched = from.id;
  place.fetching = true;
  ask<wire::FindValue, wire::FoundValue>(
      head_of(from), now() + kListenAnswerDue,
      [&](wire::FindValue::Builder out) {
        write_asker(out.initAsker(), *settings_);
        out.setSpace(static_cast<std::uint8_t>(Space::kv));
        out.setKey(data_of(topic.key.view()));
        out.setContactsMax(1);
      },
      [this, topic](runtime::Answer<wire::FoundValue> answer) {
        TopicState* const there = find(topic);
        if (there == nullptr) return;
        there->fetching = false;
        if (answer.ok() && answer.value().getRecord().size() > 0 &&
            !take_record(*there, bytes_of(answer.value().getRecord())))
          ++unwanted_;
        fetch(topic, *there);
        go_on();
      });
}

void ListenActor::describe(wire::ListenState::Builder state) const {
  constexpr std::size_t kShownMax = 50;
  auto list = state.initPlaces(static_cast<unsigned>(std::min(places_.size(), kShownMax)));
  std::uint32_t readers = 0;
  unsigned i = 0;
  for (const auto& [topic, place] : places_) {
    readers += static_cast<std::uint32_t>(place.readers.size());
    if (i >= list.size()) continue;
    list[i].setKey(topic.key.hex());
    list[i].setLeases(static_cast<std::uint32_t>(place.logic.leases(now())));
    list[i++].setReaders(static_cast<std::uint32_t>(place.readers.size()));
  }
  state.setReaders(readers);
  state.setNotices(notices_);
  state.setUnwanted(unwanted_);
}

}  // namespace troupe::dht
