#include "actors/chain/chain_actor.hpp"

#include "actors/chain/validator_actor.hpp"
#include "messages/words.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kGuardDue{10};
constexpr std::chrono::milliseconds kReopen{500};  // our choice

}  // namespace

ChainActor::ChainActor(ChainSettings settings)
    : settings_(std::move(settings)), ledger_(*this, settings_.health, settings_.cache_bytes) {
  if (has_chain()) chain_ = {id_of(genesis()).bytes};
}

void ChainActor::receive(runtime::Handlers& on) {
  ledger_.receive<RowsAgain>(on);
  on.timer<Reopen>([this] { open(); });
  on.timer<Greet>([this] { greet(); });
  on.timer<Timeouts>([this] { timeouts(); });
  on.timer<Begin>([this] { begin_if_due(); });
  on.timer<Mend>([this] { mend(); });
  on.timer<AskBeside>([this] { sync(); });
  on.timer<TellTransactions>([this] { tell_transactions(); });
  on.timer<TellPool>([this] { tell_pool(); });
  on.timer<AskWanted>([this] { ask_wanted(); });
  on.timer<Waiters>([this] { overdue(); });
  on.timer<Rejoining>([this] { rejoin(); });
  on.timer<ResumeAgain>([this] { resume_again(); });

  on.ask<wire::GetChainHead, wire::ChainHead>([this](auto ask, auto reply) {
    if (!has_chain() || !ours(ask.getChain())) return reply.refuse({Code::not_found, "this node has another chain"});
    if (!ready_) return reply.refuse({Code::unavailable, "the chain is not read yet"});
    reply.send([this](wire::ChainHead::Builder out) { write_head(out); });
  });
  on.tell<wire::ChainHead>([this](auto head) {
    if (const auto from = caller().node; from && heeds_caller() && ours(head.getChain())) hear_head(*from, head);
  });
  on.ask<wire::GetBlocks, wire::FinalBlocks>([this](auto ask, auto reply) { give(ask, std::move(reply)); });
  on.tell<wire::HaveTransactions>([this](auto have) { hear_have(have); });
  on.ask<wire::GetTransactions, wire::Transactions>([this](auto ask, auto reply) { give(ask, std::move(reply)); });
  on.tell<wire::PushVote>([this](auto push_vote) {
    if (!heeds_caller() || !told_ours(push_vote.getChain())) return;
    const auto vote = parse_signed_vote(bytes_of(push_vote.getVote()));
    if (!vote) return accuse_caller(net::wire::Violation::MALFORMED, "bytes that are no vote");
    if (hear_late(*vote, caller().node)) return push(*vote, caller().node);
    if (!wanted(*vote)) return overhear(*vote);
    take(*vote);
    push(*vote, caller().node);
    drive();
  });
  on.tell<wire::PushProposal>([this](auto pushed) {
    if (!heeds_caller() || !told_ours(pushed.getChain())) return;
    const auto proposal = parse_signed_proposal(bytes_of(pushed.getProposal()));
    if (!proposal) return accuse_caller(net::wire::Violation::MALFORMED, "bytes that are no proposal");
    const auto from = caller().node;
    if (!wanted(*proposal)) {
      if (from) offer_again(*proposal, pushed.getBody(), *from);
      return;
    }
    // A false body is not passed on: the proposal comes to the others with its true one.
    const bool right = !from || offer(proposal->content.block, pushed.getBody(), *from);
    if (!right) accuse_caller(net::wire::Violation::BAD_RECORD, "a block that is not the proposed one");
    take(*proposal);
    if (right) push(*proposal, caller().node);
    drive();
  });
  on.ask<wire::GetProposed, wire::PushProposal>([this](auto ask, auto reply) {
    const auto id = BlockId::from(bytes_of(ask.getBlock()));
    const auto found = id && ours(ask.getChain()) ? candidates_.find(*id) : candidates_.end();
    if (found == candidates_.end()) return reply.refuse({Code::not_found, "that block is not here"});
    if (refuse_much(static_cast<std::uint32_t>(found->second->bytes.size() / kPieceBytes + 1), reply)) return;
    reply.send([&](wire::PushProposal::Builder out) { write(out.initBody(), *found->second); });
  });
  on.tell<wire::HeldVotes>([this](auto held) { hear_held(held); });
  on.ask<wire::GetLatestVote, wire::LatestVote>([this](auto ask, auto reply) { give(ask, std::move(reply)); });
  on.ask<wire::GetForks, wire::Forks>([this](auto ask, auto reply) { give(ask, std::move(reply)); });
  on.ask<wire::GetTreeRow, wire::TreeRow>([this](auto ask, auto reply) { give(ask, std::move(reply)); });
  answers(on);
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
  if (!has_chain()) return;
  ledger_.open(genesis(), random().next(), [this](const base::Outcome<void>& read) { opened(read); });
}

void ChainActor::stop() {
  ledger_.stop();
  if (settings_.health == nullptr) return;
  settings_.health->clear(kHealthSource);
  settings_.health->clear(kSigningSource);
  settings_.health->clear(kDateSource);
}

