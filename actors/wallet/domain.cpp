// Registers the accounts of money as a domain of a node.
#include "actors/node/api.hpp"
#include "actors/wallet/wallet_actor.hpp"

namespace troupe::wallet {
namespace {

using config::When;

std::optional<std::string> check_place(const std::string& text) {
  if (durable::Place::parse(text)) return std::nullopt;
  return "`self`, `chain`, the id of a node, or group:NAME";
}

constexpr auto kBook = config::text(
    "ledger.book", "", 80, When::start,
    "where the book of accounts is: self, chain (of this node), a node's id, or group:NAME; empty: there is no money",
    check_place);
constexpr auto kOwnDaily =
    config::count("wallet.own_daily", "1000000", 0, Amount::kMax, When::start,
                  "the most that the node itself spends from its own account in one UTC day; 0: nothing");
constexpr auto kTransfers = config::count("wallet.transfers_per_account", "60000", 1, 100'000'000, When::start,
                                          "transfers per account and minute that the book accepts");
constexpr auto kOfOthers = config::count(
    "wallet.transfers_of_others", "1024", kStrangersMin, 1'000'000, When::start,
    "transfers per second that the book accepts from all other nodes together; a long transfer counts as several");
constexpr auto kSettings = std::to_array<config::Setting>({kBook, kOwnDaily, kTransfers, kOfOthers});

constexpr std::string_view kHealthSources[] = {"wallet.book", kLedgerHealth};

node::Domain make(const node::DomainParts& parts) {
  const WalletSettings settings{.links = parts.links,
                                .identity = parts.identity,
                                .book = durable::Place::parse(parts.settings.get(kBook)).value_or(durable::Place{}),
                                .own_daily = Amount::of(parts.settings.get(kOwnDaily)),
                                .transfers_per_minute = static_cast<std::uint32_t>(parts.settings.get(kTransfers)),
                                .strangers_per_second = static_cast<std::uint32_t>(parts.settings.get(kOfOthers)),
                                .health = parts.health,
                                .log = parts.domain_log};
  return {.name = "wallet",
          .factory = [settings] { return std::make_unique<WalletActor>(settings); },
          .options = {.kind = WalletActor::kName}};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{
      .name = "wallet", .settings = kSettings, .logs = true, .health = kHealthSources, .make = make};
  return spec;
}

}  // namespace troupe::wallet
