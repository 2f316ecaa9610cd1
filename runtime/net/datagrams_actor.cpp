#include "runtime/net/datagrams_actor.hpp"

#include <algorithm>
#include <caf/make_actor.hpp>

#include "messages/common.capnp.h"
#include "runtime/actor/caller.hpp"
#include "runtime/actor/envelope_type.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/net/admission.hpp"
#include "runtime/net/logic/envelope_check.hpp"
#include "runtime/net/logic/readable.hpp"
#include "runtime/net/misbehaved.hpp"

namespace troupe::net {
namespace {

using base::Code;
using base::Error;
using runtime::Envelope;

// Not `unavailable`, because it says nothing about the other nodes.
const Error kSendingEnded{Code::dropped, "this node no longer sends datagrams"};
const Error kSenderUnsaid{Code::unavailable, "the other node did not say which of its actors sent this"};
const Error kTooMany{Code::overloaded, "too many requests of this node are in progress",
                     std::chrono::milliseconds(100)};
const Error kServiceEnded{Code::unavailable, "the requested actor has ended"};

const Error kHearsay{Code::overloaded, "too many requests to an address that has not responded yet",
                     std::chrono::seconds(1)};

/// Takes our actors' responses to one other node.
class AnswersProxy final : public runtime::Proxy {
 public:
  AnswersProxy(caf::actor_config& config, runtime::Handle datagrams, const base::Endpoint& at)
      : runtime::Proxy(config), datagrams_(std::move(datagrams)), at_(at) {}

  std::optional<base::Endpoint> proven_at() const override { return at_; }

  using caf::actor_proxy::enqueue;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* worker) override {
    if (!element->mid.is_response()) {
      if (element->mid.is_request() && element->sender)
        element->sender->enqueue(
            caf::make_mailbox_element(nullptr, element->mid.response_id(), {}, runtime::error_envelope(kSenderUnsaid)),
            worker);
      return;
    }
    runtime::Outbound out;
    out.answers = true;
    out.from = element->sender ? element->sender->id() : 0;
    out.correlation = element->mid.request_id().integer_value();
    const bool said =
        element->content().match_elements<Envelope>();  // otherwise CAF reports that the requested actor has ended
    out.envelope = said ? element->content().get_as<Envelope>(0) : runtime::error_envelope(kServiceEnded);
    datagrams_->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(out)), worker);
  }
  void kill_proxy(caf::execution_unit* worker, caf::error why) override { cleanup(std::move(why), worker); }

 private:
  const runtime::Handle datagrams_;
  const base::Endpoint at_;
};

kj::ArrayPtr<const capnp::word> words_of(base::ByteView bytes) {
  return kj::arrayPtr(reinterpret_cast<const capnp::word*>(bytes.data()), bytes.size() / sizeof(capnp::word));
}

}  // namespace

DatagramsActor::~DatagramsActor() { setup_.table->close(kSendingEnded); }

void DatagramsActor::receive(runtime::Handlers& on) {
  on.timer<Flush>([this] { flush(); });
  on.timer<Sweep>([this] { sweep(); });
  on.describe<wire::DatagramsState>([this](wire::DatagramsState::Builder out) { describe(out); });
}

void DatagramsActor::start() {
  const NetSetup& net = setup_.pool->setup();
  if (!net.listen) return;
  base::HostPort at = *net.listen;
  at.port = setup_.pool->bound_port.load();  // TCP and UDP share the number
  auto socket = world().network.open_datagrams(at, self());
  if (!socket.ok()) return setup_.listening(socket.error());
  socket_ = std::move(socket).value();
  admission_.emplace(net.identity->public_key(), setup_.limits, world().chance, now(),
                     [pool = setup_.pool.get()](const base::NodeId& id) { return pool->is_banned(id); });
  if (!net.agree) agreement_.emplace(net.identity->key());
  random_.emplace(world().chance);
  setup_.table->open(self());
  setup_.listening(socket_->local());
}

