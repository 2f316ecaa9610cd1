#pragma once
// This node's chain on disk: its head, its blocks and their results, and the state tree.
//
// Rows     of the tree are read on demand: with_rows() repeats an attempt until all rows that it reads are in memory.
//          So an attempt must have no effect until it completes, and nothing blocks.
// Memory   ChainSettings::cache_bytes for recently used rows of the tree; more only while a single attempt needs more.
// Kept     states of the last kStatesKept heights; blocks, commits and receipts forever.
// Forks    the row of a fork is written in one commit with the head to which the chain goes back. All rows above that
//          head, which lookups would still find, are erased before anything else, also after a crash.
#include <map>
#include <set>

#include "actors/chain/logic/divergence.hpp"
#include "actors/chain/logic/fork.hpp"
#include "actors/chain/logic/machine.hpp"
#include "actors/chain/logic/row_cache.hpp"
#include "actors/chain/rows.hpp"
#include "runtime/store/rows.hpp"

namespace troupe::chain {

/// The part of the state after a block that the next block needs.
struct NextBlock {
  Totals totals;
  Parameters parameters;
  base::Digest blocks;  ///< root of all ids up to the head
  std::shared_ptr<const ValidatorSet> validators, next_validators;
  std::optional<Rotation> rotation;
  Presence presence;
  std::set<base::NodeId> judged;  ///< validators of these two sets that evidence in a block has convicted
};

/// A final block, and its proof.
struct FinalRow {
  base::Bytes block;
  Commit commit;
};

class Ledger final : public runtime::Part, public TreeRows {
 public:
  static constexpr std::uint64_t kStatesKept = 1'000;  // heights

  using Done = base::Callback<void(const base::Outcome<void>&)>;
  template <class T>
  using Then = base::Callback<void(base::Outcome<T>)>;

  Ledger(runtime::Actor& owner, observe::Health* health, std::size_t cache_bytes);
  /// The owner calls it in its receive().
  template <class Timer>
  void receive(runtime::Handlers& on) {
    rows_.receive<Timer>(on);
  }
  void stop() { rows_.stop(); }

  /// Reads the head, or writes the genesis state. `secret`: random number for RowKeyHash.
  void open(const Genesis& genesis, std::uint64_t secret, Done done);
  const rows::Head& head() const { return head_; }
  /// The validators whose votes made the head final.
  const std::shared_ptr<const ValidatorSet>& head_validators() const { return head_validators_; }
  /// Nullopt if the head is the genesis.
  const std::optional<Commit>& head_commit() const { return head_commit_; }
  const NextBlock& next() const { return next_; }

  /// Repeats `attempt` until all rows that it reads are in memory. `attempt` returns false if a row that it read is
  /// damaged.
  void with_rows(base::Callback<bool()> attempt, Done done) { with_rows(std::move(attempt), std::move(done), 0); }
  /// The latest state.
  StateView view() const { return StateView(*this, head_.state); }
  /// Returns null if the row is not in memory, and then records it as missing.
  RowBytes row(const RowKey& key) const override;
  std::shared_ptr<base::Bytes> buffer(std::size_t bytes) const override { return cache_.buffer(bytes); }
  std::size_t cached() const { return cache_.size(); }

  /// The result of running a block that was judged valid. Nothing is written.
  using Ran = base::Callback<void(base::Outcome<std::shared_ptr<const Executed>>)>;
  void run(const BlockContext& block, std::shared_ptr<const std::vector<Approved>> transactions, Ran done);
  /// Makes the block the head. It is durable when `done` is called.
  void append(const Block& block, const base::Bytes& bytes, const Commit& commit,
              std::shared_ptr<const std::vector<Approved>> transactions, std::shared_ptr<const Executed> executed,
              Done done);

  void block(Height height, Then<std::optional<FinalRow>> then);
  void receipts(Height height, Then<std::vector<base::Bytes>> then);
  void height_of(const BlockId& id, Then<std::optional<Height>> then);
  void location_of(const TxId& id, Then<std::optional<rows::Location>> then);
  struct History {
    std::vector<rows::Location> at;
    std::optional<base::Bytes> next;
  };
  void history(const wallet::Address& address, const base::Bytes& from, std::uint32_t limit, Then<History> then);
  /// Returns the root of the state after that height, or nullopt if it is not kept.
  void state_at(Height height, Then<std::optional<TreeRoot>> then);
  /// Returns the lowest height whose state is kept.
  Height lowest_state() const;
  /// Returns the bytes of a row of the tree, or nullopt if it is not kept.
  void tree_row(const RowKey& key, Then<std::optional<base::Bytes>> then);

  // Forks (ledger_forks.cpp).
  const ForkHistory& forks() const { return forks_; }
  /// The two commits because of which the chain is halted, if any.
  const std::optional<Divergence>& divergence() const { return divergence_; }
  void keep(const Divergence& divergence, Done done);
  /// Goes back to the block that the statement names. The caller has verified the signatures, and that this chain has
  /// the block. After an error the ledger must be opened again. Error `not_found`: the states of that height and of the
  /// height before it are not both kept; nothing has changed.
  void go_on(const SignedFork& fork, Done done);

 private:
  void read_next(Done done);
  void with_rows(base::Callback<bool()> attempt, Done done, std::size_t round);
  void load_missing(std::vector<RowKey> wanted, Done done);
  void parts(Height height, std::uint8_t part, base::Bytes so_far, Then<std::optional<base::Bytes>> then);
  void get(const base::Bytes& key, Then<std::optional<base::Bytes>> then);
  void prune();
  void prune_next();
  void open_head(Done done);
  void read_forks(const base::Bytes& from, Done done);
  void read_divergence(Done done);
  void set_head(const SignedFork& fork, const rows::Head& head, std::shared_ptr<const ValidatorSet> validators,
                std::optional<Commit> commit, Done done);
  void forget_undone(Done done);
  void forget_above(Height height, Done done);
  void forget_block(Height height, const Block& block, std::shared_ptr<store::RowChange> change, Done done);
  void forget_tree(Height height, const base::Bytes& from, std::shared_ptr<store::RowChange> change, Done done);

  const Genesis* genesis_ = nullptr;  // belongs to the owner
  ForkHistory forks_;
  Height floor_{};  // lowest height whose state was kept when the chain went back
  std::optional<Divergence> divergence_;
  store::Rows rows_;
  rows::Head head_;
  std::shared_ptr<const ValidatorSet> head_validators_;
  std::optional<Commit> head_commit_;
  NextBlock next_;
  base::Bytes prune_from_ = rows::stale_prefix();
  bool pruning_ = false;
  mutable RowCache cache_;
  mutable std::set<RowKey> missing_;
};

}  // namespace troupe::chain
