#include "actors/chain/chain_actor.hpp"

#include "actors/chain/validator_actor.hpp"
#include "messages/codec.hpp"
#include "runtime/observe/date.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kGuardDue{10};
constexpr std::chrono::milliseconds kReopen{500};  // our choice
constexpr std::chrono::seconds kNoQuorum{20};      // our choice
constexpr std::size_t kDateToSeconds = 19;         // of a date's text, without the part that changes often

}  // namespace

ChainActor::ChainActor(ChainSettings settings)
    : chain_(*this, std::move(settings)),
      neighbours_(*this, chain_, [this](const auto& node, auto head) { hear_head(node, head); }),
      heads_(*this, chain_, neighbours_, *this),
      forks_(*this, chain_, neighbours_, *this),
      assembly_(*this, chain_, neighbours_, *this),
      repair_(*this, chain_, neighbours_, *this, assembly_),
      sync_(*this, chain_, neighbours_, *this, heads_, forks_),
      pool_(*this, chain_, neighbours_, *this, [this](const auto& sender) { gossip_.tell_what_may_go(sender); }),
      gossip_(*this, chain_, neighbours_, *this, pool_, assembly_, sync_),
      requests_(*this, chain_, neighbours_, *this, pool_),
      queries_(*this, chain_, neighbours_, *this),
      verification_(*this, chain_, neighbours_, *this),
      diff_(*this, chain_, neighbours_, *this),
      rejoining_(*this, chain_, neighbours_, *this) {}

