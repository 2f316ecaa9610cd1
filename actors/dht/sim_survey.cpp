#include "actors/dht/sim_survey.hpp"

#include "actors/dht/api.hpp"
#include "actors/dht/sim_clients.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {

void SimSurvey::ask_all(std::size_t node) {
  auto things = std::make_shared<Things>();
  for (const SimSpot& spot : ledger_.spots())
    if (spot.key) things->places.push_back(spot.place());
  for (const auto& [number, topic] : ledger_.topics()) things->keys.push_back(topic.key);
  go_on(node, things, 0);
}

void SimSurvey::go_on(std::size_t node, const std::shared_ptr<const Things>& things, std::size_t next) {
  const auto then = [this, node, things, next] { go_on(node, things, next + 1); };
  if (next < things->places.size()) {
    const RecordKey& place = things->places[next];
    return ask<wire::FindValue, wire::FoundValue>(
        node, kPath, kSimAnswer,
        [place](wire::FindValue::Builder out) {
          out.setSpace(static_cast<std::uint8_t>(place.space));
          out.setKey(data_of(place.key.view()));
          out.setContactsMax(1);
        },
        [place](SimReport& report, wire::FoundValue::Reader found) {
          if (!found.hasRecord()) return;
          const auto record = parse(bytes_of(found.getRecord()));
          if (record.ok()) report.records[place] = sequence_of(record.value());
        },
        then);
  }
  if (next - things->places.size() >= things->keys.size()) return;
  const Key& key = things->keys[next - things->places.size()];
  ask<wire::GetProviders, wire::Providers>(
      node, kPath, kSimAnswer, [key](wire::GetProviders::Builder out) { out.setKey(data_of(key.view())); },
      [key](SimReport& report, wire::Providers::Reader found) {
        for (const Contact& one : own_contacts(found.getProviders())) report.providers[key].insert(one.id);
      },
      then);
}

std::vector<std::string> SimSurvey::gaps() const {
  std::vector<std::string> out;
  for (std::size_t node = 0; node < nodes_.size(); ++node)
    if (std::string what = gap(node); !what.empty() && !(reports().contains(node) && nodes_.lost_data(node)))
      out.push_back(std::move(what));
  return out;
}

}  // namespace troupe::dht
