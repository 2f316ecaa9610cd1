#include "actors/dht/api.hpp"
#include "actors/dht/parts.hpp"
#include "actors/dht/wire.hpp"
#include "runtime/net/datagrams.hpp"

namespace troupe::dht {
namespace {

constexpr std::chrono::seconds kListenerDue{3};  // our choice: for its ping and for a notice
constexpr std::chrono::seconds kUnsentAgain{1};  // our choice: the table of requests empties as fast
// A notice with such a record, or the answer to Listen, stays within a datagram (runtime/net/logic/datagram.hpp): all
// except the record takes less than 150 bytes.
constexpr std::size_t kToldRecordMax = 1'024;

// A request to a silent listener stays in the table of requests for up to 2 s beyond kListenerDue. An eighth of that
// table is reserved for this node's own requests.
static_assert((kNoticesMax + kListenersPingedMax) * 5 / 3 <= net::Datagrams::kAsksMax - net::Datagrams::kAsksMax / 8 &&
              kListenerDue == std::chrono::seconds(3));

/// Writes the facts of the stored record, or the record itself if it is new to the listener and small.
void write(wire::Present::Builder out, const std::optional<Facts>& held, base::ByteView record,
           const std::optional<Tag>& knows) {
  if (record.empty() && held) {
    out.setSequence(held->sequence);
    out.setTag(data_of(held->tag.view()));
  }
  const auto parsed = parse(record);
  if (!parsed.ok()) return;  // nothing is stored, or it was not read
  const Tag tag = tag_of(record);
  out.setSequence(sequence_of(parsed.value()));
  out.setTag(data_of(tag.view()));
  if (tag != knows && record.size() <= kToldRecordMax) out.setRecord(data_of(record));
}

void write(wire::Present::Builder out, const std::vector<Contact>& providers) {
  dht::write(out.initProviders(size32(providers)), providers);
}

}  // namespace

// -- leases ----------------------------------------------------------------------------------------------------------

void Notices::listen(wire::Listen::Reader words, const Topic& topic, const Asker& asker,
                     runtime::Reply<wire::Listening> reply) {
  // By a claimed address, it could use as many groups as it likes.
  const base::User<base::NodeId> user{asker.who.id, base::group_of(asker.at), asker.inside};
  Question question{topic,
                    std::chrono::seconds(words.getSeconds()),
                    Tag::from(bytes_of(words.getKnows())),
                    asker.token,
                    user,
                    std::move(reply)};
  if (question.lease.count() == 0) listeners_.remove(topic, asker.who.id);
  if (question.lease.count() == 0 || !asker.who.where.endpoint.dialable() || !asker.may) {
    question.lease = {};
    return say_present(std::move(question));
  }
  if (asker.inside || listeners_.listens(topic, asker.who, now())) return give_lease(asker.who, std::move(question));
  if (!pinging_.fits(user, 1)) {
    ++head_.settings().counters->refused;
    question.lease = {};
    return say_present(std::move(question));
  }
  pinging_.hold(user, 1);
  // A token proves an id, not an address: a node that claims a victim's address would direct notices there.
  ask<wire::Ping, wire::Pong>(
      node().reach(asker.who.where, kPath), now() + kListenerDue,
      [this](wire::Ping::Builder ping) { write_asker(ping.initAsker(), head_.settings()); },
      [this, who = asker.who, question = std::move(question)](runtime::Answer<wire::Pong> answer) mutable {
        pinging_.release(question.asker, 1);
        if (answer.ok()) return give_lease(who, std::move(question));
        question.lease = {};
        say_present(std::move(question));
      });
}

void Notices::give_lease(const Contact& who, Question question) {
  // Before the stored record is read: no change between the two is missed.
  const auto given = listeners_.add(question.topic, who, question.lease, now());
  if (!given.ok()) ++head_.settings().counters->refused;
  question.lease = given.ok() ? given.value() : std::chrono::seconds(0);
  say_present(std::move(question));
}

void Notices::say_present(Question question) {
  const Topic topic = question.topic;
  const auto known = question.knows;
  const auto asker = question.asker;
  auto say = [question = std::move(question)](const auto& fill) mutable {
    question.reply.send([&](wire::Listening::Builder out) {
      out.setSeconds(static_cast<std::uint16_t>(question.lease.count()));
      if (question.token) out.setToken(data_of(question.token->view()));
      fill(out.initPresent(), question.knows);
    });
  };
  if (topic.kind == TopicKind::value)
    return read(topic.key, known, asker, [this, topic, say = std::move(say)](base::ByteView record) mutable {
      say([&](wire::Present::Builder out, const std::optional<Tag>& knows) {
        write(out, head_.held_facts({Space::kv, topic.key}), record, knows);
      });
    });
  say([&](wire::Present::Builder out, const std::optional<Tag>&) {
    write(out, head_.held_providers(topic.key, kNewProvidersMax));
  });
}

/// Reads only a record that fits into the message. If no read slot is free, the listener asks for it.
void Notices::read(const Key& key, const std::optional<Tag>& knows, const base::User<base::NodeId>& reader,
                   base::Callback<void(base::ByteView)> found) {
  const auto held = head_.held_facts({Space::kv, key});
  if (held && (held->tag == knows || held->bytes > kToldRecordMax)) return found(base::ByteView());
  head_.read({Space::kv, key}, reader, std::move(found));
}

// -- notices ---------------------------------------------------------------------------------------------------------

void Notices::changed(const Topic& topic, const std::optional<Contact>& provider) {
  auto notices = listeners_.changed(topic, provider, now());
  if (notices.empty()) return;
  if (topic.kind == TopicKind::providers) {
    for (const Notice& one : notices) send(one, {});
    return;
  }
  // A record just stored is read once for all of them.
  read(topic.key, {}, {.reserved = true}, [this, notices = std::move(notices)](base::ByteView record) {
    for (const Notice& one : notices) send(one, record);
  });
}

void Notices::again() {
  for (const Notice& one : std::exchange(unsent_, {}))
    if (const auto next = listeners_.again(one, now())) send(*next);
}

void Notices::send(const Notice& notice) {
  if (notice.topic.kind == TopicKind::providers) return send(notice, {});
  const bool ourselves = notice.to.id == head_.settings().identity->id();
  const base::User<base::NodeId> reader{notice.to.id, base::group_of(notice.to.where.endpoint), ourselves};
  read(notice.topic.key, {}, reader, [this, notice](base::ByteView record) { send(notice, record); });
}

void Notices::send(const Notice& notice, base::ByteView record) {
  ++head_.settings().counters->notices;
  const bool ourselves = notice.to.id == head_.settings().identity->id();
  ask<wire::Changed, wire::Noted>(
      ourselves ? node().find(kListenPath) : node().reach(notice.to.where, kListenPath), now() + kListenerDue,
      [&](wire::Changed::Builder out) {
        out.setWhat(static_cast<std::uint8_t>(notice.topic.kind));
        out.setKey(data_of(notice.topic.key.view()));
        if (notice.topic.kind == TopicKind::value)
          write(out.initPresent(), head_.held_facts({Space::kv, notice.topic.key}), record, std::nullopt);
        else write(out.initPresent(), notice.providers);
      },
      [this, notice](runtime::Answer<wire::Noted> answer) {
        // By a limit of this node: the listener is not silent, and an immediate retry would not help.
        const bool theirs = answer.envelope().header().origin == runtime::Origin::foreign;
        if (!theirs && !answer.ok() && answer.error().code == base::Code::overloaded) {
          unsent_.push_back(notice);
          if (unsent_.size() == 1) after<Again>(kUnsentAgain);
          return;
        }
        const auto next =
            answer.ok() ? listeners_.answered(notice, answer.value().getListens() ? Listens::yes : Listens::no, now())
                        : listeners_.unanswered(notice, now());
        if (next) send(*next);
      });
}

}  // namespace troupe::dht