void ChainActor::receive(runtime::Handlers& on) {
  chain_.ledger.receive<RowsAgain>(on);
  gossip_.receive(on);
  requests_.receive(on);
  queries_.receive(on);
  on.timer<Reopen>([this] { open(); });
  on.timer<Neighbours::Greet>([this] { neighbours_.greet(); });
  on.timer<Timeouts>([this] { timeouts(); });
  on.timer<Begin>([this] { begin_if_due(); });
  on.timer<Mend>([this] { mend(); });
  on.timer<BlockSync::AskBeside>([this] { sync_.sync(); });
  on.timer<Rejoining::Again>([this] { rejoining_.again(); });
  on.timer<ForkRecovery::ResumeAgain>([this] { forks_.resume_again(); });

  on.ask<wire::GetChainHead, wire::ChainHead>([this](auto ask, auto reply) {
    if (!chain_.exists() || !chain_.ours(ask.getChain()))
      return reply.refuse({Code::not_found, "this node has another chain"});
    if (!chain_.ready) return reply.refuse({Code::unavailable, "the chain is still being read"});
    reply.send([this](wire::ChainHead::Builder out) { neighbours_.write_head(out); });
  });
  on.tell<wire::ChainHead>([this](auto head) {
    if (const auto from = caller().node; from && neighbours_.heeds_caller() && chain_.ours(head.getChain()))
      hear_head(*from, head);
  });
  on.ask<wire::GetBlocks, wire::FinalBlocks>([this](auto ask, auto reply) { sync_.give(ask, std::move(reply)); });
  on.tell<wire::PushVote>([this](auto push_vote) {
    if (!neighbours_.heeds_caller() || !neighbours_.told_ours(push_vote.getChain())) return;
    const auto vote = parse_signed_vote(bytes_of(push_vote.getVote()));
    if (!vote) return neighbours_.accuse_caller(net::wire::Violation::MALFORMED, "a malformed vote");
    if (hear_late(*vote, caller().node)) return repair_.push(*vote, caller().node);
    if (!wanted(*vote)) return rejoining_.overhear(*vote);
    take(*vote);
    repair_.push(*vote, caller().node);
    drive();
  });
  on.tell<wire::PushProposal>([this](auto pushed) {
    if (!neighbours_.heeds_caller() || !neighbours_.told_ours(pushed.getChain())) return;
    const auto proposal = parse_signed_proposal(bytes_of(pushed.getProposal()));
    if (!proposal) return neighbours_.accuse_caller(net::wire::Violation::MALFORMED, "a malformed proposal");
    const auto from = caller().node;
    if (!wanted(*proposal)) {
      const auto heard = from ? assembly_.offer_again(*proposal, pushed.getBody(), *from) : std::nullopt;
      if (heard) repair_.push(*heard, from);
      return;
    }
    // A false body is not forwarded: other nodes get the proposal with its authentic body.
    const bool right = !from || assembly_.offer(proposal->content.block, pushed.getBody(), *from);
    if (!right) neighbours_.accuse_caller(net::wire::Violation::BAD_RECORD, "a block that is not the proposed one");
    take(*proposal);
    if (right) repair_.push(*proposal, caller().node);
    drive();
  });
  on.ask<wire::GetProposed, wire::PushProposal>(
      [this](auto ask, auto reply) { assembly_.give(ask, std::move(reply)); });
  on.tell<wire::HeldVotes>([this](auto held) { repair_.hear_held(held); });
  on.ask<wire::GetLatestVote, wire::LatestVote>(
      [this](auto ask, auto reply) { rejoining_.give(ask, std::move(reply)); });
  on.ask<wire::GetForks, wire::Forks>([this](auto ask, auto reply) { forks_.give(ask, std::move(reply)); });
  on.ask<wire::GetTreeRow, wire::TreeRow>([this](auto ask, auto reply) { diff_.give(ask, std::move(reply)); });
  on.ask<wire::GetChainStatus, wire::ChainStatus>([this](auto, auto reply) {
    if (!chain_.refuse_unready(reply)) status(reply);
  });
  on.ask<wire::VerifyChain, wire::ChainVerified>([this](auto ask, auto reply) {
    if (!chain_.refuse_unready(reply)) verification_.verify(ask, std::move(reply));
  });
  on.ask<wire::DiffChain, wire::ChainDiff>([this](auto ask, auto reply) {
    if (!chain_.refuse_unready(reply)) diff_.diff_with(ask, std::move(reply));
  });
  on.ask<wire::ResumeValidator, wire::ValidatorResumed>([this](auto ask, auto reply) {
    if (!chain_.refuse_unready(reply)) rejoining_.release(ask, std::move(reply));
  });
  on.ask<wire::ResumeChain, wire::ChainResumed>([this](auto ask, auto reply) {
    if (!chain_.refuse_unready(reply)) forks_.resume_by(ask, std::move(reply));
  });
  on.describe<wire::ChainState>([this](wire::ChainState::Builder out) {
    if (!chain_.ready) return;
    out.setHeight(chain_.ledger.head().height.value);
    out.setRound(chain_.consensus ? chain_.consensus->place().round.value : 0);
    out.setStep(chain_.consensus ? std::string(name(chain_.consensus->step())) : "idle");
    out.setPending(chain_.mempool.count());
    out.setNeighbours(size32(neighbours_.all()));
    out.setTarget(target().value);
    out.setCachedRows(chain_.ledger.cached());
  });
}

void ChainActor::start() {
  node()
      .publish<wire::GetChainHead, wire::ChainHead, wire::GetBlocks, wire::HaveTransactions, wire::GetTransactions,
               wire::PushVote, wire::PushProposal, wire::GetProposed, wire::HeldVotes, wire::GetLatestVote,
               wire::ResumeValidator, wire::GetChainStatus, wire::ListBlocks, wire::GetChainAccount, wire::ListState,
               wire::GetChainParams, wire::SubmitTransaction, wire::GetTransaction, wire::ListTransactions,
               wire::ListValidators, wire::VerifyChain, wire::WatchChain, wire::GetForks, wire::GetTreeRow,
               wire::DiffChain, wire::ResumeChain>(kPath, self());
  open();
}

void ChainActor::open() {
  if (!chain_.exists()) return;
  chain_.ledger.open(chain_.genesis(), random().next(), [this](const base::Outcome<void>& read) { opened(read); });
}

void ChainActor::stop() {
  chain_.ledger.stop();
  if (chain_.settings.health == nullptr) return;
  chain_.settings.health->clear(kHealthSource);
  chain_.settings.health->clear(kSigningSource);
  chain_.settings.health->clear(kDateSource);
}

