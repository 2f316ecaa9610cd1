// troupe sim eclipse
#include <cmath>

#include "apps/cli/json.hpp"
#include "apps/cli/terminal.hpp"
#include "apps/sim/dht_model/eclipse.hpp"
#include "apps/sim/options.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::apps::sim_command {
namespace {

using namespace dht::model;

constexpr std::uint64_t kNodesDefault = 1'000;
constexpr std::uint64_t kNodesMin = 100;      // with fewer nodes each knows all others
constexpr std::uint64_t kNodesMax = 100'000;  // takes hours
constexpr std::uint64_t kRoundsDefault = 40;
constexpr std::uint64_t kRoundsMax = 10'000;
constexpr std::size_t kFloodIds = 10'000;
constexpr std::size_t kFloodGroups = 10;

/// Each defence added in turn, and then each removed in turn.
constexpr Defences kGames[] = {{false, false, false}, {true, false, false}, {false, true, false}, {false, false, true},
                               {false, true, true},   {true, false, true},  {true, true, false},  {true, true, true}};

double hashes(const Score& score, unsigned work_bits) {
  return score.ids ? static_cast<double>(*score.ids) * score.tries_each * std::ldexp(1.0, static_cast<int>(work_bits))
                   : 0;
}

std::string on(bool defence) { return defence ? "on" : "off"; }

std::string least(const std::optional<std::size_t>& budget, std::size_t most) {
  return budget ? std::to_string(*budget) : "> " + std::to_string(most);
}

std::string power_of_two(double number) { return number <= 0 ? "-" : "2^" + fixed(std::log2(number), 1); }

void print_text(std::ostream& out, const std::vector<Score>& scores, const std::vector<Flood>& floods) {
  TextTable table({{"GROUPS"},
                   {"PATHS"},
                   {"REGION"},
                   {"IDS", Align::right},
                   {"/24S", Align::right},
                   {"HASHES, NO WORK", Align::right},
                   {"HASHES, WORK " + std::to_string(crypto::kWorkBitsDefault), Align::right}});
  for (const Score& one : scores)
    table.add({on(one.defences.groups), on(one.defences.paths), on(one.defences.region), least(one.ids, kIdsTriedMax),
               one.ids ? least(one.groups, kIdsToSpare * *one.ids) : "-", power_of_two(hashes(one, 0)),
               power_of_two(hashes(one, crypto::kWorkBitsDefault))});
  table.print(out);
  out << '\n';
  TextTable flooded({{"FLOOD OF A TABLE"},
                     {"GROUPS"},
                     {"IDS", Align::right},
                     {"/24S", Align::right},
                     {"CONTACTS", Align::right},
                     {"OF THEM FAKE", Align::right}});
  for (const Flood& one : floods)
    flooded.add({one.settled ? "a full table" : "an empty table", on(one.limited), std::to_string(one.budget.ids),
                 std::to_string(one.budget.groups), std::to_string(one.contacts), std::to_string(one.false_ones)});
  flooded.print(out);
}

void print_json(std::ostream& out, const std::vector<Score>& scores, const std::vector<Flood>& floods) {
  JsonLine<output::wire::SimEclipse> line;
  auto rows = line->initScores(static_cast<unsigned>(2 * scores.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    const Score& one = scores[i / 2];
    const unsigned work_bits = i % 2 == 0 ? 0 : crypto::kWorkBitsDefault;
    rows[i].setGroups(one.defences.groups);
    rows[i].setPaths(one.defences.paths);
    rows[i].setRegion(one.defences.region);
    rows[i].setWorkBits(static_cast<std::uint8_t>(work_bits));
    if (one.ids) rows[i].getIds().setValue(*one.ids);
    if (one.groups) rows[i].getAddressGroups().setValue(*one.groups);
    rows[i].setHashes(hashes(one, work_bits));
  }
  auto list = line->initFloods(static_cast<unsigned>(floods.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setLimited(floods[i].limited);
    list[i].setSettled(floods[i].settled);
    list[i].setIds(floods[i].budget.ids);
    list[i].setAddressGroups(floods[i].budget.groups);
    list[i].setContacts(floods[i].contacts);
    list[i].setFalseContacts(floods[i].false_ones);
  }
  line.print(out);
}

Ending run_eclipse(const Invocation& invocation, Console& console) {
  Eclipse game(invocation.number("--nodes").value_or(kNodesDefault),
               invocation.number("--rounds").value_or(kRoundsDefault), invocation.number("--seed").value_or(1));
  std::vector<Score> scores;
  for (const Defences& defences : kGames) scores.push_back(game.score(defences));
  std::vector<Flood> floods;
  for (const bool settled : {false, true})
    for (const bool limited : {false, true})
      floods.push_back(game.flood(limited, settled, {.ids = kFloodIds, .groups = kFloodGroups}));
  if (invocation.globals.json) print_json(console.out, scores, floods);
  else print_text(console.out, scores, floods);
  return Exit::done;
}

}  // namespace

Command eclipse() {
  return {.name = "sim eclipse",
          .summary = "Measure an attacker's cost of hiding a key of the DHT, with each defence off and on",
          .options = {number_option("--nodes", "N", "number of honest nodes (default 1000)", kNodesMin, kNodesMax),
                      number_option("--rounds", "R", "number of keys on which each attack is tried (default 40)", 2,
                                    kRoundsMax),
                      seed_option("seed of all random choices (default 1)")},
          .run = simulating(run_eclipse)};
}

}  // namespace troupe::apps::sim_command
