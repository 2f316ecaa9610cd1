// Registers escrows as a domain of a node.
#include "actors/escrow/escrows_actor.hpp"
#include "actors/escrow/sim.hpp"
#include "actors/node/api.hpp"

namespace troupe::escrow {
namespace {

using namespace std::chrono_literals;
using config::When;

constexpr auto kYears = 24h * 3'650;
constexpr auto kSignBy = config::duration("escrow.sign_by", "24h", 1s, kYears, When::start,
                                          "time in which the provider signs a proposal of this node's buyer");
constexpr auto kFundBy =
    config::duration("escrow.fund_by", "24h", 1s, kYears, When::start, "time in which both parties deposit");
constexpr auto kStart = config::duration("escrow.start_by", "72h", 1s, kYears, When::start,
                                         "time in which the provider starts, without --start");
constexpr auto kDeliver = config::duration("escrow.deliver_by", "720h", 1s, kYears, When::start,
                                           "time in which the provider delivers, without --deliver");
constexpr auto kReview = config::duration("escrow.review", "72h", 1s, kYears, When::start,
                                          "time in which the buyer reviews a delivery, without --review");
constexpr auto kMediation = config::duration("escrow.mediation", "48h", 1s, kYears, When::start,
                                             "time to agree in a dispute, before an arbiter is drawn");
constexpr auto kArbiterTerm =
    config::duration("escrow.arbiter_term", "168h", 1s, kYears, When::start, "time in which an arbiter rules");
constexpr auto kGrace = config::duration("escrow.grace", "1h", 1s, kYears, When::start,
                                         "how long the book must be back after an outage before a deadline fires");
constexpr auto kFreshLimit = config::count(
    "escrow.fresh_limit", "0", 0, UINT32_MAX, When::start,
    "the most that an account may put into one escrow on its first day, and as much again every day; 0: no limit");
constexpr auto kRate = config::count("escrow.rate_per_account", "60", 1, 1'000'000, When::start,
                                     "acts per account and minute that the book accepts");
constexpr auto kArbiterBondMin =
    config::count("escrow.arbiter_bond_min", "1", 1, Amount::kMax, When::start, "the smallest bond of an arbiter");
constexpr auto kSnapshotAfter =
    config::count("escrow.snapshot_after", "256", 1, 1'000'000, When::start,
                  "entries of an escrow's log per snapshot, so that a start need not read older entries");
constexpr std::string_view kSameOwners[] = {"note", "refuse"};
constexpr auto kSameOwner =
    config::choice("escrow.same_owner", "note", kSameOwners, When::start,
                   "what to do with an escrow whose parties use the same node: note it, or refuse it");
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
