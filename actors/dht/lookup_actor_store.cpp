// The second phase of a search: stores a record at the nodes found, or announces this node there.
#include <algorithm>
#include <utility>

#include "actors/dht/api.hpp"
#include "actors/dht/lookup_actor.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {

void LookupActor::store() {
  const auto& nearest = outcome_->nearest;
  const DhtSettings& settings = *start_.settings;
  const Key target = lookup_->question().target;
  // This node should store it if it is among the nearest nodes, unless it is a client: no search asks clients.
  const bool near_enough =
      nearest.size() < settings.copies ||
      base::distance(settings.identity->id(), target) < base::distance(nearest[settings.copies - 1].id, target);
  const bool here = near_enough && settings.endpoint.dialable();
  std::vector<Contact> there;
  for (const Contact& one : nearest)
    if (tokens_.contains(one.id)) there.push_back(one);
  if (too_busy(there.size() + (here ? 1 : 0))) return answer();
  if (here) store_here();
  for (const Contact& one : there) store_at(one);
  end_stores_if_done();
}

/// Returns whether too few of `stores` nodes, this node among them, would have it because other nodes could not be
/// asked now. Then nothing is stored, so that the whole put can be retried. After a repeated search some nodes have it
/// already.
bool LookupActor::too_busy(std::size_t stores) const {
  return busy_ > 0 && !anew_ && (outcome_->nearest.empty() || stores < needed({.asked = stores}));
}

void LookupActor::store_at(const Contact& holder) {
  const std::size_t group = group_of(&holder);
  stores_.ask(group);
  ask_to_store(stores_by(), &holder, lookup_->question().target, record_,
               [this, id = holder.id, group](const StoreAnswer& answer) {
                 if (answer.ok()) noted(group, answer.value(), id);
                 else unstored_at(id, answer.error());
               });
}

void LookupActor::store_here() {
  const std::size_t group = group_of(nullptr);
  stores_.ask(group);
  ask_to_store(stores_by(), nullptr, lookup_->question().target, record_, [this, group](const StoreAnswer& answer) {
    if (answer.ok()) return noted(group, answer.value(), start_.settings->identity->id());
    own_failure_ = answer.error().message.substr(0, 256);  // for the client, if too few other nodes have it
    unstored(answer.error());
  });
}

void LookupActor::ask_to_store(Asked kind, const Contact* whom, const Key& key, base::ByteView record,
                               base::Callback<void(const StoreAnswer&)> ended) {
  const runtime::Handle there = whom != nullptr ? node().reach(whom->where, kPath) : node().find(kPath);
  const base::Instant due = now() + (whom != nullptr ? base::Duration(kStoreDue) : base::Duration(kCommitDue));
  const auto fill = [&](auto out) {
    write_asker(out.initAsker(), *start_.settings);
    if (whom != nullptr) out.setToken(data_of(tokens_.at(whom->id).view()));
    out.setKey(data_of(key.view()));
  };
  if (kind == Asked::add_provider)
    return ask<wire::AddProvider, wire::Added>(
        there, due, fill, [ended = std::move(ended)](runtime::Answer<wire::Added> answer) mutable {
          ended(answer.ok() ? StoreAnswer(std::nullopt) : StoreAnswer(answer.error()));
        });
  ask<wire::Store, wire::StoreDone>(
      there, due,
      [&](wire::Store::Builder out) {
        fill(out);
        out.setRecord(data_of(record));
        if (expected_) out.getExpected().setSequence(*expected_);
      },
      [ended = std::move(ended)](runtime::Answer<wire::StoreDone> answer) mutable {
        ended(answer.ok() ? StoreAnswer(answer.value()) : StoreAnswer(answer.error()));
      });
}

/// Handles a failed store at a node that was not asked first. Another node may have its address now, or it is gone.
void LookupActor::unstored_at(const base::NodeId& whom, const base::Error& why) {
  const auto where = std::ranges::find(outcome_->nearest, whom, &Contact::id);
  if (where == outcome_->nearest.end() || !spared(whom)) return unstored(why);
  if (why.code == base::Code::refused && renewed_.insert(whom).second) return renew_token(*where);
  if (why.code == base::Code::timeout || why.code == base::Code::unavailable) {
    lost_ = true;
    heard_.push_back({*where, 0});
  }
  unstored(why);
}

/// Returns whether its token comes from an earlier search.
bool LookupActor::spared(const base::NodeId& whom) const {
  return start_.tokens.contains(whom) &&
         std::ranges::none_of(heard_, [&](const Heard& one) { return one.whom.id == whom && one.microseconds > 0; });
}