void ChainActor::opened(const base::Outcome<void>& read) {
  if (!read.ok()) {
    if (read.error().code == base::Code::corrupt) chain_.damaged = read.error();
    failed("the chain cannot be read: " + read.error().message);
    return after<Reopen>(kReopen);
  }
  chain_.damaged.reset();
  since_ = now();
  if (const Fork latest = chain_.ledger.forks().latest(); std::exchange(chain_.fork, latest) != latest) forget_fork();
  if (const auto& divergence = chain_.ledger.divergence()) {
    chain_.halted = true;
    for (Evidence& one : evidence_of(*divergence)) chain_.evidence.emplace(chain::accused(one), std::move(one));
  }
  head_time_ = chain_.ledger.head().time;
  chain_.settings.counters->height = chain_.ledger.head().height.value;
  pool_.settle_all();
  ask_guard({});
}

/// `blocks` came in earlier responses: a validator's rows may be too large for one response.
void ChainActor::ask_guard(std::vector<Bytes> blocks) {
  const std::uint32_t from = size32(blocks);
  ask<wire::GetGuard, wire::GuardIs>(
      node().find(kValidatorPath), now() + kGuardDue, [from](wire::GetGuard::Builder out) { out.setBlocksFrom(from); },
      [this, blocks = std::move(blocks)](runtime::Answer<wire::GuardIs> answer) mutable {
        hear_guard(std::move(answer), std::move(blocks));
      });
}

void ChainActor::hear_guard(runtime::Answer<wire::GuardIs> answer, std::vector<Bytes> blocks) {
  if (!answer.ok()) {
    failed("the validator does not respond: " + answer.error().message);
    return after<Reopen>(kReopen);
  }
  for (const auto block : answer.value().getBlocks()) blocks.emplace_back(block.begin(), block.end());
  if (answer.value().getBlocksLeft() > 0) return ask_guard(std::move(blocks));
  if (chain_.settings.health != nullptr && !chain_.halted) chain_.settings.health->clear(kHealthSource);
  chain_.ready = true;
  std::set<base::NodeId> partners;
  for (const Validator& one : chain_.ledger.next().validators->all()) partners.insert(one.id);
  chain_.settings.links->set_partners(kPath, std::move(partners));
  next_height();
  resume(answer.value(), blocks);
  if (chain_.keyless()) rejoining_.tell_signing();
  if (chain_.ledger.divergence()) stand_still();
  neighbours_.greet();
  mend();
  sync_.sync();
}

/// Takes the contents that `/validator` has stored for the current height first.
void ChainActor::resume(wire::GuardIs::Reader kept, const std::vector<Bytes>& blocks) {
  chain_.key = base::PublicKey::from(bytes_of(kept.getKey()));
  if (!chain_.key) return;
  if (const auto guard = decode_guard(bytes_of(kept.getGuard()))) guard_ = *guard;
  rejoining_.begin(kept, guard_);
  if (chain_.halted || guard_.place().fork != chain_.fork ||
      guard_.place().height != chain_.ledger.head().height.next())
    return;
  for (const Bytes& bytes : blocks) {
    auto block = parse_block(bytes);
    if (!block.ok()) continue;
    auto transactions = approve(chain_, std::move(block.value().transactions));
    if (!transactions) continue;
    auto candidate = judge(chain_, std::move(block).value(), std::move(*transactions), world().mutations);
    at_validator_.insert(candidate->id);
    assembly_.candidates()[candidate->id] = std::move(candidate);
  }
  world().mutations.sometimes("chain: a validator went on where its guard stands");
  begin();
  for (const auto list : {kept.getProof(), kept.getVotes()})
    for (const auto bytes : list)
      if (const auto vote = parse_signed_vote(bytes_of(bytes))) static_cast<void>(chain_.consensus->receive(*vote));
  for (const auto bytes : kept.getProposals())
    if (const auto proposal = parse_signed_proposal(bytes_of(bytes)))
      static_cast<void>(chain_.consensus->receive(*proposal, unix_ms()));
  drive();
}

