// Who is told of what comes to places that this node holds.
#include "actors/dht/api.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

using base::Code;

constexpr std::chrono::seconds kListenerDue{3};  // our choice: for its ping and for a notice
// With it a notice stays within a datagram, and so does the answer to Listen (runtime/net/logic/datagram.hpp): what is
// around the record takes less than 150 bytes.
constexpr std::size_t kToldRecordMax = 1'024;

/// The newest record, in the answer itself if it is new to the listener and small.
void write(wire::Present::Builder out, base::ByteView record, const std::optional<Tag>& knows) {
  const auto parsed = parse(record);
  if (!parsed.ok()) return;  // nothing is held
  const Tag tag = tag_of(record);
  out.setSequence(sequence_of(parsed.value()));
  out.setTag(data_of(tag.view()));
  if (tag != knows && record.size() <= kToldRecordMax) out.setRecord(data_of(record));
}

void write(wire::Present::Builder out, const std::vector<Contact>& providers) {
  dht::write(out.initProviders(static_cast<unsigned>(providers.size())), providers);
}

}  // namespace

// -- leases ----------------------------------------------------------------------------------------------------------

void DhtActor::answer(wire::Listen::Reader question, Reply<wire::Listening> reply) {
  const auto key = read_key(question.getKey());
  if (!key) return reply.refuse({Code::malformed, "a key has 20 bytes"});
  const auto kind = topic_kind_of(question.getWhat());
  if (!kind) return reply.refuse({Code::unsupported, "nothing new ever comes to such a place"});
  const runtime::Caller from = caller();
  const auto who = read_asker(question.getAsker(), from.node ? from.node : own(), settings_->work_bits);
  if (!who) return reply.refuse({Code::malformed, "whoever listens says who it is"});
  note_asker(question.getAsker());
  const Topic topic{*kind, *key};
  const std::chrono::seconds lease(question.getSeconds());
  const auto knows = Tag::from(bytes_of(question.getKnows()));
  const auto token = token_of_caller();
  if (lease == lease.zero()) listeners_->remove(topic, who->id);
  const bool inside = from.role == messages::Role::inside;
  const bool may = inside || shows_token(question.getToken());
  if (lease == lease.zero() || !who->where.endpoint.dialable() || !may)
    return say_present(std::move(reply), topic, lease.zero(), knows, token);
  if (inside || listeners_->listens(topic, *who, now()))
    return give_lease(std::move(reply), topic, *who, lease, knows, token);
  // A token shows who asks, not where it is: whoever named another's address would have us send notices there.
  ask<wire::Ping, wire::Pong>(
      node().reach(who->where, kPath), now() + kListenerDue,
      [this](wire::Ping::Builder ping) { write_asker(ping.initAsker(), *settings_); },
      [this, topic, who = *who, lease, knows, token,
       reply = std::move(reply)](runtime::Answer<wire::Pong> answer) mutable {
        if (answer.ok()) return give_lease(std::move(reply), topic, who, lease, knows, token);
        say_present(std::move(reply), topic, lease.zero(), knows, token);
      });
}

void DhtActor::give_lease(Reply<wire::Listening> reply, const Topic& topic, const Contact& who,
                          std::chrono::seconds lease, const std::optional<Tag>& knows,
                          const std::optional<Token>& token) {
  // Before what is held is read: nothing that comes between the two is missed.
  const auto given = listeners_->add(topic, who, lease, now());
  if (!given.ok()) ++counts_.refused;
  say_present(std::move(reply), topic, given.ok() ? given.value() : lease.zero(), knows, token);
}

void DhtActor::say_present(Reply<wire::Listening> reply, const Topic& topic, std::chrono::seconds lease,
                           const std::optional<Tag>& knows, const std::optional<Token>& token) {
  auto say = [lease, token, reply = std::move(reply)](const auto& fill) mutable {
    reply.send([&](wire::Listening::Builder out) {
      out.setSeconds(static_cast<std::uint16_t>(lease.count()));
      if (token) out.setToken(data_of(token->view()));
      fill(out.initPresent());
    });
  };
  if (topic.kind == TopicKind::value) {
    return read({Space::kv, topic.key}, [say = std::move(say), knows](base::ByteView record) mutable {
      say([&](wire::Present::Builder out) { write(out, record, knows); });
    });
  }
  say([&](wire::Present::Builder out) { write(out, providers_->find(topic.key, kNewProvidersMax, wall(), random())); });
}

// -- notices ---------------------------------------------------------------------------------------------------------

/// What has come is durable by now: it is told once it would also be found.
void DhtActor::tell_listeners(const Topic& topic, const std::optional<Contact>& provider) {
  auto notices = listeners_->changed(topic, provider, now());
  if (notices.empty()) return;
  if (topic.kind == TopicKind::providers) {
    for (const Notice& one : notices) send(one, {});
    return;
  }
  read({Space::kv, topic.key}, [this, notices = std::move(notices)](base::ByteView record) {
    for (const Notice& one : notices) send(one, record);
  });
}

void DhtActor::send(const Notice& notice) {
  if (notice.topic.kind == TopicKind::providers) return send(notice, {});
  read({Space::kv, notice.topic.key}, [this, notice](base::ByteView record) { send(notice, record); });
}

void DhtActor::send(const Notice& notice, base::ByteView record) {
  ++counts_.notices;
  const bool ourselves = notice.to.id == own();
  ask<wire::Changed, wire::Noted>(
      ourselves ? node().find(kListenPath) : node().reach(notice.to.where, kListenPath), now() + kListenerDue,
      [&](wire::Changed::Builder out) {
        out.setWhat(static_cast<std::uint8_t>(notice.topic.kind));
        out.setKey(data_of(notice.topic.key.view()));
        if (notice.topic.kind == TopicKind::value) write(out.initPresent(), record, std::nullopt);
        else write(out.initPresent(), notice.providers);
      },
      [this, notice](runtime::Answer<wire::Noted> answer) {
        const auto next =
            answer.ok() ? listeners_->answered(notice, answer.value().getListens() ? Listens::yes : Listens::no, now())
                        : listeners_->unanswered(notice, now());
        if (next) send(*next);
      });
}

}  // namespace troupe::dht
