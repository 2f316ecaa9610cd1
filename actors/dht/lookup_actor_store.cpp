// The second phase of a search: storing a record at the nodes found, or announcing this node there.
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
  // This node is one of those that should hold it, if it lies among them; nobody looks for it at a client.
  const bool near_enough =
      nearest.size() < settings.copies ||
      base::distance(settings.identity->id(), target) < base::distance(nearest[settings.copies - 1].id, target);
  if (near_enough && settings.endpoint.dialable()) store_here();
  for (const Contact& whom : nearest)
    if (tokens_.contains(whom.id)) store_at(whom);
  end_stores_if_done();
}

void LookupActor::store_at(const Contact& whom) {
  ++stores_;
  const runtime::Handle there = node().reach(whom.where, kPath);
  const base::Instant due = now() + kStoreDue;
  const Token token = tokens_.at(whom.id);
  if (goal_ == wire::Search::Goal::PROVIDE) {
    return ask<wire::AddProvider, wire::Added>(
        there, due,
        [&](wire::AddProvider::Builder out) {
          write_asker(out.initAsker(), *start_.settings);
          out.setToken(data_of(token.view()));
          out.setKey(data_of(lookup_->question().target.view()));
        },
        [this](runtime::Answer<wire::Added> answer) {
          if (!answer.ok()) return unstored(answer.error());
          noted(true, std::nullopt);
        });
  }
  ask<wire::Store, wire::StoreDone>(
      there, due,
      [&](wire::Store::Builder out) {
        write_asker(out.initAsker(), *start_.settings);
        out.setToken(data_of(token.view()));
        out.setKey(data_of(lookup_->question().target.view()));
        out.setRecord(data_of(record_));
        if (expected_) out.getExpected().setSequence(*expected_);
      },
      [this](runtime::Answer<wire::StoreDone> answer) {
        if (!answer.ok()) return unstored(answer.error());
        noted(answer.value().getResult() == wire::StoreDone::Result::STORED, answer.value());
      });
}

/// By the same questions; an actor of this node needs no token.
void LookupActor::store_here() {
  ++stores_;
  const base::Instant due = now() + kCommitDue;
  if (goal_ == wire::Search::Goal::PROVIDE) {
    return ask<wire::AddProvider, wire::Added>(
        node().find(kPath), due,
        [&](wire::AddProvider::Builder out) {
          write_asker(out.initAsker(), *start_.settings);
          out.setKey(data_of(lookup_->question().target.view()));
        },
        [this](runtime::Answer<wire::Added> answer) {
          if (!answer.ok()) return unstored(answer.error());
          noted(true, std::nullopt);
        });
  }
  ask<wire::Store, wire::StoreDone>(
      node().find(kPath), due,
      [&](wire::Store::Builder out) {
        write_asker(out.initAsker(), *start_.settings);
        out.setKey(data_of(lookup_->question().target.view()));
        out.setRecord(data_of(record_));
        if (expected_) out.getExpected().setSequence(*expected_);
      },
      [this](runtime::Answer<wire::StoreDone> answer) {
        if (!answer.ok()) return unstored(answer.error());
        noted(answer.value().getResult() == wire::StoreDone::Result::STORED, answer.value());
      });
}

/// Whose disk is full says so by an error; of others nobody knows what became of it.
void LookupActor::unstored(const base::Error& why) {
  if (why.code == base::Code::no_space) ++refusals_[wire::StoreDone::Result::NO_SPACE].times;
  noted(false, std::nullopt);
}

void LookupActor::noted(bool stored, std::optional<wire::StoreDone::Reader> said) {
  ++said_;
  stored_ += stored;
  if (!stored && said) {
    Refusals& refusals = refusals_[said->getResult()];
    ++refusals.times;
    refusals.present = std::max(refusals.present, said->getPresent());
    if (refusals.why.empty()) refusals.why = text_of(said->getWhy()).substr(0, 128);
  }
  end_stores_if_done();
}

void LookupActor::end_stores_if_done() {
  if (said_ == stores_) return answer();
  // The others have a moment: what they say is worth knowing, and not worth waiting for a node that is gone.
  if (stored_ >= stores_needed(stores_, start_.settings->copies) && !std::exchange(enough_, true))
    after<Enough>(start_.round_trip.timeout());
}

}  // namespace troupe::dht
