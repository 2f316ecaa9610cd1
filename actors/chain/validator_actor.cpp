#include "actors/chain/validator_actor.hpp"

#include "actors/chain/api.hpp"
#include "actors/chain/rows.hpp"
#include "messages/codec.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::ByteView;
using base::Code;

constexpr std::uint64_t kHeightEnd = std::uint64_t{1} << 63;  // messages/chain.capnp
constexpr std::size_t kBlocksBytes = 3u << 20;                // our choice: blocks in a GuardIs of up to 4 MiB
constexpr std::uint8_t kGuard = 'g', kProof = 'p', kVote = 'v', kProposal = 'o', kBlock = 'b';

Bytes row_key(std::uint8_t kind, ByteView rest = {}) {
  Bytes out{kind};
  base::append(out, rest);
  return out;
}
Bytes place_key(std::uint8_t kind, const Place& place, Step step) {
  Bytes out{kind};
  base::append_number(out, place.round.value);
  out.push_back(static_cast<std::uint8_t>(step));
  return out;
}
Bytes key_of(const Vote& vote) { return place_key(kVote, vote.place, vote.step); }
Bytes key_of(const Proposal& proposal) { return place_key(kProposal, proposal.place, Step::propose); }

std::string text_of_proven(const std::optional<Proven>& proven) {
  return proven ? proven->block.hex() + " since " + std::to_string(proven->round.value) : "none";
}

/// Calls `row` for each row of a block; the first key has no number.
void each_row(const BlockId& id, ByteView block, const auto& row) {
  rows::each_part(block, [&](std::uint8_t number, ByteView part) {
    Bytes key = row_key(kBlock, id.view());
    if (number > 0) key.push_back(number);
    row(std::move(key), part);
  });
}
void erase_block(store::RowChange& change, const BlockId& id, ByteView block) {
  each_row(id, block, [&](Bytes key, ByteView) { change.erase.push_back(std::move(key)); });
}

void set_list(capnp::List<capnp::Data>::Builder out, const auto& values) {
  unsigned i = 0;
  for (const Bytes& one : values) out.set(i++, data_of(one));
}
std::vector<Bytes> values_of(const auto& map) {
  std::vector<Bytes> out;
  for (const auto& [key, value] : map) out.push_back(value);
  return out;
}

}  // namespace

ValidatorActor::ValidatorActor(ChainSettings settings)
    : settings_(std::move(settings)),
      chain_(settings_.genesis ? ChainId{id_of(settings_.genesis->genesis()).bytes} : ChainId{}),
      rows_(*this, {.store = "/store",
                    .keyspace = "validator",
                    .what = "what this node's validator has signed",
                    .source = "chain.guard",
                    .health = settings_.health}) {}

void ValidatorActor::receive(runtime::Handlers& on) {
  rows_.receive<RowsAgain>(on);
  on.ask<wire::GetGuard, wire::GuardIs>([this](auto ask, auto reply) {
    if (ready_) guard(ask.getBlocksFrom(), reply);
    else waiting_.emplace_back(ask.getBlocksFrom(), std::move(reply));
  });
  on.ask<wire::SignContent, wire::SignedIs>([this](auto ask, auto reply) { sign(ask, std::move(reply)); });
  on.ask<wire::PassGuard, wire::GuardIs>([this](auto ask, auto reply) { pass(ask, std::move(reply)); });
  on.describe<wire::ValidatorState>([this](wire::ValidatorState::Builder state) {
    state.setSigns(settings_.signer != nullptr);
    state.setHeight(guard_.place().height.value);
    state.setRound(guard_.place().round.value);
    state.setStep(std::string(name(guard_.step())));
    state.setLocked(text_of_proven(guard_.locked()));
    state.setValid(text_of_proven(guard_.valid()));
    state.setRefused(refused_);
  });
}

void ValidatorActor::start() {
  if (settings_.signer == nullptr) return loaded({});
  rows_.load([this](ByteView key, ByteView value) { return take(key, value); },
             [this](const base::Outcome<void>& read) { loaded(read); });
}

