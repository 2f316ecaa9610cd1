#include "actors/chain/fork_recovery.hpp"

#include "actors/chain/api.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::size_t kResumingMax = 8;               // our choice
constexpr std::chrono::seconds kResumeWait{30};       // our choice: allows for a slow disk
constexpr std::chrono::seconds kForksDue{5};          // our choice: for up to 1 MiB
constexpr std::chrono::seconds kForksEach{5};         // our choice: per neighbour
constexpr std::size_t kForksGivenBytes = 900'000;     // below messages/chain.capnp: Forks
constexpr std::chrono::milliseconds kForkRetry{200};  // our choice
static_assert(kForksGivenBytes + kSignedForkBytesMax < 1'048'576, "a page of statements has room for one more");

}  // namespace

void ForkRecovery::resume_by(wire::ResumeChain::Reader ask, runtime::Reply<wire::ChainResumed> reply) {
  auto fork = parse_signed_fork(bytes_of(ask.getStatement()));
  if (!fork) return reply.refuse({Code::malformed, "malformed fork statement"});
  if (resuming_.size() >= kResumingMax)
    return reply.refuse({Code::overloaded, "too many fork statements wait (limit 8)", std::chrono::seconds(1)});
  resume_when_free({std::move(*fork), now() + kResumeWait, std::move(reply)});
}

/// Waits until a block that is being stored is done.
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

/// An error has changed nothing, except `unavailable`: then rows are read again.
void ForkRecovery::take_fork(const SignedFork& fork, Taken done) {
  const ForkStatement& wanted = fork.statement;
  const std::string height = std::to_string(wanted.height.value);
  if (!chain_.ready || going_on_ || chain_.finishing)
    return done(Error{Code::unavailable, "a block is being stored, or the chain is being read", kForkRetry});
  if (const SignedFork* known = chain_.ledger.forks().find(wanted.fork)) {
    if (known->statement == wanted) return done({});
    return done(Error{Code::conflict, "fork " + std::to_string(wanted.fork.value) + " has already resumed from block " +
                                          known->statement.block.hex() + " of height " +
                                          std::to_string(known->statement.height.value)});
  }
  if (wanted.fork <= chain_.fork)
    return done(Error{Code::refused, "the statement is for fork " + std::to_string(wanted.fork.value) +
                                         ", but the chain is at fork " + std::to_string(chain_.fork.value) +
                                         ": write a statement for the next fork"});
  if (chain_.ledger.forks().full()) return done(Error{Code::no_space, "a chain can resume at most 256 times"});
  if (wanted.height > chain_.ledger.head().height)
    return done(Error{Code::not_found, "this node has not reached height " + height + " yet"});
  const auto one = std::make_shared<const SignedFork>(fork);
  chain_.ledger.state_at(wanted.height, [this, one, seen = chain_.fork, height,
                                         done = std::move(done)](base::Outcome<std::optional<TreeRoot>> root) mutable {
    if (!root.ok()) return done(root.error());
    if (!root.value()) return done(chain_.not_kept(one->statement.height));
    const auto other = [height](const BlockId& here) {
      return Error{
          Code::conflict,
          "the block of height " + height + " is " + here.hex() +
              " on this node, not the block of the statement: name a height at which both chains have the same block"};
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

/// Counts its signatures by the validators that this state has for the next height, as of the fork `seen`.
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
          return done(Error{Code::unavailable, "the chain has resumed as another fork", kForkRetry});
        const auto verified = verify_fork(chain_.id, **set, fork, crypto::verify);
        if (verified.ok()) return go_on(fork, std::move(done));
        done(Error{Code::refused, verified.error() == ForkError::too_little
                                      ? "the statement is not signed by more than 2/3 of the stake"
                                      : "a signature of the statement does not belong to its validator"});
      });
}

void ForkRecovery::go_on(const SignedFork& fork, Taken done) {
  // The earlier findings may be outdated.
  if (!chain_.ready || going_on_ || chain_.finishing || fork.statement.fork <= chain_.fork ||
      fork.statement.height > chain_.ledger.head().height)
    return done(Error{Code::unavailable, "the chain has changed in the meantime", kForkRetry});
  const Height height = fork.statement.height;
  if (height.value > 0 && height < chain_.ledger.head().height && height <= chain_.ledger.lowest_state())
    return done(chain_.not_kept(Height{height.value - 1}));  // that state names the validators of the block that stays
  going_on_ = true;
  chain_.ready = false;  // until it is done, nothing is answered and no block is accepted
  rounds_.suspend();
  chain_.ledger.go_on(fork, [this, fork, done = std::move(done)](const base::Outcome<void>& gone) mutable {
    going_on_ = false;
    if (!gone.ok()) {
      rounds_.reopen("the chain could not resume as another fork: " + gone.error().message);
      return done(Error{Code::unavailable, gone.error().message, kForkRetry});
    }
    world().mutations.sometimes("chain: it went on as another fork");
    chain_.settings.log.warn("the chain resumes as another fork",
                             {{"fork", fork.statement.fork.value}, {"height", fork.statement.height.value}});
    rounds_.opened({});
    neighbours_.tell_head();
    done({});
  });
}

// -- statements of neighbours

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
        // It has announced a later fork.
        if (forks->empty()) neighbours_.missed(neighbour, &Conduct::forks, Code::not_found);
        take_forks(neighbour, forks, 0);
      });
}

/// Takes the first statement that is valid here; statements of other branches or later heights may precede it.
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
    found->blocks.gave();   // blocks of that fork may have come before the statement
    found->forks_due = {};  // it may know later statements
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
