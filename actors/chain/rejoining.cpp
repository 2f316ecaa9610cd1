#include "actors/chain/rejoining.hpp"

#include "actors/chain/api.hpp"
#include "actors/chain/validator_actor.hpp"
#include "messages/codec.hpp"
#include "runtime/actor/used_elsewhere.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kAskEach{1};       // our choice
constexpr std::chrono::seconds kLatestDue{5};     // our choice: it may include a dial
constexpr std::chrono::seconds kPassDue{30};      // our choice: allows for a slow disk
constexpr std::chrono::seconds kAskingQuiet{10};  // our choice: a start takes a moment, which needs no warning
constexpr std::size_t kNamedMax = 8;              // our choice: validators in one error

std::string share_text(std::uint64_t power, std::uint64_t of) {
  return std::to_string(power) + " of " + std::to_string(of);
}

std::string missing_text(const std::vector<base::NodeId>& missing) {
  std::string out;
  for (std::size_t i = 0; i < std::min(missing.size(), kNamedMax); ++i) out += (i > 0 ? ", " : "") + missing[i].hex();
  if (missing.size() > kNamedMax) out += " and " + std::to_string(missing.size() - kNamedMax) + " more";
  return out;
}

Error refusal_of(ReleaseError why, const Rejoin& rejoin, Height from, Height head) {
  const std::string least = std::to_string(rejoin.release_from(head).value);
  switch (why) {
    case ReleaseError::free: return {Code::conflict, "this node's validator does not wait for its guard"};
    case ReleaseError::unheard:
      // All have responded, and none has shown anything newer than the guard.
      if (rejoin.unheard().empty())
        return {Code::unavailable, "the validator is still starting: no later signature of it is known",
                std::chrono::seconds(1)};
      return {Code::unavailable,
              "not all validators have responded, and they may know later signatures; missing: " +
                  missing_text(rejoin.unheard()),
              std::chrono::seconds(1)};
    case ReleaseError::low:
      return {Code::refused, "height " + std::to_string(from.value) +
                                 " is not above the head and all known signatures of the validator: "
                                 "use --from " +
                                 least};
    case ReleaseError::high: break;
  }
  return {Code::refused, "height " + std::to_string(from.value) + " is more than " +
                             std::to_string(Rejoin::kReleaseAheadMax) +
                             " above the lowest allowed height, and cannot be undone: use --from " + least};
}

}  // namespace

// -- at the start

void Rejoining::begin(wire::GuardIs::Reader kept, const Guard& guard) {
  for (const auto bytes : kept.getProof())
    if (const auto vote = parse_signed_vote(bytes_of(bytes))) remember(*vote);
  if (const auto& commit = chain_.ledger.head_commit()) remember(*commit);
  if (asked_since_ != base::Instant{}) return;  // only the rows were read again: the guard was never lost
  ask_others(guard);
  again();
}

/// `kept` is the guard of `/validator`.
void Rejoining::ask_others(const Guard& kept) {
  asked_since_ = now();
  rejoin_.emplace(chain_.settings.self(), chain_.ledger.next().validators, kept, chain_.settings.guard_wait, now());
  rejoin_->head_is(chain_.ledger.head().height, now());
  if (const SignedContent* own = latest_.of(chain_.settings.self())) rejoin_->show(*own, now());
}

/// While another node has this node's identity, it may sign contents that this guard does not know. Then the guard is
/// as outdated as a restored one.
void Rejoining::look_elsewhere() {
  if (used_elsewhere()) elsewhere_ = true;
  if (!elsewhere_ || used_elsewhere() || std::exchange(rereading_, true)) return;
  ask<wire::GetGuard, wire::GuardIs>(
      node().find(kValidatorPath), now() + kPassDue, [](wire::GetGuard::Builder out) { out.setBlocksFrom(kNoBlocks); },
      [this](runtime::Answer<wire::GuardIs> answer) {
        rereading_ = false;
        const auto guard = answer.ok() ? decode_guard(bytes_of(answer.value().getGuard())) : std::nullopt;
        if (!guard || !chain_.ready || used_elsewhere()) return;
        elsewhere_ = false;
        ask_others(*guard);
      });
}

void Rejoining::again() {
  after<Again>(kAskEach);
  if (!chain_.ready) return;
  look_elsewhere();
  if (rejoin_) {
    rejoin_->validators_are(chain_.ledger.next().validators, now());
    for (const Validator& one : chain_.ledger.next().validators->all())
      if (rejoin_->asks(one.id)) ask_latest(one.id);
  }
  go_on();
}

void Rejoining::go_on() {
  if (!chain_.ready) return;
  if (rejoin_ && !elsewhere_ && rejoin_->over(now())) pass_guard(rejoin_->last(), [](const base::Outcome<void>&) {});
  tell_signing();
  rounds_.sign_next();
}

void Rejoining::came(const base::NodeId& neighbour) {
  if (rejoin_ && rejoin_->asks(neighbour)) ask_latest(neighbour);
}

