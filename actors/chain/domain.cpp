// The domain of the ledger: the chain, the validator, and the account ledger (book) on the chain.
#include "actors/chain/chain_actor.hpp"
#include "actors/chain/chain_book_actor.hpp"
#include "actors/chain/sim.hpp"
#include "actors/chain/validator_actor.hpp"
#include "actors/node/api.hpp"

namespace troupe::chain {
namespace {

using namespace std::chrono_literals;

constexpr auto kGuardWait =
    config::duration("guard.wait", "30s", 100ms, 1h, config::When::start,
                     "how long a validator that was restored from a backup waits for the others before it signs again");
constexpr auto kCache = config::bytes("chain.cache", "256 MiB", 64 * config::kMiB, config::kTiB, config::When::start,
                                      "memory for the state of the chain");
constexpr auto kSettings = std::to_array<config::Setting>({kGuardWait, kCache});

constexpr std::string_view kHealthSources[] = {kHealthSource, kSigningSource, kDateSource, "chain.rows"};
constexpr std::string_view kGuardSources[] = {"chain.guard"};
constexpr std::string_view kBookSources[] = {"chain.book", kBookFeesHealth, kBookCreditsHealth};

std::shared_ptr<const crypto::SecretKey> signer_of(const base::Bytes& file) {
  std::string hex(file.begin(), file.end());
  while (!hex.empty() && hex.back() == '\n') hex.pop_back();
  const auto seed = base::Digest::from_hex(hex);
  if (!seed) return nullptr;
  return std::make_shared<const crypto::SecretKey>(crypto::Seed(seed->bytes));
}

ChainSettings read(const node::DomainParts& parts) {
  ChainSettings out{.links = parts.links, .identity = parts.identity};
  if (parts.kept) {
    if (const auto file = parts.kept(kChainFile))
      if (auto genesis = SignedGenesis::parse(*file); genesis.ok() && genesis.value().founded())
        out.genesis = std::make_shared<const SignedGenesis>(std::move(genesis).value());
    if (const auto file = parts.kept(kValidatorFile)) out.signer = signer_of(*file);
  }
  if (out.genesis) {
    const Genesis& genesis = out.genesis->genesis();
    out.dev = genesis.name == kDevName && genesis.founders.size() == 1 &&
              genesis.founders.front().node() == out.identity->id();
    // A key that is not a founder's signs nothing here.
    if (out.signer && std::ranges::none_of(genesis.founders, [&](const Founder& one) {
          return one.node() == out.identity->id() && one.consensus_key == out.signer->public_key();
        }))
      out.signer = nullptr;
  }
  out.guard_wait = parts.settings.get(kGuardWait);
  out.cache_bytes = static_cast<std::size_t>(parts.settings.get(kCache).value);
  out.counters = std::make_shared<Counters>();
  out.health = parts.health;
  out.log = parts.domain_log;
  return out;
}

node::Domain make(const node::DomainParts& parts) {
  const ChainSettings settings = read(parts);
  return {.name = "chain",
          .factory = [settings] { return std::make_unique<ChainActor>(settings); },
          .options = {.kind = ChainActor::kName},
          .counters = [counters = settings.counters] { return table_of(*counters); }};
}

node::Domain make_validator(const node::DomainParts& parts) {
  const ChainSettings settings = read(parts);
  return {.name = "validator",
          .factory = [settings] { return std::make_unique<ValidatorActor>(settings); },
          .options = {.kind = ValidatorActor::kName}};
}

node::Domain make_book(const node::DomainParts& parts) {
  const ChainSettings settings = read(parts);
  const auto place = durable::Place::parse(std::get<std::string>(parts.settings.value("ledger.book")));
  const auto use = place && place->chain ? ChainBookActor::Use::book : ChainBookActor::Use::none;
  return {.name = wallet::kChainBookRows,
          .factory = [settings, use] { return std::make_unique<ChainBookActor>(settings, use); },
          .options = {.kind = ChainBookActor::kName}};
}

}  // namespace

const node::DomainSpec& domain() {
  static const node::DomainSpec spec{.name = "chain",
                                     .settings = kSettings,
                                     .logs = true,
                                     .health = kHealthSources,
                                     .make = make,
                                     .workload = workload};
  return spec;
}

const node::DomainSpec& validator() {
  static const node::DomainSpec spec{.name = "validator", .health = kGuardSources, .make = make_validator};
  return spec;
}

const node::DomainSpec& book() {
  static const node::DomainSpec spec{
      .name = wallet::kChainBookRows, .logs = true, .health = kBookSources, .make = make_book};
  return spec;
}

}  // namespace troupe::chain
