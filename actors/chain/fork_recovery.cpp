#include "actors/chain/fork_recovery.hpp"

#include "actors/chain/api.hpp"
#include "messages/words.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::size_t kResumingMax = 8;               // our choice
constexpr std::chrono::seconds kResumeWait{30};       // our choice: a slow disk is waited for
constexpr std::chrono::seconds kForksDue{5};          // our choice: up to 1 MiB
constexpr std::chrono::seconds kForksEach{5};         // our choice: of one neighbour
constexpr std::size_t kForksGivenBytes = 900'000;     // below messages/chain.capnp: Forks
constexpr std::chrono::milliseconds kForkRetry{200};  // our choice
static_assert(kForksGivenBytes + kSignedForkBytesMax < 1'048'576, "a page of statements has room for one more");

}  // namespace

void ForkRecovery::resume_by(wire::ResumeChain::Reader ask, runtime::Reply<wire::ChainResumed> reply) {
  auto fork = parse_signed_fork(bytes_of(ask.getStatement()));
  if (!fork) return reply.refuse({Code::malformed, "it is no statement by which a chain goes on"});
  if (resuming_.size() >= kResumingMax)
    return reply.refuse({Code::overloaded, "statements wait already to be taken", std::chrono::seconds(1)});
  resume_when_free({std::move(*fork), now() + kResumeWait, std::move(reply)});
}

/// A block that is being kept is waited for.
void ForkRecovery::resume_when_free(Resuming resuming) {
  const SignedFork fork = resuming.fork;
  take_fork(fork, [this, resuming = std::move(resuming)](const base::Outcome<void>& taken) mutable {
    if (!taken.ok() && taken.error().code == Code::unavailable && now() < resuming.due) {
      resuming_.push_back(std::move(resuming));
      return after<ResumeAgain>(kForkRetry);
    }
    if (!taken.ok()) return resuming.reply.refuse(taken.error());
    resuming.reply.send([&](wire::ChainResumed::Builder out) {
      out.setFork(resuming.fork.statement.fork.value);
      out.setHeight(resuming.fork.statement.height.value);
      out.setBlock(data_of(resuming.fork.statement.block.view()));
    });
  });
}

void ForkRecovery::resume_again() {
  for (Resuming& one : std::exchange(resuming_, {})) resume_when_free(std::move(one));
}

/// An error has changed nothing, unless it is `unavailable`: then rows are read again.
void ForkRecovery::take_fork(const SignedFork& fork, Taken done) {
  const ForkStatement& wanted = fork.statement;
  const std::string height = std::to_string(wanted.height.value);
  if (!chain_.ready || going_on_ || chain_.finishing)
    return done(Error{Code::unavailable, "a block is being kept, or the chain is being read", kForkRetry});
  if (const SignedFork* known = chain_.ledger.forks().find(wanted.fork)) {
    if (known->statement == wanted) return done({});
    return done(Error{Code::conflict, "fork " + std::to_string(wanted.fork.value) + " went on from block " +
                                          known->statement.block.hex() + " of height " +
                                          std::to_string(known->statement.height.value)});
  }
  if (wanted.fork <= chain_.fork)
    return done(Error{Code::refused, "the statement is of fork " + std::to_string(wanted.fork.value) +
                                         ", and the chain is at " + std::to_string(chain_.fork.value) +
                                         ": write one of the next fork"});
  if (chain_.ledger.forks().full()) return done(Error{Code::no_space, "a chain goes on at most 256 times"});
  if (wanted.height > chain_.ledger.head().height)
    return done(Error{Code::not_found, "this node has not come to height " + height + " yet"});
  const auto one = std::make_shared<const SignedFork>(fork);
  chain_.ledger.state_at(wanted.height, [this, one, seen = chain_.fork, height,
                                         done = std::move(done)](base::Outcome<std::optional<TreeRoot>> root) mutable {
    if (!root.ok()) return done(root.error());
    if (!root.value()) return done(chain_.not_kept(one->statement.height));
    const auto other = [height](const BlockId& here) {
      return Error{Code::conflict, "the block of height " + height + " is " + here.hex() +
                                       " here, another one: name a height at which both still had the same block"};
    };
    if (one->statement.height.value == 0) {
      const BlockId here{chain_.id.bytes};
      if (here != one->statement.block) return done(other(here));
      return verify_here(*one, seen, *root.value(), std::move(done));
    }
    chain_.ledger.block(one->statement.height, [this, one, seen, other, state = *root.value(), done = std::move(done)](
                                                   base::Outcome<std::optional<FinalRow>> row) mutable {
      if (!row.ok()) return done(row.error());
      if (!row.value()) return done(chain_.not_kept(one->statement.height));
      if (row.value()->commit.block != one->statement.block) return done(other(row.value()->commit.block));
      verify_here(*one, seen, state, std::move(done));
    });
  });
}

/// Its signatures count by the validators that this state has for the next height, as of the fork `seen`.
void ForkRecovery::verify_here(const SignedFork& fork, Fork seen, const TreeRoot& state, Taken done) {
  const auto set = std::make_shared<std::optional<ValidatorSet>>();
  chain_.ledger.with_rows(
      [this, set, state] {
        StateView view(chain_.ledger, state);
        *set = view.validators();
        return set->has_value();
      },
      [this, set, fork, seen, done = std::move(done)](const base::Outcome<void>& read) mutable {
        if (!read.ok()) return done(read.error());
        if (seen != chain_.fork)
          return done(Error{Code::unavailable, "the chain went on as another fork meanwhile", kForkRetry});
        const auto verified = verify_fork(chain_.id, **set, fork, crypto::verify);
        if (verified.ok()) return go_on(fork, std::move(done));
        done(Error{Code::refused, verified.error() == ForkError::too_little
                                      ? "validators with 2/3 of the stake or less have signed the statement"
                                      : "a signature of the statement is not of its validator"});
      });
}