void DatagramsActor::check() const {
  base::ensure(served_.size() <= kServedMax, "requests of other nodes are limited");
  base::ensure(others_.size() <= kOthersMax, "nodes that request or respond are limited");
  base::ensure(sent_.size() <= Datagrams::kAsksMax, "requests of this node are limited");
}

void DatagramsActor::event(ports::StreamEvent&& event) {
  auto* arrived = std::get_if<ports::Arrived>(&event);
  if (arrived == nullptr || !socket_) return;
  for (ports::Datagram& one : arrived->datagrams) {
    const auto head = read_head(one.bytes);
    if (!head.ok()) {
      lost(Lost::broken);
      continue;
    }
    std::visit([&](const auto& its) { take(ReturnRoute{one.with, one.here}, one.bytes, its); }, head.value());
  }
}

void DatagramsActor::outbound(runtime::Outbound&& message) {
  if (!socket_) return;
  if (message.answers) return reply(message.correlation, message.envelope);
  if (const auto asked = setup_.table->asked(message.correlation); asked && !may_ask(asked->route->contact)) {
    setup_.table->take(message.correlation);
    return deliver(asked->who, nullptr, caf::message_id{asked->message_id}.response_id().integer_value(),
                   runtime::error_envelope(kHearsay));
  }
  ask(message.correlation, Cookie{}, random_->take<Token>());
  ++asked_;
}

// -- asking ----------------------------------------------------------------------------------------------------------

std::optional<crypto::DatagramKeys> DatagramsActor::agree(const base::PublicKey& key) const {
  const auto& other = setup_.pool->setup().agree;
  return other ? other(key) : agreement_->with(key);
}

/// Not called for a request that is sent again with a cookie, because the cookie shows that a node receives packets at
/// that address.
bool DatagramsActor::may_ask(const base::Contact& contact) {
  const base::Endpoint& to = contact.endpoint;
  const Session* const known = admission_->find(contact.key);
  if (to.is_loopback() || (known != nullptr && known->proven_at(to, now()))) return true;
  const auto line = base::line_of(to);
  auto* const rate = hearsay_.use(line);
  return (rate != nullptr ? *rate : hearsay_.put(line, {kHearsayPerSecond, kHearsayBurst, now()})).take(now());
}

/// Returns the keys with a node to which this node sends requests, or null if its key is invalid.
const crypto::DatagramKeys* DatagramsActor::keys_with(const Datagrams::Route& route) {
  const base::Contact& contact = route.contact;
  if (const Session* known = admission_->find(contact.key)) return &known->keys;
  const auto keys = agree(contact.key);
  if (!keys) return nullptr;
  return &admission_->meet(contact.key, contact.nonce, route.id, *keys).keys;
}

void DatagramsActor::ask(std::uint64_t number, const Cookie& cookie, const Token& token) {
  const auto asked = setup_.table->asked(number);
  if (!asked) return;
  const crypto::DatagramKeys* keys = keys_with(*asked->route);
  if (keys == nullptr) {
    setup_.table->take(number);
    return deliver(asked->who, nullptr, caf::message_id{asked->message_id}.response_id().integer_value(),
                   runtime::error_envelope({Code::malformed, "the key of that node is invalid"}));
  }
  const auto& identity = *setup_.pool->setup().identity;
  const runtime::Header& head = asked->question.header();
  const QuestionHead clear{identity.public_key(), identity.nonce(), token, cookie, random_->take<crypto::SealNonce>()};
  const Question sealed{.kind = head.kind->id,
                        .remaining_us = remaining_us(head.due, now()),
                        .trace_id = head.trace.id,
                        .parent_span = head.trace.span,
                        .path = asked->route->path,
                        .words = asked->question.bytes()};
  base::Bytes datagram(kDatagramBytesMax);
  datagram.resize(seal_question(datagram, sealer_, keys->send, clear, sealed));
  sent_.insert_or_assign(token, Sent{number, asked->route->contact.endpoint});
  send({asked->route->contact.endpoint}, std::move(datagram));
}

