#include "actors/dht/sim_survey.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/sim_clients.hpp"
#include "actors/dht/wire.hpp"
#include "messages/contact.hpp"

namespace troupe::dht {

void SimSurvey::begin() {
  if (!asking_.empty()) return;
  ++round_;
  places_.clear();
  keys_.clear();
  for (const SimSpot& spot : ledger_.spots())
    if (spot.key) places_.push_back(spot.place());
  for (const auto& [number, topic] : ledger_.topics()) keys_.push_back(topic.key);
  std::vector<std::size_t> serving;
  for (std::size_t node = 0; node < nodes_.size(); ++node)
    if (nodes_.serving(node)) serving.push_back(node);
  for (const std::size_t node : serving) asking_[node] = {};
  for (const std::size_t node : serving) go_on(node, 0);
}

void SimSurvey::go_on(std::size_t node, std::size_t next) {
  if (next < places_.size()) return ask_record(node, next, places_[next]);
  next -= places_.size();
  if (next < keys_.size()) return ask_providers(node, places_.size() + next, keys_[next]);
  if (const auto at = asking_.find(node); at != asking_.end()) ended(at->second);
}

SimSurvey::Report* SimSurvey::asked(std::size_t node, std::uint64_t round) {
  const auto at = asking_.find(node);
  return round != round_ || at == asking_.end() ? nullptr : &at->second;
}

void SimSurvey::ended(Report& report) {
  report.ended = true;
  if (!std::ranges::all_of(asking_, [](const auto& one) { return one.second.ended; })) return;
  reports_ = std::exchange(asking_, {});
  ++round_;
}

void SimSurvey::died(std::size_t node) {
  reports_.erase(node);
  if (!asking_.empty()) ++round_;
  asking_.clear();
}

void SimSurvey::ask_record(std::size_t node, std::size_t next, const Place& place) {
  nodes_.inside(node, [this, node, next, place, round = round_](sim::Nodes::Inside& actor) {
    actor.ask<wire::FindValue, wire::FoundValue>(
        actor.node().find(kPath), actor.now() + kSimAnswer,
        [&](wire::FindValue::Builder out) {
          out.setSpace(static_cast<std::uint8_t>(place.space));
          out.setKey(data_of(place.key.view()));
          out.setContactsMax(1);
        },
        [this, node, next, round, place](runtime::Answer<wire::FoundValue> answer) {
          Report* const mine = asked(node, round);
          if (mine == nullptr) return;
          if (!answer.ok()) mine->error = answer.error().message;
          else if (answer.value().hasRecord())
            if (const auto record = parse(bytes_of(answer.value().getRecord())); record.ok())
              mine->records[place] = sequence_of(record.value());
          go_on(node, next + 1);
        });
  });
}

void SimSurvey::ask_providers(std::size_t node, std::size_t next, const Key& key) {
  nodes_.inside(node, [this, node, next, key, round = round_](sim::Nodes::Inside& actor) {
    actor.ask<wire::GetProviders, wire::Providers>(
        actor.node().find(kPath), actor.now() + kSimAnswer,
        [&](wire::GetProviders::Builder out) { out.setKey(data_of(key.view())); },
        [this, node, next, round, key](runtime::Answer<wire::Providers> answer) {
          Report* const mine = asked(node, round);
          if (mine == nullptr) return;
          if (!answer.ok()) mine->error = answer.error().message;
          else
            for (const auto one : answer.value().getProviders()) {
              const base::Contact where = messages::read_contact(one);
              mine->providers[key].insert(crypto::node_id(where.key, where.nonce));
            }
          go_on(node, next + 1);
        });
  });
}

std::vector<std::string> SimSurvey::errors() const {
  std::vector<std::string> out;
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    const auto at = reports_.find(node);
    if (at == reports_.end()) out.push_back(sim::node_name(node) + " was not asked yet what it holds");
    else if (!at->second.error.empty() && !nodes_.lost_data(node))
      out.push_back(sim::node_name(node) + " does not say what it holds: " + at->second.error);
  }
  return out;
}

}  // namespace troupe::dht