std::vector<base::NodeId> ChainActor::accused() const {
  std::vector<base::NodeId> out;
  for (const auto& [id, evidence] : chain_.evidence) out.push_back(id);
  return out;
}

std::vector<BlockId> ChainActor::blocks_here() const {
  std::vector<BlockId> out;
  for (const auto& [id, candidate] : assembly_.candidates()) out.push_back(id);
  return out;
}

/// The rows belong to a later fork: the chain went back, maybe in a commit whose result only the disk knows.
void ChainActor::forget_fork() {
  chain_.halted = false;
  // All of it is signed for the previous fork.
  chain_.mempool = Mempool();
  gossip_.forget();
  chain_.settings.counters->pending = 0;
  requests_.forget();
  late_.clear();
  unheard_.clear();
  spans_.clear();
  queries_.rewind();
}

void ChainActor::diverged(const Divergence& divergence) {
  chain_.halted = true;
  world().mutations.sometimes("chain: two blocks of one height were final");
  // A block that is being stored is completed: it belongs to this chain in any case.
  if (!chain_.finishing) {
    chain_.consensus.reset();
    timeouts_.clear();
    to_sign_.clear();
  }
  for (Evidence& one : evidence_of(divergence)) chain_.evidence.emplace(chain::accused(one), std::move(one));
  chain_.ledger.keep(divergence, [this](const base::Outcome<void>& kept) {
    // If not, it is found again after a restart, while that neighbour is there.
    if (!kept.ok())
      chain_.settings.log.error("two commits of one height could not be stored",
                                {{"why", std::string_view(kept.error().message)}});
  });
  stand_still();
}

void ChainActor::stand_still() {
  const Divergence& divergence = *chain_.ledger.divergence();
  failed(
      "two blocks of height " + std::to_string(divergence.height().value) + " are final, " +
      divergence.ours.block.hex() + " here and " + divergence.theirs.block.hex() + " at a neighbour; " +
      std::to_string(suspects_of(divergence).size()) +
      " validators have signed both. See `troupe chain status`, agree on the block that stays (`troupe chain fork`), "
      "and resume from it (`troupe chain resume`)");
}

void ChainActor::suspend() {
  sync_.forget();
  chain_.consensus.reset();
  timeouts_.clear();
  to_sign_.clear();
}

void ChainActor::reopen(const std::string& why) {
  failed(why);
  chain_.ready = chain_.finishing = false;
  sync_.forget();
  sync_.stop_giving();
  chain_.consensus.reset();
  timeouts_.clear();
  after<Reopen>(kReopen);
}

void ChainActor::hear_head(const base::NodeId& node_id, wire::ChainHead::Reader head) {
  const auto came = neighbours_.hear(node_id, head);
  if (came == Neighbours::Came::no_place) return;
  Neighbour& neighbour = *neighbours_.find(node_id);
  if (came == Neighbours::Came::first) {
    rejoining_.came(node_id);
    tell<wire::ChainHead>(neighbour.handle, [this](wire::ChainHead::Builder out) { neighbours_.write_head(out); });
    gossip_.came(neighbour);
  }
  if (neighbour.fork > chain_.fork) forks_.ask_forks(node_id);
  heads_.check_head(node_id);
  // The current block comes by votes; a node that is further behind has missed it.
  if (!chain_.consensus || neighbour.height > chain_.ledger.head().height.next()) sync_.sync();
}

/// While there is no progress, announces what is here; neighbours send what is missing.
void ChainActor::mend() {
  after<Mend>(VoteRepair::kMendEach);
  if (!chain_.ready) return;
  forks_.look_for_forks();
  if (chain_.halted) return heads_.check_heads();
  sign_next();
  assembly_.ask_again();
  tell_health();
  if (world().mutations.on("chain.not_mended")) return;
  if (std::exchange(progress_told_, progress_) != progress_ || !chain_.consensus || chain_.finishing) return;
  sync_.sync();
  repair_.tell_held();
}

