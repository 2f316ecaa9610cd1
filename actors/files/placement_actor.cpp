#include "actors/files/placement_actor.hpp"

#include "messages/contact.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::files {

void PlacementActor::receive(runtime::Handlers& on) {
  on.ask<wire::FindPlaces, wire::Places>([this](auto question, auto reply) {
    const auto position = read_id<base::NodeId>(question.getPosition());
    if (!position.ok()) return reply.refuse(position.error());
    if (waiting_.size() == kPlacesWaitingMax)
      return reply.refuse(
          {base::Code::overloaded, "too many searches for storage nodes: retry later", std::chrono::seconds(1)});
    ++asked_;
    waiting_.push_back({position.value(), std::move(reply)});
    serve();
  });
  on.describe<wire::PlacesState>([this](wire::PlacesState::Builder state) {
    state.setAsked(asked_);
    state.setSearches(searches_);
    state.setWaiting(size32(waiting_));
    state.setNeighbourhoods(static_cast<std::uint32_t>(known_.size()));
  });
}

/// Answers from known nodes, and searches for the rest unless a running search will cover it.
void PlacementActor::serve() {
  std::vector<Waiting> left;
  for (Waiting& one : std::exchange(waiting_, {})) {
    if (const auto* nodes = known_.find(one.position, now())) {
      one.reply.send([&](wire::Places::Builder out) {
        auto list = out.initNodes(size32(*nodes));
        for (unsigned i = 0; i < list.size(); ++i) messages::write_contact(list[i], (*nodes)[i].where);
      });
      continue;
    }
    const bool told = std::ranges::any_of(
        searching_, [&](const base::NodeId& target) { return known_.likely(target, one.position); });
    if (!told && searching_.size() < kSearchesAtOnce) search(one.position);
    left.push_back(std::move(one));
  }
  waiting_ = std::move(left);
}

void PlacementActor::search(const base::NodeId& target) {
  searching_.insert(target);
  ++searches_;
  ask<dht::wire::Search, dht::wire::SearchResult>(
      node().find(settings_.dht), now() + 2 * kPlacementDue,
      [&](dht::wire::Search::Builder out) {
        out.setKey(data_of(target.view()));
        out.getGoal().setNodes();
        out.setSeconds(static_cast<std::uint16_t>(kPlacementDue.count()));
      },
      [this, target](runtime::Answer<dht::wire::SearchResult> answer) { found(target, answer); });
}

void PlacementActor::found(const base::NodeId& target, runtime::Answer<dht::wire::SearchResult>& answer) {
  searching_.erase(target);
  std::vector<dht::Contact> nodes;
  if (answer.ok()) {
    for (const auto one : answer.value().getNearest()) {
      const base::Contact where = messages::read_contact(one);
      nodes.push_back({crypto::node_id(where.key, where.nonce), where});
    }
  }
  known_.found(target, std::move(nodes), now());
  serve();
}

void PlacementActor::check() const {
  base::ensure(searching_.size() <= kSearchesAtOnce && waiting_.size() <= kPlacesWaitingMax,
               "concurrent searches are limited");
  base::ensure(waiting_.empty() || !searching_.empty(), "waiting requests wait for a search");
}

}  // namespace troupe::files