void DatagramsActor::take(const ReturnRoute& from, std::span<std::uint8_t>, const CookieReply& reply) {
  const auto sent = sent_.find(reply.token);
  if (sent == sent_.end() || sent->second.to != from.there) return lost(Lost::unasked);
  if (setup_.table->send_again(sent->second.number)) ask(sent->second.number, reply.cookie, reply.token);
}

void DatagramsActor::take(const ReturnRoute& from, std::span<std::uint8_t> datagram, const AnswerHead& head) {
  const auto sent = sent_.find(head.token);
  if (sent == sent_.end() || sent->second.to != from.there) return lost(Lost::unasked);
  const auto asked = setup_.table->asked(sent->second.number);
  // Other nodes may have evicted its session. A sender that knows the token may cause another agreement.
  const crypto::DatagramKeys* const keys = asked ? keys_with(*asked->route) : nullptr;
  if (keys == nullptr) return lost(Lost::unasked);
  if (setup_.pool->is_banned(asked->route->id)) return lost(Lost::banned);
  if (head.work_nonce != asked->route->contact.nonce) return lost(Lost::forged);
  const auto answer = open_answer(datagram, sealer_, keys->receive);
  if (!answer.ok()) return refuse(asked->route->id, answer.error());
  setup_.table->take(sent->second.number);
  sent_.erase(sent);
  ++answered_;
  admission_->answered(from.there, asked->route->contact.key, now());
  setup_.table->heard(*asked->route);
  give(*asked, answer.value());
}

void DatagramsActor::give(const Datagrams::Asked& asked, const Answer& answer) {
  if (answer.type == AnswerType::too_large) return setup_.table->over_link(asked);
  const auto* kind = messages::find_kind(answer.kind);
  const bool error = answer.type == AnswerType::error;
  const bool known = kind != nullptr && messages::fits(*kind, answer.words.size());
  const bool broken = known && (check_envelope(answer.words) || !readable(answer.words, *kind));
  if (broken) misbehaved(asked.route->id, wire::Violation::MALFORMED, "an answer that is not a message");
  const bool sound = known && !broken && (!error || kind == &messages::kind_of<messages::wire::Error>());
  runtime::Header header;
  header.kind = kind;
  header.signal = error ? runtime::Signal::error : runtime::Signal::message;
  header.origin = runtime::Origin::foreign;
  header.trace = asked.question.header().trace;
  deliver(asked.who, other(asked.route->id, asked.route->contact.endpoint)->answers,
          caf::message_id{asked.message_id}.response_id().integer_value(),
          sound ? Envelope::from_words(header, words_of(answer.words))
                : runtime::error_envelope({Code::malformed, "the response is not a message"}));
}

// -- answering -------------------------------------------------------------------------------------------------------

void DatagramsActor::take(const ReturnRoute& from, std::span<std::uint8_t> datagram, const QuestionHead& head) {
  const Decision decision = admission_->decide(from.there, head, now());
  if (const auto* cookie = std::get_if<SendCookie>(&decision)) {
    base::Bytes out(kCookieReplyBytes);
    write_cookie(out, cookie->reply);
    return send(from, std::move(out));
  }
  if (const auto* const drop = std::get_if<Drop>(&decision)) {  // the admission has counted it
    if (drop->why == DropReason::agreements) agreements_full_.refused(node(), base::group_of(from.there), now());
    return;
  }
  const auto* first = std::get_if<AgreeFirst>(&decision);
  const base::NodeId id = first ? first->id : std::get<Open>(decision).session->id;
  const std::optional<crypto::DatagramKeys> keys = keys_for(head, decision);
  if (!keys) {
    admission_->did_not_open(head.sender, keys);
    return lost(Lost::forged);
  }
  const auto question = open_question(datagram, sealer_, keys->receive);
  if (!question.ok()) {
    if (first) admission_->did_not_open(head.sender, keys);
    return refuse(id, question.error());
  }
  const Welcome welcome = first ? admission_->welcome(from.there, head, *first, *keys, now())
                                : admission_->welcome(from.there, head, now());
  if (welcome == Welcome::too_many) questions_full_.refused(node(), base::group_of(from.there), now());
  if (welcome != Welcome::answer) return;
  const auto& asker = other(id, from.there);
  if (asker->at != from.there) {
    asker->answers = answers_to(id, from.there);
    asker->at = from.there;
  }
  asker->key = keys->send;
  serve(from, head.token, id, asker, question.value());
}

