#pragma once
// A part of `/chain`: compares the state with another node's (`chain diff`), from the root down where hashes differ
// (logic/tree_diff.hpp), and gives its rows to other nodes that do so.
//
// Limits  kDiffsMax comparisons at a time.
#include "actors/chain/neighbours.hpp"

namespace troupe::chain {

class StateDiff final : public runtime::Part {
 public:
  StateDiff(runtime::Actor& owner, LocalChain& chain, Neighbours& neighbours)
      : Part(owner), chain_(chain), neighbours_(neighbours) {}
  void diff_with(wire::DiffChain::Reader ask, runtime::Reply<wire::ChainDiff> reply);
  void give(wire::GetTreeRow::Reader ask, runtime::Reply<wire::TreeRow> reply);

 private:
  struct Differing;
  void diff_roots(std::shared_ptr<Differing> differing);
  void ask_tree_row(std::shared_ptr<Differing> differing);
  void diff_next(std::shared_ptr<Differing> differing);

  LocalChain& chain_;
  Neighbours& neighbours_;
  const std::shared_ptr<std::size_t> diffs_ = std::make_shared<std::size_t>(0);  // under way
};

}  // namespace troupe::chain