void Rejoining::ask_latest(const base::NodeId& validator) {
  if (!asking_latest_.insert(validator).second) return;
  ask<wire::GetLatestVote, wire::LatestVote>(
      neighbours_.at(validator), now() + kLatestDue,
      [this](wire::GetLatestVote::Builder out) {
        const base::NodeId self = chain_.settings.self();
        out.setChain(data_of(chain_.id.view()));
        out.setValidator(data_of(self.view()));
      },
      [this, validator](runtime::Answer<wire::LatestVote> answer) {
        asking_latest_.erase(validator);
        if (!answer.ok() || !rejoin_) return;
        if (const auto own = own_content(answer.value())) rejoin_->show(*own, now());
        rejoin_->hear(validator, {answer.value().getWaits(), Height{answer.value().getHeight()}}, now());
        go_on();
      });
}

/// Returns the response's content if it is verified to be from this validator.
std::optional<SignedContent> Rejoining::own_content(wire::LatestVote::Reader answer) const {
  const auto verified = [this](const auto& parsed) -> std::optional<SignedContent> {
    if (!parsed || parsed->validator != chain_.settings.self() ||
        !crypto::verify(*chain_.key, signed_bytes(chain_.id, parsed->content), parsed->signature))
      return std::nullopt;
    return *parsed;
  };
  const auto content = answer.getContent();
  if (content.isVote()) return verified(parse_signed_vote(bytes_of(content.getVote())));
  if (content.isProposal()) return verified(parse_signed_proposal(bytes_of(content.getProposal())));
  return std::nullopt;
}

// -- contents of other validators

void Rejoining::give(wire::GetLatestVote::Reader ask, runtime::Reply<wire::LatestVote> reply) {
  if (!chain_.ours(ask.getChain())) return reply.refuse({Code::not_found, "this node has another chain"});
  if (!chain_.ready) return reply.refuse({Code::unavailable, "the chain is not read yet"});
  const auto validator = base::NodeId::from(bytes_of(ask.getValidator()));
  if (!validator) return reply.refuse({Code::malformed, "the id of a validator has 20 bytes"});
  if (neighbours_.refuse_much(1, reply)) return;
  reply.send([&](wire::LatestVote::Builder out) {
    out.setWaits(rejoin_ && rejoin_->behind());
    out.setHeight(chain_.ledger.head().height.value);
    const SignedContent* known = latest_.of(*validator);
    if (known == nullptr) return;
    const Bytes bytes = std::visit([](const auto& one) { return encode(one); }, *known);
    if (std::holds_alternative<SignedVote>(*known)) out.getContent().setVote(data_of(bytes));
    else out.getContent().setProposal(data_of(bytes));
  });
}

void Rejoining::remember(const SignedContent& content) {
  const base::NodeId& validator = validator_of(content);
  if (!chain_.ledger.next().validators->index_of(validator)) return;
  latest_.hear(content);
  if (rejoin_ && validator == chain_.settings.self()) rejoin_->show(content, now());
}

void Rejoining::remember(const Commit& commit) {
  latest_.keep(*chain_.ledger.next().validators);
  if (rejoin_) rejoin_->head_is(chain_.ledger.head().height, now());
  for (const CommitVote& one : commit.votes) remember(SignedVote{commit.vote(), one.validator, one.signature});
}

void Rejoining::overhear(const SignedVote& vote) {
  const Place& place = vote.content.place;
  if (place.fork != chain_.fork || place.height > chain_.ledger.head().height.next() || !latest_.news(vote)) return;
  const ValidatorSet& validators = *chain_.ledger.next().validators;
  const auto index = validators.index_of(vote.validator);
  // Validators of another height may have other keys, so the sender is not accused, but its quota is charged.
  if (!index || neighbours_.too_much(1)) return;
  if (crypto::verify(validators.at(*index).key, signed_bytes(chain_.id, vote.content), vote.signature)) remember(vote);
}

// -- passing the guard

void Rejoining::pass_guard(const Place& last, base::Callback<void(const base::Outcome<void>&)> done) {
  if (std::exchange(passing_, true))
    return done(Error{Code::overloaded, "the guard is already being written", std::chrono::seconds(1)});
  ask<wire::PassGuard, wire::GuardIs>(
      node().find(kValidatorPath), now() + kPassDue,
      [&](wire::PassGuard::Builder out) {
        out.setFork(last.fork.value);
        out.setHeight(last.height.value);
      },
      [this, done = std::move(done)](runtime::Answer<wire::GuardIs> answer) mutable {
        passing_ = false;
        const auto guard = answer.ok() ? decode_guard(bytes_of(answer.value().getGuard())) : std::nullopt;
        if (!guard) {
          const Error why = answer.ok() ? Error{Code::internal, "the guard cannot be read"} : answer.error();
          chain_.settings.log.warn("the guard could not be advanced", {{"why", std::string_view(why.message)}});
          return done(why);
        }
        rejoin_->passed();
        chain_.settings.log.info("the validator signs again", {{"from", guard->place().height.value}});
        tell_signing();
        rounds_.passed(*guard);
        done({});
      });
}