void ChainActor::opened(const base::Outcome<void>& read) {
  if (!read.ok()) {
    if (read.error().code == base::Code::corrupt) damaged_ = read.error();
    failed("the chain cannot be read: " + read.error().message);
    return after<Reopen>(kReopen);
  }
  damaged_.reset();
  since_ = now();
  if (const Fork latest = ledger_.forks().latest(); std::exchange(fork_, latest) != latest) forget_fork();
  if (const auto& divergence = ledger_.divergence()) {
    halted_ = true;
    for (Evidence& one : evidence_of(*divergence)) evidence_.emplace(chain::accused(one), std::move(one));
  }
  head_time_ = ledger_.head().time;
  settings_.counters->height = ledger_.head().height.value;
  settle_all();
  ask_guard({});
}

/// `blocks` came before: all that a validator keeps may be too large for one answer.
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
    failed("the validator does not answer: " + answer.error().message);
    return after<Reopen>(kReopen);
  }
  for (const auto block : answer.value().getBlocks()) blocks.emplace_back(block.begin(), block.end());
  if (answer.value().getBlocksLeft() > 0) return ask_guard(std::move(blocks));
  if (settings_.health != nullptr && !halted_) settings_.health->clear(kHealthSource);
  ready_ = true;
  std::set<base::NodeId> partners;
  for (const Validator& one : ledger_.next().validators->all()) partners.insert(one.id);
  settings_.links->set_partners(kPath, std::move(partners));
  next_height();
  resume(answer.value(), blocks);
  if (keyless()) tell_signing();
  if (ledger_.divergence()) stand_still();
  greet();
  mend();
  sync();
}

/// What `/validator` has kept of the height at hand is heard first.
void ChainActor::resume(wire::GuardIs::Reader kept, const std::vector<Bytes>& blocks) {
  key_ = base::PublicKey::from(bytes_of(kept.getKey()));
  if (!key_) return;
  if (const auto guard = decode_guard(bytes_of(kept.getGuard()))) guard_ = *guard;
  begin_rejoin(kept);
  if (halted_ || guard_.place().fork != fork_ || guard_.place().height != ledger_.head().height.next()) return;
  for (const Bytes& bytes : blocks) {
    auto block = parse_block(bytes);
    if (!block.ok()) continue;
    auto transactions = approve(std::move(block.value().transactions));
    if (!transactions) continue;
    auto candidate = judge(std::move(block).value(), std::move(*transactions));
    at_validator_.insert(candidate->id);
    candidates_[candidate->id] = std::move(candidate);
  }
  world().mutations.sometimes("chain: a validator went on where its guard stands");
  begin();
  for (const auto list : {kept.getProof(), kept.getVotes()})
    for (const auto bytes : list)
      if (const auto vote = parse_signed_vote(bytes_of(bytes))) static_cast<void>(consensus_->receive(*vote));
  for (const auto bytes : kept.getProposals())
    if (const auto proposal = parse_signed_proposal(bytes_of(bytes)))
      static_cast<void>(consensus_->receive(*proposal, unix_ms()));
  drive();
}

bool ChainActor::ours(capnp::Data::Reader chain) const {
  return has_chain() && ChainId::from(bytes_of(chain)) == std::optional(chain_);
}

/// What is told has no sender to ask: it is asked at its path.
runtime::Handle ChainActor::at(const base::NodeId& neighbour) const {
  const auto known = neighbours_.find(neighbour);
  return known != neighbours_.end() ? known->second.handle : settings_.links->remote(neighbour, kPath);
}

std::vector<base::NodeId> ChainActor::accused() const {
  std::vector<base::NodeId> out;
  for (const auto& [id, evidence] : evidence_) out.push_back(id);
  return out;
}

std::vector<BlockId> ChainActor::blocks_here() const {
  std::vector<BlockId> out;
  for (const auto& [id, candidate] : candidates_) out.push_back(id);
  return out;
}

UnixMs ChainActor::unix_ms() const { return UnixMs(static_cast<std::int64_t>(base::unix_milliseconds(wall()))); }

wallet::Address ChainActor::owner_of(const base::NodeId& validator) const {
  for (const Founder& one : genesis().founders)
    if (one.node() == validator) return one.address;
  return wallet::address_of(settings_.identity->public_key());
}

void ChainActor::reopen(const std::string& why) {
  failed(why);
  ready_ = finishing_ = false;
  blocks_awaited_to_ = {};
  giving_.clear();
  synced_.clear();
  consensus_.reset();
  timeouts_.clear();
  after<Reopen>(kReopen);
}

/// Nothing goes on until a person has looked.
void ChainActor::failed(const std::string& why) {
  settings_.log.error("the chain stands still", {{"why", std::string_view(why)}});
  if (settings_.health != nullptr)
    settings_.health->raise(kHealthSource, observe::HealthState::failing, "the chain stands still: " + why);
}

}  // namespace troupe::chain
