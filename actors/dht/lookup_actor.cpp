#include "actors/dht/lookup_actor.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/wire.hpp"
#include "messages/contact.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/net/misbehaved.hpp"

namespace troupe::dht {
namespace {

using base::Code;
using base::Error;

LookupKind kind_of(wire::Search::Goal::Which goal) {
  switch (goal) {
    case wire::Search::Goal::NODES: return LookupKind::find_node;
    case wire::Search::Goal::VALUE: return LookupKind::find_value;
    case wire::Search::Goal::PROVIDERS: return LookupKind::get_providers;
    case wire::Search::Goal::STORE:
    case wire::Search::Goal::PROVIDE:
    case wire::Search::Goal::REGION: return LookupKind::store_region;
  }
  return LookupKind::find_node;
}

constexpr std::size_t kAnswersShown = 8;  // our choice: fits on a screen with the rest

AskFailure failure_of(const Error& why) {
  switch (why.code) {
    case Code::timeout: return AskFailure::silent;
    case Code::unavailable: return AskFailure::unreachable;
    case Code::malformed: return AskFailure::misbehaved;
    default: return AskFailure::refused;
  }
}

void disbelieve(std::vector<Contact>& named, const Contact& by) {
  std::erase_if(named, [&](const Contact& one) { return !believed(one.where.endpoint, by.where.endpoint); });
}

/// Returns whether a dialable contact lacks its work; ignores contacts with an old or newer kind of address.
bool names_unproven(capnp::List<messages::wire::Contact>::Reader list, unsigned work_bits) {
  for (const auto one : list) {
    const base::Contact where = messages::read_contact(one);
    if (where.endpoint.dialable() && !crypto::check(where.key, where.nonce, work_bits)) return true;
  }
  return false;
}

}  // namespace

void LookupActor::receive(runtime::Handlers& on) {
  on.ask<wire::Search, wire::SearchResult>([this](auto search, auto reply) { begin(search, std::move(reply)); });
  on.tell<wire::CancelSearch>([this](wire::CancelSearch::Reader) { cancel_search(); });
  on.timer<Tick>([this] {
    if (lookup_ && !outcome_) act(lookup_->tick(now()));
  });
  on.timer<Enough>([this] { answer(); });
  on.timer<StoreAgain>([this] { store_put_off(); });
  on.describe<wire::LookupState>([this](wire::LookupState::Builder state) { describe(state); });
}

void LookupActor::begin(wire::Search::Reader search, runtime::Reply<wire::SearchResult> reply) {
  base::ensure(!lookup_, "an actor for each search");
  reply_ = std::move(reply);
  began_ = now();
  const auto goal = search.getGoal();
  goal_ = goal.which();
  LookupQuestion question;
  question.target = *read_key(search.getKey());
  question.own = start_.settings->identity->id();
  question.kind = kind_of(goal_);
  question.nearest = start_.settings->copies;
  if (goal.isValue()) {
    space_ = *space_of(goal.getValue());
    if (space_ == Space::kv) question.finality = Finality::newest;
  }
  if (goal.isProviders()) {
    providers_max_ = std::max<std::size_t>(goal.getProviders(), 1);
    question.providers_max = providers_max_;
    question.own_providers = take_providers(start_.own_providers);
  }
  if (goal.isStore()) {
    const auto record = bytes_of(goal.getStore().getRecord());
    record_.assign(record.begin(), record.end());
    if (goal.getStore().getExpected().isSequence()) expected_ = goal.getStore().getExpected().getSequence();
  }
  if (goal.isRegion()) {
    take_region(goal.getRegion());
    // A region is up to twice as wide as one key's neighbourhood, and each key has its own neighbourhood in it.
    question.region_nodes = std::min(2 * start_.settings->copies, kRegionMax);
  }
  if (search.getQuorum() > 0) question.quorum = search.getQuorum();
  question.own_copy = newest_ = start_.own_copy;
  if (goal.isValue()) record_ = start_.own_record;
  const auto seconds = std::chrono::seconds(search.getSeconds());
  question.deadline = now() + (seconds.count() == 0 ? kSearchDue : std::min(seconds, kSearchDueMax));
  question.network = start_.network;
  question.round_trip = start_.round_trip;
  question.groups = start_.settings->groups;
  question.tracing = search.getExplain() ? Tracing::on : Tracing::off;
  tokens_ = start_.tokens;
  lookup_.emplace(question, start_.contacts);
  act(lookup_->start(now()));
}

void LookupActor::act(const Decisions& decisions) {
  for (const Ask& question : decisions.ask) send(question);
  if (outcome_) return;
  if (decisions.done) return searched(*decisions.done);
  if (const base::Instant at = lookup_->wake_at(); at != base::Instant::max())
    after<Tick>(std::max(at - now(), base::Duration::zero()));
}

// -- requests --------------------------------------------------------------------------------------------------------

template <class Q, class A, class Fill, class Take>
void LookupActor::ask_node(const Ask& question, Fill fill, Take take) {
  ask<Q, A>(
      node().reach(question.whom.where, kPath), question.answer_due,
      [&](typename Q::Builder out) {
        write_asker(out.initAsker(), *start_.settings);
        fill(out);
      },
      [this, question, take = std::move(take), at = now()](runtime::Answer<A> answer) {
        if (!answer.ok()) {
          const bool here = answer.envelope().header().origin != runtime::Origin::foreign;
          return failed(question, answer.error(), here);
        }
        LookupAnswer said;
        said.contacts = take_contacts(question.whom, answer.value().getContacts());
        if (const std::optional<Error> why = take(said, answer.value())) return failed(question, *why);
        answered(question, at, std::move(said), answer.value().getToken());
      });
}

void LookupActor::send(const Ask& question) {
  const auto key = data_of(lookup_->question().target.view());
  switch (lookup_->question().kind) {
    case LookupKind::find_value:
      return ask_node<wire::FindValue, wire::FoundValue>(
          question,
          [&](wire::FindValue::Builder out) {
            out.setSpace(static_cast<std::uint8_t>(space_));
            out.setKey(key);
          },
          [this, question](LookupAnswer& said, wire::FoundValue::Reader found) {
            return take_value(question, said, found);
          });
    case LookupKind::get_providers:
      return ask_node<wire::GetProviders, wire::Providers>(
          question, [&](wire::GetProviders::Builder out) { out.setKey(key); },
          [this, question](LookupAnswer& said, wire::Providers::Reader found) {
            auto named = read_contacts(found.getProviders(), kTakenMax, start_.settings->work_bits);
            disbelieve(named, question.whom);
            said.names_providers = !named.empty();
            said.providers = take_providers(named);
            return std::nullopt;
          });
    case LookupKind::find_node:
    case LookupKind::store_region:
      return ask_node<wire::FindNode, wire::Nodes>(
          question, [&](wire::FindNode::Builder out) { out.setTarget(key); },
          [](LookupAnswer&, wire::Nodes::Reader) { return std::nullopt; });
  }
}

std::optional<Error> LookupActor::take_value(const Ask& question, LookupAnswer& said, wire::FoundValue::Reader found) {
  const auto record = bytes_of(found.getRecord());
  if (record.empty()) return std::nullopt;
  const auto version = take_record(record, std::chrono::seconds(found.getLastsS()));
  if (version.ok()) said.version = version.value();
  // If only the clocks differ, the rest of the answer is valid.
  if (version.ok() || !no_good_ever(record, version.error())) return std::nullopt;
  accuse(question.whom, net::wire::Violation::BAD_RECORD, to_error(version.error()).message);
  return Error{Code::malformed, "the record does not belong under this key"};
}

void LookupActor::answered(const Ask& question, base::Instant asked_at, LookupAnswer answer,
                           capnp::Data::Reader token) {
  count_answer(asked(), now() - asked_at);
  note_heard(question.whom, asked_at);
  if (const auto shown = Token::from(bytes_of(token))) tokens_.insert_or_assign(question.whom.id, *shown);
  if (!outcome_) act(lookup_->answered(question.whom, answer, now()));
}

void LookupActor::note_heard(const Contact& whom, base::Instant asked_at) {
  heard_.push_back({whom, static_cast<std::uint32_t>(std::max<std::uint64_t>(us_of(now() - asked_at), 1))});
}

void LookupActor::failed(const Ask& question, const Error& why, bool here) {
  const AskFailure how = failure_of(why);
  count_failure(asked(), why);
  if (how == AskFailure::silent && world().mutations.on("dht.silence_is_punished"))
    accuse(question.whom, net::wire::Violation::MALFORMED, "nothing");
  if (why.code == Code::overloaded) overloaded_.insert(question.whom.id);
  if (why.code == Code::overloaded && here) unasked_.insert(question.whom.id);
  if (how == AskFailure::silent || how == AskFailure::unreachable) heard_.push_back({question.whom, 0});
  if (!outcome_) act(lookup_->failed(question.whom, how, now()));
}

Asked LookupActor::asked() const {
  switch (lookup_->question().kind) {
    case LookupKind::find_value: return Asked::find_value;
    case LookupKind::get_providers: return Asked::get_providers;
    case LookupKind::find_node:
    case LookupKind::store_region: return Asked::find_node;
  }
  return Asked::find_node;
}

void LookupActor::count_answer(Asked kind, base::Duration took) {
  Counters::Questions& counts = start_.settings->counters->of(kind);
  ++counts.answered;
  counts.microseconds += us_of(took);
}

void LookupActor::count_failure(Asked kind, const Error& why) {
  ++start_.settings->counters->of(kind).failed[static_cast<std::size_t>(failure_of(why))];
}

/// Keeps the record if it is the newest so far. Returns an error if it does not belong under the key.
base::Result<Version, RecordError> LookupActor::take_record(base::ByteView bytes, std::chrono::seconds lasts) {
  if (newest_ && std::ranges::equal(bytes, record_)) return *newest_;  // an identical record is verified once
  const auto record = parse(bytes);
  if (!record.ok()) return record.error();
  if (space_of(record.value()) != space_) return RecordError::foreign_key;
  const auto valid = validate(record.value(), lookup_->question().target, wall(), start_.settings->work_bits);
  if (!valid.ok() && !world().mutations.on("dht.record_unvalidated")) return valid.error();
  const Version version{sequence_of(record.value()), crypto::sha256(bytes)};
  if (!newest_ || *newest_ < version || world().mutations.on("dht.last_answer_wins")) {
    newest_ = version;
    record_.assign(bytes.begin(), bytes.end());
    lasts_ = lasts;
  }
  return version;
}

/// Reads one contact more than allowed, so that the lookup sees an excess.
std::vector<Contact> LookupActor::take_contacts(const Contact& from,
                                                capnp::List<messages::wire::Contact>::Reader list) {
  const unsigned work_bits = start_.settings->work_bits;
  auto out = read_contacts(list, kTakenMax + 1, work_bits);
  if (list.size() > kTakenMax) accuse(from, net::wire::Violation::TOO_MANY, "an answer with more than 20 contacts");
  else if (out.size() < list.size() && names_unproven(list, work_bits))
    accuse(from, net::wire::Violation::UNPROVEN_CONTACT, "a contact whose id lacks its work");
  disbelieve(out, from);
  return out;
}

void LookupActor::accuse(const Contact& whom, net::wire::Violation how, std::string_view what) {
  tell<net::wire::Misbehaved>(node().find(net::kPeersPath), [&](net::wire::Misbehaved::Builder out) {
    net::write_misbehaved(out, whom.id, how, what);
  });
}

// -- the end ---------------------------------------------------------------------------------------------------------

void LookupActor::searched(const LookupOutcome& outcome) {
  outcome_ = outcome;
  cancel<Tick>();
  ++start_.settings->counters->ended[static_cast<std::size_t>(outcome.ending)];
  if (outcome.ending == Ending::cancelled) return answer();
  take_rest();
  const std::vector<Key> silent = this->silent();
  silent_ = silent_lately_ = silent.size();
  // Each has, or may have, a value too large for a datagram; the farther nodes asked instead have none.
  const bool unread = goal_ == wire::Search::Goal::VALUE && !newest_ && silent.empty();
  for (const Contact& one : outcome_->nearest) unasked_.erase(one.id);
  if (unread) silent_ = silent_lately_ = unasked_.size();
  busy_ = static_cast<std::size_t>(
      std::ranges::count_if(silent, [this](const Key& one) { return overloaded_.contains(one); }));
  // If most are silent, this node may be cut off.
  if (silent_ <= outcome_->nearest.size())
    for (const Key& id : start_.gone)
      silent_lately_ -=
          silent_lately_ > 0 && std::ranges::find(outcome_->nearest, id, &Contact::id) == outcome_->nearest.end();
  stores_began_ = now();
  if (goal_ == wire::Search::Goal::STORE || goal_ == wire::Search::Goal::PROVIDE) return store();
  if (goal_ == wire::Search::Goal::REGION) return store_region();
  answer();
}

void LookupActor::cancel_search() {
  if (!lookup_) return;
  if (!outcome_) return act(lookup_->cancel(now()));
  answer();
}

void LookupActor::answer() {
  reply_.send([this](wire::SearchResult::Builder out) { finish_with(out); });
  finish();
}

void LookupActor::finish_with(wire::SearchResult::Builder out) {
  out.setEnding(std::string(name(outcome_->ending)));
  write(out.initNearest(size32(outcome_->nearest)), outcome_->nearest);
  if (goal_ == wire::Search::Goal::VALUE && newest_) {
    out.setRecord(data_of(record_));
    out.setHolders(static_cast<std::uint16_t>(outcome_->holders.size()));
    out.setLastsS(static_cast<std::uint32_t>(std::max<std::int64_t>(lasts_.count(), 0)));
    write_reached(out);
  }
  write(out.initProviders(size32(providers_)), providers_);
  out.setAsked(static_cast<std::uint16_t>(outcome_->asked));
  out.setUnanswered(static_cast<std::uint16_t>(outcome_->unanswered));
  out.setSilent(static_cast<std::uint16_t>(silent_));
  out.setSilentLately(static_cast<std::uint16_t>(silent_lately_));
  out.setBusy(static_cast<std::uint16_t>(busy_));
  out.setHops(static_cast<std::uint16_t>(outcome_->hops));
  out.setMicroseconds(us_of(now() - began_));
  out.setStores(static_cast<std::uint16_t>(stores_.asked));
  out.setStored(static_cast<std::uint16_t>(stores_.stored));
  out.setNeeded(static_cast<std::uint16_t>(needed(stores_)));
  if (!refusals_.empty()) write_refusal(out.initRefusal(), refusals_);
  out.setOwnFailure(own_failure_);
  const Explanation& why = lookup_->explain();
  auto questions = out.initQuestions(size32(why.hops));
  for (unsigned i = 0; i < questions.size(); ++i) write(questions[i], why.hops[i], now());
  auto refused = out.initRefused(size32(why.refused));
  for (unsigned i = 0; i < refused.size(); ++i) write(refused[i], why.refused[i]);
  write_items(out);
  // A late node may have answered during the stores.
  std::vector<const Contact*> overdue;
  for (const Contact& one : outcome_->overdue)
    if (std::ranges::none_of(heard_, [&](const Heard& other) { return other.whom.id == one.id; }))
      overdue.push_back(&one);
  auto heard = out.initHeard(static_cast<unsigned>(heard_.size() + overdue.size()));
  for (unsigned i = 0; i < overdue.size(); ++i) {
    auto silent = heard[size32(heard_) + i];
    write(silent.initContact(), *overdue[i]);
    silent.setOverdue(true);
  }
  for (unsigned i = 0; i < heard_.size(); ++i) {
    write(heard[i].initContact(), heard_[i].whom);
    heard[i].setMicroseconds(heard_[i].microseconds);
    const auto token = tokens_.find(heard_[i].whom.id);
    if (heard_[i].microseconds > 0 && token != tokens_.end()) heard[i].setToken(data_of(token->second.view()));
  }
}

/// Writes the stale replicas, and the node for a copy; none for a search that was cut short.
void LookupActor::write_reached(wire::SearchResult::Builder out) const {
  if (outcome_->ending == Ending::deadline || outcome_->ending == Ending::cancelled) return;
  const auto put = [&](wire::Reached::Builder to, const Contact& one) {
    write(to.initContact(), one);
    to.setToken(data_of(tokens_.at(one.id).view()));
  };
  std::vector<const Contact*> stale;
  for (const Contact& one : outcome_->behind)
    if (stale.size() < kStaleMax && tokens_.contains(one.id)) stale.push_back(&one);
  auto list = out.initLagging(size32(stale));
  for (unsigned i = 0; i < list.size(); ++i) put(list[i], *stale[i]);
  if (outcome_->cache_at && tokens_.contains(outcome_->cache_at->id)) put(out.initCopyAt(1)[0], *outcome_->cache_at);
}

void LookupActor::check() const {
  base::ensure(heard_.size() <= 2 * kAskedMax + 2 * kRegionMax, "a search asks a limited number of nodes");
  base::ensure(said_ <= stores_.asked && stores_.stored <= said_, "a store is acknowledged once");
}

void LookupActor::describe(wire::LookupState::Builder state) {
  if (!lookup_) return;
  state.setTarget(lookup_->question().target.hex());
  constexpr const char* kGoals[] = {"nodes", "value", "providers", "store", "provide", "region"};
  state.setGoal(kGoals[static_cast<std::size_t>(goal_)]);
  state.setAsked(static_cast<std::uint32_t>(heard_.size() + lookup_->in_flight()));
  state.setInFlight(static_cast<std::uint32_t>(lookup_->in_flight()));
  state.setPhase(outcome_ ? "storing" : "searching");
  state.setRunsMs(ms_of(now() - began_));
  if (!outcome_) state.setDueMs(ms_of(lookup_->question().deadline - now()));
  state.setHolders(static_cast<std::uint32_t>(lookup_->agreeing()));
  state.setStores(static_cast<std::uint32_t>(stores_.asked));
  state.setStored(static_cast<std::uint32_t>(stores_.stored));
  const std::size_t shown = std::min(heard_.size(), kAnswersShown);
  auto paths = state.initPaths(static_cast<unsigned>(shown));
  for (std::size_t i = 0; i < shown; ++i) {
    const Heard& one = heard_[heard_.size() - shown + i];
    const std::string after = one.microseconds == 0 ? "no answer" : std::to_string(one.microseconds) + " us";
    paths.set(static_cast<unsigned>(i), one.whom.id.hex().substr(0, 8) + ": " + after);
  }
}

}  // namespace troupe::dht
