#include "actors/chain/queries.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

}  // namespace

struct Verification::Verifying {
  /// Rows that were recomputed, in memory; rows of the initial state are read from disk.
  class Rows final : public TreeRows {
   public:
    explicit Rows(const Ledger& ledger) : ledger_(ledger) {}
    RowBytes row(const RowKey& key) const override {
      if (const auto at = rows.find(key); at != rows.end()) return at->second;
      return kept && key.height <= *kept ? ledger_.row(key) : nullptr;
    }
    std::optional<Height> kept;  ///< the height of the initial state; nullopt: from the genesis on
    std::map<RowKey, RowBytes> rows;

   private:
    const Ledger& ledger_;
  };

  explicit Verifying(const Ledger& ledger) : state(ledger) {}
  Rows state;
  TreeRoot root;
  base::Digest receipts{};
  BlockId parent{};
  Height from, at, to;
  Fork fork;  // the fork at its start
  runtime::Reply<wire::ChainVerified> reply;

  void apply(const TreeUpdate& update) {
    for (const auto& [key, bytes] : update.rows) state.rows[key] = bytes;
    for (const RowKey& key : update.stale) state.rows.erase(key);
    root = update.root;
  }
  void answer(bool ok) {
    reply.send([&](wire::ChainVerified::Builder out) {
      out.setFrom(from.value);
      out.setTo(ok ? to.value : at.value);
      out.setOk(ok);
      out.setBadHeight(ok ? 0 : at.value);
    });
  }
};

void Verification::verify(wire::VerifyChain::Reader ask, runtime::Reply<wire::ChainVerified> reply) {
  if (verifying_)
    return reply.refuse({Code::overloaded, "a verification is already in progress", std::chrono::seconds(5)});
  auto verifying = std::make_shared<Verifying>(chain_.ledger);
  verifying->from = verifying->at = Height{ask.getFrom()};
  verifying->to = chain_.ledger.head().height;
  verifying->fork = chain_.fork;
  verifying->reply = std::move(reply);
  if (verifying->from.value > 0) return verify_from_state(std::move(verifying));
  auto made = update(verifying->state, TreeRoot{}, Height{0}, state_of(chain_.genesis()));
  verifying->apply(made.value());
  verifying->receipts = log_root({});
  verifying->parent = {chain_.id.bytes};
  verifying_ = true;
  verify_next(std::move(verifying));
}

/// Starts from that state's root, receipts and block.
void Verification::verify_from_state(std::shared_ptr<Verifying> verifying) {
  if (verifying->from > verifying->to || verifying->from < chain_.ledger.lowest_state())
    return verifying->reply.refuse(chain_.not_kept(verifying->from));
  verifying_ = true;
  const auto refuse = [this, verifying](const Error& why) {
    verifying_ = false;
    verifying->reply.refuse(why);
  };
  chain_.ledger.state_at(verifying->from, [this, verifying, refuse](base::Outcome<std::optional<TreeRoot>> root) {
    if (!root.ok() || !root.value()) return refuse(root.ok() ? chain_.not_kept(verifying->from) : root.error());
    verifying->root = *root.value();
    verifying->state.kept = verifying->from;
    chain_.ledger.receipts(verifying->from, [this, verifying, refuse](base::Outcome<std::vector<Bytes>> receipts) {
      if (!receipts.ok()) return refuse(receipts.error());
      verifying->receipts = log_root(receipts.value());
      chain_.ledger.block(verifying->from, [this, verifying, refuse](base::Outcome<std::optional<FinalRow>> row) {
        if (!row.ok() || !row.value()) return refuse(row.ok() ? chain_.not_kept(verifying->from) : row.error());
        verifying->parent = row.value()->commit.block;
        verify_next(verifying);
      });
    });
  });
}

void Verification::verify_next(std::shared_ptr<Verifying> verifying) {
  if (verifying->fork != chain_.fork) {
    verifying_ = false;
    return verifying->reply.refuse({Code::unavailable, "the chain went back to an earlier block: verify it again"});
  }
  if (verifying->at == verifying->to) {
    return chain_.ledger.state_at(verifying->to, [this, verifying](base::Outcome<std::optional<TreeRoot>> root) {
      verifying_ = false;
      if (!root.ok()) return verifying->reply.refuse(root.error());
      // If that state was dropped in between, later headers have confirmed it.
      verifying->answer(!root.value() || root.value()->hash == verifying->root.hash);
    });
  }
  verifying->at = verifying->at.next();
  chain_.ledger.block(verifying->at, [this, verifying](base::Outcome<std::optional<FinalRow>> row) {
    if (verifying->fork != chain_.fork) return verify_next(verifying);
    if (!row.ok() || !row.value()) return verified(verifying, false);
    auto block = parse_block(row.value()->block);
    if (!block.ok() || id_of(block.value().header) != row.value()->commit.block) return verified(verifying, false);
    const Fork fork = chain_.ledger.forks().of(verifying->at);
    std::vector<Approved> transactions;
    for (const SignedTransaction& one : block.value().transactions) {
      auto approved = Approved::verify(one, chain_.id, fork);
      if (!approved.ok()) return verified(verifying, false);
      transactions.push_back(std::move(approved).value());
    }
    struct Again {
      Block block;
      Commit commit;
      std::vector<Approved> transactions;
      bool good = false;
    };
    const auto step = std::make_shared<Again>(
        Again{std::move(block).value(), std::move(row.value()->commit), std::move(transactions)});
    chain_.ledger.with_rows(
        [this, verifying, step] {
          step->good = verify_block(*verifying, step->block, step->commit, step->transactions);
          return true;
        },
        [this, verifying, step](const base::Outcome<void>& read) {
          if (!read.ok() && verifying->state.kept && verifying->from < chain_.ledger.lowest_state()) {
            verifying_ = false;
            return verifying->reply.refuse(chain_.not_kept(verifying->from));
          }
          verified(verifying, read.ok() && step->good);
        });
  });
}

void Verification::verified(const std::shared_ptr<Verifying>& verifying, bool good) {
  if (good) return verify_next(verifying);
  verifying_ = false;
  verifying->answer(false);
}

/// Returns whether a block follows from what is before it. Applies its state if so; otherwise nothing changes.
bool Verification::verify_block(Verifying& verifying, const Block& block, const Commit& commit,
                                const std::vector<Approved>& transactions) const {
  const Header& header = block.header;
  const Fork fork = chain_.ledger.forks().of(verifying.at);
  if (header.state != verifying.root.hash || header.receipts != verifying.receipts ||
      header.parent != verifying.parent || header.height != verifying.at || header.fork != fork)
    return false;
  const BlockId id = id_of(header);
  StateView view(verifying.state, verifying.root);
  const auto validators = view.validators(), next_validators = view.next_validators();
  const auto presence = view.presence();
  const std::set<base::NodeId> judged = view.judged();
  const auto context = context_of(block, chain_.owner_of(header.proposer));
  if (!validators || !next_validators || !presence || !context) return false;
  if (!verify_commit(chain_.id, *validators, {fork, verifying.at, id}, commit, crypto::verify).ok() ||
      !judge_late(block.late, *presence, chain_.id, fork, crypto::verify).ok() ||
      !judge_evidence(block.evidence, {header.height, *validators, *next_validators, judged}, chain_.id, crypto::verify)
           .ok())
    return false;
  auto executed = execute(verifying.state, verifying.root, *context, transactions);
  if (!executed.ok()) return false;
  verifying.apply(executed.value().tree);
  verifying.receipts = executed.value().receipts_root;
  verifying.parent = id;
  return true;
}

}  // namespace troupe::chain