/// Returns the keys to open a request, or nullopt if its key is invalid. A copy, because their holder may be forgotten.
std::optional<crypto::DatagramKeys> DatagramsActor::keys_for(const QuestionHead& head, const Decision& decision) const {
  if (const auto* const open = std::get_if<Open>(&decision)) return open->session->keys;
  const auto* const agreed = std::get<AgreeFirst>(decision).agreed;
  return agreed != nullptr ? *agreed : agree(head.sender);
}

void DatagramsActor::serve(const ReturnRoute& from, const Token& token, const base::NodeId& id,
                           const std::shared_ptr<Other>& other, const Question& question) {
  const auto* kind = messages::find_kind(question.kind);
  const auto service = node().service(question.path);
  if (const auto why = forbidden(*setup_.pool, kind, messages::Role::peer, service.get(), question.words)) {
    if (const auto how = violation_of(kind, messages::Role::peer, question.words)) misbehaved(id, *how, why->message);
    return answer(from, token, *other, runtime::error_envelope(*why));
  }
  if (!kind->datagram) return answer(from, token, *other, Answer{.type = AnswerType::too_large});
  if (other->served >= kServedOfOneMax) return answer(from, token, *other, runtime::error_envelope(kTooMany));
  if (served_.size() >= kServedMax) return lost(Lost::crowded);
  const std::uint64_t number = setup_.table->next_served();
  const base::Instant forget_at = now() + Datagrams::kServedFor;
  served_.emplace(number, Served{from, token, forget_at, other});
  ++other->served;
  if (!sweeps_) after<Sweep>(kSweep);
  sweeps_ = true;
  runtime::Header header;
  header.kind = kind;
  header.origin = runtime::Origin::foreign;
  header.trace = {question.trace_id, question.parent_span};
  header.due = std::min(due_of(question.remaining_us, now()), forget_at);
  deliver(caf::actor_cast<caf::strong_actor_ptr>(service->handle), other->answers,
          number | caf::message_id::default_async_value, Envelope::from_words(header, words_of(question.words)));
}

void DatagramsActor::reply(std::uint64_t number, const Envelope& envelope) {
  const auto served = served_.find(number);
  if (served == served_.end()) return node().count(runtime::DeadLetter::late_answer);
  const Served to = std::move(served->second);
  served_.erase(served);
  --to.other->served;
  answer(to.back, to.token, *to.other, envelope);
}

void DatagramsActor::answer(const ReturnRoute& to, const Token& token, const Other& other, const Envelope& envelope) {
  if (envelope.bytes().size() > kAnswerWordsBytesMax)
    return answer(to, token, other, Answer{.type = AnswerType::too_large});
  const bool error = envelope.header().signal == runtime::Signal::error;
  answer(to, token, other,
         Answer{error ? AnswerType::error : AnswerType::answer, envelope.kind_id(), envelope.bytes()});
}

void DatagramsActor::answer(const ReturnRoute& to, const Token& token, const Other& other, const Answer& sealed) {
  const AnswerHead head{setup_.pool->setup().identity->nonce(), token, random_->take<crypto::SealNonce>()};
  base::Bytes datagram(kDatagramBytesMax);
  datagram.resize(seal_answer(datagram, sealer_, other.key, head, sealed));
  send(to, std::move(datagram));
}