void Rejoining::release(wire::ResumeValidator::Reader ask, runtime::Reply<wire::ValidatorResumed> reply) {
  if (!chain_.validator_here()) return reply.refuse({Code::not_found, "this node is not a validator of the chain"});
  if (!rejoin_) return reply.refuse({Code::conflict, "this node's validator does not wait for its guard"});
  if (elsewhere_) return reply.refuse({Code::conflict, why_silent()});
  const Height from{ask.getFrom()}, head = chain_.ledger.head().height;
  if (const auto may = rejoin_->may_release(from, head); !may.ok())
    return reply.refuse(chain::refusal_of(may.error(), *rejoin_, from, head));
  const Place last{std::max(chain_.fork, rejoin_->last().fork), Height{from.value - 1}, Round{}};
  pass_guard(last, [from, reply = std::move(reply)](const base::Outcome<void>& done) mutable {
    if (!done.ok()) return reply.refuse(done.error());
    reply.send([&](wire::ValidatorResumed::Builder out) { out.setHeight(from.value); });
  });
}

// -- why it is silent

bool Rejoining::used_elsewhere() const { return runtime::used_elsewhere(chain_.settings.links->own_id_met(), now()); }

bool Rejoining::may_sign() const {
  return (!rejoin_ || rejoin_->state() == RejoinState::free) && !elsewhere_ && !used_elsewhere();
}

/// Returns an empty string if the validator signs, or if there is none.
std::string Rejoining::why_silent() const {
  if (chain_.keyless())
    return "its consensus key is lost or damaged: restore DIR/validator, the file that `troupe chain found` wrote";
  if (!chain_.validator_here()) return {};
  if (elsewhere_ || used_elsewhere())
    return "identity used elsewhere: within the last 10 minutes another running node proved this node's key; "
           "stop it, because two validators with one key contradict each other";
  if (!rejoin_ || rejoin_->state() == RejoinState::free)
    return unsigned_.empty() ? std::string{} : "its signatures cannot be stored: " + unsigned_;
  if (!rejoin_->behind() && !rejoin_->caught_up())
    return "it fetches missing blocks before it signs: " +
           share_text(chain_.ledger.head().height.value, rejoin_->others_have().value);
  if (rejoin_->state() == RejoinState::asking)
    return "it asks the other validators for its latest signatures: " +
           share_text(rejoin_->heard_power(), rejoin_->power()) +
           " of the power has responded, more than 2/3 is needed";
  const std::string old = "the guard is older than the validator's signatures, as after a restore from a backup";
  const std::string from = std::to_string(rejoin_->release_from(chain_.ledger.head().height).value);
  if (rejoin_->state() == RejoinState::stuck)
    return old + "; validators with " + share_text(rejoin_->waiting_power(), rejoin_->power()) +
           " of the power wait, over 1/3: each operator must release its validator with `troupe validator resume NAME "
           "--from H`, where H is at least " +
           from;
  if (const auto due = rejoin_->due()) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(std::max(*due - now(), base::Duration::zero()));
    return old + "; it signs again after height " + std::to_string(rejoin_->last().height.value) + ", in " +
           std::to_string(left.count()) + " s";
  }
  return old + "; it asks the other validators: " + share_text(rejoin_->heard_power(), rejoin_->power()) +
         " of the power has responded and does not wait, 2/3 is needed";
}

void Rejoining::unsigned_for(std::string why) {
  if (why.empty() == unsigned_.empty()) return;
  unsigned_ = std::move(why);
  tell_signing();
}

void Rejoining::tell_signing() {
  const std::string why = why_silent();
  const std::string what = why.substr(0, why.find_first_of(":;"));
  if (std::exchange(silent_, what) != what) {
    if (what.empty()) chain_.settings.log.info("the validator signs");
    else chain_.settings.log.warn("the validator signs nothing", {{"why", std::string_view(why)}});
  }
  if (chain_.settings.health == nullptr) return;
  const bool starts = rejoin_ && rejoin_->state() == RejoinState::asking && now() < asked_since_ + kAskingQuiet;
  if (why.empty() || (starts && !elsewhere_)) chain_.settings.health->clear(kSigningSource);
  else
    chain_.settings.health->raise(kSigningSource, observe::HealthState::degraded,
                                  what);  // without the part that changes every second
}

void Rejoining::write_waits(wire::ChainStatus::Builder out) const {
  out.setWaits(why_silent());
  out.setPower(chain_.ledger.next().validators->power());
  if (rejoin_ && rejoin_->state() != RejoinState::free) out.setWaitingPower(rejoin_->waiting_power());
}

}  // namespace troupe::chain
