// Registers the fund as a domain of a node.
#include "actors/fund/fund_actor.hpp"
#include "actors/node/api.hpp"

namespace troupe::fund {
namespace {

using config::When;

std::optional<std::string> check_signer(const std::string& text) {
  if (wallet::parse_address(text)) return std::nullopt;
  return "an address of 62 characters, as `troupe wallet show` prints it";
}

constexpr auto kSigners = config::texts(
    "fund.signers", wallet::kSignersMax, When::start,
    "addresses of the fund's signers, read once, when the fund is made; empty: the book's owner", check_signer);
constexpr auto kThreshold =
    config::count("fund.threshold", "1", 1, wallet::kSignersMax, When::start,
                  "how many signatures a payment of the fund needs, read once, when the fund is made");
constexpr auto kDailyCap = config::count("fund.daily_cap", "0", 0, Amount::kMax, When::start,
                                         "the most that the fund approves in one UTC day; 0: no limit");
constexpr auto kSettings = std::to_array<config::Setting>({kSigners, kThreshold, kDailyCap});

constexpr std::string_view kHealthSources[] = {kHealthSource};

node::Domain make(const node::DomainParts& parts) {
  FundSettings settings{
      .links = parts.links,
      .book =
          durable::Place::parse(std::get<std::string>(parts.settings.value("ledger.book"))).value_or(durable::Place{}),
      .threshold = parts.settings.get(kThreshold),
      .daily_cap = Amount::of(parts.settings.get(kDailyCap)),
      .health = parts.health,
      .log = parts.domain_log};
  for (const std::string& text : parts.settings.get(kSigners))
    if (const auto signer = wallet::parse_address(text)) settings.signers.push_back(*signer);
  return {.name = "fund",
          .factory = [settings] { return std::make_unique<FundActor>(settings); },
          .options = {.kind = FundActor::kName}};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{
      .name = "fund", .settings = kSettings, .logs = true, .health = kHealthSources, .make = make};
  return spec;
}

}  // namespace troupe::fund