/// Asks for a new token: the node has restarted since it gave the token that it refuses.
void LookupActor::renew_token(const Contact& whom) {
  ask<wire::FindNode, wire::Nodes>(
      node().reach(whom.where, kPath), now() + kStoreDue,
      [&](wire::FindNode::Builder out) {
        write_asker(out.initAsker(), *start_.settings);
        out.setTarget(data_of(lookup_->question().target.view()));
        out.setContactsMax(1);
      },
      [this, whom, at = now()](runtime::Answer<wire::Nodes> answer) {
        const auto token = answer.ok() ? Token::from(bytes_of(answer.value().getToken())) : std::nullopt;
        if (!token) return unstored({base::Code::refused, "it refused an earlier search's token, and gave no new one"});
        tokens_.insert_or_assign(whom.id, *token);
        note_heard(whom, at);
        --stores_.asked;  // and counts it again
        store_at(whom);
      });
}

/// Repeats the search: too few nodes have it, and some nodes that this search did not ask are gone. Now all are asked.
void LookupActor::search_anew() {
  anew_ = true;
  stores_ = {};
  groups_.clear();
  said_ = silent_ = silent_lately_ = busy_ = 0;
  overloaded_.clear();
  unasked_.clear();
  refusals_.clear();
  outcome_.reset();
  auto contacts = start_.contacts;
  for (dht::Start& one : contacts) one.answered_lately = false;
  const LookupQuestion question = lookup_->question();
  lookup_.emplace(question, std::move(contacts));
  act(lookup_->start(now()));
}

/// Counts a failed store. A full disk is reported by an error; for other errors the outcome is unknown.
void LookupActor::unstored(const base::Error& why) {
  ++said_;
  if (why.code == base::Code::no_space) ++refusals_[wire::StoreDone::Result::NO_SPACE].times;
  count_failure(stores_by(), why);
  end_stores_if_done();
}

void LookupActor::noted(std::size_t group, const std::optional<wire::StoreDone::Reader>& said,
                        const base::NodeId& holder) {
  ++said_;
  count_answer(stores_by(), now() - stores_began_);
  if (!said || said->getResult() == wire::StoreDone::Result::STORED) stores_.store(group);
  else count(refusals_, *said, holder);
  end_stores_if_done();
}

void LookupActor::count(RefusalsBy& refusals, wire::StoreDone::Reader said, const base::NodeId& holder) {
  Refusals& same = refusals[said.getResult()];
  ++same.times;
  same.present = std::max(same.present, said.getPresent());
  if (same.why.empty() && said.hasWhy())
    same.why = "node " + holder.hex() + ": " + text_of(said.getWhy()).substr(0, 128);
}

/// Writes the most frequent refusal.
void LookupActor::write_refusal(wire::StoreDone::Builder out, const RefusalsBy& refusals) {
  const auto most = std::ranges::max_element(refusals, {}, [](const auto& one) { return one.second.times; });
  out.setResult(most->first);
  out.setPresent(most->second.present);
  out.setWhy(most->second.why);
}

std::size_t LookupActor::group_of(const Contact* holder) {
  const DhtSettings& settings = *start_.settings;
  const Group group = settings.groups.group_of(holder != nullptr ? holder->where.endpoint : settings.endpoint);
  const auto known = std::ranges::find(groups_, group);
  const auto number = static_cast<std::size_t>(known - groups_.begin());
  if (known == groups_.end() && number < kStoresMax) groups_.push_back(group);
  return std::min(number, kStoresMax - 1);  // further groups count as one
}

std::size_t LookupActor::needed(const StoreCount& stores) const {
  return stores_needed(stores, start_.settings->copies, start_.network ? Scale::large : Scale::small, silent_);
}

/// Returns the nodes that this node itself knew and that have not answered, unless enough other nodes replace them.
/// Contacts named by other nodes prove nothing: a malicious node could make a store fail with them.
std::vector<Key> LookupActor::silent() const {
  if (outcome_->nearest.size() >= start_.settings->copies) return {};
  const auto is_silent = [this](const dht::Start& one) {
    const auto is_it = [&](const Contact& other) { return other.id == one.contact.id; };
    if (std::ranges::any_of(outcome_->nearest, is_it)) return false;  // even if another address of it is silent
    if (std::ranges::any_of(outcome_->overdue, is_it) || overloaded_.contains(one.contact.id)) return true;
    bool asked = false, answered = false;
    for (const Heard& said : heard_) {
      if (!is_it(said.whom)) continue;
      asked = true;
      answered = answered || said.microseconds > 0;
    }
    return asked && !answered;
  };
  const auto is_failing = [this](const Key& id) {
    return std::ranges::find(outcome_->nearest, id, &Contact::id) == outcome_->nearest.end();
  };
  std::vector<Key> out;
  for (const dht::Start& one : start_.contacts)
    if (is_silent(one)) out.push_back(one.contact.id);
  for (const Key& id : start_.failing)
    if (is_failing(id)) out.push_back(id);
  return out;
}

void LookupActor::end_stores_if_done() {
  const bool enough = stores_.stored >= needed(stores_);
  if (said_ == stores_.asked && lost_ && !anew_ && !enough) return search_anew();
  if (said_ == stores_.asked) return answer();
  // The other nodes get a moment: their answers are useful, but not worth waiting for a dead node.
  if (enough && !std::exchange(enough_, true)) after<Enough>(start_.round_trip.timeout());
}

}  // namespace troupe::dht