/// `at`: its address, if this node does not know it yet. Valid until the next call.
const std::shared_ptr<DatagramsActor::Other>& DatagramsActor::other(const base::NodeId& id, const base::Endpoint& at) {
  if (const auto* const known = others_.use(id)) return *known;
  // A node with pending requests is kept as long as possible: otherwise its count of them would restart.
  if (others_.full()) others_.forget_if([](const auto& one) { return one->served == 0; });
  return others_.put(id, std::make_shared<Other>(Other{answers_to(id, at), at, {}, 0}));
}

caf::strong_actor_ptr DatagramsActor::answers_to(const base::NodeId& id, const base::Endpoint& at) {
  caf::actor_config config;
  auto& system = node().system();
  const auto number = system.next_actor_id();
  setup_.pool->name(number, id);
  return caf::make_actor<AnswersProxy, caf::strong_actor_ptr>(
      number, runtime::remote_node_id(id, messages::Role::peer, runtime::Takes::one_answer), &system, config, self(),
      at);
}

/// Handles a datagram of `id` that does not open or has invalid content. Invalid content is the fault of `id`, except a
/// reserved bit, which may have a meaning for a newer node.
void DatagramsActor::refuse(const base::NodeId& id, DatagramError why) {
  if (why == DatagramError::too_short || why == DatagramError::bad_path)
    misbehaved(id, wire::Violation::MALFORMED, "a datagram " + std::string(name(why)));
  lost(why == DatagramError::forged ? Lost::forged : Lost::broken);
}

void DatagramsActor::misbehaved(const base::NodeId& id, wire::Violation how, std::string_view what) {
  tell<wire::Misbehaved>(node().find(kPeersPath),
                         [&](wire::Misbehaved::Builder out) { write_misbehaved(out, id, how, what); });
}

// -- both ------------------------------------------------------------------------------------------------------------

void DatagramsActor::send(const ReturnRoute& to, base::Bytes datagram) {
  if (out_.empty()) after<Flush>(base::Duration::zero());
  out_.push_back({to.there, std::move(datagram), to.here});
  if (!sweeps_) after<Sweep>(kSweep);
  sweeps_ = true;
  if (out_.size() >= kBatchMax) flush();
}

void DatagramsActor::flush() {
  if (socket_ && !out_.empty()) socket_->send(std::exchange(out_, {}));
}

/// Runs while something waits; stops in an idle node.
void DatagramsActor::sweep() {
  setup_.table->sweep(now());
  std::erase_if(served_, [at = now()](const auto& one) {
    const bool late = one.second.forget_at <= at;
    if (late) --one.second.other->served;
    return late;
  });
  std::erase_if(sent_, [this](const auto& one) { return !setup_.table->asked(one.second.number); });
  sweeps_ = !sent_.empty() || !served_.empty();
  if (sweeps_) after<Sweep>(kSweep);
}

void DatagramsActor::describe(wire::DatagramsState::Builder out) const {
  out.setWaiting(static_cast<std::uint32_t>(setup_.table->waiting()));
  out.setOverLinks(setup_.table->over_links());
  if (!socket_) return;
  out.setAddress(socket_->local().text());
  out.setAsked(asked_);
  out.setAnswered(answered_);
  const AdmissionCounters& admission = admission_->counters();
  out.setServed(admission.welcome);
  out.setCookies(admission.cookies);
  out.setAgreements(admission.agreements);
  out.setSessions(static_cast<std::uint32_t>(admission_->sessions()));
  out.setServing(static_cast<std::uint32_t>(served_.size()));
  const auto times = [this](Lost how) { return lost_[static_cast<std::size_t>(how)]; };
  out.setBroken(times(Lost::broken));
  out.setForged(times(Lost::forged));
  out.setUnasked(times(Lost::unasked));
  std::uint64_t refused = admission.too_many + admission.repeated;
  for (const std::uint64_t drops : admission.drops) refused += drops;
  refused += times(Lost::banned);
  out.setRefused(refused);
  out.setCrowded(times(Lost::crowded));
  const auto counts = socket_->counts();
  out.setUnsent(counts.unsent);
  out.setUnread(counts.dropped);
}

}  // namespace troupe::net
