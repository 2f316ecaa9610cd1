// Registers the airdrops of a book as a domain of a node.
#include "actors/airdrop/airdrops_actor.hpp"
#include "actors/airdrop/sim.hpp"
#include "actors/node/api.hpp"

namespace troupe::airdrop {
namespace {

using namespace std::chrono_literals;

constexpr auto kObjections = config::duration("airdrop.objections", "72h", 1s, 24h * 366, config::When::start,
                                              "for how long the list of an airdrop is open to objections");
constexpr auto kSettings = std::to_array<config::Setting>({kObjections});

node::Domain make(const node::DomainParts& parts) {
  const AirdropSettings settings{
      .links = parts.links,
      .book =
          durable::Place::parse(std::get<std::string>(parts.settings.value("ledger.book"))).value_or(durable::Place{}),
      .objections = UnixMs(static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::milliseconds>(parts.settings.get(kObjections)).count())),
      .log = parts.domain_log};
  return {.name = "airdrop",
          .factory = [settings] { return std::make_unique<AirdropsActor>(settings); },
          .options = {.kind = AirdropsActor::kName}};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{
      .name = "airdrop", .settings = kSettings, .logs = true, .make = make, .workload = workload};
  return spec;
}

}  // namespace troupe::airdrop
