// Escrows, as a domain of a node.
#include "actors/escrow/escrows_actor.hpp"
#include "actors/escrow/sim.hpp"
#include "actors/node/api.hpp"

namespace troupe::escrow {
namespace {

using namespace std::chrono_literals;
using config::When;

constexpr auto kYears = 24h * 3'650;
constexpr auto kSignBy = config::duration("escrow.sign_by", "24h", 1s, kYears, When::start,
                                          "time in which the provider signs what a buyer of this node proposes");
constexpr auto kFundBy =
    config::duration("escrow.fund_by", "24h", 1s, kYears, When::start, "time in which both parties pay in");
constexpr auto kStart = config::duration("escrow.start_by", "72h", 1s, kYears, When::start,
                                         "time in which the provider starts, where --start does not say");
constexpr auto kDeliver = config::duration("escrow.deliver_by", "720h", 1s, kYears, When::start,
                                           "time in which it delivers, where --deliver does not say");
constexpr auto kReview = config::duration("escrow.review", "72h", 1s, kYears, When::start,
                                          "time for the buyer to look at a delivery, where --review does not say");
constexpr auto kMediation = config::duration("escrow.mediation", "48h", 1s, kYears, When::start,
                                             "time to agree in a dispute, before an arbiter is drawn");
constexpr auto kArbiterTerm =
    config::duration("escrow.arbiter_term", "168h", 1s, kYears, When::start, "time in which an arbiter rules");
constexpr auto kGrace = config::duration("escrow.grace", "1h", 1s, kYears, When::start,
                                         "time for which the book is back after an outage before a deadline counts");
constexpr auto kFreshLimit =
    config::count("escrow.fresh_limit", "0", 0, UINT32_MAX, When::start,
                  "what an account may put into one escrow on its first day, and once more each day; 0: no limit");
constexpr auto kRate = config::count("escrow.rate_per_account", "60", 1, 1'000'000, When::start,
                                     "acts of one account that are taken in a minute");
constexpr auto kArbiterBondMin = config::count("escrow.arbiter_bond_min", "1", 1, Amount::kMax, When::start,
                                               "the least bond with which an arbiter joins");
constexpr auto kSnapshotAfter = config::count("escrow.snapshot_after", "256", 1, 1'000'000, When::start,
                                              "entries of an escrow's log, after which a start need not read them");
constexpr std::string_view kSameOwners[] = {"note", "refuse"};
constexpr auto kSameOwner = config::choice("escrow.same_owner", "note", kSameOwners, When::start,
                                           "what becomes of an escrow whose parties ask through one node");
constexpr auto kSettings =
    std::to_array<config::Setting>({kSignBy, kFundBy, kStart, kDeliver, kReview, kMediation, kArbiterTerm, kGrace,
                                    kFreshLimit, kRate, kArbiterBondMin, kSnapshotAfter, kSameOwner});

node::Domain make(const node::DomainParts& parts) {
  auto settings = std::make_shared<EscrowSettings>();
  const auto span = [&](const auto& key) {
    return UnixMs(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(parts.settings.get(key)).count()));
  };
  settings->links = parts.links;
  settings->book =
      durable::Place::parse(std::get<std::string>(parts.settings.value("ledger.book"))).value_or(durable::Place{});
  settings->terms = {.sign_by = span(kSignBy),
                     .fund_by = span(kFundBy),
                     .start = {Due::Kind::after, span(kStart)},
                     .deliver = {Due::Kind::after, span(kDeliver)},
                     .review = {Due::Kind::after, span(kReview)},
                     .mediation = span(kMediation),
                     .arbiter_term = span(kArbiterTerm),
                     .grace = span(kGrace)};
  settings->guards.fresh_limit = Amount::of(parts.settings.get(kFreshLimit));
  settings->guards.same_owner = parts.settings.get(kSameOwner) == "refuse" ? SameOwner::refuse : SameOwner::note;
  settings->acts_per_minute = static_cast<std::uint32_t>(parts.settings.get(kRate));
  settings->arbiter_bond_min = Amount::of(parts.settings.get(kArbiterBondMin));
  settings->snapshot_after = parts.settings.get(kSnapshotAfter);
  settings->health = parts.health;
  settings->log = parts.domain_log;
  const SharedSettings shared = std::move(settings);
  return {.name = "escrow",
          .factory = [shared] { return std::make_unique<EscrowsActor>(shared); },
          .options = {.kind = EscrowsActor::kName}};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{
      .name = "escrow", .settings = kSettings, .logs = true, .make = make, .workload = workload};
  return spec;
}

}  // namespace troupe::escrow