void ForkRecovery::go_on(const SignedFork& fork, Taken done) {
  // What was found out a moment ago may have passed.
  if (!chain_.ready || going_on_ || chain_.finishing || fork.statement.fork <= chain_.fork ||
      fork.statement.height > chain_.ledger.head().height)
    return done(Error{Code::unavailable, "the chain went on meanwhile", kForkRetry});
  const Height height = fork.statement.height;
  if (height.value > 0 && height < chain_.ledger.head().height && height <= chain_.ledger.lowest_state())
    return done(chain_.not_kept(Height{height.value - 1}));  // which names the validators of the block that stays
  going_on_ = true;
  chain_.ready = false;  // nothing is answered, and no block is taken, until it is done
  rounds_.suspend();
  chain_.ledger.go_on(fork, [this, fork, done = std::move(done)](const base::Outcome<void>& gone) mutable {
    going_on_ = false;
    if (!gone.ok()) {
      rounds_.reopen("it could not go on as another fork: " + gone.error().message);
      return done(Error{Code::unavailable, gone.error().message, kForkRetry});
    }
    world().mutations.sometimes("chain: it went on as another fork");
    chain_.settings.log.warn("the chain goes on as another fork",
                             {{"fork", fork.statement.fork.value}, {"height", fork.statement.height.value}});
    rounds_.opened({});
    neighbours_.tell_head();
    done({});
  });
}

// -- of neighbours

void ForkRecovery::look_for_forks() {
  for (const base::NodeId& id : neighbours_.by_rank(&Conduct::forks))
    if (neighbours_.all().at(id).fork > chain_.fork) ask_forks(id);
}

void ForkRecovery::ask_forks(const base::NodeId& neighbour) {
  Neighbour* const found = neighbours_.find(neighbour);
  if (!chain_.ready || found == nullptr || now() < found->forks_due) return;
  if (!found->forks.may_ask(now()) || asking_forks_.size() >= kAskedAtOnceMax) return;
  if (!asking_forks_.insert(neighbour).second) return;
  found->forks_due = now() + kForksEach;
  ask<wire::GetForks, wire::Forks>(
      found->handle, now() + kForksDue,
      [this](wire::GetForks::Builder out) {
        out.setChain(data_of(chain_.id.view()));
        out.setFrom(chain_.fork.next().value);
      },
      [this, neighbour, from = chain_.fork](runtime::Answer<wire::Forks> answer) {
        if (!answer.ok()) {
          asking_forks_.erase(neighbour);
          neighbours_.missed(neighbour, &Conduct::forks, answer.error().code);
          return look_for_forks();
        }
        auto forks = std::make_shared<std::vector<SignedFork>>();
        for (const auto bytes : answer.value().getList()) {
          auto one = parse_signed_fork(bytes_of(bytes));
          if (one && one->statement.fork > from && forks->size() < kForksMax) forks->push_back(std::move(*one));
        }
        // It has told of a later fork.
        if (forks->empty()) neighbours_.missed(neighbour, &Conduct::forks, Code::not_found);
        take_forks(neighbour, forks, 0);
      });
}

/// The first that can be taken here: one of another branch, or of a height to come, may be followed by another.
void ForkRecovery::take_forks(const base::NodeId& neighbour, std::shared_ptr<const std::vector<SignedFork>> forks,
                              std::size_t at) {
  if (at >= forks->size()) {
    asking_forks_.erase(neighbour);
    return;
  }
  const SignedFork& one = (*forks)[at];
  if (one.statement.fork <= chain_.fork) return take_forks(neighbour, forks, at + 1);
  take_fork(one, [this, neighbour, forks, at](const base::Outcome<void>& taken) {
    if (!taken.ok()) return take_forks(neighbour, forks, at + 1);
    asking_forks_.erase(neighbour);
    Neighbour* const found = neighbours_.find(neighbour);
    if (found == nullptr) return;
    found->forks.gave();
    found->blocks.gave();   // of that fork, maybe, before the statement
    found->forks_due = {};  // it may know of later ones
    found->height = found->head_height;
  });
}

void ForkRecovery::give(wire::GetForks::Reader ask, runtime::Reply<wire::Forks> reply) {
  if (!chain_.ready || !chain_.ours(ask.getChain()))
    return reply.refuse({Code::not_found, "this node has another chain"});
  std::vector<const SignedFork*> list;
  std::size_t bytes = 0;
  for (const SignedFork& one : chain_.ledger.forks().all()) {
    if (one.statement.fork < Fork{ask.getFrom()}) continue;
    if (bytes > kForksGivenBytes) break;
    list.push_back(&one);
    bytes += signed_fork_bytes(one.signatures.size()) + 16;
  }
  if (neighbours_.refuse_much(static_cast<std::uint32_t>(bytes / kPieceBytes + 1), reply)) return;
  reply.send([&](wire::Forks::Builder out) {
    auto to = out.initList(size32(list));
    for (unsigned i = 0; i < to.size(); ++i) {
      const Bytes one = encode(*list[i]);
      to.set(i, data_of(one));
    }
  });
}

}  // namespace troupe::chain