store::Use ValidatorActor::take(ByteView key, ByteView value) {
  const Bytes bytes(value.begin(), value.end());
  const Bytes whole(key.begin(), key.end());
  switch (key.empty() ? 0 : key.front()) {
    case kGuard:
      if (const auto guard = decode_guard(value)) guard_ = *guard;
      // Without a guard anything might be signed again: an unreadable guard is damaged, not lost.
      else throw base::StateUnknown("the guard of the validator cannot be read");
      break;
    case kProof: proof_.push_back(bytes); break;
    case kVote: votes_[whole] = bytes; break;
    case kProposal: proposals_[whole] = bytes; break;
    case kBlock:
      // The rows of a block come in order.
      if (const auto id = BlockId::from(key.subspan(1, std::min(key.size() - 1, BlockId::kBytes))))
        base::append(blocks_[*id], value);
      break;
    default: return store::Use::erase;
  }
  return store::Use::keep;
}

void ValidatorActor::loaded(const base::Outcome<void>& read) {
  if (!read.ok()) return;  // it signs nothing; its health says why
  ready_ = true;
  for (auto& [blocks_from, reply] : std::exchange(waiting_, {})) guard(blocks_from, reply);
}

void ValidatorActor::guard(std::uint32_t blocks_from, GuardReply& reply) const {
  std::vector<Bytes> given;
  std::uint32_t left = 0;
  std::size_t at = 0, bytes = 0;
  for (const auto& [id, block] : blocks_) {
    if (at++ < blocks_from) continue;
    bytes += block.size();
    if (given.empty() || (left == 0 && bytes <= kBlocksBytes)) given.push_back(block);
    else ++left;
  }
  reply.send([&](wire::GuardIs::Builder out) {
    if (settings_.signer == nullptr) return;
    out.setKey(data_of(settings_.signer->public_key().view()));
    out.setGuard(data_of(encode(guard_)));
    out.setRefused(refused_);
    set_list(out.initProof(size32(proof_)), proof_);
    set_list(out.initVotes(size32(votes_)), values_of(votes_));
    set_list(out.initProposals(size32(proposals_)), values_of(proposals_));
    set_list(out.initBlocks(size32(given)), given);
    out.setBlocksLeft(left);
  });
}

void ValidatorActor::sign(wire::SignContent::Reader ask, Signing reply) {
  const auto wanted = decode_guard(bytes_of(ask.getGuard()));
  if (!ready_ || settings_.signer == nullptr)
    return reply.refuse({Code::unavailable, "this node's validator cannot sign: its guard is not read"});
  if (!wanted) return reply.refuse({Code::malformed, "malformed guard"});
  const auto content = ask.getContent();
  if (content.isVote()) {
    if (const auto vote = parse_vote(bytes_of(content.getVote()))) return sign(*vote, *wanted, ask, std::move(reply));
  } else if (const auto proposal = parse_proposal(bytes_of(content.getProposal()))) {
    return sign(*proposal, *wanted, ask, std::move(reply));
  }
  reply.refuse({Code::malformed, "malformed content: expected a vote or a proposal"});
}

void ValidatorActor::pass(wire::PassGuard::Reader ask, GuardReply reply) {
  if (!ready_ || settings_.signer == nullptr)
    return reply.refuse({Code::unavailable, "this node's validator cannot sign: its guard is not read"});
  if (ask.getHeight() >= kHeightEnd) return reply.refuse({Code::malformed, "invalid height: must be below 2^63"});
  const Guard next = Guard::past(Fork{ask.getFork()}, Height{ask.getHeight()});
  store::RowChange change;
  if (next.place() > guard_.place()) {
    forget_height(change);
    for (const auto& [id, block] : std::exchange(blocks_, {})) erase_block(change, id, block);
    guard_ = next;
  }
  if (unsaved_) add_all(change);
  change.save.push_back({row_key(kGuard), encode(guard_)});
  rows_.save(std::make_shared<const store::RowChange>(std::move(change)),
             [this, reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
               unsaved_ = !saved.ok();
               if (!saved.ok()) return reply.refuse({Code::unavailable, saved.error().message});
               guard(0, reply);
             });
}

void ValidatorActor::forget_height(store::RowChange& change) {
  for (std::size_t i = 0; i < proof_.size(); ++i) {
    Bytes key = row_key(kProof);
    base::append_number(key, static_cast<std::uint32_t>(i));
    change.erase.push_back(std::move(key));
  }
  for (const auto* map : {&votes_, &proposals_})
    for (const auto& [key, value] : *map) change.erase.push_back(key);
  proof_.clear();
  votes_.clear();
  proposals_.clear();
}