Height ChainActor::target() const {
  Height out = chain_.ledger.head().height;
  for (const auto& [id, one] : neighbours_.all())
    if (one.fork >= chain_.fork) out = std::max(out, one.height);
  return out;
}

void ChainActor::status(runtime::Reply<wire::ChainStatus>& reply) const {
  reply.send([this](wire::ChainStatus::Builder out) {
    const rows::Head& head = chain_.ledger.head();
    const NextBlock& next = chain_.ledger.next();
    out.setChain(data_of(chain_.id.view()));
    out.setName(chain_.genesis().name);
    out.setMode(chain_.settings.dev ? "dev" : chain_.genesis().purpose == Purpose::test ? "test" : "real");
    out.setHeight(head.height.value);
    out.setId(data_of(head.id.view()));
    out.setTime(static_cast<std::uint64_t>(head.time.count()));
    out.setRound(chain_.consensus ? chain_.consensus->place().round.value : 0);
    out.setStep(chain_.consensus ? std::string(name(chain_.consensus->step())) : "idle");
    out.setValidators(size32(next.validators->all()));
    out.setStateRoot(data_of(head.state.hash.view()));
    out.setTarget(target().value);
    UnixMs sum{};
    for (const UnixMs span : spans_) sum += span;
    out.setBlockTimeMs(spans_.empty() ? 0 : static_cast<std::uint64_t>(sum.count()) / spans_.size());
    out.setPending(chain_.mempool.count());
    out.setBaseFee(next.totals.base_fee.value);
    out.setSupply(next.totals.supply.units());
    out.setQuorum(has_quorum());
    out.setNeighbours(size32(neighbours_.all()));
    rejoining_.write_waits(out);
    out.setFork(chain_.fork.value);
    if (!chain_.ledger.divergence()) return;
    const std::vector<base::NodeId> both = suspects_of(*chain_.ledger.divergence());
    auto suspects = out.initSuspects(size32(both));
    for (unsigned i = 0; i < suspects.size(); ++i) suspects.set(i, data_of(both[i].view()));
  });
}

bool ChainActor::has_quorum() const { return heard_quorum_ != base::Instant{} && !stands_still(); }

/// Whether a block is overdue.
bool ChainActor::stands_still() const {
  const auto empty = std::chrono::milliseconds(chain_.ledger.next().parameters[Param::block_empty_ms]);
  return now() >= since_ + empty + kNoQuorum;
}

void ChainActor::tell_health() {
  if (chain_.settings.health == nullptr) return;
  tell_date();
  if (!stands_still()) return chain_.settings.health->clear(kHealthSource);
  chain_.settings.health->raise(kHealthSource, observe::HealthState::degraded,
                                "no quorum: no block has become final since height " +
                                    std::to_string(chain_.ledger.head().height.value) + "; too few validators respond");
}

/// Either validators' clocks were ahead when they made the last block, or this node's clock is behind.
void ChainActor::tell_date() {
  const UnixMs date = chain_.ledger.head().time;
  const auto precision = UnixMs(chain_.ledger.next().parameters[Param::block_precision_ms]);
  if (date <= unix_ms() + precision) return chain_.settings.health->clear(kDateSource);
  const std::string text = observe::date_text(base::WallTime(date)).substr(0, kDateToSeconds) + 'Z';
  chain_.settings.health->raise(kDateSource, observe::HealthState::degraded,
                                "the date of the last block is " + text +
                                    ", later than this node's clock: until then each block is dated 1 ms after the "
                                    "last block; check the clocks of this node and of the validators");
}

/// Nothing continues until a person has intervened.
void ChainActor::failed(const std::string& why) {
  chain_.settings.log.error("the chain has stopped", {{"why", std::string_view(why)}});
  if (chain_.settings.health != nullptr)
    chain_.settings.health->raise(kHealthSource, observe::HealthState::failing, "the chain has stopped: " + why);
}

}  // namespace troupe::chain
