#include "actors/chain/api.hpp"
#include "actors/chain/fork_recovery.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kCompareDue{10};   // our choice: for a block of 2 MiB
constexpr std::chrono::seconds kCompareAll{60};   // our choice: for about ten requests
constexpr std::chrono::seconds kCompareEach{10};  // our choice: limits the cost of false heads

}  // namespace

struct HeadComparison::Comparing {
  base::NodeId node;
  runtime::Handle handle;
  Fork fork;
  base::Instant due;
  Height same, other;  // heights at which they presumably agree, and differ
  std::optional<Divergence> found;
  std::shared_ptr<void> flag;  // ends with this object
};

void HeadComparison::check_heads() {
  for (const base::NodeId& id : neighbours_.by_rank(&Conduct::commits)) check_head(id);
}

void HeadComparison::check_head(const base::NodeId& node_id) {
  Neighbour* const found = neighbours_.find(node_id);
  if (!chain_.ready || comparing_->contains(node_id) || chain_.ledger.divergence() || found == nullptr) return;
  Neighbour& one = *found;
  const rows::Head& head = chain_.ledger.head();
  if (one.fork != chain_.fork || one.head_height.value == 0 || now() < one.compare_due || !one.commits.may_ask(now()))
    return;
  if (one.head_height > head.height) {
    if (chain_.halted) compare(node_id, head.height);
    return;
  }
  if (one.head_height == head.height) {
    if (one.head != head.id) compare(node_id, head.height);
    return;
  }
  const Presence& presence = chain_.ledger.next().presence;
  const auto late = std::ranges::find(presence.heights, one.head_height, &Attendance::height);
  if (late != presence.heights.end()) {
    if (late->block != one.head) compare(node_id, one.head_height);
    return;
  }
  one.compare_due = now() + kCompareEach;
  chain_.ledger.block(one.head_height, [this, node_id, height = one.head_height,
                                        id = one.head](base::Outcome<std::optional<FinalRow>> row) {
    if (row.ok() && row.value() && row.value()->commit.block != id) compare(node_id, height);
  });
}

void HeadComparison::compare(const base::NodeId& node_id, Height height) {
  Neighbour* const found = neighbours_.find(node_id);
  if (comparing_->size() >= kAskedAtOnceMax || height.value == 0 || height > chain_.ledger.head().height ||
      found == nullptr)
    return;
  if (!comparing_->insert(node_id).second) return;
  found->compare_due = now() + kCompareEach;
  const auto comparing = std::make_shared<Comparing>();
  comparing->flag = std::shared_ptr<void>(nullptr, [all = comparing_, node_id](void*) { all->erase(node_id); });
  comparing->node = node_id;
  comparing->handle = found->handle;
  comparing->fork = chain_.fork;
  comparing->due = now() + kCompareAll;
  comparing->same = chain_.ledger.lowest_state();
  comparing->other = height;
  compare_next(comparing);
}

void HeadComparison::compare_next(std::shared_ptr<Comparing> comparing) {
  // Below the kept states nothing can be judged.
  if (comparing->other <= comparing->same) return;
  if (now() >= comparing->due) return neighbours_.missed(comparing->node, &Conduct::commits, Code::timeout);
  const std::uint64_t span = comparing->other.value - comparing->same.value;
  if (comparing->found && span == 1) return prove_divergence(std::move(comparing));
  const Height at = comparing->found ? Height{comparing->same.value + span / 2} : comparing->other;
  compare_commits(comparing, at, [this, comparing, at](base::Outcome<Commit> theirs) {
    // It is asked again once it announces its head.
    if (!theirs.ok()) return neighbours_.missed(comparing->node, &Conduct::commits, theirs.error().code);
    chain_.ledger.block(
        at, [this, comparing, at, commit = std::move(theirs).value()](base::Outcome<std::optional<FinalRow>> ours) {
          if (!ours.ok() || !ours.value() || comparing->fork != chain_.fork) return;
          if (ours.value()->commit.block == commit.block) {
            if (!comparing->found) return;
            comparing->same = at;
            return compare_next(comparing);
          }
          auto found = divergence_of(ours.value()->commit, commit);
          if (!found) return;
          comparing->found = std::move(found);
          comparing->other = at;
          compare_next(comparing);
        });
  });
}

/// Asks for the neighbour's commit of a height.
void HeadComparison::compare_commits(const std::shared_ptr<Comparing>& comparing, Height at, Compared then) {
  ask<wire::GetBlocks, wire::FinalBlocks>(
      comparing->handle, std::min<base::Instant>(now() + kCompareDue, comparing->due),
      [this, at](wire::GetBlocks::Builder out) {
        out.setChain(data_of(chain_.id.view()));
        out.setFrom(at.value);
        out.setCountMax(1);
      },
      [at, then = std::move(then)](runtime::Answer<wire::FinalBlocks> answer) mutable {
        if (!answer.ok()) return then(answer.error());
        const auto rows = answer.value().getRows();
        if (rows.size() == 0) return then(Error{Code::not_found, "the neighbour has no block at that height"});
        std::vector<Bytes> entries;
        for (const auto entry : rows[0].getCommit()) {
          if (entries.size() > kValidatorsMax) break;
          entries.emplace_back(entry.begin(), entry.end());
        }
        auto commit = commit_of(entries);
        if (!commit || commit->place.height != at)
          return then(Error{Code::malformed, "the neighbour sent no valid commit for that height"});
        then(std::move(*commit));
      });
}

void HeadComparison::prove_divergence(std::shared_ptr<Comparing> comparing) {
  const Height at = comparing->other;
  chain_.ledger.state_at(Height{at.value - 1}, [this, comparing, at](base::Outcome<std::optional<TreeRoot>> root) {
    if (!root.ok() || !root.value()) return;
    const auto set = std::make_shared<std::optional<ValidatorSet>>();
    chain_.ledger.with_rows(
        [this, set, before = *root.value()] {
          StateView state(chain_.ledger, before);
          *set = state.validators();
          return set->has_value();
        },
        [this, comparing, set, at](const base::Outcome<void>& read) {
          if (!read.ok() || comparing->fork != chain_.fork || chain_.ledger.divergence()) return;
          const Commit& theirs = comparing->found->theirs;
          const Wanted wanted{chain_.ledger.forks().of(at), at, theirs.block};
          if (verify_commit(chain_.id, **set, wanted, theirs, crypto::verify).ok())
            return rounds_.diverged(*comparing->found);
          neighbours_.missed(comparing->node, &Conduct::commits, Code::malformed);
          const std::string hex = comparing->node.hex();
          chain_.settings.log.warn("a neighbour announced another block, but its commit is invalid",
                                   {{"node", std::string_view(hex)}});
        });
  });
}

}  // namespace troupe::chain