/// Writes everything except the guard, because rows may be missing on disk.
void ValidatorActor::add_all(store::RowChange& change) const {
  const auto add = [&](const Bytes& key, const Bytes& value) {
    if (std::ranges::find(change.save, key, &store::Row::key) == change.save.end()) change.save.push_back({key, value});
    std::erase(change.erase, key);
  };
  for (const auto* map : {&votes_, &proposals_})
    for (const auto& [key, value] : *map) add(key, value);
  for (const auto& [id, block] : blocks_)
    each_row(id, block, [&](const Bytes& key, ByteView part) { add(key, Bytes(part.begin(), part.end())); });
  for (std::size_t i = 0; i < proof_.size(); ++i) {
    Bytes key = row_key(kProof);
    base::append_number(key, static_cast<std::uint32_t>(i));
    add(key, proof_[i]);
  }
}

template <class Content>
void ValidatorActor::sign(const Content& content, const Guard& wanted, wire::SignContent::Reader ask, Signing reply) {
  if (!guard_.may(content).ok()) {
    ++refused_;
    return reply.refuse({Code::refused, "another content for this step, or a later content, was signed"});
  }
  const Place before = guard_.place();
  Guard next = guard_;
  next.record(content, wanted.locked(), wanted.valid());
  if (next != wanted) return reply.refuse({Code::refused, "the guard does not follow from the signed contents"});
  store::RowChange change;
  const auto save = [&](Bytes key, Bytes value) { change.save.push_back({std::move(key), std::move(value)}); };
  if (before.fork != content.place.fork || before.height != content.place.height) forget_height(change);
  for (const auto block : ask.getBlocks()) {
    auto parsed = parse_block(bytes_of(block));
    if (!parsed.ok()) return reply.refuse({Code::malformed, "malformed block"});
    const BlockId id = id_of(parsed.value().header);
    blocks_.insert_or_assign(id, Bytes(block.begin(), block.end()));
    if (world().mutations.on("chain.block_unsaved")) continue;
    each_row(id, bytes_of(block),
             [&](Bytes row, ByteView part) { save(std::move(row), Bytes(part.begin(), part.end())); });
  }
  std::erase_if(blocks_, [&, named = next.blocks()](const auto& one) {
    const bool kept = named.contains(one.first);
    if (!kept) erase_block(change, one.first, one.second);
    return !kept;
  });
  std::erase_if(change.save,
                [&](const store::Row& row) { return std::ranges::find(change.erase, row.key) != change.erase.end(); });
  if (ask.getProof().size() > 0) {
    std::uint32_t number = 0;
    const std::size_t old = proof_.size();
    proof_.clear();
    for (const auto vote : ask.getProof()) {
      proof_.emplace_back(vote.begin(), vote.end());
      Bytes key = row_key(kProof);
      base::append_number(key, number++);
      std::erase(change.erase, key);
      save(std::move(key), proof_.back());
    }
    for (; number < old; ++number) {
      Bytes key = row_key(kProof);
      base::append_number(key, number);
      change.erase.push_back(std::move(key));
    }
  }
  const Signed<Content> made{content, settings_.self(), settings_.signer->sign(signed_bytes(chain_, content))};
  Bytes key = key_of(content);
  std::erase(change.erase, key);
  auto& kept = std::is_same_v<Content, Vote> ? votes_ : proposals_;
  kept.insert_or_assign(key, encode(made));
  save(std::move(key), encode(made));
  if (unsaved_) add_all(change);
  // A split commit writes rows in this order: everything that the guard names comes before it.
  save(row_key(kGuard), encode(next));
  guard_ = next;
  if (world().mutations.on("chain.signed_unsaved")) {
    reply.send([&](wire::SignedIs::Builder out) { out.setSignature(data_of(made.signature.view())); });
    return rows_.save(std::move(change));
  }
  rows_.save(std::make_shared<const store::RowChange>(std::move(change)),
             [this, signature = made.signature, reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
               unsaved_ = !saved.ok();
               // It may be durable, so it counts as signed in any case: another content is refused.
               if (!saved.ok()) return reply.refuse({Code::unavailable, saved.error().message});
               reply.send([&](wire::SignedIs::Builder out) { out.setSignature(data_of(signature.view())); });
             });
}

}  // namespace troupe::chain
